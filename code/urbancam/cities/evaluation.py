"""The tables of the cities experiment: how well cities are named, and which look alike."""

import logging

import pandas as pd

from urbancam.cities import accuracy, arrangements, patches, similarity
from urbancam.tables import frames
from urbancam.workflow.paths import Paths
from urbancam.workflow.sections import Statistics

log = logging.getLogger(__name__)

RUN = "run"  # what accuracy.csv calls the run itself, beside its variants
TEXT = dict.fromkeys(("site", "image", "acquisition"), "str")  # names that may look like numbers


def read_predictions(paths: Paths, folds: int) -> tuple[pd.DataFrame, list[str]]:
    """The test predictions of a run or variant over all its folds.

    Returns:
        The predictions, checked against the patches that are tested; and the names of the cities
        that the networks tell apart.
    """
    files = [paths.test_predictions(fold) for fold in range(folds)]
    table = pd.concat([frames.read(file, dtype=TEXT) for file in files], ignore_index=True)
    index = frames.read(paths.patches)
    tested = patches.tested_patches(index, folds)
    accuracy.check_predictions(table, tested, paths.variant or RUN)
    return table, patches.city_numbers(index)[1]


def read_embeddings(paths: Paths, folds: int) -> pd.DataFrame:
    """The mean embedding of each site, over all folds."""
    return pd.concat([frames.read(paths.site_embeddings(fold)) for fold in range(folds)])


def accuracy_of(
    trained_on: str,
    predictions: pd.DataFrame,
    names: list[str],
    statistics: Statistics,
    seed: int,
) -> pd.DataFrame:
    """The rows of `accuracy.csv` of the run or of one variant.

    Args:
        trained_on: `RUN`, or name of the variant.
        predictions: Its test predictions.
        names: Names of the cities that its networks tell apart.
        statistics: Section `statistics`.
        seed: Seed of the draws.
    """
    scores = accuracy.accuracy_table(predictions, statistics, seed)
    scores = scores.assign(trained_on=trained_on, n_cities=len(names))
    scores.insert(0, "trained_on", scores.pop("trained_on"))
    return scores


def compare_cities(
    predictions: pd.DataFrame,
    sites: pd.DataFrame,
    names: list[str],
    statistics: Statistics,
    seed: int,
) -> dict[str, pd.DataFrame]:
    """What cities are taken for, and which look alike, by embeddings and by confusions.

    Args:
        predictions: Test predictions of the run.
        sites: Mean embeddings of its sites.
        names: Names of the cities.
        statistics: Section `statistics`.
        seed: Seed of the draws.

    Returns:
        Table by name.
    """
    confusion = accuracy.confusion_matrix(predictions, names)
    cities = confusion["city"].tolist()
    if untested := sorted(set(names) - set(cities)):
        log.info("these folds test no site of %s", ", ".join(untested))
    embeddings = sites.filter(regex=r"^e\d+$").to_numpy()
    by_embedding = similarity.by_embedding(sites, embeddings, cities, statistics, seed)
    by_confusion = similarity.by_confusion(predictions, cities, statistics, seed)
    both = (by_embedding, by_confusion)
    return {
        "confusion_matrix": confusion,
        "most_confused": accuracy.most_confused(confusion),
        "similarity_embedding": by_embedding.matrix(),
        "similarity_confusion": by_confusion.matrix(),
        "city_similarity": pd.concat([likeness.pairs() for likeness in both]),
        "city_tree": pd.concat([arrangements.merge_tree(likeness) for likeness in both]),
        "city_map": pd.concat([arrangements.place_cities(likeness, seed) for likeness in both]),
    }


def summarise(scores: pd.DataFrame, cities: int) -> dict[str, int | float]:
    """The scores of the summary line, from the rows of `accuracy.csv`."""
    overall = scores[(scores["subset"] == "all") & (scores["metric"] == "accuracy")]
    value = overall.set_index(["trained_on", "tested_on"])["value"]
    counts = {
        "patches": int(overall["n_patches"].iloc[0]),
        "cities": cities,
        "chance": 1 / cities,
        "accuracy": float(value[RUN, "as_is"]),
    }
    for name in ("jitter", "grey"):
        counts[f"accuracy on {name} patches"] = float(value[RUN, name])
    of_variants = value.xs("as_is", level="tested_on").drop(RUN)
    for name, number in of_variants.items():
        counts[f"accuracy of {name}"] = float(number)
    return counts
