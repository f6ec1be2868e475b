"""Reading and writing the pipeline's own tables: CSV and Parquet, atomically, damage named.

Each load and save says its shape and path.
"""

import logging
from pathlib import Path

import pandas as pd

from urbancam.workflow.errors import InputError
from urbancam.workflow.files import atomic
from urbancam.workflow.paths import display_path

log = logging.getLogger(__name__)


def read(path: Path, columns: list[str] | None = None, dtype: dict | None = None) -> pd.DataFrame:
    """Read a table that an earlier step wrote.

    Args:
        path: Path of the table, ".csv" or ".parquet".
        columns: Columns to read; None for all.
        dtype: Types of columns of a CSV.

    Raises:
        InputError: Missing, damaged, or without one of the columns.
    """
    try:
        if path.suffix == ".csv":
            table = pd.read_csv(
                path,
                usecols=columns,
                dtype=dtype,
                # Only nothing is nothing: a site may be called "NA".
                keep_default_na=False,
                na_values=[""],
            )
        else:
            table = pd.read_parquet(path, columns=columns)
    except FileNotFoundError:
        raise InputError(
            f"{display_path(path)} is missing", display_path(path), "run the steps before this one"
        ) from None
    # What pandas and pyarrow raise: empty, truncated, not a table, column missing.
    except (ValueError, OSError) as error:
        if getattr(error, "errno", None):  # the disk's fault, not the table's
            raise
        raise InputError(
            f"the table cannot be read: {str(error).splitlines()[0]}",
            display_path(path),
            "delete it and run the step that makes it again",
        ) from None
    log.debug(
        "loads %s rows, %d columns from %s", f"{len(table):,}", table.shape[1], display_path(path)
    )
    return table


def write(table: pd.DataFrame, path: Path) -> None:
    """Write a table as the suffix says, atomically."""
    with atomic(path) as temporary:
        if path.suffix == ".csv":
            table.to_csv(temporary, index=False)
        else:
            table.to_parquet(temporary, index=False)
    log.debug(
        "saves %s rows, %d columns to %s", f"{len(table):,}", table.shape[1], display_path(path)
    )
