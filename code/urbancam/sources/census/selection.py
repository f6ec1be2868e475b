"""The cells of a city: the census cells whose centre lies in it, and its other squares on demand.

A cell is a square of EPSG:3035, rebuilt exactly from its id. Its income is the mean standard of
living `ind_snv / ind` (EUR per year and person), never a median.
"""

import logging

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from urbancam.tables import grid
from urbancam.tables.crs import Bounds

log = logging.getLogger(__name__)

COLUMNS = ["idINSPIRE", "city", "department", "ind", "men", "value", "imputed", "group"]
# ASSUME: no inhabited place of metropolitan France lies further from the next one; what lies in a
# city's outline further from every cell is abroad, a lake or wild land.
REACH_M = 3000
OVERSEAS = "97"  # departments overseas have three digits, the first two of them these


def squares(ids: pd.Series) -> np.ndarray:
    """(N,) polygons, exact, m: from each id's corner to the corner plus its side."""
    west, south = grid.corners(ids).T
    size_m = grid.sizes_m(ids)
    return shapely.box(west, south, west + size_m, south + size_m)


def select_cells(
    table: pd.DataFrame,
    boundary: shapely.Geometry,
    city: str,
) -> gpd.GeoDataFrame:
    """The cells whose centre lies in the city (ASSUME: so a cell belongs to one city at most).

    Args:
        table: Census as `incomes.clean` leaves it.
        boundary: Polygon of the city, EPSG:3035.
        city: Name of the city.

    Returns:
        `COLUMNS` and squares, one row per cell, sorted by id.
    """
    x, y = grid.centres(table["idINSPIRE"]).T
    shapely.prepare(boundary)
    inside = table[shapely.contains_xy(boundary, x, y)]
    inside = inside.sort_values("idINSPIRE", ignore_index=True)

    cells = inside[["idINSPIRE", "ind", "men", "imputed", "group"]].assign(
        city=city,
        department=department(inside["depcom"]),
        value=inside["ind_snv"] / inside["ind"],
    )
    return as_geoframe(cells[COLUMNS])


def as_geoframe(cells: pd.DataFrame, crs: str = grid.CRS) -> gpd.GeoDataFrame:
    """Cells with their squares, in the coordinate system that their ids name."""
    geometry = squares(cells["idINSPIRE"])
    return gpd.GeoDataFrame(cells, geometry=geometry, crs=crs)


def add_cells_without_income(
    cells: gpd.GeoDataFrame, boundary: shapely.Geometry, cell_size_m: int
) -> gpd.GeoDataFrame:
    """The city's cells, and its grid squares of which no usable income is known.

    A square is the city's where its centre lies in the outline.

    ASSUME: nobody lives in the added squares (`ind` and `men` 0): INSEE's table holds a row for
    every square where a taxed household lives, and rows without people or income are of no use.
    ASSUME: they belong to the department of the nearest cell with an income; it only decides which
    imagery is looked up.

    Args:
        cells: Cells as `select_cells` returns them, at least one.
        boundary: Polygon of the city, EPSG:3035.
        cell_size_m: Side of a cell.

    Returns:
        As `cells`; the added ones with an empty `value` and `group`, `imputed` False.
    """
    ids = squares_inside(boundary, cell_size_m)
    ids = ids[~ids.isin(cells["idINSPIRE"])]
    with_income = cells.drop(columns="geometry")
    added = pd.DataFrame(
        {
            "idINSPIRE": ids,
            "city": with_income["city"].iloc[0],
            "department": _nearest_departments(ids, with_income),
            "ind": 0.0,
            "men": 0.0,
            "value": np.nan,
            "imputed": False,
            "group": None,
        }
    )
    added = added[COLUMNS].astype(with_income.dtypes)
    together = pd.concat([with_income, added])
    return as_geoframe(together.sort_values("idINSPIRE", ignore_index=True))


def _nearest_departments(ids: pd.Series, cells: pd.DataFrame) -> np.ndarray:
    """(N,) for each id, the department of the cell whose centre is nearest."""
    tree = cKDTree(grid.centres(cells["idINSPIRE"]))
    _, nearest = tree.query(grid.centres(ids))
    return cells["department"].to_numpy()[nearest]


def squares_inside(boundary: shapely.Geometry, cell_size_m: int) -> pd.Series:
    """Ids of all grid squares whose centre lies in an outline (EPSG:3035), sorted."""
    edges = [int(edge // cell_size_m) * cell_size_m for edge in boundary.bounds]
    west, south, east, north = edges
    x, y = np.meshgrid(
        np.arange(west, east + 1, cell_size_m),
        np.arange(south, north + 1, cell_size_m),
    )
    shapely.prepare(boundary)
    half_m = cell_size_m / 2
    inside = shapely.contains_xy(boundary, x + half_m, y + half_m)
    corners = zip(x[inside], y[inside], strict=True)
    ids = [grid.cell_id(*corner, cell_size_m) for corner in corners]
    return pd.Series(sorted(ids), dtype="str", name="idINSPIRE")


def reach(bounds: Bounds) -> Bounds:
    """Bounds (m) widened by `REACH_M`, within which cells are looked for."""
    west, south, east, north = bounds
    return west - REACH_M, south - REACH_M, east + REACH_M, north + REACH_M


def describe_gaps(
    table: pd.DataFrame, boundary: shapely.Geometry, city: str, cell_size_m: int
) -> dict[str, float]:
    """Say how much of the outline has no cell with an income, as where it crosses the border.

    Args:
        table: Census within `reach` of the outline's bounds.
        boundary: Polygon of the city, EPSG:3035.
        city: Name of the city.
        cell_size_m: Side of a cell.

    Returns:
        Shares of the outline's squares: without a cell, and beyond `REACH_M` of any.
    """
    centres = grid.centres(squares_inside(boundary, cell_size_m))
    tree = cKDTree(grid.centres(table["idINSPIRE"]))
    distances_m, _ = tree.query(centres)
    is_empty = distances_m > 0
    is_beyond = distances_m > REACH_M
    square_km2 = cell_size_m**2 / 1e6
    log.info(
        "%s of %s km2 of %s have no cell with an income (nobody lives there, or it is abroad)",
        f"{is_empty.sum() * square_km2:,.0f}",
        f"{len(centres) * square_km2:,.0f}",
        city,
    )
    if is_beyond.any():
        log.warning(
            "%s km2 (%.0f %%) of %s lie more than %d km from every French cell: they are not in "
            "INSEE's grid, as where a city crosses the border, and nothing is said about them",
            f"{is_beyond.sum() * square_km2:,.0f}",
            100 * is_beyond.mean(),
            city,
            REACH_M // 1000,
        )
    return {
        "share of area without cells": float(is_empty.mean()),
        "share beyond French cells": float(is_beyond.mean()),
    }


def describe(cells: gpd.GeoDataFrame) -> dict[str, int | float]:
    """Count a city's cells and people, and those with an imputed income.

    The departments they live in are logged, where they are known.
    """
    per_department = cells["department"].value_counts()
    departments = [f"{name} ({count:,} cells)" for name, count in per_department.items() if name]
    if departments:
        log.info("departments: %s", ", ".join(departments))

    # Shares are those of the cells with an income; the others have no people.
    people = cells["ind"]
    imputed = cells["imputed"]
    with_income = cells["value"].notna()
    counts = {
        "cells": len(cells),
        "without a value": int((~with_income).sum()),
        "imputed share of cells": float(imputed[with_income].mean()),
    }
    if people.isna().all():  # of a file that does not count them
        return counts
    return counts | {
        "people": round(float(people.sum())),
        "imputed share of people": float(people[imputed].sum() / people.sum()),
    }


def department(depcom: pd.Series) -> pd.Series:
    """Department of a commune: "75", "2A", overseas "974"."""
    overseas = depcom.str.startswith(OVERSEAS)
    return depcom.str[:2].where(~overseas, depcom.str[:3])
