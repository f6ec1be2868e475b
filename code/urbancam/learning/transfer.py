"""What models say where they were not trained: cells without income, and the cells of other cities.

A model here is the mean of the outputs of its run's folds.
"""

import numpy as np
import pandas as pd
import torch

from urbancam.learning import datasets, heads, inference, networks
from urbancam.learning.images import open_images
from urbancam.scoring import metrics
from urbancam.scoring.predictions import rows_of
from urbancam.scoring.vocabulary import MODEL
from urbancam.workflow.paths import Paths
from urbancam.workflow.settings import Settings


def cells_without_income(
    cells: pd.DataFrame, images: pd.DataFrame, max_void_fraction: float
) -> pd.Series:
    """Ids of the cells that have an image to read, and no income.

    Args:
        cells: `idINSPIRE, income_eur`.
        images: `idINSPIRE, path, void_fraction`.
        max_void_fraction: Largest share of an image that may be void.
    """
    readable = images["path"].notna() & (images["void_fraction"] <= max_void_fraction)
    has_image = cells["idINSPIRE"].isin(images.loc[readable, "idINSPIRE"])
    return cells.loc[cells["income_eur"].isna() & has_image, "idINSPIRE"]


def predict_by_folds(
    trained: Paths, predicted: Paths, ids: pd.Series, settings: Settings, device: str, workers: int
) -> torch.Tensor:
    """Outputs of the networks of a city's folds for cells of another city, or of the same.

    Args:
        trained: Paths of the city whose networks are asked.
        predicted: Paths of the city whose cells are predicted.
        ids: (N,) cells, all with an image.
        settings: Settings of the run.
        device: "auto", "cpu" or "cuda".
        workers: Processes that load images.

    Returns:
        (folds, N, outputs) float32 on the CPU.
    """
    folds = range(settings.folds_trained)
    if ids.empty:
        return torch.empty(len(folds), 0, heads.find_head(settings.model.head).outputs)
    images, rows = open_images(predicted, ids, settings.image, workers)
    items = datasets.LabelledImages(images, rows, np.zeros(len(rows), dtype=int))
    target_device = networks.find_device(device)
    outputs = []
    # ASSUME: where no fold's model was trained, all of them are asked, and the mean of their
    # outputs is the answer.
    for fold in folds:
        network = networks.load(trained.weights(fold), settings.model).to(target_device)
        outputs.append(inference.predict(network, items, settings, workers))
    return torch.stack(outputs)


def predict_without_income(ids: pd.Series, outputs: torch.Tensor, head: str) -> pd.DataFrame:
    """The rows of `predictions_without_income.csv`.

    Args:
        ids: (N,) cells.
        outputs: (folds, N, outputs) of `predict_by_folds`.
        head: "binomial" or "softmax".
    """
    table = inference.prediction_table(ids, -1, outputs.mean(0), head).drop(columns="fold")
    return table.assign(n_models=len(outputs), logit_sd=_spread_of_logit(outputs))


def _spread_of_logit(outputs: torch.Tensor) -> np.ndarray | float:
    """Standard deviation of the logit between the folds' models, NaN for a single one or a
    softmax head."""
    folds, cells, units = outputs.shape
    if units > 1 or folds == 1 or not cells:
        return float("nan")
    return outputs[..., 0].std(0).numpy()


def predict_as_foreign(own: pd.DataFrame, outputs: torch.Tensor, head: str) -> pd.DataFrame:
    """The predictions of a city's cells by the model of another city, in place of its own model's.

    Args:
        own: Out-of-fold predictions of the city's own model.
        outputs: (folds, N, outputs) of the other city's networks for the same cells.
        head: "binomial" or "softmax".
    """
    foreign = inference.prediction_table(own["idINSPIRE"], 0, outputs.mean(0), head)
    observed = [name for name in own if name not in foreign]
    return foreign.join(own[observed]).assign(fold=own["fold"])


def transfer_table(
    own_name: str,
    own: pd.DataFrame,
    foreign: dict[str, pd.DataFrame],
    cells: pd.DataFrame,
    samples: pd.DataFrame,
    settings: Settings,
) -> pd.DataFrame:
    """The rows of `transfer.csv`: scores of the own model and of each foreign one on the city's
    cells.

    Args:
        own_name: Name of the city.
        own: Out-of-fold predictions of its own model.
        foreign: Predictions of the same cells by the models of other cities, by name of the city.
        cells: `idINSPIRE, imputed`.
        samples: With the `block` of each cell.
        settings: Settings of the run.
    """
    ids = own["idINSPIRE"]
    statistics = settings.statistics
    scores = metrics.metrics_table(
        {MODEL: own} | foreign,
        rows_of(ids, cells, "cells.parquet")["imputed"].to_numpy(dtype=bool),
        rows_of(ids, samples, "samples.csv")["block"].to_numpy(),
        statistics.draws,
        statistics.confidence,
        settings.seed,
    )
    pooled = (scores["subset"] == "all") & (scores["fold"] == "all")
    scores = scores[pooled].drop(columns=["subset", "fold"])
    scores = scores.rename(columns={"predictor": "trained_on"})
    scores = scores.replace({"trained_on": {MODEL: own_name}})
    differences = scores["trained_on"].str.replace(f"{MODEL} - ", f"{own_name} - ", regex=False)
    scores["trained_on"] = differences
    scores.insert(1, "tested_on", own_name)
    return scores
