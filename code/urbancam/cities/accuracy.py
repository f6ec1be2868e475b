"""How well a patch's city is named: accuracy with clustered intervals, confusions, and what cities are taken for.

Patches overlap, and those of one image share sensor, date and light: they are not resampled one by one. Whole sites
are, and, as the second interval, whole images (bootstrap.py).
"""

import numpy as np
import pandas as pd

from urbancam.scoring import metrics
from urbancam.scoring.bootstrap import block_draws, block_sums, divide, interval, number_blocks
from urbancam.workflow.errors import InputError

# How the tested patches are changed, and the column of predictions that holds what the network then says.
CONDITIONS = {
    "as_is": "predicted_city",
    "jitter": "predicted_city_jitter",
    "grey": "predicted_city_grey",
}
SUBSETS = ("city", "acquisition", "fold")
CLUSTERS = {
    "site": "ci",
    "image": "image_ci",
}  # what is resampled, and the name of the interval's columns


def count_hits(predictions: pd.DataFrame) -> pd.DataFrame:
    """Patches and right answers of each image: all that accuracies need.

    Args:
        predictions: `city, site, image, acquisition, fold` and the columns of `CONDITIONS`, a row per patch.

    Returns:
        `city, site, image, acquisition, fold, n`, a column per condition; `site` and `image` made unique by what holds
        them.
    """
    keys = ["city", "site", "image", "acquisition", "fold"]
    hits = {name: predictions[column] == predictions["city"] for name, column in CONDITIONS.items()}
    table = (
        predictions[keys]
        .astype({"acquisition": "str"})
        .fillna({"acquisition": "unknown"})
        .assign(n=1, **hits)
    )
    table["site"] = table["city"] + "/" + table["site"].astype(str)
    table["image"] = table["site"] + "/" + table["image"].astype(str)
    return table.groupby(keys, as_index=False, sort=True).sum()


def accuracy_table(
    predictions: pd.DataFrame, draws: int, confidence: float, seed: int
) -> pd.DataFrame:
    """Accuracy over all patches, per city, per acquisition and per fold, on patches as they are, jittered and grey.

    Args:
        predictions: as for `count_hits`.
        draws: of the bootstrap.
        confidence: of the intervals, 0..1.
        seed: of the draws.

    Returns:
        `tested_on, subset, name, metric, value`, `ci_low, ci_high` (sites resampled), `image_ci_low, image_ci_high`
        (images resampled), `n_patches, n_images, n_sites`. Metric `balanced_accuracy` is the mean over cities of
        each city's accuracy.
    """
    counted = count_hits(predictions)
    rows, members = _memberships(counted)
    parts = [_score(counted, members, rows, name, draws, confidence, seed) for name in CONDITIONS]
    return pd.concat(parts, ignore_index=True)


def _memberships(counted: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Names of the subsets, m rows, and which of the n images each holds, (n, m) of 0 and 1."""
    named = [(subset, name) for subset in SUBSETS for name in sorted(counted[subset].unique())]
    columns = [np.ones(len(counted), dtype=bool)]
    columns += [(counted[subset] == name).to_numpy() for subset, name in named]
    rows = pd.DataFrame([("all", "all"), *named], columns=["subset", "name"])
    return rows.assign(metric="accuracy"), np.column_stack(columns)


def _score(
    counted, members, rows, condition: str, draws: int, confidence: float, seed: int
) -> pd.DataFrame:
    n = counted["n"].to_numpy()[:, None] * members
    hits = counted[condition].to_numpy()[:, None] * members
    is_city = (rows["subset"] == "city").to_numpy()
    table = pd.concat(
        [rows, pd.DataFrame([("all", "all", "balanced_accuracy")], columns=rows.columns)]
    )
    table.insert(0, "tested_on", condition)
    table["value"] = _with_balanced(divide(hits.sum(axis=0), n.sum(axis=0))[None], is_city)[0]
    for cluster, label in CLUSTERS.items():
        numbers, count = number_blocks(counted[cluster])
        counts = block_draws(counted[cluster], draws, seed)
        drawn = divide(
            counts @ block_sums(hits, numbers, count), counts @ block_sums(n, numbers, count)
        )
        table[f"{label}_low"], table[f"{label}_high"] = interval(
            _with_balanced(drawn, is_city), confidence
        )
    sizes = np.column_stack(
        [n.sum(axis=0), members.sum(axis=0), _count_sites(counted["site"], members)]
    )
    table[["n_patches", "n_images", "n_sites"]] = np.vstack([sizes, sizes[0]])
    return table


def _with_balanced(accuracies: np.ndarray, is_city: np.ndarray) -> np.ndarray:
    """(draws, m) -> (draws, m + 1): the mean over cities comes last; NaN where a draw lacks a city."""
    return np.column_stack([accuracies, accuracies[:, is_city].mean(axis=1)])


def _count_sites(sites: pd.Series, members: np.ndarray) -> list[int]:
    return [sites[chosen].nunique() for chosen in members.T]


def check_predictions(predictions: pd.DataFrame, tested: pd.DataFrame, where: str) -> None:
    """Refuse predictions that are not of the tested patches, each exactly once.

    Args:
        predictions: `patch_id, city, fold` of all folds.
        tested: `patch_id, city, fold` that should be there.
        where: for the message.

    Raises:
        InputError: a patch is missing, comes twice, should not be there, or is of another city or fold.
    """
    keys = ["patch_id", "city", "fold"]
    got, expected = (table[keys].astype({"fold": int}) for table in (predictions, tested))
    merged = got.merge(expected, "outer", indicator=True)
    odd = merged[(merged["_merge"] != "both") | merged.duplicated("patch_id")]
    if len(odd):
        raise InputError(
            f"{len(odd):,} predictions are not those of the tested patches, the first of "
            f"{odd['patch_id'].iloc[0]}",
            where,
            "train again: 23_train_cities",
        )


# ---- confusions


def confusion_matrix(predictions: pd.DataFrame, cities: list[str]) -> pd.DataFrame:
    """Patches by tested city (rows) and predicted city: column `city`, then one column per city."""
    tested = sorted(predictions["city"].unique())
    return metrics.count_pairs(predictions, "city", "predicted_city", tested, cities)


def most_confused(confusion: pd.DataFrame, count: int = 5) -> pd.DataFrame:
    """For each city those it is most often taken for, sorted as numbers; never itself, never one with no patch.

    Args:
        confusion: from `confusion_matrix`.
        count: how many at most.

    Returns:
        `city, rank` (1 ..), `taken_for, n` (patches), `share` (of the city's patches).
    """
    counts = confusion.set_index("city")
    long = counts.rename_axis("taken_for", axis=1).stack().rename("n").reset_index()
    long["share"] = divide(long["n"].to_numpy(), counts.sum(axis=1).loc[long["city"]].to_numpy())
    long = long[(long["city"] != long["taken_for"]) & (long["n"] > 0)]
    long = long.sort_values(["city", "n", "taken_for"], ascending=[True, False, True])
    long.insert(1, "rank", long.groupby("city").cumcount() + 1)
    return long[long["rank"] <= count].reset_index(drop=True)
