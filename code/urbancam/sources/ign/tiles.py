"""From packs in place to the table of the tiles that a city needs, and what that covers."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from urbancam.sources.ign import packs as ign_packs
from urbancam.sources.ign.packs import Pack
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
MISPLACED_M = (
    1.0  # ASSUME: a tile that lies further from its footprint is not that tile, or not in that CRS
)


@dataclass
class Found:
    """The tiles a city needs.

    Args:
        tiles: `COLUMNS`, one row per file; paths relative to the data folder.
        absent: names of tiles that an index names and no pack holds, by pack.
    """

    tiles: gpd.GeoDataFrame
    absent: dict[str, list[str]] = field(default_factory=dict)


def find_tiles(cells: gpd.GeoDataFrame, data: Path, folder: Path, year: int | None) -> Found:
    """The tiles of the cells, out of what is in place; archives are unpacked as far as needed.

    Args:
        cells: `idINSPIRE, department` and squares.
        data: the data folder.
        folder: the drop folder below it.
        year: campaign; None takes the newest of each department.

    Raises:
        InputError: a pack is damaged, or a tile is not what its index says.
    """
    chosen = ign_packs.choose(ign_packs.find_packs(folder), set(cells["department"]), year)
    unpacked = {pack.path: pack for pack in chosen if not pack.is_archive}
    for archive in (pack for pack in chosen if pack.is_archive):
        if not _is_replaced(archive, unpacked.values(), cells):
            made = ign_packs.unpack_index(archive, folder)
            names = {
                n
                for pack in made
                for n in ign_packs.touching(ign_packs.read_index(pack), cells)["name"]
            }
            ign_packs.unpack_tiles(archive, folder, {name.lower() for name in names})
            unpacked |= {pack.path: pack for pack in made}
    parts, absent = [], {}
    for pack in unpacked.values():
        needed = ign_packs.touching(ign_packs.read_index(pack), cells)
        there = needed["file"].notna()
        log.info("%s: %d of %d tiles needed are there", pack.name, there.sum(), len(needed))
        if not there.all():
            absent[pack.name] = sorted(needed["name"][~there])
        parts.append(_verified(needed[there]))
    return Found(_table(parts, data), absent)


def _is_replaced(archive: Pack, unpacked: Iterable[Pack], cells: gpd.GeoDataFrame) -> bool:
    """Whether the same pack stands unpacked beside its archive, with all that is needed of it."""
    same = [
        p
        for p in unpacked
        if archive.department and (p.department, p.year) == (archive.department, archive.year)
    ]
    needed = [ign_packs.touching(ign_packs.read_index(pack), cells) for pack in same]
    return bool(needed) and all(index["file"].notna().all() for index in needed)


def _verified(tiles: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The same tiles, each opened and found where its footprint is.

    Raises:
        InputError: a tile that is no image, or that lies elsewhere (both extents are named).
    """
    for name, path, footprint in zip(tiles["name"], tiles["file"], tiles.geometry, strict=True):
        with Tile(TileFile(name, path, footprint.bounds, tiles.crs.to_wkt())) as tile:
            found = tile.bounds_in(tiles.crs.to_wkt())
        if np.abs(np.subtract(found, footprint.bounds)).max() > MISPLACED_M:
            raise InputError(
                f"the tile lies at {_metres(found)}, its footprint in the index at {_metres(footprint.bounds)}",
                shown(path),
                "unpack it again; else its georeference or the index is wrong",
            )
    return tiles


def _metres(bounds: Iterable[float]) -> str:
    return "(" + ", ".join(f"{value:.1f}" for value in bounds) + ")"


def _table(parts: list[gpd.GeoDataFrame], data: Path) -> gpd.GeoDataFrame:
    parts = [part for part in parts if len(part)]
    if not parts:
        return gpd.GeoDataFrame(
            {c: [] for c in COLUMNS[:-1]}, geometry=[], crs=ign_packs.LAMBERT_93
        )
    crs = parts[0].crs
    tiles = gpd.GeoDataFrame(pd.concat([part.to_crs(crs) for part in parts]), crs=crs)
    tiles = tiles.drop_duplicates("file").sort_values(["pack", "name"], ignore_index=True)
    tiles["path"] = [path.relative_to(data).as_posix() for path in tiles["file"]]
    tiles["size_bytes"] = [path.stat().st_size for path in tiles["file"]]
    tiles["signature"] = [
        signature(path) for path in tiles["file"]
    ]  # tells a tile replaced by one of its size
    return tiles[COLUMNS]


def covered_share(cells: gpd.GeoDataFrame, tiles: gpd.GeoDataFrame) -> np.ndarray:
    """(N,) share of each cell's area that lies in some tile's footprint, 0..1."""
    squares = cells.to_crs(tiles.crs).geometry.to_numpy()
    covered = shapely.union_all(tiles.geometry.to_numpy())
    return shapely.area(shapely.intersection(squares, covered)) / shapely.area(squares)
