"""A city seen from far above: its images and its land cover, coarse, on one grid of its cells."""

import math
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
from rasterio.features import rasterize
from rasterio.transform import Affine
from rasterio.warp import Resampling, reproject

from urbancam.sources.imagery.fill import TOLERANCE
from urbancam.sources.imagery.tile import Tile, TileFile, affine_of
from urbancam.tables.crs import Bounds
from urbancam.workflow.errors import InputError

SIDE_PX = 900  # of the longer side
MARGIN = 0.03  # of the cells' extent, on each side
# What may be decoded of images that hold no smaller copies of themselves: a few seconds' work.
DECODED_MOST_PX = 200_000_000
HALF = 128  # of the mask that is warped with the bands


@dataclass(frozen=True)
class Canvas:
    """The grid of a picture.

    Args:
        bounds: (west, south, east, north), m in `crs`.
        crs: Coordinate system of the cells.
        width, height: Size, px.
    """

    bounds: Bounds
    crs: str
    width: int
    height: int

    @classmethod
    def around(cls, cells: gpd.GeoDataFrame) -> "Canvas":
        """The grid of a picture of these cells and a margin."""
        west, south, east, north = cells.total_bounds.tolist()
        margin_m = MARGIN * max(east - west, north - south)
        bounds = (west - margin_m, south - margin_m, east + margin_m, north + margin_m)
        width_m, height_m = bounds[2] - bounds[0], bounds[3] - bounds[1]
        pixel_m = max(width_m, height_m) / SIDE_PX
        size = (math.ceil(width_m / pixel_m), math.ceil(height_m / pixel_m))
        return cls(bounds, cells.crs.to_string(), *size)

    @property
    def transform(self) -> Affine:
        return affine_of(self.bounds, self.width, self.height)

    @property
    def pixel_m(self) -> float:
        west, _, east, _ = self.bounds
        return (east - west) / self.width


def photograph(files: list[TileFile], canvas: Canvas) -> tuple[np.ndarray, int]:
    """The images on a canvas, as far as they are decoded in a few seconds.

    Args:
        files: The tiles, first those that win.
        canvas: The grid.

    Returns:
        (H, W, 4) uint8 RGBA, transparent where nothing is shown, and how many tiles are shown.
    """
    picture = np.zeros((4, canvas.height, canvas.width), np.uint8)
    shown, left_px = 0, DECODED_MOST_PX
    for file in files:
        try:
            with Tile(file) as tile:
                halvings = max(int(math.log2(max(canvas.pixel_m / tile.pixel_m, 1))), 0)
                needed_px = tile.decoded_px(2**halvings)
                if needed_px > left_px:
                    continue
                left_px -= needed_px
                _lay(tile, 2**halvings, canvas, picture)
                shown += 1
        except InputError:
            continue  # whoever cuts it says what is wrong
    return picture.transpose(1, 2, 0), shown


def _lay(tile: Tile, factor: int, canvas: Canvas, picture: np.ndarray) -> None:
    """Lay a tile onto what the picture has left open; (4, H, W) uint8."""
    pixels = tile.read_reduced(factor)
    void = 0 if tile.nodata is None else tile.nodata
    # Black and white may be fill, which other tiles go before.
    is_shown = (pixels != void).any(axis=0)
    if tile.nodata is None and not tile.is_masked:
        is_shown = (pixels.max(axis=0) > TOLERANCE) & (pixels.min(axis=0) < 255 - TOLERANCE)
    bands = np.concatenate([pixels, np.where(is_shown, 255, 0).astype(np.uint8)[None]])
    _, height, width = pixels.shape
    scale = Affine.scale(tile.width / width, tile.height / height)
    warped = np.zeros_like(picture)
    reproject(
        bands,
        warped,
        src_transform=tile.transform @ scale,
        src_crs=tile.crs,
        dst_transform=canvas.transform,
        dst_crs=canvas.crs,
        resampling=Resampling.average,
        init_dest_nodata=False,
    )
    is_new = (warped[3] >= HALF) & (picture[3] == 0)
    warped[3] = 255
    np.copyto(picture, warped, where=is_new)


def map_of_classes(
    land_cover: gpd.GeoDataFrame, colours: dict[str, str], canvas: Canvas
) -> np.ndarray:
    """The land cover on a canvas, in its colours.

    Args:
        land_cover: `class` and polygons, in the canvas's coordinate system.
        colours: Hexadecimal colour of each class.
        canvas: The grid.

    Returns:
        (H, W, 4) uint8 RGBA, transparent where nothing is mapped.
    """
    names = list(colours)
    numbers = land_cover["class"].map({name: number for number, name in enumerate(names, 1)})
    shapes = zip(land_cover.geometry, numbers.astype(int), strict=True)
    drawn = rasterize(
        shapes, (canvas.height, canvas.width), transform=canvas.transform, dtype="uint8"
    )
    palette = np.zeros((len(names) + 1, 4), np.uint8)
    for number, name in enumerate(names, 1):
        palette[number] = [*bytes.fromhex(colours[name].lstrip("#")), 255]
    return palette[drawn]
