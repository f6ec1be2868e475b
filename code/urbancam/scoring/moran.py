"""Moran's I: whether neighbouring cells resemble each other more than chance.

Asked of what is observed and of what a predictor leaves unexplained (Moran 1950; Cliff & Ord 1981,
chapter 1).

Each fold is predicted by a model of its own, and one that says a little more everywhere makes the
cells of its fold alike without any neighbourhood. So residuals are taken from the mean of their
fold, and dealt out anew within folds.
"""

import numpy as np
import pandas as pd
from scipy import sparse

from urbancam.scoring.bootstrap import divide
from urbancam.scoring.vocabulary import INCOME_CLASSES
from urbancam.tables import grid

PERMUTATIONS = 999  # of the values over the cells (Anselin 1995: 999)
VALUES_AT_ONCE = 2**22  # permuted values held in memory: 32 MB
RESIDUALS = ["residual_class", "residual_rank"]
ROUNDING = 1e-12  # a permutation this near to the observed I is as large


def queen_weights(ids: pd.Series) -> sparse.csr_array:
    """Row-standardised weights of the up to eight cells that share an edge or a corner.

    Args:
        ids: (n,) INSPIRE ids, each once.

    Returns:
        (n, n); the row of a cell with k neighbours holds k times 1 / k, that of a cell without any
        nothing.
    """
    touching = grid.neighbours(ids)
    neighbours = touching.sum(axis=1)
    return sparse.diags_array(1 / np.maximum(neighbours, 1)) @ touching


def moran_i(values: np.ndarray, weights: sparse.csr_array) -> np.ndarray:
    """Moran's I, sum_ij w_ij z_i z_j / sum_i z_i^2.

    z are the values less their mean; the rows of w sum to 1.

    Args:
        values: (n,) or (n, m).
        weights: (n, n) row-standardised, no empty row.

    Returns:
        scalar or (m,), about -1 .. 1; NaN where all values are equal.
    """
    z = values - values.mean(axis=0, keepdims=True) if len(values) else values
    products = np.einsum("i...,i...->...", z, weights @ z)
    squares = np.einsum("i...,i...->...", z, z)
    return divide(products, squares)


def permutation_test(
    values: np.ndarray,
    weights: sparse.csr_array,
    permutations: int,
    seed: int,
    folds: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Moran's I and its one-sided pseudo p-value.

    p = (1 + number of permutations with as large an I) / (1 + number of permutations).

    Args:
        values: (n, m), m variables.
        weights: (n, n) row-standardised, no empty row.
        permutations: Number of permutations of the cells, the same for all variables.
        seed: Seed of the permutations.
        folds: (n,) fold of each cell: values change places within folds. None: over all cells.

    Returns:
        (m,) I and (m,) p; both NaN where all values of a variable are equal.
    """
    # ASSUME: one-sided, for neighbours that are alike: nobody suspects them of being unlike.
    observed = moran_i(values, weights)
    n_cells, n_variables = values.shape
    fold_of_cell = np.zeros(n_cells) if folds is None else folds
    members = [np.flatnonzero(fold_of_cell == fold) for fold in np.unique(fold_of_cell)]
    random = np.random.default_rng(seed)
    step = max(1, VALUES_AT_ONCE // max(1, values.size))
    as_large = np.zeros(n_variables, dtype=int)
    for start in range(0, permutations, step):
        n_orders = min(step, permutations - start)
        orders = np.array([_permute(members, n_cells, random) for _ in range(n_orders)])
        permuted = values[orders.T].reshape(n_cells, n_orders * n_variables)
        by_chance = moran_i(permuted, weights).reshape(-1, n_variables)
        as_large += (by_chance >= observed - ROUNDING).sum(axis=0)
    p_value = (1 + as_large) / (1 + permutations)
    return observed, np.where(np.isnan(observed), np.nan, p_value)


def _permute(members: list[np.ndarray], n_cells: int, random: np.random.Generator) -> np.ndarray:
    """(n_cells,) cells in a new order, each group of members among itself."""
    order = np.empty(n_cells, dtype=int)
    for cells in members:
        order[cells] = cells[random.permutation(len(cells))]
    return order


def variables(predictions: pd.DataFrame) -> pd.DataFrame:
    """What is tested: the observed class and rank, and what the model leaves of them.

    Args:
        predictions: `fold, p, income_class, target`, n rows.

    Returns:
        (n rows) `observed_class`; `residual_class`, observed less expected class (4 p);
        `observed_rank` of the target, 0..1; `residual_rank`, that less the rank of p. Residuals
        are less the mean of their fold.
    """
    observed = predictions["income_class"].astype(float)
    expected = INCOME_CLASSES[-1] * predictions["p"]
    rank = predictions[["target", "p"]].rank() / max(1, len(predictions))
    columns = {
        "observed_class": observed,
        "residual_class": observed - expected,
        "observed_rank": rank["target"],
        "residual_rank": rank["target"] - rank["p"],
    }
    table = pd.DataFrame(columns)
    means = table[RESIDUALS].groupby(predictions["fold"]).transform("mean")
    table[RESIDUALS] -= means
    return table


def autocorrelation_table(
    predictions: pd.DataFrame,
    imputed: np.ndarray,
    seed: int,
) -> pd.DataFrame:
    """Moran's I of all `variables`, over all cells and over those with an income of their own.

    Args:
        predictions: `idINSPIRE, fold, p, income_class, target`, n rows.
        imputed: (n,) bool: INSEE gave the cell its group's income, so neighbours are alike by
            construction.
        seed: Seed of the permutations.

    Returns:
        `subset` (all, not_imputed), `variable, neighbours` (mean number of a cell), `n_cells`,
        `moran_i`, `expected` (without autocorrelation, -1 / (n - 1)), `p_value` (999 permutations,
        one-sided: alike).
    """
    subsets = {
        "all": imputed | ~imputed,
        "not_imputed": ~imputed,
    }
    parts = []
    for subset, in_subset in subsets.items():
        cells = predictions[in_subset]
        weights = queen_weights(cells["idINSPIRE"])
        # ASSUME: a cell without a neighbour says nothing of neighbours, and is left out.
        has_neighbours = np.diff(weights.indptr) > 0
        weights = weights[has_neighbours][:, has_neighbours]
        values = variables(cells)[has_neighbours]
        observed, p_value = _test_variables(values, weights, cells["fold"][has_neighbours], seed)
        n = len(values)
        columns = {
            "subset": subset,
            "variable": values.columns,
            "neighbours": weights.nnz / n if n else np.nan,
            "n_cells": n,
            "moran_i": observed,
            "expected": -1 / (n - 1) if n else np.nan,
            "p_value": p_value,
        }
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def _test_variables(
    values: pd.DataFrame, weights: sparse.csr_array, folds: pd.Series, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """I and p-value of each of the `variables`, residuals within folds."""
    tested = pd.DataFrame(index=["moran_i", "p_value"], columns=values.columns, dtype=float)
    residuals = values[RESIDUALS]
    observed = values.drop(columns=RESIDUALS)
    fold_of_cell = folds.to_numpy()
    for part, strata in ((observed, None), (residuals, fold_of_cell)):
        result = permutation_test(part.to_numpy(), weights, PERMUTATIONS, seed, strata)
        tested[list(part)] = np.stack(result)
    return tested.loc["moran_i"].to_numpy(), tested.loc["p_value"].to_numpy()
