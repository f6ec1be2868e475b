"""Reading and writing the pipeline's own GeoParquet tables: atomically, damage named."""

import logging
from pathlib import Path

import geopandas as gpd
import pyarrow as pa

from urbancam.errors import InputError
from urbancam.paths import shown
from urbancam.records import atomic

log = logging.getLogger(__name__)


def read(path: Path, columns: list[str] | None = None) -> gpd.GeoDataFrame:
    """Read a table that an earlier step wrote.

    Args:
        path: ".parquet".
        columns: only these ("geometry" among them).

    Raises:
        InputError: missing, damaged, or without a wanted column.
    """
    try:
        table = gpd.read_parquet(path, columns=columns)
    except FileNotFoundError:
        raise InputError(f"{shown(path)} is missing", shown(path), "run the steps before this one") from None
    except (pa.ArrowException, ValueError, OSError) as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise InputError(
            f"the table cannot be read: {str(error).splitlines()[0]}",
            shown(path),
            "delete it and run the step that makes it again",
        ) from None
    log.info("loads %s rows, %d columns from %s", f"{len(table):,}", table.shape[1], shown(path))
    return table


def write(table: gpd.GeoDataFrame, path: Path) -> None:
    """Write a table as GeoParquet, atomically."""
    with atomic(path) as temporary:
        table.to_parquet(temporary, index=False)
    log.info("saves %s rows, %d columns to %s", f"{len(table):,}", table.shape[1], shown(path))
