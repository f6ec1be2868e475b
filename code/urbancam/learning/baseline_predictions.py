"""What each baseline says of the cells that the network predicted, on the same folds."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from urbancam.learning import baselines, place
from urbancam.scoring import samples as samples_table
from urbancam.scoring.predictions import rows_of
from urbancam.tables import frames
from urbancam.workflow.paths import Paths

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class KnownCells:
    """The cells whose class is known: those of a city, and of other cities as one more fold.

    Attributes:
        samples: (n,) `idINSPIRE, income_class, fold`.
        people: (n,) `idINSPIRE, ind`, in the order of the samples.
        fragments: Their land cover: `idINSPIRE, area_m2` and the column "class" or "code".
    """

    samples: pd.DataFrame
    people: pd.DataFrame
    fragments: pd.DataFrame


def read_cells(
    paths: Paths, others: list[Paths], used: pd.DataFrame, landcover_key: str
) -> KnownCells:
    """The known cells of a city and of the others that it learns from.

    Args:
        paths: Paths of the city and run.
        others: The same of the other cities; cells that both have are the city's own.
        used: Used cells of the city, rows of `samples.csv`.
        landcover_key: "class" or "code", the kinds of land cover told apart.
    """
    samples, people, fragments = [used], [], []
    for city in others:
        theirs = samples_table.read(city.samples)
        theirs = theirs[theirs["used"] & ~theirs["idINSPIRE"].isin(used["idINSPIRE"])]
        samples.append(theirs.assign(fold=used["fold"].max() + 1))
    for city, rows in zip([paths, *others], samples, strict=True):
        cells = frames.read(city.cells, ["idINSPIRE", "ind"])
        people.append(rows_of(rows["idINSPIRE"], cells, "cells.parquet"))
        table = frames.read(city.fragments, ["idINSPIRE", landcover_key, "area_m2"])
        fragments.append(table[table["idINSPIRE"].isin(rows["idINSPIRE"])])
    joined = (pd.concat(parts, ignore_index=True) for parts in (samples, people, fragments))
    return KnownCells(*joined)


def predict(
    predictions: pd.DataFrame,
    samples: pd.DataFrame,
    features: dict[str, np.ndarray],
    reaches_m: Sequence[float],
    tested_folds: Collection[int],
    units: pd.Series,
) -> dict[str, pd.DataFrame]:
    """The predictions of each baseline; it learns from all known cells of the other folds.

    Args:
        predictions: Predictions of the network; the answers of the baselines are in the order of
            its rows.
        samples: `income_class, fold` of the n known cells.
        features: Name of the baseline -> (n, number of features); one without says nothing.
        reaches_m: Reaches that `coordinates` chooses from, m.
        tested_folds: Folds that are predicted.
        units: (n,) what the split does not divide (`splits.units`).
    """
    if samples["fold"].nunique() < 2:
        log.info("no baselines: there is no other cell to learn from")
        return {}
    classes, folds = samples["income_class"].to_numpy(int), samples["fold"].to_numpy(int)
    predictors = {}
    for name, baseline in baselines.table(reaches_m).items():
        if name in features:
            columns = baselines.out_of_fold(
                baseline, features[name], classes, folds, tested_folds, units
            )
            predictors[name] = predictions.assign(**columns)
    if "coordinates" in predictors:
        reaches = place.chosen_reaches(
            features["coordinates"], classes, folds, tested_folds, reaches_m, units
        )
        told = ", ".join(f"{reach:g} m in fold {fold}" for fold, reach in reaches.items())
        log.info("coordinates: near cells count up to a reach of %s", told)
        predictors["coordinates"]["reach_m"] = predictions["fold"].map(reaches)
    return predictors


def chosen_reaches(predictors: dict[str, pd.DataFrame]) -> dict[str, dict[str, float]]:
    """What `coordinates` chose, as a fact of the record: fold -> reach, m."""
    if "coordinates" not in predictors:
        return {}
    of_folds = predictors["coordinates"].groupby("fold")["reach_m"].first()
    return {"reach_m": {str(fold): float(reach) for fold, reach in of_folds.items()}}
