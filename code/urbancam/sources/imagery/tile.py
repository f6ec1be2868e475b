"""A tile of aerial imagery, read in strips so that each pixel is decoded about once.

IGN's JPEG 2000 files are one code stream of 25 000 x 25 000 px (precincts, no inner tiles; seen in the sample of
Mayotte, written by Kakadu): every request to the decoder costs a walk through the whole file, so few large requests
beat many small ones. A tile is therefore read in strips of its full useful width; the cells are visited from north
to south, and the last few strips are kept.
"""

import contextlib
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import rasterio
from pyproj import Transformer
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.transform import Affine

from urbancam.sources.imagery import openjpeg
from urbancam.sources.imagery.openjpeg import DecodingError
from urbancam.tables import grid
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import shown

STRIP_PX = 1024  # rows decoded at once; twice as many: 15 % faster, 0.9 GB more a process
BLOCK_PX = 1024  # columns that GDAL is asked for at once: its block of a JPEG 2000 file
STRIPS_BYTES = (
    300 << 20
)  # decoded strips a process keeps; the image of a cell needs three, 77 MB each in a tile of IGN
BANDS = (1, 2, 3)  # red, green, blue
POINTS = 6  # a side; where a square lies in another projection


class Window(NamedTuple):
    """Pixels of a tile: rows `top` to `bottom` and columns `left` to `right`, ends not included."""

    top: int
    bottom: int
    left: int
    right: int


@dataclass(frozen=True)
class TileFile:
    """What the tile table knows of a tile.

    Args:
        name: file name, e.g. 75-2014-0650-6865-LA93-0M20-E080.jp2.
        path: of the file.
        footprint: (west, south, east, north) in `crs`.
        crs: of the footprint, as WKT or code; also of the pixels where the file itself has none.
        campaign_year: of the flight; None where unknown.
    """

    name: str
    path: Path
    footprint: tuple[float, float, float, float]
    crs: str
    campaign_year: int | None = None


class Strips:
    """The most recently decoded strips of a process, over all of its tiles; damaged ones are not tried again."""

    def __init__(self, budget_bytes: int = STRIPS_BYTES) -> None:
        self.budget_bytes, self.decoded_px = budget_bytes, 0
        self._kept: OrderedDict[tuple, np.ndarray] = OrderedDict()
        self._damaged: dict[tuple, InputError] = {}

    def get(self, key: tuple, decode: Callable[[], np.ndarray]) -> np.ndarray:
        if key in self._damaged:
            raise self._damaged[key]
        if key not in self._kept:
            try:
                strip = decode()
            except InputError as error:
                self._damaged[key] = error
                raise
            self.decoded_px += strip[0].size
            self._kept[key] = strip
            while (
                len(self._kept) > 1
                and sum(kept.nbytes for kept in self._kept.values()) > self.budget_bytes
            ):
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


class Tile:
    """An open tile.

    Attributes:
        file: what the table knows of it.
        crs: of its pixels.
        transform: (column, row) to metres in `crs`.
        width, height: px.
        pixel_m: side of a pixel.
        nodata: value that the file declares to mean no data, or None.
    """

    def __init__(self, file: TileFile, strips: Strips | None = None) -> None:
        self.file, self._strips = file, strips or Strips()
        self._dataset = _open(file.path)
        self.width, self.height = self._dataset.width, self._dataset.height
        self.transform, self.crs = georeference(self._dataset, file)
        self._direct = openjpeg.applies_to(file.path)
        self.pixel_m, self.nodata = abs(self.transform.a), self._dataset.nodata
        self._columns: dict[int, tuple[int, int]] = {}

    def __enter__(self) -> "Tile":
        return self

    def __exit__(self, *_: object) -> None:
        self._dataset.close()

    def window(self, bounds: tuple[float, float, float, float], margin_px: int) -> Window | None:
        """The pixels that cover a square of EPSG:3035, and a margin around it, as far as the tile goes.

        Args:
            bounds: (west, south, east, north), m in EPSG:3035.
            margin_px: on each side.
        """
        west, south, east, north = bounds
        x, y = np.meshgrid(np.linspace(west, east, POINTS), np.linspace(south, north, POINTS))
        columns, rows = ~self.transform @ _to(self.crs.to_wkt()).transform(x.ravel(), y.ravel())
        if not (np.isfinite(columns).all() and np.isfinite(rows).all()):
            return None
        window = Window(
            max(int(np.floor(rows.min())) - margin_px, 0),
            min(int(np.ceil(rows.max())) + margin_px, self.height),
            max(int(np.floor(columns.min())) - margin_px, 0),
            min(int(np.ceil(columns.max())) + margin_px, self.width),
        )
        return window if window.top < window.bottom and window.left < window.right else None

    def bounds_in(self, crs: str) -> tuple[float, float, float, float]:
        """(west, south, east, north) of the tile's corners, transformed to another CRS."""
        x, y = self.transform @ (
            np.array([0, self.width, self.width, 0]),
            np.array([0, 0, self.height, self.height]),
        )
        x, y = Transformer.from_crs(self.crs.to_wkt(), crs, always_xy=True).transform(x, y)
        return float(x.min()), float(y.min()), float(x.max()), float(y.max())

    def plan(self, windows: list[Window]) -> None:
        """Tell beforehand what will be read, so that strips are no wider than that."""
        for window in windows:
            for strip in range(window.top // STRIP_PX, (window.bottom - 1) // STRIP_PX + 1):
                left, right = self._columns.get(strip, (window.left, window.right))
                self._columns[strip] = min(left, window.left), max(right, window.right)

    def read(self, window: Window) -> np.ndarray:
        """(3, H, W) uint8 pixels of a window.

        Raises:
            InputError: the file cannot be decoded there.
        """
        self.plan([window])
        pixels = np.empty(
            (len(BANDS), window.bottom - window.top, window.right - window.left), np.uint8
        )
        for number in range(window.top // STRIP_PX, (window.bottom - 1) // STRIP_PX + 1):
            left, right = self._columns[number]
            top = number * STRIP_PX
            whole = Window(top, min(top + STRIP_PX, self.height), left, right)
            strip = self._strips.get(
                (self.file.path, whole), lambda whole=whole: self._decode(whole)
            )
            first, last = max(window.top, top), min(window.bottom, whole.bottom)
            pixels[:, first - window.top : last - window.top] = strip[
                :, first - top : last - top, window.left - left : window.right - left
            ]
        return pixels

    def read_reduced(self, factor: int) -> np.ndarray:
        """The whole tile, every `factor`-th pixel, from the file's own reduced levels as far as it has them.

        Args:
            factor: a power of two.

        Returns:
            (3, H / factor, W / factor) uint8, rounded up.
        """
        level = max((level for level in self._dataset.overviews(1) if level <= factor), default=1)
        step = factor // level
        if level == 1:
            tops = range(0, self.height, STRIP_PX)
            strips = (Window(top, min(top + STRIP_PX, self.height), 0, self.width) for top in tops)
            return np.concatenate(
                [self._decode(strip)[:, ::step, ::step] for strip in strips], axis=1
            )
        with _decoding(self.file.path):
            if self._direct:
                whole = (0, self.height), (0, self.width)
                return openjpeg.decode(self.file.path, *whole, level.bit_length() - 1)[
                    :, ::step, ::step
                ]
            shape = (len(BANDS), -(-self.height // level), -(-self.width // level))
            return self._dataset.read(BANDS, out_shape=shape)[:, ::step, ::step]

    def _decode(self, window: Window) -> np.ndarray:
        """From GDAL block by block, since it decodes all bands of one at once but would forget them in a long strip."""
        pixels = np.empty(
            (len(BANDS), window.bottom - window.top, window.right - window.left), np.uint8
        )
        rows = (window.top, window.bottom)
        with _decoding(self.file.path):
            if self._direct:
                return openjpeg.decode(self.file.path, rows, (window.left, window.right))
            for left in range(window.left // BLOCK_PX * BLOCK_PX, window.right, BLOCK_PX):
                start, stop = max(left, window.left), min(left + BLOCK_PX, window.right)
                pixels[:, :, start - window.left : stop - window.left] = self._dataset.read(
                    BANDS, window=(rows, (start, stop))
                )
        return pixels


def placed(bounds: tuple[float, float, float, float], width: int, height: int) -> Affine:
    """(column, row) to metres, for pixels that fill (west, south, east, north), row 0 in the north."""
    west, south, east, north = bounds
    return Affine((east - west) / width, 0, west, 0, (south - north) / height, north)


def georeference(dataset: DatasetReader, file: TileFile) -> tuple[Affine, rasterio.CRS]:
    """Where the pixels lie: as the file says, else as the tile table says."""
    crs = dataset.crs or rasterio.CRS.from_user_input(file.crs)
    if not dataset.transform.is_identity:
        return dataset.transform, crs
    return placed(file.footprint, dataset.width, dataset.height), rasterio.CRS.from_user_input(
        file.crs
    )


def _open(path: Path) -> DatasetReader:
    """Open for reading.

    Raises:
        InputError: no image, or not one of three 8-bit bands.
    """
    with _decoding(path), warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        dataset = rasterio.open(path)
    if dataset.count < len(BANDS) or any(kind != "uint8" for kind in dataset.dtypes[: len(BANDS)]):
        found = f"{dataset.count} bands of {', '.join(sorted(set(dataset.dtypes)))}"
        dataset.close()
        raise InputError(
            f"the tile has {found}, not red, green and blue of 8 bits",
            shown(path),
            "use an RVB pack",
        )
    return dataset


@contextlib.contextmanager
def _decoding(path: Path) -> Iterator[None]:
    """Turn a decoder's fault into a message that names the file."""
    try:
        yield
    except (RasterioError, DecodingError) as error:
        raise InputError(
            f"the tile cannot be read: {error.__cause__ or error}",
            shown(path),
            "delete it and run 04_download_aerial.py, which unpacks it again",
        ) from None


@lru_cache(maxsize=16)
def _to(crs_wkt: str) -> Transformer:
    """Transformation from the cells' grid."""
    return Transformer.from_crs(grid.CRS, crs_wkt, always_xy=True)
