"""Cells of like land cover, whose maps are laid on each other's polygons."""

import numpy as np

NONE = -1  # of a cell that is alone on its side
CELLS_AT_ONCE = 32  # compared with all others: memory grows with the cells, not with their square


def find_twins(composition: np.ndarray, rich: np.ndarray) -> np.ndarray:
    """The other cell of the same side whose land cover is the most alike.

    Args:
        composition: (N, U) share of each class in a cell.
        rich: (N,) bool, the side of the cell.

    Returns:
        (N,) number of the other cell, `NONE` where there is none.
    """
    twins = np.full(len(rich), NONE)
    for first in range(0, len(rich), CELLS_AT_ONCE):
        some = slice(first, first + CELLS_AT_ONCE)
        # Half of it is the share of the area that is of another class.
        distance = np.abs(composition[some, None] - composition[None]).sum(-1)
        distance[rich[some, None] != rich[None]] = np.inf
        own = np.arange(len(distance))
        distance[own, first + own] = np.inf
        nearest = distance.argmin(1)
        twins[some] = np.where(np.isfinite(distance.min(1)), nearest, NONE)
    return twins
