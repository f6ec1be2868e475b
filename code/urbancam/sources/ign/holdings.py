"""What the packs in place give for a city's cells: tiles that are there, still packed, or absent.

A pack may be there in part: its download cut, its archive deleted once some tiles were unpacked, a
tile or its index cut short. What is not whole counts as not there yet, and is named.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import geopandas as gpd
import numpy as np
import pandas as pd

from urbancam.sources.download.containers import DamagedError
from urbancam.sources.download.members import Member
from urbancam.sources.ign.campaigns import Standing
from urbancam.sources.ign.consumed_tiles import ConsumedTiles
from urbancam.sources.ign.packs import (
    Pack,
    members_to_unpack,
    unpack_index,
    unpack_tiles,
)
from urbancam.sources.ign.tile_index import read_index, touching
from urbancam.sources.imagery.tile import Tile, TileFile
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import display_path

log = logging.getLogger(__name__)

# ASSUME: a tile that lies further from its footprint is not that tile, or not in that CRS
MISPLACED_M = 1.0
Place = tuple[Path, frozenset[str] | None]  # of a pack
PackFault = tuple[Pack, InputError]  # what is wrong with a pack


@dataclass(frozen=True)
class Holding:
    """What an unpacked pack gives for the cells.

    Args:
        pack: The pack, by its `dalles.shp`.
        tiles: Rows of its index that the cells touch; `file` is None where none is usable.
        faults: What is wrong with files in place.
    """

    pack: Pack
    tiles: gpd.GeoDataFrame
    faults: list[InputError]

    @property
    def absent(self) -> gpd.GeoDataFrame:
        """The tiles that are needed and not there."""
        return self.tiles[self.tiles["file"].isna()]


@dataclass(frozen=True)
class PackedTiles:
    """Tiles that are needed and stand in an archive.

    Args:
        archive: The archive.
        members: The tiles in it.
    """

    archive: Pack
    members: list[Member]


@dataclass
class Holdings:
    """What all packs in place give for the cells.

    Args:
        unpacked: The unpacked packs, by their place.
        packed: What is still to be unpacked.
        whole_archives: Archives that are there as a whole, and can be read.
        incomplete: Archives that are not, each with what lacks.
        faults: Packs that cannot be used, each with the reason.
        consumed: Tiles that were thrown away once they had served these cells.
        standings: What there is to go on with, of the departments whose cells lack imagery.
    """

    unpacked: dict[Place, Holding] = field(default_factory=dict)
    packed: list[PackedTiles] = field(default_factory=list)
    whole_archives: list[Pack] = field(default_factory=list)
    incomplete: list[PackFault] = field(default_factory=list)
    faults: list[PackFault] = field(default_factory=list)
    consumed: ConsumedTiles = field(default_factory=ConsumedTiles)
    standings: dict[str, Standing] = field(default_factory=dict)

    @property
    def absent(self) -> dict[str, list[str]]:
        """Names of the tiles that an index names and that are not there, by pack."""
        names = defaultdict(list)
        for holding in self.holdings:
            names[holding.pack.name].extend(holding.absent["name"])
        return {pack: sorted(tiles) for pack, tiles in names.items() if tiles}

    @property
    def holdings(self) -> list[Holding]:
        return list(self.unpacked.values())

    def all_faults(self) -> list[PackFault]:
        """What is wrong with packs and with tiles in place, each with its pack."""
        of_tiles = [(holding.pack, fault) for holding in self.holdings for fault in holding.faults]
        return self.faults + of_tiles

    def incomplete_faults(self) -> list[PackFault]:
        """The archives that are not whole, of departments for which more of them is of use: no
        other campaign in place is whole."""
        in_need = {
            department for department, standing in self.standings.items() if not standing.whole
        }
        return [
            (pack, fault)
            for pack, fault in self.incomplete
            if pack.department in in_need or (pack.department is None and in_need)
        ]

    def obtainable(self) -> list[gpd.GeoDataFrame]:
        """The needed tiles of each pack that are there, or stand in an archive."""
        return [holding.tiles[~self._is_out_of_reach(holding)] for holding in self.holdings]

    def out_of_reach(self) -> list[gpd.GeoDataFrame]:
        """The needed tiles of each pack that are neither there nor in an archive."""
        return [holding.tiles[self._is_out_of_reach(holding)] for holding in self.holdings]

    def _is_out_of_reach(self, holding: Holding) -> pd.Series:
        members = [member for packed in self.packed for member in packed.members]
        packed_names = {PurePosixPath(member.name).name.lower() for member in members}
        return holding.tiles["file"].isna() & ~holding.tiles["name"].str.lower().isin(packed_names)


def hold(
    packs: Iterable[Pack], cells: gpd.GeoDataFrame, folder: Path, consumed: ConsumedTiles
) -> Holdings:
    """What some packs give for the cells; of archives no more than the index is unpacked.

    Args:
        packs: Packs in place, all of one campaign or without a telling name.
        cells: `idINSPIRE` and squares.
        folder: The drop folder.
        consumed: Tiles that were thrown away and count as there.
    """
    holdings = Holdings(consumed=consumed)
    packs = list(packs)
    for pack in packs:
        if not pack.is_archive:
            _add(pack, cells, holdings)
    for archive in packs:
        if archive.is_archive:
            _add_archive(archive, cells, folder, holdings)
    return holdings


def unpack(holdings: Holdings, cells: gpd.GeoDataFrame, folder: Path) -> list[PackFault]:
    """Unpack the tiles that the cells need; the holdings then say what has become of them.

    Returns:
        The archives that prove damaged, each with the reason: another campaign may serve instead.
    """
    damaged = []
    for packed in holdings.packed:
        try:
            unpack_tiles(packed.archive, folder, packed.members)
        except InputError as error:
            _add_fault(packed.archive, error, holdings)
            # A full disk, or an archive that is gone, does not decide the campaign.
            if isinstance(error, DamagedError):
                damaged.append((packed.archive, error))
        same_packs = [
            holding.pack for holding in holdings.holdings if _same(holding.pack, packed.archive)
        ]
        for pack in same_packs:
            _add(pack, cells, holdings)
    holdings.packed = []
    return damaged


def _add(pack: Pack, cells: gpd.GeoDataFrame, holdings: Holdings) -> None:
    """Note what an unpacked pack gives."""
    try:
        tiles = touching(read_index(pack), cells)
    except InputError as error:
        _add_fault(pack, error, holdings)
        return
    # An index that was unpacked again is no fault any more.
    holdings.faults = [item for item in holdings.faults if item[0].place != pack.place]
    faults = []
    files = []
    crs = tiles.crs.to_wkt()
    for name, path, footprint in zip(tiles["name"], tiles["file"], tiles.geometry, strict=True):
        fault = _misfit(TileFile(name, path, footprint.bounds, crs)) if path else None
        usable_path = None if fault else path
        files.append(usable_path or holdings.consumed.path_of(pack, name))
        faults += [fault] if fault else []
    usable = tiles.assign(file=pd.Series(files, tiles.index, dtype=object))
    holdings.unpacked[pack.place] = Holding(pack, usable, faults)


def _add_archive(archive: Pack, cells: gpd.GeoDataFrame, folder: Path, holdings: Holdings) -> None:
    """Note what an archive gives, unless the same pack stands unpacked with all that is needed."""
    if _is_replaced(archive, holdings):
        holdings.whole_archives.append(archive)
        return
    # The index says which tiles touch the cells; only those are unpacked.
    try:
        index_packs = unpack_index(archive, folder)
        for pack in index_packs:
            _add(pack, cells, holdings)
        places = [pack.place for pack in index_packs if pack.place in holdings.unpacked]
        files = _files_by_name(holdings.unpacked[place] for place in places)
        # What was thrown away once it had served counts as there, and is not unpacked for another.
        gone = holdings.consumed.facts
        files = {name: file for name, file in files.items() if file not in gone}
        members = members_to_unpack(archive, folder, files)
    except InputError as error:
        _add_fault(archive, error, holdings)
        return
    holdings.whole_archives.append(archive)
    if members:
        holdings.packed.append(PackedTiles(archive, members))


def _files_by_name(holdings: Iterable[Holding]) -> dict[str, Path | None]:
    """The needed tiles by lower-case name, with the usable file of each that has one."""
    return {
        name.lower(): file
        for holding in holdings
        for name, file in zip(holding.tiles["name"], holding.tiles["file"], strict=True)
    }


def _is_replaced(archive: Pack, holdings: Holdings) -> bool:
    """Whether the same pack stands unpacked beside its archive, with all that is needed of it."""
    if not archive.department or any(_same(pack, archive) for pack, _ in holdings.faults):
        return False
    # A folder of loose tiles does not say what else the pack has.
    same_packs = [
        holding
        for holding in holdings.holdings
        if _same(holding.pack, archive) and not holding.pack.is_loose
    ]
    return bool(same_packs) and all(holding.absent.empty for holding in same_packs)


def _same(pack: Pack, archive: Pack) -> bool:
    """Whether two packs are of one department, campaign and pixel size, or of one name."""
    if pack.department is None or archive.department is None:
        return pack.name == archive.name
    return all(
        getattr(pack, key) == getattr(archive, key) for key in ("department", "year", "pixel_m")
    )


def _add_fault(pack: Pack, fault: InputError, holdings: Holdings) -> None:
    log.info("%s: %s", pack.label, fault.what)
    holdings.faults.append((pack, fault))


def _misfit(file: TileFile) -> InputError | None:
    """What is wrong with a tile in place: it is no image, or lies elsewhere than its footprint."""
    try:
        with Tile(file) as tile:
            bounds = tile.bounds_in(file.crs)
    except InputError as error:
        return error
    distance_m = np.abs(np.subtract(bounds, file.footprint)).max()
    if distance_m <= MISPLACED_M:
        return None
    return InputError(
        f"the tile lies at {_metres(bounds)}, "
        f"its footprint in the index at {_metres(file.footprint)}",
        display_path(file.path),
        "unpack it again; else its georeference or the index is wrong",
    )


def _metres(bounds: Iterable[float]) -> str:
    return "(" + ", ".join(f"{value:.1f}" for value in bounds) + ")"
