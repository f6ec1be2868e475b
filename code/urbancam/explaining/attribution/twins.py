"""Cells of like land cover, whose maps are laid on each other's polygons."""

import numpy as np

NONE = -1  # of a cell that is alone on its side


def find_twins(composition: np.ndarray, rich: np.ndarray) -> np.ndarray:
    """The other cell of the same side whose land cover is the most alike.

    Args:
        composition: (N, U) share of each class in a cell.
        rich: (N,) bool, the side of the cell.

    Returns:
        (N,) number of the other cell, `NONE` where there is none.
    """
    # Half of it is the share of the area that is of another class.
    distance = np.abs(composition[:, None] - composition[None]).sum(-1)
    distance[rich[:, None] != rich[None]] = np.inf
    np.fill_diagonal(distance, np.inf)
    twins = distance.argmin(1)
    return np.where(np.isfinite(distance.min(1)), twins, NONE)
