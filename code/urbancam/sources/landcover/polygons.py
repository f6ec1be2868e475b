"""Polygons of land cover: their classes, places and shapes put right."""

import logging

import geopandas as gpd
import numpy as np
import shapely

from urbancam.sources.landcover import classification
from urbancam.sources.landcover.class_tables import ClassTable
from urbancam.tables import crs, grid
from urbancam.workflow.errors import InputError

log = logging.getLogger(__name__)

UNION_TOLERANCE = 1e-6  # relative, of the area


def put_right(
    frame: gpd.GeoDataFrame,
    code_column: str,
    table: ClassTable,
    where: str,
    system: str = grid.CRS,
) -> gpd.GeoDataFrame:
    """Polygons with their classes, repaired, without no-data.

    Args:
        frame: Polygons as a file has them, in any coordinate system.
        code_column: Column of the codes.
        table: Class table.
        where: The file, for messages.
        system: Coordinate system of the cells.

    Returns:
        `polygon_id, code, class` and geometry in the cells' coordinate system.

    Raises:
        InputError: Unknown codes, polygons without a shape, coordinates that lie nowhere.
    """
    classified = classification.classify(
        frame[code_column], table, f"{where}, column {code_column}"
    )
    geometry = repair(to_grid(frame, where, system), where)
    cover = gpd.GeoDataFrame(classified, geometry=geometry, crs=system)
    # A polygon that was but a line is nothing after its repair.
    cover = cover[~cover.geometry.is_empty]

    no_data = cover.pop("is_no_data")
    if no_data.any():
        area_km2 = cover.geometry[no_data].area.sum() / 1e6
        log.info("drops %s polygons of no data, %.2f km2", f"{no_data.sum():,}", area_km2)
    cover = cover[~no_data].reset_index(drop=True)

    cover.insert(0, "polygon_id", np.arange(len(cover)))
    return cover


def to_grid(frame: gpd.GeoDataFrame, where: str, system: str = grid.CRS) -> np.ndarray:
    """(N,) geometries in the cells' coordinate system; untouched where the file's is that one by
    any name."""
    bounds = tuple(frame.total_bounds)
    if system == grid.CRS:
        crs.refuse_overseas(bounds, frame.crs, where)
    crs.check_extent(bounds, frame.crs, where)
    if crs.same_crs(frame.crs, system, bounds):
        return frame.geometry.to_numpy()
    log.info("%s: moved from %s to %s", where, frame.crs.name, system)
    return frame.geometry.to_crs(system).to_numpy()


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


def outline_of(land: gpd.GeoDataFrame) -> shapely.Geometry:
    """ASSUME: where a product ships no outline, the city is what its land cover covers."""
    log.info("no outline found: the city is the union of its %s polygons", f"{len(land):,}")
    parts = land.geometry.to_numpy()
    area_m2 = shapely.area(parts).sum()
    try:
        union = shapely.coverage_union_all(parts)
    except shapely.GEOSException:
        return shapely.union_all(parts)
    if shapely.is_valid(union):
        difference_m2 = abs(shapely.area(union) - area_m2)
        if difference_m2 <= UNION_TOLERANCE * area_m2:
            return union

    # The quick union fails or is wrong where polygons overlap or do not share vertices.
    return shapely.union_all(parts)
