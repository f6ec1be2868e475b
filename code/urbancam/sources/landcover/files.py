"""Land cover from a file of the user's own: polygons with a column of codes, or a class raster."""

import logging
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio

from urbancam.sources.landcover import polygons, rasters
from urbancam.sources.landcover.class_tables import ClassTable
from urbancam.sources.landcover.place import Place
from urbancam.tables import crs, geoframes, vectors
from urbancam.workflow import names
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import display_path

log = logging.getLogger(__name__)

PARQUET = ".parquet"
SUFFIXES = (*vectors.KINDS, PARQUET, *rasters.SUFFIXES)
MEND = "save it again from the program that made it"
POLYGONS = "give polygons, or a raster"
NAME_COLUMN = "name the column of the classes in landcover.class_column"


def read_city(
    path: Path, class_column: str | None, table: ClassTable, city: str, place: Place
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Land cover and boundary of a city, as `urban_atlas.products.read_city` gives them.

    Args:
        path: GeoPackage, shapefile, FlatGeobuf, GeoJSON, GeoParquet, or GeoTIFF of classes.
        class_column: Column of the classes; a raster has none.
        table: Class table.
        city: Name of the city.
        place: Where the cells lie.

    Returns:
        `polygon_id, code, class` with polygons, and one row `city, source` with the outline of
        what they cover; both in the cells' coordinate system.

    Raises:
        InputError: It cannot be read, has no such column, unknown classes, or lies elsewhere.
    """
    where = display_path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        what = f"{path.name} is no land cover that can be read"
        raise InputError(what, where, f"give one of {', '.join(SUFFIXES)}")
    if suffix in rasters.SUFFIXES:
        frame, class_column = rasters.read(path, place), rasters.VALUE
    else:
        frame, class_column = _read_polygons(path, class_column, place, where)
    log.debug("loads %s: %s polygons", where, f"{len(frame):,}")
    land = polygons.put_right(frame, class_column, table, where, place.crs)
    if land.empty:
        what = "it holds no land cover around the cells, only no data"
        raise InputError(what, where, "check the file, and no_data of the class table")
    boundary = {"city": [city], "source": [where]}
    outline = polygons.outline_of(land)
    return land, gpd.GeoDataFrame(boundary, geometry=[outline], crs=place.crs)


def _read_polygons(
    path: Path, class_column: str | None, place: Place, where: str
) -> tuple[gpd.GeoDataFrame, str]:
    """The polygons around the cells, and the name of their column of classes."""
    with geoframes.naming_damage(where, MEND):
        if path.suffix.lower() == PARQUET:
            frame = gpd.read_parquet(path)
            column = _column(list(frame.columns), class_column, where)
            extent, system = tuple(frame.total_bounds), frame.crs
            crs.check_extent(extent, system, where)
            bounds = place.bounds_in(system)
            if bounds is not None:
                frame = frame.iloc[np.sort(frame.sindex.intersection(bounds))]
        else:
            layer = _only_layer(path, where)
            info = pyogrio.read_info(path, layer=layer, force_total_bounds=True)
            column = _column(list(info["fields"]), class_column, where)
            extent, system = tuple(info["total_bounds"] or [np.nan] * 4), info["crs"]
            crs.check_extent(extent, system, where)
            bounds = place.bounds_in(system)
            frame = vectors.read_layer(path, layer, [column], bounds=bounds)
    if bounds is not None and frame.empty:
        raise rasters.elsewhere(extent, bounds, where)
    kinds = set(frame.geom_type.dropna()) - {"Polygon", "MultiPolygon"}
    if kinds:
        raise InputError(f"it holds {', '.join(sorted(kinds))}, not polygons", where, POLYGONS)
    return frame.reset_index(drop=True), column


def _only_layer(path: Path, where: str) -> str:
    """The one layer of a file.

    Raises:
        InputError: It has several.
    """
    layers = vectors.layer_names(path)
    if len(layers) != 1:
        what = f"the file has {len(layers)} layers: {', '.join(layers)}"
        raise InputError(what, where, "save the layer of the land cover in a file of its own")
    vectors.layer_info(path, layers[0])
    return layers[0]


def _column(columns: list[str], class_column: str | None, where: str) -> str:
    """The column of the classes.

    Raises:
        InputError: None is named, or the file has none of that name.
    """
    if class_column in columns:
        return class_column
    known = [column for column in columns if column != "geometry"]
    guess = names.closest(class_column, known) if class_column else ""
    what = f"there is no column {class_column!r}" if class_column else "no column is named"
    raise InputError(
        f"{what}; the file has {', '.join(known)}",
        where,
        (f"did you mean {guess}? " if guess else "") + NAME_COLUMN,
    )
