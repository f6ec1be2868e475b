"""From packs in place to the table of the tiles that a city needs, and what that covers."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from urbancam.sources.ign.packs import Pack, choose, find_packs, unpack_index, unpack_tiles
from urbancam.sources.ign.tile_index import LAMBERT_93, read_index, touching
from urbancam.sources.imagery.signatures import signature
from urbancam.sources.imagery.tile import Tile, TileFile
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import shown

log = logging.getLogger(__name__)

COLUMNS = [
    "name",
    "path",
    "department",
    "campaign_year",
    "pack",
    "size_bytes",
    "signature",
    "geometry",
]
# ASSUME: a tile that lies further from its footprint is not that tile, or not in that CRS
MISPLACED_M = 1.0
# Covered shares of a cell above which it counts as whole, below which as bare: but for rounding.
WHOLE_SHARE = 1 - 1e-6
BARE_SHARE = 1e-6


@dataclass
class CityTiles:
    """The tiles a city needs.

    Args:
        tiles: `COLUMNS`, one row per file in place; paths relative to the data folder.
        absent: Names of the tiles that an index names and no pack holds, by pack.
    """

    tiles: gpd.GeoDataFrame
    absent: dict[str, list[str]] = field(default_factory=dict)


def find_tiles(cells: gpd.GeoDataFrame, data: Path, folder: Path, year: int | None) -> CityTiles:
    """The tiles of the cells, out of what is in place; archives are unpacked as far as needed.

    Args:
        cells: `idINSPIRE, department` and squares.
        data: The data folder.
        folder: The drop folder below it.
        year: Year of the campaign; None takes the newest of each department.

    Raises:
        InputError: A pack is damaged, or a tile is not what its index says.
    """
    tables = []
    absent = {}
    for pack in _unpacked_packs(cells, folder, year):
        needed = touching(read_index(pack), cells)
        is_in_place = needed["file"].notna()
        log.info("%s: %d of %d tiles needed are there", pack.name, is_in_place.sum(), len(needed))
        if not is_in_place.all():
            absent[pack.name] = sorted(needed["name"][~is_in_place])
        tiles = needed[is_in_place]
        _check_places(tiles)
        tables.append(tiles)
    return CityTiles(_table(tables, data), absent)


def covered_share(cells: gpd.GeoDataFrame, tiles: gpd.GeoDataFrame) -> np.ndarray:
    """(N,) share of each cell's area that lies in some tile's footprint, 0..1."""
    squares = cells.to_crs(tiles.crs).geometry.to_numpy()
    footprints = shapely.union_all(tiles.geometry.to_numpy())
    covered_m2 = shapely.area(shapely.intersection(squares, footprints))
    return covered_m2 / shapely.area(squares)


def _unpacked_packs(cells: gpd.GeoDataFrame, folder: Path, year: int | None) -> Iterable[Pack]:
    """The packs of the cells' departments, each of them unpacked as far as the cells need."""
    chosen = choose(find_packs(folder), set(cells["department"]), year)
    # By path, so that a pack unpacked now takes the place of the same one found unpacked.
    packs = {pack.path: pack for pack in chosen if not pack.is_archive}
    archives = [pack for pack in chosen if pack.is_archive]
    for archive in archives:
        if _is_replaced(archive, packs.values(), cells):
            continue
        # The index says which tiles touch the cells; only those are unpacked.
        archive_packs = unpack_index(archive, folder)
        names = set()
        for pack in archive_packs:
            needed = touching(read_index(pack), cells)
            names |= {name.lower() for name in needed["name"]}
        unpack_tiles(archive, folder, names)
        packs |= {pack.path: pack for pack in archive_packs}
    return packs.values()


def _is_replaced(archive: Pack, packs: Iterable[Pack], cells: gpd.GeoDataFrame) -> bool:
    """Whether the same pack stands unpacked beside its archive, with all that is needed of it."""
    if not archive.department:
        return False
    campaign = (archive.department, archive.year)
    same_packs = [pack for pack in packs if (pack.department, pack.year) == campaign]
    if not same_packs:
        return False
    needed = [touching(read_index(pack), cells) for pack in same_packs]
    return all(tiles["file"].notna().all() for tiles in needed)


def _check_places(tiles: gpd.GeoDataFrame) -> None:
    """Open each tile and compare its extent with its footprint.

    Raises:
        InputError: A tile is no image, or lies elsewhere (the message holds both extents).
    """
    crs = tiles.crs.to_wkt()
    for name, path, footprint in zip(tiles["name"], tiles["file"], tiles.geometry, strict=True):
        with Tile(TileFile(name, path, footprint.bounds, crs)) as tile:
            bounds = tile.bounds_in(crs)
        distance_m = np.abs(np.subtract(bounds, footprint.bounds)).max()
        if distance_m > MISPLACED_M:
            raise InputError(
                f"the tile lies at {_metres(bounds)}, "
                f"its footprint in the index at {_metres(footprint.bounds)}",
                shown(path),
                "unpack it again; else its georeference or the index is wrong",
            )


def _metres(bounds: Iterable[float]) -> str:
    return "(" + ", ".join(f"{value:.1f}" for value in bounds) + ")"


def _table(tables: list[gpd.GeoDataFrame], data: Path) -> gpd.GeoDataFrame:
    """The tiles of all packs in one table, in the CRS of the first pack that has any."""
    tables = [table for table in tables if len(table)]
    if not tables:
        empty_columns = {column: [] for column in COLUMNS[:-1]}
        return gpd.GeoDataFrame(empty_columns, geometry=[], crs=LAMBERT_93)
    crs = tables[0].crs
    rows = pd.concat([table.to_crs(crs) for table in tables])
    tiles = gpd.GeoDataFrame(rows, crs=crs)

    # A file may stand in the indices of two packs.
    tiles = tiles.drop_duplicates("file").sort_values(["pack", "name"], ignore_index=True)
    paths = list(tiles["file"])
    tiles["path"] = [path.relative_to(data).as_posix() for path in paths]
    tiles["size_bytes"] = [path.stat().st_size for path in paths]

    # A signature tells a tile replaced by another of its size.
    tiles["signature"] = [signature(path) for path in paths]
    return tiles[COLUMNS]
