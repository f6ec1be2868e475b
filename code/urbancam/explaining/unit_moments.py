"""What cells say of the places within them, of many linear units at once: sums over blocks.

The shares of land cover are the same for all units, so their products are kept once; of each unit
only its contributions' products with them are (local_moments.py says what they are for).
"""

import numpy as np
import pandas as pd
from scipy import ndimage

from urbancam.explaining.local_moments import WIDTHS, square_means


class UnitMoments:
    """Moments of P units over the blocks of a city, to which cells are added one by one.

    Args:
        block_of_cell: Number of the block of each cell that has land cover, indexed by idINSPIRE.
        classes: The U classes of the city.
        n_units: P.

    Attributes:
        cover: (W, n_blocks, U + 1, U + 1) products of shares, blurred by each of W widths; what no
            polygon covers comes last.
        cross: (W, n_blocks, U + 1, P) products of shares with contributions.
        squares: (n_blocks, P) squares of contributions.
    """

    def __init__(self, block_of_cell: pd.Series, classes: list, n_units: int) -> None:
        self.block_of_cell = block_of_cell
        self.classes = classes
        n_blocks = block_of_cell.max() + 1
        columns = len(classes) + 1
        self.cover = np.zeros((len(WIDTHS), n_blocks, columns, columns))
        self.cross = np.zeros((len(WIDTHS), n_blocks, columns, n_units))
        self.squares = np.zeros((n_blocks, n_units))

    def add(
        self,
        cell: str,
        classes: list,
        inside: np.ndarray,
        contribution: np.ndarray,
        count: int,
    ) -> None:
        """Add a cell.

        Args:
            cell: Id of the cell.
            classes: (u,) its classes.
            inside: (u, H, W) 1 where a pixel is of the class.
            contribution: (P, H, W) logit units of each pixel.
            count: Number of squares down and across.
        """
        block = self.block_of_cell[cell]
        uncovered = 1 - inside.sum(axis=0)
        cover = [square_means(mask, count) for mask in (*inside, uncovered)]
        sizes = [square_means(each, count) * each.size for each in contribution]
        centred = _centred(sizes)
        n_squares = count**2
        own = [*map(self.classes.index, classes), len(self.classes)]
        self.squares[block] += (centred**2).sum(axis=1) / n_squares
        for place, width in enumerate(WIDTHS):
            shares = _centred([ndimage.gaussian_filter(share, width) for share in cover])
            self.cover[place, block][np.ix_(own, own)] += shares @ shares.T / n_squares
            self.cross[place, block][own] += shares @ centred.T / n_squares

    def of_unit(self, unit: int, classes: list) -> list[np.ndarray]:
        """Of each width the moments of a unit, (n_blocks, U + 2, U + 2), contribution last.

        Args:
            unit: Number of the unit.
            classes: The classes in the order that is wanted.
        """
        own = [*map(self.classes.index, classes), len(self.classes)]
        by_width = []
        for cover, cross in zip(self.cover, self.cross, strict=True):
            products = np.zeros((len(cover), len(own) + 1, len(own) + 1))
            products[:, :-1, :-1] = cover[:, own][:, :, own]
            products[:, :-1, -1] = products[:, -1, :-1] = cross[:, own, unit]
            products[:, -1, -1] = self.squares[:, unit]
            by_width.append(products)
        return by_width


def _centred(maps: list[np.ndarray]) -> np.ndarray:
    """(m, squares) maps less their mean over the cell."""
    columns = np.stack(maps).reshape(len(maps), -1)
    return columns - columns.mean(axis=1, keepdims=True)
