"""Fill: what a pack holds where it has no imagery (outside its department, over the sea).

Fill is a region connected to the tile's edge, near 0 or near 255 in all bands, of at least 100 m2, widened by
20 px since the encoder smears its rim. Whole tiles are looked at once, at 3 m; pixels only near what that shows,
and along the tile's edge.
"""

import numpy as np
from scipy import ndimage

from urbancam.imagery.tile import Tile, Window

TOLERANCE = 4  # grey values from 0 or 255; ASSUME: roofs and shadows that reach the edge are rarely as pure
AREA_M2 = 100.0  # ASSUME: smaller dark or bright regions at the edge are objects, not fill
WIDENING_PX = 20  # ASSUME: reach of the smear of a 1:8 JPEG 2000 file
COARSE_M = 3.2  # pixel of the first look: 16 px of IGN's, which is one of the file's own reduced levels


def coarse_fill(tile: Tile) -> np.ndarray | None:
    """Fill of a whole tile at about 3 m.

    Returns:
        (H / f, W / f) bool, f a power of two; None where the tile has no fill of that size.
    """
    factor = 2 ** max(int(np.log2(COARSE_M / tile.pixel_m)), 0)
    pixels = tile.read_reduced(factor)
    at_edge = np.ones(pixels.shape[1:], bool)
    at_edge[1:-1, 1:-1] = False
    smallest_px = AREA_M2 / (tile.pixel_m * factor) ** 2
    fill = np.zeros(pixels.shape[1:], bool)
    for near in _near(pixels):
        fill |= _regions(near, lambda edge, _, area: edge & (area >= smallest_px), at_edge, at_edge)
    return fill if fill.any() else None


def valid_pixels(tile: Tile, window: Window, coarse: np.ndarray | None) -> np.ndarray | None:
    """Which pixels of a window are imagery.

    Args:
        tile: the tile.
        window: inside it.
        coarse: the tile's `coarse_fill`.

    Returns:
        (H, W) bool, False in fill; None where all are imagery.
    """
    outer = Window(
        max(window.top - WIDENING_PX, 0), min(window.bottom + WIDENING_PX, tile.height),
        max(window.left - WIDENING_PX, 0), min(window.right + WIDENING_PX, tile.width),
    )  # fmt: skip
    known, at_edge = _known_fill(tile, outer, coarse), _at_edge(tile, outer)
    if not (known.any() or at_edge.any()):
        return None
    fill = np.zeros(known.shape, bool)
    smallest_px = AREA_M2 / tile.pixel_m**2
    for near in _near(tile.read(outer)):
        fill |= _regions(near, lambda edge, coarse, area: coarse | (edge & (area >= smallest_px)), at_edge, known)
    if not fill.any():
        return None
    wide = ndimage.maximum_filter(fill, size=2 * WIDENING_PX + 1)
    top, left = window.top - outer.top, window.left - outer.left
    return ~wide[top : top + window.bottom - window.top, left : left + window.right - window.left]


def _near(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Near 0 in all bands, and near 255 in all bands: two (H, W) bool."""
    return pixels.max(axis=0) <= TOLERANCE, pixels.min(axis=0) >= 255 - TOLERANCE


def _regions(near: np.ndarray, keep, at_edge: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The connected regions of `near` that `keep(touches edge, touches known fill, area in px)` keeps."""
    if not (near & (at_edge | known)).any():
        return np.zeros(near.shape, bool)
    labels, count = ndimage.label(near)
    area = np.bincount(labels.ravel(), minlength=count + 1)
    touching = [np.bincount(labels[mask], minlength=count + 1) > 0 for mask in (at_edge, known)]
    kept = keep(*touching, area)
    kept[0] = False  # label 0 is what is not near
    return kept[labels]


def _at_edge(tile: Tile, window: Window) -> np.ndarray:
    """(H, W) bool: the outermost row or column of the tile."""
    rows = np.arange(window.top, window.bottom)[:, None]
    columns = np.arange(window.left, window.right)[None]
    return (rows == 0) | (rows == tile.height - 1) | (columns == 0) | (columns == tile.width - 1)


def _known_fill(tile: Tile, window: Window, coarse: np.ndarray | None) -> np.ndarray:
    """(H, W) bool: the coarse fill laid on the window's pixels."""
    shape = (window.bottom - window.top, window.right - window.left)
    if coarse is None:
        return np.zeros(shape, bool)
    rows = np.arange(window.top, window.bottom) * coarse.shape[0] // tile.height
    columns = np.arange(window.left, window.right) * coarse.shape[1] // tile.width
    return coarse[np.ix_(rows, columns)]
