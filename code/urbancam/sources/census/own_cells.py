"""The cells of a city from a file of the user's own: squares, or centres, of a regular grid.

What the file holds beside them is a value of each cell, and if known its people, the group it
belongs to, whether the value is estimated, and the part of the city.
"""

import logging
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from urbancam.sources.census import own_grid, own_tables
from urbancam.sources.census.selection import COLUMNS, as_geoframe
from urbancam.tables import grid
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import display_path
from urbancam.workflow.settings.city_facts import Cells

log = logging.getLogger(__name__)

YES, NO = ("1", "1.0", "true", "yes"), ("0", "0.0", "false", "no", "")
EXAMPLES = 5  # cells that a message names


def read_cells(file: Path, section: Cells, city: str) -> gpd.GeoDataFrame:
    """All cells of a file.

    Args:
        file: CSV, Parquet, GeoPackage, FlatGeobuf or shapefile.
        section: Which column holds what.
        city: Name of the city.

    Returns:
        `COLUMNS`, `source_id` (the file's own id) and squares, one row per cell, sorted by id.
        `value` is empty where it is not known; `ind` is empty where people are not counted.

    Raises:
        InputError: The file is no table of cells of a regular grid, or its values cannot be.
    """
    where = display_path(file)
    table = own_tables.read(file, section)
    ids = _texts(table, section.id_column, where)
    _refuse(ids == "", ids, "cells without an id", where, section.id_column)
    _refuse(ids.duplicated(), ids, "ids that were there before", where, section.id_column)
    cells = pd.DataFrame(
        {
            "idINSPIRE": own_grid.cell_ids(table, section, where),
            "city": city,
            "department": _texts(table, section.department_column, where),
            "ind": _numbers(table, section.people_column, ids, where),
            "men": np.nan,
            "value": _numbers(table, section.value_column, ids, where),
            "imputed": _flags(table, section.imputed_column, ids, where),
            "group": _texts(table, section.group_column, where),
            "source_id": ids,
        }
    )
    again = cells["idINSPIRE"].duplicated()
    _refuse(again, ids, "cells at the place of another one", where, section.id_column)
    _check_people(cells, ids, section, where)
    cells["group"] = _shared_only(cells["group"])
    cells = cells.sort_values("idINSPIRE", ignore_index=True)
    log.info(
        "%s cells of %d m from %s, %s with a value",
        f"{len(cells):,}",
        grid.side_m(cells["idINSPIRE"]),
        where,
        f"{cells['value'].notna().sum():,}",
    )
    return as_geoframe(cells[[*COLUMNS, "source_id"]], grid.crs_of(cells["idINSPIRE"]))


def _texts(table: pd.DataFrame, column: str | None, where: str) -> pd.Series:
    """A column as text, "" where it is empty or not asked for; whole numbers without ".0"."""
    if column is None:
        return pd.Series("", index=table.index, dtype="str")
    values = own_tables.column(table, column, where)
    if pd.api.types.is_float_dtype(values) and (values.dropna() % 1 == 0).all():
        values = values.astype("Int64")
    return values.astype("str").where(values.notna(), "").str.strip().astype("str")


def _numbers(table: pd.DataFrame, column: str | None, ids: pd.Series, where: str) -> pd.Series:
    """A column as float64, NaN where it is empty or not asked for."""
    if column is None:
        return pd.Series(np.nan, index=table.index)
    texts = own_tables.column(table, column, where)
    numbers = pd.to_numeric(texts, errors="coerce").astype("float64")
    is_text = numbers.isna() & texts.notna() & (texts.astype("str").str.strip() != "")
    if is_text.any():
        example = texts[is_text].iloc[0]
        _refuse(is_text, ids, f"values that are no numbers, as {example!r}", where, column)
    _refuse(pd.Series(np.isinf(numbers)), ids, "infinite values", where, column)
    return numbers


def _flags(table: pd.DataFrame, column: str | None, ids: pd.Series, where: str) -> pd.Series:
    """A column of yes and no as bool, False where it is empty or not asked for."""
    texts = _texts(table, column, where).str.casefold()
    neither = ~texts.isin([*YES, *NO])
    _refuse(neither, ids, "values that are neither 1 nor 0, true nor false", where, str(column))
    return texts.isin(YES)


def _check_people(cells: pd.DataFrame, ids: pd.Series, section: Cells, where: str) -> None:
    """Refuse a value of nobody, and a file without any value."""
    has_value = cells["value"].notna()
    if section.people_column:
        nobody = has_value & ~(cells["ind"] > 0)
        what = "cells with a value but without people"
        _refuse(nobody, ids, what, where, section.people_column)
        _refuse(
            cells["ind"] < 0, ids, "cells with less than no people", where, section.people_column
        )
    if not has_value.any():
        _refuse(~has_value, ids, "cells, all of them, without a value", where, section.value_column)


def _shared_only(groups: pd.Series) -> pd.Series:
    """The group of each cell, None where it is of none or alone in its group."""
    size = groups.groupby(groups).transform("size")
    return groups.where((groups != "") & (size > 1), None)


def _refuse(bad: pd.Series, ids: pd.Series, what: str, where: str, column: str) -> None:
    """Refuse a table with bad rows, and name the first of them by the file's own ids."""
    if bad.any():
        first = ", ".join(ids[bad].head(EXAMPLES))
        raise InputError(
            f"{bad.sum():,} {what}; the first: {first}",
            f"{where}, column {column}",
            "mend the file, or name another column in section cells of city.yaml",
        )
