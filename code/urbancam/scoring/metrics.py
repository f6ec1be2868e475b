"""Scores of predictions, of the image model and the baselines alike, with block-bootstrap intervals.

Every score is a function of sums over cells, so it is computed for all draws of the bootstrap at once,
exactly, by weighting a block's cells with how often the block came up. A score that is not defined (the
correlation of a constant, the mean of no cells) is NaN.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.metrics import precision_recall_fscore_support

from urbancam.scoring.bootstrap import block_draws, block_sums, divide, interval, number_blocks
from urbancam.scoring.vocabulary import INCOME_CLASSES, PROBABILITIES

DISTANCE = np.abs(INCOME_CLASSES[:, None] - INCOME_CLASSES)  # between classes, (5, 5)


# Scores of a confusion matrix (..., 5, 5): cells by income class (rows) and predicted class (columns)


def accuracy(confusion: np.ndarray) -> np.ndarray:
    """Share of cells whose predicted class is the right one."""
    return _mean_over_cells(confusion, DISTANCE == 0)


def accuracy_within_1(confusion: np.ndarray) -> np.ndarray:
    """Share of cells whose predicted class is the right one or next to it."""
    return _mean_over_cells(confusion, DISTANCE <= 1)


def mae_classes(confusion: np.ndarray) -> np.ndarray:
    """Mean distance between predicted and right class."""
    return _mean_over_cells(confusion, DISTANCE)


def _mean_over_cells(confusion: np.ndarray, value: np.ndarray) -> np.ndarray:
    return divide((confusion * value).sum(axis=(-2, -1)), confusion.sum(axis=(-2, -1)))


def macro_f1(confusion: np.ndarray) -> np.ndarray:
    """Mean F1 of the classes that occur, observed or predicted."""
    # ASSUME: a class that neither occurs nor is predicted (small fold, draw) has no F1, rather than 0 or 1.
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    f1 = divide(2 * hits, confusion.sum(axis=-1) + confusion.sum(axis=-2))
    return divide(np.nansum(f1, axis=-1), np.isfinite(f1).sum(axis=-1))


def quadratic_kappa(confusion: np.ndarray) -> np.ndarray:
    """Agreement beyond chance, disagreements weighted by their squared distance (Cohen 1968)."""
    total = confusion.sum(axis=(-2, -1))
    by_chance = confusion.sum(axis=-1)[..., :, None] * confusion.sum(axis=-2)[..., None, :]
    observed = (confusion * DISTANCE**2).sum(axis=(-2, -1))
    return 1 - divide(observed * total, (by_chance * DISTANCE**2).sum(axis=(-2, -1)))


CONFUSION_METRICS = {
    metric.__name__: metric
    for metric in (accuracy, accuracy_within_1, macro_f1, quadratic_kappa, mae_classes)
}


def ranked_probability_score(probabilities: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Squared distance of cumulative probabilities from the truth, over K - 1 (Epstein 1969; Murphy 1971).

    Args:
        probabilities: (n, 5).
        classes: (n,) income class.

    Returns:
        (n,), 0 (certain and right) .. 1 (certain of the other end).
    """
    truth = INCOME_CLASSES[:-1] >= np.asarray(classes)[:, None]
    return ((np.cumsum(probabilities, axis=1)[:, :-1] - truth) ** 2).sum(axis=1) / (
        len(INCOME_CLASSES) - 1
    )


# Correlations in every draw: `counts` (draws, n_blocks) says how often each block came up, `numbers` (n,) the
# block of each cell


def pearson(x: np.ndarray, y: np.ndarray, numbers: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """(draws,) Pearson correlation of x and y, both (n,)."""
    x, y = (v - v.mean() if len(v) else v for v in (x, y))  # centred, lest the sums cancel
    moments = np.column_stack([np.ones(len(x)), x, y, x * x, y * y, x * y])
    n, sx, sy, sxx, syy, sxy = (counts @ block_sums(moments, numbers, counts.shape[1])).T
    return _correlation(n * sxy - sx * sy, _variance(n * sxx, sx**2), _variance(n * syy, sy**2))


def spearman(x: np.ndarray, y: np.ndarray, numbers: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """(draws,) Spearman correlation of x and y, both (n,): of their mid-ranks, ranked anew in every draw."""
    x, y = (np.unique(v, return_inverse=True)[1] for v in (x, y))
    step = max(1, 2**20 // max(1, len(x)))  # draws at a time: arrays of about 8 MB
    parts = [
        _rank_correlation(x, y, numbers, counts[i : i + step]) for i in range(0, len(counts), step)
    ]
    return np.concatenate([np.empty(0), *parts])


def _rank_correlation(
    x: np.ndarray, y: np.ndarray, numbers: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    rank_x, variance_x = _centred_ranks(x, numbers, counts)  # n, draws
    rank_y, variance_y = _centred_ranks(y, numbers, counts)
    weights = counts.T[numbers]
    return _correlation(np.einsum("nd,nd,nd->d", weights, rank_x, rank_y), variance_x, variance_y)


def _centred_ranks(
    levels: np.ndarray, numbers: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Ranks less their mean, (n, draws), and the sum of their squares, (draws,).

    Args:
        levels: (n,) integers, the place of each cell's value among the distinct values.
        numbers: (n,) block of each cell.
        counts: (draws, n_blocks).
    """
    shape = (levels.max(initial=-1) + 1, counts.shape[1])
    cells = sparse.csr_array((np.ones(len(levels)), (levels, numbers)), shape=shape)
    at_level = cells @ counts.T.astype(
        float
    )  # levels, draws: cells of the draw that share the level's rank
    ranks = np.cumsum(at_level, axis=0) - at_level / 2 - at_level.sum(axis=0) / 2
    return ranks[levels], (at_level * ranks**2).sum(axis=0)


def _variance(square: np.ndarray, squared_sum: np.ndarray) -> np.ndarray:
    """Their difference, 0 where it is nothing but rounding."""
    return np.where(square - squared_sum > 1e-12 * square, square - squared_sum, 0)


def _correlation(
    covariance: np.ndarray, variance_x: np.ndarray, variance_y: np.ndarray
) -> np.ndarray:
    return divide(covariance, np.sqrt(variance_x) * np.sqrt(variance_y))


# Tables


def scores(predictions: pd.DataFrame, numbers: np.ndarray, counts: np.ndarray) -> pd.DataFrame:
    """Every score in every draw.

    Args:
        predictions: `fold, p, prob_0` .. `prob_4, predicted_class, income_class, target`, n rows.
        numbers: (n,) block of each cell.
        counts: (draws, n_blocks) how often each block comes up; ones for the cells as they are.

    Returns:
        One row per draw, one column per metric.
    """
    observed, target = (predictions[column].to_numpy() for column in ("income_class", "target"))
    pair = np.eye(DISTANCE.size)[
        len(INCOME_CLASSES) * observed + predictions["predicted_class"].to_numpy()
    ]
    rps = ranked_probability_score(predictions[PROBABILITIES].to_numpy(), observed)
    sums = counts @ block_sums(np.column_stack([pair, rps]), numbers, counts.shape[1])
    confusion = sums[:, :-1].reshape(-1, *DISTANCE.shape)
    p = _p_of_cells(predictions)
    return pd.DataFrame(
        {name: metric(confusion) for name, metric in CONFUSION_METRICS.items()}
        | {
            "spearman": spearman(p, target, numbers, counts),
            "pearson": pearson(p, target, numbers, counts),
            "rps": divide(sums[:, -1], confusion.sum(axis=(-2, -1))),
        }
    )


def _p_of_cells(predictions: pd.DataFrame) -> np.ndarray:
    """(n,) p, made constant if it is so within each fold: then it has no correlation."""
    # ASSUME: one p for a whole fold says nothing of any cell, yet pooled over folds it would correlate with
    # the target, and negatively: the training cells of a poor fold are richer than the average.
    varies = predictions.groupby("fold")["p"].nunique().gt(1).any()
    return predictions["p"].to_numpy(dtype=float) if varies else np.zeros(len(predictions))


def metrics_table(
    predictors: dict[str, pd.DataFrame],
    imputed: np.ndarray,
    blocks: np.ndarray,
    draws: int,
    confidence: float,
    seed: int,
    score: Callable[[pd.DataFrame, np.ndarray, np.ndarray], pd.DataFrame] = scores,
) -> pd.DataFrame:
    """Scores of all predictors, and by how much the model's differ from each other's, per subset and fold.

    Args:
        predictors: name -> predictions as in `scores`, of the same n cells in one order; one is "model".
        imputed: (n,) bool, income imputed by INSEE.
        blocks: (n,) spatial block of each cell.
        draws: bootstrap draws of blocks, the same for everything.
        confidence: of the intervals, 0..1.
        seed: of the draws.
        score: `scores`, or another function of the same arguments (`calibration.scores`).

    Returns:
        `subset` (all, not_imputed, imputed), `fold` ("all" or a number), `predictor`, `metric`, `value`,
        `ci_low`, `ci_high` (NaN for single folds, where too few blocks are left), `n` (cells).
    """
    numbers, n_blocks = number_blocks(blocks)
    as_they_are = np.ones((1, n_blocks), dtype=int)
    resampled = np.vstack([as_they_are, block_draws(blocks, draws, seed)])
    folds = predictors["model"]["fold"].to_numpy()
    parts = []
    for subset, chosen in {
        "all": imputed | ~imputed,
        "not_imputed": ~imputed,
        "imputed": imputed,
    }.items():
        for fold in ("all", *np.unique(folds)):
            cells = chosen if fold == "all" else chosen & (folds == fold)
            counts = resampled if fold == "all" else as_they_are
            drawn = {
                name: score(table[cells], numbers[cells], counts)
                for name, table in predictors.items()
            }
            part = _compare(drawn, confidence)
            part.insert(0, "subset", subset)
            part.insert(1, "fold", str(fold))
            parts.append(part.assign(n=cells.sum()))
    return pd.concat(parts, ignore_index=True)


def _compare(drawn: dict[str, pd.DataFrame], confidence: float) -> pd.DataFrame:
    """Value (first row) and interval (other rows) of each predictor and of the model's difference to it."""
    others = [name for name in drawn if name != "model"]
    drawn = drawn | {f"model - {name}": drawn["model"] - drawn[name] for name in others}
    parts = []
    for name, table in drawn.items():
        low, high = interval(table.to_numpy()[1:], confidence)
        part = pd.DataFrame({"value": table.iloc[0], "ci_low": low, "ci_high": high}).rename_axis(
            "metric"
        )
        part.insert(0, "predictor", name)
        parts.append(part.reset_index())
    columns = ["predictor", "metric", "value", "ci_low", "ci_high"]
    return pd.concat(parts, ignore_index=True)[columns]


def confusion_matrix(predictions: pd.DataFrame) -> pd.DataFrame:
    """Cells by `income_class` and predicted class: five rows, columns `predicted_0` .. `predicted_4`."""
    table = count_pairs(predictions, "income_class", "predicted_class", INCOME_CLASSES)
    return table.rename(columns={k: f"predicted_{k}" for k in INCOME_CLASSES})


def count_pairs(
    predictions: pd.DataFrame,
    observed: str,
    predicted: str,
    labels: Sequence,
    predictable: Sequence | None = None,
) -> pd.DataFrame:
    """Rows by observed and predicted label, whatever labels occur: column `observed`, then one column per label, or
    per label of `predictable` where more can be predicted than are observed."""
    table = pd.crosstab(predictions[observed], predictions[predicted])
    columns = labels if predictable is None else predictable
    table = table.reindex(index=labels, columns=columns, fill_value=0)
    return table.rename_axis(observed).rename_axis(None, axis=1).reset_index()


def classification_report(predictions: pd.DataFrame) -> pd.DataFrame:
    """`class, precision, recall, f1, support` of all five classes; NaN where there is nothing to count."""
    values = precision_recall_fscore_support(
        predictions["income_class"],
        predictions["predicted_class"],
        labels=INCOME_CLASSES,
        zero_division=np.nan,
    )
    return pd.DataFrame(
        dict(
            zip(
                ("class", "precision", "recall", "f1", "support"),
                (INCOME_CLASSES, *values),
                strict=True,
            )
        )
    )
