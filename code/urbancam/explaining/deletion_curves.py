"""What deletion and insertion curves say over all cells: their mean, and the area under them.

Each cell weighs alike; intervals come from the blocks of the cells.
"""

import numpy as np
import pandas as pd

from urbancam.scoring import bootstrap
from urbancam.scoring.bootstrap import Estimate
from urbancam.workflow.settings.sections import Statistics

RANDOM = "random"  # the order that the others are compared with


def deletion_tables(
    curves: pd.DataFrame, blocks: pd.Series, statistics: Statistics, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables `deletion.csv` and `deletion_area.csv` (results/README.md says each column).

    Args:
        curves: Rows `idINSPIRE, order, curve, fraction, value` (logit units).
        blocks: Block of each cell, indexed by idINSPIRE.
        statistics: Section `statistics`.
        seed: Seed of the bootstrap.
    """
    key = ["order", "curve", "fraction"]
    # A row per cell, a column per curve and fraction.
    values = curves.pivot(index="idINSPIRE", columns=key, values="value")
    values = values.sort_index(axis=1)
    areas = _areas_under(values)
    # The difference is taken cell by cell, so that its interval is that of pairs.
    above_random = areas.copy()
    for order, curve in areas.columns:
        above_random[order, curve] = areas[order, curve] - areas[RANDOM, curve]

    means = _mean_over_cells(values, blocks, statistics, seed)
    mean_areas = _mean_over_cells(areas, blocks, statistics, seed)
    mean_above_random = _mean_over_cells(above_random, blocks, statistics, seed)
    area_table = mean_areas.rename(columns={"value": "area"})
    above_random_table = mean_above_random.rename(
        columns={
            "value": "above_random",
            "ci_low": "above_random_ci_low",
            "ci_high": "above_random_ci_high",
        }
    )
    return means, area_table.merge(above_random_table, on=["order", "curve", "n_cells"])


def _areas_under(values: pd.DataFrame) -> pd.DataFrame:
    """Trapezoid area under each curve of each cell: its mean height.

    Args:
        values: (cells, m) with columns `order, curve, fraction`.

    Returns:
        (cells, curves) with columns `order, curve`.
    """
    names = values.columns.droplevel("fraction").unique()
    areas = []
    for name in names:
        curve = values[name]
        fractions = curve.columns.to_numpy(float)
        areas.append(np.trapezoid(curve, fractions, axis=1))
    # Without any curve there is still a shape: no columns, no cells.
    shape = (len(names), len(values))
    by_curve = np.reshape(areas, shape)
    return pd.DataFrame(by_curve.T, values.index, names)


def _mean_over_cells(
    values: pd.DataFrame, blocks: pd.Series, statistics: Statistics, seed: int
) -> pd.DataFrame:
    """A row per column of values (cells, m): its name, `n_cells, value, ci_low, ci_high`."""
    block_of_cell = blocks.reindex(values.index)
    numbers, n_blocks = bootstrap.number_blocks(block_of_cell)
    counts = bootstrap.block_draws(block_of_cell, statistics.draws, seed)
    sums = bootstrap.block_sums(values.to_numpy(float), numbers, n_blocks)
    one_a_cell = np.ones((len(values), 1))
    cells = bootstrap.block_sums(one_a_cell, numbers, n_blocks)

    # A mean is a ratio of sums: of the values, and of ones.
    value = bootstrap.divide(sums.sum(0), cells.sum(0))
    draws = bootstrap.ratio_draws(sums, cells, counts)
    estimate = Estimate(value, draws, bootstrap.effective_blocks(cells).item())
    low, high = estimate.interval(statistics)
    names = values.columns.to_frame(index=False)
    return names.assign(
        n_cells=len(values),
        value=value,
        ci_low=low,
        ci_high=high,
    )
