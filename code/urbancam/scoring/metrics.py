"""Scores of predictions, of the image model and the baselines alike, with their intervals.

Every score is a function of sums over cells, so it is computed for all draws of the block bootstrap
at once, exactly, by weighting a block's cells with how often the block came up. A score that is not
defined (the correlation of a constant, the mean of no cells) is NaN.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_fscore_support

from urbancam.scoring.bootstrap import (
    Estimate,
    block_draws,
    block_sums,
    divide,
    effective_blocks,
    number_blocks,
)
from urbancam.scoring.confusion import CONFUSION_METRICS, DISTANCE
from urbancam.scoring.correlations import pearson, spearman
from urbancam.scoring.vocabulary import (
    DIFFERENCE,
    INCOME_CLASSES,
    MODEL,
    PROBABILITIES,
    interval_columns,
)
from urbancam.workflow.settings.sections import Statistics

Score = Callable[[pd.DataFrame, np.ndarray, np.ndarray], pd.DataFrame]

# ASSUME: no probability is below this when its logarithm is taken, lest one cell decide; Keras's
# own clip, published.
SMALLEST = 1e-7


def ranked_probability_score(probabilities: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Squared distance of cumulative probabilities from the truth, over K - 1.

    Epstein 1969; Murphy 1971.

    Args:
        probabilities: (n, 5).
        classes: (n,) income class.

    Returns:
        (n,), 0 (certain and right) .. 1 (certain of the other end).
    """
    thresholds = INCOME_CLASSES[:-1]
    truth = thresholds >= np.asarray(classes)[:, None]
    cumulative = np.cumsum(probabilities, axis=1)[:, :-1]
    return ((cumulative - truth) ** 2).sum(axis=1) / len(thresholds)


def scores(
    predictions: pd.DataFrame,
    numbers: np.ndarray,
    counts: np.ndarray,
    weights: np.ndarray | None = None,
) -> pd.DataFrame:
    """Every score in every draw.

    Args:
        predictions: `fold, p, prob_0` .. `prob_4, predicted_class, income_class, target`, n rows.
        numbers: (n,) block of each cell.
        counts: (draws, n_blocks) how often each block comes up; ones for the cells as they are.
        weights: (n,) how much each cell counts, e.g. its people; None: all alike.

    Returns:
        One row per draw, one column per metric.
    """
    observed = predictions["income_class"].to_numpy()
    predicted = predictions["predicted_class"].to_numpy()
    target = predictions["target"].to_numpy()
    p = _p_of_cells(predictions)

    # Sums over cells: one column for each of the 25 pairs of observed and predicted class, one of
    # the ranked probability score.
    pairs = np.eye(DISTANCE.size)[len(INCOME_CLASSES) * observed + predicted]
    rps = ranked_probability_score(predictions[PROBABILITIES].to_numpy(), observed)
    values = np.column_stack([pairs, rps])
    if weights is not None:
        values *= weights[:, None]
    sums = counts @ block_sums(values, numbers, counts.shape[1])
    confusion = sums[:, :-1].reshape(-1, *DISTANCE.shape)
    cells = confusion.sum(axis=(-2, -1))

    columns = {name: metric(confusion) for name, metric in CONFUSION_METRICS.items()}
    columns["spearman"] = spearman(p, target, numbers, counts, weights)
    columns["pearson"] = pearson(p, target, numbers, counts, weights)
    columns["rps"] = divide(sums[:, -1], cells)
    return pd.DataFrame(columns)


def _p_of_cells(predictions: pd.DataFrame) -> np.ndarray:
    """(n,) p, made constant if it is so within each fold: then it has no correlation."""
    # ASSUME: one p for a whole fold says nothing of any cell, yet pooled over folds it would
    # correlate with the target, and negatively: the training cells of a poor fold are richer than
    # the average.
    values_per_fold = predictions.groupby("fold")["p"].nunique()
    if values_per_fold.gt(1).any():
        return predictions["p"].to_numpy(dtype=float)
    return np.zeros(len(predictions))


def metrics_table(
    predictors: dict[str, pd.DataFrame],
    imputed: np.ndarray,
    blocks: np.ndarray,
    statistics: Statistics,
    seed: int,
    score: Score = scores,
) -> pd.DataFrame:
    """Scores of all predictors, and by how much the model's differ from each other's.

    Args:
        predictors: Name -> predictions as in `scores`, of the same n cells in one order; one is
            "model".
        imputed: (n,) bool, whether INSEE imputed the income.
        blocks: (n,) spatial block of each cell.
        statistics: Section `statistics`; the draws are the same for everything.
        seed: Seed of the draws.
        score: `scores`, or another function of the same arguments (`calibration.scores`).

    Returns:
        `subset` (all, not_imputed, imputed), `fold` ("all" or a number), the columns of `compare`
        (intervals NaN for single folds and where too few blocks are left), `n_cells`, `n_blocks`
        (blocks they rest on, `effective_blocks`).
    """
    numbers, n_blocks = number_blocks(blocks)
    as_they_are = np.ones((1, n_blocks), dtype=int)
    resampled = np.vstack([as_they_are, block_draws(blocks, statistics.draws, seed)])
    folds = predictors["model"]["fold"].to_numpy()
    subsets = {
        "all": imputed | ~imputed,
        "not_imputed": ~imputed,
        "imputed": imputed,
    }
    parts = []
    for subset, in_subset in subsets.items():
        for fold in ("all", *np.unique(folds)):
            # Too few blocks are left in a single fold to resample them.
            pooled = fold == "all"
            cells = in_subset if pooled else in_subset & (folds == fold)
            counts = resampled if pooled else as_they_are
            scores_by_name = {
                name: score(table[cells], numbers[cells], counts)
                for name, table in predictors.items()
            }
            in_block = np.bincount(numbers[cells], minlength=n_blocks)
            effective = float(effective_blocks(in_block))
            part = compare(scores_by_name, effective, statistics)
            part.insert(0, "subset", subset)
            part.insert(1, "fold", str(fold))
            parts.append(part.assign(n_cells=cells.sum(), n_blocks=int(effective)))
    return pd.concat(parts, ignore_index=True)


def compare(
    scores_by_name: dict[str, pd.DataFrame],
    blocks: float,
    statistics: Statistics,
) -> pd.DataFrame:
    """Value and interval of each predictor's scores, and of the model's less those.

    Args:
        scores_by_name: Name -> scores; the first row is of the cells as they are, the others of
            the draws.
        blocks: Blocks that the scores rest on.
        statistics: Section `statistics`.

    Returns:
        `predictor, metric, value, ci_low, ci_high, difference, difference_ci_low,
        difference_ci_high`; the last three empty for the model itself.
    """
    model = scores_by_name[MODEL]
    parts = []
    for name, table in scores_by_name.items():
        columns = {"predictor": name, "metric": table.columns}
        columns |= with_interval("value", table.to_numpy(), blocks, statistics)
        difference = (model - table).to_numpy()
        if name == MODEL:
            difference = np.full(difference.shape, np.nan)
        columns |= with_interval(DIFFERENCE, difference, blocks, statistics)
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def with_interval(
    quantity: str, draws: np.ndarray, blocks: float, statistics: Statistics
) -> dict[str, np.ndarray]:
    """The columns of a quantity and the ends of its interval.

    Args:
        quantity: Name of its column.
        draws: (1 + draws, m); the first row is of the cells as they are.
        blocks: Blocks that it rests on.
        statistics: Section `statistics`.
    """
    estimate = Estimate(draws[0], draws[1:], blocks)
    low, high = interval_columns(quantity)
    ends = estimate.interval(statistics)
    return {quantity: estimate.value, low: ends[0], high: ends[1]}


def differences(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table of scores with the model's score less theirs as their `value`."""
    low, high = interval_columns(DIFFERENCE)
    rows = rows.drop(columns=["value", "ci_low", "ci_high"])
    return rows.rename(columns={DIFFERENCE: "value", low: "ci_low", high: "ci_high"})


def confusion_matrix(predictions: pd.DataFrame) -> pd.DataFrame:
    """Cells by `income_class` and predicted class: five rows, `predicted_0` .. `predicted_4`."""
    table = count_pairs(predictions, "income_class", "predicted_class", INCOME_CLASSES)
    return table.rename(columns={k: f"predicted_{k}" for k in INCOME_CLASSES})


def count_pairs(
    predictions: pd.DataFrame,
    observed: str,
    predicted: str,
    labels: Sequence,
    predictable: Sequence | None = None,
) -> pd.DataFrame:
    """Number of rows by observed and predicted label, whatever labels occur.

    Args:
        predictions: Columns `observed` and `predicted`.
        observed: Name of the column of observed labels.
        predicted: Name of the column of predicted labels.
        labels: Labels that can be observed.
        predictable: Labels that can be predicted; None: the same ones.

    Returns:
        Column `observed`, then one column per label that can be predicted.
    """
    columns = labels if predictable is None else predictable
    table = pd.crosstab(predictions[observed], predictions[predicted])
    table = table.reindex(index=labels, columns=columns, fill_value=0)
    table = table.rename_axis(observed).rename_axis(None, axis=1)
    return table.reset_index()


def classification_report(predictions: pd.DataFrame) -> pd.DataFrame:
    """`income_class, precision, recall, f1, n_cells` of all five; NaN where nothing is counted."""
    precision, recall, f1, n_cells = precision_recall_fscore_support(
        predictions["income_class"],
        predictions["predicted_class"],
        labels=INCOME_CLASSES,
        zero_division=np.nan,
    )
    columns = {
        "income_class": INCOME_CLASSES,
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "n_cells": n_cells,
    }
    return pd.DataFrame(columns)


def negative_log_likelihood(probabilities: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """(n,) -log of the observed class's probability, nats."""
    cells = np.arange(len(classes))
    return -logarithm(probabilities)[cells, classes]


def logarithm(probabilities: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(probabilities, SMALLEST))
