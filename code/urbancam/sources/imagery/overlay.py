"""Which tiles each cell touches, and which of them wins."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from urbancam.sources.imagery.cutting import Cell
from urbancam.sources.imagery.tile import TileFile
from urbancam.tables import grid


def tile_files(tiles: gpd.GeoDataFrame, data: Path) -> list[TileFile]:
    """The rows of the tile table as files.

    Args:
        tiles: `name, path (below data), campaign_year, geometry`, with a CRS.
        data: the data folder.
    """
    crs = tiles.crs.to_wkt()
    years = [
        None if np.isnan(year) else int(year) for year in tiles["campaign_year"].astype("float64")
    ]
    return [
        TileFile(name, data / path, tuple(bounds), crs, year)
        for name, path, bounds, year in zip(
            tiles["name"],
            tiles["path"],
            tiles.geometry.bounds.to_numpy().tolist(),
            years,
            strict=True,
        )
    ]


def cells_with_tiles(cells: gpd.GeoDataFrame, tiles: gpd.GeoDataFrame, data: Path) -> list[Cell]:
    """Every cell with the tiles whose footprints it shares some area with.

    Where tiles overlap the newest comes first, then the first by name (fill gives way later, pixel by pixel).

    Args:
        cells: `idINSPIRE` and squares.
        tiles: the tile table; with a column `idINSPIRE` each row is the image of that one cell.
        data: the data folder.
    """
    files = tile_files(tiles, data)
    order = sorted(
        range(len(files)),
        key=lambda i: (-(files[i].campaign_year or 0), files[i].name, str(files[i].path)),
    )
    rank = np.empty(len(files), int)
    rank[order] = np.arange(len(files))
    pairs = _own_images(cells, tiles) if "idINSPIRE" in tiles else _overlaps(cells, tiles)
    tiles_of: list[list[int]] = [[] for _ in range(len(cells))]
    for cell, tile in sorted(pairs, key=lambda pair: (pair[0], rank[pair[1]])):
        tiles_of[cell].append(tile)
    corners, sizes_m = grid.corners(cells["idINSPIRE"]), grid.sizes_m(cells["idINSPIRE"])[:, None]
    bounds = np.hstack([corners, corners + sizes_m]).astype(float).tolist()
    return [
        Cell(cell_id, tuple(own_bounds), tuple(files[i] for i in own))
        for cell_id, own_bounds, own in zip(cells["idINSPIRE"], bounds, tiles_of, strict=True)
    ]


def _own_images(cells: gpd.GeoDataFrame, tiles: gpd.GeoDataFrame) -> list[tuple[int, int]]:
    """(cell, image) positions: every cell with the image fetched for it."""
    image = {cell_id: position for position, cell_id in enumerate(tiles["idINSPIRE"])}
    return [
        (position, image[cell_id])
        for position, cell_id in enumerate(cells["idINSPIRE"])
        if cell_id in image
    ]


def _overlaps(cells: gpd.GeoDataFrame, tiles: gpd.GeoDataFrame) -> list[tuple[int, int]]:
    """(cell, tile) positions that share some area, not only an edge."""
    squares, footprints = cells.to_crs(tiles.crs).geometry.to_numpy(), tiles.geometry.to_numpy()
    cell, tile = shapely.STRtree(footprints).query(squares, predicate="intersects")
    shared_m2 = shapely.area(shapely.intersection(squares[cell], footprints[tile]))
    return [(int(c), int(t)) for c, t in zip(cell[shared_m2 > 0], tile[shared_m2 > 0], strict=True)]
