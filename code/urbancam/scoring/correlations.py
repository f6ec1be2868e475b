"""Correlations over cells, in every draw of the bootstrap at once.

Everywhere `counts` (draws, n_blocks) says how often each block came up in each draw, `numbers`
(n,) which block each cell lies in (`bootstrap.number_blocks`), and `weights` (n,) how much a cell
counts, None for all alike. A constant correlates with nothing: NaN.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from urbancam.scoring.bootstrap import block_sums, divide

VALUES_AT_ONCE = 2**17  # cells times draws in an array: about 1 MB, which stays in a core's cache
CHEAP_CUBES = 16  # of few blocks, triples of them are counted, at most so many for each cell
# ASSUME: two classes have no order to speak of
MIN_RANKED = 3
ROUNDING = 1e-12  # relative; a variance below it is nothing but rounding


def pearson(
    x: np.ndarray,
    y: np.ndarray,
    numbers: np.ndarray,
    counts: np.ndarray,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """(draws,) Pearson correlation of x and y, both (n,)."""
    x = _centred(x)
    y = _centred(y)
    ones = np.ones(len(x))
    moments = np.column_stack([ones, x, y, x * x, y * y, x * y])
    if weights is not None:
        moments *= weights[:, None]
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
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """(draws,) Spearman correlation of x and y, both (n,).

    It is the correlation of their mid-ranks, ranked anew in every draw; a cell of weight w counts
    as w cells of the same values.
    """
    weights = np.ones(len(x)) if weights is None else np.asarray(weights, dtype=float)
    levels_x = _levels(x)
    levels_y = _levels(y)
    if counts.shape[1] ** 3 <= CHEAP_CUBES * len(x):
        return _rank_correlation_of_blocks(levels_x, levels_y, numbers, counts, weights)
    # Cells lie in the order of x, and in that of y, so that sums run along them, and a draw's few
    # blocks are looked up. Only the ranks of y are laid in the order of x, for their products.
    by_x = _Ordered.by(levels_x, numbers, weights)
    by_y = _Ordered.by(levels_y, numbers, weights)
    place_in_y = np.argsort(by_y.order)[by_x.order]
    step = max(1, VALUES_AT_ONCE // max(1, len(x)))
    parts = [np.empty(0)]
    for start in range(0, len(counts), step):
        draws = counts[start : start + step].astype(float)
        times = by_x.times(draws)
        rank_x, variance_x = by_x.centred_ranks(times)
        rank_y, variance_y = by_y.centred_ranks(by_y.times(draws))
        covariance = np.einsum("dn,dn,dn->d", times, rank_x, rank_y.take(place_in_y, axis=1))
        parts.append(_correlation(covariance, variance_x, variance_y))
    return np.concatenate(parts)


@dataclass(frozen=True)
class _Ordered:
    """Cells in the order of a variable.

    Attributes:
        order: (n,) the cells from the lowest level to the highest.
        levels: (n,) of `_levels`, in that order.
        ends: (levels,) where the last cell of each level stands.
        numbers, weights: (n,) block and weight of each, in that order.
    """

    order: np.ndarray
    levels: np.ndarray
    ends: np.ndarray
    numbers: np.ndarray
    weights: np.ndarray

    @classmethod
    def by(cls, levels: np.ndarray, numbers: np.ndarray, weights: np.ndarray) -> "_Ordered":
        order = np.argsort(levels, kind="stable")
        ends = np.flatnonzero(np.diff(levels[order], append=-1))
        return cls(order, levels[order], ends, numbers[order], weights[order])

    def times(self, draws: np.ndarray) -> np.ndarray:
        """(draws, n) how much each cell counts, by how often each block came up."""
        times = draws.take(self.numbers, axis=1)
        times *= self.weights
        return times

    def centred_ranks(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ranks less their mean, (draws, n), and the sum of their squares, (draws,)."""
        ranks = np.cumsum(times, axis=1)
        half_of_all = ranks[:, -1:] / 2
        at_level = times  # (draws, levels): what shares the level's rank
        is_tied = len(self.ends) < len(self.levels)
        if is_tied:
            ranks = ranks[:, self.ends]
            at_level = np.diff(ranks, axis=1, prepend=0)
        ranks -= at_level / 2
        ranks -= half_of_all
        variance = np.einsum("dl,dl,dl->d", at_level, ranks, ranks)
        return (ranks.take(self.levels, axis=1) if is_tied else ranks), variance


def spearman_matrix(
    variables: Sequence[np.ndarray],
    numbers: np.ndarray,
    counts: np.ndarray,
) -> np.ndarray:
    """(draws, m, m) Spearman correlations of m variables, each (n,)."""
    m = len(variables)
    r = np.ones((len(counts), m, m))
    for i in range(m):
        for j in range(i):
            r[:, i, j] = r[:, j, i] = spearman(variables[i], variables[j], numbers, counts)
    return r


def partial_correlation(r: np.ndarray) -> np.ndarray:
    """(draws,) correlation of the first two variables given all others (Kendall 1942).

    With z the others: r_xy.z = (r_xy - r_xz R_zz^-1 r_zy) / sqrt((1 - r_xz R_zz^-1 r_zx)
    (1 - r_yz R_zz^-1 r_zy)). Of ranks it is what those of x and y share once each is regressed on
    those of the others.

    Args:
        r: (draws, 2 + k, 2 + k) of `spearman_matrix`; a draw with an undefined one has none.
    """
    partial = np.full(len(r), np.nan)
    defined = np.isfinite(r).all(axis=(1, 2))
    with_given, among_given = r[defined, :2, 2:], r[defined, 2:, 2:]
    # Of givens that say the same the pseudo-inverse takes one.
    explained = with_given @ np.linalg.pinv(among_given, hermitian=True) @ with_given.mT
    rest = r[defined, :2, :2] - explained
    ones = np.ones(len(rest))
    variance_x = _variance(ones, explained[:, 0, 0])
    variance_y = _variance(ones, explained[:, 1, 1])
    partial[defined] = _correlation(rest[:, 0, 1], variance_x, variance_y)
    return partial


def _levels(values: np.ndarray) -> np.ndarray:
    """(n,) place of each value among the distinct values, 0, 1, ..."""
    _, levels = np.unique(values, return_inverse=True)
    return levels


def _rank_correlation_of_blocks(
    levels_x: np.ndarray,
    levels_y: np.ndarray,
    numbers: np.ndarray,
    counts: np.ndarray,
    weights: np.ndarray,
) -> np.ndarray:
    """(draws,) correlation of the ranks of two variables, each by its `_levels`, by sums over
    triples of blocks, which hold for all draws.

    A cell's centred rank in a draw is a sum over blocks, sum_b counts[b] below[cell, b]. So a
    product of two ranks, summed over the draw's cells, is one over the blocks of the cell and of
    both ranks.
    """
    below_x = _cells_below(levels_x, numbers, weights, counts.shape[1])
    below_y = _cells_below(levels_y, numbers, weights, counts.shape[1])
    times = counts.astype(float)
    covariance, variance_x, variance_y = (
        _sum_over_triples(first, second, numbers, times, weights)
        for first, second in ((below_x, below_y), (below_x, below_x), (below_y, below_y))
    )
    return _correlation(covariance, variance_x, variance_y)


def _cells_below(
    levels: np.ndarray, numbers: np.ndarray, weights: np.ndarray, n_blocks: int
) -> np.ndarray:
    """(n, n_blocks): what a block that comes up once adds to a cell's centred rank: its cells of
    smaller values and half of those of the same, less half of all."""
    at_level = np.zeros((levels.max(initial=-1) + 1, n_blocks))
    np.add.at(at_level, (levels, numbers), weights)
    return (np.cumsum(at_level, axis=0) - at_level / 2 - at_level.sum(axis=0) / 2)[levels]


def _sum_over_triples(
    first: np.ndarray,
    second: np.ndarray,
    numbers: np.ndarray,
    times: np.ndarray,
    weights: np.ndarray,
) -> np.ndarray:
    """(draws,) sum over a draw's cells of the product of two ranks, each by its `_cells_below`."""
    n_draws, n_blocks = times.shape
    weighted = first * weights[:, None]
    triples = np.empty((n_blocks, n_blocks, n_blocks))
    for block in range(n_blocks):
        inside = numbers == block
        triples[block] = weighted[inside].T @ second[inside]
    sums = np.empty(n_draws)
    step = max(1, VALUES_AT_ONCE // max(1, n_blocks**2))
    for start in range(0, n_draws, step):
        draws = times[start : start + step]
        pairs = np.tensordot(draws, triples, axes=1)
        sums[start : start + step] = np.einsum("dij,di,dj->d", pairs, draws, draws)
    return sums


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


def rank_correlation(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Spearman's r of each row over the places where both are defined, ties by mean rank.

    Args:
        x: (..., n), e.g. a statistic of n classes in every draw.
        y: The same shape.

    Returns:
        (...); NaN where fewer than three places are defined or one side is constant.
    """
    undefined = np.isnan(x) | np.isnan(y)
    defined = (~undefined).sum(axis=-1)
    x = _ranks_of_defined(x, undefined)
    y = _ranks_of_defined(y, undefined)
    covariance = (x * y).sum(axis=-1)
    variance_x = (x * x).sum(axis=-1)
    variance_y = (y * y).sum(axis=-1)
    correlation = divide(covariance, np.sqrt(variance_x * variance_y))
    return np.where(defined >= MIN_RANKED, correlation, np.nan)


def _ranks_of_defined(values: np.ndarray, undefined: np.ndarray) -> np.ndarray:
    """Ranks along the last axis less their mean; 0 at undefined places."""
    defined = (~undefined).sum(axis=-1)
    # At infinity, undefined places come last and leave the other ranks alone.
    comparable = np.where(undefined, np.inf, values)
    ranks = rankdata(comparable, axis=-1)
    mean_rank = (defined[..., None] + 1) / 2
    return np.where(undefined, 0, ranks - mean_rank)
