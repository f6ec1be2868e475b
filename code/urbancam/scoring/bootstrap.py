"""Block bootstrap: intervals for statistics over cells that resemble their neighbours.

Neighbouring cells share incomes, streets and image tiles, so cells are not resampled one by one:
whole spatial blocks are, with replacement (Hall 1985; Lahiri 2003, chapter 12). A draw is a row of
counts, how often each block came up; sums over cells are a matrix product of the counts with the
blocks' own sums. What is compared is computed on the same draws, so that a difference has its
interval too.

Blocks are few where they must be large, and the plain percentiles of few blocks are too narrow. So
a draw holds one block less than there are (McCarthy & Snowden 1985), percentiles are taken where
Student's t stands instead of the normal (the expanded percentile interval: Hesterberg 2015,
section 4.3), and blocks of unequal size count for fewer (`effective_blocks`).
tests/scoring/test_coverage.py says how often such intervals hold the truth.

The models are not trained again: intervals are conditional on the trained models, and tell how the
scores would vary over other neighbourhoods of the same city, not over other trainings.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.stats import norm
from scipy.stats import t as student

from urbancam.workflow.settings.sections import Statistics

ROUNDING = 1e-9  # relative; a draw this near to a null value is a tie with it, blocks are whole


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
    strata: pd.Series | np.ndarray | None = None,
) -> np.ndarray:
    """Draw one block less than there are, with replacement, `draws` times.

    Means of n - 1 of n blocks vary as much as means of n blocks do in truth; those of n would vary
    less, by (n - 1) / n (McCarthy & Snowden 1985, "The bootstrap and finite population sampling").
    Each counts n / (n - 1), so that every stratum keeps its weight (Rao & Wu 1988).

    Args:
        blocks: (n,) block of each cell.
        draws: Number of draws.
        seed: Seed of the random numbers.
        strata: (n,) what each cell's block lies in, e.g. the city of a site: blocks are then drawn
            within each stratum, and one that is alone in its stratum is always there. None: all
            are drawn together.

    Returns:
        (draws, n_blocks) weight of each block in each draw; columns as `number_blocks` numbers
        them. A single block cannot be resampled: then there are no draws, shape (0, 1), and every
        `interval` is NaN.
    """
    numbers, n_blocks = number_blocks(blocks)
    if n_blocks < 2:
        return np.zeros((0, n_blocks))
    stratum_of_block = np.zeros(n_blocks, dtype=int)
    if strata is not None:
        stratum_of_block[numbers] = number_blocks(strata)[0]
    # ASSUME: blocks are independent of each other, and the folds' models are taken as they are
    # (see above).
    random = np.random.default_rng(seed)
    counts = np.ones((draws, n_blocks))
    for stratum in np.unique(stratum_of_block):
        members = np.flatnonzero(stratum_of_block == stratum)
        n = len(members)
        if n > 1:
            equal_chances = np.full(n, 1 / n)
            times = random.multinomial(n - 1, equal_chances, size=draws)
            counts[:, members] = times * (n / (n - 1))
    return counts


def effective_blocks(weights: np.ndarray) -> np.ndarray:
    """How many blocks of equal weight would tell as much: (sum w)^2 / sum w^2 (Kish 1965).

    Args:
        weights: (n_blocks, ...) weight of each block in a statistic, e.g. its number of cells.

    Returns:
        (...) whole blocks, rounded down: the smallest number that gets an interval was simulated
        for whole blocks. 0 where nothing has weight.
    """
    weights = np.asarray(weights, dtype=float)
    squares = (weights**2).sum(axis=0)
    effective = divide(weights.sum(axis=0) ** 2, squares)
    return np.nan_to_num(np.floor(effective * (1 + ROUNDING)))


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


def interval(values: np.ndarray, confidence: float, blocks: np.ndarray | float) -> np.ndarray:
    """Percentile interval, as wide as Student's t asks of that many blocks.

    Its ends are the quantiles Phi(-t) and Phi(t) of the draws, t that of `blocks` - 1 degrees of
    freedom (Hesterberg 2015, section 4.3): of many blocks the plain percentile interval.

    Args:
        values: (draws, ...) a statistic in every draw.
        confidence: Coverage aimed at, 0..1.
        blocks: (...) or one number: blocks that the statistic rests on (`effective_blocks`).

    Returns:
        (2, ...) lower and upper end; NaN below two blocks.
    """
    values = np.asarray(values, dtype=float)
    n_draws = len(values)
    blocks = np.broadcast_to(blocks, values.shape[1:])
    defined = np.isfinite(values).sum(axis=0)
    # ASSUME: a statistic undefined in more than 1 - confidence of the draws gets no interval. At
    # 0.95 its cells lie in fewer than about three blocks, and the draws that hold them only repeat
    # those few.
    enough = (n_draws - defined <= (1 - confidence) * n_draws) & (n_draws > 0) & (blocks >= 2)
    tail = (1 - confidence) / 2
    freedom = np.maximum(blocks - 1, 1)
    low = norm.cdf(student.ppf(tail, freedom))
    ends = _quantiles(np.sort(values, axis=0), defined, np.stack([low, 1 - low]))
    return np.where(enough, ends, np.nan)


def _quantiles(ordered: np.ndarray, defined: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Quantiles of each column at shares of its own, linear between draws.

    Args:
        ordered: (draws, ...) sorted along the first axis, NaN last.
        defined: (...) draws that are not NaN.
        shares: (k, ...) 0..1.

    Returns:
        (k, ...), NaN without a defined draw.
    """
    if not len(ordered):
        return np.full(shares.shape, np.nan)
    last = np.maximum(defined - 1, 0)
    place = shares * last
    below = np.floor(place).astype(int)
    above = np.minimum(below + 1, last)
    at_below = np.take_along_axis(ordered, below, axis=0)
    at_above = np.take_along_axis(ordered, above, axis=0)
    return at_below + (place - below) * (at_above - at_below)


@dataclass(frozen=True)
class Estimate:
    """A statistic of each of several things (classes, pairs of classes), with its bootstrap.

    Attributes:
        value: (...) from all cells.
        draws: (draws, ...) in every draw.
        blocks: (...) blocks that the statistic rests on, from `effective_blocks`.
    """

    value: np.ndarray
    draws: np.ndarray
    blocks: np.ndarray | float

    def interval(self, statistics: Statistics) -> np.ndarray:
        """(2, ...) lower and upper end; NaN where it rests on fewer than `min_blocks`."""
        ends = interval(self.draws, statistics.confidence, self.blocks)
        return np.where(np.asarray(self.blocks) >= statistics.min_blocks, ends, np.nan)

    def p_value(self, null: float, statistics: Statistics) -> np.ndarray:
        """(...) two-sided p-value; NaN where there is no interval."""
        low, _ = self.interval(statistics)
        p_values = p_value(self.draws, null, self.blocks)
        return np.where(np.isnan(low), np.nan, p_values)


def log_quotient(numerator: Estimate, denominator: Estimate) -> Estimate:
    """log(numerator / denominator), NaN where either is zero or unknown.

    It is held by as many blocks as the rarer one.
    """
    value = divide(numerator.value, denominator.value)
    draws = divide(numerator.draws, denominator.draws)
    blocks = np.minimum(numerator.blocks, denominator.blocks)
    return Estimate(_logarithm(value), _logarithm(draws), blocks)


def _logarithm(quotient: np.ndarray) -> np.ndarray:
    """Logarithm of what is above 0, NaN of the rest."""
    return np.log(np.where(quotient > 0, quotient, np.nan))


def p_value(values: np.ndarray, null: float, blocks: np.ndarray | float) -> np.ndarray:
    """Two-sided p-value of a statistic: the interval turned round.

    The smaller share of draws beside the null, with one more in count and number (Davison & Hinkley
    1997, equation 4.11), is a normal deviate, which is looked up in Student's t of `blocks` - 1
    degrees of freedom. Where the null lies beyond all draws, the deviate is its distance from their
    mean in standard deviations, if that is more.

    Args:
        values: (draws, ...) a statistic in every draw; undefined draws (NaN) are left out.
        null: Value it would have if nothing were there; draws that equal it count on both sides.
        blocks: (...) or one number: blocks that the statistic rests on (`effective_blocks`).

    Returns:
        (...) above 0, at most 1; NaN without a defined draw and below two blocks.
    """
    values = np.asarray(values, dtype=float)
    is_defined = np.isfinite(values)
    defined = is_defined.sum(axis=0)
    ties = np.isclose(values, null, rtol=ROUNDING, atol=ROUNDING)
    below = ((values < null) | ties).sum(axis=0)
    above = ((values > null) | ties).sum(axis=0)
    smaller = np.minimum(below, above)
    deviate = -norm.ppf(np.minimum(0.5, (smaller + 1) / (defined + 1)))
    distance = _deviations(values, is_defined, null)
    deviate = np.where(smaller == 0, np.fmax(deviate, distance), deviate)
    freedom = np.maximum(np.asarray(blocks) - 1, 1)
    two_sided = 2 * student.sf(deviate, freedom)
    return np.where((defined > 0) & (np.asarray(blocks) >= 2), two_sided, np.nan)


def _deviations(values: np.ndarray, is_defined: np.ndarray, null: float) -> np.ndarray:
    """Distance of the null from the mean of the draws, in their standard deviations."""
    n = is_defined.sum(axis=0)
    mean = divide(np.where(is_defined, values, 0).sum(axis=0), n)
    squares = np.where(is_defined, (values - mean) ** 2, 0).sum(axis=0)
    return divide(np.abs(mean - null), np.sqrt(divide(squares, n)))
