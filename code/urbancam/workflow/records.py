"""The record beside each result: is it up to date, and what made it.

A step declares what its result depends on (settings, input files, drop folders, its own version). Beside the
closing result stands `<result>.json` with the same things as they were when the result was made. Equal: the
result is up to date. Different: the step says what differs and does its work again.
"""

import contextlib
import datetime
import fcntl
import hashlib
import importlib.metadata
import json
import logging
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from urbancam.workflow.errors import InputError
from urbancam.workflow.files import digest, listing, read_json, write_json
from urbancam.workflow.paths import ROOT, shown

log = logging.getLogger(__name__)

PACKAGES = (
    "numpy pandas scipy scikit-learn pyarrow geopandas shapely pyogrio pyproj rasterio torch torchvision "
    "efficientnet-pytorch grad-cam zennit py7zr matplotlib"
).split()


def _stamp(path: Path, known: dict[str, Any] | None) -> dict[str, Any]:
    """Size, mtime and hash of a file; the hash is taken from `known` where size and mtime are the same."""
    stat = path.stat()
    stamp = {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns}
    if known and all(known.get(key) == value for key, value in stamp.items()):
        return known
    return stamp | {"sha256": digest(path)}


def _recorded_digest(path: Path, maker: str) -> str | None:
    """SHA-256 of a file as its maker recorded it, beside it or one folder below; None where no record tells."""
    for place in ("*.json", "*/*.json"):
        for file in path.parent.glob(place):
            record = read_json(file) or {}
            if record.get("step") == maker and (known := record.get("sha256", {}).get(shown(path))):
                return known
    return None


def _size(path: Path) -> int:
    """Bytes of a file; of a folder, how many files are in it."""
    return (
        path.stat().st_size
        if path.is_file()
        else sum(not e.name.startswith(".") for e in os.scandir(path))
    )


def _sweep(folder: Path) -> None:
    """Remove what killed processes left half-written in a folder (the names that `atomic` gives)."""
    for path in folder.glob(".*.tmp*"):
        owner = re.search(r"\.(\d+)\.tmp", path.name)
        if owner and not Path("/proc", owner[1]).exists() and Path("/proc/self").exists():
            path.unlink(missing_ok=True)


@dataclass
class Step:
    """What one result depends on, and whether it still does.

    Args:
        name: the script without `.py`.
        version: raised by the step's author whenever the same inputs would give other results.
        result: the closing result; its record is `<result>.json`.
        scope: "data", "city" or "run".
        settings: flat `{"section.key": value}`, only those the result depends on.
        inputs: `{file: script that makes it}`.
        listings: drop folders whose names, sizes and mtimes count.
        outputs: further files and folders that must stand beside the result.
        label: what the step calls itself in its lines ("Demo", "Demo fold 2").
    """

    name: str
    version: int
    result: Path
    scope: str
    settings: dict[str, Any]
    inputs: dict[Path, str] = field(default_factory=dict)
    listings: list[Path] = field(default_factory=list)
    outputs: list[Path] = field(default_factory=list)
    label: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    afterwards: Callable[[], None] | None = (
        None  # done once the record stands: what only a resume needs may go
    )

    @property
    def record_path(self) -> Path:
        return self.result.with_name(self.result.name + ".json")

    @cached_property
    def record(self) -> dict[str, Any]:
        """The record as it stands on disk, {} where there is none."""
        return read_json(self.record_path) or {}

    @cached_property
    def current(self) -> dict[str, Any]:
        """What the result would be made from now."""
        known = self.record.get("inputs", {})
        return {
            "step": self.name,
            "version": self.version,
            "settings": self.settings,
            "inputs": {shown(p): _stamp(p, known.get(shown(p))) for p in self.inputs},
            "listings": {shown(p): listing(p) for p in self.listings},
        }

    @cached_property
    def fingerprint(self) -> str:
        """Hash of everything the result depends on; marks unfinished work that may be gone on with."""
        content = dict(
            self.current, inputs={k: v["sha256"] for k, v in self.current["inputs"].items()}
        )
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

    def missing_inputs(self) -> list[tuple[Path, str]]:
        """Input files that are not there, each with the script that makes it."""
        return [(path, maker) for path, maker in self.inputs.items() if not path.is_file()]

    def damaged_inputs(self) -> list[tuple[Path, str]]:
        """Input files that are not, byte for byte, what the script that makes them left, each with that script."""
        stamps = self.current["inputs"]
        pairs = [
            (path, maker, _recorded_digest(path, maker)) for path, maker in self.inputs.items()
        ]
        return [
            (path, maker)
            for path, maker, then in pairs
            if then and then != stamps[shown(path)]["sha256"]
        ]

    def changed_settings(self) -> dict[str, tuple[Any, Any]]:
        """Settings that differ from the record's, as `{key: (recorded, now)}`."""
        then = self.record.get("settings")
        if then is None:
            return {}
        keys = sorted(then.keys() | self.settings.keys())
        return {
            k: (then.get(k), self.settings.get(k))
            for k in keys
            if then.get(k) != self.settings.get(k)
        }

    def stale_because(self) -> str:
        """Why the work must be done (again); "" when the result is up to date."""
        if not self.record:
            return "not done yet"
        if not self.result.exists():
            return f"{shown(self.result)} is missing"
        if gone := [shown(p) for p, _ in self.missing_inputs()]:
            return f"input is missing: {', '.join(gone)}"
        if self.record.get("version") != self.version:
            return "the step itself is newer"
        if changed := self.changed_settings():
            return "settings differ: " + ", ".join(
                f"{k} {a!r} -> {b!r}" for k, (a, b) in changed.items()
            )
        return self._stale_files()

    def _stale_files(self) -> str:
        for kind, name in (("inputs", "input"), ("listings", "folder")):
            then, now = self.record.get(kind, {}), self.current[kind]
            for key in sorted(then.keys() | now.keys()):
                same = then.get(key) == now.get(key)
                if kind == "inputs" and not same and key in then and key in now:
                    same = then[key].get("sha256") == now[key].get("sha256")
                if not same:
                    return f"{name} differs: {key}"
        for path in [self.result, *self.outputs]:
            if not path.exists():
                return f"{shown(path)} is missing"
            if _size(path) != self.record.get("outputs", {}).get(shown(path)):
                return f"{shown(path)} was changed"
        return ""

    def finish(self, seconds: float, counts: dict[str, Any]) -> None:
        """Write the record: the result is complete."""
        outputs = [self.result, *self.outputs]
        write_json(
            self.record_path,
            self.current
            | {
                "outputs": {shown(p): _size(p) for p in outputs},
                "sha256": {shown(p): digest(p) for p in outputs if p.is_file()},
                "counts": counts,
                "facts": self.facts,
                "packages": _versions(),
                "commit": _commit(),
                "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
                "seconds": round(seconds, 1),
            },
        )

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the step for this process; a second process says who holds it and waits."""
        path = self.result.with_name(f".{self.result.name}.lock")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                log.info(
                    "%s %s: process %s is at it, waiting",
                    self.name,
                    self.label,
                    file.read().strip() or "?",
                )
                fcntl.flock(file, fcntl.LOCK_EX)
                for kept in (
                    "record",
                    "current",
                    "fingerprint",
                ):  # the other process may just have done the work
                    self.__dict__.pop(kept, None)
            file.seek(0)
            file.truncate()
            file.write(f"{os.getpid()}\n")
            file.flush()
            _sweep(self.result.parent)
            yield


def require(path: Path, maker: str, arguments: str) -> None:
    """Raise if an input made by an earlier step is not there."""
    if not path.is_file():
        do = (
            "put it there"
            if maker == "by hand"
            else f"run: python code/{maker}.py {arguments}".rstrip()
        )
        raise InputError(f"{shown(path)} is missing", shown(path), do)


def _versions() -> dict[str, str]:
    versions = {}
    for package in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    return versions


def _commit() -> str | None:
    """The git commit of the code, with "+changes" where the tree differs from it; None outside git."""
    try:
        commit = _git("rev-parse", "HEAD")
        return commit + ("+changes" if _git("status", "--porcelain", "code") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
