"""How a class beside another changes what is read on it, and what it says of the incomes.

Every pair is directed: the object is the class whose statistic changes, the neighbour the one
beside it. Names and values come from the same two indices, so that they cannot be attributed to
each other wrongly.
"""

import numpy as np
import pandas as pd

from urbancam.explaining.landcover.city import LandCover
from urbancam.scoring import bootstrap, significance
from urbancam.scoring.bootstrap import Estimate
from urbancam.scoring.vocabulary import SIDES


def coactivation(city: LandCover) -> pd.DataFrame:
    """The table `coactivation.csv`: how a neighbour changes the object's activation ratio.

    `value` = ratio of the object over cells that hold both / its ratio over all cells that hold
    it; the null is 1. Published with unweighted trimmed means of per-cell ratios; here with ratios
    of sums, as `activation_ratio`.
    """
    tables = []
    for name in SIDES:
        side = city.side(name)
        table = _pairs_of_side(
            city,
            name,
            numerator=side.activation,
            denominator=side.area,
            present=side.present,
            numbers=side.blocks,
        )
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def observed_coassociation(city: LandCover) -> pd.DataFrame:
    """The table `observed_coassociation.csv`: how a neighbour changes what the object says.

    What it says of income: `value` = p(side | both present) / p(side | object present) over all
    cells, by observed income (the published r1); the null is 1.
    """
    every_cell = np.ones_like(city.area)
    tables = []
    for name in SIDES:
        is_side = city.predictions["income_class"].isin(city.income_classes(name))
        of_side = every_cell * is_side.to_numpy(dtype=float)[:, None]
        table = _pairs_of_side(
            city,
            name,
            numerator=of_side,
            denominator=every_cell,
            present=city.present,
            numbers=city.block_numbers,
        )
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _pairs_of_side(
    city: LandCover,
    side: str,
    numerator: np.ndarray,
    denominator: np.ndarray,
    present: np.ndarray,
    numbers: np.ndarray,
) -> pd.DataFrame:
    """Rows of one side.

    Args:
        city: Statistics of the city, for its classes, blocks and settings.
        side: Name of the side.
        numerator: (N, U) numerator of each object; a pair's statistic is its sum over that of the
            denominator.
        denominator: (N, U).
        present: (N, U) bool.
        numbers: (N,) block of each cell.

    Returns:
        rows `side, object, neighbour, n_cells, value, ci_low, ci_high, published_value` and
        significance.
    """
    n_cells = present.T.astype(int) @ present
    # A class beside itself is no pair, and few cells tell nothing of one.
    is_itself = np.eye(len(n_cells), dtype=bool)
    enough = (n_cells >= city.settings.min_joint_cells) & ~is_itself
    pairs = np.nonzero(enough)  # places of the objects and of the neighbours
    object_place, neighbour_place = pairs

    estimate = _quotients(city, numerator, denominator, present, numbers)
    low, high = estimate.interval(city.statistics)
    classes = np.array(city.classes, dtype=object)
    published = bootstrap.divide(estimate.value, estimate.value.T)  # emp_a / emp_b, r1 / r2
    table = pd.DataFrame(
        {
            "side": side,
            "object": classes[object_place],
            "neighbour": classes[neighbour_place],
            "n_cells": n_cells[pairs],
            "value": estimate.value[pairs],
            "ci_low": low[pairs],
            "ci_high": high[pairs],
            "published_value": published[pairs],
        }
    )
    p_value = estimate.p_value(1, city.statistics)[pairs]
    return significance.add_significance(table, p_value, city.statistics)


def _quotients(
    city: LandCover,
    numerator: np.ndarray,
    denominator: np.ndarray,
    present: np.ndarray,
    numbers: np.ndarray,
) -> Estimate:
    """Statistic of the object where the neighbour is too / wherever the object is.

    Arguments as in `_pairs_of_side`; (U, U), object by neighbour.
    """
    shape = present.shape[1], present.shape[1]
    one_a_cell = np.ones(present.shape)
    # Blocks that hold both, for the interval to mean anything.
    n_cells = _pair_sums(one_a_cell, present, numbers, city.n_blocks)
    n_blocks = bootstrap.effective_blocks(n_cells).reshape(shape)

    numerators = _pair_sums(numerator, present, numbers, city.n_blocks)
    denominators = _pair_sums(denominator, present, numbers, city.n_blocks)
    ratio = bootstrap.divide(numerators.sum(0), denominators.sum(0))
    ratio_draws = bootstrap.ratio_draws(numerators, denominators, city.counts)
    return Estimate(
        value=_over_alone(ratio.reshape(shape)),
        draws=_over_alone(ratio_draws.reshape(-1, *shape)),
        blocks=n_blocks,
    )


def _over_alone(joint: np.ndarray) -> np.ndarray:
    """(..., U, U) ratios of pairs over the objects' own, which stand on the diagonal."""
    alone = np.einsum("...uu->...u", joint)
    return bootstrap.divide(joint, alone[..., None])


def _pair_sums(
    values: np.ndarray, present: np.ndarray, numbers: np.ndarray, n_blocks: int
) -> np.ndarray:
    """(n_blocks, U * U) sums of the object's values over the cells that hold both.

    An object beside itself has the sum over all its cells. One neighbour at a time: all pairs of
    70,000 cells at once would take 224 MB a matrix.
    """
    values_of_object = np.where(present, values, 0)
    by_neighbour = []
    for beside in present.T:
        values_of_both = values_of_object * beside[:, None]
        by_neighbour.append(bootstrap.block_sums(values_of_both, numbers, n_blocks))
    return np.stack(by_neighbour, axis=2).reshape(n_blocks, -1)
