"""By what a file is known again: its size and time, its hash, and what its maker recorded."""

import os
from pathlib import Path
from typing import Any

from urbancam.workflow.files import digest, read_json
from urbancam.workflow.paths import display_path


def size_and_time(path: Path) -> dict[str, int]:
    stat = path.stat()
    return {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns}


def stamp(path: Path, recorded: dict[str, Any] | None) -> dict[str, Any]:
    """Size, mtime and hash of a file.

    The hash is the recorded one where size and mtime are the same.
    """
    stamp = size_and_time(path)
    if recorded and all(recorded.get(key) == value for key, value in stamp.items()):
        return recorded
    return stamp | {"sha256": digest(path)}


def recorded_digest(path: Path, maker: str) -> str | None:
    """SHA-256 of a file as its maker recorded it, beside it or one folder below.

    None where no record tells.
    """
    for place in ("*.json", "*/*.json"):
        for file in path.parent.glob(place):
            record = read_json(file) or {}
            if record.get("step") == maker and (
                hash_then := record.get("sha256", {}).get(display_path(path))
            ):
                return hash_then
    return None


def size(path: Path) -> int:
    """Bytes of a file; of a folder, how many files are in it."""
    if path.is_file():
        return path.stat().st_size
    return sum(not entry.name.startswith(".") for entry in os.scandir(path))


def folder_bytes(folder: Path) -> int:
    """Bytes of the files in a folder: less where one was cut short."""
    entries = os.scandir(folder)
    return sum(entry.stat().st_size for entry in entries if not entry.name.startswith("."))
