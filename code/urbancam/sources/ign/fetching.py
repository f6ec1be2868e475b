"""Fetch the packs that a city's cells need and that are not in place."""

import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from urbancam.sources.download import archives, fetching
from urbancam.sources.download.answers import Patience
from urbancam.sources.download.partial_file import PART_SUFFIX
from urbancam.sources.ign import index
from urbancam.sources.ign.campaigns import NOTHING_IN_PLACE, CampaignChoice, Standing
from urbancam.sources.ign.links import RemoteFile
from urbancam.sources.ign.pack_names import pack_stem, parse_name
from urbancam.sources.ign.packs import Pack, find_packs
from urbancam.workflow.errors import InputError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Offer:
    """What IGN's index has for a department.

    Args:
        names: All packs of the department.
        name: The one to fetch.
        files: The volumes of that pack.
    """

    names: list[str]
    name: str
    files: list[RemoteFile]


def home_of(file: RemoteFile, packs: Iterable[Pack], folder: Path) -> Path:
    """The folder of a pack's files: where some of its volumes stand below the drop folder, else
    the drop folder. What a link leads to is no such place.

    Args:
        file: A volume of the pack.
        packs: Packs in place.
        folder: The drop folder.
    """
    stem = pack_stem(file.name)
    parents = [pack.path.parent for pack in packs if pack.is_archive_of(stem)]
    own = [path for path in parents if path.resolve().is_relative_to(folder.resolve())]
    return min(own, key=lambda path: len(path.parts), default=folder)


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
        is_here = (home_of(file, packs, folder) / file.name).exists()
        is_absent = stem not in unpacked and not is_here
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
    files: list[RemoteFile], home: Path, patience: Patience = Patience()
) -> list[InputError]:
    """Fetch files of `pending_links` into the folder of their pack.

    Returns:
        What went wrong, by file; the others have been fetched.
    """
    faults = []
    for file in files:
        path = home / file.name
        try:
            fetching.fetch(file.url, path, size_bytes=file.size_bytes, patience=patience)
        except InputError as error:
            log.info("%s: %s", file.name, error.what)
            faults.append(error)
    return faults


def begun_downloads(folder: Path) -> set[str]:
    """The packs of which a download was begun: of one killed in its first file nothing has its
    name yet."""
    parts = [path.name.removesuffix(PART_SUFFIX) for path in folder.glob(f"*{PART_SUFFIX}")]
    return {pack_stem(part) for part in parts if parse_name(part)}


def ask_index(
    department: str,
    index_url: str,
    choice: CampaignChoice,
    patience: Patience = Patience(),
    standing: Standing = NOTHING_IN_PLACE,
) -> Offer:
    """What IGN's index has for a department, and which of it is to be fetched.

    Args:
        department: Code of the department.
        index_url: Address of the index.
        choice: Which campaigns are taken, and before which others.
        patience: How long to bear with the server.
        standing: What is in place of the department.

    Raises:
        AbsentError: The index has none that is wanted.
        InputError: The index cannot be had or read.
    """
    addresses = index.packs_on_offer(index_url, department, patience)
    name = index.choose_pack(addresses, department, choice, standing)
    if name is None:
        raise index.absent_pack(addresses, department, choice, index_url, standing)
    return Offer(sorted(addresses), name, index.list_files(addresses[name], patience))


def fetch_pack(offer: Offer, home: Path, patience: Patience = Patience()) -> list[InputError]:
    """Fetch the volumes of the pack that is to be fetched into its folder.

    Returns:
        What went wrong, if anything did; what has been fetched is kept.
    """
    log.info("fetches %s: %d files, %s", offer.name, len(offer.files), _size(offer.files))
    try:
        for file in offer.files:
            fetching.fetch(
                file.url,
                home / file.name,
                size_bytes=file.size_bytes,
                md5=file.md5,
                patience=patience,
            )
    except InputError as error:
        log.info("%s: %s", offer.name, error.what)
        return [error]
    return []


def bytes_to_fetch(files: list[RemoteFile], home: Path) -> int:
    """Bytes of a pack that are not in its folder yet, of those files whose size is known."""
    return sum(
        max(file.size_bytes - fetching.bytes_in_place(home / file.name), 0)
        for file in files
        if file.size_bytes
    )


def _size(files: list[RemoteFile]) -> str:
    """The size of all files together, where the index says all of them."""
    sizes = [file.size_bytes for file in files if file.size_bytes]
    if len(sizes) < len(files):
        return "of unknown size"
    return f"{sum(sizes) / 1e9:.2f} GB"
