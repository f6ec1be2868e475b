"""IGN's index of packs: which there is for a department, and the files it consists of.

The index (https://data.geopf.fr/telechargement/resource/BDORTHO) is paged; an entry names a
resource, and the resource's own feed, paged too, names its files with length (`gpf_dl:length`) and
MD5 (in `content`, or in a file `.md5` beside the volumes, which may be gone).
"""

import logging
import re
from dataclasses import replace
from pathlib import PurePosixPath
from urllib.parse import urlencode

from urbancam.sources.download.answers import AbsentError, Patience, without_user_info
from urbancam.sources.ign import atom
from urbancam.sources.ign.links import RemoteFile
from urbancam.sources.ign.pack_names import PackName, parse_name
from urbancam.workflow.errors import InputError

log = logging.getLogger(__name__)

PIXEL = "0M20"  # packs of 20 cm, the study's
VOLUME = re.compile(r"\.7z(\.\d+)?$", re.IGNORECASE)


def find_pack(
    index_url: str, department: str, year: int | None, patience: Patience = Patience()
) -> tuple[str, str]:
    """The newest pack of a department (RVB, 20 cm), or the one of a year.

    Args:
        index_url: Address of the index.
        department: Code of the department, as communes carry it.
        year: Year of the campaign; None takes the newest.
        patience: How long to bear with the server.

    Returns:
        Name and address of the pack.

    Raises:
        AbsentError: The index has none; the message says what it has.
        InputError: The index cannot be had or read.
    """
    zone = f"D{department:0>3}"
    # The index is asked for the department's entries only.
    feed_url = f"{index_url}?{urlencode({'zone': zone})}"
    addresses = {}
    for entry in atom.read_entries(feed_url, patience):
        title = atom.entry_title(entry)
        if parse_name(title):
            addresses[title] = atom.entry_link(entry, feed_url) or f"{index_url}/{title}"

    names = {title: parse_name(title) for title in addresses}
    candidates = [title for title, name in names.items() if _suits(name, department, year)]
    if not candidates:
        raise _absent_pack(names, department, year, feed_url)
    # Of two packs of one year the one whose name sorts last.
    newest = max(candidates, key=lambda title: (names[title].year, title))
    return newest, addresses[newest]


def list_files(resource_url: str, patience: Patience = Patience()) -> list[RemoteFile]:
    """The volumes of a pack, in order, with what the index says of them.

    Raises:
        InputError: The feed cannot be had or read, or names no archive.
    """
    volumes = {}
    sums_url = None
    for entry in atom.read_entries(resource_url, patience):
        url = atom.entry_link(entry, resource_url)
        if url is None:
            continue
        file = RemoteFile(url, atom.entry_size_bytes(entry), atom.entry_md5(entry))
        # A feed may name other files too, which are of no use here.
        if VOLUME.search(file.name):
            volumes[file.name] = file
        elif file.name.lower().endswith(".md5"):
            sums_url = url
    if not volumes:
        raise InputError(
            "the feed names no .7z archive",
            without_user_info(resource_url),
            "fetch the pack by hand and put it into data/aerial_data/",
        )

    # The sums in the feed go before those of a file beside the volumes.
    lacks_sums = not all(file.md5 for file in volumes.values())
    if sums_url and lacks_sums:
        sums = _read_sums(sums_url, len(volumes), patience)
        for name, file in volumes.items():
            md5 = file.md5 or sums.get(name) or sums.get("")
            volumes[name] = replace(file, md5=md5)
    return [volumes[name] for name in sorted(volumes)]


def _suits(name: PackName, department: str, year: int | None) -> bool:
    """Whether a pack is of the department and the year, in colour, with pixels of 20 cm."""
    is_colour_of_20_cm = (name.bands, name.pixel) == ("RVB", PIXEL)
    return is_colour_of_20_cm and name.department == department and year in (None, name.year)


def _absent_pack(
    names: dict[str, PackName], department: str, year: int | None, feed_url: str
) -> AbsentError:
    """The error that says which packs of the department the index has instead."""
    titles = [title for title, name in names.items() if name.department == department]
    alternatives = ", ".join(sorted(titles)) or "nothing"
    of_year = f" of {year}" if year else ""
    return AbsentError(
        f"IGN's index has no RVB {PIXEL} pack of department {department}{of_year}; "
        f"it has {alternatives}",
        without_user_info(feed_url),
        "choose imagery.year among them, put a pack into data/aerial_data/, "
        "or name one in aerial_links.txt",
    )


def _read_sums(url: str, file_count: int, patience: Patience) -> dict[str, str]:
    """MD5 by file name out of a `.md5` file; none where the file is gone.

    A lone sum without a name goes by "", which counts only for a pack of one file.
    """
    try:
        text = atom.polite_get(url, patience).decode("utf-8", errors="replace")
    except AbsentError:
        message = "%s is listed but gone; the archive's own checksums must do"
        log.info(message, without_user_info(url))
        return {}
    sums = {}
    for line in text.splitlines():
        match = atom.MD5.search(line)
        if match:
            # What is not the sum is the name, marked as text or binary by md5sum's signs.
            rest = line.replace(match[0], "").strip(" \t*=()")
            name = PurePosixPath(rest.replace("\\", "/")).name
            sums[name] = match[0].lower()
    if file_count > 1:
        sums.pop("", None)
    return sums
