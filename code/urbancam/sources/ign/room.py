"""What a city's imagery takes of the disk: how much at a time, and what goes early.

With `imagery.throw_away` packs come one after the other: each is fetched, the tiles that the cells
need are unpacked, and its archive goes before the next one comes.
"""

import shutil
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np

from urbancam.sources.download.volumes import volumes
from urbancam.sources.ign import consumed_tiles
from urbancam.sources.ign.campaigns import CampaignChoice
from urbancam.sources.ign.consumed_tiles import Consumer
from urbancam.sources.ign.fetching import bytes_to_fetch
from urbancam.sources.ign.holdings import Holdings, PackFault, unpack
from urbancam.sources.ign.links import RemoteFile
from urbancam.sources.ign.pack_names import pack_stem, parse_name
from urbancam.sources.ign.packs import Pack
from urbancam.sources.ign.survey import survey
from urbancam.sources.ign.tile_index import LAMBERT_93
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import display_path

# ASSUME: of a pack that is not here yet, the tiles are squares of 1 km, and a byte holds 8/3 pixels
# (three bands, JPEG 2000 at 1:8, the E080 of IGN's names); never more than the pack itself.
TILE_M = 1000
PX_PER_BYTE = 8 / 3


@dataclass(frozen=True)
class Portion:
    """What one pack takes of the disk.

    Args:
        fetch_bytes: Bytes to fetch.
        tile_bytes: Bytes of the tiles to unpack, estimated before the pack is here.
        archive_bytes: Bytes of its archive, once it is here as a whole.
        unknown_files: How many files are to be fetched whose size nobody says, and not counted.
    """

    fetch_bytes: int
    tile_bytes: int = 0
    archive_bytes: int = 0
    unknown_files: int = 0


def peak_bytes(portions: Iterable[Portion], throws_away: bool) -> int:
    """The most that packs take of the disk at a time, beyond what is there now.

    Args:
        portions: The packs, in the order in which they are worked on.
        throws_away: Whether an archive goes once its tiles are unpacked.
    """
    taken = peak = 0
    for portion in portions:
        taken += portion.fetch_bytes + portion.tile_bytes
        peak = max(peak, taken)
        if throws_away:
            taken -= portion.archive_bytes
    return peak


def to_fetch_in_words(portions: Iterable[Portion]) -> str:
    """How much is to be fetched, as far as it is known."""
    portions = list(portions)
    words = f"{sum(portion.fetch_bytes for portion in portions) / 1e9:.1f} GB to fetch"
    unknown_files = sum(portion.unknown_files for portion in portions)
    return f"{words} and {unknown_files} files of unknown size" if unknown_files else words


def portions_in_place(holdings: Holdings, folder: Path) -> list[Portion]:
    """What the archives in place take; the folder is the drop folder."""
    tile_bytes = {
        packed.archive: sum(member.size_bytes for member in packed.members)
        for packed in holdings.packed
    }
    return [
        Portion(0, tile_bytes.get(archive, 0), _own_bytes(archive, folder))
        for archive in holdings.whole_archives
    ]


def portion_to_fetch(files: list[RemoteFile], cells: gpd.GeoDataFrame, home: Path) -> Portion:
    """What a pack takes that is to be fetched, as far as the sizes of its files are known.

    Args:
        files: Its volumes.
        cells: `department` and squares of all cells.
        home: The folder of its files.
    """
    archive_bytes = sum(file.size_bytes or 0 for file in files)
    is_of_unknown_size = any(file.size_bytes is None for file in files)
    name = parse_name(files[0].name)
    tile_bytes = archive_bytes
    if name:
        own_cells = cells[cells["department"] == name.department]
        tile_bytes = _tile_bytes(own_cells, name.pixel_m)
        # Tiles are no more than the pack.
        tile_bytes = tile_bytes if is_of_unknown_size else min(tile_bytes, archive_bytes)
    unknown_files = sum(
        file.size_bytes is None and not (home / file.name).exists() for file in files
    )
    return Portion(bytes_to_fetch(files, home), tile_bytes, archive_bytes, unknown_files)


def by_pack(files: list[RemoteFile]) -> list[list[RemoteFile]]:
    """The files of each pack, in the order in which packs are first named."""
    packs = defaultdict(list)
    for file in files:
        packs[pack_stem(file.name)].append(file)
    return list(packs.values())


def shortage(portions: list[Portion], folder: Path, throws_away: bool) -> InputError | None:
    """What is needed, what is free, and what would need less, where the disk has no room for it."""
    needed_bytes, free_bytes = peak_bytes(portions, throws_away), shutil.disk_usage(folder).free
    if needed_bytes <= free_bytes:
        return None
    do = "free some disk, name another folder with --data"
    if not throws_away:
        less_bytes = peak_bytes(portions, throws_away=True)
        do += f", set imagery.throw_away=true (then about {less_bytes / 1e9:.1f} GB)"
    return InputError(
        f"the imagery takes about {needed_bytes / 1e9:.1f} GB at a time "
        f"({to_fetch_in_words(portions)}, "
        f"{sum(portion.tile_bytes for portion in portions) / 1e9:.1f} GB of tiles to unpack), "
        f"the disk has room for {free_bytes / 1e9:.1f} GB",
        display_path(folder),
        f"{do}, or take departments of few cells through the WMS (imagery.wms_departments_below)",
    )


def throw_away_unpacked(
    cells: gpd.GeoDataFrame,
    folder: Path,
    choice: CampaignChoice,
    consumer: Consumer | None,
    damaged: list[PackFault],
) -> None:
    """Where the settings ask for it, unpack what the cells need, and throw those archives away.

    An archive of which some needed tile did not come out whole stays; so do those of a department
    of which a better campaign is still to be completed, which may come to serve in their place.
    Archives that prove damaged are added to `damaged`.
    """
    if not consumed_tiles.throws_away(consumer):
        return
    holdings = survey(cells, folder, choice, consumer, damaged)
    unsettled = holdings.standings
    holdings.packed = [
        packed for packed in holdings.packed if packed.archive.department not in unsettled
    ]
    damaged += unpack(holdings, cells, folder)
    exhausted = [
        pack
        for pack in holdings.whole_archives
        if pack.department not in unsettled and _is_exhausted(pack, holdings)
    ]
    consumed_tiles.throw_away_archives(exhausted, folder, consumer)


def _is_exhausted(archive: Pack, holdings: Holdings) -> bool:
    """Whether an archive's index is unpacked, and all tiles that are needed of it."""
    faulty = {pack.name for pack, _ in holdings.all_faults()}
    unpacked = [
        holding
        for holding in holdings.holdings
        if holding.pack.name == archive.name and not holding.pack.is_loose
    ]
    is_all_there = bool(unpacked) and all(holding.absent.empty for holding in unpacked)
    return is_all_there and archive.name not in faulty


def _own_bytes(archive: Pack, folder: Path) -> int:
    """Bytes of an archive in the drop folder itself; what a link leads to is not thrown away."""
    paths = volumes(archive.path)
    return sum(path.stat().st_size for path in paths if consumed_tiles.is_own_file(path, folder))


def _tile_bytes(cells: gpd.GeoDataFrame, pixel_m: float) -> int:
    """Bytes of the tiles that some cell touches, as large as IGN's are."""
    bounds = cells.to_crs(LAMBERT_93).bounds.to_numpy() // TILE_M
    # A cell is no larger than a tile, so that its corners tell all tiles that it touches.
    corners = np.concatenate([bounds[:, [x, y]] for x in (0, 2) for y in (1, 3)])
    tile_px = (TILE_M / pixel_m) ** 2
    return int(len(np.unique(corners, axis=0)) * tile_px / PX_PER_BYTE)
