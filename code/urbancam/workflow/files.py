"""Files written whole or not at all, read back, hashed and listed."""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from urbancam.workflow.paths import shown


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its name when the block ends well, and goes when
    it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        # A full disk is told by who wrote, without the file's name.
        error.filename = error.filename or shown(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def write_files(folder: Path, contents: Iterable[tuple[str, bytes]]) -> None:
    """Write files by name and content, each atomically."""
    for name, content in contents:
        with atomic(folder / name) as temporary:
            temporary.write_bytes(content)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write readable JSON, atomically."""
    with atomic(path) as temporary:
        text = json.dumps(content, indent=1, ensure_ascii=False)
        temporary.write_text(f"{text}\n", encoding="utf-8")


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

    Hidden and partial files left out.
    """
    rows = []
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in names:
            if name.startswith(".") or name.endswith(".part"):
                continue
            path = Path(parent, name)
            stat = path.stat()
            rows.append([path.relative_to(folder).as_posix(), stat.st_size, stat.st_mtime_ns])
    return sorted(rows)


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
