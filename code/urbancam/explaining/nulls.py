"""Activation ratios beside what nulls give: the table `nulls.csv`.

Each null is a map that lacks one thing that the published map has, over the same cells:

    shuffled_labels   what labels teach: a training on labels shuffled among the cells
    random_weights    all that is learned: what architecture and image alone give
    other_cell        where in the cell the polygons lie: the map of a cell of like land cover

Both ratios are resampled by the same blocks. The band holds the values that the blocks do not tell
from the null: a value lies outside exactly where the interval of log(value / null's ratio) leaves
0. Networks are as they are: how other random weights or shuffles would differ is not in the band.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from urbancam.explaining import agreement
from urbancam.explaining.landcover.city import LandCover
from urbancam.scoring.bootstrap import Estimate, log_quotient
from urbancam.scoring.vocabulary import CONTRAST

SHUFFLED, RANDOM, OTHER_CELL = "shuffled_labels", "random_weights", "other_cell"
COLUMNS = "class name side null n_cells value null_low null_high p_value".split()


def nulls_table(shares: pd.DataFrame, make: Callable[[pd.DataFrame], LandCover]) -> pd.DataFrame:
    """The table `nulls.csv`; results/README.md says each column.

    Args:
        shares: As in `agreement.compare`.
        make: As in `agreement.compare`.
    """
    tables = [
        _rows_of_null(*agreement.on_same_cells(shares, control, make)).assign(null=null)
        for null, control in _null_controls(shares).items()
    ]
    return pd.concat(tables or [pd.DataFrame()], ignore_index=True).reindex(columns=COLUMNS)


def _null_controls(shares: pd.DataFrame) -> dict[str, str]:
    """The nulls that shares hold, and the control that each is."""
    names = agreement.control_names(shares)
    # Weights are drawn anew from the top: the last of these networks is random throughout.
    drawn_anew = [name for name in names if name.startswith("weights_")]
    deepest = drawn_anew[-1] if drawn_anew else RANDOM
    controls = {SHUFFLED: SHUFFLED, RANDOM: deepest, OTHER_CELL: OTHER_CELL}
    return {null: control for null, control in controls.items() if control in names}


def _rows_of_null(null: LandCover, published: LandCover) -> pd.DataFrame:
    """A row per side and class, of the published map's ratio against the null's."""
    null_estimates = agreement.estimates(null)
    n_cells = agreement.cells_by_side(null)
    tables = []
    for side, estimate in agreement.estimates(published).items():
        excess = _excess(estimate, null_estimates[side], side)
        low, high = excess.interval(published.statistics)
        table = {
            "class": published.classes,
            "name": published.names,
            "side": side,
            "n_cells": n_cells[side],
            "value": estimate.value,
            "null_low": _less(estimate.value, high, side),
            "null_high": _less(estimate.value, low, side),
            "p_value": excess.p_value(0, published.statistics),
        }
        tables.append(pd.DataFrame(table))
    return pd.concat(tables, ignore_index=True)


def _excess(value: Estimate, null: Estimate, side: str) -> Estimate:
    """How far the value lies above the null, on the same draws: a logarithm of ratios."""
    if side != CONTRAST:
        return log_quotient(value, null)
    blocks = np.minimum(value.blocks, null.blocks)
    return Estimate(value.value - null.value, value.draws - null.draws, blocks)


def _less(value: np.ndarray, excess: np.ndarray, side: str) -> np.ndarray:
    """The value with an excess taken off, in its own unit."""
    return value - excess if side == CONTRAST else value / np.exp(excess)
