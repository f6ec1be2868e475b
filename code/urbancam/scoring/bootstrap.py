"""Block bootstrap: intervals for statistics over cells that resemble their neighbours.

Neighbouring cells share incomes, streets and image tiles, so cells are not resampled one by one:
whole spatial blocks are, with replacement (Hall 1985; Lahiri 2003, chapter 12). A draw is a row of
counts, how often each block came up; sums over cells are a matrix product of the counts with the
blocks' own sums. What is compared is computed on the same draws, so that a difference has its
interval too.

The models are not trained again: intervals are conditional on the trained models, and tell how the
scores would vary over other neighbourhoods of the same city, not over other trainings.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.stats import false_discovery_control, rankdata

from urbancam.workflow.sections import Statistics

ROUNDING = 1e-9  # relative; a draw this near to a null value is a tie with it
# ASSUME: two classes have no order to speak of
MIN_RANKED = 3


def number_blocks(blocks: pd.Series | np.ndarray) -> tuple[np.ndarray, int]:
    """Number the blocks 0, 1, ... in sorted order of their names.

    Args:
        blocks: (n,) block of each cell.

    Returns:
        (n,) integer number of each cell's block, and how many blocks there are.

    Raises:
        ValueError: A cell has no block.
    """
    numbers, names = pd.factorize(np.asarray(blocks), sort=True)
    without_block = numbers < 0
    if without_block.any():
        raise ValueError(f"{without_block.sum()} of {len(numbers)} cells have no block")
    return numbers, len(names)


def block_draws(
    blocks: pd.Series | np.ndarray,
    draws: int,
    seed: int,
) -> np.ndarray:
    """Draw as many blocks as there are, with replacement, `draws` times.

    Args:
        blocks: (n,) block of each cell.
        draws: Number of draws.
        seed: Seed of the random numbers.

    Returns:
        (draws, n_blocks) int64, how often each block came up; columns as `number_blocks` numbers
        them. A single block cannot be resampled: then there are no draws, shape (0, 1), and every
        `interval` is NaN.
    """
    _, n_blocks = number_blocks(blocks)
    if n_blocks < 2:
        return np.zeros((0, n_blocks), dtype=np.int64)
    # ASSUME: blocks are independent of each other, and the folds' models are taken as they are
    # (see above).
    random = np.random.default_rng(seed)
    equal_chances = np.full(n_blocks, 1 / n_blocks)
    return random.multinomial(n_blocks, equal_chances, size=draws)


def block_sums(
    values: np.ndarray,
    numbers: np.ndarray,
    n_blocks: int,
) -> np.ndarray:
    """Sum of each block over its cells.

    Args:
        values: (n,) or (n, m), one row per cell; a cell that does not take part has zeros, or is
            left out.
        numbers: (n,) block of each cell, from `number_blocks`.
        n_blocks: Number of blocks.

    Returns:
        (n_blocks,) or (n_blocks, m); `block_draws(...) @ block_sums(...)` are the sums of each
        draw.
    """
    n = len(numbers)
    places = (numbers, np.arange(n))
    membership = sparse.csr_array((np.ones(n), places), shape=(n_blocks, n))
    return membership @ np.asarray(values, dtype=float)


def divide(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Quotient, NaN where the denominator is zero."""
    numerator, denominator = np.broadcast_arrays(numerator, denominator)
    undefined = np.full(numerator.shape, np.nan)
    return np.divide(numerator, denominator, out=undefined, where=denominator != 0)


def ratio_draws(
    numerator: np.ndarray,
    denominator: np.ndarray,
    counts: np.ndarray,
) -> np.ndarray:
    """Ratio of sums in every draw.

    Args:
        numerator: (n_blocks,) or (n_blocks, m), from `block_sums`.
        denominator: The same shape.
        counts: (draws, n_blocks), from `block_draws`.

    Returns:
        (draws,) or (draws, m); NaN where the denominator of a draw is zero.
    """
    numerators = counts @ numerator
    denominators = counts @ denominator
    return divide(numerators, denominators)


def interval(values: np.ndarray, confidence: float) -> np.ndarray:
    """Percentile interval (Efron & Tibshirani 1993, chapter 13).

    Args:
        values: (draws, ...) a statistic in every draw.
        confidence: Coverage aimed at, 0..1.

    Returns:
        (2, ...) lower and upper end.
    """
    values = np.asarray(values, dtype=float)
    n_draws = len(values)
    undefined = np.isnan(values).sum(axis=0)
    # ASSUME: a statistic undefined in more than 1 - confidence of the draws gets no interval. At
    # 0.95 its cells lie in fewer than about three blocks, and the draws that hold them only repeat
    # those few.
    enough = undefined <= (1 - confidence) * n_draws
    enough &= n_draws > 0
    ends = np.full((2, *values.shape[1:]), np.nan)
    if np.any(enough):
        tail = (1 - confidence) / 2
        quantiles = [tail, 1 - tail]
        ends[:, enough] = np.nanquantile(values[:, enough], quantiles, axis=0)
    return ends


def ratio_interval(
    numerator: np.ndarray,
    denominator: np.ndarray,
    counts: np.ndarray,
    confidence: float,
) -> np.ndarray:
    """Percentile interval of a ratio of sums.

    Args:
        numerator: As in `ratio_draws`.
        denominator: As in `ratio_draws`.
        counts: As in `ratio_draws`.
        confidence: Coverage aimed at, 0..1.

    Returns:
        (2,) or (2, m) lower and upper end.
    """
    ratios = ratio_draws(numerator, denominator, counts)
    return interval(ratios, confidence)


def p_value(values: np.ndarray, null: float) -> np.ndarray:
    """Two-sided p-value of a statistic: twice the smaller share of draws beside the null.

    It turns the percentile interval round, 2 min(P(t* <= null), P(t* >= null)) (Wilcox 2012,
    section 4.4.2), with one more in count and number of draws, so that it is never 0 (Davison &
    Hinkley 1997, equation 4.11).

    Args:
        values: (draws, ...) a statistic in every draw; undefined draws (NaN) are left out.
        null: Value it would have if nothing were there; draws that equal it count on both sides.

    Returns:
        (...) of at least 2 / (draws + 1), at most 1; NaN without a defined draw.
    """
    values = np.asarray(values, dtype=float)
    ties = np.isclose(values, null, rtol=ROUNDING, atol=ROUNDING)
    below = (values < null) | ties
    above = (values > null) | ties
    smaller = np.minimum(below.sum(axis=0), above.sum(axis=0))
    defined = np.isfinite(values).sum(axis=0)
    two_sided = 2 * (smaller + 1) / (defined + 1)
    two_sided = np.minimum(1, two_sided)
    return np.where(defined > 0, two_sided, np.nan)


def q_value(p_values: np.ndarray) -> np.ndarray:
    """p-values adjusted for how many there are (Benjamini & Hochberg 1995).

    Args:
        p_values: (m,) of one table; NaN stays NaN and is not counted.

    Returns:
        (m,) the smallest false discovery rate at which each would be a discovery.
    """
    # ASSUME: Benjamini and Hochberg's procedure holds for classes, which depend on each other:
    # shares of a cell add up to 1. (Benjamini & Yekutieli 2001: it holds under positive
    # dependence, and is known to be robust.)
    p_values = np.asarray(p_values, dtype=float)
    tested = np.isfinite(p_values)
    q_values = np.full(p_values.shape, np.nan)
    q_values[tested] = false_discovery_control(p_values[tested])
    return q_values


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
    x = _centred_ranks(x, undefined)
    y = _centred_ranks(y, undefined)
    covariance = (x * y).sum(axis=-1)
    variance_x = (x * x).sum(axis=-1)
    variance_y = (y * y).sum(axis=-1)
    correlation = divide(covariance, np.sqrt(variance_x * variance_y))
    return np.where(defined >= MIN_RANKED, correlation, np.nan)


def _centred_ranks(values: np.ndarray, undefined: np.ndarray) -> np.ndarray:
    """Ranks along the last axis less their mean; 0 at undefined places."""
    defined = (~undefined).sum(axis=-1)
    # At infinity, undefined places come last and leave the other ranks alone.
    comparable = np.where(undefined, np.inf, values)
    ranks = rankdata(comparable, axis=-1)
    mean_rank = (defined[..., None] + 1) / 2
    return np.where(undefined, 0, ranks - mean_rank)


@dataclass(frozen=True)
class Estimate:
    """A statistic of each of several things (classes, pairs of classes), with its bootstrap.

    Attributes:
        value: (...) from all cells.
        draws: (draws, ...) in every draw.
        blocks: (...) number of blocks that hold what the statistic is about.
    """

    value: np.ndarray
    draws: np.ndarray
    blocks: np.ndarray

    def interval(self, statistics: Statistics) -> np.ndarray:
        """(2, ...) lower and upper end; NaN where too few blocks hold it to mean anything."""
        ends = interval(self.draws, statistics.confidence)
        return np.where(self.blocks >= statistics.min_blocks, ends, np.nan)

    def p_value(self, null: float, statistics: Statistics) -> np.ndarray:
        """(...) two-sided p-value; NaN where there is no interval."""
        low, _ = self.interval(statistics)
        p_values = p_value(self.draws, null)
        return np.where(np.isnan(low), np.nan, p_values)


def add_significance(
    table: pd.DataFrame,
    p_values: np.ndarray,
    statistics: Statistics,
) -> pd.DataFrame:
    """Add `p_value`, `q_value` and `significant` (bool; False without a p-value) as last columns.

    Args:
        table: M rows, all the tests that are made together.
        p_values: (m,).
        statistics: Section `statistics`, for its `false_discovery_rate`.
    """
    q_values = q_value(p_values)
    significant = q_values <= statistics.false_discovery_rate
    return table.assign(
        p_value=p_values,
        q_value=q_values,
        significant=significant,
    )
