"""Files of a drop folder that were thrown away once they had served: they still count as there.

A hidden file in the drop folder holds, of each, its size and time as a listing has them, by which
results it was consumed, and what else its reader needs to know of it.
"""

import contextlib
import os
from pathlib import Path
from typing import Any

from urbancam.workflow import files
from urbancam.workflow.machine import locks
from urbancam.workflow.paths import display_path

LEDGER = ".consumed.json"
GOING = "going"  # size and time of a file that is noted, and about to be removed
Entries = dict[str, dict[str, Any]]  # by name below the drop folder, with "/"


def read(folder: Path) -> Entries:
    """What was thrown away out of a drop folder; nothing where there is no ledger."""
    return files.read_json(folder / LEDGER) or {}


def listing(folder: Path) -> list[list[Any]]:
    """The `files.listing` of a drop folder, as if what was thrown away were still there."""
    rows = {row[0]: row for row in files.listing(folder)}
    for name, entry in read(folder).items():
        rows.setdefault(name, [name, entry["size"], entry["mtime_ns"]])
    return sorted(rows.values())


def throw_away(folder: Path, facts: Entries, consumers: dict[str, set[str]]) -> int:
    """Throw files away, noted first, so that a kill leaves no file that is gone and not noted.

    What a killed process had noted and not thrown away yet goes too.

    Args:
        folder: The drop folder.
        facts: What is to be known of each file, by its name below the folder.
        consumers: Results that it has served, by its name.

    Returns:
        Bytes that are free now.
    """
    is_unfinished = any(GOING in entry for entry in read(folder).values())
    if not facts and not is_unfinished:
        return 0  # nor is anything written, which a folder that is only read would not bear
    with locks.hold(folder / f"{LEDGER}.lock", f"what was thrown away of {display_path(folder)}"):
        entries = read(folder)
        # Another process may have thrown some of them away while this one waited.
        present = [name for name in facts if (folder / name).exists()]
        for name in present:
            entries[name] = _noted(folder / name, entries.get(name, {}), facts[name])
        for name in entries.keys() & facts.keys():
            served = consumers[name] | set(entries[name].get("by", []))
            entries[name]["by"] = sorted(served)
        going = [name for name, entry in entries.items() if GOING in entry]
        _write(folder, entries)
        freed_bytes = sum(_remove(folder / name, entries[name].pop(GOING)) for name in going)
        _write(folder, entries)
    return freed_bytes


def welcome_back(folder: Path, facts: Entries) -> None:
    """Give files that came back as they were the time that they had, so that no listing differs.

    Args:
        folder: The drop folder.
        facts: What is to be known of each file that stands, by its name below the folder.
    """
    entries = read(folder)
    for name in entries.keys() & facts.keys():
        entry = entries[name]
        now = _size_and_time(folder / name)
        if _is_same(entry, now, facts[name]) and now["mtime_ns"] != entry["mtime_ns"]:
            # Of another's file the time cannot be set; then the folder looks changed.
            with contextlib.suppress(PermissionError):
                os.utime(folder / name, ns=(entry["mtime_ns"], entry["mtime_ns"]))


def _write(folder: Path, entries: Entries) -> None:
    files.write_json(folder / LEDGER, dict(sorted(entries.items())))


def _noted(path: Path, before: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    """The entry of a file that is to go; one that had come back as it was keeps its time."""
    now = _size_and_time(path)
    is_same = bool(before) and _is_same(before, now, facts)
    return {**before, **({} if is_same else now), **facts, GOING: now}


def _size_and_time(path: Path) -> dict[str, int]:
    stat = path.stat()
    return {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns}


def _is_same(entry: dict[str, Any], now: dict[str, int], facts: dict[str, Any]) -> bool:
    """Whether a file, by its size and what is known of it, is the one that was thrown away."""
    return entry["size"] == now["size"] and all(
        entry.get(key) == value for key, value in facts.items()
    )


def _remove(path: Path, noted: dict[str, int]) -> int:
    """Remove a file that is still the one that was noted; its bytes, 0 where it is gone."""
    if not path.is_file() or _size_and_time(path) != noted:
        return 0
    path.unlink()
    return noted["size"]
