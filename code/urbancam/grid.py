"""INSEE's grid: a cell's id names its lower-left corner in EPSG:3035 (LAEA Europe, metres)."""

import numpy as np
import pandas as pd

from urbancam.errors import InputError

CRS = "EPSG:3035"
ID_PATTERN = r"^CRS3035RES(\d+)mN(\d+)E(\d+)$"


def corners(ids: pd.Series) -> np.ndarray:
    """(N, 2) int64: west and south edge of each cell, m in EPSG:3035.

    Raises:
        InputError: an id that is not of the form CRS3035RES200mN<south>E<west>.
    """
    parts = ids.astype("str").str.extract(ID_PATTERN)
    bad = parts.isna().any(axis=1).to_numpy()
    if bad.any():
        raise InputError(
            f"{bad.sum():,} ids are not INSPIRE ids, the first {ids[bad].iloc[0]!r}",
            "column idINSPIRE", "an id reads CRS3035RES200mN<south>E<west>",
        )  # fmt: skip
    return parts[[2, 1]].to_numpy().astype("int64")


def blocks(ids: pd.Series, block_m: int) -> pd.Series:
    """Name "N<south>E<west>" (m) of the square of side `block_m` that holds each cell's lower-left corner."""
    corner = corners(ids) // block_m * block_m
    return pd.Series([f"N{south}E{west}" for west, south in corner], index=ids.index, dtype="str")


def bounds(cell: str) -> tuple[int, int, int, int]:
    """West, south, east, north edge of one cell, m in EPSG:3035."""
    west, south = corners(pd.Series([cell]))[0]
    size_m = int(cell.removeprefix("CRS3035RES").partition("m")[0])
    return int(west), int(south), int(west) + size_m, int(south) + size_m
