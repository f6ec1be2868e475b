"""Features of cells that a user brings: a table of numbers, a row a cell."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import display_path

log = logging.getLogger(__name__)

KEYS = ("idINSPIRE", "source_id")  # columns that may say which cell a row is of
SEPARATORS = ",;\t"
FIRST_TOLD = 5  # columns that a message names


def read_features(path: Path, cells: pd.DataFrame) -> pd.DataFrame:
    """The numbers of a user's table, with the ids of the cells.

    Args:
        path: CSV (parted by commas, semicolons or tabs) or Parquet.
        cells: `idINSPIRE` of all cells of the city, and where there is one the user's own
            `source_id`.

    Returns:
        `idINSPIRE` and the table's columns, float64, a row for each cell that it has.

    Raises:
        InputError: It cannot be read, or is no such table.
    """
    table, key = _find_key(_read(path), cells, path)
    numbers = table.drop(columns=[column for column in KEYS if column in table])
    faults = [*_faults_of_numbers(numbers), *_faults_of_ids(table[key], cells[key])]
    if faults:
        raise InputError(
            f"no table of numbers by cell: {'; '.join(faults)}",
            f"{display_path(path)}, of baselines.tables",
            "mend the file: a row for each cell, its id, and columns of numbers alone",
        )
    ids = table[key].map(cells.set_index(cells[key].astype(str))["idINSPIRE"])
    return pd.concat([ids.rename("idINSPIRE"), numbers.astype(float)], axis=1)


def rows_for(ids: pd.Series, table: pd.DataFrame, name: str) -> pd.DataFrame:
    """The numbers of these cells, in their order; empty for a cell without a row, which is said.

    Args:
        ids: (n,) ids of cells.
        table: As `read_features` gives it.
        name: What messages call the table.
    """
    lacking = int((~ids.isin(table["idINSPIRE"])).sum())
    if lacking:
        log.info(
            "%s has no row for %s of %s cells: they are taken to be average ones",
            name,
            f"{lacking:,}",
            f"{len(ids):,}",
        )
    return table.set_index("idINSPIRE").reindex(ids).reset_index(drop=True)


def _read(path: Path) -> pd.DataFrame:
    """The table as it lies there, its index as a column where that has a name."""
    try:
        if path.suffix.lower() in (".parquet", ".pq", ".geoparquet"):
            table = pd.read_parquet(path)
        else:
            with path.open(encoding="utf-8-sig") as file:
                header = file.readline()
            separator = max(SEPARATORS, key=header.count)
            ids = dict.fromkeys(KEYS, "str")  # a number in the user's own may begin with 0
            table = pd.read_csv(path, sep=separator, encoding="utf-8-sig", dtype=ids)
    # What pandas and pyarrow raise: empty, truncated, not a table.
    except (ValueError, OSError) as error:
        if getattr(error, "errno", None):  # the disk's fault, not the table's
            raise
        raise InputError(
            f"the table cannot be read: {str(error).splitlines()[0]}",
            f"{display_path(path)}, of baselines.tables",
            "give a CSV in UTF-8, or a Parquet file",
        ) from None
    table = table.rename(columns=str)
    return table.reset_index() if table.index.name in KEYS else table.reset_index(drop=True)


def _find_key(table: pd.DataFrame, cells: pd.DataFrame, path: Path) -> tuple[pd.DataFrame, str]:
    """The table with its ids as text, and the column that they stand in."""
    known = [key for key in KEYS if key in cells]
    found = [key for key in known if key in table]
    if not found:
        raise InputError(
            f"no column {' or '.join(known)} says which cell a row is of; there are "
            f"{_listed(list(table))}",
            f"{display_path(path)}, of baselines.tables",
            "add it: ids as in cells.parquet",
        )
    key = found[0]
    return table.assign(**{key: table[key].astype("string")}), key


def _faults_of_numbers(numbers: pd.DataFrame) -> list[str]:
    """What keeps the columns from being features, in words."""
    if numbers.columns.empty:
        return ["it has no column beside the ids"]
    faults = []
    twice = sorted(set(numbers.columns[numbers.columns.duplicated()]))
    if twice:
        faults.append(f"columns that come twice: {_listed(twice)}")
    words = [name for name, kind in numbers.dtypes.items() if kind.kind not in "iufb"]
    if words:
        return [*faults, f"{len(words)} columns that are not numbers: {_listed(words)}"]
    endless = numbers.columns[np.isinf(numbers.to_numpy(dtype=float)).any(axis=0)]
    if len(endless):
        faults.append(f"infinite numbers in {_listed(list(endless))}")
    return faults


def _faults_of_ids(ids: pd.Series, known: pd.Series) -> list[str]:
    """What keeps rows from being told to cells, in words with counts."""
    given = ids[ids.notna()]
    unknown = given[~given.isin(set(known.astype(str)))]
    twice = given[given.duplicated()]
    faults = {
        "rows without an id": ids[ids.isna()],
        "rows of a cell that comes twice": twice,
        "rows of cells that the city does not have": unknown,
    }
    return [
        f"{len(rows):,} of {len(ids):,} {fault}, the first {rows.iloc[0]}"
        for fault, rows in faults.items()
        if len(rows)
    ] + ([] if len(ids) else ["it has no row"])


def _listed(names: list[str]) -> str:
    """The first names of a list."""
    more = ", ..." if len(names) > FIRST_TOLD else ""
    return ", ".join(names[:FIRST_TOLD]) + more
