"""Zip and 7z files opened for reading: damage, encryption and links become plain messages."""

import errno
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import py7zr
from py7zr.exceptions import ArchiveError, PasswordRequired

from urbancam.sources.download.volumes import (
    SEVEN_ZIP_MAGIC,
    IncompleteError,
    JoinedFiles,
    check_whole,
    later_volumes,
    volumes,
)
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import display_path


class DamagedError(InputError):
    """An archive whose bytes are not what they were."""


BUFFER_BYTES = 1 << 20
ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")  # a first member, or the end of an empty archive
ZIP_ENCRYPTED = 1  # bit of a member's flags

# What zipfile, py7zr and the decompressors below them raise on damaged bytes (as flipping bytes
# shows).
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


def is_zip(archive: Path) -> bool:
    """Whether an archive is a zip, by its first bytes; else it is a 7z.

    Raises:
        IncompleteError: The file is empty, or gone since it was listed.
        InputError: It is neither.
    """
    try:
        with archive.open("rb") as file:
            head = file.read(64)
    except FileNotFoundError:
        gone = f"volumes are missing: {archive.name}" if later_volumes(archive) else "it is gone"
        what = f"{gone}; another process may have thrown it away"
        raise IncompleteError(what, display_path(archive), "run again to fetch it") from None
    # The name is not asked: a server may have sent anything under it.
    if head.startswith(ZIP_MAGICS):
        return True
    if head.startswith(SEVEN_ZIP_MAGIC):
        return False
    advice = "delete it and fetch it again; a server may have sent a page instead"
    if not head:
        raise IncompleteError("the file is empty", display_path(archive), advice)
    what = f"the file is neither zip nor 7z, it begins with {head[:32]!r}"
    raise InputError(what, display_path(archive), advice)


@contextmanager
def open_zip(archive: Path) -> Iterator[zipfile.ZipFile]:
    """A zip archive opened for reading.

    Raises:
        IncompleteError: It ends before its list of members, which stands last.
        InputError: It is damaged or encrypted.
    """
    if not zipfile.is_zipfile(archive):
        what = "the archive is cut short: the list of its members, which stands last, is missing"
        raise IncompleteError(what, display_path(archive), "delete it and fetch it again")
    with _plain_damage(archive), zipfile.ZipFile(archive) as container:
        for info in container.infolist():
            if info.flag_bits & ZIP_ENCRYPTED:
                raise PasswordRequired
        yield container


@contextmanager
def open_7z(archive: Path) -> Iterator[py7zr.SevenZipFile]:
    """A 7z archive opened for reading, all of its volumes as one file.

    Raises:
        IncompleteError: It is cut short, or lacks a volume.
        InputError: It is damaged or encrypted.
    """
    paths = volumes(archive)
    check_whole(paths)
    with (
        _plain_damage(archive),
        JoinedFiles(paths) as raw_file,
        io.BufferedReader(raw_file, BUFFER_BYTES) as file,
        py7zr.SevenZipFile(file) as container,
    ):
        yield container


@contextmanager
def _plain_damage(archive: Path) -> Iterator[None]:
    """Damage of any kind becomes one message."""
    advice = "delete it and fetch it again"
    try:
        yield
    except InputError:  # is a ValueError, and has its message already
        raise
    except PasswordRequired:
        what = "the archive is encrypted"
        raise InputError(what, display_path(archive), "put it there without a password") from None
    except DAMAGE as error:
        what = f"the archive is damaged or cut short ({type(error).__name__}: {error})"
        raise DamagedError(what, display_path(archive), advice) from None
    except OSError as error:
        # Any other number is a fault of the disk; bz2 raises without a number.
        is_damage = error.errno in (None, errno.EINVAL)
        if not is_damage:
            raise
        raise DamagedError(
            f"the archive is damaged ({error})", display_path(archive), advice
        ) from None
