"""The blocks that are resampled: how large they are, and which cell lies in which.

Blocks stand for neighbourhoods that know nothing of each other, so they must be larger than what a
model leaves unexplained is alike; but the larger they are, the fewer, and the less their own spread
is known. Sides are multiples of the split's block, so that no block divides a tested one.

By default the side is looked for up to four times the distance at which residuals have a
correlation of 0.05, as long as enough blocks are left, and of these sides the one is taken whose
interval of Spearman's r is the widest. A small city may have no side of that length: the table and
the report say so. docs/method.md says how often such intervals hold the truth.

Scores are resampled so. What is said of classes of land cover rests on contrasts between places
near each other, and is resampled by the split's blocks; step 18 counts on the city itself how often
that finds what is not there.
"""

import numpy as np
import pandas as pd

from urbancam.scoring import fields, metrics
from urbancam.scoring.bootstrap import block_draws, effective_blocks, number_blocks
from urbancam.scoring.moran import variables
from urbancam.scoring.predictions import rows_of
from urbancam.scoring.samples import assign_blocks
from urbancam.scoring.vocabulary import MODEL
from urbancam.tables import grid
from urbancam.workflow.settings.sections import Statistics

# ASSUME: residuals that correlate less than this are of different neighbourhoods
ALIKE = 0.05
REACHES = 4  # ASSUME: of the distance to there; by simulation (tests/scoring/test_resampling.py)
FEWEST_CELLS = 10  # ASSUME: fewer have no correlogram to speak of
CHOSEN_BY = "spearman"  # whose interval must be wide


def add_blocks(
    predictions: pd.DataFrame,
    samples: pd.DataFrame,
    step_m: int,
    statistics: Statistics,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The predictions with the `block` that each cell is resampled with, and `block_size_table`.

    Args:
        predictions: Out-of-fold predictions of the model.
        samples: As in `block_size_table`.
        step_m: As in `block_size_table`.
        statistics: Section `statistics`.
        seed: Seed of the draws.
    """
    table = block_size_table(predictions, samples, step_m, statistics, seed)
    blocks = chosen_blocks(predictions["idINSPIRE"], samples, table)
    return predictions.assign(block=blocks.to_numpy()), table


def chosen_blocks(ids: pd.Series, samples: pd.DataFrame, block_size: pd.DataFrame) -> pd.Series:
    """The block of the chosen side that each cell is resampled with, index of `ids`.

    Args:
        ids: (N,) INSPIRE ids of the cells.
        samples: `idINSPIRE, group` of these cells at least.
        block_size: As `block_size_table` returns it.
    """
    side_m = int(block_size.loc[block_size["chosen"], "side_m"].iloc[0])
    groups = rows_of(ids, samples, "samples.csv")["group"]
    return assign_blocks(ids, groups, side_m)


def block_size_table(
    predictions: pd.DataFrame,
    samples: pd.DataFrame,
    step_m: int,
    statistics: Statistics,
    seed: int,
) -> pd.DataFrame:
    """The table `block_size.csv`: how wide the model's intervals are, by the side of the block.

    Args:
        predictions: Out-of-fold predictions of the model.
        samples: `idINSPIRE, group` of all cells.
        step_m: Sides are multiples of it, m; `statistics.block_m` is added where it is set.
        statistics: Section `statistics`.
        seed: Seed of the draws.

    Returns:
        `side_m, n_blocks` (effective), `metric, value, ci_low, ci_high, ci_width, reach_m` (how
        long a side the residuals ask for), `chosen` (bool).
    """
    groups = rows_of(predictions["idINSPIRE"], samples, "samples.csv")["group"]
    parts = []
    side_m = step_m
    while side_m == step_m or parts[-1]["n_blocks"].iloc[0] >= statistics.min_blocks:
        parts.append(_widths(predictions, groups, side_m, statistics, seed))
        side_m += step_m
    # The last one leaves too few blocks, unless it is the only one.
    parts = parts[:-1] or parts
    asked_m = statistics.block_m
    if asked_m and asked_m not in {part["side_m"].iloc[0] for part in parts}:
        parts.append(_widths(predictions, groups, asked_m, statistics, seed))
    table = pd.concat(parts, ignore_index=True)
    reach_m = REACHES * alike_up_to_m(predictions, seed)
    chosen_m = asked_m or _choose_side(table, reach_m)
    return table.assign(reach_m=reach_m, chosen=table["side_m"] == chosen_m)


def _widths(
    predictions: pd.DataFrame,
    groups: pd.Series,
    side_m: int,
    statistics: Statistics,
    seed: int,
) -> pd.DataFrame:
    """The rows of one side."""
    blocks = assign_blocks(predictions["idINSPIRE"], groups, side_m)
    numbers, n_blocks = number_blocks(blocks)
    as_they_are = np.ones((1, n_blocks))
    counts = np.vstack([as_they_are, block_draws(blocks, statistics.draws, seed)])
    effective = float(effective_blocks(np.bincount(numbers)))
    scores = {MODEL: metrics.scores(predictions, numbers, counts)}
    table = metrics.compare(scores, effective, statistics)
    table = table[["metric", "value", "ci_low", "ci_high"]]
    table.insert(0, "side_m", side_m)
    table.insert(1, "n_blocks", int(effective))
    return table.assign(ci_width=table["ci_high"] - table["ci_low"])


def _choose_side(table: pd.DataFrame, reach_m: float) -> int:
    """The side with the widest interval, up to the first one that is as long as the reach."""
    widths = table[table["metric"] == CHOSEN_BY].set_index("side_m")["ci_width"]
    beyond = widths.index[widths.index >= reach_m]
    last_m = beyond[0] if len(beyond) else widths.index[-1]
    in_reach = widths.loc[:last_m].dropna()
    return int(in_reach.idxmax()) if len(in_reach) else int(widths.index[0])


def alike_up_to_m(predictions: pd.DataFrame, seed: int) -> float:
    """Distance at which the fitted correlogram of the residuals falls to 0.05, m; 0 if it is there
    from the start.

    Residuals are ranks (`moran.variables`), less the mean of their fold.

    Args:
        predictions: `idINSPIRE, fold, p, income_class, target`, n rows.
        seed: Seed of the draw of cells that the correlogram is fitted on.
    """
    if len(predictions) < FEWEST_CELLS:
        return 0.0
    residual = variables(predictions)["residual_rank"]
    centres = grid.centres(predictions["idINSPIRE"])
    correlogram = fields.fit_correlogram(centres, residual.to_numpy(), seed)
    share = max(correlogram.smooth_share, ALIKE)
    return float(correlogram.range_m * np.log(share / ALIKE))
