"""Block bootstrap: intervals for statistics over cells that resemble their neighbours.

Neighbouring cells share incomes, streets and image tiles, so cells are not resampled one by one: whole
spatial blocks are, with replacement (Hall 1985; Lahiri 2003, chapter 12). A draw is a row of counts, how
often each block came up; sums over cells are a matrix product of the counts with the blocks' own sums. What
is compared is computed on the same draws, so that a difference has its interval too.

The models are not trained again: intervals are conditional on the trained models, and tell how the scores
would vary over other neighbourhoods of the same city, not over other trainings.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.stats import false_discovery_control, rankdata

from urbancam.workflow.sections import Statistics

ROUNDING = 1e-9  # relative; a draw this near to a null value is a tie with it


def number_blocks(blocks: pd.Series | np.ndarray) -> tuple[np.ndarray, int]:
    """Number the blocks 0, 1, ... in sorted order of their names.

    Args:
        blocks: (n,) block of each cell.

    Returns:
        (n,) integer number of each cell's block, and how many blocks there are.

    Raises:
        ValueError: a cell without a block.
    """
    numbers, names = pd.factorize(np.asarray(blocks), sort=True)
    if (numbers < 0).any():
        raise ValueError(f"{(numbers < 0).sum()} of {len(numbers)} cells have no block")
    return numbers, len(names)


def block_draws(blocks: pd.Series | np.ndarray, draws: int, seed: int) -> np.ndarray:
    """Draw as many blocks as there are, with replacement, `draws` times.

    Args:
        blocks: (n,) block of each cell.
        draws: number of draws.
        seed: of the random numbers.

    Returns:
        (draws, n_blocks) int64, how often each block came up; columns as `number_blocks` numbers them. A
        single block cannot be resampled: then there are no draws, shape (0, 1), and every `interval` is NaN.
    """
    _, n_blocks = number_blocks(blocks)
    if n_blocks < 2:
        return np.zeros((0, n_blocks), dtype=np.int64)
    # ASSUME: blocks are independent of each other, and the folds' models are taken as they are (see above).
    random = np.random.default_rng(seed)
    return random.multinomial(n_blocks, np.full(n_blocks, 1 / n_blocks), size=draws)


def block_sums(values: np.ndarray, numbers: np.ndarray, n_blocks: int) -> np.ndarray:
    """Sum of each block over its cells.

    Args:
        values: (n,) or (n, m), one row per cell; a cell that does not take part has zeros, or is left out.
        numbers: (n,) block of each cell, from `number_blocks`.
        n_blocks: how many blocks there are.

    Returns:
        (n_blocks,) or (n_blocks, m); `block_draws(...) @ block_sums(...)` are the sums of each draw.
    """
    n = len(numbers)
    membership = sparse.csr_array((np.ones(n), (numbers, np.arange(n))), shape=(n_blocks, n))
    return membership @ np.asarray(values, dtype=float)


def divide(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Quotient, NaN where the denominator is zero."""
    numerator, denominator = np.broadcast_arrays(numerator, denominator)
    return np.divide(
        numerator, denominator, out=np.full(numerator.shape, np.nan), where=denominator != 0
    )


def ratio_draws(numerator: np.ndarray, denominator: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Ratio of sums in every draw.

    Args:
        numerator: (n_blocks,) or (n_blocks, m), from `block_sums`.
        denominator: the same shape.
        counts: (draws, n_blocks), from `block_draws`.

    Returns:
        (draws,) or (draws, m); NaN where the denominator of a draw is zero.
    """
    return divide(counts @ numerator, counts @ denominator)


def interval(values: np.ndarray, confidence: float) -> np.ndarray:
    """Percentile interval (Efron & Tibshirani 1993, chapter 13).

    Args:
        values: (draws, ...) a statistic in every draw.
        confidence: coverage aimed at, 0..1.

    Returns:
        (2, ...) lower and upper end.
    """
    values = np.asarray(values, dtype=float)
    tail = (1 - confidence) / 2
    undefined = np.isnan(values)
    # ASSUME: a statistic undefined in more than 1 - confidence of the draws gets no interval. At 0.95 its
    # cells lie in fewer than about three blocks, and the draws that hold them only repeat those few.
    known = (undefined.sum(axis=0) <= (1 - confidence) * len(values)) & (len(values) > 0)
    ends = np.full((2, *values.shape[1:]), np.nan)
    if np.any(known):
        ends[:, known] = np.nanquantile(values[:, known], [tail, 1 - tail], axis=0)
    return ends


def ratio_interval(
    numerator: np.ndarray, denominator: np.ndarray, counts: np.ndarray, confidence: float
) -> np.ndarray:
    """Percentile interval of a ratio of sums; arguments as in `ratio_draws`, result (2,) or (2, m)."""
    return interval(ratio_draws(numerator, denominator, counts), confidence)


def p_value(values: np.ndarray, null: float) -> np.ndarray:
    """Two-sided p-value of a statistic by its draws: twice the smaller share of draws on either side of the null.

    It turns the percentile interval round, 2 min(P(t* <= null), P(t* >= null)) (Wilcox 2012, section 4.4.2), with
    one more in count and number of draws, so that it is never 0 (Davison & Hinkley 1997, equation 4.11).

    Args:
        values: (draws, ...) a statistic in every draw; undefined draws (NaN) are left out.
        null: the value it would have if nothing were there; draws that equal it count on both sides.

    Returns:
        (...) of at least 2 / (draws + 1), at most 1; NaN without a defined draw.
    """
    values = np.asarray(values, dtype=float)
    tied = np.isclose(values, null, rtol=ROUNDING, atol=ROUNDING)
    below, above = ((side | tied).sum(axis=0) for side in (values < null, values > null))
    defined = np.isfinite(values).sum(axis=0)
    return np.where(
        defined > 0, np.minimum(1, 2 * (np.minimum(below, above) + 1) / (defined + 1)), np.nan
    )


def q_value(p_values: np.ndarray) -> np.ndarray:
    """p-values adjusted for how many there are (Benjamini & Hochberg 1995); NaN stays NaN and is not counted.

    Args:
        p_values: (m,) of one table.

    Returns:
        (m,) the smallest false discovery rate at which each would be a discovery.
    """
    # ASSUME: Benjamini and Hochberg's procedure holds for classes, which depend on each other: shares of a cell
    # add up to 1. (Benjamini & Yekutieli 2001: it holds under positive dependence, and is known to be robust.)
    p_values = np.asarray(p_values, dtype=float)
    known = np.isfinite(p_values)
    adjusted = np.full(p_values.shape, np.nan)
    adjusted[known] = false_discovery_control(p_values[known])
    return adjusted


def rank_correlation(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Spearman's r of each row over the places where both are defined, ties by mean rank.

    Args:
        x: (..., n), e.g. a statistic of n classes in every draw.
        y: the same shape.

    Returns:
        (...); NaN where fewer than three places are defined or one side is constant.
    """
    unknown = np.isnan(x) | np.isnan(y)
    defined = (~unknown).sum(axis=-1)
    ranks = (
        rankdata(np.where(unknown, np.inf, values), axis=-1) for values in (x, y)
    )  # undefined ones come last
    x, y = (np.where(unknown, 0, rank - (defined[..., None] + 1) / 2) for rank in ranks)
    correlation = divide((x * y).sum(axis=-1), np.sqrt((x * x).sum(axis=-1) * (y * y).sum(axis=-1)))
    return np.where(
        defined >= 3, correlation, np.nan
    )  # ASSUME: two classes have no order to speak of


@dataclass(frozen=True)
class Estimate:
    """A statistic of each of several things (classes, pairs of classes), with its bootstrap.

    Attributes:
        value: (...) from all cells.
        draws: (draws, ...) in every draw.
        blocks: (...) how many blocks hold what it is about.
    """

    value: np.ndarray
    draws: np.ndarray
    blocks: np.ndarray

    def interval(self, statistics: Statistics) -> np.ndarray:
        """(2, ...) lower and upper end; none where too few blocks hold the thing for it to mean anything."""
        ends = interval(self.draws, statistics.confidence)
        return np.where(self.blocks >= statistics.min_blocks, ends, np.nan)

    def p_value(self, null: float, statistics: Statistics) -> np.ndarray:
        """(...) two-sided; none where there is no interval."""
        low, _ = self.interval(statistics)
        return np.where(np.isnan(low), np.nan, p_value(self.draws, null))


def add_significance(
    table: pd.DataFrame, p_values: np.ndarray, statistics: Statistics
) -> pd.DataFrame:
    """The table with `p_value`, `q_value` and `significant` (bool; False without a p-value) as last columns.

    Args:
        table: m rows, all the tests that are made together.
        p_values: (m,).
        statistics: section `statistics`, for its `false_discovery_rate`.
    """
    q_values = q_value(p_values)
    significant = q_values <= statistics.false_discovery_rate
    return table.assign(p_value=p_values, q_value=q_values, significant=significant)
