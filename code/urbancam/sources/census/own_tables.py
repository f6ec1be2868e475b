"""Tables that a user names: CSV, Parquet and what GDAL reads, with their geometry where they have
one."""

from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyarrow.parquet
import pyproj

from urbancam.tables import geoframes, vectors
from urbancam.workflow import names
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import display_path
from urbancam.workflow.settings.city_facts import Cells

SUFFIXES = (".csv", ".parquet", *vectors.KINDS)
MEND = "save it again from the program that made it"


def read(file: Path, section: Cells) -> gpd.GeoDataFrame:
    """A table with its geometry: its own, or points of its columns of coordinates.

    Args:
        file: The file.
        section: Columns of coordinates, and their coordinate system, of a table without geometry.

    Raises:
        InputError: It cannot be read, or does not say where its cells lie.
    """
    suffix, where = file.suffix.lower(), display_path(file)
    if suffix not in SUFFIXES:
        raise InputError(
            f"{file.name} is no table of cells", where, f"give one of {', '.join(SUFFIXES)}"
        )
    with geoframes.naming_damage(where, MEND):
        if suffix == ".csv":
            table = _read_csv(file, section)
        elif suffix == ".parquet":
            has_geometry = b"geo" in (pyarrow.parquet.read_schema(file).metadata or {})
            table = gpd.read_parquet(file) if has_geometry else pd.read_parquet(file)
        else:
            table = gpd.read_file(file, layer=_only_layer(file, where))
    if table.empty:
        raise InputError("the table holds no rows", where, MEND)
    if not isinstance(table, gpd.GeoDataFrame):
        table = _as_points(table, section, where)
    return table.reset_index(drop=True)


def column(table: pd.DataFrame, name: str, where: str) -> pd.Series:
    """A column of a table.

    Raises:
        InputError: The table has no such column.
    """
    if name in table:
        return table[name]
    known = [str(key) for key in table.columns if key != "geometry"]
    guess = names.closest(name, known)
    raise InputError(
        f"there is no column {name!r}: {', '.join(known)}",
        where,
        (f"did you mean {guess}? " if guess else "")
        + "name the columns in section cells of city.yaml",
    )


def _read_csv(file: Path, section: Cells) -> pd.DataFrame:
    """A CSV with commas or semicolons; ids and groups as they stand, with leading zeros."""
    with file.open(encoding="utf-8-sig") as lines:
        header = lines.readline()
    texts = (section.id_column, section.group_column, section.department_column)
    return pd.read_csv(
        file,
        sep=";" if header.count(";") > header.count(",") else ",",
        dtype={name: "str" for name in texts if name},
        encoding="utf-8-sig",
        low_memory=False,
    )


def _only_layer(file: Path, where: str) -> str:
    """The one layer of a file.

    Raises:
        InputError: It has several.
    """
    layers = vectors.layer_names(file)
    if len(layers) != 1:
        raise InputError(
            f"the file has {len(layers)} layers: {', '.join(layers)}",
            where,
            "save the layer of the cells in a file of its own",
        )
    vectors.layer_info(file, layers[0])
    return layers[0]


def _as_points(table: pd.DataFrame, section: Cells, where: str) -> gpd.GeoDataFrame:
    """A table with the centres of its cells as geometry."""
    x, y = (
        pd.to_numeric(column(table, name, where), errors="coerce")
        for name in (section.x_column, section.y_column)
    )
    lacking = int((x.isna() | y.isna()).sum())
    if lacking:
        raise InputError(
            f"{lacking:,} of {len(table):,} rows have no coordinates",
            f"{where}, columns {section.x_column}, {section.y_column}",
            "give each cell the easting and northing of its centre, m",
        )
    if not section.crs:
        raise InputError(
            "the file does not say which coordinate system its coordinates are of",
            where,
            "name it in city.yaml, e.g. cells.crs: EPSG:2180",
        )
    try:
        crs = pyproj.CRS.from_user_input(section.crs)
    except pyproj.exceptions.CRSError:
        raise InputError(
            f"cells.crs {section.crs!r} is no coordinate system", where, "e.g. cells.crs: EPSG:2180"
        ) from None
    return gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(x, y), crs=crs)
