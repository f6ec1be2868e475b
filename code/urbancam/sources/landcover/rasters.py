"""Class rasters as polygons: pixels of one class that share an edge are one polygon."""

from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio.features
import shapely
from affine import Affine
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from urbancam.sources.landcover.place import Place
from urbancam.tables import crs, rasters
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import display_path

SUFFIXES = (".tif", ".tiff")
VALUE = "value"  # column of the pixels' value
# ASSUME: a raster is read by blocks of so many pixels a side, and a polygon ends at the block's
# edge: only areas count, not how many polygons they are of.
BLOCK_PX = 4096
TO_CLASSES = "make a raster of one band of whole numbers: gdal_translate -b 1 -ot UInt16"


def read(path: Path, place: Place) -> gpd.GeoDataFrame:
    """The polygons of a class raster around the cells, in the raster's coordinate system.

    Where the cells have another one, every pixel's corner is a vertex: edges of neighbours stay
    the same ones when they are moved.

    Args:
        path: GeoTIFF of whole numbers, one band.
        place: Where the cells lie.

    Returns:
        `value` (int64) with polygons; pixels without data have none.

    Raises:
        InputError: It cannot be read, is no class raster, or lies elsewhere.
    """
    where = display_path(path)
    try:
        with rasters.open_raster(path) as raster:
            transform, system = rasters.place(raster, path)
            _check(raster, system, transform, where)
            extent = rasterio.transform.array_bounds(raster.height, raster.width, transform)
            window = _window(raster, transform, place.bounds_in(system), where)
            moves = not crs.same_crs(system, place.crs, extent)
            parts = [_polygons(raster, block, moves) for block in _blocks(window)]
    except RasterioError as error:
        raise InputError(f"the file cannot be read: {error}", where, "replace the file") from None
    values = np.concatenate([values for values, _ in parts])
    if not len(values):
        what = "all of its pixels around the cells are without data"
        raise InputError(what, where, "check the file and its nodata value")
    polygons = np.concatenate([polygons for _, polygons in parts])
    on_ground = shapely.transform(polygons, lambda xy: _to_ground(xy, transform))
    return gpd.GeoDataFrame({VALUE: values}, geometry=on_ground, crs=system)


def _check(raster: DatasetReader, system: object, transform: Affine | None, where: str) -> None:
    """Refuse what is no class raster with a place."""
    kind = raster.dtypes[0]
    if raster.count != 1:
        raise InputError(f"it has {raster.count} bands, a class raster has one", where, TO_CLASSES)
    if not np.issubdtype(kind, np.integer) or np.dtype(kind).itemsize > 4:
        raise InputError(f"its pixels are {kind}, classes are whole numbers", where, TO_CLASSES)
    if system is None or transform is None:
        raise InputError(
            "the raster does not say where it lies",
            where,
            "name its place and coordinate system: gdal_translate -a_srs EPSG:2180 -a_ullr "
            "WEST NORTH EAST SOUTH",
        )


def _window(
    raster: DatasetReader, transform: Affine, bounds: crs.Bounds | None, where: str
) -> Window:
    """The pixels around the cells; all of them where no cells are known yet."""
    whole = Window(0, 0, raster.width, raster.height)
    if bounds is None:
        return whole
    west, south, east, north = bounds
    corners = np.array([[west, south], [west, north], [east, south], [east, north]])
    columns, rows = ~transform @ (corners[:, 0], corners[:, 1])
    left, top = int(np.floor(columns.min())) - 1, int(np.floor(rows.min())) - 1
    right, bottom = int(np.ceil(columns.max())) + 1, int(np.ceil(rows.max())) + 1
    left, top = max(left, 0), max(top, 0)
    right, bottom = min(right, raster.width), min(bottom, raster.height)
    if left >= right or top >= bottom:
        extent = rasterio.transform.array_bounds(raster.height, raster.width, transform)
        raise elsewhere(extent, bounds, where)
    return Window(left, top, right - left, bottom - top)


def elsewhere(extent: crs.Bounds, bounds: crs.Bounds, where: str) -> InputError:
    """The error of a land cover that does not touch the cells; both in its coordinate system."""
    return InputError(
        f"the land cover does not touch the cells: it lies at {_box(extent)}, they at "
        f"{_box(bounds)}, in its coordinate system",
        where,
        "check that cells and land cover are of one city, and that each names its true "
        "coordinate system",
    )


def _box(bounds: crs.Bounds) -> str:
    west, south, east, north = bounds
    return f"x {west:,.6g} to {east:,.6g}, y {south:,.6g} to {north:,.6g}"


def _blocks(window: Window) -> Iterator[Window]:
    for top in range(window.row_off, window.row_off + window.height, BLOCK_PX):
        for left in range(window.col_off, window.col_off + window.width, BLOCK_PX):
            width = min(BLOCK_PX, window.col_off + window.width - left)
            height = min(BLOCK_PX, window.row_off + window.height - top)
            yield Window(left, top, width, height)


def _polygons(raster: DatasetReader, block: Window, moves: bool) -> tuple[np.ndarray, np.ndarray]:
    """(N,) values and (N,) polygons of a block, in columns and rows of the raster."""
    pixels = raster.read(1, window=block, masked=True)
    shapes = rasterio.features.shapes(
        pixels.data.astype("int32"),
        mask=~np.ma.getmaskarray(pixels),
        connectivity=4,
        transform=Affine.translation(block.col_off, block.row_off),
    )
    found = [(int(value), shapely.geometry.shape(shape)) for shape, value in shapes]
    values = np.array([value for value, _ in found], dtype="int64")
    polygons = np.array([polygon for _, polygon in found], dtype=object)
    if moves and len(polygons):
        polygons = shapely.transform(shapely.segmentize(polygons, 1.0), np.round)
    return values, polygons


def _to_ground(corners: np.ndarray, transform: Affine) -> np.ndarray:
    """(N, 2) columns and rows as coordinates."""
    x, y = transform @ (corners[:, 0], corners[:, 1])
    return np.column_stack([x, y])
