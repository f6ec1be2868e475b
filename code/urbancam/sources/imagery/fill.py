"""Fill: what a pack holds where it has no imagery (outside its department, over the sea).

Fill is a region connected to the tile's edge, near 0 or near 255 in all bands, of at least 100 m2, widened by
20 px since the encoder smears its rim; and, where the file declares a value for no data, any region of exactly that
value and at least that size (a lone white pixel is a roof). Whole tiles are looked at once, at 3 m; pixels only
near what that shows, along the tile's edge, and where a value is declared.
"""

from collections.abc import Callable

import numpy as np
from scipy import ndimage

from urbancam.sources.imagery.tile import Tile, Window

TOLERANCE = (
    4  # grey values from 0 or 255; ASSUME: roofs and shadows that reach the edge are rarely as pure
)
AREA_M2 = 100.0  # ASSUME: smaller dark or bright regions at the edge are objects, not fill
COARSE_AREA_M2 = 2 * AREA_M2  # by so much is an area at 3 m uncertain
WIDENING_PX = 20  # ASSUME: reach of the smear of a 1:8 JPEG 2000 file
COARSE_M = (
    3.2  # pixel of the first look: 16 px of IGN's, which is one of the file's own reduced levels
)


def coarse_fill(tile: Tile) -> np.ndarray | None:
    """The larger regions of fill of a whole tile, at about 3 m (the smaller ones end near the tile's edge).

    Returns:
        (H / f, W / f) bool, f a power of two; None where the tile has none.
    """
    factor = 2 ** max(int(np.log2(COARSE_M / tile.pixel_m)), 0)
    pixels = tile.read_reduced(factor)
    at_edge = np.ones(pixels.shape[1:], bool)
    at_edge[1:-1, 1:-1] = False
    smallest_px = COARSE_AREA_M2 / (tile.pixel_m * factor) ** 2
    fill = np.zeros(pixels.shape[1:], bool)
    for near in _candidates(pixels, tile.nodata)[0]:
        fill |= _regions(near, lambda touches, area_px: touches(at_edge) & (area_px >= smallest_px))
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
        max(window.top - WIDENING_PX, 0),
        min(window.bottom + WIDENING_PX, tile.height),
        max(window.left - WIDENING_PX, 0),
        min(window.right + WIDENING_PX, tile.width),
    )
    known, at_edge = _known_fill(tile, outer, coarse), _at_edge(tile, outer)
    if tile.nodata is None and not (known.any() or at_edge.any()):
        return None
    pixels, smallest_px = tile.read(outer), AREA_M2 / tile.pixel_m**2

    def at_edge_or_known(touches: Callable, area_px: np.ndarray) -> np.ndarray:
        return touches(known) | (touches(at_edge) & (area_px >= smallest_px))

    near_black_or_white, declared = _candidates(pixels, tile.nodata)
    fill = np.zeros(known.shape, bool)
    for near in near_black_or_white:
        if (near & (at_edge | known)).any():
            fill |= _regions(near, at_edge_or_known)
    if fill.any():
        fill = ndimage.maximum_filter(fill, size=2 * WIDENING_PX + 1)
    fill |= _regions(
        declared, lambda touches, area_px: area_px >= smallest_px
    )  # exact, so not widened
    top, left = window.top - outer.top, window.left - outer.left
    inner = fill[top : top + window.bottom - window.top, left : left + window.right - window.left]
    return ~inner if inner.any() else None


def _candidates(pixels: np.ndarray, nodata: float | None) -> tuple[list[np.ndarray], np.ndarray]:
    """[near 0, near 255] in all bands, and exactly the file's own value for no data: (H, W) bool each."""
    declared = (
        np.zeros(pixels.shape[1:], bool) if nodata is None else (pixels == nodata).all(axis=0)
    )
    black, white = pixels.max(axis=0) <= TOLERANCE, pixels.min(axis=0) >= 255 - TOLERANCE
    return [black & ~declared, white & ~declared], declared


def _regions(near: np.ndarray, keep: Callable[[Callable, np.ndarray], np.ndarray]) -> np.ndarray:
    """The connected regions that `keep` keeps.

    Args:
        near: (H, W) bool.
        keep: of `touches` (a mask -> per region, whether it touches the mask) and the regions' areas in px.
    """
    if not near.any():
        return near
    labels, count = ndimage.label(near)
    area_px = np.bincount(labels.ravel(), minlength=count + 1)
    kept = keep(lambda mask: np.bincount(labels[mask], minlength=count + 1) > 0, area_px)
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
