"""Where packs can be had: `aerial_links.txt`, else IGN's Atom index.

The index (https://data.geopf.fr/telechargement/resource/BDORTHO) is paged; an entry names a resource, and the
resource's own feed, paged too, names its files with length (`gpf_dl:length`) and MD5 (in `content`, or in a file
`.md5` beside the volumes, which may be gone).
"""

import logging
import re
import time
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlencode, urljoin, urlsplit
from xml.etree import ElementTree

from urbancam.sources.download import fetching
from urbancam.sources.download.fetching import AbsentError, Patience
from urbancam.sources.ign.packs import parse_name
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import folder_name, shown

log = logging.getLogger(__name__)

ATOM = "{http://www.w3.org/2005/Atom}"
PAGE_ENTRIES = 50
PAGES_MOST = 1000
INTERVAL_S = (
    1.0  # between two requests to the index, which refuses more (seen by several open clients)
)
PIXEL = "0M20"  # packs of 20 cm, the study's
VOLUME = re.compile(r"\.7z(\.\d+)?$", re.IGNORECASE)
MD5 = re.compile(r"\b[0-9a-fA-F]{32}\b")


@dataclass(frozen=True)
class RemoteFile:
    """A file to be fetched.

    Args:
        url: its address; may hold user info, so it is never shown as it is.
        size_bytes, md5: where the index tells them.
    """

    url: str
    size_bytes: int | None = None
    md5: str | None = None

    @property
    def name(self) -> str:
        return PurePosixPath(unquote(urlsplit(self.url).path)).name


def read_links(path: Path, city: str) -> list[RemoteFile]:
    """The archives that a links file names for a city.

    A line `[Paris]` begins a city, every other line is one address; `#` begins a comment.

    Raises:
        InputError: a line that is neither, with its number.
    """
    if not path.is_file():
        return []
    files, heading = [], ""
    for number, line in enumerate(
        path.read_text(encoding="utf-8-sig", errors="replace").splitlines(), 1
    ):
        line = re.sub(r"(^|\s)#.*", "", line).strip()
        if found := re.fullmatch(r"\[(.+)\]", line):
            heading = folder_name(found[1]).casefold()
        elif line:
            file = RemoteFile(line)
            if not re.match(r"https?://[^/\s]+/\S+$", line) or not file.name:
                raise InputError(
                    f"the line is no address of an archive: {fetching.without_user_info(line)!r}",
                    f"{shown(path)}, line {number}",
                    "one http(s) address a line, # before comments",
                )
            if heading == folder_name(city).casefold():
                files.append(file)
    return files


def find_pack(
    index_url: str, department: str, year: int | None, patience: Patience = Patience()
) -> tuple[str, str]:
    """Name and address of the newest pack of a department (RVB, 20 cm), or of the year asked for.

    Raises:
        AbsentError: the index has none; what it has is told.
        InputError: the index cannot be had or read.
    """
    zone = f"D{department:0>3}"
    feed_url = f"{index_url}?{urlencode({'zone': zone})}"
    resources = {}
    for entry in _entries(feed_url, patience):
        title = (entry.findtext(f"{ATOM}title") or "").strip()
        if parse_name(title):
            resources[title] = _link(entry, feed_url) or f"{index_url}/{title}"
    known = {title: parse_name(title) for title in resources}
    fitting = [
        title
        for title, name in known.items()
        if (name.department, name.bands, name.pixel) == (department, "RVB", PIXEL)
        and year in (None, name.year)
    ]
    if not fitting:
        there = (
            ", ".join(sorted(t for t, n in known.items() if n.department == department))
            or "nothing"
        )
        of_year = f" of {year}" if year else ""
        raise AbsentError(
            f"IGN's index has no RVB {PIXEL} pack of department {department}{of_year}; it has {there}",
            fetching.without_user_info(feed_url),
            "choose imagery.year among them, put a pack into data/aerial_data/, or name one in aerial_links.txt",
        )
    best = max(fitting, key=lambda title: (known[title].year, title))
    return best, resources[best]


def list_files(resource_url: str, patience: Patience = Patience()) -> list[RemoteFile]:
    """The volumes of a pack, in order, with what the index tells of them.

    Raises:
        InputError: the feed cannot be had or read, or names no archive.
    """
    volumes, sums_url = {}, None
    for entry in _entries(resource_url, patience):
        url = _link(entry, resource_url)
        if url is None:
            continue
        file = RemoteFile(url, _length(entry), _md5(entry.findtext(f"{ATOM}content")))
        if VOLUME.search(file.name):
            volumes[file.name] = file
        elif file.name.lower().endswith(".md5"):
            sums_url = url
    if not volumes:
        raise InputError(
            "the feed names no .7z archive",
            fetching.without_user_info(resource_url),
            "fetch the pack by hand and put it into data/aerial_data/",
        )
    if sums_url and not all(file.md5 for file in volumes.values()):
        sums = _sums(sums_url, len(volumes), patience)
        volumes = {
            n: RemoteFile(f.url, f.size_bytes, f.md5 or sums.get(n) or sums.get(""))
            for n, f in volumes.items()
        }
    return [volumes[name] for name in sorted(volumes)]


def _sums(url: str, files_count: int, patience: Patience) -> dict[str, str]:
    """MD5 by file name out of a `.md5` file; a lone sum without a name goes by "". None where the file is gone."""
    try:
        text = _polite_get(url, patience).decode("utf-8", errors="replace")
    except AbsentError:
        log.info(
            "%s is listed but gone; the archive's own checksums must do",
            fetching.without_user_info(url),
        )
        return {}
    sums = {}
    for line in text.splitlines():
        if found := MD5.search(line):
            name = PurePosixPath(
                line.replace(found[0], "").strip(" \t*=()").replace("\\", "/")
            ).name
            sums[name] = found[0].lower()
    return sums if files_count == 1 else {name: value for name, value in sums.items() if name}


def _entries(url: str, patience: Patience) -> list[ElementTree.Element]:
    """The entries of all pages of a feed."""
    entries, page, pages = [], 1, 1
    while page <= min(pages, PAGES_MOST):
        separator = "&" if "?" in url else "?"
        feed = _feed(
            f"{url}{separator}{urlencode({'page': page, 'limit': PAGE_ENTRIES})}", patience
        )
        found = feed.findall(f"{ATOM}entry")
        if not found:
            break
        entries += found
        counts = [v for k, v in feed.attrib.items() if k.rpartition("}")[2] == "pagecount"]
        pages = int(counts[0]) if counts and counts[0].isdigit() else 1
        page += 1
    return entries


def _feed(url: str, patience: Patience) -> ElementTree.Element:
    where = fetching.without_user_info(url)
    try:
        feed = ElementTree.fromstring(_polite_get(url, patience))
    except ElementTree.ParseError as error:
        do = "try again later, or fetch the packs by hand"
        raise InputError(f"the answer is no XML ({error})", where, do) from None
    if feed.tag != f"{ATOM}feed":
        raise InputError(
            f"the answer is no Atom feed but <{feed.tag}>", where, "look the address up"
        )
    return feed


_last_request = 0.0


def _polite_get(url: str, patience: Patience) -> bytes:
    """One request to the index, not sooner than it likes."""
    global _last_request
    time.sleep(max(0.0, _last_request + INTERVAL_S - time.monotonic()))
    _last_request = time.monotonic()
    return fetching.get(url, patience=patience).content


def _link(entry: ElementTree.Element, base: str) -> str | None:
    link = entry.find(f"{ATOM}link")
    href = None if link is None else link.get("href")
    return urljoin(base, href) if href else None


def _length(entry: ElementTree.Element) -> int | None:
    link = entry.find(f"{ATOM}link")
    values = [value for key, value in link.attrib.items() if key.rpartition("}")[2] == "length"]
    return int(values[0]) if values and values[0].isdigit() else None


def _md5(text: str | None) -> str | None:
    found = MD5.fullmatch((text or "").strip())
    return found[0].lower() if found else None
