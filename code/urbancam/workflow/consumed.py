"""Files of a drop folder that were thrown away once they had served: they still count as there.

A hidden file in the drop folder holds, of each, its size and time as a listing has them, by which
results it was consumed, and what else its reader needs to know of it.
"""

from pathlib import Path
from typing import Any

from urbancam.workflow import files, locks
from urbancam.workflow.paths import display_path

LEDGER = ".consumed.json"
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

    Args:
        folder: The drop folder.
        facts: What is to be known of each file, by its name below the folder.
        consumers: Results that it has served, by its name.

    Returns:
        Bytes that are free now.
    """
    with locks.hold(folder / f"{LEDGER}.lock", f"what was thrown away of {display_path(folder)}"):
        entries = read(folder)
        # Another process may have thrown some of them away while this one waited.
        present = [name for name in facts if (folder / name).exists()]
        for name in present:
            stat = (folder / name).stat()
            size_and_time = {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns}
            entries[name] = {**entries.get(name, {}), **size_and_time, **facts[name]}
        for name in entries.keys() & facts.keys():
            served = consumers[name] | set(entries[name].get("by", []))
            entries[name]["by"] = sorted(served)
        files.write_json(folder / LEDGER, dict(sorted(entries.items())))
        for name in present:
            (folder / name).unlink()
    return sum(entries[name]["size"] for name in present)
