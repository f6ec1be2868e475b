"""The tables of the cities experiment: how well cities are named, and which look alike."""

import logging
from dataclasses import dataclass

import numpy as np
import pandas as pd

from urbancam.cities import (
    accuracy,
    arrangements,
    baselines,
    confusions,
    patches,
    pixels,
    similarity,
)
from urbancam.tables import frames
from urbancam.workflow.paths import Paths
from urbancam.workflow.settings.cities_sections import Cities
from urbancam.workflow.settings.sections import Statistics

log = logging.getLogger(__name__)

RUN = "run"  # what accuracy.csv calls the run itself, beside its variants
# Names that may look like numbers.
TEXT = dict.fromkeys(("city", "site", "image", "acquisition", *accuracy.CONDITIONS.values()), "str")


@dataclass(frozen=True)
class Tested:
    """A run, or a variant of it, over its trained folds.

    Attributes:
        settings: Section `cities`, as the run or variant has it.
        index: Its `patches.parquet`.
        predictions: Test predictions of its networks, checked against the index.
    """

    settings: Cities
    index: pd.DataFrame
    predictions: pd.DataFrame

    @property
    def cities(self) -> list[str]:
        """Names of the cities that the networks tell apart."""
        return patches.city_numbers(self.index)[1]


def read_tested(paths: Paths, settings: Cities) -> Tested:
    """The index of patches and the test predictions of a run or variant."""
    folds = settings.folds_trained
    files = [paths.test_predictions(fold) for fold in range(folds)]
    table = pd.concat([frames.read(file, dtype=TEXT) for file in files], ignore_index=True)
    index = frames.read(paths.patches)
    tested = patches.tested_patches(index, folds)
    accuracy.check_predictions(table, tested, paths.variant or RUN)
    return Tested(settings, index, table)


def describe_patches(
    runs: list[Tested], paths: Paths, bins: int, workers: int
) -> dict[str, pd.DataFrame]:
    """What the baselines see of all patches of a run and its variants, each described once.

    Args:
        runs: The run, and its variants.
        paths: Paths of the run.
        bins: Steps a channel of the colour histogram.
        workers: Threads that decode images, where the cache has to be filled.

    Returns:
        Name of the baseline -> a row of numbers for each window, by `pixels.WINDOW`.
    """
    settings = runs[0].settings
    windows = pd.concat([run.index[pixels.WINDOW] for run in runs]).drop_duplicates()
    images, rows = pixels.open_patches(paths, windows, settings.patch_px, settings.image, workers)
    keys = pd.MultiIndex.from_frame(windows)
    features = baselines.describe_all(images, rows, bins)
    return {name: pd.DataFrame(values, index=keys) for name, values in features.items()}


def name_by_baselines(
    run: Tested, features: dict[str, pd.DataFrame], seed: int
) -> dict[str, np.ndarray]:
    """The cities that the baselines name for the tested patches of a run, or of a variant.

    Args:
        run: The run or variant; baselines see no more colour than its networks do.
        features: Those of `describe_patches`.
        seed: Seed of the run.

    Returns:
        Name of the baseline -> cities, in the order of the predictions.
    """
    windows = pd.MultiIndex.from_frame(run.index[pixels.WINDOW])
    answers = {}
    for name in baselines.names_of(run.settings.colour):
        of_patches = features[name].reindex(windows).to_numpy()
        named = baselines.out_of_fold(of_patches, run.index, run.settings.folds_trained, seed)
        answers[name] = named.loc[run.predictions["patch_id"]].to_numpy()
    return answers


def read_embeddings(paths: Paths, folds: int) -> pd.DataFrame:
    """The mean embedding of each site, over all folds."""
    return pd.concat([frames.read(paths.site_embeddings(fold)) for fold in range(folds)])


def accuracy_of(
    trained_on: str,
    run: Tested,
    answers: dict[str, np.ndarray],
    statistics: Statistics,
    seed: int,
) -> pd.DataFrame:
    """The rows of `accuracy.csv` of the run or of one variant.

    Args:
        trained_on: `RUN`, or name of the variant.
        run: The run or variant.
        answers: What its baselines say, of `name_by_baselines`.
        statistics: Section `statistics`.
        seed: Seed of the draws.
    """
    scores = accuracy.accuracy_table(run.predictions, statistics, seed, answers)
    scores = scores.assign(trained_on=trained_on, n_cities=len(run.cities))
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
    confusion = confusions.confusion_matrix(predictions, names)
    cities = confusion["city"].tolist()
    if untested := sorted(set(names) - set(cities)):
        log.info("these folds test no site of %s", ", ".join(untested))
    embeddings = sites.filter(regex=r"^e\d+$").to_numpy()
    by_embedding = similarity.by_embedding(sites, embeddings, cities, statistics, seed)
    by_confusion = similarity.by_confusion(predictions, cities, statistics, seed)
    both = (by_embedding, by_confusion)
    return {
        "confusion_matrix": confusion,
        "most_confused": confusions.most_confused(confusion),
        "similarity_embedding": by_embedding.matrix(),
        "similarity_confusion": by_confusion.matrix(),
        "city_similarity": pd.concat([likeness.pairs() for likeness in both]),
        "city_tree": pd.concat([arrangements.merge_tree(likeness) for likeness in both]),
        "city_map": pd.concat([arrangements.place_cities(likeness, seed) for likeness in both]),
    }


def summarise(scores: pd.DataFrame, cities: int) -> dict[str, int | float]:
    """The scores of the summary line, from the rows of `accuracy.csv`."""
    overall = scores[(scores["grouping"] == "all") & (scores["metric"] == "accuracy")]
    of_predictor = overall.set_index(["trained_on", "tested_on", "predictor"])["value"]
    value = of_predictor.xs(accuracy.NETWORK, level="predictor")
    counts = {
        "patches": int(overall["n_patches"].iloc[0]),
        "cities": cities,
        "chance": 1 / cities,
        "accuracy": float(value[RUN, "as_is"]),
    }
    for name in ("jitter", "grey"):
        counts[f"accuracy on {name} patches"] = float(value[RUN, name])
    for name in baselines.names_of(""):
        if (RUN, "as_is", name) in of_predictor.index:
            label = f"accuracy of {name.replace('_', ' ')}"
            counts[label] = float(of_predictor[RUN, "as_is", name])
    of_variants = value.xs("as_is", level="tested_on").drop(RUN)
    for name, number in of_variants.items():
        counts[f"accuracy of {name}"] = float(number)
    return counts
