"""Block bootstrap: intervals for statistics over cells that resemble their neighbours.

Neighbouring cells share incomes, streets and image tiles, so cells are not resampled one by one: whole
spatial blocks are, with replacement (Hall 1985; Lahiri 2003, chapter 12). A draw is a row of counts, how
often each block came up; sums over cells are a matrix product of the counts with the blocks' own sums. What
is compared is computed on the same draws, so that a difference has its interval too.

The models are not trained again: intervals are conditional on the trained models, and tell how the scores
would vary over other neighbourhoods of the same city, not over other trainings.
"""

import numpy as np
import pandas as pd
from scipy import sparse


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
    return np.divide(numerator, denominator, out=np.full(numerator.shape, np.nan), where=denominator != 0)


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
