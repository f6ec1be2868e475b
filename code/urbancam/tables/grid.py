"""INSEE's grid: a cell's id names its lower-left corner in EPSG:3035 (LAEA Europe, metres)."""

import re

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.spatial import KDTree

from urbancam.workflow.errors import InputError

CRS = "EPSG:3035"
ID_PATTERN = r"^CRS3035RES(\d+)mN(\d+)E(\d+)$"  # side, south, west, in metres
WEST_SOUTH = [2, 1]  # columns of the pattern's groups


def cell_id(west: int, south: int, cell_size_m: int) -> str:
    """The id of the cell with this lower-left corner, m in EPSG:3035."""
    return f"CRS3035RES{cell_size_m}mN{south}E{west}"


def corners(ids: pd.Series) -> np.ndarray:
    """(N, 2) int64: west and south edge of each cell, m in EPSG:3035.

    Raises:
        InputError: An id that is not of the form CRS3035RES200mN<south>E<west>.
    """
    return _parts(ids)[:, WEST_SOUTH]


def sizes_m(ids: pd.Series) -> np.ndarray:
    """(N,) int64: side of each cell, m."""
    return _parts(ids)[:, 0]


def centres(ids: pd.Series) -> np.ndarray:
    """(N, 2) float64: x and y of each cell's centre, m in EPSG:3035."""
    parts = _parts(ids)
    half_m = parts[:, :1] / 2
    return parts[:, WEST_SOUTH] + half_m


def _parts(ids: pd.Series) -> np.ndarray:
    """(N, 3) int64: side, south and west edge that each id names, m."""
    # An id that does not fit the pattern has no groups at all.
    parts = ids.astype("str").str.extract(ID_PATTERN)
    bad = parts.isna().any(axis=1).to_numpy()
    if bad.any():
        raise _not_an_id(bad.sum(), ids[bad].iloc[0])
    return parts.to_numpy().astype("int64")


def _not_an_id(count: int, first: str) -> InputError:
    return InputError(
        f"{count:,} ids are not INSPIRE ids, the first {first!r}",
        "column idINSPIRE",
        "an id reads CRS3035RES200mN<south>E<west>",
    )


def blocks(ids: pd.Series, block_m: int) -> pd.Series:
    """The square of side `block_m` (m) that holds each cell's lower-left corner.

    Returns:
        Names "N<south>E<west>" (m) of the squares, with the index of `ids`.
    """
    block_corners = corners(ids) // block_m * block_m
    names = [f"N{south}E{west}" for west, south in block_corners]
    return pd.Series(names, index=ids.index, dtype="str")


def neighbours(ids: pd.Series, cell_size_m: float) -> sparse.csr_array:
    """(N, N), 1 where two of the cells share an edge or a corner (a queen's move).

    A cell has eight neighbours at most.
    """
    # Corners of neighbours lie 1 or 1.41 sides apart, all others 2 or more.
    tree = KDTree(corners(ids))
    pairs = tree.query_pairs(1.5 * cell_size_m, output_type="ndarray")

    # Each pair is there once; the matrix holds it both ways.
    row, column = np.vstack([pairs, pairs[:, ::-1]]).T
    ones = np.ones(len(row))
    return sparse.csr_array((ones, (row, column)), shape=(len(ids), len(ids)))


def bounds(cell: str) -> tuple[int, int, int, int]:
    """West, south, east, north edge of one cell, m in EPSG:3035."""
    match = re.match(ID_PATTERN, cell)  # asked cell by cell: a table of one row takes 5 ms
    if match is None:
        raise _not_an_id(1, cell)
    size_m, south, west = map(int, match.groups())
    return west, south, west + size_m, south + size_m
