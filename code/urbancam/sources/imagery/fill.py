"""Fill: what a pack holds where it has no imagery (outside its department, over the sea).

Fill is a region connected to the tile's edge, near 0 or near 255 in all bands, of at least
100 m2, widened by 20 px since the encoder smears its rim; and, where the file declares a value
for no data, any region of exactly that value and at least that size (a lone white pixel is a
roof). Whole tiles are looked at once, at 3 m; pixels only near what that shows, along the tile's
edge, and where a value is declared.

Where a file holds a mask or an alpha band, or one of the user's own declares a value for no data,
that is all that is void: nothing is guessed from its colours.

The image of a single cell, from a WMS, is no piece of a pack: its fill is `background`, at its own
pixels, widened alike.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from urbancam.sources.imagery.background import background
from urbancam.sources.imagery.tile import RASTERS, Tile
from urbancam.sources.imagery.window import Window

# Grey values from 0 or 255; ASSUME: roofs and shadows that reach the edge are rarely as pure.
TOLERANCE = 4
AREA_M2 = 100.0  # ASSUME: smaller dark or bright regions at the edge are objects, not fill
AREA_PX = 25  # ASSUME: nor are smaller ones fill where pixels are coarser than 2 m
COARSE_AREA_M2 = 2 * AREA_M2  # an area measured at 3 m is uncertain by about so much
WIDENING_PX = 20  # ASSUME: reach of the smear of a 1:8 JPEG 2000 file
# Pixel of the first look: 16 px of IGN's, which is one of the file's own reduced levels.
COARSE_M = 3.2


def coarse_fill(tile: Tile) -> np.ndarray | None:
    """The larger regions of fill of a whole tile, at about 3 m (smaller ones end near its edge).

    Returns:
        (H / f, W / f) bool, f a power of two (1 for the image of a cell: all of its fill); None
        where the tile has none, or says itself which pixels are imagery.
    """
    if tile.is_masked or _declares_all(tile):
        return None
    if tile.file.is_cell_image:
        return background(tile)
    halvings = int(np.log2(COARSE_M / tile.pixel_m))
    factor = 2 ** max(halvings, 0)
    pixels = tile.read_reduced(factor)
    smallest_px = max(COARSE_AREA_M2 / (tile.pixel_m * factor) ** 2, AREA_PX / factor**2)

    # Smaller regions, and those inside the tile, are objects.
    at_edge = np.ones(pixels.shape[1:], bool)
    at_edge[1:-1, 1:-1] = False

    black, white, _ = _candidates(pixels, tile.nodata)
    fill = np.zeros(pixels.shape[1:], bool)
    for near in (black, white):
        if near.any():
            regions = _Regions.of(near)
            large = regions.area_px >= smallest_px
            fill |= regions.pixels(regions.touching(at_edge) & large)
    return fill if fill.any() else None


def valid_pixels(
    tile: Tile,
    window: Window,
    coarse: np.ndarray | None,
) -> np.ndarray | None:
    """Which pixels of a window are imagery.

    Args:
        tile: The tile.
        window: Pixels inside the tile.
        coarse: The tile's `coarse_fill`.

    Returns:
        (H, W) bool, False in fill; None where all are imagery.
    """
    if tile.is_masked:
        mask = tile.read_mask(window)
        return None if mask.all() else mask
    outer = window_of_fill(tile, window)
    coarse_here = _coarse_fill_within(tile, outer, coarse)
    if tile.file.is_cell_image:
        fill = _widened(coarse_here)
    else:
        fill = _fill(tile, outer, coarse_here, _at_edge(tile, outer))
    rows, columns = window.slices_of(outer)
    inner = fill[rows, columns]
    return ~inner if inner.any() else None


def _declares_all(tile: Tile) -> bool:
    """Whether the value for no data tells all that is void: IGN's tiles may hold other fill."""
    return tile.nodata is not None and tile.file.source == RASTERS


def window_of_fill(tile: Tile, window: Window) -> Window:
    """The pixels that are looked at for the fill of a window: it is widened from just outside."""
    return window.widened(WIDENING_PX, tile.height, tile.width)


def _fill(
    tile: Tile,
    window: Window,
    coarse_here: np.ndarray,
    at_edge: np.ndarray,
) -> np.ndarray:
    """(H, W) bool: fill within a window of a pack's tile, widened."""
    # Most windows lie inside the tile and far from all fill: their pixels need no look.
    may_hold_fill = coarse_here.any() or at_edge.any()
    if tile.nodata is None and not may_hold_fill:
        return np.zeros(coarse_here.shape, bool)

    pixels = tile.read(window)
    black, white, declared = _candidates(pixels, tile.nodata)
    declared_px = AREA_M2 / tile.pixel_m**2
    smallest_px = max(declared_px, AREA_PX)
    fill = np.zeros(declared.shape, bool)

    # A region that the first look showed is fill, however little of it lies in the window.
    for near in () if _declares_all(tile) else (black, white):
        if (near & (at_edge | coarse_here)).any():
            regions = _Regions.of(near)
            large = regions.area_px >= smallest_px
            large_at_edge = regions.touching(at_edge) & large
            fill |= regions.pixels(regions.touching(coarse_here) | large_at_edge)
    fill = _widened(fill)

    # The declared value is exact, so its regions are not widened.
    if declared.any():
        regions = _Regions.of(declared)
        fill |= regions.pixels(regions.area_px >= declared_px)
    return fill


def _widened(fill: np.ndarray) -> np.ndarray:
    """(H, W) bool: fill and what its smear reaches."""
    return ndimage.maximum_filter(fill, size=2 * WIDENING_PX + 1) if fill.any() else fill


def _candidates(
    pixels: np.ndarray, nodata: float | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Near 0 in all bands, near 255, exactly the file's value for no data: (H, W) bool each."""
    if nodata is None:
        declared = np.zeros(pixels.shape[1:], bool)
    else:
        declared = (pixels == nodata).all(axis=0)
    black = pixels.max(axis=0) <= TOLERANCE
    white = pixels.min(axis=0) >= 255 - TOLERANCE
    return black & ~declared, white & ~declared, declared


@dataclass(frozen=True)
class _Regions:
    """The connected regions of a mask.

    Args:
        labels: (H, W) number of each pixel's region from 1; 0 outside the mask.
        area_px: (1 + number of regions,) pixels of each label.
    """

    labels: np.ndarray
    area_px: np.ndarray

    @classmethod
    def of(cls, mask: np.ndarray) -> "_Regions":
        """Label the regions of a mask, (H, W) bool."""
        labels, count = ndimage.label(mask)
        area_px = np.bincount(labels.ravel(), minlength=count + 1)
        return cls(labels, area_px)

    def touching(self, mask: np.ndarray) -> np.ndarray:
        """(labels,) bool: which regions share a pixel with a mask, (H, W) bool."""
        labels = self.labels[mask]
        shared_px = np.bincount(labels, minlength=len(self.area_px))
        return shared_px > 0

    def pixels(self, chosen: np.ndarray) -> np.ndarray:
        """(H, W) bool: pixels of the chosen regions, (labels,) bool."""
        regions_only = chosen.copy()  # label 0 is what lies outside the mask
        regions_only[0] = False
        return regions_only[self.labels]


def _at_edge(tile: Tile, window: Window) -> np.ndarray:
    """(H, W) bool: the outermost rows and columns of the tile."""
    rows = np.arange(window.top, window.bottom)[:, None]
    columns = np.arange(window.left, window.right)[None]
    first_or_last_row = (rows == 0) | (rows == tile.height - 1)
    first_or_last_column = (columns == 0) | (columns == tile.width - 1)
    return first_or_last_row | first_or_last_column


def _coarse_fill_within(
    tile: Tile,
    window: Window,
    coarse: np.ndarray | None,
) -> np.ndarray:
    """(H, W) bool: the coarse fill laid on the window's pixels."""
    if coarse is None:
        return np.zeros((window.height, window.width), bool)
    coarse_height, coarse_width = coarse.shape
    rows = np.arange(window.top, window.bottom) * coarse_height // tile.height
    columns = np.arange(window.left, window.right) * coarse_width // tile.width
    return coarse[np.ix_(rows, columns)]
