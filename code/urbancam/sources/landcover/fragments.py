"""Polygons cut by cells, and cells as rasters of their fragments."""

import logging

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio.features
import shapely
from affine import Affine

from urbancam.tables import crs
from urbancam.workflow.errors import InputError

log = logging.getLogger(__name__)

COLUMNS = ["fragment_id", "idINSPIRE", "polygon_id", "code", "class", "area_m2", "geometry"]
LEAST_FRAGMENT_M2 = 0.01  # less is rounding along shared edges
AREA_TOLERANCE = 1e-6  # relative
GREATEST_OVERLAP = 1e-3  # of the covered area; more means that polygons are there twice
WHOLE_COVER = 0.999  # of a cell's area; less is a cell covered in part
BLOCK_CELLS = (256, 32, 4)  # polygons are cut by ever smaller squares, so many cells a side
MANY_VERTICES = 200  # polygons with fewer are cut by the cells at once


def cut_by_cells(land_cover: gpd.GeoDataFrame, cells: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Cut polygons by cells.

    Args:
        land_cover: `polygon_id, code, class`, polygons.
        cells: `idINSPIRE`, squares of one size, in the same coordinate system.

    Returns:
        `fragment_id (<idINSPIRE>_<n>), idINSPIRE, polygon_id, code, class, area_m2` with polygons,
        sorted by cell and polygon.

    Raises:
        InputError: polygons that overlap so much that they must be there twice.
    """
    if land_cover.crs != cells.crs:
        raise ValueError(f"both must be in one system, not {land_cover.crs} and {cells.crs}")

    squares = cells.geometry.to_numpy()
    polygons = land_cover.geometry.to_numpy()
    pieces, polygon, cell = _cut_in_steps(polygons, squares)

    # Sorted by cell and polygon, without slivers.
    cell_rank = cells["idINSPIRE"].rank().to_numpy()
    area_m2 = shapely.area(pieces)
    order = np.lexsort((polygon, cell_rank[cell]))
    order = order[area_m2[order] >= LEAST_FRAGMENT_M2]

    land = land_cover[["polygon_id", "code", "class"]].iloc[polygon[order]]
    attributes = land.reset_index(drop=True).assign(
        idINSPIRE=cells["idINSPIRE"].to_numpy()[cell[order]],
        area_m2=area_m2[order],
    )
    fragments = gpd.GeoDataFrame(attributes, geometry=pieces[order], crs=cells.crs)
    # Fragments are numbered within their cell.
    number = fragments.groupby("idINSPIRE").cumcount().astype("str")
    fragments["fragment_id"] = fragments["idINSPIRE"].astype("str") + "_" + number
    check_areas(fragments, cells)
    return fragments[COLUMNS]


def check_areas(fragments: gpd.GeoDataFrame, cells: gpd.GeoDataFrame) -> None:
    """Check that the fragments of a cell cover it once at most.

    Few overlaps are reported, many are refused.

    Raises:
        InputError: polygons that overlap so much that they must be there twice.
    """
    covered_m2 = fragments.groupby("idINSPIRE")["area_m2"].sum()
    cell_m2 = _cell_areas_m2(cells).reindex(covered_m2.index)
    overlaps = covered_m2 > cell_m2 * (1 + AREA_TOLERANCE)
    excess_m2 = (covered_m2 - cell_m2)[overlaps]
    if excess_m2.empty:
        return

    worst = excess_m2.idxmax()
    what = (
        f"polygons overlap in {len(excess_m2):,} of {len(cells):,} cells by "
        f"{excess_m2.sum():,.1f} m2, most in {worst} ({excess_m2[worst]:,.1f} m2)"
    )
    if excess_m2.sum() > GREATEST_OVERLAP * covered_m2.sum():
        raise InputError(
            what, "land_cover.parquet", "check that the city's land cover is not there twice"
        )
    log.warning(what)


def describe_cover(fragments: gpd.GeoDataFrame, cells: gpd.GeoDataFrame) -> dict[str, int | float]:
    """Count the cells that lie outside every polygon or are covered in part only."""
    cell_m2 = _cell_areas_m2(cells)
    covered_m2 = fragments.groupby("idINSPIRE")["area_m2"].sum()
    covered_m2 = covered_m2.reindex(cell_m2.index, fill_value=0.0)

    # Cells outside every polygon have no fragment, so they are named here or nowhere.
    outside = covered_m2.index[covered_m2 == 0]
    if len(outside):
        log.warning(
            "%s of %s cells lie outside every polygon: %s",
            f"{len(outside):,}",
            f"{len(cells):,}",
            ", ".join(outside[:5]),
        )

    in_part = (covered_m2 > 0) & (covered_m2 < WHOLE_COVER * cell_m2)
    return {
        "fragments": len(fragments),
        "cells covered in part": int(in_part.sum()),
        "cells outside every polygon": len(outside),
        "covered share": float(covered_m2.sum() / cell_m2.sum()),
    }


def _cell_areas_m2(cells: gpd.GeoDataFrame) -> pd.Series:
    """Area of each cell's square, by its id."""
    area_m2 = shapely.area(cells.geometry.to_numpy())
    return pd.Series(area_m2, index=cells["idINSPIRE"])


def _cut_in_steps(
    polygons: np.ndarray, squares: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every polygon cut by every square of a city, large polygons by large blocks first.

    A street network of a whole city as one polygon would otherwise be walked through for each of
    its cells.

    Returns:
        Pieces, and for each the index of its polygon and of its square.
    """
    cell_size_m = round(np.sqrt(shapely.area(squares[0])))
    polygon = np.arange(len(polygons))
    for block_cells in BLOCK_CELLS:
        polygons, source = _cut_large(polygons, squares, block_cells * cell_size_m)
        polygon = polygon[source]
    pieces, source, square = _cut(polygons, squares)
    return pieces, polygon[source], square


def _cut_large(
    polygons: np.ndarray, squares: np.ndarray, block_m: int
) -> tuple[np.ndarray, np.ndarray]:
    """Cut the polygons of many vertices by blocks that hold cells.

    Blocks lie on the cells' edges, so the pieces within the cells stay the same.

    Returns:
        Small polygons and pieces of large ones, and for each the index of its polygon.
    """
    large = shapely.get_num_coordinates(polygons) > MANY_VERTICES
    if not large.any():
        return polygons, np.arange(len(polygons))

    # Only blocks that hold some cell's corner are looked at.
    south_west = shapely.bounds(squares)[:, :2]
    corners = np.unique(south_west // block_m * block_m, axis=0)
    west, south = corners.T
    blocks = shapely.box(west, south, west + block_m, south + block_m)

    pieces, source, _ = _cut(polygons[large], blocks)
    polygon_of_piece = np.flatnonzero(large)[source]
    return (
        np.concatenate([polygons[~large], pieces]),
        np.concatenate([np.flatnonzero(~large), polygon_of_piece]),
    )


def _cut(polygons: np.ndarray, squares: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every polygon cut by every square it shares area with.

    Returns:
        Pieces, and for each the index of its polygon and of its square.
    """
    tree = shapely.STRtree(polygons)
    square, polygon = tree.query(squares, predicate="intersects")
    shapely.prepare(polygons)

    # A square well within a polygon is a piece as it is.
    whole = shapely.contains_properly(polygons[polygon], squares[square])
    pieces = squares[square]
    cut_polygons = polygons[polygon[~whole]]
    cut_squares = squares[square[~whole]]
    pieces[~whole] = shapely.intersection(cut_polygons, cut_squares)

    pieces = _polygons_only(pieces)
    some = shapely.area(pieces) > 0
    return pieces[some], polygon[some], square[some]


def _polygons_only(geometry: np.ndarray) -> np.ndarray:
    """Polygonal part of each geometry: touching edges leave lines and points behind."""
    mixed = shapely.get_type_id(geometry) == shapely.GeometryType.GEOMETRYCOLLECTION
    for i in np.flatnonzero(mixed):
        parts = shapely.get_parts(geometry[i])
        polygonal = shapely.get_dimensions(parts) == 2
        geometry[i] = shapely.union_all(parts[polygonal])
    return geometry


class FragmentsOfCells:
    """The fragments of some cells, cell by cell, in the order of their ids; none for a cell without
    land cover.

    Shapes that come as WKB are made when their cell is asked for: those of all cells of a large
    city, each with a table of its own, took 15 kB a cell.

    Args:
        fragments: Rows of `fragments.parquet`, geometry as WKB or as polygons.
        ids: Ids of the cells.

    Attributes:
        rows: The rows of all these cells.
    """

    def __init__(self, fragments: pd.DataFrame, ids: pd.Series) -> None:
        rows = fragments[fragments["idINSPIRE"].isin(ids)]
        self.rows = rows.sort_values(["idINSPIRE", "fragment_id"])
        counts = self.rows.groupby("idINSPIRE").size()
        stops = counts.cumsum()
        places = dict(zip(counts.index, map(slice, stops - counts, stops), strict=True))
        self._places = {cell: places.get(cell, slice(0)) for cell in ids}

    def __getitem__(self, cell: str) -> pd.DataFrame:
        """The rows of a cell, with polygons."""
        own = self.rows.iloc[self._places[cell]]
        if len(own) and isinstance(own["geometry"].iloc[0], bytes):
            own = own.assign(geometry=shapely.from_wkb(own["geometry"]))
        return own


def label_raster(
    geometries: gpd.GeoSeries | np.ndarray,
    cell_bounds: crs.Bounds,
    image_px: int,
) -> np.ndarray:
    """Which fragment each pixel of a cell belongs to.

    Args:
        geometries: The cell's fragments, polygons in EPSG:3035.
        cell_bounds: West, south, east, north of the cell, m.
        image_px: Pixels a side.

    Returns:
        (image_px, image_px) int32, row 0 in the north: 0 where no fragment holds the pixel's
        centre, else i + 1 of the i-th fragment.
    """
    polygons = np.asarray(geometries)
    if not len(polygons):
        return np.zeros((image_px, image_px), dtype=np.int32)

    # Row 0 is in the north, so a row further is a step to the south.
    west, south, east, north = cell_bounds
    pixel_width = (east - west) / image_px
    pixel_height = (south - north) / image_px
    labels = range(1, len(polygons) + 1)
    return rasterio.features.rasterize(
        zip(polygons, labels, strict=True),
        out_shape=(image_px, image_px),
        transform=Affine(pixel_width, 0, west, 0, pixel_height, north),
        fill=0,
        all_touched=False,
        dtype=np.int32,
    )
