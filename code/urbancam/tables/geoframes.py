"""The pipeline's own GeoParquet tables, written atomically; damage of any geographic file named."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import pyarrow as pa
import pyogrio.errors
import shapely

from urbancam.workflow.errors import InputError
from urbancam.workflow.files import atomic
from urbancam.workflow.paths import display_path

log = logging.getLogger(__name__)

# What the readers raise where a file is cut short, or is another kind of file.
DAMAGE = (
    pyogrio.errors.DataSourceError,
    pyogrio.errors.DataLayerError,
    pa.ArrowException,
    shapely.GEOSException,
    ValueError,
)


@contextlib.contextmanager
def naming_damage(where: object, do: str) -> Iterator[None]:
    """Turn what the readers raise on a damaged file into one message.

    Faults of the disk stay what they are.

    Args:
        where: The file, for the message.
        do: What to do about it, for the message.

    Raises:
        InputError: The file is damaged.
    """
    try:
        yield
    except (InputError, FileNotFoundError):
        raise
    except DAMAGE as error:
        lines = str(error).splitlines()
        cause = lines[0] if lines else type(error).__name__
        raise InputError(f"the file cannot be read: {cause}", where, do) from None
    except OSError as error:
        if error.errno:
            raise
        raise InputError(f"the file cannot be read: {error}", where, do) from None


def read(path: Path, columns: list[str] | None = None) -> gpd.GeoDataFrame:
    """Read a table that an earlier step wrote.

    Args:
        path: Path of the table, ".parquet".
        columns: Columns to read ("geometry" among them); None for all.

    Raises:
        InputError: Missing, damaged, or without one of the columns.
    """
    if not path.is_file():
        raise InputError(
            f"{display_path(path)} is missing", display_path(path), "run the steps before this one"
        )
    with naming_damage(display_path(path), "delete it and run the step that makes it again"):
        table = gpd.read_parquet(path, columns=columns)
    log.debug(
        "loads %s rows, %d columns from %s", f"{len(table):,}", table.shape[1], display_path(path)
    )
    return table


def write(table: gpd.GeoDataFrame, path: Path) -> None:
    """Write a table as GeoParquet, atomically."""
    with atomic(path) as temporary:
        table.to_parquet(temporary, index=False)
    log.debug(
        "saves %s rows, %d columns to %s", f"{len(table):,}", table.shape[1], display_path(path)
    )
