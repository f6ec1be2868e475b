"""How well a patch's city is named: accuracy with clustered intervals.

Patches overlap, and those of one image share sensor, date and light: they are not resampled one by
one. Whole sites are, and, as the second interval, whole images, within each city: the cities are
those of the question, not a sample of cities (bootstrap.py).
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from urbancam.scoring.bootstrap import (
    Estimate,
    block_draws,
    block_sums,
    divide,
    effective_blocks,
    number_blocks,
)
from urbancam.scoring.vocabulary import DIFFERENCE, VALUE
from urbancam.workflow.errors import InputError
from urbancam.workflow.settings.sections import Statistics

# How the tested patches are changed, and the column of predictions with the network's answer.
AS_IS = "as_is"
CONDITIONS = {
    AS_IS: "predicted_city",
    "jitter": "predicted_city_jitter",
    "grey": "predicted_city_grey",
}
NETWORK = "network"
GROUPINGS = ("city", "acquisition", "fold")
# What is resampled, and the name of the interval's columns.
CLUSTERS = {
    "site": "ci",
    "image": "image_ci",
}


def find_hits(
    predictions: pd.DataFrame,
    answers: Mapping[str, np.ndarray],
) -> dict[tuple[str, str], np.ndarray]:
    """Which patches are named rightly, by the network and by its baselines.

    Args:
        predictions: `city` and the columns of `CONDITIONS`, a row per patch.
        answers: Name of a baseline -> (N,) cities that it names, of patches as they are.

    Returns:
        (predictor, condition) -> (N,) 0 or 1.
    """
    city = predictions["city"].to_numpy()
    hits = {
        (NETWORK, condition): (predictions[column].to_numpy() == city).astype(int)
        for condition, column in CONDITIONS.items()
    }
    of_baselines = {(name, AS_IS): (named == city).astype(int) for name, named in answers.items()}
    return hits | of_baselines


def count_hits(
    predictions: pd.DataFrame,
    hits: Mapping[tuple[str, str], np.ndarray],
) -> pd.DataFrame:
    """Patches and right answers of each image: all that accuracies need.

    Args:
        predictions: `city, site, image, acquisition, fold`, a row per patch.
        hits: Those of `find_hits`.

    Returns:
        `city, site, image, acquisition, fold, n_patches`, and a column for each of the hits;
        `site` and `image` made unique by what holds them.
    """
    # Images of unknown acquisition are an acquisition of their own.
    keys = ["city", "site", "image", "acquisition", "fold"]
    table = predictions[keys].astype({"acquisition": "str"})
    table = table.fillna({"acquisition": "unknown"}).assign(n_patches=1)
    for predictor, of_patches in hits.items():
        table[predictor] = of_patches

    # Cities may have sites, and sites images, of equal names.
    table["site"] = table["city"] + "/" + table["site"].astype(str)
    table["image"] = table["site"] + "/" + table["image"].astype(str)
    return table.groupby(keys, as_index=False, sort=True).sum()


def accuracy_table(
    predictions: pd.DataFrame,
    statistics: Statistics,
    seed: int,
    answers: Mapping[str, np.ndarray] | None = None,
) -> pd.DataFrame:
    """Accuracy over all patches, per city, per acquisition and per fold, in each condition.

    Args:
        predictions: `city, site, image, acquisition, fold` and the columns of `CONDITIONS`, a row
            per patch.
        statistics: Section `statistics`.
        seed: Seed of the draws.
        answers: What baselines say of the patches, as for `find_hits`.

    Returns:
        `predictor, tested_on, grouping, subset, metric, value`, `ci_low, ci_high` (sites
        resampled), `image_ci_low, image_ci_high` (images resampled), `difference` (the network's
        accuracy less a baseline's) with the same intervals, `n_patches, n_images, n_sites`. Metric
        `balanced_accuracy` is the mean over cities of each city's accuracy.
    """
    hits = find_hits(predictions, answers or {})
    images = count_hits(predictions, hits)
    rows, members = _memberships(images)
    parts = []
    for predictor, condition in hits:
        scores = _score(images, members, rows, (predictor, condition), statistics, seed)
        scores.insert(0, "predictor", predictor)
        scores.insert(1, "tested_on", condition)
        parts.append(scores)
    return pd.concat(parts, ignore_index=True)


def _memberships(images: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """The m subsets by name, and which of the n images each of them holds, (n, m) bool."""
    rows = [("all", "all")]
    members = [np.ones(len(images), dtype=bool)]
    for grouping in GROUPINGS:
        for subset in sorted(images[grouping].unique()):
            rows.append((grouping, subset))
            members.append((images[grouping] == subset).to_numpy())
    table = pd.DataFrame(rows, columns=["grouping", "subset"])
    table["metric"] = "accuracy"
    return table, np.column_stack(members)


def _score(
    images: pd.DataFrame,
    members: np.ndarray,
    rows: pd.DataFrame,
    key: tuple[str, str],
    statistics: Statistics,
    seed: int,
) -> pd.DataFrame:
    """The rows of the table of one predictor in one condition, the balanced accuracy last."""
    last_row = ("all", "all", "balanced_accuracy")
    table = pd.concat([rows, pd.DataFrame([last_row], columns=rows.columns)], ignore_index=True)
    hits = images[key].to_numpy()
    table = table.assign(**_accuracies(images, hits, members, rows, VALUE, statistics, seed))

    # Right answers of the network less the predictor's: their share is the difference of accuracies
    more = images[NETWORK, AS_IS].to_numpy() - hits
    differences = _accuracies(images, more, members, rows, DIFFERENCE, statistics, seed)
    of_network = key[0] == NETWORK
    table = table.assign(**(dict.fromkeys(differences, np.nan) if of_network else differences))

    # The balanced accuracy is of all patches, as the first row is.
    sizes = _sizes(images["site"], images["n_patches"].to_numpy()[:, None] * members, members)
    sizes = np.vstack([sizes, sizes[0]])
    table[["n_patches", "n_images", "n_sites"]] = sizes
    return table


def _accuracies(
    images: pd.DataFrame,
    hits: np.ndarray,
    members: np.ndarray,
    rows: pd.DataFrame,
    quantity: str,
    statistics: Statistics,
    seed: int,
) -> dict[str, np.ndarray]:
    """A quantity's column and its intervals' columns, (m + 1,) each.

    Args:
        images: `site, image, city, n_patches`, n rows.
        hits: (n,) right answers of each image.
        members: (n, m) which images each subset holds.
        rows: The m subsets.
        quantity: Name of the column.
        statistics: Section `statistics`.
        seed: Seed of the draws.
    """
    # (n, m): patches and right answers of each image, in the subsets that hold it.
    patches = images["n_patches"].to_numpy()[:, None] * members
    hits = hits[:, None] * members
    is_city = (rows["grouping"] == "city").to_numpy()
    accuracies = divide(hits.sum(axis=0), patches.sum(axis=0))
    columns = {quantity: _add_balanced(accuracies[None], is_city)[0]}

    # Accuracies of a draw are ratios of its sums.
    prefix = "" if quantity == VALUE else f"{quantity}_"
    for cluster, label in CLUSTERS.items():
        numbers, n_clusters = number_blocks(images[cluster])
        counts = block_draws(images[cluster], statistics.draws, seed, strata=images["city"])
        hits_of_draws = counts @ block_sums(hits, numbers, n_clusters)
        patches_of_draws = counts @ block_sums(patches, numbers, n_clusters)
        accuracies = divide(hits_of_draws, patches_of_draws)
        clusters = _effective_clusters(block_sums(patches, numbers, n_clusters), is_city)
        draws = _add_balanced(accuracies, is_city)
        low, high = Estimate(columns[quantity], draws, clusters).interval(statistics)
        columns |= {f"{prefix}{label}_low": low, f"{prefix}{label}_high": high}
    return columns


def _add_balanced(accuracies: np.ndarray, is_city: np.ndarray) -> np.ndarray:
    """(draws, m) -> (draws, m + 1): the mean over cities last."""
    balanced = accuracies[:, is_city].mean(axis=1)
    return np.column_stack([accuracies, balanced])


def _effective_clusters(patches: np.ndarray, is_city: np.ndarray) -> np.ndarray:
    """(m + 1,) clusters that each row of the table rests on, the balanced accuracy last.

    Each city costs its mean, so k cities of n clusters are worth k (n - 1) + 1.

    Args:
        patches: (n_clusters, m) patches of each cluster in each subset.
        is_city: (m,) bool, the subsets that are cities.
    """
    of_city = patches[:, is_city] > 0  # (n_clusters, cities)
    freedom = np.zeros(patches.shape[1])
    for cluster_is_own in of_city.T:
        clusters = effective_blocks(patches * cluster_is_own[:, None])
        freedom += np.maximum(clusters - 1, 0)
    # ASSUME: the balanced accuracy rests on as many as the accuracy of all patches does.
    return np.append(freedom, freedom[0]) + 1


def _sizes(
    sites: pd.Series,
    patches: np.ndarray,
    members: np.ndarray,
) -> np.ndarray:
    """(m, 3) number of patches, images and sites of each subset."""
    n_patches = patches.sum(axis=0)
    n_images = members.sum(axis=0)
    n_sites = [sites[member].nunique() for member in members.T]
    return np.column_stack([n_patches, n_images, n_sites])


def check_predictions(
    predictions: pd.DataFrame,
    tested: pd.DataFrame,
    where: str,
) -> None:
    """Refuse predictions that are not of the tested patches, each exactly once.

    Args:
        predictions: `patch_id, city, fold` of all folds.
        tested: `patch_id, city, fold` that should be there.
        where: Place of the predictions, for the message.

    Raises:
        InputError: A patch is missing, comes twice, should not be there, or is of another city or
            fold.
    """
    keys = ["patch_id", "city", "fold"]
    got = predictions[keys].astype({"fold": int})
    expected = tested[keys].astype({"fold": int})
    merged = got.merge(expected, "outer", indicator=True)
    unmatched = merged["_merge"] != "both"
    odd = merged.loc[unmatched | merged.duplicated("patch_id"), "patch_id"]
    if len(odd):
        raise InputError(
            f"{len(odd):,} predictions are not those of the tested patches, the first of "
            f"{odd.iloc[0]}",
            where,
            "train again: 23_train_cities",
        )
