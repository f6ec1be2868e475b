"""Calibration: whether cells called class k with probability .6 are of class k in 6 of 10 cases.

A calibration error is a sum of squares, so chance alone makes it larger than zero: the more, the
fewer cells there are, and once more in the draws of a bootstrap. What chance adds is taken off
(Broecker 2012; Kumar et al. 2019, section 5), and no interval is given; predictors are compared by
proper scores (nll, rps, brier) alone.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from urbancam.scoring.bootstrap import (
    Estimate,
    block_draws,
    block_sums,
    divide,
    effective_blocks,
    number_blocks,
)
from urbancam.scoring.metrics import negative_log_likelihood, ranked_probability_score
from urbancam.scoring.vocabulary import INCOME_CLASSES, PROBABILITIES
from urbancam.workflow.settings.sections import Statistics

# Of as many cells each (adaptive binning, Nguyen & O'Connor 2015): in bins of equal width most
# cells of an unsure network share one or two.
BINS = 10


def brier(probabilities: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """(n,) squared distance of the probabilities from the truth, summed over classes, 0..2.

    Brier 1950.
    """
    truth = np.eye(len(INCOME_CLASSES))[classes]
    return ((probabilities - truth) ** 2).sum(axis=1)


def bin_of(probability: np.ndarray) -> np.ndarray:
    """Number of the bin, 0 .. 9, of each probability.

    The edges are the probabilities' deciles, so that a bin holds a tenth of the cells; it holds its
    upper edge, so that equal probabilities stand together.
    """
    if not len(probability):
        return np.zeros(0, dtype=int)
    edges = np.quantile(probability, np.arange(1, BINS) / BINS, method="inverted_cdf")
    return np.searchsorted(edges, probability, side="left")


def calibration_error(
    probability: np.ndarray,
    occurs: np.ndarray,
    numbers: np.ndarray,
    n_blocks: int,
) -> float:
    """Root mean square of what a bin's frequency differs from its probability, chance taken off.

    sum_b n_b / n (gap_b^2 - var(gap_b)), 0 where chance explains more than there is; gap_b is the
    mean of occurs - probability in bin b, and its variance that of sums over blocks, since cells of
    a block are alike (at least that of independent cells).

    Args:
        probability: (n,) of the event.
        occurs: (n,) bool, whether the event occurs.
        numbers: (n,) block of each cell.
        n_blocks: Number of blocks.

    Returns:
        0..1, NaN without cells.
    """
    if not len(numbers):
        return np.nan
    ones = np.ones(len(numbers))
    cells = _sums_by_bin(probability, ones, numbers, n_blocks)
    gaps = _sums_by_bin(probability, occurs - probability, numbers, n_blocks)
    by_chance = _sums_by_bin(probability, probability * (1 - probability), numbers, n_blocks)
    n = cells.sum(axis=0)
    gap = divide(gaps.sum(axis=0), n)
    blocks = (cells > 0).sum(axis=0)
    squares = ((gaps - cells * gap) ** 2).sum(axis=0)
    variance = divide(squares * blocks, np.maximum(blocks - 1, 1) * n**2)
    variance = np.maximum(variance, divide(by_chance.sum(axis=0), n**2))
    mean_square = np.nansum(n * (gap**2 - variance)) / n.sum()
    return float(np.sqrt(max(0, mean_square)))


def _sums_by_bin(
    probability: np.ndarray,
    values: np.ndarray,
    numbers: np.ndarray,
    n_blocks: int,
) -> np.ndarray:
    """(n_blocks, 10) sums of values over the cells of each block and bin."""
    place = numbers * BINS + bin_of(probability)
    sums = np.bincount(place, values, minlength=n_blocks * BINS)
    return sums.reshape(n_blocks, BINS)


def _top_label(predictions: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """(n,) probability of the predicted class, and whether it is the right one."""
    observed = predictions["income_class"].to_numpy()
    predicted = predictions["predicted_class"].to_numpy()
    cells = np.arange(len(predicted))
    confidence = predictions[PROBABILITIES].to_numpy()[cells, predicted]
    return confidence, predicted == observed


def scores(
    predictions: pd.DataFrame,
    numbers: np.ndarray,
    counts: np.ndarray,
) -> pd.DataFrame:
    """How well calibrated the probabilities are, in every draw.

    Args:
        predictions: As of `metrics.scores`.
        numbers: As of `metrics.scores`.
        counts: As of `metrics.scores`.

    Returns:
        One row per draw: `nll` (nats), `rps`, `brier`.
    """
    probabilities = predictions[PROBABILITIES].to_numpy()
    observed = predictions["income_class"].to_numpy()

    # Means over cells
    losses = [
        negative_log_likelihood(probabilities, observed),
        ranked_probability_score(probabilities, observed),
        brier(probabilities, observed),
    ]
    values = np.column_stack([*losses, np.ones(len(observed))])
    sums = counts @ block_sums(values, numbers, counts.shape[1])
    nll, rps, brier_score = divide(sums[:, :-1], sums[:, -1:]).T

    return pd.DataFrame({"nll": nll, "rps": rps, "brier": brier_score})


def error_rows(
    predictors: Mapping[str, pd.DataFrame], imputed: np.ndarray, blocks: np.ndarray
) -> pd.DataFrame:
    """The rows of `calibration.csv` that have no interval: the calibration errors.

    Args:
        predictors: As of `metrics.metrics_table`.
        imputed: As of `metrics.metrics_table`.
        blocks: As of `metrics.metrics_table`.

    Returns:
        `subset, predictor, metric` (`ece`: of the predicted class; `classwise_ece`: mean over
        classes, Kull et al. 2019), `value, n_cells`.
    """
    numbers, n_blocks = number_blocks(blocks)
    subsets = {"all": imputed | ~imputed, "not_imputed": ~imputed, "imputed": imputed}
    rows = []
    for subset, cells in subsets.items():
        for name, table in predictors.items():
            errors = _errors(table[cells], numbers[cells], n_blocks)
            rows += [(subset, name, metric, value, cells.sum()) for metric, value in errors.items()]
    return pd.DataFrame(rows, columns=["subset", "predictor", "metric", "value", "n_cells"])


def _errors(predictions: pd.DataFrame, numbers: np.ndarray, n_blocks: int) -> dict[str, float]:
    """The two calibration errors of a predictor."""
    probabilities = predictions[PROBABILITIES].to_numpy()
    observed = predictions["income_class"].to_numpy()
    confidence, right = _top_label(predictions)
    of_classes = [
        calibration_error(probabilities[:, k], observed == k, numbers, n_blocks)
        for k in INCOME_CLASSES
    ]
    return {
        "ece": calibration_error(confidence, right, numbers, n_blocks),
        "classwise_ece": float(np.mean(of_classes)),
    }


def reliability_table(
    predictors: Mapping[str, pd.DataFrame],
    blocks: np.ndarray,
    statistics: Statistics,
    seed: int,
) -> pd.DataFrame:
    """The reliability diagram: how often a predictor is right, by how sure it is.

    Args:
        predictors: Name -> predictions `prob_0` .. `prob_4, predicted_class, income_class` of the
            same n cells.
        blocks: (n,) spatial block of each cell.
        statistics: Section `statistics`; the draws are the same for all predictors.
        seed: Seed of the draws.

    Returns:
        `predictor, bin` (0 .. 9), `n_cells, confidence` (their mean probability), `accuracy,
        ci_low, ci_high`; 10 rows a predictor, NaN where no cell is in the bin.
    """
    numbers, n_blocks = number_blocks(blocks)
    as_they_are = np.ones((1, n_blocks), dtype=int)
    counts = np.vstack([as_they_are, block_draws(blocks, statistics.draws, seed)])
    parts = []
    for name, predictions in predictors.items():
        probability, right = _top_label(predictions)
        ones = np.ones(len(probability))
        cells_by_block = _sums_by_bin(probability, ones, numbers, n_blocks)
        cells = counts @ cells_by_block
        hits = counts @ _sums_by_bin(probability, right, numbers, n_blocks)
        total = counts @ _sums_by_bin(probability, probability, numbers, n_blocks)
        accuracy = divide(hits, cells)
        estimate = Estimate(accuracy[0], accuracy[1:], effective_blocks(cells_by_block))
        low, high = estimate.interval(statistics)
        columns = {
            "predictor": name,
            "bin": np.arange(BINS),
            "n_cells": cells[0].astype(int),
            "confidence": divide(total[0], cells[0]),
            "accuracy": accuracy[0],
            "ci_low": low,
            "ci_high": high,
        }
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)
