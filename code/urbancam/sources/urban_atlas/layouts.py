"""Where Urban Atlas is found: old 2012 shapefiles, GeoPackages, FlatGeobuf, zipped or not, at any depth.

A layer with a code column of the wanted edition is land cover; one named "boundary" holds outlines of cities.
"""

import logging
import re
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

from urbancam.sources.download import archives
from urbancam.sources.urban_atlas import names
from urbancam.sources.urban_atlas.classes import NO_DATA, classify
from urbancam.tables import crs, geoframes, grid
from urbancam.workflow.errors import InputError
from urbancam.workflow.files import listing
from urbancam.workflow.paths import shown

log = logging.getLogger(__name__)

TABLES = re.compile(r"\.(gpkg|shp|fgb)$", re.IGNORECASE)
TABLE_PARTS = re.compile(r"\.(gpkg|shp|fgb|shx|dbf|prj|cpg)$", re.IGNORECASE)
CODE_COLUMN = re.compile(r"code_?(20\d\d)", re.IGNORECASE)
EDITION_IN_NAME = re.compile(r"(?:UA|_S)(20\d\d)", re.IGNORECASE)
CITY_COLUMNS = (
    "fua_code",
    "fua_or_cit",
    "luz_or_cit",
    "urau_code",
    "fua_name",
    "cities",
    "urau_name",
)
CORE_OUTLINES = (
    "cityboundary",
    "urbancore",
    "urban_core",
)  # the city alone, not its functional urban area


@dataclass(frozen=True)
class Layer:
    """One layer of one file.

    Args:
        path: file, maybe unpacked from an archive.
        name: of the layer.
        source: what was dropped in: this file, or the archive it came out of.
        editions: years that its code columns speak of.
        code_column: of the wanted edition, "" for outlines.
        city_columns: with the city's code or name.
        says_city: whether its path speaks of the wanted city; None where it is silent.
    """

    path: Path
    name: str
    source: str
    editions: tuple[int, ...]
    code_column: str
    city_columns: tuple[str, ...]
    says_city: bool | None

    @property
    def where(self) -> str:
        """The file as the user knows it, for messages."""
        inside = "" if self.source.endswith(self.path.name) else f": {self.path.name}"
        return f"{self.source}{inside}"

    @property
    def is_boundary(self) -> bool:
        lower = self.name.lower()
        outline = "boundary" in lower and not any(word in lower for word in CORE_OUTLINES)
        return outline and not self.editions

    def fits(self, edition: int) -> bool:
        """Whether the names of an outline's file and layer speak of this edition, or of none."""
        years = EDITION_IN_NAME.findall(f"{self.source} {self.path.name} {self.name}")
        return not years or str(edition) in years


def find_layers(folder: Path, city: str, edition: int, scratch: Path) -> list[Layer]:
    """Layers that may be of a city, of any edition; archives that may are unpacked below `scratch`.

    Products whose path speaks of another city are left alone. Those that do not say are looked into only
    where those that speak of this one hold no land cover of the edition.
    """
    tables = [
        name for name, *_ in listing(folder) if TABLES.search(name) or archives.is_archive(name)
    ]
    says = {name: names.path_says(Path(name), city) for name in tables}
    layers: list[Layer] = []
    for wanted in (True, None):
        for name in (name for name in tables if says[name] is wanted):
            layers += _layers_within(folder, name, edition, wanted, city, scratch)
        if any(layer.code_column for layer in layers):
            break
    return layers


def _layers_within(
    folder: Path, name: str, edition: int, says_city: bool | None, city: str, scratch: Path
) -> list[Layer]:
    """Layers of one file that was dropped in, or of the files in an archive."""
    source = folder / name
    if not archives.is_archive(source):
        return _layers_of(source, shown(source), edition, says_city)
    found = archives.unpack_nested(
        source, scratch / name, lambda member: bool(TABLE_PARTS.search(member))
    )
    layers = []
    for table in sorted(path for path in found if TABLES.search(path.name)):
        said = says_city or names.path_says(table.relative_to(scratch / name), city)
        layers += _layers_of(table, shown(source), edition, said)
    return layers


def _layers_of(path: Path, source: str, edition: int, says_city: bool | None) -> list[Layer]:
    layers = []
    with geoframes.damage_named(f"{source}: {path.name}", "replace the file"):
        for name in pyogrio.list_layers(path)[:, 0]:
            fields = {
                field.lower(): field for field in pyogrio.read_info(path, layer=name)["fields"]
            }
            codes = {
                int(found[1]): fields[f] for f in fields if (found := CODE_COLUMN.fullmatch(f))
            }
            if len(codes) > 1:  # a layer of changes between two editions
                continue
            labels = tuple(fields[column] for column in CITY_COLUMNS if column in fields)
            code = codes.get(edition, "")
            layers.append(Layer(path, str(name), source, tuple(codes), code, labels, says_city))
    return layers


def read_labels(layer: Layer) -> set[tuple[str, ...]]:
    """The distinct labels (codes and names) of the cities in a layer."""
    if not layer.city_columns:
        return set()
    return _labels(read_layer(layer, list(layer.city_columns), geometry=False), layer)


def read_layer(layer: Layer, columns: list[str], geometry: bool = True) -> pd.DataFrame:
    """Some columns of a layer, whatever the encoding of its text (by Arrow damage would pass for null)."""
    options = {"layer": layer.name, "columns": columns, "read_geometry": geometry}
    with geoframes.damage_named(layer.where, "replace the file"):
        try:
            return pyogrio.read_dataframe(layer.path, **options)
        except UnicodeDecodeError:
            return pyogrio.read_dataframe(layer.path, encoding="ISO-8859-1", **options)


def rows_of_city(frame: pd.DataFrame, layer: Layer, city: str) -> np.ndarray:
    """(N,) bool: rows of the city; all rows where the path speaks of it and the layer names at most one.

    Raises:
        InputError: the layer names several cities, but not this one.
    """
    distinct = _labels(frame, layer)
    fitting = {labels for labels in distinct if names.same_city(city, *labels)}
    if not fitting and len(distinct) <= 1:
        return np.ones(len(frame), dtype=bool)
    if not fitting:
        raise InputError(
            f"it does not name {city}, but {names.listed(distinct)}",
            layer.where,
            "name one of them",
        )
    rows = zip(*(frame[column] for column in layer.city_columns), strict=True)
    return np.fromiter(
        (tuple(map(str, labels)) in fitting for labels in rows), dtype=bool, count=len(frame)
    )


def _labels(frame: pd.DataFrame, layer: Layer) -> set[tuple[str, ...]]:
    distinct = frame[list(layer.city_columns)].drop_duplicates()
    return {
        tuple(map(str, labels)) for labels in distinct.itertuples(index=False, name=None) if labels
    }


def read_land_cover(layer: Layer, city: str) -> gpd.GeoDataFrame:
    """Polygons of a city: `polygon_id, code, class` and geometry in EPSG:3035, repaired, without no-data."""
    frame = read_layer(layer, [layer.code_column, *layer.city_columns])
    frame = frame[rows_of_city(frame, layer, city)]
    log.info("loads %s, layer %s: %s polygons", layer.where, layer.name, f"{len(frame):,}")
    codes = parse_codes(frame[layer.code_column], f"{layer.where}, column {layer.code_column}")
    geometry = repair(to_grid(frame, layer.where), layer.where)
    table = gpd.GeoDataFrame({"code": codes.to_numpy()}, geometry=geometry, crs=grid.CRS)
    table = table[~table.geometry.is_empty]
    no_data = table["code"].isin(NO_DATA)
    if no_data.any():
        area_km2 = table.geometry[no_data].area.sum() / 1e6
        log.info("drops %s polygons of no data, %.2f km2", f"{no_data.sum():,}", area_km2)
    table = table[~no_data].reset_index(drop=True)
    table.insert(0, "polygon_id", np.arange(len(table)))
    table.insert(2, "class", classify(table["code"], layer.where))
    return table


def parse_codes(values: pd.Series, where: str) -> pd.Series:
    """Codes as integers, from text or numbers.

    Raises:
        InputError: a value that is no code.
    """
    numbers = pd.to_numeric(values.astype("str").str.strip(), errors="coerce")
    wrong = numbers.isna() | (numbers % 1 != 0)
    if wrong.any():
        raise InputError(
            f"{wrong.sum():,} values are no codes, the first {values[wrong].iloc[0]!r}",
            where,
            "check the file",
        )
    return numbers.astype("int64")


def to_grid(frame: gpd.GeoDataFrame, where: str) -> np.ndarray:
    """(N,) geometries in EPSG:3035; untouched where the file's system is that one under any name."""
    bounds = tuple(frame.total_bounds)
    crs.check_extent(bounds, frame.crs, where)
    if crs.same_crs(frame.crs, grid.CRS, bounds):
        return frame.geometry.to_numpy()
    log.info("%s: moved from %s to %s", where, frame.crs.name, grid.CRS)
    return frame.geometry.to_crs(grid.CRS).to_numpy()


def repair(geometry: np.ndarray, where: str) -> np.ndarray:
    """(N,) valid polygons: what is invalid is rebuilt and counted; lines that fall out are dropped.

    Raises:
        InputError: polygons without a shape.
    """
    missing = int(
        shapely.is_missing(geometry).sum()
    )  # GDAL reads what a truncated .shp lacks as nothing
    if missing:
        what = f"{missing:,} of {len(geometry):,} polygons have no shape"
        raise InputError(what, where, "replace the file")
    geometry = shapely.force_2d(geometry)
    bad = ~shapely.is_valid(geometry)
    if bad.any():
        before_m2 = shapely.area(geometry[bad]).sum()
        geometry[bad] = shapely.make_valid(geometry[bad], method="structure", keep_collapsed=False)
        after_m2 = shapely.area(geometry[bad]).sum()
        counts = f"{bad.sum():,} of {len(geometry):,}"
        log.info("repairs %s polygons of %s (area %+.1f m2)", counts, where, after_m2 - before_m2)
    return geometry
