"""Tiles without an index, as users keep and convert them: each says itself where it lies.

A tile's header holds its place; where it does not, IGN's name does: 75-2014-0650-6865-LA93-0M20 has
its north-west corner at x = 650 km and y = 6865 km.
"""

import logging
import re
import warnings
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from pyproj import Transformer
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.transform import array_bounds

from urbancam.sources.ign.pack_names import tile_pixel_m
from urbancam.tables import rasters
from urbancam.tables.crs import Bounds, same_crs
from urbancam.workflow.paths import display_path

log = logging.getLogger(__name__)

LAMBERT_93 = "EPSG:2154"
PIXEL_DECIMALS = 3  # of pixel sizes in m
CORNER_KM = re.compile(r"-(?P<x>\d{4})-(?P<y>\d{4})-LA93-", re.IGNORECASE)


def read_tiles(paths: list[Path]) -> gpd.GeoDataFrame:
    """The tiles among some images: those that have a place.

    Returns:
        `name, file, pixel_m` and footprints, EPSG:2154; one row per tile, those without a place
        are said.
    """
    rows = []
    for path in paths:
        footprint, pixel_m, reason = _look_at(path)
        if reason:
            log.info("%s is not used: %s", display_path(path), reason)
        else:
            pixel_m = round(pixel_m, PIXEL_DECIMALS)
            rows.append([path.name, path, pixel_m, shapely.box(*footprint)])
    columns = ["name", "file", "pixel_m", "geometry"]
    return gpd.GeoDataFrame(rows, columns=columns, geometry="geometry", crs=LAMBERT_93)


def _look_at(path: Path) -> tuple[Bounds | None, float | None, str]:
    """(west, south, east, north) of a tile, m in EPSG:2154, its pixel size in m, and "" or why
    it is no tile.

    Where name and header both tell it, the name does: whoever opens the tile compares the two.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasters.open_raster(path) as image:
                place = _place_by_name(path.name, image) or _place_by_header(path, image)
    except RasterioError as error:
        return None, None, f"it cannot be read: {error}"
    if place is None:
        return None, None, "neither its header nor its name says where it lies"
    bounds, pixel_m = place
    if not np.isfinite(bounds).all():
        return None, None, "it does not lie in metropolitan France"
    return bounds, pixel_m, ""


def _place_by_name(name: str, image: DatasetReader) -> tuple[Bounds, float] | None:
    """The footprint and pixel size that IGN's name tells; of the size the header is surer.

    A tile that was turned into another coordinate system lies where its header says.

    ASSUME: a name's corner is in whole km of Lambert-93, as IGN writes it.
    """
    corner = CORNER_KM.search(name)
    pixel_m = tile_pixel_m(name) if image.transform.is_identity else abs(image.transform.a)
    if not corner or not pixel_m or _was_turned(image):
        return None
    west, north = 1000.0 * int(corner["x"]), 1000.0 * int(corner["y"])
    south, east = north - image.height * pixel_m, west + image.width * pixel_m
    return (west, south, east, north), pixel_m


def _was_turned(image: DatasetReader) -> bool:
    """Whether the header places an image in another coordinate system than IGN's."""
    crs = image.crs
    is_placed = crs and (crs.is_projected or crs.is_geographic) and not image.transform.is_identity
    return bool(is_placed) and not same_crs(crs.to_wkt(), LAMBERT_93, image.bounds)


def _place_by_header(path: Path, image: DatasetReader) -> tuple[Bounds, float] | None:
    """The footprint and pixel size that the header tells, or a file beside it.

    ASSUME: a tile that names no coordinate system is in Lambert-93.
    """
    transform, crs = rasters.place(image, path)
    if transform is None:
        return None
    bounds = array_bounds(image.height, image.width, transform)
    if crs is None or same_crs(crs.to_wkt(), LAMBERT_93, bounds):
        return bounds, abs(transform.a)
    to_lambert = Transformer.from_crs(crs.to_wkt(), LAMBERT_93, always_xy=True)
    west, south, east, north = bounds
    corners = to_lambert.transform([west, east, east, west], [south, south, north, north])
    x, y = np.array(corners)
    extent = tuple(map(float, (x.min(), y.min(), x.max(), y.max())))
    # Degrees are measured along the upper edge.
    upper_edge_m = float(np.hypot(x[2] - x[3], y[2] - y[3]))
    pixel_m = abs(transform.a) if crs.is_projected else upper_edge_m / image.width
    return extent, pixel_m
