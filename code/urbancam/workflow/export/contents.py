"""What of a run is exported, what of its records, and what changed since another export."""

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

# Work that others cannot use, or that weighs gigabytes: weights, embeddings, maps and pictures of
# every cell, variants that are trained for comparison.
LEFT_OUT_FOLDERS = ("fold_*", "maps", "variants", "tensorboard", "*.parts")
LEFT_OUT_FILES = (".*", "*.parquet", "*.npy", "*.pt", "*.log")
# Of a record: what the result was made of and by what; not when, nor on which disk.
RECORD_KEYS = ("step", "version", "settings", "counts", "facts", "packages", "commit")
MANIFEST_COLUMNS = ("file", "bytes", "sha256")


def files_of(run_folder: Path) -> list[Path]:
    """The files of a run that are exported: tables, figures, pages, layers for other programs.

    Args:
        run_folder: Folder of the run.

    Returns:
        Paths below the folder, sorted.
    """
    files = [path for path in run_folder.rglob("*") if path.is_file() and not _is_record(path)]
    return sorted(path for path in files if _is_exported(path.relative_to(run_folder)))


def _is_record(path: Path) -> bool:
    """Whether a file is the record beside a result."""
    return path.suffix == ".json" and path.with_name(path.stem).exists()


def _is_exported(path: Path) -> bool:
    in_work = any(folder.match(name) for folder in path.parents for name in LEFT_OUT_FOLDERS)
    return not in_work and not any(path.match(name) for name in LEFT_OUT_FILES)


def reduce_record(record: Mapping[str, Any], folders: Mapping[Path, str]) -> dict[str, Any]:
    """What a record tells that is the same wherever and whenever the result is made.

    Args:
        record: A record as it stands beside a result.
        folders: Folders of results and data, and what they are called in an export.
    """
    inputs = {path: stamp["sha256"] for path, stamp in record.get("inputs", {}).items()}
    return {key: record[key] for key in RECORD_KEYS if key in record} | {
        "inputs": _renamed(inputs, folders),
        "sha256": _renamed(record.get("sha256", {}), folders),
    }


def _renamed(hashes: Mapping[str, str], folders: Mapping[Path, str]) -> dict[str, str]:
    """Hashes by the names of files in an export."""
    return {public_name(path, folders): sha256 for path, sha256 in sorted(hashes.items())}


def public_name(path: str, folders: Mapping[Path, str]) -> str:
    """The name of a file without the place of its folder on this disk."""
    for folder, name in folders.items():
        if Path(path).is_relative_to(folder):
            return str(PurePosixPath(name, Path(path).relative_to(folder).as_posix()))
    return path


def render_manifest(hashes: Mapping[str, tuple[int, str]]) -> str:
    """The table of all files: name, bytes, SHA-256; sorted by name."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(MANIFEST_COLUMNS)
    writer.writerows((name, *hashes[name]) for name in sorted(hashes))
    return text.getvalue()


def read_manifest(text: str) -> dict[str, str]:
    """SHA-256 of each file of a manifest."""
    return {row["file"]: row["sha256"] for row in csv.DictReader(io.StringIO(text))}


def name_changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What changed between two exports, one line for each kind of change.

    Args:
        before: SHA-256 of each file of the earlier export.
        now: The same of the later one.
    """
    kinds = {
        "new": now.keys() - before.keys(),
        "gone": before.keys() - now.keys(),
        "changed": {name for name in now.keys() & before.keys() if now[name] != before[name]},
    }
    return [f"{kind}: {', '.join(sorted(names))}" for kind, names in kinds.items() if names]


def changed_settings(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Settings that differ, a line each.

    Args:
        before: Flat settings of the earlier export.
        now: The same of the later one.
    """
    return [
        f"{key}: {before.get(key)} -> {now.get(key)}"
        for key in sorted(before.keys() | now.keys())
        if before.get(key) != now.get(key)
    ]


def years(values: Iterable[str]) -> str:
    """The campaign years of images in words: "2014, 2018"; "" where none is known."""
    return ", ".join(sorted({str(int(float(value))) for value in values if value}))
