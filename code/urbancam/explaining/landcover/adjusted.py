"""The adjusted effect of land cover: what a class goes with, the other classes held as they are.

No map and no network is needed: the question is of the cells, not of places in them. An outcome of
cells (the network's logit, or income itself) is regressed on their shares of land cover:

    outcome_i = intercept(fold of i) + b density_i + sum_u effect_u share_iu + e_i

Shares of a cell add up to 1 (what no polygon covers is a column of its own), so effects are told
against a reference class: the change of the outcome where a whole cell of the reference becomes one
of class u, in the same fold and at the same density. Where density is what the network has learned,
it is the outcome, and nothing to hold: it is left out. Blocks are resampled (scoring/bootstrap.py).
"""

import numpy as np
import pandas as pd

from urbancam.explaining.landcover.city import LandCover
from urbancam.scoring import bootstrap
from urbancam.scoring.bootstrap import Estimate


def adjusted_effects(
    shares: np.ndarray,
    outcome: np.ndarray,
    folds: np.ndarray,
    density: np.ndarray | None,
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
            None: it is not held.
        blocks: (N,) block of each cell.
        reference: Column of the class that effects are told against.
        draws: Number of bootstrap draws.
        seed: Seed of the draws.

    Returns:
        (U,) in units of the outcome per whole cell. The reference has the value 0 and no interval;
        a draw without any cell of a class says nothing of it (NaN).
    """
    design = _design(shares, folds, density)
    numbers, n_blocks = bootstrap.number_blocks(blocks)
    products = _block_products(design, outcome, numbers, n_blocks)
    counts = bootstrap.block_draws(blocks, draws, seed)
    value, effects = effects_against(products, counts, shares.shape[1], reference)
    held = bootstrap.block_sums(shares > 0, numbers, n_blocks)
    return Estimate(value, effects, bootstrap.effective_blocks(held))


def effects_against(
    products: np.ndarray, counts: np.ndarray, n_classes: int, reference: int
) -> tuple[np.ndarray, np.ndarray]:
    """Effects of classes against a reference from the normal equations of blocks.

    Args:
        products: (n_blocks, p, p + 1): X'X and X'y of each block; the first columns of X are the
            shares of the classes.
        counts: (draws, n_blocks), from `block_draws`.
        n_classes: Number of classes, U.
        reference: Class that effects are told against: its column is left out.

    Returns:
        (U,) effects and (draws, U) those of the draws, as in `adjusted_effects`.
    """
    kept = np.delete(np.arange(products.shape[1]), reference)
    columns = kept[: n_classes - 1]
    kept_products = products[:, kept][:, :, [*kept, -1]]

    value = np.zeros(n_classes)
    value[columns] = _solve(kept_products.sum(0))[: len(columns)]
    of_draws = counts @ kept_products.reshape(len(products), -1)
    of_draws = of_draws.reshape(-1, *kept_products.shape[1:])
    draws = np.full((len(counts), n_classes), np.nan)
    draws[:, columns] = _solve(of_draws)[:, : len(columns)]

    # A class that no cell of a draw holds has a row of zeros, and no effect to speak of.
    squares = np.einsum("bpp->bp", products[:, :n_classes, :n_classes])
    draws[counts @ squares == 0] = np.nan
    return value, draws


def explained(products: np.ndarray) -> float:
    """Share of y'y that the columns of X explain; (p + 1, p + 1) of [X y]'[X y]."""
    coefficients = _solve(products[:-1])
    return float(coefficients @ products[:-1, -1] / products[-1, -1])


def _design(shares: np.ndarray, folds: np.ndarray, density: np.ndarray | None) -> np.ndarray:
    """(N, p) columns of the regression, the shares of the classes first."""
    uncovered = 1 - shares.sum(1, keepdims=True)
    of_fold = folds[:, None] == np.unique(folds)
    if density is None:
        return np.column_stack([shares, uncovered, of_fold])
    # Columns of like size keep the normal equations well conditioned.
    spread = density.std() or 1.0
    standardised = (density - density.mean()) / spread
    return np.column_stack([shares, uncovered, standardised, of_fold])


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


def adjusted_effect(
    city: LandCover, outcomes: dict[str, pd.Series], people: pd.Series | None
) -> pd.DataFrame:
    """The table `adjusted_effect.csv`: of land cover on each outcome; results/README.md says more.

    Args:
        city: Statistics of the city.
        outcomes: `{name: (cells,)}`, indexed by idINSPIRE.
        people: (cells,) people of each cell, the same; None: density is not held.
    """
    cells = city.predictions.index
    density = None if people is None else np.log1p(people.reindex(cells).to_numpy(float))
    held = "fold" if people is None else "density; fold"
    tables = []
    for name, outcome in outcomes.items():
        estimate = adjusted_effects(
            shares=city.area,
            outcome=outcome.reindex(cells).to_numpy(float),
            folds=city.predictions["fold"].to_numpy(),
            density=density,
            blocks=city.block_numbers,
            reference=city.reference,
            draws=city.statistics.draws,
            seed=city.seed,
        )
        table = city.table_of_effects(estimate)
        table.insert(0, "outcome", name)
        table.insert(1, "held", held)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)
