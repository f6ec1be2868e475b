"""The tables of a run's scores: the network beside its baselines, how sure it is, what it leaves
in space."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from urbancam.scoring import analyses, calibration, metrics, moran, resampling, temperature
from urbancam.scoring.predictions import VALIDATION_COLUMNS, check_values, rows_of
from urbancam.scoring.vocabulary import MODEL, SCALED_MODEL
from urbancam.workflow.settings.feature_sets import asked_for
from urbancam.workflow.settings.sections import Statistics
from urbancam.workflow.settings.settings import Settings


def evaluate(
    predictions: pd.DataFrame,
    baselines: Mapping[str, pd.DataFrame],
    validation: Mapping[int, pd.DataFrame],
    samples: pd.DataFrame,
    cells: pd.DataFrame,
    settings: Settings,
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """The predictions with the `block` of each cell, and all tables of scores.

    Args:
        predictions: Out-of-fold predictions of the network.
        baselines: Predictions of each baseline for the same cells, in the same order.
        validation: Predictions of the validation cells of each fold.
        samples: `samples.csv`.
        cells: `idINSPIRE, imputed, department, ind, campaign_year`.
        settings: Settings of the run.

    Returns:
        Predictions, and table by name.

    Raises:
        InputError: Validation predictions cannot be what a network said, or a cell is not there.
    """
    check_validation(validation)
    statistics, seed = settings.statistics, settings.seed
    predictions, block_sizes = resampling.add_blocks(
        predictions, samples, settings.split.block_m, statistics, seed
    )
    facts = rows_of(predictions["idINSPIRE"], cells, "cells.parquet")
    predictors = {MODEL: predictions, **baselines}
    tables = {"block_size": block_sizes}
    tables |= analyses.analyse(predictors, samples, facts, statistics, seed)
    imputed = facts["imputed"].to_numpy(dtype=bool)
    tables |= _calibrate(predictors, validation, imputed, statistics, seed)
    return predictions, tables | {
        "confusion_matrix": metrics.confusion_matrix(predictions),
        "classification_report": metrics.classification_report(predictions),
        "spatial_autocorrelation": moran.autocorrelation_table(predictions, imputed, seed),
        "metrics": metrics.metrics_table(
            predictors, imputed, predictions["block"].to_numpy(), statistics, seed
        ),
    }


def _calibrate(
    predictors: Mapping[str, pd.DataFrame],
    validation: Mapping[int, pd.DataFrame],
    imputed: np.ndarray,
    statistics: Statistics,
    seed: int,
) -> dict[str, pd.DataFrame]:
    """The tables of how sure predictors are, the network also with its temperature scaled.

    Args:
        predictors: "model", with the `block` of each cell, and the baselines -> predictions.
        validation: As in `evaluate`.
        imputed: (n,) bool, whether the income is imputed.
        statistics: Section `statistics`.
        seed: Seed of the bootstrap.
    """
    model = predictors[MODEL]
    blocks = model["block"].to_numpy()
    # The temperature is fitted on validation cells alone, so that test cells stay unseen.
    temperatures = temperature.temperatures(validation)
    scaled = temperature.scale_folds(model, temperatures)
    predictors = {MODEL: model, SCALED_MODEL: scaled, **predictors}
    errors = metrics.metrics_table(
        predictors, imputed, blocks, statistics, seed, score=calibration.scores
    )
    proper_scores = errors[errors["fold"] == "all"].drop(columns="fold")
    errors = calibration.error_rows(predictors, imputed, blocks)
    return {
        "calibration": pd.concat([proper_scores, errors], ignore_index=True),
        "reliability": calibration.reliability_table(predictors, blocks, statistics, seed),
        "temperatures": temperatures,
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
    for name in ("coordinates", "random_features", *asked_for(pooled.index.unique("predictor"))):
        if (name, "spearman") in value:
            counts[f"Spearman r of {name}"] = float(value[name, "spearman"])
    counts["accuracy"] = float(value[MODEL, "accuracy"])
    counts["calibration error"] = float(error[MODEL, "ece"])
    return counts
