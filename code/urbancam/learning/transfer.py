"""What models say where they were not trained: cells without income, and the cells of other cities.

A cell of the city itself is predicted by one model, that of its fold. So a foreign city is scored
by one model too: each fold's alone, and the mean of their scores. The mean of their outputs, an
ensemble, as a rule scores higher than its members (Hansen & Salamon 1990), and stands in rows of
its own.
"""

import numpy as np
import pandas as pd
import torch

from urbancam.learning.inputs import datasets
from urbancam.learning.inputs.images import open_images
from urbancam.learning.models import heads, networks
from urbancam.learning.training import inference
from urbancam.scoring import bootstrap, metrics
from urbancam.scoring.vocabulary import MODEL
from urbancam.workflow.paths import Paths
from urbancam.workflow.settings.sections import Statistics
from urbancam.workflow.settings.settings import Settings

SINGLE, ENSEMBLE = "single", "ensemble"  # one model at a time, or the mean of all their outputs
COLUMNS = [
    "trained_on",
    "tested_on",
    "models",
    "metric",
    "value",
    "ci_low",
    "ci_high",
    "difference",
    "difference_ci_low",
    "difference_ci_high",
    "n_models",
    "sd_models",
    "n_cells",
]


def cells_without_income(
    cells: pd.DataFrame, images: pd.DataFrame, max_void_fraction: float
) -> pd.Series:
    """Ids of the cells that have an image to read, and no income.

    Args:
        cells: `idINSPIRE, value`.
        images: `idINSPIRE, path, void_fraction`.
        max_void_fraction: Largest share of an image that may be void.
    """
    readable = images["path"].notna() & (images["void_fraction"] <= max_void_fraction)
    has_image = cells["idINSPIRE"].isin(images.loc[readable, "idINSPIRE"])
    return cells.loc[cells["value"].isna() & has_image, "idINSPIRE"]


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
    for fold in folds:
        network = networks.load(trained.weights(fold), settings.model).to(target_device)
        outputs.append(inference.predict(network, items, settings.image, workers))
    return torch.stack(outputs)


def predict_without_income(ids: pd.Series, outputs: torch.Tensor, head: str) -> pd.DataFrame:
    """The rows of `predictions_without_income.csv`.

    Args:
        ids: (N,) cells.
        outputs: (folds, N, outputs) of `predict_by_folds`.
        head: "binomial" or "softmax".
    """
    # ASSUME: nothing tells the folds' models apart where none was trained; the mean of their
    # outputs is the answer. It is scored nowhere, as these cells have no income.
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
    """The predictions of a city's cells by a model of another city, in place of its own model's.

    Args:
        own: Out-of-fold predictions of the city's own model.
        outputs: (N, outputs) of the other city's model for the same cells.
        head: "binomial" or "softmax".
    """
    foreign = inference.prediction_table(own["idINSPIRE"], 0, outputs, head)
    observed = [name for name in own if name not in foreign]
    return foreign.join(own[observed]).assign(fold=own["fold"])


def transfer_table(
    own_name: str,
    own: pd.DataFrame,
    foreign: dict[str, torch.Tensor],
    head: str,
    blocks: np.ndarray,
    statistics: Statistics,
    seed: int,
) -> pd.DataFrame:
    """The rows of `transfer.csv`: scores of the own model and of each foreign one on the city's
    cells.

    Args:
        own_name: Name of the city.
        own: Out-of-fold predictions of its own model, N rows.
        foreign: Name of another city -> (folds, N, outputs) of its models for the same cells.
        head: "binomial" or "softmax".
        blocks: (N,) spatial block of each cell.
        statistics: Section `statistics`.
        seed: Seed of the draws of blocks.
    """
    numbers, n_blocks = bootstrap.number_blocks(blocks)
    as_they_are = np.ones((1, n_blocks), dtype=int)
    counts = np.vstack([as_they_are, bootstrap.block_draws(blocks, statistics.draws, seed)])
    effective = float(bootstrap.effective_blocks(np.bincount(numbers)))

    def score(outputs: torch.Tensor) -> pd.DataFrame:
        return metrics.scores(predict_as_foreign(own, outputs, head), numbers, counts)

    of_models = {name: list(map(score, outputs)) for name, outputs in foreign.items()}
    of_ensembles = {name: score(outputs.mean(0)) for name, outputs in foreign.items()}
    own_scores = {MODEL: metrics.scores(own, numbers, counts)}
    means = {name: sum(scores) / len(scores) for name, scores in of_models.items()}
    single = metrics.compare(own_scores | means, effective, statistics)
    ensemble = metrics.compare(own_scores | of_ensembles, effective, statistics)
    table = pd.concat(
        [
            _add_spread(single, of_models).assign(models=SINGLE),
            ensemble[ensemble["predictor"] != MODEL].assign(models=ENSEMBLE),
        ],
        ignore_index=True,
    )
    trained_on = table["predictor"].replace({MODEL: own_name})
    return table.assign(trained_on=trained_on, tested_on=own_name, n_cells=len(own))[COLUMNS]


def _add_spread(table: pd.DataFrame, of_models: dict[str, list[pd.DataFrame]]) -> pd.DataFrame:
    """The rows of foreign models with their number, and the standard deviation of their scores.

    Args:
        table: `predictor, metric`.
        of_models: Name of a city -> scores of each of its models, the first row of the cells as
            they are.
    """
    spread = {}
    for name, scores in of_models.items():
        values = pd.DataFrame([draws.iloc[0] for draws in scores])
        spread |= {(name, metric): sd for metric, sd in values.std(ddof=1).items()}
    keys = list(zip(table["predictor"], table["metric"], strict=True))
    n_models = table["predictor"].map({name: len(scores) for name, scores in of_models.items()})
    return table.assign(n_models=n_models.astype("Int64"), sd_models=[spread.get(k) for k in keys])
