"""A tile of aerial imagery, read in strips so that each pixel is decoded about once.

IGN's JPEG 2000 files are one code stream of 25 000 x 25 000 px (precincts, no inner tiles; seen
in the sample of Mayotte, written by Kakadu): every new decoder costs a walk through the whole file,
so few large requests beat many small ones. A tile is therefore read in strips of its full useful
width; the cells are visited from north to south, and the last few strips are kept. The decoder of
a file in one piece stays open from strip to strip.
"""

import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import rasterio
from rasterio.io import DatasetReader
from rasterio.transform import Affine

from urbancam.sources.imagery import openjpeg
from urbancam.sources.imagery.ground import pixel_size_m, transformer
from urbancam.sources.imagery.opening import BANDS, decoding, is_masked, nodata_of, open_tile
from urbancam.sources.imagery.strips import Strips
from urbancam.sources.imagery.window import Window
from urbancam.tables import rasters
from urbancam.tables.crs import Bounds

STRIP_PX = 1024  # rows decoded at once; as many as inner tiles have
# The same of files in one piece: 25 000 px wide, 256 take 0.1 GB more a process and no less time.
ONE_PIECE_STRIP_PX = 128
BLOCK_PX = 1024  # columns that GDAL is asked for at once: its block of a JPEG 2000 file
POINTS = 6  # a side; where a square lies in another projection
OPAQUE = 255  # of a mask or an alpha band: what is less shows nothing, or something else too
PACKS, WMS, RASTERS = "packs", "wms", "rasters"  # what a tile comes from


@dataclass(frozen=True)
class TileFile:
    """What the tile table knows of a tile.

    Args:
        name: File name, e.g. 75-2014-0650-6865-LA93-0M20-E080.jp2.
        path: Path of the file.
        footprint: (west, south, east, north) in `crs`.
        crs: System of the footprint, as WKT or code; also of the pixels where the file has none.
        campaign_year: Year of the flight; None where unknown.
        source: `PACKS` of IGN, `WMS` for the image of one cell, or `RASTERS` of the user's own.
    """

    name: str
    path: Path
    footprint: Bounds
    crs: str
    campaign_year: int | None = None
    source: str = PACKS

    @property
    def is_cell_image(self) -> bool:
        """Whether it is a WMS's image of one cell, not a tile of a larger whole."""
        return self.source == WMS


class Tile:
    """An open tile.

    Attributes:
        file: What the table knows of it.
        crs: Coordinate system of its pixels.
        transform: (column, row) to metres in `crs`.
        width, height: Size, px.
        pixel_size_m: Width and height of a pixel on the ground, m.
        nodata: Value that the file declares to mean no data, or None.
        is_masked: Whether a mask or an alpha band says which pixels are imagery.
    """

    def __init__(self, file: TileFile, strips: Strips | None = None) -> None:
        self.file = file
        self._strips = strips or Strips()
        drivers = rasters.NAMED_DRIVERS if file.source == RASTERS else rasters.DRIVERS
        self._dataset = open_tile(file.path, drivers)
        self.width = self._dataset.width
        self.height = self._dataset.height
        self.nodata = nodata_of(self._dataset)
        self.is_masked = is_masked(self._dataset)
        self.transform, self.crs = georeference(self._dataset, file)
        middle = (self.width / 2, self.height / 2)
        self.pixel_size_m = pixel_size_m(self.transform, self.crs, middle)
        self._direct = not self.is_masked and openjpeg.applies_to(file.path)
        self._one_piece = self._direct and openjpeg.is_one_piece(file.path)
        self._strip_px = ONE_PIECE_STRIP_PX if self._one_piece else STRIP_PX
        self._columns: dict[int, tuple[int, int]] = {}  # of each strip, by its number

    def __enter__(self) -> "Tile":
        return self

    def __exit__(self, *_: object) -> None:
        self._strips.decoder.close()
        self._dataset.close()

    @property
    def pixel_m(self) -> float:
        """Side of a square as large as a pixel on the ground, m."""
        width_m, height_m = self.pixel_size_m
        return width_m if width_m == height_m else math.sqrt(width_m * height_m)

    def window(self, bounds: Bounds, crs: str, margin_px: int) -> Window | None:
        """The pixels that cover a square of the cells' system, and a margin, as far as the tile
        goes.

        Args:
            bounds: (west, south, east, north), m in `crs`.
            crs: Coordinate system of the cells.
            margin_px: Margin on each side, px.
        """
        # A square is turned and bent in the tile's projection: points all over it span its extent.
        west, south, east, north = bounds
        x, y = np.meshgrid(
            np.linspace(west, east, POINTS),
            np.linspace(south, north, POINTS),
        )
        from_cells = transformer(crs, self.crs.to_wkt())
        points = from_cells.transform(x.ravel(), y.ravel())
        columns, rows = ~self.transform @ points
        if not np.isfinite([columns, rows]).all():
            return None

        square = Window(
            top=math.floor(rows.min()),
            bottom=math.ceil(rows.max()),
            left=math.floor(columns.min()),
            right=math.ceil(columns.max()),
        )
        window = square.widened(margin_px, self.height, self.width)
        return window if window.height > 0 and window.width > 0 else None

    def bounds_in(self, crs: str) -> Bounds:
        """(west, south, east, north) of the tile's corners, transformed to another CRS."""
        # The four corners, around the tile.
        columns = np.array([0, self.width, self.width, 0])
        rows = np.array([0, 0, self.height, self.height])
        x, y = self.transform @ (columns, rows)
        x, y = transformer(self.crs.to_wkt(), crs).transform(x, y)
        return float(x.min()), float(y.min()), float(x.max()), float(y.max())

    def plan(self, windows: list[Window]) -> None:
        """Say beforehand what will be read, so that strips are no wider than that."""
        for window in windows:
            for number in self._strip_numbers(window):
                left, right = self._columns.get(number, (window.left, window.right))
                left = min(left, window.left)
                right = max(right, window.right)
                self._columns[number] = (left, right)

    def read(self, window: Window) -> np.ndarray:
        """(3, H, W) uint8 pixels of a window.

        Raises:
            InputError: the file cannot be decoded there.
        """
        return self._read(window)[: len(BANDS)]

    def read_mask(self, window: Window) -> np.ndarray:
        """(H, W) bool: which pixels of a window the file's mask or alpha band declares to be
        imagery; errors as of `read`."""
        return self._read(window)[len(BANDS)] == OPAQUE

    def _read(self, window: Window) -> np.ndarray:
        """(3 or, with the mask, 4, H, W) uint8: what the file holds of a window."""
        # Each strip is decoded once and serves all windows that reach into it.
        self.plan([window])
        pixels = np.empty((self._planes, window.height, window.width), np.uint8)
        for number in self._strip_numbers(window):
            left, right = self._columns[number]
            whole = self._strip(number, left, right)
            key = (self.file.path, whole)
            strip = self._strips.get(key, partial(self._decode, whole))

            # The rows of the strip that lie in the window.
            top = max(window.top, whole.top)
            bottom = min(window.bottom, whole.bottom)
            part = Window(top, bottom, window.left, window.right)
            strip_rows, strip_columns = part.slices_of(whole)
            rows, columns = part.slices_of(window)
            pixels[:, rows, columns] = strip[:, strip_rows, strip_columns]
        return pixels

    @property
    def _planes(self) -> int:
        """Bands that are read, and the mask."""
        return len(BANDS) + self.is_masked

    def read_reduced(self, factor: int) -> np.ndarray:
        """The whole tile, every `factor`-th pixel, from the file's own reduced levels if any.

        Args:
            factor: A power of two.

        Returns:
            (3, H / factor, W / factor) uint8, rounded up.
        """
        # The coarsest level that is not too coarse; the rest is left out pixel by pixel.
        level = self._level(factor)
        step = factor // level
        if level == 1:
            # Without such a level all of it is decoded, strip by strip.
            whole = Window(0, self.height, 0, self.width)
            strips = []
            for number in self._strip_numbers(whole):
                window = self._strip(number, 0, self.width)
                first = -window.top % step  # row of the strip that is a multiple of the step
                strips.append(self._decode(window)[: len(BANDS), first::step, ::step])
            return np.concatenate(strips, axis=1)
        return self._read_level(level)[:, ::step, ::step]

    def decoded_px(self, factor: int) -> int:
        """How many pixels `read_reduced` decodes."""
        return self.width * self.height // self._level(factor) ** 2

    def _level(self, factor: int) -> int:
        """The coarsest of the file's own reduced levels that is no coarser than a factor."""
        levels = self._dataset.overviews(1)
        return max((level for level in levels if level <= factor), default=1)

    def _read_level(self, level: int) -> np.ndarray:
        """The whole tile at one of the file's reduced levels: a power of two, above 1."""
        with decoding(self.file.path):
            if self._direct:
                rows = (0, self.height)
                columns = (0, self.width)
                halvings = level.bit_length() - 1
                return openjpeg.decode(self.file.path, rows, columns, halvings)
            height = -(-self.height // level)  # rounded up
            width = -(-self.width // level)
            return self._dataset.read(BANDS, out_shape=(len(BANDS), height, width))

    def _strip_numbers(self, window: Window) -> range:
        """Numbers of the strips that a window reaches into, from the north."""
        first = window.top // self._strip_px
        last = (window.bottom - 1) // self._strip_px
        return range(first, last + 1)

    def _strip(self, number: int, left: int, right: int) -> Window:
        """The pixels of a strip between two columns."""
        top = number * self._strip_px
        bottom = min(top + self._strip_px, self.height)
        return Window(top, bottom, left, right)

    def _decode(self, window: Window) -> np.ndarray:
        """As `_read`, straight from the file.

        GDAL is asked block by block, since it decodes all bands of one at once but would forget
        them in a long strip.
        """
        rows = (window.top, window.bottom)
        columns = (window.left, window.right)
        with decoding(self.file.path):
            if self._one_piece:
                return self._strips.decoder.decode(self.file.path, rows, columns)
            if self._direct:
                return openjpeg.decode(self.file.path, rows, columns)

            pixels = np.empty((self._planes, window.height, window.width), np.uint8)
            first_block = window.left // BLOCK_PX * BLOCK_PX
            for block in range(first_block, window.right, BLOCK_PX):
                left = max(block, window.left)
                right = min(block + BLOCK_PX, window.right)
                part = pixels[:, :, left - window.left : right - window.left]
                block_window = (rows, (left, right))
                part[: len(BANDS)] = self._dataset.read(BANDS, window=block_window)
                if self.is_masked:
                    part[len(BANDS)] = self._dataset.read_masks(1, window=block_window)
        return pixels


def affine_of(bounds: Bounds, width: int, height: int) -> Affine:
    """(column, row) to metres: pixels fill (west, south, east, north), row 0 in the north."""
    west, south, east, north = bounds
    pixel_width = (east - west) / width
    pixel_height = (south - north) / height
    return Affine(pixel_width, 0, west, 0, pixel_height, north)


def georeference(dataset: DatasetReader, file: TileFile) -> tuple[Affine, rasterio.CRS]:
    """Where the pixels lie: as the file says, else as the tile table says."""
    transform, crs = rasters.place(dataset, file.path)
    if transform is None:
        footprint = affine_of(file.footprint, dataset.width, dataset.height)
        return footprint, rasterio.CRS.from_user_input(file.crs)
    return transform, crs or rasterio.CRS.from_user_input(file.crs)
