"""INSEE's files of gridded incomes: every layout read into the same columns."""

import logging
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyogrio
import shapely

from urbancam.sources.census.incomes import COLUMNS, NUMBERS, cell_id
from urbancam.sources.census.vintages import TABLE_SUFFIXES, VINTAGES, choose_table
from urbancam.sources.download import archives
from urbancam.tables import crs, geoframes, grid, vectors
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import display_path

log = logging.getLogger(__name__)

TABLE_PARTS = (*TABLE_SUFFIXES, ".shx", ".dbf", ".prj", ".cpg")
SEPARATORS = ",;\t"
PLACE_CHECK_ROWS = 200
PLACE_TOLERANCE_M = 10  # between a square of the file and the place that its id names
COMMUNE_LETTERS = 5  # length of a commune's code


def read_source(
    source: Path,
    year: int,
    scratch: Path,
    cell_size_m: int = 200,
) -> pd.DataFrame:
    """A vintage as INSEE ships it, in our columns; rows and values untouched.

    Args:
        source: Table (csv, gpkg, shp) or archive of one (zip, 7z, zip holding a 7z).
        year: Vintage.
        scratch: Folder to unpack into; the caller removes it.
        cell_size_m: Side of a cell, 200 or 1000.

    Returns:
        `incomes.COLUMNS`: text, float64 for the numbers, bool for `imputed`; no `group` at 1 km.

    Raises:
        InputError: damaged archive or table, missing column, wrong type, places other than the
            ids'.
    """
    table = source
    where = display_path(source)
    if archives.is_archive(source):
        members = archives.unpack_nested(source, scratch, _is_part_of_table)
        table = choose_table(members, source, cell_size_m)
        where = f"{where}: {table.name}"

    vintage = VINTAGES[year, cell_size_m]
    if table.suffix.lower() == ".csv":
        frame = _read_csv(table, vintage.columns, where)
    else:
        frame = _read_layer(table, vintage.columns, where, cell_size_m)
    log.debug("loads %s: %s rows", where, f"{len(frame):,}")

    # A grid without imputation groups has an empty column of them.
    frame = frame.assign(group=frame.get("group"))
    return _typed(frame, vintage.flags, where)


def _is_part_of_table(name: str) -> bool:
    """Whether a file of an archive is a table or, as of a shapefile, a part of one."""
    return name.lower().endswith(TABLE_PARTS)


def _read_csv(path: Path, columns: dict[str, str], where: str) -> pd.DataFrame:
    """The columns of a vintage, from a CSV with commas, semicolons or tabs.

    Args:
        path: Path of the table.
        columns: `{our column: INSEE's in lower case}`.
        where: The table, for messages.
    """
    # The first line tells the separator: the sign that it holds most often.
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        header = file.readline().rstrip("\r\n")
    separator = max(SEPARATORS, key=header.count)
    fields = [field.strip('"') for field in header.split(separator)]
    field_of = _fields_of_columns(fields, columns, where)

    options = pyarrow.csv.ConvertOptions(
        include_columns=list(field_of.values()),
        # Everything is read as text: codes keep their leading zeros.
        column_types=dict.fromkeys(field_of.values(), pa.string()),
        strings_can_be_null=True,
    )
    with geoframes.naming_damage(where, "fetch the file again"):
        table = pyarrow.csv.read_csv(
            path,
            parse_options=pyarrow.csv.ParseOptions(delimiter=separator),
            convert_options=options,
        )
    table = table.select(list(field_of.values()))
    return table.rename_columns(list(field_of)).to_pandas()


def _read_layer(
    path: Path,
    columns: dict[str, str],
    where: str,
    cell_size_m: int,
) -> pd.DataFrame:
    """The columns of a vintage, from a GeoPackage or shapefile.

    The places of its first rows are compared with their ids.
    """
    with geoframes.naming_damage(where, "fetch the file again"):
        layer = vectors.layer_names(path)[0]
        fields = list(vectors.layer_info(path, layer)["fields"])
        field_of = _fields_of_columns(fields, columns, where)
        options = {"layer": layer, "columns": list(field_of.values())}
        frame = pyogrio.read_dataframe(path, read_geometry=False, use_arrow=True, **options)
        first_rows = pyogrio.read_dataframe(path, max_features=PLACE_CHECK_ROWS, **options)
    _check_places(first_rows, field_of["idINSPIRE"], where, cell_size_m)
    frame = frame[list(field_of.values())]
    return frame.set_axis(list(field_of), axis=1)


def _fields_of_columns(
    fields: list[str],
    columns: dict[str, str],
    where: str,
) -> dict[str, str]:
    """`{our column: the file's field}`, whatever the case of the fields.

    Raises:
        InputError: a column has no field.
    """
    field_of_lower = {field.lower(): field for field in fields}
    missing = [name for name in columns.values() if name not in field_of_lower]
    if missing:
        raise InputError(
            f"columns are missing: {', '.join(missing)} (found: {', '.join(fields)})",
            where,
            "check that the file is of the vintage and grid that census.vintage and "
            "census.cell_size_m name",
        )
    return {ours: field_of_lower[theirs] for ours, theirs in columns.items()}


def _check_places(
    frame: gpd.GeoDataFrame,
    id_column: str,
    where: str,
    cell_size_m: int,
) -> None:
    """Refuse a file whose squares, moved to EPSG:3035, do not lie where their ids say."""
    ids = frame[id_column].astype("str")
    well_formed = ids.str.fullmatch(cell_id(cell_size_m))
    squares = frame[well_formed & frame.geometry.notna()]
    if squares.empty:
        return
    crs.check_extent(tuple(squares.total_bounds), squares.crs, where)

    # A wrong coordinate system shows as squares far from their ids.
    on_grid = squares.to_crs(grid.CRS).geometry.to_numpy()
    centres = shapely.get_coordinates(shapely.centroid(on_grid))
    offsets = centres - grid.centres(squares[id_column])
    distances_m = np.hypot(offsets[:, 0], offsets[:, 1])
    if distances_m.max() > PLACE_TOLERANCE_M:
        worst = int(distances_m.argmax())
        raise InputError(
            f"the square {squares[id_column].iloc[worst]} lies {distances_m[worst]:,.0f} m "
            "from where its id says",
            where,
            "find the true coordinate system of the file and name it in it",
        )


def _typed(frame: pd.DataFrame, flags: tuple[int, ...], where: str) -> pd.DataFrame:
    """Text as text, numbers as float64, the imputation flag as bool.

    Raises:
        InputError: a number that is none, or a flag other than `flags`.
    """
    for column in NUMBERS:
        frame[column] = _to_number(frame[column], column, where)

    flag = _to_number(frame["imputed"], "imputed", where)
    wrong_flags = sorted(set(flag.unique()) - set(flags))
    if wrong_flags:
        raise InputError(
            f"the imputation flag is {wrong_flags[0]:g}, not one of {flags}",
            where,
            "check the file",
        )
    frame["imputed"] = flag == 1

    frame["depcom"] = first_commune(_to_text(frame["depcom"]))
    frame["group"] = _to_text(frame["group"])
    frame["idINSPIRE"] = frame["idINSPIRE"].astype("str")
    return frame[COLUMNS]


def _to_number(values: pd.Series, column: str, where: str) -> pd.Series:
    """Values as float64; what is empty stays empty.

    Raises:
        InputError: a value that is no number.
    """
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

    The later vintages write the five-character codes of all communes a cell touches one after the
    other.
    ASSUME: the first stands for the cell; it only decides which department's imagery is looked up.
    """
    codes = codes.str.replace(r"[^0-9A-Za-z]", "", regex=True)
    several = (codes.str.len() > COMMUNE_LETTERS).sum()
    if several:
        log.info(
            "%s of %s cells name several communes, the first is taken",
            f"{several:,}",
            f"{len(codes):,}",
        )
    # A leading zero is lost on the way through a spreadsheet.
    lost_zero = codes.str.len() % COMMUNE_LETTERS == COMMUNE_LETTERS - 1
    codes = codes.where(~lost_zero.fillna(False), "0" + codes)
    return codes.str[:COMMUNE_LETTERS]
