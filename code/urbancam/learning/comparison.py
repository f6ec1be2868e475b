"""A run beside its variants: its scores under other splits with what each split leaks, and under
other seeds."""

import logging

import pandas as pd

from urbancam.learning import leakage
from urbancam.scoring.predictions import rows_of
from urbancam.scoring.samples import read_used
from urbancam.tables import frames
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import Paths
from urbancam.workflow.settings import other_cities
from urbancam.workflow.settings.settings import Settings

log = logging.getLogger(__name__)

LEFT_OUT = "city"  # the split that leaves the whole city out of its own training
SEED_TABLES = {  # compared between seeds -> the column that names a value
    "metrics": "metric",
    "activation_contrast": "class",
    "contribution": "class",
}


def leakage_table(paths: Paths, trained: dict[str, Paths], settings: Settings) -> pd.DataFrame:
    """Scores under each split, and what each split leaks (`leakage.csv`).

    Args:
        paths: Paths of the city and run.
        trained: Method of splitting -> paths of the run or variant that was trained under it.
        settings: Settings of the run.
    """
    trained_only = [name for name in trained if name not in (*leakage.METHODS, LEFT_OUT)]
    parts = [
        _trained_split(method, trained[method], settings)
        if method in trained
        else _untrained_split(method, paths, settings)
        for method in (*leakage.METHODS, *trained_only)
    ]
    if LEFT_OUT in trained:
        parts.append(_left_out(paths, trained[LEFT_OUT], settings))
    table = pd.concat([part for part in parts if part is not None], ignore_index=True)
    table.insert(0, "split", table.pop("split"))
    return table


def _trained_split(method: str, paths: Paths, settings: Settings) -> pd.DataFrame:
    """Scores of a split that was trained, and what it leaks."""
    cells = read_used(paths.samples)
    folds = _tested_folds(method, cells, settings)
    leaks = leakage.count_leaks(cells, method, settings, folds)
    return _scores_of(paths).assign(split=method, folds=folds, **leaks)


def _untrained_split(method: str, paths: Paths, settings: Settings) -> pd.DataFrame | None:
    """What the coordinates reach under a split that was not trained.

    None where a small city has too few blocks.
    """
    samples = read_used(paths.samples)
    try:
        cells = leakage.split_again(samples, method, settings)
    except InputError as error:
        log.info("leaves out the split by %s, which was not trained: %s", method, error.what)
        return None
    folds = settings.split.folds
    predictions = frames.read(paths.predictions)
    predicted = cells["idINSPIRE"].isin(predictions["idINSPIRE"])
    observed = rows_of(cells.loc[predicted, "idINSPIRE"], predictions, "predictions.csv")
    blocks = observed["block"].to_numpy()
    scores = leakage.score_coordinates(cells, observed, blocks, settings)
    leaks = leakage.count_leaks(cells, method, settings, folds)
    return scores.assign(predictor="coordinates", split=method, folds=folds, **leaks)


def _left_out(paths: Paths, variant: Paths, settings: Settings) -> pd.DataFrame:
    """Scores of the city left out of its own training, and what it shares with the cities that
    taught."""
    cells = read_used(variant.samples)
    folds = _tested_folds(LEFT_OUT, cells, settings)
    others = [read_used(city.samples) for city in other_cities.of_same_value(paths)]
    teaching = pd.concat(others, ignore_index=True)
    leaks = leakage.count_shared(cells, teaching)
    return _scores_of(variant).assign(split=LEFT_OUT, folds=folds, **leaks)


def _scores_of(paths: Paths) -> pd.DataFrame:
    return leakage.pooled_scores(frames.read(paths.table("metrics")))


def _tested_folds(method: str, cells: pd.DataFrame, settings: Settings) -> int:
    """How many folds were trained and tested under a split: the run's own, or as many as
    variants train."""
    own = method == settings.split.method
    trained = settings.split.trained_folds if own else settings.compare.folds
    return min(trained or settings.folds_trained, cells["fold"].nunique())


def seeds_table(trained: list[Paths]) -> pd.DataFrame:
    """Spread of scores, contrasts and contributions over seeds (`seeds.csv`).

    Args:
        trained: Paths of the run, and of the variants with another seed.
    """
    return leakage.spread_over_seeds([_values_of_seed(paths) for paths in trained])


def _values_of_seed(paths: Paths) -> pd.DataFrame:
    """What is compared between seeds: `quantity, metric, class, value`."""
    parts = []
    for quantity, name in SEED_TABLES.items():
        table = frames.read(paths.table(quantity))
        if quantity == "metrics":
            table = leakage.pooled_scores(table).query("predictor == 'model'")
        table = table.rename(columns={"log_ratio": "value"})[[name, "value"]]
        parts.append(table.assign(quantity=quantity))
    columns = ["quantity", "metric", "class", "value"]
    return pd.concat(parts, ignore_index=True)[columns]
