"""The cells of a city: those of the census whose centre lies in it and, where asked, its other grid squares.

A cell is a square of EPSG:3035, rebuilt exactly from its id. Its income is the mean standard of living
`ind_snv / ind` (EUR per year and person), never a median.
"""

import logging

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from urbancam.tables import grid

log = logging.getLogger(__name__)

COLUMNS = ["idINSPIRE", "city", "department", "ind", "men", "income_eur", "imputed", "group"]


def squares(ids: pd.Series) -> np.ndarray:
    """(N,) polygons in EPSG:3035, exact: from each id's corner to the corner plus the side that it names."""
    (west, south), size_m = grid.corners(ids).T, grid.sizes_m(ids)
    return shapely.box(west, south, west + size_m, south + size_m)


def select_cells(table: pd.DataFrame, boundary: shapely.Geometry, city: str) -> gpd.GeoDataFrame:
    """The cells whose centre lies in the city (ASSUME: so a cell belongs to one city at most).

    Args:
        table: as `census.clean` leaves it.
        boundary: polygon of the city, EPSG:3035.
        city: its name.

    Returns:
        `COLUMNS` and squares, one row per cell, sorted by id.
    """
    x, y = grid.centres(table["idINSPIRE"]).T
    shapely.prepare(boundary)
    inside = table[shapely.contains_xy(boundary, x, y)].sort_values("idINSPIRE", ignore_index=True)
    cells = inside[["idINSPIRE", "ind", "men", "imputed", "group"]].assign(
        city=city,
        department=department(inside["depcom"]),
        income_eur=inside["ind_snv"] / inside["ind"],
    )
    return gpd.GeoDataFrame(cells[COLUMNS], geometry=squares(cells["idINSPIRE"]), crs=grid.CRS)


def add_cells_without_income(
    cells: gpd.GeoDataFrame, boundary: shapely.Geometry, cell_size_m: int
) -> gpd.GeoDataFrame:
    """The city's cells, and its grid squares (centre in the outline) of which no usable income is known.

    ASSUME: nobody lives in the added squares (`ind` and `men` 0): INSEE's table holds a row for every square where
    a taxed household lives, and rows without people or income are of no use. ASSUME: they belong to the department of
    the nearest cell with an income; it only decides which imagery is looked up.

    Args:
        cells: as `select_cells` returns them, at least one.
        boundary: polygon of the city, EPSG:3035.
        cell_size_m: side of a cell.

    Returns:
        As `cells`; the added ones with an empty `income_eur` and `group`, `imputed` False.
    """
    ids = squares_inside(boundary, cell_size_m)
    ids = ids[~ids.isin(cells["idINSPIRE"])]
    known = cells.drop(columns="geometry")
    nearest = cKDTree(grid.centres(known["idINSPIRE"])).query(grid.centres(ids))[1]
    facts = {"ind": 0.0, "men": 0.0, "income_eur": np.nan, "imputed": False, "group": None}
    added = pd.DataFrame({"idINSPIRE": ids, "city": known["city"].iloc[0]} | facts)
    added["department"] = known["department"].to_numpy()[nearest]
    both = pd.concat([known, added[COLUMNS].astype(known.dtypes)]).sort_values(
        "idINSPIRE", ignore_index=True
    )
    return gpd.GeoDataFrame(both, geometry=squares(both["idINSPIRE"]), crs=grid.CRS)


def squares_inside(boundary: shapely.Geometry, cell_size_m: int) -> pd.Series:
    """Ids of all grid squares whose centre lies in an outline (EPSG:3035), sorted."""
    west, south, east, north = (int(edge // cell_size_m) * cell_size_m for edge in boundary.bounds)
    x, y = np.meshgrid(
        np.arange(west, east + 1, cell_size_m), np.arange(south, north + 1, cell_size_m)
    )
    shapely.prepare(boundary)
    inside = shapely.contains_xy(boundary, x + cell_size_m / 2, y + cell_size_m / 2)
    ids = [grid.cell_id(*corner, cell_size_m) for corner in zip(x[inside], y[inside], strict=True)]
    return pd.Series(sorted(ids), dtype="str", name="idINSPIRE")


def describe(cells: gpd.GeoDataFrame) -> dict[str, int | float]:
    """Say how many cells and people of a city have an imputed income, and in which departments they live."""
    imputed, people, known = cells["imputed"], cells["ind"], cells["income_eur"].notna()
    per_department = cells["department"].value_counts()
    log.info(
        "departments: %s",
        ", ".join(f"{name} ({count:,} cells)" for name, count in per_department.items()),
    )
    shares = {
        "imputed share of cells": float(imputed[known].mean()),
        "imputed share of people": float(people[imputed].sum() / people.sum()),
    }
    counts = {
        "cells": len(cells),
        "without income": int((~known).sum()),
        "people": round(float(people.sum())),
    }
    return counts | shares


def department(depcom: pd.Series) -> pd.Series:
    """Department of a commune: "75", "2A", overseas "974"."""
    return depcom.str[:2].where(~depcom.str.startswith("97"), depcom.str[:3])
