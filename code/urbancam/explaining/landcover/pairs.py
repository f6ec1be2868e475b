"""How a class beside another changes what is read on it, and what it says of the incomes.

Every pair is directed: the object is the class whose statistic changes, the neighbour the one beside it. Names and
values come from the same two indices, so that they cannot be attributed to each other wrongly.
"""

import numpy as np
import pandas as pd

from urbancam.explaining.landcover.city import LandCover
from urbancam.scoring import bootstrap
from urbancam.scoring.bootstrap import Estimate
from urbancam.scoring.vocabulary import SIDES


def coactivation(city: LandCover) -> pd.DataFrame:
    """The table `coactivation.csv`: how a neighbour's presence changes the object's activation ratio.

    `value` = ratio of the object over cells that hold both / its ratio over all cells that hold it; the null is 1.
    Published with unweighted trimmed means of per-cell ratios; here with ratios of sums, as `activation_ratio`.
    """
    tables = []
    for name in SIDES:
        side = city.side(name)
        tables.append(
            _pairs_of_side(city, name, side.activation, side.area, side.present, side.blocks)
        )
    return pd.concat(tables, ignore_index=True)


def observed_coassociation(city: LandCover) -> pd.DataFrame:
    """The table `observed_coassociation.csv`: how a neighbour's presence changes what the object says of income.

    `value` = p(side | both present) / p(side | object present) over all cells, by observed income (the published r1);
    the null is 1.
    """
    tables = []
    for name in SIDES:
        is_side = (
            city.predictions["income_class"].isin(city.income_classes(name)).to_numpy(dtype=float)
        )
        cells = np.ones_like(city.area)
        parts = cells * is_side[:, None], cells, city.present, city.block_numbers
        tables.append(_pairs_of_side(city, name, *parts))
    return pd.concat(tables, ignore_index=True)


def _pairs_of_side(
    city: LandCover,
    side: str,
    numerator: np.ndarray,
    denominator: np.ndarray,
    present: np.ndarray,
    numbers: np.ndarray,
) -> pd.DataFrame:
    """Rows of one side: `side, object, neighbour, n_cells, value, ci_low, ci_high, published_value` and significance.

    Args:
        city: for its classes, blocks and settings.
        side: its name.
        numerator: (N, U) of each object; a pair's statistic is its sum over that of the denominator.
        denominator: (N, U).
        present: (N, U) bool.
        numbers: (N,) block of each cell.
    """
    n_cells = present.T.astype(int) @ present
    enough = (n_cells >= city.settings.min_joint_cells) & ~np.eye(len(n_cells), dtype=bool)
    o, n = np.nonzero(enough)  # places of the object and of the neighbour
    estimate = _quotients(city, numerator, denominator, present, numbers)
    low, high = estimate.interval(city.statistics)
    names = np.array(city.classes, dtype=object)
    published = bootstrap.divide(estimate.value, estimate.value.T)  # emp_a / emp_b, r1 / r2
    table = pd.DataFrame(
        {
            "side": side,
            "object": names[o],
            "neighbour": names[n],
            "n_cells": n_cells[o, n],
            "value": estimate.value[o, n],
            "ci_low": low[o, n],
            "ci_high": high[o, n],
            "published_value": published[o, n],
        }
    )
    return bootstrap.add_significance(
        table, estimate.p_value(1, city.statistics)[o, n], city.statistics
    )


def _quotients(
    city: LandCover,
    numerator: np.ndarray,
    denominator: np.ndarray,
    present: np.ndarray,
    numbers: np.ndarray,
) -> Estimate:
    """Statistic of the object where the neighbour is too / wherever the object is; (U, U), object by neighbour."""
    shape = present.shape[1], present.shape[1]
    held = (
        (_pair_sums(np.ones(present.shape), present, numbers, city.n_blocks) > 0)
        .sum(0)
        .reshape(shape)
    )
    sums = [_pair_sums(part, present, numbers, city.n_blocks) for part in (numerator, denominator)]
    joint = bootstrap.divide(*(part.sum(0) for part in sums)).reshape(shape)
    draws = bootstrap.ratio_draws(*sums, city.counts).reshape(-1, *shape)
    value, drawn = (
        bootstrap.divide(both, np.einsum("...uu->...u", both)[..., None]) for both in (joint, draws)
    )
    return Estimate(value, drawn, held)


def _pair_sums(
    values: np.ndarray, present: np.ndarray, numbers: np.ndarray, n_blocks: int
) -> np.ndarray:
    """(n_blocks, U * U) sums of the object's values over the cells that hold both; object beside itself: all its cells.

    One neighbour at a time: all pairs of 70,000 cells at once would take 224 MB a matrix.
    """
    held = np.where(present, values, 0)
    beside = [
        bootstrap.block_sums(held * neighbour[:, None], numbers, n_blocks)
        for neighbour in present.T
    ]
    return np.stack(beside, axis=2).reshape(n_blocks, -1)
