"""INSEE's gridded incomes: read in any layout, cleaned, kept in one table a vintage and grid."""

import logging
import re
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyogrio
import shapely

from urbancam.sources.census.vintages import TABLE_SUFFIXES, VINTAGES, choose_table
from urbancam.sources.download import archives
from urbancam.tables import crs, geoframes, grid
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import shown

log = logging.getLogger(__name__)

COLUMNS = ["idINSPIRE", "depcom", "ind", "men", "men_pauv", "ind_snv", "imputed", "group"]
NUMBERS = ["ind", "men", "men_pauv", "ind_snv"]
TABLE_PARTS = (*TABLE_SUFFIXES, ".shx", ".dbf", ".prj", ".cpg")
ROW_GROUP_ROWS = 65_536
PLACE_CHECK_ROWS = 200


def cell_id(cell_size_m: int) -> re.Pattern[str]:
    """What an id of this grid looks like; all of metropolitan France has seven digits."""
    return re.compile(rf"CRS3035RES{cell_size_m}mN\d{{7}}E\d{{7}}")


# reading


def read_source(source: Path, year: int, scratch: Path, cell_size_m: int = 200) -> pd.DataFrame:
    """A vintage as INSEE ships it, in our columns; rows and values untouched.

    Args:
        source: table (csv, gpkg, shp) or archive of one (zip, 7z, zip holding a 7z).
        year: vintage.
        scratch: folder to unpack into; the caller removes it.
        cell_size_m: side of a cell, 200 or 1000.

    Returns:
        `COLUMNS`: text, float64 for the numbers, bool for `imputed`; no `group` at 1 km.

    Raises:
        InputError: damaged archive or table, missing column, wrong type, places other than the ids'.
    """
    table = source
    if archives.is_archive(source):
        parts = archives.unpack_nested(
            source, scratch, lambda name: name.lower().endswith(TABLE_PARTS)
        )
        table = choose_table(parts, source, cell_size_m)
    where = shown(source) if table is source else f"{shown(source)}: {table.name}"
    vintage = VINTAGES[year, cell_size_m]
    if table.suffix.lower() == ".csv":
        frame = _read_csv(table, vintage.columns, where)
    else:
        frame = _read_layer(table, vintage.columns, where, cell_size_m)
    log.info("loads %s: %s rows", where, f"{len(frame):,}")
    return _typed(frame.assign(group=frame.get("group")), vintage.flags, where)


def _read_csv(path: Path, wanted: dict[str, str], where: str) -> pd.DataFrame:
    """The wanted columns of a CSV with commas or semicolons."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        header = file.readline().rstrip("\r\n")
    separator = max(",;\t", key=header.count)
    names = _find_columns([name.strip('"') for name in header.split(separator)], wanted, where)
    options = pyarrow.csv.ConvertOptions(
        include_columns=list(names.values()),
        column_types={
            name: pa.string() for name in names.values()
        },  # codes keep their leading zeros
        strings_can_be_null=True,
    )
    with geoframes.damage_named(where, "fetch the file again"):
        table = pyarrow.csv.read_csv(
            path,
            parse_options=pyarrow.csv.ParseOptions(delimiter=separator),
            convert_options=options,
        )
    return table.select(list(names.values())).rename_columns(list(names)).to_pandas()


def _read_layer(path: Path, wanted: dict[str, str], where: str, cell_size_m: int) -> pd.DataFrame:
    """The wanted columns of a GeoPackage or shapefile; its first places are compared with its ids."""
    with geoframes.damage_named(where, "fetch the file again"):
        layer = pyogrio.list_layers(path)[0, 0]
        fields = list(pyogrio.read_info(path, layer=layer)["fields"])
        names = _find_columns(fields, wanted, where)
        options = {"layer": layer, "columns": list(names.values())}
        frame = pyogrio.read_dataframe(path, read_geometry=False, use_arrow=True, **options)
        first = pyogrio.read_dataframe(path, max_features=PLACE_CHECK_ROWS, **options)
    _check_places(first, names["idINSPIRE"], where, cell_size_m)
    return frame[list(names.values())].set_axis(list(names), axis=1)


def _find_columns(found: list[str], wanted: dict[str, str], where: str) -> dict[str, str]:
    """`{our column: the file's}`, whatever the case."""
    by_lower = {name.lower(): name for name in found}
    if missing := [name for name in wanted.values() if name not in by_lower]:
        raise InputError(
            f"columns are missing: {', '.join(missing)} (found: {', '.join(found)})",
            where,
            "check that the file is of the vintage and grid that census.vintage and census.cell_size_m name",
        )
    return {ours: by_lower[theirs] for ours, theirs in wanted.items()}


def _check_places(frame: gpd.GeoDataFrame, id_column: str, where: str, cell_size_m: int) -> None:
    """Refuse a file whose squares, moved to EPSG:3035, do not lie where their ids say."""
    known = frame[
        frame[id_column].astype("str").str.fullmatch(cell_id(cell_size_m)) & frame.geometry.notna()
    ]
    if known.empty:
        return
    crs.check_extent(tuple(known.total_bounds), known.crs, where)
    found = shapely.get_coordinates(shapely.centroid(known.to_crs(grid.CRS).geometry.to_numpy()))
    away_m = np.hypot(*(found - grid.centres(known[id_column])).T)
    if away_m.max() > 10:
        worst = int(away_m.argmax())
        raise InputError(
            f"the square {known[id_column].iloc[worst]} lies {away_m[worst]:,.0f} m from where its id says",
            where,
            "find the true coordinate system of the file and name it in it",
        )


def _typed(frame: pd.DataFrame, flags: tuple[int, ...], where: str) -> pd.DataFrame:
    """Text as text, numbers as float64, the imputation flag as bool."""
    for column in NUMBERS:
        frame[column] = _to_number(frame[column], column, where)
    flag = _to_number(frame["imputed"], "imputed", where)
    if bad := sorted(set(flag.unique()) - set(flags)):
        raise InputError(
            f"the imputation flag is {bad[0]:g}, not one of {flags}", where, "check the file"
        )
    frame["imputed"] = flag == 1
    frame["depcom"] = first_commune(_to_text(frame["depcom"]))
    frame["group"] = _to_text(frame["group"])
    frame["idINSPIRE"] = frame["idINSPIRE"].astype("str")
    return frame[COLUMNS]


def _to_number(values: pd.Series, column: str, where: str) -> pd.Series:
    numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    wrong = numbers.isna() & values.notna()
    if wrong.any():
        raise InputError(
            f"{wrong.sum():,} values are no numbers, the first {values[wrong].iloc[0]!r}",
            f"{where}, column {column}",
            "check the file",
        )
    return numbers


def _to_text(values: pd.Series) -> pd.Series:
    """Codes as text, whole numbers without their ".0"."""
    if pd.api.types.is_float_dtype(values):
        values = values.astype("Int64")
    return values.astype("str").where(values.notna(), None)


def first_commune(codes: pd.Series) -> pd.Series:
    """The commune of each cell: the first of those its field names.

    The later vintages write the five-character codes of all communes a cell touches one after the other.
    ASSUME: the first stands for the cell; it only decides which department's imagery is looked up.
    """
    codes = codes.str.replace(r"[^0-9A-Za-z]", "", regex=True)
    several = int((codes.str.len() > 5).sum())
    if several:
        log.info(
            "%s of %s cells name several communes, the first is taken",
            f"{several:,}",
            f"{len(codes):,}",
        )
    short = codes.str.len() % 5 == 4  # a leading zero lost on the way through a spreadsheet
    return codes.where(~short.fillna(False), "0" + codes).str[:5]


# cleaning


def clean(table: pd.DataFrame, where: str, cell_size_m: int = 200) -> pd.DataFrame:
    """Usable cells, sorted by id (so by latitude), with the imputation group only where it is shared.

    Raises:
        InputError: malformed or duplicate ids, infinite values, or no usable income at all.
    """
    ids = table["idINSPIRE"]
    _refuse(~ids.str.fullmatch(cell_id(cell_size_m)).fillna(False), ids, "malformed ids", where)
    _refuse(ids.duplicated(), ids, "duplicate ids", where)
    _refuse(np.isinf(table[NUMBERS]).any(axis=1), ids, "cells with infinite values", where)
    # ASSUME: a sum of incomes that is zero or negative is no income; INSEE winsorises per department.
    people, income = table["ind"] > 0, table["ind_snv"] > 0
    for bad, reason in ((~people, "without people"), (people & ~income, "without income")):
        _report_dropped(ids[bad], len(table), reason)
    usable = table[people & income].sort_values("idINSPIRE", ignore_index=True)
    if usable.empty:
        raise InputError(
            f"none of {len(table):,} cells has people and an income", where, "check the file"
        )
    shared = usable["imputed"] & usable.groupby("group")["group"].transform("size").gt(1)
    return usable.assign(group=usable["group"].where(shared, None))


def _refuse(bad: pd.Series, ids: pd.Series, what: str, where: str) -> None:
    if bad.any():
        first = ", ".join(repr(value) for value in ids[bad].head(5))
        raise InputError(
            f"{bad.sum():,} {what}: {first}", f"{where}, column idINSPIRE", "fetch the file again"
        )


def _report_dropped(ids: pd.Series, total: int, reason: str) -> None:
    if len(ids):
        share = f"{100 * len(ids) / total:.1f} %"
        first = ", ".join(ids.head(5))
        log.info(
            "drops %s of %s rows, %s, %s: %s", f"{len(ids):,}", f"{total:,}", share, reason, first
        )


# the table on disk


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a vintage; sorted by id, its row groups are strips of latitude that `read_strip` can skip."""
    table.to_parquet(path, index=False, row_group_size=ROW_GROUP_ROWS)


def read_strip(path: Path, bounds: crs.Bounds, cell_size_m: int = 200) -> pd.DataFrame:
    """Cells of a vintage whose centre lies within bounds (m, EPSG:3035)."""
    west, south, east, north = bounds
    start = f"CRS3035RES{cell_size_m}mN"
    first, last = f"{start}{int(south) - cell_size_m:07d}", f"{start}{int(north):07d}E9999999"
    with geoframes.damage_named(
        shown(path), "delete it and run: python code/01_download_census.py"
    ):
        strip = pd.read_parquet(
            path, filters=[("idINSPIRE", ">=", first), ("idINSPIRE", "<=", last)]
        )
    if missing := [column for column in COLUMNS if column not in strip]:
        raise InputError(
            f"columns are missing: {', '.join(missing)}", shown(path), "run step 01 with --force"
        )
    x, y = grid.centres(strip["idINSPIRE"]).T
    return strip[(x >= west) & (x <= east) & (y >= south) & (y <= north)].reset_index(drop=True)
