"""Fetch the packs that a city's cells need and that are not in place."""

import logging
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import geopandas as gpd

from urbancam.sources.download import archives, fetching
from urbancam.sources.download.answers import Patience
from urbancam.sources.download.partial_file import PART_SUFFIX
from urbancam.sources.ign import index
from urbancam.sources.ign.campaigns import Wanted
from urbancam.sources.ign.holdings import Holdings
from urbancam.sources.ign.links import RemoteFile
from urbancam.sources.ign.pack_names import pack_stem
from urbancam.sources.ign.packs import find_packs
from urbancam.sources.ign.tiles import BARE_SHARE, WHOLE_SHARE, covered_share, in_one_table
from urbancam.workflow.errors import InputError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Offer:
    """What IGN's index has for a department.

    Args:
        names: All packs of the department.
        name: The one to fetch.
        files: Its volumes.
    """

    names: list[str]
    name: str
    files: list[RemoteFile]


def pending_links(
    files: list[RemoteFile],
    folder: Path,
    patience: Patience = Patience(),
    absent: Collection[str] = (),
) -> list[RemoteFile]:
    """The archives of `aerial_links.txt` that are not in the drop folder, unpacked or not.

    Args:
        files: The archives.
        folder: The drop folder.
        patience: How long to bear with the servers.
        absent: Names of unpacked packs that lack tiles which are needed.

    Returns:
        They, with the sizes that the server says, where it says them.
    """
    if not files:
        return []
    packs = find_packs(folder)
    # An archive may be deleted once what is needed of it is unpacked.
    unpacked = {pack.name for pack in packs if not pack.is_archive} - set(absent)
    incomplete = {
        pack.name for pack in packs if pack.is_archive and archives.is_incomplete(pack.path)
    }
    pending = []
    for file in files:
        stem = pack_stem(file.name)
        is_absent = stem not in unpacked and not (folder / file.name).exists()
        if is_absent or stem in incomplete:
            pending.append(replace(file, size_bytes=_announced_bytes(file, patience)))
    return pending


def _announced_bytes(file: RemoteFile, patience: Patience) -> int | None:
    """The size of a linked file; None where the server does not say it at once."""
    try:
        return fetching.announced_bytes(file.url, replace(patience, tries=1))
    except InputError:
        return None  # whoever fetches it says what is wrong


def fetch_linked(
    files: list[RemoteFile], folder: Path, patience: Patience = Patience()
) -> list[InputError]:
    """Fetch the files of `pending_links`.

    Returns:
        What went wrong, by file; the others have been fetched.
    """
    faults = []
    for file in files:
        path = folder / file.name
        try:
            fetching.fetch(file.url, path, size_bytes=file.size_bytes, patience=patience)
        except InputError as error:
            log.info("%s: %s", file.name, error.what)
            faults.append(error)
    return faults


def lacking_departments(cells: gpd.GeoDataFrame, holdings: Holdings) -> list[str]:
    """Departments of which imagery is to be fetched.

    Those with cells that no tile covers, or that a tile would cover which a pack's index names and
    which is not there; not those whose whole archive is in place, which has no more to give, or
    was, where no index names a tile.
    """
    share = covered_share(cells, in_one_table(holdings.obtainable()))
    could_be_covered = covered_share(cells, in_one_table(holdings.out_of_reach())) > BARE_SHARE
    lacks_tiles = (share < WHOLE_SHARE) & could_be_covered
    is_unknown = (share < BARE_SHARE) & ~could_be_covered
    with_archive = {archive.department for archive in holdings.whole_archives}
    # The index of an archive that was thrown away stands, and names all that it had.
    had_archive = {
        held.pack.department
        for held in holdings.holdings
        if held.pack.name in holdings.consumed.archives
    }
    lacking = {*cells["department"][lacks_tiles]}
    lacking |= {*cells["department"][is_unknown]} - had_archive
    return sorted(lacking - with_archive)


def begun_packs(holdings: Holdings, folder: Path) -> set[str]:
    """Names of the packs that are in place in part, so that they can be gone on with."""
    names = {pack.name for pack, _ in holdings.incomplete} | set(holdings.absent)
    # Of a download killed in its first file nothing has its name yet.
    parts = [path.name.removesuffix(PART_SUFFIX) for path in folder.glob(f"*{PART_SUFFIX}")]
    return names | {pack_stem(name) for name in parts}


def ask_index(
    department: str,
    index_url: str,
    wanted: Wanted,
    patience: Patience = Patience(),
    begun: Collection[str] = (),
) -> Offer:
    """What IGN's index has for a department, and which of it is to be fetched.

    Args:
        department: Code of the department.
        index_url: Address of the index.
        wanted: Which campaigns are wanted.
        patience: How long to bear with the server.
        begun: Packs that are in place in part.

    Raises:
        AbsentError: The index has none that is wanted.
        InputError: The index cannot be had or read.
    """
    addresses = index.packs_on_offer(index_url, department, patience)
    name = index.choose_pack(addresses, department, wanted, begun)
    if name is None:
        raise index.absent_pack(addresses, department, wanted, index_url)
    return Offer(sorted(addresses), name, index.list_files(addresses[name], patience))


def fetch_pack(offer: Offer, folder: Path, patience: Patience = Patience()) -> list[InputError]:
    """Fetch the volumes of the pack that is to be fetched.

    Returns:
        What went wrong, if anything did; what has been fetched is kept.
    """
    log.info("fetches %s: %d files, %s", offer.name, len(offer.files), _size(offer.files))
    try:
        for file in offer.files:
            fetching.fetch(
                file.url,
                folder / file.name,
                size_bytes=file.size_bytes,
                md5=file.md5,
                patience=patience,
            )
    except InputError as error:
        log.info("%s: %s", offer.name, error.what)
        return [error]
    return []


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
