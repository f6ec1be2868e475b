"""Where Urban Atlas is found: old 2012 shapefiles, GeoPackages, FlatGeobuf, zipped or not.

A layer with a code column of an edition is its land cover; one named "boundary" holds outlines of
cities. Files lie at any depth.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from urbancam.sources.download import archives
from urbancam.sources.urban_atlas import names
from urbancam.tables import geoframes, vectors
from urbancam.workflow.errors import InputError
from urbancam.workflow.files import files_below
from urbancam.workflow.paths import display_path

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
# Outlines of the city alone, not of its functional urban area.
CORE_OUTLINES = ("cityboundary", "urbancore", "urban_core")

Labels = tuple[str, ...]  # a city's codes and names, as a row of a layer has them


@dataclass(frozen=True)
class Layer:
    """One layer of one file.

    Args:
        path: File, maybe unpacked from an archive.
        name: Name of the layer.
        source: What was dropped in: this file, or the archive it came out of.
        editions: Years that its code columns speak of.
        code_column: Code column of the edition that is looked for, "" for outlines.
        city_columns: Columns with the city's code or name.
        says_city: Whether its path speaks of the city that is looked for; None where it is silent.
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
        if self.source.endswith(self.path.name):
            return self.source
        return f"{self.source}: {self.path.name}"

    @property
    def is_boundary(self) -> bool:
        """Whether it holds outlines of functional urban areas."""
        name = self.name.lower()
        of_core = any(word in name for word in CORE_OUTLINES)
        return "boundary" in name and not of_core and not self.editions

    def fits(self, edition: int) -> bool:
        """Whether the names of an outline's file and layer speak of this edition, or of none."""
        years = EDITION_IN_NAME.findall(f"{self.source} {self.path.name} {self.name}")
        return not years or str(edition) in years


def find_layers(folder: Path, city: str, edition: int, scratch: Path) -> list[Layer]:
    """Layers that may be of a city, of any edition.

    Products whose path speaks of another city are left alone. Those that do not say are looked
    into only where those that speak of this one hold no land cover of the edition.

    Args:
        folder: Where Urban Atlas has been dropped in.
        city: Name or code.
        edition: Edition that is looked for.
        scratch: Folder to unpack archives into, if they may hold the city.
    """
    paths = files_below(folder, _is_readable)
    files = [path.relative_to(folder).as_posix() for path in paths]
    says_city = {name: names.path_says(Path(name), city) for name in files}

    # First what speaks of the city, then what is silent.
    layers: list[Layer] = []
    for says in (True, None):
        for name in files:
            if says_city[name] is says:
                layers += _layers_within(folder, name, edition, says, city, scratch)
        if any(layer.code_column for layer in layers):
            break
    return layers


def _is_readable(name: str) -> bool:
    """Whether a file is a table or an archive."""
    return bool(TABLES.search(name)) or archives.is_archive(name)


def _layers_within(
    folder: Path,
    name: str,
    edition: int,
    says_city: bool | None,
    city: str,
    scratch: Path,
) -> list[Layer]:
    """Layers of one file that was dropped in, or of the files in an archive."""
    source = folder / name
    if not archives.is_archive(source):
        return _layers_of(source, display_path(source), edition, says_city)

    unpacked = scratch / name
    members = archives.unpack_nested(source, unpacked, _is_part_of_table)
    layers = []
    for table in sorted(path for path in members if TABLES.search(path.name)):
        table_says_city = says_city or names.path_says(table.relative_to(unpacked), city)
        layers += _layers_of(table, display_path(source), edition, table_says_city)
    return layers


def _is_part_of_table(name: str) -> bool:
    """Whether a file of an archive is a table or, as of a shapefile, a part of one."""
    return bool(TABLE_PARTS.search(name))


def _layers_of(
    path: Path,
    source: str,
    edition: int,
    says_city: bool | None,
) -> list[Layer]:
    """Layers of one table, but for those of changes between two editions.

    Raises:
        InputError: the table is damaged.
    """
    layers = []
    with geoframes.naming_damage(f"{source}: {path.name}", "replace the file"):
        for name in vectors.layer_names(path):
            fields = vectors.layer_info(path, name)["fields"]
            field_of_lower = {field.lower(): field for field in fields}
            code_columns = _code_columns(field_of_lower)
            if len(code_columns) > 1:
                continue  # changes between two editions
            city_columns = [column for column in CITY_COLUMNS if column in field_of_lower]
            layer = Layer(
                path=path,
                name=name,
                source=source,
                editions=tuple(code_columns),
                code_column=code_columns.get(edition, ""),
                city_columns=tuple(field_of_lower[column] for column in city_columns),
                says_city=says_city,
            )
            layers.append(layer)
    return layers


def _code_columns(field_of_lower: dict[str, str]) -> dict[int, str]:
    """`{edition: field}` of the fields that hold codes of land cover."""
    code_columns = {}
    for lower, field in field_of_lower.items():
        match = CODE_COLUMN.fullmatch(lower)
        if match:
            code_columns[int(match[1])] = field
    return code_columns


def read_labels(layer: Layer) -> set[Labels]:
    """The distinct labels (codes and names) of the cities in a layer."""
    if not layer.city_columns:
        return set()
    frame = read_layer(layer, list(layer.city_columns), geometry=False)
    return _distinct_labels(frame, layer)


def read_layer(
    layer: Layer,
    columns: list[str],
    geometry: bool = True,
) -> pd.DataFrame:
    """Some columns of a layer.

    Raises:
        InputError: It is damaged.
    """
    with geoframes.naming_damage(layer.where, "replace the file"):
        return vectors.read_layer(layer.path, layer.name, columns, geometry)


def rows_of_city(frame: pd.DataFrame, layer: Layer, city: str) -> np.ndarray:
    """(N,) bool: rows of the city.

    All rows are the city's where the path speaks of it and the layer names at most one.

    Raises:
        InputError: the layer names several cities, but not this one.
    """
    # A layer may name each city in several ways, e.g. by code and by name.
    distinct = _distinct_labels(frame, layer)
    fitting = {labels for labels in distinct if names.same_city(city, *labels)}
    if not fitting and len(distinct) <= 1:
        return np.ones(len(frame), dtype=bool)
    if not fitting:
        raise InputError(
            f"it does not name {city}, but {names.city_list(distinct)}",
            layer.where,
            "name one of them",
        )
    return np.array([labels in fitting for labels in _labels(frame, layer)], dtype=bool)


def _distinct_labels(frame: pd.DataFrame, layer: Layer) -> set[Labels]:
    """The labels of the cities that a layer names; none where it has no column for them."""
    distinct = frame[list(layer.city_columns)].drop_duplicates()
    return set(_labels(distinct, layer)) - {()}


def _labels(frame: pd.DataFrame, layer: Layer) -> list[Labels]:
    """The labels of each row."""
    rows = frame[list(layer.city_columns)].itertuples(index=False, name=None)
    return [tuple(map(str, row)) for row in rows]
