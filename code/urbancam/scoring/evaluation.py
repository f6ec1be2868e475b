"""The tables of a run's scores: the network beside its baselines, how sure it is, what it leaves
in space."""

from collections.abc import Mapping

import pandas as pd

from urbancam.scoring import calibration, metrics, moran, temperature
from urbancam.scoring.predictions import VALIDATION_COLUMNS, check_values, rows_of
from urbancam.scoring.vocabulary import MODEL, SCALED_MODEL
from urbancam.workflow.sections import Statistics


def evaluate(
    predictions: pd.DataFrame,
    baselines: Mapping[str, pd.DataFrame],
    validation: Mapping[int, pd.DataFrame],
    cells: pd.DataFrame,
    statistics: Statistics,
    cell_size_m: float,
    seed: int,
) -> dict[str, pd.DataFrame]:
    """All tables of scores.

    Args:
        predictions: Out-of-fold predictions of the network, with the `block` of each cell.
        baselines: Predictions of each baseline for the same cells, in the same order.
        validation: Predictions of the validation cells of each fold.
        cells: `idINSPIRE, imputed`.
        statistics: Section `statistics`.
        cell_size_m: Side of a cell, m.
        seed: Seed of the bootstrap and of the permutations.

    Returns:
        Table by name, `metrics` last.
    """
    ids = predictions["idINSPIRE"]
    imputed = rows_of(ids, cells, "cells.parquet")["imputed"].to_numpy(dtype=bool)
    blocks = predictions["block"].to_numpy()
    predictors = {MODEL: predictions, **baselines}
    scores = metrics.metrics_table(predictors, imputed, blocks, statistics, seed)

    # The temperature is fitted on validation cells alone, so that test cells stay unseen.
    temperatures = temperature.temperatures(validation)
    scaled = temperature.scale_folds(predictions, temperatures)
    predictors = {MODEL: predictions, SCALED_MODEL: scaled, **baselines}
    errors = metrics.metrics_table(
        predictors, imputed, blocks, statistics, seed, score=calibration.scores
    )
    proper_scores = errors[errors["fold"] == "all"].drop(columns="fold")
    errors = calibration.error_rows(predictors, imputed, blocks)
    return {
        "confusion_matrix": metrics.confusion_matrix(predictions),
        "classification_report": metrics.classification_report(predictions),
        "calibration": pd.concat([proper_scores, errors], ignore_index=True),
        "reliability": calibration.reliability_table(predictors, blocks, statistics, seed),
        "temperatures": temperatures,
        "spatial_autocorrelation": moran.autocorrelation_table(
            predictions, imputed, cell_size_m, seed
        ),
        "metrics": scores,
    }


def check_validation(tables: Mapping[int, pd.DataFrame]) -> None:
    """Raise if the validation predictions of a fold cannot be what a network said."""
    for fold, table in tables.items():
        check_values(table, fold, "validation_predictions.csv", VALIDATION_COLUMNS)


def summarise(tables: Mapping[str, pd.DataFrame]) -> dict[str, int | float]:
    """The scores of the summary line, from the tables of `evaluate`."""
    metric, calibration_errors = tables["metrics"], tables["calibration"]
    pooled = metric[(metric["subset"] == "all") & (metric["fold"] == "all")]
    pooled = pooled.set_index(["predictor", "metric"])
    errors = calibration_errors[calibration_errors["subset"] == "all"]
    error = errors.set_index(["predictor", "metric"])["value"]
    value = pooled["value"]
    counts = {
        "cells": int(pooled["n_cells"].iloc[0]),
        "Spearman r": float(value[MODEL, "spearman"]),
    }
    for name in ("coordinates", "random_features"):
        if (name, "spearman") in value:
            counts[f"Spearman r of {name}"] = float(value[name, "spearman"])
    counts["accuracy"] = float(value[MODEL, "accuracy"])
    counts["calibration error"] = float(error[MODEL, "ece"])
    return counts
