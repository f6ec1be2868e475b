"""One side of the model as matrices over cells and classes: what ratios are computed from."""

from dataclasses import dataclass

import numpy as np


@dataclass
class Side:
    """Matrices over the N cells of one side's sample and the U classes of the city.

    Attributes:
        cells: (N,) ids.
        activation: (N, U) share of the cell's activation, rows sum to 1.
        area: (N, U) share of the cell's covered area, rows sum to 1.
        cell_area: (N, U) share of the whole cell, rows sum to the covered share.
        present: (N, U) bool: the cell holds the class; slivers do not count.
        contribution: (N, U) logit units.
        blocks: (N,) number of each cell's block.
    """

    cells: np.ndarray
    activation: np.ndarray
    area: np.ndarray
    cell_area: np.ndarray
    present: np.ndarray
    contribution: np.ndarray
    blocks: np.ndarray
