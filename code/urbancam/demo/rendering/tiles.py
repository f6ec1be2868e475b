"""The tiles: a drawing rendered window by window and written as georeferenced JPEG 2000."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import rasterio
import shapely
from affine import Affine
from PIL import Image, ImageDraw
from rasterio.windows import Window

from urbancam.demo.layout.site import LAMBERT_93, Site
from urbancam.demo.rendering.drawing import Drawing
from urbancam.demo.rendering.render import Renderer
from urbancam.workflow.machine import interrupts

WINDOW_PX = 2048
BLOCK_PX = 1024  # as in IGN's tiles; a window of a cell then decodes one to four blocks
QUALITY_PERCENT = 6  # size over that of raw pixels; hardly visible, 18 MB per 100 million pixels
BLACK = 0
WHITE = 255


class Fill(NamedTuple):
    """An area that a copy of a tile leaves out, Lambert-93, and the value of its pixels."""

    area: shapely.Geometry
    value: int


@dataclass(frozen=True)
class Tile:
    """One tile to render, written once per pack that ships it.

    Args:
        x_km: West edge, Lambert-93.
        y_km: NORTH edge, Lambert-93.
        copies: File of each copy, and what it leaves out.
    """

    x_km: int
    y_km: int
    copies: dict[Path, Fill | None]


def write_tiles(
    tiles: list[Tile],
    site: Site,
    drawing: Drawing,
    pixel_m: float,
    workers: int,
) -> None:
    """Render and write all tiles, one per process at a time; tiles with most copies first."""
    tiles = sorted(tiles, key=lambda tile: -len(tile.copies))
    if workers == 1:
        renderer = make_renderer(site, drawing, pixel_m)
        for tile in tiles:
            write_tile(tile, site, renderer)
        return
    with ProcessPoolExecutor(
        min(workers, len(tiles)),
        initializer=_start,
        initargs=(site, drawing, pixel_m),
    ) as pool:
        list(pool.map(partial(interrupts.carry_out, _write_tile), tiles))


def make_renderer(
    site: Site,
    drawing: Drawing,
    pixel_m: float,
) -> Renderer:
    """The renderer of a site's drawing; the same site gives the same textures."""
    return Renderer(drawing, pixel_m, site.random(20))


_WORKER: dict[str, object] = {}  # of a worker process: its site and its renderer


def _start(
    site: Site,
    drawing: Drawing,
    pixel_m: float,
) -> None:
    interrupts.end_quietly()
    _WORKER.update(site=site, renderer=make_renderer(site, drawing, pixel_m))


def _write_tile(tile: Tile) -> None:
    write_tile(tile, _WORKER["site"], _WORKER["renderer"])


def write_tile(
    tile: Tile,
    site: Site,
    renderer: Renderer,
) -> None:
    """Render a tile once and write all its copies."""
    pixel_m = renderer.pixel_m
    size_px = round(site.tile_km * 1000 / pixel_m)
    tile_left = round((tile.x_km * 1000 - site.west) / pixel_m)
    tile_top = round((site.north - tile.y_km * 1000) / pixel_m)
    profile = _profile(tile, size_px, pixel_m)
    with rasterio.Env(GDAL_NUM_THREADS=1), ExitStack() as stack:
        copies = [
            (stack.enter_context(rasterio.open(path, "w", **profile)), fill)
            for path, fill in tile.copies.items()
        ]
        for window in _windows(size_px):
            left = tile_left + window.col_off
            top = tile_top + window.row_off
            pixels = renderer.window(left, top, window.width, window.height)
            corner = (site.west + left * pixel_m, site.north - top * pixel_m)
            for file, fill in copies:
                copy = pixels if fill is None else _leave_out(pixels, corner, pixel_m, fill)
                file.write(copy, window=window)


def _profile(
    tile: Tile,
    size_px: int,
    pixel_m: float,
) -> dict:
    """How rasterio writes a tile."""
    west = tile.x_km * 1000
    north = tile.y_km * 1000
    return {
        "driver": "JP2OpenJPEG",
        "width": size_px,
        "height": size_px,
        "count": 3,
        "dtype": "uint8",
        "crs": f"EPSG:{LAMBERT_93}",
        "transform": Affine(pixel_m, 0, west, 0, -pixel_m, north),
        "blockxsize": BLOCK_PX,
        "blockysize": BLOCK_PX,
        "QUALITY": QUALITY_PERCENT,
        "REVERSIBLE": "NO",
        "CODEBLOCK_STYLE": "BYPASS",
    }


def _windows(size_px: int) -> Iterator[Window]:
    """Windows that fill a tile, row by row."""
    for row in range(0, size_px, WINDOW_PX):
        for column in range(0, size_px, WINDOW_PX):
            width = min(WINDOW_PX, size_px - column)
            height = min(WINDOW_PX, size_px - row)
            yield Window(column, row, width, height)


def _leave_out(
    pixels: np.ndarray,
    corner: tuple[float, float],
    pixel_m: float,
    fill: Fill,
) -> np.ndarray:
    """Pixels (3, H, W), their north-west corner in Lambert-93, with one value inside an area."""
    height, width = pixels.shape[1:]
    mask = Image.new("1", (width, height), 0)
    draw = ImageDraw.Draw(mask)
    for part in shapely.get_parts(fill.area):
        offset = shapely.get_coordinates(part.exterior) - corner
        xy = offset / (pixel_m, -pixel_m)
        draw.polygon(np.floor(xy).ravel().tolist(), fill=1)
    return np.where(np.asarray(mask), np.uint8(fill.value), pixels)
