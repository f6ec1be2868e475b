"""Files written whole or not at all, read back, hashed and listed."""

import contextlib
import errno
import hashlib
import json
import logging
import os
import platform
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import display_path

log = logging.getLogger(__name__)


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its name when the block ends well, and goes when
    it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{process_mark()}.tmp{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        # A full disk is told by who wrote, without the file's name.
        error.filename = error.filename or display_path(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def process_mark() -> str:
    """What tells the unfinished files of this process from those of others: `<machine>-<number>`.

    Several machines may work on one disk.
    """
    return f"{machine_mark()}-{os.getpid()}"


def machine_mark() -> str:
    """Eight signs for this machine's name."""
    return f"{zlib.crc32(platform.node().encode()):08x}"


@contextlib.contextmanager
def scratch_folder(folder: Path) -> Iterator[Path]:
    """The path of a hidden folder below `folder` to unpack into; it goes when the block ends.

    What a killed process leaves there is swept up as its unfinished files are (`locks.sweep`).
    """
    scratch = folder / f".unpacked.{process_mark()}.tmp"
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def write_files(folder: Path, contents: Iterable[tuple[str, bytes]]) -> None:
    """Write files by name and content, each atomically."""
    for name, content in contents:
        with atomic(folder / name) as temporary:
            temporary.write_bytes(content)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write readable JSON, atomically."""
    with atomic(path) as temporary:
        text = json.dumps(content, indent=1, ensure_ascii=False)
        # A name that is not UTF-8 holds surrogates, which so become escapes of JSON.
        temporary.write_text(f"{text}\n", encoding="utf-8", errors="backslashreplace")


def read_json(path: Path) -> dict[str, Any] | None:
    """The JSON of a file.

    None where there is none or it cannot be read: the work is then done again.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, UnicodeDecodeError, json.JSONDecodeError):
        return None
    return content if isinstance(content, dict) else None


def digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def listing(folder: Path) -> list[list[Any]]:
    """Every file below a drop folder as `[name, size, mtime_ns]`, sorted.

    Hidden and partial files are left out, and links that lead nowhere. Links to files and folders,
    on another disk perhaps, are followed.
    """
    rows = []
    for name, path in _files_by_name(folder).items():
        stat = _stat(path)
        if stat is not None:
            rows.append([name, stat.st_size, stat.st_mtime_ns])
    return sorted(rows)


def files_below(folder: Path, is_wanted: Callable[[str], bool]) -> list[Path]:
    """The files of a drop folder's `listing` that a reader wants, sorted.

    Args:
        folder: The drop folder.
        is_wanted: Whether the file of a name below the folder, with "/", is wanted.

    Raises:
        InputError: A wanted file has a name that is not UTF-8, which no table can hold.
    """
    paths = []
    for name, path in sorted(_files_by_name(folder).items()):
        if not is_wanted(name):
            continue
        if _stat(path) is None:
            log.info("%s is not read: it is a link that leads nowhere", display_path(path))
            continue
        if name != printable(name):
            raise InputError(
                f"the name {printable(name)} is not UTF-8",
                display_path(folder),
                "rename the file or folder",
            )
        paths.append(path)
    return sorted(paths)


def printable(name: str) -> str:
    """A file's name with escapes for the bytes that are not UTF-8 (PEP 383's surrogates)."""
    return name.encode(errors="backslashreplace").decode()


def _files_by_name(folder: Path) -> dict[str, Path]:
    """Every file below a folder by its name there; hidden and partial ones left out.

    A folder is read once, by its own name rather than by that of a link to it, and a link to a
    folder above is not followed.
    """
    passed = {_identity(parent) for parent in folder.resolve().parents}
    starts = [folder]
    files = {}
    # Links are put off until all folders that lie here themselves have been read.
    for start in starts:
        for parent, folders, names in os.walk(start):
            identity = _identity(Path(parent))
            if identity in passed:
                folders.clear()
                continue
            passed.add(identity)
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            paths = [Path(parent, name) for name in folders]
            starts += [path for path in paths if path.is_symlink()]
            for name in names:
                if not name.startswith(".") and not name.endswith(".part"):
                    path = Path(parent, name)
                    files[path.relative_to(folder).as_posix()] = path
    return files


def _identity(folder: Path) -> tuple[int, int] | None:
    """What tells a folder from all others, by whatever name; None where it is gone."""
    stat = _stat(folder)
    return stat and (stat.st_dev, stat.st_ino)


def _stat(path: Path) -> os.stat_result | None:
    """What the disk says of the file that a path leads to; None where it leads to none."""
    try:
        return path.stat()
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            return None
        raise


def open_parts(folder: Path, fingerprint: str, pictures: Path | None = None) -> Path:
    """Folder of the finished parts of unfinished work; those of other settings or inputs go.

    Args:
        folder: Folder of all parts of a result.
        fingerprint: Fingerprint of the step (`Step.fingerprint`).
        pictures: Folder that the parts have filled; it goes with them.
    """
    parts = folder / fingerprint
    if not parts.exists():
        shutil.rmtree(folder, ignore_errors=True)
        if pictures:
            shutil.rmtree(pictures, ignore_errors=True)
    parts.mkdir(parents=True, exist_ok=True)
    return parts


def remove_leftovers(paths: Iterable[Path]) -> None:
    """Remove files and folders that only a resumption needed."""
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def parts_of_table(path: Path) -> list[Path]:
    """The files that a table is made of: a shapefile has several, others are one."""
    if path.suffix.lower() != ".shp":
        return [path]
    beside = [path.with_suffix(suffix) for suffix in (".dbf", ".shx", ".prj", ".cpg")]
    return [path, *(part for part in beside if part.is_file())]
