"""What an archive holds, and which of its names may be unpacked."""

import re
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import display_path

CHUNK_BYTES = 1 << 20
PART_BYTES = 200  # longest file name allowed; file systems end at 255, temporary names are longer


@dataclass(frozen=True)
class Member:
    """One file in an archive.

    Args:
        raw_name: Path inside the archive, as it stands there; only `check_safe` says whether it may
            be unpacked.
        size_bytes: Size of the unpacked file.
        crc32: CRC-32 of the unpacked bytes; None where the archive keeps none.
        is_link: Whether it is a link, or another thing that is no plain file.
    """

    raw_name: str
    size_bytes: int
    crc32: int | None
    is_link: bool = False

    @property
    def name(self) -> str:
        """Path inside the archive, with "/"."""
        return plain_name(self.raw_name)

    @property
    def is_litter(self) -> bool:
        """Whether it is one of the files that macOS adds to archives for itself."""
        *folders, file = self.name.split("/")
        return "__MACOSX" in folders or file.startswith("._") or file == ".DS_Store"


def plain_name(name: str) -> str:
    """The name with "/", also where an archive made on Windows parts its folders with "\\"."""
    return PurePosixPath(*name.replace("\\", "/").split("/")).as_posix()


def check_safe(members: list[Member], archive: Path) -> None:
    """Refuse members that could be written outside their folder, or over each other.

    Raises:
        InputError: The first such member.
    """
    for member in members:
        if member.is_link:
            raise InputError(
                f"member {member.raw_name!r} is a link",
                display_path(archive),
                "do not use this archive, or unpack it by hand",
            )
        safe_name(member.raw_name, archive)
    check_distinct(members, archive)


def safe_name(name: str, source: Path | str) -> str:
    """The name with "/", if it stays below its folder.

    Args:
        name: What an archive or a server calls a file.
        source: The archive or the address, for the message.

    Raises:
        InputError: The name is absolute, or has "..", a drive, a control character, or a part too
            long for a file system.
    """
    parts = name.replace("\\", "/").split("/")
    is_absolute = parts[0] == ""
    has_drive = re.match(r"[A-Za-z]:", name)
    has_control_character = any(ord(character) < 32 or ord(character) == 127 for character in name)
    is_too_long = any(len(part.encode(errors="replace")) > PART_BYTES for part in parts)
    is_unsafe = (
        not name
        or is_absolute
        or has_drive
        or ".." in parts
        or has_control_character
        or is_too_long
    )
    plain = plain_name(name)
    if is_unsafe or plain == ".":
        raise InputError(
            f"{name!r} is a name that is not safe to write to",
            display_path(source) if isinstance(source, Path) else source,
            "do not use this source, or fetch and unpack the file by hand",
        )
    return plain


def check_distinct(members: list[Member], archive: Path) -> None:
    """Refuse a name that occurs twice, and a file that is also a folder.

    Raises:
        InputError: The first such name.
    """
    names = [member.name for member in members]
    folders = {parent.as_posix() for name in names for parent in PurePosixPath(name).parents}
    counts = Counter(names)
    clashes = [name for name in counts if counts[name] > 1 or name in folders]
    if clashes:
        what = f"two members share the name {clashes[0]!r}"
        raise InputError(what, display_path(archive), "do not use this archive")


def is_whole(path: Path, member: Member) -> bool:
    """Whether the file is the member, by size and CRC; without a CRC it never is."""
    if member.crc32 is None or not path.is_file():
        return False
    if path.stat().st_size != member.size_bytes:
        return False
    crc32 = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            crc32 = zlib.crc32(chunk, crc32)
    return crc32 == member.crc32
