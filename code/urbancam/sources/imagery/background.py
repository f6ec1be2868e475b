"""Background: what a WMS answers where its mosaic has nothing.

An answer has no pack's edge, so a bright roof that it cuts through is no fill. Background is what
ground cannot be: exactly white or black, in one region that takes up a whole side of the image or
a large part of it. Saturated roofs are exactly white too, but none is as large.
"""

import numpy as np
from scipy import ndimage

from urbancam.sources.imagery.tile import Tile
from urbancam.sources.imagery.window import Window

# White is the background of a GetMap that names none (WMS 1.3.0, section 7.3.3.10). ASSUME: black
# is what the mosaic holds where a campaign ends; no ground is exactly black over so much.
GREYS = (0, 255)
# ASSUME: no roof is exactly white without a seam over a quarter of the image (1 ha of a 200 m
# cell), nor along a whole side of it (200 m). A smaller piece in a corner passes for ground: roofs
# are far more frequent than ends of the mosaic, and losing them would bias against commercial
# ground. Such corners are counted (`plain_corners`).
SMALLEST_SHARE = 0.25
SMALLEST_AREA_M2 = 100.0  # ASSUME: a thinner line along a side is a rounding of the server


def background(tile: Tile) -> np.ndarray | None:
    """The background in the image of a cell.

    Args:
        tile: The image, as the server gave it, with its margin around the cell.

    Returns:
        (H, W) bool; None where there is none.

    Raises:
        InputError: The image cannot be decoded.
    """
    pixels = tile.read(Window(0, tile.height, 0, tile.width))
    smallest_px = SMALLEST_AREA_M2 / tile.pixel_m**2
    mask = np.zeros(pixels.shape[1:], bool)
    for grey in GREYS:
        is_grey = (pixels == grey).all(axis=0)
        # Most images hold a few such pixels, or none: no region need be looked for.
        if is_grey.sum() >= smallest_px:
            mask |= _background_regions(is_grey, smallest_px)
    return mask if mask.any() else None


def _background_regions(is_grey: np.ndarray, smallest_px: float) -> np.ndarray:
    """(H, W) bool: the regions that reach the image's edge and are larger than any roof."""
    labels, count = ndimage.label(is_grey)
    area_px = np.bincount(labels.ravel(), minlength=count + 1)
    sides = (labels[0], labels[-1], labels[:, 0], labels[:, -1])
    chosen = np.zeros(count + 1, bool)
    for side in sides:
        numbers = np.unique(side)
        is_whole_side = len(numbers) == 1
        share = area_px[numbers] / labels.size
        chosen[numbers] |= is_whole_side | (share >= SMALLEST_SHARE)
    chosen &= area_px >= smallest_px
    chosen[0] = False  # label 0 is what has another colour
    return chosen[labels]


def plain_corners(image: np.ndarray, pixel_m: float) -> float:
    """Share of a cell's image that exactly white or black pieces at its corners take up.

    They passed for ground; they may be roofs and shadows, or an end of the mosaic.

    Args:
        image: (3, H, W) uint8, as cut.
        pixel_m: Side of its pixels, m.

    Returns:
        0..1; pieces of less than 100 m2 do not count.
    """
    smallest_px = SMALLEST_AREA_M2 / pixel_m**2
    corners = np.ix_((0, -1), (0, -1))
    plain_px = 0
    for grey in GREYS:
        is_grey = (image == grey).all(axis=0)
        if not is_grey[corners].any():
            continue
        labels, _ = ndimage.label(is_grey)
        numbers = np.unique(labels[corners])
        area_px = np.bincount(labels.ravel())[numbers[numbers > 0]]
        plain_px += int(area_px[area_px >= smallest_px].sum())
    return round(plain_px / image[0].size, 6)
