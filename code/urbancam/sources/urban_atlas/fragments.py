"""Polygons cut by cells, and cells as rasters of their fragments."""

import logging

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio.features
import shapely
from affine import Affine

from urbancam.tables import crs, grid
from urbancam.workflow.errors import InputError

log = logging.getLogger(__name__)

LEAST_FRAGMENT_M2 = 0.01  # less is rounding along shared edges
AREA_TOLERANCE = 1e-6  # relative
GREATEST_OVERLAP = 1e-3  # of the covered area; more means that polygons are there twice
BLOCK_CELLS = (256, 32, 4)  # polygons are cut by ever smaller squares, so many cells a side
MANY_VERTICES = 200  # polygons with fewer are cut by the cells at once


def cut_by_cells(land_cover: gpd.GeoDataFrame, cells: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Cut polygons by cells.

    Args:
        land_cover: `polygon_id, code, class`, polygons in EPSG:3035.
        cells: `idINSPIRE`, squares in EPSG:3035, all of one size.

    Returns:
        `fragment_id (<idINSPIRE>_<n>), idINSPIRE, polygon_id, code, class, area_m2` with polygons, sorted by
        cell and polygon.

    Raises:
        InputError: polygons that overlap so much that they must be there twice.
    """
    if land_cover.crs != grid.CRS or cells.crs != grid.CRS:
        raise ValueError(f"both must be in {grid.CRS}, not {land_cover.crs} and {cells.crs}")
    squares, polygons = cells.geometry.to_numpy(), land_cover.geometry.to_numpy()
    polygon_id = np.arange(len(polygons))
    cell_size_m = round(np.sqrt(shapely.area(squares[0])))
    for block_cells in BLOCK_CELLS:
        polygons, polygon_id = _cut_large(polygons, polygon_id, squares, block_cells * cell_size_m)
    pieces, piece, cell = _cut(polygons, squares)
    order = np.lexsort((polygon_id[piece], cells["idINSPIRE"].rank().to_numpy()[cell]))
    pieces, polygon, cell = pieces[order], polygon_id[piece[order]], cell[order]
    area_m2 = shapely.area(pieces)
    kept = area_m2 >= LEAST_FRAGMENT_M2
    pieces, polygon, cell, area_m2 = pieces[kept], polygon[kept], cell[kept], area_m2[kept]
    ids = cells["idINSPIRE"].to_numpy()[cell]
    land = land_cover[["polygon_id", "code", "class"]].iloc[polygon].reset_index(drop=True)
    fragments = gpd.GeoDataFrame(
        land.assign(idINSPIRE=ids, area_m2=area_m2), geometry=pieces, crs=grid.CRS
    )
    number = fragments.groupby("idINSPIRE").cumcount().astype("str")
    fragments["fragment_id"] = fragments["idINSPIRE"].astype("str") + "_" + number
    check_areas(fragments, cells)
    return fragments[
        ["fragment_id", "idINSPIRE", "polygon_id", "code", "class", "area_m2", "geometry"]
    ]


def check_areas(fragments: gpd.GeoDataFrame, cells: gpd.GeoDataFrame) -> None:
    """The fragments of a cell can cover it once at most; overlaps are said, many are refused."""
    covered_m2 = fragments.groupby("idINSPIRE")["area_m2"].sum()
    cell_m2 = pd.Series(shapely.area(cells.geometry.to_numpy()), index=cells["idINSPIRE"]).reindex(
        covered_m2.index
    )
    excess_m2 = (covered_m2 - cell_m2)[covered_m2 > cell_m2 * (1 + AREA_TOLERANCE)]
    if excess_m2.empty:
        return
    worst = excess_m2.idxmax()
    what = (
        f"polygons overlap in {len(excess_m2):,} of {len(cells):,} cells by {excess_m2.sum():,.1f} m2, "
        f"most in {worst} ({excess_m2[worst]:,.1f} m2)"
    )
    if excess_m2.sum() > GREATEST_OVERLAP * covered_m2.sum():
        raise InputError(
            what, "land_cover.parquet", "check that the city's land cover is not there twice"
        )
    log.warning(what)


def describe_cover(fragments: gpd.GeoDataFrame, cells: gpd.GeoDataFrame) -> dict[str, int | float]:
    """Say how many cells lie outside every polygon or are covered in part only."""
    cell_m2 = pd.Series(shapely.area(cells.geometry.to_numpy()), index=cells["idINSPIRE"])
    covered_m2 = (
        fragments.groupby("idINSPIRE")["area_m2"].sum().reindex(cell_m2.index, fill_value=0.0)
    )
    outside = covered_m2.index[covered_m2 == 0]
    if len(outside):
        first = ", ".join(outside[:5])
        log.warning(
            "%s of %s cells lie outside every polygon: %s",
            f"{len(outside):,}",
            f"{len(cells):,}",
            first,
        )
    return {
        "fragments": len(fragments),
        "cells covered in part": int(((covered_m2 > 0) & (covered_m2 < 0.999 * cell_m2)).sum()),
        "cells outside every polygon": len(outside),
        "covered share": float(covered_m2.sum() / cell_m2.sum()),
    }


def _cut(polygons: np.ndarray, squares: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every polygon cut by every square it shares area with: pieces, index of the polygon, of the square."""
    square, polygon = shapely.STRtree(polygons).query(squares, predicate="intersects")
    shapely.prepare(polygons)
    whole = shapely.contains_properly(polygons[polygon], squares[square])
    pieces = squares[square]
    pieces[~whole] = shapely.intersection(polygons[polygon[~whole]], squares[square[~whole]])
    pieces = _polygons_only(pieces)
    some = shapely.area(pieces) > 0
    return pieces[some], polygon[some], square[some]


def _cut_large(
    polygons: np.ndarray, polygon_id: np.ndarray, squares: np.ndarray, block_m: int
) -> tuple[np.ndarray, np.ndarray]:
    """Cut the polygons of many vertices by blocks that hold cells.

    A street network of a whole city as one polygon would otherwise be walked through for each of its cells.
    Blocks lie on the cells' edges, so the pieces within the cells stay the same.
    """
    large = shapely.get_num_coordinates(polygons) > MANY_VERTICES
    if not large.any():
        return polygons, polygon_id
    corners = np.unique(shapely.bounds(squares)[:, :2] // block_m * block_m, axis=0)
    blocks = shapely.box(
        corners[:, 0], corners[:, 1], corners[:, 0] + block_m, corners[:, 1] + block_m
    )
    pieces, piece, _ = _cut(polygons[large], blocks)
    return np.concatenate([polygons[~large], pieces]), np.concatenate(
        [polygon_id[~large], polygon_id[large][piece]]
    )


def _polygons_only(geometry: np.ndarray) -> np.ndarray:
    """Polygonal part of each geometry: touching edges leave lines and points behind."""
    mixed = np.flatnonzero(shapely.get_type_id(geometry) == shapely.GeometryType.GEOMETRYCOLLECTION)
    for i in mixed:
        parts = shapely.get_parts(geometry[i])
        geometry[i] = shapely.union_all(parts[shapely.get_dimensions(parts) == 2])
    return geometry


def by_cell(fragments: pd.DataFrame, ids: pd.Series) -> dict[str, pd.DataFrame]:
    """The fragments of each wanted cell, in the order of their ids; none for a cell without land cover.

    Args:
        fragments: rows of `fragments.parquet`, geometry as WKB or as polygons.
        ids: wanted cells.
    """
    wanted = fragments[fragments["idINSPIRE"].isin(ids)].sort_values(["idINSPIRE", "fragment_id"])
    if len(wanted) and isinstance(wanted["geometry"].iloc[0], bytes):
        wanted = wanted.assign(geometry=shapely.from_wkb(wanted["geometry"]))
    groups, none = dict(iter(wanted.groupby("idINSPIRE"))), wanted.iloc[:0]
    return {cell: groups.get(cell, none) for cell in ids}


def label_raster(
    geometries: gpd.GeoSeries | np.ndarray, cell_bounds: crs.Bounds, image_px: int
) -> np.ndarray:
    """Which fragment each pixel of a cell belongs to.

    Args:
        geometries: the cell's fragments, polygons in EPSG:3035.
        cell_bounds: west, south, east, north of the cell, m.
        image_px: pixels a side.

    Returns:
        (image_px, image_px) int32, row 0 in the north: 0 where no fragment holds the pixel's centre, else
        i + 1 of the i-th fragment.
    """
    polygons = np.asarray(geometries)
    if not len(polygons):
        return np.zeros((image_px, image_px), dtype=np.int32)
    west, south, east, north = cell_bounds
    return rasterio.features.rasterize(
        zip(polygons, range(1, len(polygons) + 1), strict=True),
        out_shape=(image_px, image_px),
        transform=Affine((east - west) / image_px, 0, west, 0, (south - north) / image_px, north),
        fill=0,
        all_touched=False,
        dtype=np.int32,
    )
