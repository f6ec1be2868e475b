"""Unpack zip and 7z archives, multi-volume ones too, without trusting them.

Refused: names that leave the folder, absolute names, links, two members of one name, encryption, more bytes
than the disk has room for. Every member is checked against its CRC and takes its name only when whole, so
unpacking again after a kill goes on.
"""

import errno
import io
import logging
import lzma
import re
import shutil
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath

import py7zr
from py7zr.exceptions import ArchiveError, PasswordRequired

from urbancam.sources.download.volumes import SEVEN_ZIP_MAGIC, JoinedFiles, check_whole, volumes
from urbancam.workflow.errors import InputError
from urbancam.workflow.files import atomic
from urbancam.workflow.paths import shown

log = logging.getLogger(__name__)

ARCHIVE = re.compile(r"\.(zip|7z|7z\.0*1)$", re.IGNORECASE)
LATER_VOLUME = re.compile(r"\.7z\.(?!0*1$)\d+$", re.IGNORECASE)
NESTING = 3  # archives within archives that are followed
CHUNK_BYTES = 1 << 20
PART_BYTES = 200  # longest file name taken; file systems end at 255, temporary names are longer

# What zipfile, py7zr and the decompressors under them raise on damaged bytes (found by flipping them).
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    ArchiveError,
    EOFError,
    struct.error,
    ValueError,
    IndexError,
    TypeError,
    AssertionError,
    NotImplementedError,
    OverflowError,
    MemoryError,
)


@dataclass(frozen=True)
class Member:
    """One file in an archive.

    Args:
        name: path inside the archive, with "/", known to be safe.
        size_bytes: unpacked.
        crc32: of the unpacked bytes; None where the archive keeps none.
    """

    name: str
    size_bytes: int
    crc32: int | None


def is_archive(path: Path | str) -> bool:
    """Whether the name is that of a zip, a 7z, or the first volume of one."""
    return bool(ARCHIVE.search(str(path)))


def list_members(archive: Path) -> list[Member]:
    """The files in an archive, all of their names checked.

    Raises:
        InputError: damaged, encrypted, or with a member that could write outside its folder.
    """
    if _is_zip(archive):
        with _opened_zip(archive) as opened:
            members = [
                Member(_safe_name(info.filename, archive), info.file_size, info.CRC)
                for info in opened.infolist()
                if not info.is_dir()
            ]
    else:
        with open_7z(archive) as opened:
            members = [
                Member(_safe_name(file.filename, archive), file.uncompressed, file.crc32)
                for file in opened.files
                if not file.is_directory
            ]
    _check_distinct(members, archive)
    return members


def unpack(
    archive: Path, folder: Path, wanted: Callable[[str], bool] = lambda name: True
) -> list[Path]:
    """Unpack the wanted members of a zip or (multi-volume) 7z below a folder; what is already there is kept.

    Args:
        archive: `X.zip`, `X.7z`, or the first volume `X.7z.001`.
        folder: is made; members keep their paths below it.
        wanted: says of a member's name whether it is.

    Returns:
        Paths of the wanted members, in the archive's order.

    Raises:
        InputError: damaged, unsafe, encrypted, a volume missing, or no room for it.
    """
    members = [member for member in list_members(archive) if wanted(member.name)]
    folder.mkdir(parents=True, exist_ok=True)
    for member in members:
        if not (folder / member.name).resolve().is_relative_to(folder.resolve()):
            raise InputError(
                f"member {member.name!r} leaves its folder",
                shown(archive),
                "do not use this archive",
            )
    todo = [member for member in members if not _is_whole(folder / member.name, member)]
    _check_room(todo, folder, archive)
    if todo and _is_zip(archive):
        _unpack_zip(archive, folder, todo)
    elif todo:
        _unpack_7z(archive, folder, todo)
    total_bytes = sum(member.size_bytes for member in todo)
    counts = f"{len(todo)} of {len(members)} wanted files ({total_bytes:,} bytes)"
    log.info("unpacked %s from %s", counts, shown(archive))
    return [folder / member.name for member in members]


def unpack_nested(
    archive: Path, folder: Path, wanted: Callable[[str], bool], depth: int = NESTING
) -> list[Path]:
    """As `unpack`, looking also into archives within the archive (an INSEE zip may hold one 7z)."""

    def inner(name: str) -> bool:
        return depth > 0 and bool(ARCHIVE.search(name) or LATER_VOLUME.search(name))

    paths = unpack(archive, folder, lambda name: wanted(name) or inner(name))
    found = [path for path in paths if wanted(path.relative_to(folder).as_posix())]
    for path in paths:
        if path not in found and is_archive(path):
            found += unpack_nested(path, path.with_name(path.name + ".unpacked"), wanted, depth - 1)
    return found


@contextmanager
def open_7z(archive: Path) -> Iterator[py7zr.SevenZipFile]:
    """A 7z archive opened for reading, all of its volumes as one file."""
    paths = volumes(archive)
    check_whole(paths)
    with (
        _damage_named(archive),
        JoinedFiles(paths) as raw,
        io.BufferedReader(raw, CHUNK_BYTES) as file,
    ):
        with py7zr.SevenZipFile(file) as opened:
            for member in opened.files:
                if member.is_symlink or member.is_junction or member.is_socket:
                    raise _link(member.filename, archive)
            yield opened


@contextmanager
def _opened_zip(archive: Path) -> Iterator[zipfile.ZipFile]:
    with _damage_named(archive), zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            if stat.S_ISLNK(info.external_attr >> 16):
                raise _link(info.filename, archive)
            if info.flag_bits & 1:
                raise PasswordRequired
        yield opened


@contextmanager
def _damage_named(archive: Path) -> Iterator[None]:
    """Damage of any kind becomes one message."""
    again = "delete it and fetch it again"
    try:
        yield
    except InputError:
        raise
    except PasswordRequired:
        raise InputError(
            "the archive is encrypted", shown(archive), "put it there without a password"
        ) from None
    except DAMAGE as error:
        what = f"the archive is damaged or cut short ({type(error).__name__}: {error})"
        raise InputError(what, shown(archive), again) from None
    except OSError as error:
        if error.errno not in (
            None,
            errno.EINVAL,
        ):  # a fault of the disk; bz2 raises without a number
            raise
        raise InputError(f"the archive is damaged ({error})", shown(archive), again) from None


def _unpack_zip(archive: Path, folder: Path, members: list[Member]) -> None:
    names = {member.name for member in members}
    with _opened_zip(archive) as opened:
        for info in opened.infolist():
            if not info.is_dir() and (name := _safe_name(info.filename, archive)) in names:
                with (
                    opened.open(info) as source,
                    atomic(folder / name) as temporary,
                    temporary.open("wb") as target,
                ):
                    shutil.copyfileobj(source, target, CHUNK_BYTES)


def _unpack_7z(archive: Path, folder: Path, members: list[Member]) -> None:
    """Block by block (a block is decompressed as a whole): what a kill leaves finished stays finished."""
    staging = folder / ".unpacking"
    names = {member.name for member in members}
    with open_7z(archive) as opened:
        files = [
            f
            for f in opened.files
            if not f.is_directory and _safe_name(f.filename, archive) in names
        ]
        for _, block in groupby(files, key=lambda file: id(file.folder)):
            block = list(block)
            shutil.rmtree(staging, ignore_errors=True)
            opened.reset()
            opened.extract(staging, targets=[file.filename for file in block])
            for file in block:
                staged, target = (
                    staging / file.filename,
                    folder / _safe_name(file.filename, archive),
                )
                if not staged.is_file():
                    raise py7zr.Bad7zFile(f"{file.filename!r} did not come out of it")
                target.parent.mkdir(parents=True, exist_ok=True)
                staged.replace(target)
                target.chmod(0o644)
    shutil.rmtree(staging, ignore_errors=True)


def _is_zip(archive: Path) -> bool:
    """Whether an archive is a zip, by its first bytes; else it is a 7z.

    Raises:
        InputError: it is neither.
    """
    with archive.open("rb") as file:
        head = file.read(64)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return True
    if head.startswith(SEVEN_ZIP_MAGIC):
        return False
    what = (
        "the file is empty"
        if not head
        else f"the file is neither zip nor 7z, it begins with {head[:32]!r}"
    )
    raise InputError(
        what, shown(archive), "delete it and fetch it again; a server may have sent a page instead"
    )


def _link(name: str, archive: Path) -> InputError:
    return InputError(
        f"member {name!r} is a link",
        shown(archive),
        "do not use this archive, or unpack it by hand",
    )


def _safe_name(name: str, archive: Path) -> str:
    """The name with "/", if it stays below its folder.

    Raises:
        InputError: absolute, with "..", a drive, a control character, or a part too long for a file system.
    """
    parts = name.replace("\\", "/").split("/")
    bad = (
        not name
        or parts[0] == ""
        or re.match(r"[A-Za-z]:", name)
        or ".." in parts
        or any(ord(c) < 32 or ord(c) == 127 for c in name)
        or any(len(part.encode(errors="replace")) > PART_BYTES for part in parts)
    )
    cleaned = PurePosixPath(*parts).as_posix()
    if bad or cleaned == ".":
        raise InputError(
            f"member {name!r} has a name that is not safe to unpack",
            shown(archive),
            "do not use this archive, or unpack it by hand",
        )
    return cleaned


def _check_distinct(members: list[Member], archive: Path) -> None:
    """No name twice, and no file that is also a folder."""
    names = [member.name for member in members]
    folders = {parent.as_posix() for name in names for parent in PurePosixPath(name).parents}
    clash = [name for name, count in Counter(names).items() if count > 1 or name in folders]
    if clash:
        raise InputError(
            f"two members share the name {clash[0]!r}", shown(archive), "do not use this archive"
        )


def _check_room(members: list[Member], folder: Path, archive: Path) -> None:
    needed, free = sum(member.size_bytes for member in members), shutil.disk_usage(folder).free
    if needed > free:
        what = f"unpacked it takes {needed:,} bytes, the disk has room for {free:,}"
        raise InputError(what, shown(archive), "free some disk, or name another folder with --data")


def _is_whole(path: Path, member: Member) -> bool:
    """Whether the file is the member, by size and CRC."""
    if not path.is_file() or path.stat().st_size != member.size_bytes or member.crc32 is None:
        return False
    crc = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            crc = zlib.crc32(chunk, crc)
    return crc == member.crc32
