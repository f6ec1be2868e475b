"""Which tiles each cell touches, and which of them wins."""

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from urbancam.sources.imagery.cell import NO_TILE, Cell
from urbancam.sources.imagery.tile import PACKS, RASTERS, WMS, TileFile
from urbancam.tables import grid

Pair = tuple[int, int]  # positions of a cell and of a tile
WHOLE_SHARE = 1 - 1e-6  # of a cell that is covered: all of it, but for rounding


def tile_files(tiles: gpd.GeoDataFrame, data: Path) -> list[TileFile]:
    """The rows of the tile table as files.

    Args:
        tiles: `name, path (below data, or whole), campaign_year, geometry`, with a CRS; a row with
            an `idINSPIRE` is the image of a cell, one with an empty `pack` the user's own raster.
        data: The data folder.
    """
    crs = tiles.crs.to_wkt()
    years = tiles["campaign_year"].astype("float64")
    footprints = tiles.geometry.bounds.to_numpy().tolist()
    files = []
    rows = zip(tiles["name"], tiles["path"], footprints, years, _sources(tiles), strict=True)
    for name, path, footprint, year, source in rows:
        file = TileFile(
            name=name,
            path=data / path,
            footprint=tuple(footprint),
            crs=crs,
            campaign_year=_whole_year(year),
            source=source,
        )
        files.append(file)
    return files


def _sources(tiles: gpd.GeoDataFrame) -> list[str]:
    """What each row of the tile table comes from."""
    is_cell_image = _cell_ids(tiles).notna()
    is_of_pack = tiles["pack"].notna() if "pack" in tiles else np.ones(len(tiles), bool)
    return np.where(is_cell_image, WMS, np.where(is_of_pack, PACKS, RASTERS)).tolist()


def _whole_year(year: float) -> int | None:
    """A year of the table; None where it is unknown (NaN)."""
    return None if np.isnan(year) else int(year)


def cells_with_tiles(
    cells: gpd.GeoDataFrame,
    tiles: gpd.GeoDataFrame,
    data: Path,
) -> list[Cell]:
    """Every cell with its own image, if the table has one, else with the tiles that it touches.

    The image of a cell is no tile of its neighbours, of which it shows a narrow margin; but squares
    of another grid, the sites of the cities experiment, are put together from them.

    Where tiles overlap, those of a campaign that covers the whole cell come first, then those of
    the campaign that step 04 prefers, then the newest, then the first by name (fill gives way
    later, pixel by pixel).

    Args:
        cells: `idINSPIRE` and squares.
        tiles: The tile table; its rows without a file say why a cell has no image.
        data: The data folder.
    """
    reasons = _reasons(tiles)
    tiles = with_file(tiles)
    pairs = _own_images(cells, tiles)
    without_own = sorted(set(range(len(cells))) - {cell for cell, _ in pairs})
    overlaps = _overlaps(cells.iloc[without_own], tiles)
    pairs += [(without_own[cell], tile) for cell, tile in overlaps]

    files = tile_files(tiles, data)
    order = _order(pairs, cells.to_crs(tiles.crs), tiles)
    files_of_cell: list[list[TileFile]] = [[] for _ in range(len(cells))]
    for cell, tile in sorted(pairs, key=order):
        files_of_cell[cell].append(files[tile])

    # Squares come from the ids, so that they are exact.
    ids = cells["idINSPIRE"]
    south_west = grid.corners(ids)
    north_east = south_west + grid.sizes_m(ids)[:, None]
    squares = np.hstack([south_west, north_east]).astype(float)
    crs = cells.crs.to_string()
    return [
        Cell(cell_id, tuple(bounds), crs, tuple(own_files), reasons.get(cell_id, NO_TILE))
        for cell_id, bounds, own_files in zip(ids, squares.tolist(), files_of_cell, strict=True)
    ]


def _order(
    pairs: list[Pair], cells: gpd.GeoDataFrame, tiles: gpd.GeoDataFrame
) -> Callable[[Pair], tuple]:
    """What sorts the pairs: of each cell first the tile that wins.

    Args:
        pairs: Cells and tiles that overlap.
        cells: Squares, in the tiles' CRS.
        tiles: The tile table; its column `preference` is empty for images of single cells.
    """
    years = tiles["campaign_year"].astype("float64").fillna(0).tolist()
    preference = _preferences(tiles)
    names, paths = list(tiles["name"]), list(tiles["path"])
    campaigns = list(zip(preference, years, strict=True))
    whole = _whole_campaigns(pairs, campaigns, cells, tiles)

    def order(pair: Pair) -> tuple:
        cell, tile = pair
        is_partial = (cell, campaigns[tile]) not in whole
        return is_partial, preference[tile], -years[tile], names[tile], paths[tile]

    return order


def _preferences(tiles: gpd.GeoDataFrame) -> list[float]:
    """The place of each tile's campaign by preference, 0 for the best and for images of cells."""
    return tiles["preference"].fillna(0).tolist() if "preference" in tiles else [0.0] * len(tiles)


def _whole_campaigns(
    pairs: list[Pair],
    campaigns: list[tuple[float, float]],
    cells: gpd.GeoDataFrame,
    tiles: gpd.GeoDataFrame,
) -> set[tuple[int, tuple[float, float]]]:
    """Cells that meet tiles of several campaigns, each with those that cover all of it."""
    footprints, squares = tiles.geometry.to_numpy(), cells.geometry.to_numpy()
    tiles_of: dict[int, dict[tuple[float, float], list[int]]] = {}
    for cell, tile in pairs:
        tiles_of.setdefault(cell, {}).setdefault(campaigns[tile], []).append(tile)
    whole = set()
    for cell, of_campaign in tiles_of.items():
        for campaign, own in of_campaign.items() if len(of_campaign) > 1 else ():
            covered = shapely.intersection(shapely.union_all(footprints[own]), squares[cell])
            if shapely.area(covered) >= WHOLE_SHARE * shapely.area(squares[cell]):
                whole.add((cell, campaign))
    return whole


def with_file(tiles: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The rows of the tile table that stand for a file."""
    return tiles[tiles["path"].notna()]


def _reasons(tiles: gpd.GeoDataFrame) -> dict[str, str]:
    """Why a cell has no image of its own, by its id; empty for a table of packs."""
    lacking = tiles[tiles["path"].isna()]
    return dict(zip(lacking["idINSPIRE"], lacking["reason"], strict=True)) if len(lacking) else {}


def _cell_ids(tiles: gpd.GeoDataFrame) -> pd.Series:
    """The cell that each row is the image of; empty for tiles of packs."""
    return tiles["idINSPIRE"] if "idINSPIRE" in tiles else pd.Series(None, tiles.index, "str")


def _own_images(cells: gpd.GeoDataFrame, tiles: gpd.GeoDataFrame) -> list[Pair]:
    """(cell, image) positions: every cell with the image fetched for it."""
    image_of_cell = {cell_id: image for image, cell_id in enumerate(_cell_ids(tiles))}
    pairs = []
    for cell, cell_id in enumerate(cells["idINSPIRE"]):
        if cell_id in image_of_cell:
            pairs.append((cell, image_of_cell[cell_id]))
    return pairs


def _overlaps(cells: gpd.GeoDataFrame, tiles: gpd.GeoDataFrame) -> list[Pair]:
    """(cell, tile) positions that share some area, not only an edge."""
    squares = cells.to_crs(tiles.crs).geometry.to_numpy()
    footprints = tiles.geometry.to_numpy()
    tree = shapely.STRtree(footprints)
    pairs = tree.query(squares, predicate="intersects")

    # Neighbours along an edge intersect too, in a line.
    cell, tile = pairs
    shared = shapely.intersection(squares[cell], footprints[tile])
    overlap = shapely.area(shared) > 0

    # 0 m for a tile of a pack, which is on no grid.
    cell_ids = _cell_ids(tiles)
    is_cell_image = cell_ids.notna().to_numpy()
    image_m = np.zeros(len(tiles), int)
    image_m[is_cell_image] = grid.sizes_m(cell_ids[is_cell_image])
    overlap &= image_m[tile] != grid.sizes_m(cells["idINSPIRE"])[cell]
    return [tuple(pair) for pair in pairs[:, overlap].T.tolist()]
