"""The image of a cell: one warp of its tiles' pixels onto the cell's own grid.

The grid is that of the cells, `image_px` a side, row 0 in the north. Resampling is bilinear between
pixels of (nearly) the same size, as published (section 2.5 of the study's code); a coarser grid
is antialiased by the same call. Where tiles overlap the valid one wins, then the newest, then by
name.
"""

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rasterio.transform import Affine
from rasterio.warp import Resampling, reproject

from urbancam.sources.imagery.background import plain_corners
from urbancam.sources.imagery.fill import WIDENING_PX, valid_pixels
from urbancam.sources.imagery.tile import Tile, TileFile, affine_of
from urbancam.sources.imagery.window import Window
from urbancam.tables.crs import Bounds

INSEE_SIDE = r"CRS3035RES(\d+)m"  # beginning of the id of a cell
KERNEL_PX = 2  # pixels around a point that bilinear resampling looks at
VALID = 254  # of 255: every pixel that the kernel touched was valid, but for rounding
WARP_ERROR_PX = 0.02  # of GDAL's linear approximation, in pixels of the cell
NO_TILE = "no tile covers it"  # why a cell has no image
SAME_SIZE = 0.99  # pixels are resampled as they are where their sizes differ by less than 1 %


@dataclass(frozen=True)
class Cell:
    """A cell to be cut.

    Args:
        id: The cell's idINSPIRE.
        bounds: (west, south, east, north), m in `crs`.
        crs: Coordinate system of the cells.
        tiles: Tiles that it touches, first the one that wins where several are valid.
        reason: Why there is none, where there is none.
    """

    id: str
    bounds: Bounds
    crs: str
    tiles: tuple[TileFile, ...]
    reason: str = NO_TILE


@dataclass(frozen=True)
class CellImage:
    """A cell seen from the air.

    Args:
        pixels: (image_px, image_px, 3) uint8, RGB, row 0 in the north; void is black.
        void_fraction: Share of the pixels that no valid tile covers, 0..1.
        tiles: Names of the tiles that gave pixels, first the one that came first.
        campaign_year: Year of the oldest of those tiles; None where unknown.
        plain_corners: Share that white or black corners take up, 0..1; None of a pack's tiles.
    """

    pixels: np.ndarray
    void_fraction: float
    tiles: tuple[str, ...]
    campaign_year: int | None
    plain_corners: float | None = None


def image_path(folder: Path, cell_id: str) -> Path:
    """Where the image of a cell stands; on INSEE's grid the names are the published ones."""
    of_insee = re.match(INSEE_SIDE, cell_id)
    if of_insee is None:
        return folder / f"{cell_id}.png"
    size_m = int(of_insee[1])
    grid_name = f"{size_m}m" if size_m % 1000 else f"{size_m // 1000}km"
    return folder / f"FR_URBANATLAS_{grid_name}_{cell_id}.png"


def source_window(tile: Tile, bounds: Bounds, crs: str, image_px: int) -> Window | None:
    """Pixels of a tile that the image of a cell may need, with those that fill is widened by.

    Returns:
        None where it needs none.
    """
    # Where the image is coarser than the tile, the kernel spans more of the tile's pixels.
    west, _, east, _ = bounds
    tile_px_per_image_px = (east - west) / image_px / min(tile.pixel_size_m)
    kernel_px = math.ceil(KERNEL_PX * max(tile_px_per_image_px, 1))
    return tile.window(bounds, crs, kernel_px + WIDENING_PX)


class Mosaic:
    """The image of a cell while tiles are laid onto it, first the one that wins.

    Args:
        bounds: (west, south, east, north) of the cell, m in `crs`.
        crs: Coordinate system of the cells.
        image_px: Pixels a side.
    """

    def __init__(self, bounds: Bounds, crs: str, image_px: int) -> None:
        self._bounds = bounds
        self._crs = crs
        self._image_px = image_px
        self._pixels = np.zeros((3, image_px, image_px), np.uint8)
        self._covered = np.zeros((image_px, image_px), bool)
        self._files: list[TileFile] = []

    @property
    def is_whole(self) -> bool:
        """Whether no pixel is left open."""
        return bool(self._covered.all())

    def lay(self, tile: Tile, coarse: np.ndarray | None) -> None:
        """Fill from a tile what those before it left open.

        Args:
            tile: An open tile.
            coarse: Its coarse fill.

        Raises:
            InputError: the tile cannot be decoded.
        """
        pixels, valid = _warp(tile, coarse, self._bounds, self._crs, self._image_px)
        new = valid & ~self._covered
        if not new.any():
            return
        # Mostly one tile gives the whole image.
        if new.all():
            self._pixels = pixels
        else:
            np.copyto(self._pixels, pixels, where=new)
        self._covered |= new
        self._files.append(tile.file)

    def image(self) -> CellImage:
        """The image as far as tiles were laid."""
        years = [file.campaign_year for file in self._files if file.campaign_year is not None]
        is_from_wms = any(file.is_cell_image for file in self._files)
        west, _, east, _ = self._bounds
        pixel_m = (east - west) / self._image_px
        return CellImage(
            pixels=np.stack(self._pixels, axis=-1),  # a third of the time of a transposed copy
            void_fraction=round(1 - self._covered.mean(), 6),
            tiles=tuple(dict.fromkeys(file.name for file in self._files)),
            campaign_year=min(years, default=None),
            plain_corners=_plain_corners(self._pixels, self._covered, pixel_m)
            if is_from_wms
            else None,
        )


def _plain_corners(image: np.ndarray, covered: np.ndarray, pixel_m: float) -> float:
    """Share of a cell's image that plain corners take up which passed for ground."""
    neither = np.where(covered, image, 128)  # void is black, and no ground
    return plain_corners(neither, pixel_m)


def _warp(
    tile: Tile,
    coarse: np.ndarray | None,
    bounds: Bounds,
    crs: str,
    image_px: int,
) -> tuple[np.ndarray, np.ndarray]:
    """One tile on the cell's grid.

    Returns:
        (3, image_px, image_px) uint8 pixels, and (image_px, image_px) bool where they are valid.
    """
    window = source_window(tile, bounds, crs, image_px)
    if window is None:
        nothing = np.zeros((3, image_px, image_px), np.uint8)
        return nothing, np.zeros((image_px, image_px), bool)

    pixels = tile.read(window)
    valid = valid_pixels(tile, window, coarse)

    # Where all pixels are valid, well inside the tile, no mask need be warped with the bands.
    whole = valid is None and _lies_inside(window, tile)
    if not whole:
        mask = _mask(valid, pixels.shape[1:])
        pixels = np.concatenate([pixels, mask[None]])

    warped = np.zeros((len(pixels), image_px, image_px), np.uint8)
    reproject(
        pixels,
        warped,
        src_transform=tile.transform @ Affine.translation(window.left, window.top),
        src_crs=tile.crs,
        dst_transform=affine_of(bounds, image_px, image_px),
        dst_crs=crs,
        resampling=Resampling.bilinear,
        tolerance=WARP_ERROR_PX,
        init_dest_nodata=False,
        **_scale(tile, bounds, image_px),
    )
    if whole:
        return warped, np.ones((image_px, image_px), bool)
    return warped[:3], warped[3] >= VALID


def _lies_inside(window: Window, tile: Tile) -> bool:
    """Whether a window stays clear of all edges of a tile."""
    rows_inside = window.top > 0 and window.bottom < tile.height
    columns_inside = window.left > 0 and window.right < tile.width
    return rows_inside and columns_inside


def _mask(valid: np.ndarray | None, shape: tuple[int, int]) -> np.ndarray:
    """(H, W) uint8, 255 where pixels are valid and 0 elsewhere; `valid` None means everywhere."""
    if valid is None:
        return np.full(shape, 255, np.uint8)
    return valid.astype(np.uint8) * 255


def _scale(tile: Tile, bounds: Bounds, image_px: int) -> dict[str, float]:
    """Pixels of the image in one of the tile, for GDAL's kernel.

    Left alone, GDAL compares the turned window's extent with the cell's, sees 9 % more pixels and
    blurs with a wider kernel, at three and a half times the cost.
    """
    west, _, east, _ = bounds
    scales = [pixel_m * image_px / (east - west) for pixel_m in tile.pixel_size_m]
    x_scale, y_scale = [1.0 if scale >= SAME_SIZE else scale for scale in scales]
    return {"XSCALE": x_scale, "YSCALE": y_scale}
