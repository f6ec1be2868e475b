"""Polygons of land cover: their classes, places and shapes put right."""

import logging

import geopandas as gpd
import numpy as np
import shapely

from urbancam.sources.landcover import codes
from urbancam.sources.landcover.class_tables import ClassTable
from urbancam.tables import crs, grid
from urbancam.workflow.errors import InputError

log = logging.getLogger(__name__)


def put_right(
    frame: gpd.GeoDataFrame, code_column: str, table: ClassTable, where: str
) -> gpd.GeoDataFrame:
    """Polygons with their classes, repaired, without no-data.

    Args:
        frame: Polygons as a file has them, in any coordinate system.
        code_column: Column of the codes.
        table: Class table.
        where: The file, for messages.

    Returns:
        `polygon_id, code, class` and geometry in EPSG:3035.

    Raises:
        InputError: Unknown codes, polygons without a shape, coordinates that lie nowhere.
    """
    classified = codes.classify(frame[code_column], table, f"{where}, column {code_column}")
    geometry = repair(to_grid(frame, where), where)
    cover = gpd.GeoDataFrame(classified, geometry=geometry, crs=grid.CRS)
    # A polygon that was but a line is nothing after its repair.
    cover = cover[~cover.geometry.is_empty]

    no_data = cover.pop("is_no_data")
    if no_data.any():
        area_km2 = cover.geometry[no_data].area.sum() / 1e6
        log.info("drops %s polygons of no data, %.2f km2", f"{no_data.sum():,}", area_km2)
    cover = cover[~no_data].reset_index(drop=True)

    cover.insert(0, "polygon_id", np.arange(len(cover)))
    return cover


def to_grid(frame: gpd.GeoDataFrame, where: str) -> np.ndarray:
    """(N,) geometries in EPSG:3035; untouched where the file's system is that one by any name."""
    bounds = tuple(frame.total_bounds)
    crs.refuse_overseas(bounds, frame.crs, where)
    crs.check_extent(bounds, frame.crs, where)
    if crs.same_crs(frame.crs, grid.CRS, bounds):
        return frame.geometry.to_numpy()
    log.info("%s: moved from %s to %s", where, frame.crs.name, grid.CRS)
    return frame.geometry.to_crs(grid.CRS).to_numpy()


def repair(geometry: np.ndarray, where: str) -> np.ndarray:
    """(N,) valid polygons.

    What is invalid is rebuilt and counted; lines that fall out are dropped.

    Raises:
        InputError: polygons without a shape.
    """
    # GDAL reads what a truncated .shp lacks as nothing.
    missing = int(shapely.is_missing(geometry).sum())
    if missing:
        what = f"{missing:,} of {len(geometry):,} polygons have no shape"
        raise InputError(what, where, "replace the file")

    geometry = shapely.force_2d(geometry)
    bad = ~shapely.is_valid(geometry)
    if bad.any():
        broken = geometry[bad]
        repaired = shapely.make_valid(broken, method="structure", keep_collapsed=False)
        geometry[bad] = repaired
        gain_m2 = shapely.area(repaired).sum() - shapely.area(broken).sum()
        counts = f"{bad.sum():,} of {len(geometry):,}"
        log.info("repairs %s polygons of %s (area %+.1f m2)", counts, where, gain_m2)
    return geometry
