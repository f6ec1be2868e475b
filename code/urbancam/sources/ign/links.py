"""Files of other servers by their addresses, and `aerial_links.txt`, which names some."""

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from urbancam.sources.download.answers import without_user_info
from urbancam.sources.download.members import safe_name
from urbancam.workflow.errors import InputError
from urbancam.workflow.folder_names import folder_name
from urbancam.workflow.paths import display_path


@dataclass(frozen=True)
class RemoteFile:
    """A file to be fetched.

    Args:
        url: Address; it may hold user info, so no message shows it as it is.
        size_bytes: Size, where the index says it.
        md5: Hexadecimal MD5, where the index says it.
    """

    url: str
    size_bytes: int | None = None
    md5: str | None = None

    @property
    def name(self) -> str:
        """The file's name, as it will stand on disk.

        Raises:
            InputError: No file can be called so (a zero byte, "..", too long).
        """
        name = PurePosixPath(unquote(urlsplit(self.url).path)).name
        return safe_name(name, without_user_info(self.url)) if name else ""


def read_links(path: Path, city: str) -> list[RemoteFile]:
    """The archives that a links file names for a city.

    A line `[Paris]` begins a city, every other line is one address; `#` begins a comment.

    Args:
        path: The links file; one that does not exist names nothing.
        city: Name of the city; accents, blanks and capitals do not matter.

    Raises:
        InputError: A line that is neither, with its number.
    """
    if not path.is_file():
        return []
    files = []
    heading = ""
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    for number, line in enumerate(text.splitlines(), 1):
        # A `#` within an address, as in `a.7z#b`, begins no comment.
        content = re.sub(r"(^|\s)#.*", "", line).strip()
        match = re.fullmatch(r"\[(.+)\]", content)
        if match:
            heading = _city_key(match[1])
        elif content:
            # An address under any city must be one, not only those of this city.
            file = _linked_file(content, f"{display_path(path)}, line {number}")
            if heading == _city_key(city):
                files.append(file)
    return files


def _city_key(name: str) -> str:
    return folder_name(name).casefold()


def _linked_file(address: str, where: str) -> RemoteFile:
    """The file of an address.

    Raises:
        InputError: The text is no address of a file.
    """
    if not _is_address(address):
        raise InputError(
            f"the line is no address of an archive: {without_user_info(address)!r}",
            where,
            "one http(s) address a line, # before comments",
        )
    return RemoteFile(address)


def _is_address(text: str) -> bool:
    """Whether a text is the http(s) address of a file."""
    try:
        urlsplit(text)
    except ValueError:  # brackets round what is no address of IPv6
        return False
    return bool(re.match(r"https?://[^/\s]+/\S+$", text) and RemoteFile(text).name)
