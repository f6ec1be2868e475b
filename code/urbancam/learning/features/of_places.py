"""Features of cells that need no image: where they are, how many people live there, what covers
the ground."""

import numpy as np
import pandas as pd

from urbancam.tables import grid


def coordinates(ids: pd.Series) -> pd.DataFrame:
    """`east_m, north_m` of each cell's south-western corner."""
    return pd.DataFrame(grid.corners(ids), columns=["east_m", "north_m"])


def density_terms(people: pd.Series, cell_size_m: float) -> pd.DataFrame:
    """log10 of people per km2, and its square; empty where nobody lives.

    Args:
        people: (n,) people in each cell.
        cell_size_m: Side of a cell, m.

    Returns:
        (n, 2) `log_density, log_density_squared`.
    """
    # ASSUME: income may rise and fall again with density, on a scale of ratios (log), not of
    # differences.
    people = people.to_numpy(dtype=float)
    cell_km2 = (cell_size_m / 1000) ** 2
    log_density = np.log10(np.where(people > 0, people, np.nan) / cell_km2)
    return pd.DataFrame({"log_density": log_density, "log_density_squared": log_density**2})


def land_cover_shares(
    fragments: pd.DataFrame,
    ids: pd.Series,
    key: str,
    cell_size_m: float,
) -> pd.DataFrame:
    """Share of each cell's area under each kind of land cover.

    Args:
        fragments: `idINSPIRE, area_m2` and the column `key`.
        ids: (n,) ids of the cells.
        key: Column of the kinds of land cover.
        cell_size_m: Side of a cell, m.

    Returns:
        (n, kinds), index the ids; zeros where a cell is not covered.
    """
    area_m2 = fragments.pivot_table(
        index="idINSPIRE",
        columns=key,
        values="area_m2",
        aggfunc="sum",
        fill_value=0,
    )
    return area_m2.reindex(ids, fill_value=0) / cell_size_m**2
