"""What a cell says of the places within it: sums that a regression of its contributions needs.

The cell is divided into as many squares as the layer has positions. X holds the share of each
square under each class (what no polygon covers is one more), y the contribution of each square,
both less their mean over the cell: only places within the cell are compared. A position sees beyond
its square, so the shares are blurred by several widths, of which the regression takes the one that
fits best. X'X, X'y and y'y, over the number of squares, are all that is kept, so a city of 70,000
cells stays small.
"""

import numpy as np
import pandas as pd
from scipy import ndimage

from urbancam.explaining.projection import CellMaps

UNCOVERED = 0  # the code of what no polygon covers; classes have codes from 1 on
CONTRIBUTION = -1  # takes the place of a code: the contribution of a square
# Standard deviations of the Gaussian that blurs shares, in squares.
# ASSUME: from a position that sees its own square to one that sees 5 x 5 of them
WIDTHS = (0.0, 0.5, 0.75, 1.0, 1.5, 2.0)


def cell_moments(labels: np.ndarray, codes: np.ndarray, maps: CellMaps) -> pd.DataFrame:
    """The rows of `local_moments.parquet` of one cell, without its id.

    Args:
        labels: (H, W) int, 0 = no fragment, i + 1 = fragment i.
        codes: (n,) int code of each fragment.
        maps: Maps of the cell.

    Returns:
        `width, code, other, value`: mean over squares of the product of two centred columns, each
        the share of a code, blurred by `width`, or CONTRIBUTION, in logit units of a whole cell.
    """
    own_codes, cover = square_cover(labels, codes, maps.positions)
    whole_cell = square_contributions(maps)
    # A city of 70,000 cells has some twenty million rows: small types.
    names = np.array([*own_codes, CONTRIBUTION], dtype=np.int32)
    products = []
    for width in WIDTHS:
        blurred = [ndimage.gaussian_filter(share, width) for share in cover]
        columns = np.stack([*blurred, whole_cell]).reshape(len(names), -1)
        columns = columns - columns.mean(1, keepdims=True)
        products.append(columns @ columns.T / columns.shape[1])
    return pd.DataFrame(
        {
            "width": np.repeat(np.array(WIDTHS, dtype=np.float32), len(names) ** 2),
            "code": np.tile(np.repeat(names, len(names)), len(WIDTHS)),
            "other": np.tile(names, len(names) * len(WIDTHS)),
            "value": np.ravel(products),
        }
    )


def square_contributions(maps: CellMaps) -> np.ndarray:
    """(k, k) contribution of each square, logit units of a whole cell: the mean over squares of
    equal size is the cell's logit less the bias."""
    return square_means(maps.contribution, maps.positions) * maps.contribution.size


def square_cover(
    labels: np.ndarray, codes: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """What squares whose edges lie at whole pixels are covered by.

    Args:
        labels: (H, W) int, 0 = no fragment, i + 1 = fragment i.
        codes: (n,) int code of each fragment.
        count: Number of squares, down as across.

    Returns:
        (k,) the codes of the cell's pixels, in their order, and (k, count, count) the share of each
        square under each of them.
    """
    names, number_of_label = np.unique([UNCOVERED, *codes], return_inverse=True)
    sides_px = np.diff(_square_edges(len(labels), count))
    square = np.repeat(np.arange(count), sides_px)
    # One count of the pixels by code, row and column of squares: a single pass for all codes.
    place = number_of_label[labels] * count**2 + (square[:, None] * count + square)
    pixels = np.bincount(place.ravel(), minlength=len(names) * count**2)
    pixels = pixels.reshape(len(names), count, count)
    present = pixels.any((1, 2))
    return names[present], pixels[present] / (sides_px[:, None] * sides_px)


def _square_edges(size_px: int, count: int) -> np.ndarray:
    """(count + 1,) edges of squares, px."""
    return np.linspace(0, size_px, count + 1).astype(int)


def square_means(values: np.ndarray, count: int) -> np.ndarray:
    """(H, W) -> (count, count) means of squares whose edges lie at whole pixels."""
    edges = _square_edges(len(values), count)
    sides_px = np.diff(edges)
    rows = np.add.reduceat(values.astype(float), edges[:-1], 0)
    sums = np.add.reduceat(rows, edges[:-1], 1)
    return sums / (sides_px[:, None] * sides_px)
