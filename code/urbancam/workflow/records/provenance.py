"""By what code and which packages a result was made, and what records tell of it."""

import contextlib
import importlib.metadata
import subprocess
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from urbancam.workflow.files import read_json
from urbancam.workflow.paths import ROOT

PACKAGES = (
    "numpy pandas scipy scikit-learn pyarrow geopandas shapely pyogrio pyproj rasterio torch "
    "torchvision efficientnet-pytorch timm grad-cam py7zr matplotlib"
).split()
# What the record of a training tells of a map's positions; of tokens the page warns.
POSITIONS = "positions"
TOKENS = "tokens"


def package_versions() -> dict[str, str]:
    """Versions of the packages that results depend on, of those that are installed."""
    return dict(_versions())


@lru_cache
def _versions() -> tuple[tuple[str, str], ...]:
    """They are read from the disk once."""
    versions = []
    for package in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions.append((package, importlib.metadata.version(package)))
    return tuple(versions)


def code_commit() -> str | None:
    """The git commit of the code, with "+changes" where the tree differs from it.

    None outside git.
    """
    try:
        commit = _git("rev-parse", "HEAD")
        return commit + ("+changes" if _git("status", "--porcelain", "code") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def has_tokens(records: Iterable[dict[str, Any]]) -> bool:
    """Whether a training among these records tells that a map's positions are tokens."""
    return any(record.get("facts", {}).get(POSITIONS) == TOKENS for record in records)


def read_records(
    folders: Iterable[Path], files: Iterable[Path] = (), but: Path | None = None
) -> list[dict[str, Any]]:
    """The records of steps in some folders and the folders just below them, in the order of the
    steps.

    Args:
        folders: Folders of results.
        files: Further records.
        but: One that is left out, of the step that asks.
    """
    there = [
        file
        for folder in folders
        for place in ("*.json", "*/*.json")
        for file in folder.glob(place)
    ]
    # Hidden ones are of a killed write.
    whole = {file for file in [*there, *files] if not file.name.startswith(".")} - {but}
    records = [record for file in whole if (record := read_json(file)) and "step" in record]
    return sorted(records, key=lambda record: (record["step"], record["date"]))


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
