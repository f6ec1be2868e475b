"""Fetch the packs that a city's cells need and that are not in place."""

import logging
import shutil
from collections.abc import Collection
from pathlib import Path

import geopandas as gpd

from urbancam.sources.download import archives, fetching
from urbancam.sources.download.answers import Patience
from urbancam.sources.download.partial_file import PART_SUFFIX
from urbancam.sources.ign import index
from urbancam.sources.ign.campaigns import Wanted
from urbancam.sources.ign.links import RemoteFile
from urbancam.sources.ign.pack_names import pack_stem
from urbancam.sources.ign.packs import find_packs
from urbancam.sources.ign.tiles import BARE_SHARE, WHOLE_SHARE, CityTiles, covered_share
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import shown

log = logging.getLogger(__name__)


def fetch_linked(
    files: list[RemoteFile],
    folder: Path,
    patience: Patience = Patience(),
    absent: Collection[str] = (),
) -> list[InputError]:
    """Fetch the archives of `aerial_links.txt` that are not in the drop folder, unpacked or not.

    Args:
        files: The archives.
        folder: The drop folder.
        patience: How long to bear with the servers.
        absent: Names of unpacked packs that lack tiles which are needed.

    Returns:
        What went wrong, by file; the others have been fetched.
    """
    if not files:
        return []
    packs = find_packs(folder)
    # An archive may be deleted once what is needed of it is unpacked.
    unpacked = {pack.name for pack in packs if not pack.is_archive} - set(absent)
    incomplete = {
        pack.name for pack in packs if pack.is_archive and archives.is_incomplete(pack.path)
    }
    faults = []
    for file in files:
        stem = pack_stem(file.name)
        if stem in unpacked and stem not in incomplete:
            continue
        try:
            _fetch_linked_file(file, folder, patience, is_suspect=stem in incomplete)
        except InputError as error:
            log.info("%s: %s", file.name, error.what)
            faults.append(error)
    return faults


def _fetch_linked_file(
    file: RemoteFile, folder: Path, patience: Patience, is_suspect: bool
) -> None:
    """Fetch a file unless it is in place; one that may be cut short is measured by the server's."""
    path = folder / file.name
    size_bytes = file.size_bytes
    if is_suspect and path.exists():
        size_bytes = fetching.announced_bytes(file.url, patience)
    fetching.fetch(file.url, path, size_bytes=size_bytes, patience=patience)


def lacking_departments(cells: gpd.GeoDataFrame, city_tiles: CityTiles) -> list[str]:
    """Departments of which imagery is to be fetched.

    Those with cells that no tile covers, or that a tile would cover which a pack's index names and
    which is not there; not those whose whole archive is in place, which has no more to give.
    """
    share = covered_share(cells, city_tiles.tiles)
    is_bare = share < BARE_SHARE
    could_be_covered = (share < WHOLE_SHARE) & city_tiles.holdings.absent_over(cells)
    with_archive = {archive.department for archive in city_tiles.holdings.whole_archives}
    return sorted(set(cells["department"][is_bare | could_be_covered]) - with_archive)


def begun_packs(city_tiles: CityTiles, folder: Path) -> set[str]:
    """Names of the packs that are in place in part, so that they can be gone on with."""
    names = {pack.name for pack, _ in city_tiles.holdings.incomplete}
    names |= set(city_tiles.holdings.absent)
    # Of a download killed in its first file nothing has its name yet.
    parts = [path.name.removesuffix(PART_SUFFIX) for path in folder.glob(f"*{PART_SUFFIX}")]
    return names | {pack_stem(name) for name in parts}


def fetch_departments(
    departments: list[str],
    index_url: str,
    folder: Path,
    wanted: Wanted = Wanted(),
    patience: Patience = Patience(),
    begun: Collection[str] = (),
) -> list[InputError]:
    """Fetch one pack for each department.

    Args:
        departments: Codes of the departments.
        index_url: Address of IGN's index.
        folder: The drop folder.
        wanted: Which campaigns are wanted.
        patience: How long to bear with the servers.
        begun: Packs that are in place in part.

    Returns:
        What went wrong, by department; the others have been fetched.
    """
    faults = []
    for department in departments:
        try:
            name, url = index.find_pack(index_url, department, wanted, patience, begun)
            _fetch_pack(name, index.list_files(url, patience), folder, patience)
        except InputError as error:
            log.info("department %s: %s", department, error.what)
            faults.append(error)
    return faults


def _fetch_pack(name: str, files: list[RemoteFile], folder: Path, patience: Patience) -> None:
    """Fetch the volumes of a pack."""
    _check_room(files, folder)
    log.info("fetches %s: %d files, %s", name, len(files), _size(files))
    for file in files:
        fetching.fetch(
            file.url,
            folder / file.name,
            size_bytes=file.size_bytes,
            md5=file.md5,
            patience=patience,
        )


def _check_room(files: list[RemoteFile], folder: Path) -> None:
    """Refuse a pack for which the disk has no room.

    Raises:
        InputError: What the pack takes, and what is free.
    """
    folder.mkdir(parents=True, exist_ok=True)
    missing_bytes = bytes_to_fetch(files, folder)
    free_bytes = shutil.disk_usage(folder).free
    if missing_bytes > free_bytes:
        raise InputError(
            f"the pack takes {missing_bytes / 1e9:.1f} GB, "
            f"the disk has room for {free_bytes / 1e9:.1f} GB",
            shown(folder),
            "name another folder with --data, or use --set imagery.source=wms",
        )


def bytes_to_fetch(files: list[RemoteFile], folder: Path) -> int:
    """Bytes of a pack that are not in place yet, of those files whose size the index says."""
    return sum(
        max(file.size_bytes - fetching.bytes_in_place(folder / file.name), 0)
        for file in files
        if file.size_bytes
    )


def _size(files: list[RemoteFile]) -> str:
    """The size of all files together, where the index says all of them."""
    sizes = [file.size_bytes for file in files if file.size_bytes]
    if len(sizes) < len(files):
        return "of unknown size"
    return f"{sum(sizes) / 1e9:.2f} GB"
