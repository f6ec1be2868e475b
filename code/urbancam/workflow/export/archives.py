"""Zip archives that are the same bytes for the same contents."""

import hashlib
import re
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

from urbancam.workflow.files import digest

LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first date of the format: none
MODE = 0o644 << 16  # a file that everyone may read
UNIX = 3


def write(path: Path, contents: Mapping[str, Path | str]) -> None:
    """Write an archive; order, dates and modes of the files on disk do not enter it.

    Args:
        path: Path of the archive.
        contents: Name in the archive -> a file, or a text.
    """
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(contents):
            entry = zipfile.ZipInfo(name, LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = UNIX
            entry.external_attr = MODE
            content = contents[name]
            if isinstance(content, str):
                archive.writestr(entry, content.encode())
                continue
            entry.file_size = content.stat().st_size
            with content.open("rb") as source, archive.open(entry, "w") as target:
                shutil.copyfileobj(source, target, 1 << 20)


def versions(folder: Path, name: str) -> dict[int, Path]:
    """The archives of a name in a folder by their versions, the latest last."""
    numbered = {}
    for path in folder.glob(f"{name}-v*.zip"):
        if match := re.fullmatch(rf"{re.escape(name)}-v(\d+)\.zip", path.name):
            numbered[int(match[1])] = path
    return dict(sorted(numbered.items()))


def read_text(path: Path, file_name: str) -> str:
    """A text file of an archive, whatever folder it lies in there."""
    with zipfile.ZipFile(path) as archive:
        name = next(name for name in archive.namelist() if name.endswith(f"/{file_name}"))
        return archive.read(name).decode()


def weigh(content: Path | str) -> tuple[int, str]:
    """Bytes and SHA-256 of a file or a text."""
    if isinstance(content, Path):
        return content.stat().st_size, digest(content)
    encoded = content.encode()
    return len(encoded), hashlib.sha256(encoded).hexdigest()
