"""The adjusted effect of land cover: what a class goes with, the other classes held as they are.

No map and no network is needed: the question is of the cells, not of places in them. An outcome of
cells (the network's logit, or income itself) is regressed on their shares of land cover:

    outcome_i = intercept(fold of i) + b density_i + sum_u effect_u share_iu + e_i

Shares of a cell add up to 1 (what no polygon covers is a column of its own), so effects are told
against a reference class: the change of the outcome where a whole cell of the reference becomes one
of class u, in the same fold and at the same density. Blocks are resampled (scoring/bootstrap.py).
"""

import numpy as np

from urbancam.scoring import bootstrap
from urbancam.scoring.bootstrap import Estimate


def adjusted_effects(
    shares: np.ndarray,
    outcome: np.ndarray,
    folds: np.ndarray,
    density: np.ndarray,
    blocks: np.ndarray,
    reference: int,
    draws: int = 1000,
    seed: int = 0,
) -> Estimate:
    """Effect of each class against the reference, by least squares, blocks resampled.

    Args:
        shares: (N, U) share of the whole cell, rows sum to at most 1.
        outcome: (N,) what is explained, in its own units.
        folds: (N,) fold of each cell: every network has an intercept of its own.
        density: (N,), e.g. the logarithm of the people in a cell; its scale does not matter.
        blocks: (N,) block of each cell.
        reference: Column of the class that effects are told against.
        draws: Number of bootstrap draws.
        seed: Seed of the draws.

    Returns:
        (U,) in units of the outcome per whole cell. The reference has the value 0 and no interval;
        a draw without any cell of a class says nothing of it (NaN).
    """
    design, columns = _design(shares, folds, density, reference)
    numbers, n_blocks = bootstrap.number_blocks(blocks)
    counts = bootstrap.block_draws(blocks, draws, seed)
    products = _block_products(design, outcome, numbers, n_blocks)

    n_classes = shares.shape[1]
    value = np.zeros(n_classes)
    value[columns] = _solve(products.sum(0, keepdims=True))[0, : len(columns)]
    effects = np.full((len(counts), n_classes), np.nan)
    effects[:, columns] = _solve(_of_draws(counts, products))[:, : len(columns)]

    # A class that no cell of a draw holds has a row of zeros, and no effect to speak of.
    sums = bootstrap.block_sums(shares, numbers, n_blocks)
    effects[counts @ sums == 0] = np.nan
    effects[:, reference] = np.nan
    held = bootstrap.block_sums(shares > 0, numbers, n_blocks)
    return Estimate(value, effects, bootstrap.effective_blocks(held))


def _design(
    shares: np.ndarray, folds: np.ndarray, density: np.ndarray, reference: int
) -> tuple[np.ndarray, np.ndarray]:
    """(N, p) columns of the regression, and the (U - 1,) classes of its first ones."""
    columns = np.delete(np.arange(shares.shape[1]), reference)
    uncovered = 1 - shares.sum(1, keepdims=True)
    of_fold = folds[:, None] == np.unique(folds)
    # Columns of like size keep the normal equations well conditioned.
    spread = density.std() or 1.0
    standardised = (density - density.mean()) / spread
    design = np.column_stack([shares[:, columns], uncovered, standardised, of_fold])
    return design, columns


def _block_products(
    design: np.ndarray, outcome: np.ndarray, numbers: np.ndarray, n_blocks: int
) -> np.ndarray:
    """(n_blocks, p, p + 1): X'X and X'y of each block."""
    with_outcome = np.column_stack([design, outcome])
    products = np.zeros((n_blocks, design.shape[1], with_outcome.shape[1]))
    for block in range(n_blocks):
        inside = numbers == block
        products[block] = design[inside].T @ with_outcome[inside]
    return products


def _of_draws(counts: np.ndarray, products: np.ndarray) -> np.ndarray:
    """(draws, p, p + 1): the sums of the blocks that come up."""
    flat = counts @ products.reshape(len(products), -1)
    return flat.reshape(-1, *products.shape[1:])


def _solve(products: np.ndarray) -> np.ndarray:
    """(..., p) coefficients of least squares; of aliased columns the shortest solution."""
    normal = products[..., :-1]
    moment = products[..., -1]
    # Rare classes have short columns: to length 1, so that the cut of the pseudo-inverse is fair.
    length = np.sqrt(np.einsum("...pp->...p", normal))
    scale = np.where(length > 0, length, 1)
    scaled = normal / scale[..., :, None] / scale[..., None, :]
    inverse = np.linalg.pinv(scaled, rcond=1e-10, hermitian=True)
    coefficients = np.einsum("...pq,...q->...p", inverse, moment / scale)
    return coefficients / scale
