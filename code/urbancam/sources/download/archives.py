"""Unpack zip and 7z archives, multi-volume ones too, without trusting them.

Refused, of the members that are wanted: names that leave the folder, absolute names, links, two
members of one name; and encryption, more bytes than the disk has room for. Every member is checked
against its CRC and takes its name only when whole, so unpacking again after a kill goes on.
"""

import logging
import re
import shutil
import stat
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

import py7zr

from urbancam.sources.download.containers import is_zip, open_7z, open_zip
from urbancam.sources.download.members import Member, check_safe, is_whole, plain_name
from urbancam.sources.download.volumes import IncompleteError
from urbancam.workflow.errors import InputError
from urbancam.workflow.files import atomic, scratch_folder
from urbancam.workflow.machine import locks
from urbancam.workflow.paths import display_path

log = logging.getLogger(__name__)

ARCHIVE = re.compile(r"\.(zip|7z|7z\.0*1)$", re.IGNORECASE)
LATER_VOLUME = re.compile(r"\.7z\.(?!0*1$)\d+$", re.IGNORECASE)
NESTING = 3  # archives within archives that are followed
CHUNK_BYTES = 1 << 20


def is_archive(path: Path | str) -> bool:
    """Whether the name is that of a zip, a 7z, or the first volume of one."""
    return bool(ARCHIVE.search(str(path)))


def list_members(archive: Path) -> list[Member]:
    """The files in an archive, but for those that macOS adds.

    Raises:
        InputError: Damaged or encrypted.
    """
    members = _zip_members(archive) if is_zip(archive) else _7z_members(archive)
    return [member for member in members if not member.is_litter]


def is_incomplete(archive: Path) -> bool:
    """Whether an archive is not there as a whole: a volume is missing, or a file was cut short."""
    try:
        list_members(archive)
    except IncompleteError:
        return True
    except InputError:  # damaged, or unsafe: whoever unpacks it says so
        return False
    return False


def unpack(
    archive: Path, folder: Path, is_wanted: Callable[[str], bool] = lambda name: True
) -> list[Path]:
    """Unpack members of a zip or (multi-volume) 7z below a folder, unless they are there already.

    Args:
        archive: `X.zip`, `X.7z`, or the first volume `X.7z.001`.
        folder: Folder to unpack into, created if need be; members keep their paths below it.
        is_wanted: Whether the member of a name is wanted.

    Returns:
        Paths of the wanted members, in the archive's order.

    Raises:
        InputError: Damaged, unsafe, encrypted, a volume missing, or no room for it.
    """
    members = [member for member in list_members(archive) if is_wanted(member.name)]
    check_safe(members, archive)
    folder.mkdir(parents=True, exist_ok=True)
    _check_inside(members, folder, archive)

    # What an earlier run has finished is not unpacked again.
    todo = [member for member in members if not is_whole(folder / member.name, member)]
    _check_room(todo, folder, archive)
    if todo:
        unpack_members = _unpack_zip if is_zip(archive) else _unpack_7z
        unpack_members(archive, folder, todo)

    total_bytes = sum(member.size_bytes for member in todo)
    counts = f"{len(todo)} of {len(members)} wanted files ({total_bytes:,} bytes)"
    log.info("unpacked %s from %s", counts, display_path(archive))
    return [folder / member.name for member in members]


def unpack_nested(
    archive: Path, folder: Path, is_wanted: Callable[[str], bool], depth: int = NESTING
) -> list[Path]:
    """As `unpack`, looking also into archives within the archive (an INSEE zip may hold one 7z)."""

    def is_inner_archive(name: str) -> bool:
        return depth > 0 and bool(ARCHIVE.search(name) or LATER_VOLUME.search(name))

    paths = unpack(archive, folder, lambda name: is_wanted(name) or is_inner_archive(name))
    wanted_paths = [path for path in paths if is_wanted(path.relative_to(folder).as_posix())]
    # Each inner archive is unpacked into a folder beside it.
    for path in paths:
        if path not in wanted_paths and is_archive(path):
            inner_folder = path.with_name(path.name + ".unpacked")
            wanted_paths += unpack_nested(path, inner_folder, is_wanted, depth - 1)
    return wanted_paths


def _zip_members(archive: Path) -> list[Member]:
    with open_zip(archive) as container:
        return [
            Member(
                info.filename,
                info.file_size,
                info.CRC,
                is_link=stat.S_ISLNK(info.external_attr >> 16),  # the upper half is Unix's mode
            )
            for info in container.infolist()
            if not info.is_dir()
        ]


def _7z_members(archive: Path) -> list[Member]:
    with open_7z(archive) as container:
        return [
            Member(
                file.filename,
                file.uncompressed,
                file.crc32,
                is_link=file.is_symlink or file.is_junction or file.is_socket,
            )
            for file in container.files
            if not file.is_directory
        ]


def _check_inside(members: list[Member], folder: Path, archive: Path) -> None:
    """Refuse a member that a link on the disk would lead out of the folder."""
    for member in members:
        target = (folder / member.name).resolve()
        if not target.is_relative_to(folder.resolve()):
            what = f"member {member.name!r} leaves its folder: one on its way there is a link"
            do = (
                f"put the folder itself below {display_path(folder)}, or unpack the archive by hand"
            )
            raise InputError(what, display_path(archive), do)


def _check_room(members: list[Member], folder: Path, archive: Path) -> None:
    needed_bytes = sum(member.size_bytes for member in members)
    free_bytes = shutil.disk_usage(folder).free
    if needed_bytes > free_bytes:
        what = f"unpacked it takes {needed_bytes:,} bytes, the disk has room for {free_bytes:,}"
        raise InputError(
            what, display_path(archive), "free some disk, or name another folder with --data"
        )


def _unpack_zip(archive: Path, folder: Path, members: list[Member]) -> None:
    """Member by member, each of which takes its name when whole."""
    names = {member.name for member in members}
    with open_zip(archive) as container:
        for info in container.infolist():
            if info.is_dir():
                continue
            name = plain_name(info.filename)
            if name not in names:
                continue
            with (
                container.open(info) as source,
                atomic(folder / name) as temporary,
                temporary.open("wb") as target,
            ):
                shutil.copyfileobj(source, target, CHUNK_BYTES)


def _unpack_7z(archive: Path, folder: Path, members: list[Member]) -> None:
    """Block by block (a block is decompressed as a whole): what is finished outlives a kill."""
    names = {member.name for member in members}
    locks.sweep(folder)
    with open_7z(archive) as container, scratch_folder(folder) as staging:
        files = [
            file
            for file in container.files
            if not file.is_directory and plain_name(file.filename) in names
        ]
        # Files of one block follow each other; py7zr decompresses from a block's beginning.
        for _, block in groupby(files, key=lambda file: id(file.folder)):
            file_names = [file.filename for file in block]
            shutil.rmtree(staging, ignore_errors=True)
            container.reset()
            container.extract(staging, targets=file_names)
            for file_name in file_names:
                _move(staging / file_name, folder / plain_name(file_name), file_name)


def _move(staged: Path, target: Path, file_name: str) -> None:
    """Give an unpacked file its place, readable by all."""
    if not staged.is_file():
        raise py7zr.Bad7zFile(f"{file_name!r} did not come out of it")
    target.parent.mkdir(parents=True, exist_ok=True)
    staged.replace(target)
    target.chmod(0o644)
