"""A tile of aerial imagery, read in strips so that each pixel is decoded about once.

IGN's JPEG 2000 files are one code stream of 25 000 x 25 000 px (precincts, no inner tiles; seen
in the sample of Mayotte, written by Kakadu): every request to the decoder costs a walk through
the whole file, so few large requests beat many small ones. A tile is therefore read in strips of
its full useful width; the cells are visited from north to south, and the last few strips are
kept.
"""

import contextlib
import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import rasterio
from pyproj import Transformer
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.transform import Affine

from urbancam.sources.imagery import openjpeg
from urbancam.sources.imagery.openjpeg import DecodingError
from urbancam.sources.imagery.strips import Strips
from urbancam.sources.imagery.window import Window
from urbancam.tables import grid, rasters
from urbancam.tables.crs import Bounds
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import display_path

STRIP_PX = 1024  # rows decoded at once; twice as many: 15 % faster, 0.9 GB more a process
BLOCK_PX = 1024  # columns that GDAL is asked for at once: its block of a JPEG 2000 file
BANDS = (1, 2, 3)  # red, green, blue
POINTS = 6  # a side; where a square lies in another projection


@dataclass(frozen=True)
class TileFile:
    """What the tile table knows of a tile.

    Args:
        name: File name, e.g. 75-2014-0650-6865-LA93-0M20-E080.jp2.
        path: Path of the file.
        footprint: (west, south, east, north) in `crs`.
        crs: System of the footprint, as WKT or code; also of the pixels where the file has none.
        campaign_year: Year of the flight; None where unknown.
        is_cell_image: Whether it is a WMS's image of one cell, not a tile of a pack.
    """

    name: str
    path: Path
    footprint: Bounds
    crs: str
    campaign_year: int | None = None
    is_cell_image: bool = False


class Tile:
    """An open tile.

    Attributes:
        file: What the table knows of it.
        crs: Coordinate system of its pixels.
        transform: (column, row) to metres in `crs`.
        width, height: Size, px.
        pixel_m: Side of a pixel, m.
        nodata: Value that the file declares to mean no data, or None.
    """

    def __init__(self, file: TileFile, strips: Strips | None = None) -> None:
        self.file = file
        self._strips = strips or Strips()
        self._dataset = _open(file.path)
        self.width = self._dataset.width
        self.height = self._dataset.height
        self.nodata = self._dataset.nodata
        self.transform, self.crs = georeference(self._dataset, file)
        self.pixel_m = abs(self.transform.a)
        self._direct = openjpeg.applies_to(file.path)
        self._columns: dict[int, tuple[int, int]] = {}  # of each strip, by its number

    def __enter__(self) -> "Tile":
        return self

    def __exit__(self, *_: object) -> None:
        self._dataset.close()

    def window(self, bounds: Bounds, margin_px: int) -> Window | None:
        """The pixels that cover a square of EPSG:3035, and a margin, as far as the tile goes.

        Args:
            bounds: (west, south, east, north), m in EPSG:3035.
            margin_px: Margin on each side, px.
        """
        # A square is turned and bent in the tile's projection: points all over it span its extent.
        west, south, east, north = bounds
        x, y = np.meshgrid(
            np.linspace(west, east, POINTS),
            np.linspace(south, north, POINTS),
        )
        from_grid = _from_grid(self.crs.to_wkt())
        points = from_grid.transform(x.ravel(), y.ravel())
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
        transformer = Transformer.from_crs(self.crs.to_wkt(), crs, always_xy=True)
        x, y = transformer.transform(x, y)
        return float(x.min()), float(y.min()), float(x.max()), float(y.max())

    def plan(self, windows: list[Window]) -> None:
        """Say beforehand what will be read, so that strips are no wider than that."""
        for window in windows:
            for number in _strip_numbers(window):
                left, right = self._columns.get(number, (window.left, window.right))
                left = min(left, window.left)
                right = max(right, window.right)
                self._columns[number] = (left, right)

    def read(self, window: Window) -> np.ndarray:
        """(3, H, W) uint8 pixels of a window.

        Raises:
            InputError: the file cannot be decoded there.
        """
        # Each strip is decoded once and serves all windows that reach into it.
        self.plan([window])
        pixels = np.empty((len(BANDS), window.height, window.width), np.uint8)
        for number in _strip_numbers(window):
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

    def read_reduced(self, factor: int) -> np.ndarray:
        """The whole tile, every `factor`-th pixel, from the file's own reduced levels if any.

        Args:
            factor: A power of two.

        Returns:
            (3, H / factor, W / factor) uint8, rounded up.
        """
        # The coarsest level that is not too coarse; the rest is left out pixel by pixel.
        levels = self._dataset.overviews(1)
        level = max((level for level in levels if level <= factor), default=1)
        step = factor // level
        if level == 1:
            # Without such a level all of it is decoded, strip by strip.
            whole = Window(0, self.height, 0, self.width)
            strips = []
            for number in _strip_numbers(whole):
                strip = self._decode(self._strip(number, 0, self.width))
                strips.append(strip[:, ::step, ::step])
            return np.concatenate(strips, axis=1)
        return self._read_level(level)[:, ::step, ::step]

    def _read_level(self, level: int) -> np.ndarray:
        """The whole tile at one of the file's reduced levels: a power of two, above 1."""
        with _decoding(self.file.path):
            if self._direct:
                rows = (0, self.height)
                columns = (0, self.width)
                halvings = level.bit_length() - 1
                return openjpeg.decode(self.file.path, rows, columns, halvings)
            height = -(-self.height // level)  # rounded up
            width = -(-self.width // level)
            return self._dataset.read(BANDS, out_shape=(len(BANDS), height, width))

    def _strip(self, number: int, left: int, right: int) -> Window:
        """The pixels of a strip between two columns."""
        top = number * STRIP_PX
        bottom = min(top + STRIP_PX, self.height)
        return Window(top, bottom, left, right)

    def _decode(self, window: Window) -> np.ndarray:
        """(3, H, W) uint8 pixels of a window, straight from the file.

        GDAL is asked block by block, since it decodes all bands of one at once but would forget
        them in a long strip.
        """
        rows = (window.top, window.bottom)
        columns = (window.left, window.right)
        with _decoding(self.file.path):
            if self._direct:
                return openjpeg.decode(self.file.path, rows, columns)

            pixels = np.empty((len(BANDS), window.height, window.width), np.uint8)
            first_block = window.left // BLOCK_PX * BLOCK_PX
            for block in range(first_block, window.right, BLOCK_PX):
                left = max(block, window.left)
                right = min(block + BLOCK_PX, window.right)
                bands = self._dataset.read(BANDS, window=(rows, (left, right)))
                pixels[:, :, left - window.left : right - window.left] = bands
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


def _strip_numbers(window: Window) -> range:
    """Numbers of the strips that a window reaches into, from the north."""
    first = window.top // STRIP_PX
    last = (window.bottom - 1) // STRIP_PX
    return range(first, last + 1)


def _open(path: Path) -> DatasetReader:
    """Open for reading.

    Raises:
        InputError: no image, or not one of three 8-bit bands.
    """
    # A tile without a place of its own gets that of the tile table.
    with _decoding(path), warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        dataset = rasters.open_raster(path)
    if dataset.dtypes[: len(BANDS)] == ("uint8",) * len(BANDS):
        return dataset

    bands = f"{dataset.count} bands of {', '.join(sorted(set(dataset.dtypes)))}"
    dataset.close()
    raise InputError(
        f"the tile has {bands}, not red, green and blue of 8 bits",
        display_path(path),
        "use an RVB pack",
    )


@contextlib.contextmanager
def _decoding(path: Path) -> Iterator[None]:
    """Turn a decoder's fault into a message that names the file."""
    try:
        yield
    except (RasterioError, DecodingError) as error:
        raise InputError(
            f"the tile cannot be read: {error.__cause__ or error}",
            display_path(path),
            "delete it and run 04_download_aerial.py, which unpacks it again",
        ) from None


@lru_cache(maxsize=16)
def _from_grid(crs_wkt: str) -> Transformer:
    """Transformation from the cells' grid."""
    return Transformer.from_crs(grid.CRS, crs_wkt, always_xy=True)
