"""The record beside each result: is it up to date, and what made it.

A step declares what its result depends on (settings, input files, drop folders, its own version).
Beside the closing result stands `<result>.json` with the same things as they were when the result
was made. Equal: the result is up to date. Different: the step says what differs and does its work
again.
"""

import contextlib
import datetime
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from urbancam.workflow.catalogue import BY_HAND
from urbancam.workflow.errors import InputError
from urbancam.workflow.files import digest, read_json, remove_leftovers, write_json
from urbancam.workflow.machine import locks
from urbancam.workflow.paths import ROOT, display_path
from urbancam.workflow.records import consumed, provenance
from urbancam.workflow.records.stamps import (
    folder_bytes,
    recorded_digest,
    size,
    size_and_time,
    stamp,
)
from urbancam.workflow.settings.feature_sets import FeatureSet


@dataclass(frozen=True)
class Done:
    """What the work of a step leaves to be recorded.

    Attributes:
        counts: Numbers of the summary line, by what is counted.
        facts: What else the record tells (seed, device, hash of the weights).
        outputs: Files beside the result, of a step that could not name them before its work.
        inputs: Inputs with their makers, of a step that could not name them before its work.
        leftovers: Files and folders that only a resumption needs; they go once the record stands.
    """

    counts: dict[str, Any]
    facts: dict[str, Any] = field(default_factory=dict)
    outputs: list[Path] | None = None
    inputs: dict[Path, str] | None = None
    leftovers: list[Path] = field(default_factory=list)


@dataclass(frozen=True)
class Step:
    """What one result depends on, and whether it still does.

    Attributes:
        name: Script that makes the result, without `.py`.
        version: Raised by the step's author whenever the same inputs would give other results.
        result: The closing result; its record is `<result>.json`.
        scope: "data", "city" or "run".
        settings: Flat `{"section.key": value}`, only those the result depends on.
        inputs: `{file: script that makes it}`.
        listings: Drop folders whose names, sizes and mtimes count.
        large_inputs: Files of the user's whose sizes and mtimes count: too large to be hashed.
        outputs: Further files and folders that must stand beside the result; None for a step that
            names them only in its `Done`: they are then those of the record.
        label: What the step calls itself in its lines ("Demo", "Demo fold 2").
        fold: The fold that is worked on, None for a step without folds.
        feature_set: The set of features that is measured, None for a step that measures none.
        fills_listings: The step itself puts files into its drop folders; the record lists them as
            it leaves them.
        ways: Settings that say how the result is had, not what it is: changing them makes the work
            be done again, and is never refused.
        inputs_may_go: Inputs may be deleted once they have been read; those of the record then
            stand for them.
        may_be_copied: The same result of another run or variant of the city is copied, where it
            was made from the same things.
    """

    name: str
    version: int
    result: Path
    scope: str
    settings: dict[str, Any]
    inputs: dict[Path, str] = field(default_factory=dict)
    listings: list[Path] = field(default_factory=list)
    large_inputs: list[Path] = field(default_factory=list)
    outputs: list[Path] | None = field(default_factory=list)
    label: str = ""
    fold: int | None = None
    feature_set: FeatureSet | None = None
    fills_listings: bool = False
    inputs_may_go: bool = False
    may_be_copied: bool = False
    ways: frozenset[str] = frozenset()

    @property
    def record_path(self) -> Path:
        return record_path(self.result)

    @cached_property
    def record(self) -> dict[str, Any]:
        """The record as it stands on disk, {} where there is none."""
        return read_json(self.record_path) or {}

    @cached_property
    def current(self) -> dict[str, Any]:
        """What the result would be made from now."""
        recorded = self.record.get("inputs", {})
        stamps = {
            display_path(path): stamp(path, recorded.get(display_path(path)))
            for path in self.inputs
        }
        current = {
            "step": self.name,
            "version": self.version,
            "settings": self.settings,
            "inputs": recorded if self.inputs_may_go and not stamps else stamps,
            "listings": {
                display_path(folder): consumed.listing(folder) for folder in self.listings
            },
        }
        if self.large_inputs:
            current["large_inputs"] = {
                display_path(path): size_and_time(path) for path in self.large_inputs
            }
        return current

    @cached_property
    def fingerprint(self) -> str:
        """Hash of everything the result depends on.

        Marks unfinished work that may be gone on with.
        """
        hashes = {path: stamp["sha256"] for path, stamp in self.current["inputs"].items()}
        content = dict(self.current, inputs=hashes)
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def all_outputs(self) -> list[Path]:
        """The result and what must stand beside it."""
        if self.outputs is None:
            return [self.result, *(ROOT / name for name in self.record.get("outputs", {}))]
        return [self.result, *self.outputs]

    def as_on_disk(self) -> "Step":
        """The same step, with nothing remembered of its record and files."""
        return replace(self)

    def missing_inputs(self) -> list[tuple[Path, str]]:
        """Input files that are not there, each with the script that makes it."""
        return [(path, maker) for path, maker in self.inputs.items() if not path.is_file()]

    def damaged_inputs(self) -> list[tuple[Path, str]]:
        """Input files that are not, byte for byte, what the script that makes them left, each
        with that script."""
        damaged = []
        for path, maker in self.inputs.items():
            hash_then = recorded_digest(path, maker)
            if hash_then and hash_then != self.current["inputs"][display_path(path)]["sha256"]:
                damaged.append((path, maker))
        return damaged

    def changed_settings(self) -> dict[str, tuple[Any, Any]]:
        """Settings that differ from the record's, as `{key: (recorded, now)}`.

        A key that only the record or only the step knows is none of them, where the record is of
        another version of the step: the version tells.
        """
        recorded = self.record.get("settings", {})
        keys = recorded.keys()
        if self.record.get("version") != self.version:
            keys = keys & self.settings.keys()
        return {
            key: (recorded[key], self.settings.get(key))
            for key in sorted(keys)
            if self.settings.get(key) != recorded[key]
        }

    def stale_because(self) -> str:
        """Why the work must be done (again); "" when the result is up to date."""
        if not self.record:
            return "not done yet"
        if not self.result.exists():
            return f"{display_path(self.result)} is missing"
        if missing := [display_path(path) for path, _ in self.missing_inputs()]:
            return f"input is missing: {', '.join(missing)}"
        if self.record.get("version") != self.version:
            return "the step itself is newer"
        if changed := self.changed_settings():
            pairs = (f"{key} {then!r} -> {now!r}" for key, (then, now) in changed.items())
            return f"settings differ: {', '.join(pairs)}"
        return self._stale_inputs() or self._stale_listings() or self._stale_outputs()

    def _stale_inputs(self) -> str:
        recorded, now = self.record.get("inputs", {}), self.current["inputs"]
        for path in sorted(recorded.keys() | now.keys()):
            if path not in recorded or path not in now:
                return f"input differs: {path}"
            if recorded[path].get("sha256") != now[path].get("sha256"):
                return f"input differs: {path}"
        return ""

    def _stale_listings(self) -> str:
        recorded, now = self.record.get("listings", {}), self.current["listings"]
        for folder in sorted(recorded.keys() | now.keys()):
            if recorded.get(folder) != now.get(folder):
                return f"folder differs: {folder}"
        files, files_now = self.record.get("large_inputs", {}), self.current.get("large_inputs", {})
        for file in sorted(files.keys() | files_now.keys()):
            if files.get(file) != files_now.get(file):
                return f"file differs: {file}"
        return ""

    def _stale_outputs(self) -> str:
        recorded = self.record.get("outputs", {})
        # Records that were made before folders were weighed are silent about them.
        recorded_bytes = self.record.get("folder_bytes", {})
        for path in self.all_outputs:
            name = display_path(path)
            if not path.exists():
                return f"{name} is missing"
            if size(path) != recorded.get(name):
                return f"{name} was changed"
            if name in recorded_bytes and folder_bytes(path) != recorded_bytes[name]:
                return f"{name} was changed"
        return ""

    def finish(self, seconds: float, done: Done) -> None:
        """Write the record: the result is complete. What only a resumption needs goes."""
        step = self
        if done.inputs is not None:
            step = replace(step, inputs=done.inputs)
        if done.outputs is not None:
            step = replace(step, outputs=done.outputs)
        if self.fills_listings:
            step = step.as_on_disk()
        content = {
            "outputs": {display_path(path): size(path) for path in step.all_outputs},
            "folder_bytes": {
                display_path(path): folder_bytes(path) for path in step.all_outputs if path.is_dir()
            },
            "sha256": {
                display_path(path): digest(path) for path in step.all_outputs if path.is_file()
            },
            "counts": done.counts,
            "facts": done.facts,
            "packages": provenance.package_versions(),
            "commit": provenance.code_commit(),
            "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "seconds": round(seconds, 1),
        }
        write_json(self.record_path, step.current | content)
        remove_leftovers(done.leftovers)

    @contextlib.contextmanager
    def lock(self) -> Iterator["Step"]:
        """Hold the step for this process; a second process says who holds it and waits.

        Yields:
            The step, looked at anew where another process may just have done the work.
        """
        path = self.result.with_name(f".{self.result.name}.lock")
        with locks.hold(path, f"{self.name} {self.label}") as waited:
            for folder in (self.result.parent, *self.listings):
                locks.sweep(folder)
            yield self.as_on_disk() if waited else self


def record_path(result: Path) -> Path:
    """Where the record of a result stands."""
    return result.with_name(f"{result.name}.json")


def require(path: Path, maker: str, arguments: str) -> None:
    """Raise if an input made by an earlier step is not there."""
    if not path.is_file():
        by_hand = maker == BY_HAND
        do = "put it there" if by_hand else f"run: python code/{maker}.py {arguments}".rstrip()
        raise InputError(f"{display_path(path)} is missing", display_path(path), do)
