"""The polygons of a layer: their codes, places and shapes put right."""

import logging

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from urbancam.sources.urban_atlas.classes import NO_DATA, classify
from urbancam.sources.urban_atlas.layouts import Layer, read_layer, rows_of_city
from urbancam.tables import crs, grid
from urbancam.workflow.errors import InputError

log = logging.getLogger(__name__)


def read_land_cover(layer: Layer, city: str) -> gpd.GeoDataFrame:
    """Polygons of a city, repaired, without no-data.

    Returns:
        `polygon_id, code, class` and geometry in EPSG:3035.
    """
    frame = read_layer(layer, [layer.code_column, *layer.city_columns])
    frame = frame[rows_of_city(frame, layer, city)]
    log.debug("loads %s, layer %s: %s polygons", layer.where, layer.name, f"{len(frame):,}")

    where = layer.where
    codes = parse_codes(frame[layer.code_column], f"{where}, column {layer.code_column}")
    geometry = to_grid(frame, where)
    geometry = repair(geometry, where)
    columns = {"code": codes.to_numpy()}
    table = gpd.GeoDataFrame(columns, geometry=geometry, crs=grid.CRS)
    # A polygon that was but a line is nothing after its repair.
    table = table[~table.geometry.is_empty]

    no_data = table["code"].isin(NO_DATA)
    if no_data.any():
        area_km2 = table.geometry[no_data].area.sum() / 1e6
        log.info("drops %s polygons of no data, %.2f km2", f"{no_data.sum():,}", area_km2)
    table = table[~no_data].reset_index(drop=True)

    table.insert(0, "polygon_id", np.arange(len(table)))
    table.insert(2, "class", classify(table["code"], where))
    return table


def parse_codes(values: pd.Series, where: str) -> pd.Series:
    """Codes as integers, from text or numbers.

    Raises:
        InputError: a value that is no code.
    """
    text = values.astype("str").str.strip()
    numbers = pd.to_numeric(text, errors="coerce")
    wrong = numbers.isna() | (numbers % 1 != 0)
    if wrong.any():
        raise InputError(
            f"{wrong.sum():,} values are no codes, the first {values[wrong].iloc[0]!r}",
            where,
            "check the file",
        )
    return numbers.astype("int64")


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
