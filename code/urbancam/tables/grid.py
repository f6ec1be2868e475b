"""Grids of square cells: an id names coordinate system, side and lower-left corner of a cell.

`CRS3035RES200mN2887400E3760600` is INSEE's form: EPSG:3035 (LAEA Europe), 200 m, south and west
edge in metres. Cells of any other projected system in metres are named alike.
"""

import re

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.spatial import KDTree

from urbancam.workflow.errors import InputError

INSEE_EPSG = 3035
CRS = f"EPSG:{INSEE_EPSG}"  # of INSEE's grid
ID_PATTERN = r"^CRS(\d+)RES(\d+)mN(-?\d+)E(-?\d+)$"  # EPSG code; side, south, west, in metres
EPSG, SIDE, SOUTH, WEST = range(4)  # groups of the pattern


def cell_id(west: int, south: int, cell_size_m: int, epsg: int = INSEE_EPSG) -> str:
    """The id of the cell with this lower-left corner, m in the coordinate system of that code."""
    return f"CRS{epsg}RES{cell_size_m}mN{south}E{west}"


def corners(ids: pd.Series) -> np.ndarray:
    """(N, 2) int64: west and south edge of each cell, m in the cells' coordinate system.

    Raises:
        InputError: An id that is not of the form CRS3035RES200mN<south>E<west>.
    """
    return _parts(ids)[:, [WEST, SOUTH]]


def sizes_m(ids: pd.Series) -> np.ndarray:
    """(N,) int64: side of each cell, m."""
    return _parts(ids)[:, SIDE]


def side_m(ids: pd.Series) -> int:
    """Side of the cells of a city, m: their ids name it, and nothing else does.

    Raises:
        InputError: The ids are not of one grid, or there are none.
    """
    return _of_one_grid(ids, SIDE, "sides")


def crs_of(ids: pd.Series) -> str:
    """Coordinate system of the cells of a city, "EPSG:3035".

    Raises:
        InputError: As for `side_m`.
    """
    return f"EPSG:{_of_one_grid(ids, EPSG, 'coordinate systems')}"


def _of_one_grid(ids: pd.Series, part: int, name: str) -> int:
    """What all ids say alike."""
    said = np.unique(_parts(ids)[:, part])
    if len(said) != 1:
        raise InputError(
            f"cells of one city have one grid, {len(ids):,} ids name {len(said)} {name}: "
            f"{said[:5].tolist()}",
            "column idINSPIRE",
            "select the cells again: 03_select_cells --force",
        )
    return int(said[0])


def centres(ids: pd.Series) -> np.ndarray:
    """(N, 2) float64: x and y of each cell's centre, m in the cells' coordinate system."""
    parts = _parts(ids)
    half_m = parts[:, [SIDE]] / 2
    return parts[:, [WEST, SOUTH]] + half_m


def _parts(ids: pd.Series) -> np.ndarray:
    """(N, 4) int64: EPSG code, side, south and west edge that each id names."""
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

    Raises:
        InputError: Blocks are not made of whole cells.
    """
    cell_m = side_m(ids)
    if block_m % cell_m:
        raise InputError(
            f"blocks of {block_m} m are no multiple of the side of a cell, {cell_m} m",
            "split.block_m, statistics.block_m",
            "set it so that it fits: for all runs of a city of your own in its city.yaml",
        )
    block_corners = corners(ids) // block_m * block_m
    names = [f"N{south}E{west}" for west, south in block_corners]
    return pd.Series(names, index=ids.index, dtype="str")


def neighbours(ids: pd.Series) -> sparse.csr_array:
    """(N, N), 1 where two of the cells share an edge or a corner (a queen's move).

    A cell has eight neighbours at most; cells of different grids are none.
    """
    parts = _parts(ids)
    pairs = [np.zeros((0, 2), dtype="int64")]
    for own_grid in np.unique(parts[:, [EPSG, SIDE]], axis=0):
        members = np.flatnonzero((parts[:, [EPSG, SIDE]] == own_grid).all(axis=1))
        # Corners of neighbours lie 1 or 1.41 sides apart, all others 2 or more.
        tree = KDTree(parts[members][:, [WEST, SOUTH]])
        pairs.append(members[tree.query_pairs(1.5 * own_grid[1], output_type="ndarray")])

    # Each pair is there once; the matrix holds it both ways.
    both_ways = np.vstack([way for pair in pairs for way in (pair, pair[:, ::-1])])
    row, column = both_ways.T
    ones = np.ones(len(row))
    return sparse.csr_array((ones, (row, column)), shape=(len(ids), len(ids)))


def bounds(cell: str) -> tuple[int, int, int, int]:
    """West, south, east, north edge of one cell, m in its coordinate system."""
    match = re.match(ID_PATTERN, cell)  # asked cell by cell: a table of one row takes 5 ms
    if match is None:
        raise _not_an_id(1, cell)
    _, size_m, south, west = map(int, match.groups())
    return west, south, west + size_m, south + size_m
