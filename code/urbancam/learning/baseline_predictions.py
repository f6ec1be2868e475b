"""What each baseline says of the cells that the network predicted, on the same folds."""

import logging

import pandas as pd

from urbancam.learning import baselines, image_features, networks
from urbancam.scoring import samples as samples_table
from urbancam.scoring.predictions import rows_of
from urbancam.tables import frames
from urbancam.workflow.paths import Paths
from urbancam.workflow.settings import Settings

log = logging.getLogger(__name__)


def predict(
    paths: Paths,
    settings: Settings,
    used: pd.DataFrame,
    predictions: pd.DataFrame,
    device: str,
    workers: int,
) -> dict[str, pd.DataFrame]:
    """The predictions of each baseline; it learns from all used cells of the other folds.

    Of a city that is left out they learn from the other cities: coordinates, which mean nothing
    there, and the image baselines, whose patches are each city's own, then say nothing.

    Args:
        paths: Paths of the city and run.
        settings: Settings of the run.
        used: Used cells of the city.
        predictions: Predictions of the network; the answers of the baselines are in the order of
            its rows.
        device: "auto", "cpu" or "cuda".
        workers: Threads that decode images, where that has to be done again.
    """
    other_cities = paths.cities_learned_from(settings.split.method)
    used, people, fragments = _read_cells(paths, other_cities, used, settings.landcover.key)
    if used["fold"].nunique() < 2:
        log.info("no baselines: there is no other cell to learn from")
        return {}
    features = baselines.cell_features(
        people, fragments, settings.landcover.key, settings.census.cell_size_m
    )
    if other_cities:
        del features["coordinates"]
    else:
        features |= image_features.cell_features(
            paths, used["idINSPIRE"], settings, workers, networks.find_device(device)
        )
    classes, folds = used["income_class"].to_numpy(int), used["fold"].to_numpy(int)
    tested_folds = range(settings.folds_trained)
    predictors = {}
    for name, baseline in baselines.table(settings.statistics.neighbours).items():
        if name in features:
            columns = baselines.out_of_fold(baseline, features[name], classes, folds, tested_folds)
            predictors[name] = predictions.assign(**columns)
    return predictors


def _read_cells(
    paths: Paths, other_cities: list[Paths], used: pd.DataFrame, landcover_key: str
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The used cells of the city, and of others as one more fold: their samples, people and
    fragments."""
    samples, people, fragments = [used], [], []
    for city in other_cities:
        theirs = samples_table.read(city.samples)
        theirs = theirs[theirs["used"] & ~theirs["idINSPIRE"].isin(used["idINSPIRE"])]
        samples.append(theirs.assign(fold=used["fold"].max() + 1))
    columns = ["idINSPIRE", landcover_key, "area_m2"]
    for city, rows in zip([paths, *other_cities], samples, strict=True):
        cells = frames.read(city.cells, ["idINSPIRE", "ind"])
        people.append(rows_of(rows["idINSPIRE"], cells, "cells.parquet"))
        table = frames.read(city.fragments, columns=columns)
        fragments.append(table[table["idINSPIRE"].isin(rows["idINSPIRE"])])
    joined = (pd.concat(parts, ignore_index=True) for parts in (samples, people, fragments))
    return tuple(joined)
