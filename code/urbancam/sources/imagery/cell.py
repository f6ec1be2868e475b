"""The image of a cell: one warp of its tiles' pixels onto the cell's own grid.

The grid is EPSG:3035, `image_px` a side, row 0 in the north. Resampling is bilinear between pixels of (nearly) the
same size, as published (section 2.5 of the study's code); a coarser grid is antialiased by the same call. Where
tiles overlap the valid one wins, then the newest, then by name.
"""

from dataclasses import dataclass

import numpy as np
from rasterio.transform import Affine
from rasterio.warp import Resampling, reproject

from urbancam.sources.imagery.fill import WIDENING_PX, valid_pixels
from urbancam.sources.imagery.tile import Tile, Window, placed
from urbancam.tables import grid

KERNEL_PX = 2  # pixels around a point that bilinear resampling looks at
VALID = 254  # of 255: every pixel that the kernel touched was valid, but for rounding
WARP_ERROR_PX = 0.02  # of GDAL's linear approximation, in pixels of the cell


@dataclass(frozen=True)
class CellImage:
    """A cell seen from the air.

    Args:
        pixels: (image_px, image_px, 3) uint8, RGB, row 0 in the north; void is black.
        void_fraction: share of the pixels that no valid tile covers, 0..1.
        tiles: names of the tiles that gave pixels, first the one that came first.
        campaign_year: oldest of those tiles; None where unknown.
    """

    pixels: np.ndarray
    void_fraction: float
    tiles: tuple[str, ...]
    campaign_year: int | None


def source_window(
    tile: Tile, bounds: tuple[float, float, float, float], image_px: int
) -> Window | None:
    """Pixels of a tile that the image of a cell may need, fill's widening included; None where it needs none."""
    scale = (
        (bounds[2] - bounds[0]) / image_px / tile.pixel_m
    )  # pixels of the tile in one of the image
    return tile.window(bounds, int(np.ceil(KERNEL_PX * max(scale, 1))) + WIDENING_PX)


def cut_cell(
    bounds: tuple[float, float, float, float],
    tiles: list[tuple[Tile, np.ndarray | None]],
    image_px: int,
) -> CellImage:
    """Cut one cell out of its tiles.

    Args:
        bounds: (west, south, east, north) of the cell, m in EPSG:3035.
        tiles: open tiles with their coarse fill, first the one that wins where several are valid.
        image_px: pixels a side.

    Raises:
        InputError: a tile cannot be decoded.
    """
    image = np.zeros((3, image_px, image_px), np.uint8)
    covered = np.zeros((image_px, image_px), bool)
    used: list[Tile] = []
    for tile, coarse in tiles:
        if covered.all():
            break
        piece, valid = _warp(tile, coarse, bounds, image_px)
        new = valid & ~covered
        if new.any():
            np.copyto(image, piece, where=new)
            covered |= new
            used.append(tile)
    years = [tile.file.campaign_year for tile in used if tile.file.campaign_year is not None]
    return CellImage(
        np.ascontiguousarray(image.transpose(1, 2, 0)),
        round(1 - covered.mean(), 6),
        tuple(dict.fromkeys(tile.file.name for tile in used)),
        min(years, default=None),
    )


def _scale(
    tile: Tile, bounds: tuple[float, float, float, float], image_px: int
) -> dict[str, float]:
    """Pixels of the image in one of the tile, for GDAL's kernel.

    Left alone, GDAL compares the turned window's extent with the cell's, sees 9 % more pixels and blurs with a
    wider kernel, at three and a half times the cost.
    """
    scale = min(1.0, tile.pixel_m * image_px / (bounds[2] - bounds[0]))
    return {"XSCALE": scale, "YSCALE": scale} if scale < 0.99 else {"XSCALE": 1.0, "YSCALE": 1.0}


def _warp(
    tile: Tile, coarse: np.ndarray | None, bounds: tuple[float, float, float, float], image_px: int
) -> tuple[np.ndarray, np.ndarray]:
    """(3, P, P) uint8 pixels of one tile on the cell's grid, and (P, P) bool where they are valid."""
    window = source_window(tile, bounds, image_px)
    if window is None:
        return np.zeros((3, image_px, image_px), np.uint8), np.zeros((image_px, image_px), bool)
    pixels, valid = tile.read(window), valid_pixels(tile, window, coarse)
    inside = (
        window.top > 0
        and window.left > 0
        and window.bottom < tile.height
        and window.right < tile.width
    )
    whole = valid is None and inside
    if not whole:
        mask = (
            np.full(pixels.shape[1:], 255, np.uint8)
            if valid is None
            else valid.astype(np.uint8) * 255
        )
        pixels = np.concatenate([pixels, mask[None]])
    warped = np.zeros((len(pixels), image_px, image_px), np.uint8)
    reproject(
        pixels,
        warped,
        src_transform=tile.transform @ Affine.translation(window.left, window.top),
        src_crs=tile.crs,
        dst_transform=placed(bounds, image_px, image_px),
        dst_crs=grid.CRS,
        resampling=Resampling.bilinear,
        tolerance=WARP_ERROR_PX,
        init_dest_nodata=False,
        **_scale(tile, bounds, image_px),
    )
    return warped[:3], np.ones((image_px, image_px), bool) if whole else warped[3] >= VALID
