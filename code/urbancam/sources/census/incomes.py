"""Gridded incomes: usable cells, kept in one table a vintage and grid."""

import logging
import re
from pathlib import Path

import numpy as np
import pandas as pd

from urbancam.tables import crs, geoframes, grid
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import display_path

log = logging.getLogger(__name__)

COLUMNS = ["idINSPIRE", "depcom", "ind", "men", "men_pauv", "ind_snv", "imputed", "group"]
NUMBERS = ["ind", "men", "men_pauv", "ind_snv"]
ROW_GROUP_ROWS = 65_536


def cell_id(cell_size_m: int) -> re.Pattern[str]:
    """What an id of this grid looks like; all of metropolitan France has seven digits."""
    return re.compile(rf"CRS3035RES{cell_size_m}mN\d{{7}}E\d{{7}}")


def clean(table: pd.DataFrame, where: str, cell_size_m: int = 200) -> pd.DataFrame:
    """Usable cells, sorted by id (so by latitude).

    The imputation group stands only where cells share it.

    Args:
        table: `COLUMNS`, as `layouts.read_source` returns them.
        where: The file, for messages.
        cell_size_m: Side of a cell.

    Raises:
        InputError: malformed or duplicate ids, infinite values, or no usable income at all.
    """
    ids = table["idINSPIRE"]
    well_formed = ids.str.fullmatch(cell_id(cell_size_m)).fillna(False)
    _refuse(~well_formed, ids, "malformed ids", where)
    _refuse(ids.duplicated(), ids, "duplicate ids", where)
    infinite = np.isinf(table[NUMBERS]).any(axis=1)
    _refuse(infinite, ids, "cells with infinite values", where)

    # ASSUME: a sum of incomes that is zero or negative is no income; INSEE winsorises per
    # department.
    people = table["ind"] > 0
    income = table["ind_snv"] > 0
    _report_dropped(ids[~people], len(table), "without people")
    _report_dropped(ids[people & ~income], len(table), "without income")
    usable = table[people & income].sort_values("idINSPIRE", ignore_index=True)
    if usable.empty:
        raise InputError(
            f"none of {len(table):,} cells has people and an income", where, "check the file"
        )

    # Imputed cells of a group share one income; a group of one shares nothing.
    cells_of_group = usable.groupby("group")["group"].transform("size")
    shared = usable["imputed"] & cells_of_group.gt(1)
    return usable.assign(group=usable["group"].where(shared, None))


def _refuse(bad: pd.Series, ids: pd.Series, what: str, where: str) -> None:
    """Refuse a table with bad rows, and name the first of them."""
    if bad.any():
        first_ids = ", ".join(repr(cell) for cell in ids[bad].head(5))
        raise InputError(
            f"{bad.sum():,} {what}: {first_ids}",
            f"{where}, column idINSPIRE",
            "fetch the file again",
        )


def _report_dropped(ids: pd.Series, total: int, reason: str) -> None:
    """Say how many of all rows are dropped, and name the first of them."""
    if ids.empty:
        return
    log.info(
        "drops %s of %s rows, %s, %s: %s",
        f"{len(ids):,}",
        f"{total:,}",
        f"{100 * len(ids) / total:.1f} %",
        reason,
        ", ".join(ids.head(5)),
    )


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a vintage.

    It is sorted by id, so its row groups are strips of latitude that `read_strip` can skip.
    """
    table.to_parquet(path, index=False, row_group_size=ROW_GROUP_ROWS)


def read_strip(
    path: Path,
    bounds: crs.Bounds,
    cell_size_m: int = 200,
) -> pd.DataFrame:
    """Cells of a vintage whose centre lies within bounds.

    Args:
        path: Path of the vintage.
        bounds: West, south, east, north, m in EPSG:3035.
        cell_size_m: Side of a cell.

    Raises:
        InputError: the table is damaged, or lacks a column.
    """
    # Ids begin with the cell's south: as text they stand in order of latitude.
    west, south, east, north = bounds
    prefix = f"CRS3035RES{cell_size_m}mN"
    first_id = f"{prefix}{int(south) - cell_size_m:07d}"
    last_id = f"{prefix}{int(north):07d}E9999999"
    within = [("idINSPIRE", ">=", first_id), ("idINSPIRE", "<=", last_id)]

    again = "delete it and run: python code/01_download_census.py"
    with geoframes.naming_damage(display_path(path), again):
        strip = pd.read_parquet(path, filters=within)
    missing = [column for column in COLUMNS if column not in strip]
    if missing:
        raise InputError(
            f"columns are missing: {', '.join(missing)}",
            display_path(path),
            "run step 01 with --force",
        )

    # The strip is cut to the bounds, cell by cell.
    x, y = grid.centres(strip["idINSPIRE"]).T
    inside = (x >= west) & (x <= east) & (y >= south) & (y <= north)
    return strip[inside].reset_index(drop=True)
