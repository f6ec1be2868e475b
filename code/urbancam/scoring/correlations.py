"""Correlations over cells, in every draw of the bootstrap at once.

Everywhere `counts` (draws, n_blocks) says how often each block came up in each draw, and `numbers`
(n,) which block each cell lies in (`bootstrap.number_blocks`). A constant correlates with
nothing: NaN.
"""

import numpy as np
from scipy import sparse

from urbancam.scoring.bootstrap import block_sums, divide

VALUES_AT_ONCE = 2**20  # cells times draws in an array: about 8 MB
ROUNDING = 1e-12  # relative; a variance below it is nothing but rounding


def pearson(
    x: np.ndarray,
    y: np.ndarray,
    numbers: np.ndarray,
    counts: np.ndarray,
) -> np.ndarray:
    """(draws,) Pearson correlation of x and y, both (n,)."""
    x = _centred(x)
    y = _centred(y)
    ones = np.ones(len(x))
    moments = np.column_stack([ones, x, y, x * x, y * y, x * y])
    sums = counts @ block_sums(moments, numbers, counts.shape[1])
    n, sx, sy, sxx, syy, sxy = sums.T
    covariance = n * sxy - sx * sy
    variance_x = _variance(n * sxx, sx**2)
    variance_y = _variance(n * syy, sy**2)
    return _correlation(covariance, variance_x, variance_y)


def _centred(values: np.ndarray) -> np.ndarray:
    """Values less their mean, lest sums of squares cancel."""
    return values - values.mean() if len(values) else values


def spearman(
    x: np.ndarray,
    y: np.ndarray,
    numbers: np.ndarray,
    counts: np.ndarray,
) -> np.ndarray:
    """(draws,) Spearman correlation of x and y, both (n,).

    It is the correlation of their mid-ranks, ranked anew in every draw.
    """
    levels_x = _levels(x)
    levels_y = _levels(y)
    step = max(1, VALUES_AT_ONCE // max(1, len(x)))
    parts = [np.empty(0)]
    for start in range(0, len(counts), step):
        draws = counts[start : start + step]
        parts.append(_rank_correlation(levels_x, levels_y, numbers, draws))
    return np.concatenate(parts)


def _levels(values: np.ndarray) -> np.ndarray:
    """(n,) place of each value among the distinct values, 0, 1, ..."""
    _, levels = np.unique(values, return_inverse=True)
    return levels


def _rank_correlation(
    levels_x: np.ndarray,
    levels_y: np.ndarray,
    numbers: np.ndarray,
    counts: np.ndarray,
) -> np.ndarray:
    """(draws,) correlation of the ranks of two variables, each by its `_levels`."""
    rank_x, variance_x = _centred_ranks(levels_x, numbers, counts)
    rank_y, variance_y = _centred_ranks(levels_y, numbers, counts)
    weights = counts.T[numbers]
    covariance = np.einsum("nd,nd,nd->d", weights, rank_x, rank_y)
    return _correlation(covariance, variance_x, variance_y)


def _centred_ranks(
    levels: np.ndarray,
    numbers: np.ndarray,
    counts: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Ranks less their mean, (n, draws), and the sum of their squares, (draws,)."""
    n_levels = levels.max(initial=-1) + 1
    n_blocks = counts.shape[1]
    ones = np.ones(len(levels))
    cells = sparse.csr_array((ones, (levels, numbers)), shape=(n_levels, n_blocks))
    # (levels, draws): cells of the draw that share the level's rank
    at_level = cells @ counts.T.astype(float)
    ranks = np.cumsum(at_level, axis=0) - at_level / 2 - at_level.sum(axis=0) / 2
    variance = (at_level * ranks**2).sum(axis=0)
    return ranks[levels], variance


def _variance(square: np.ndarray, squared_sum: np.ndarray) -> np.ndarray:
    """Difference of the two, 0 where it is nothing but rounding."""
    difference = square - squared_sum
    return np.where(difference > ROUNDING * square, difference, 0)


def _correlation(
    covariance: np.ndarray,
    variance_x: np.ndarray,
    variance_y: np.ndarray,
) -> np.ndarray:
    return divide(covariance, np.sqrt(variance_x) * np.sqrt(variance_y))
