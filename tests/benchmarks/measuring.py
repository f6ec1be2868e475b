"""Ways of doing one thing, measured side by side: in turn, several times, by CPU seconds (on a GPU
by wall seconds).

A benchmark is a function of a module of this folder, under `@benchmark`: it prepares its input and
returns its `Ways`; its docstring says what is measured.
"""

import contextlib
import os
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Way = Callable[[], object]
KINDS = ("ours", "floor", "published")


class NotMeasuredError(Exception):
    """A benchmark cannot be measured on this machine; says what it lacks."""


@dataclass
class Ways:
    """Calls that lead to one result.

    Attributes:
        ours: As the project does it.
        floor: The least that any way has to do; its result is not looked at.
        published: As the published code does it.
        check: Takes the results of `ours` and of `published`; raises AssertionError where they are
            not the same.
        items: Number of things that one call does; times are of one.
    """

    ours: Way
    floor: Way | None = None
    published: Way | None = None
    check: Callable[[object, object], None] | None = None
    items: int = 1

    def to_measure(self) -> dict[str, Way]:
        """The calls that there are, by their kind."""
        ways = {kind: getattr(self, kind) for kind in KINDS}
        return {kind: way for kind, way in ways.items() if way is not None}


@dataclass(frozen=True)
class Target:
    """What is asked of a benchmark; None asks nothing.

    Attributes:
        cap: CPU time at most, in the benchmark's unit.
        ratio: Times the floor at most.
        speedup: Times faster than the published way at least.
        memory_mb: Memory of the process at most.
    """

    cap: float | None = None
    ratio: float | None = None
    speedup: float | None = None
    memory_mb: float | None = None

    def __str__(self) -> str:
        asked = [
            ("at most {:g}", self.cap),
            ("at most {:g} of the floor", self.ratio),
            ("at least {:g} times the published speed", self.speedup),
            ("at most {:g} MB", self.memory_mb),
        ]
        return "; ".join(text.format(number) for text, number in asked if number is not None)

    def is_met(
        self,
        ours: float,
        ratio: float | None,
        speedup: float | None,
        peak_mb: float | None = None,
    ) -> bool:
        """Whether the medians and the memory reach all that is asked; what is not known does
        not."""
        return (
            (self.cap is None or ours <= self.cap)
            and (self.ratio is None or ratio <= self.ratio)
            and (self.speedup is None or speedup >= self.speedup)
            and (self.memory_mb is None or (peak_mb is not None and peak_mb <= self.memory_mb))
        )


@dataclass(frozen=True)
class Benchmark:
    """One line of the table.

    Attributes:
        what: Name of what is measured.
        prepare: Of whether the input is to be tiny (for the tests): the ways.
        target: What is asked.
        unit: "ms" or "s" of CPU, and of what.
        repeats: How often each way is measured.
        wall: Whether times and ratios are of wall time: where the CPU only waits for a GPU.
    """

    what: str
    prepare: Callable[[bool], Ways]
    target: Target
    unit: str
    repeats: int
    wall: bool = False


BENCHMARKS: list[Benchmark] = []


def benchmark(
    what: str, target: Target, unit: str, repeats: int = 7, wall: bool = False
) -> Callable:
    """Put a function that prepares ways among the benchmarks; arguments as in `Benchmark`."""

    def register(prepare: Callable[[bool], Ways]) -> Callable[[bool], Ways]:
        BENCHMARKS.append(Benchmark(what, prepare, target, unit, repeats, wall))
        return prepare

    return register


def cpu_seconds() -> float:
    """CPU time of this process and of the children it has waited for, finer than os.times."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def reset_peak() -> None:
    """Forget the largest memory so far, where the system can (Linux)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_mb() -> float | None:
    """The largest memory of this process since `reset_peak`; None where the system does not tell.

    What was imported and prepared before counts, too.
    """
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return None
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def measure(asked: Benchmark, tiny: bool = False) -> dict[str, object]:
    """A row of `benchmarks.csv` (docs/performance.md says each column).

    The ways take turns, so that what else the machine does meets them alike; a ratio is taken
    within each turn. A turn to warm up comes before, unless one turn is all that is asked.

    Raises:
        AssertionError: The published way comes to another result.
    """
    try:
        ways = asked.prepare(tiny)
    except NotMeasuredError as lack:
        nothing: dict[str, list[float]] = {kind: [] for kind in KINDS}
        return _row(asked, nothing, [], None) | {"not_measured": str(lack)}
    calls = ways.to_measure()
    factor = {"ms": 1e3, "s": 1.0}[asked.unit.split()[0]] / ways.items
    times: dict[str, list[float]] = {kind: [] for kind in KINDS}
    wall, peaks = [], []
    warm_up = int(asked.repeats > 1 and not tiny)
    for turn in range(1 if tiny else asked.repeats + warm_up):
        results = {}
        for kind, way in calls.items():
            reset_peak()
            cpu_start, wall_start = cpu_seconds(), time.perf_counter()
            results[kind] = way()
            wall_time = factor * (time.perf_counter() - wall_start)
            cpu_time = factor * (cpu_seconds() - cpu_start)
            times[kind].append(wall_time if asked.wall else cpu_time)
            if kind == "ours":
                wall.append(wall_time)
                peaks.append(peak_mb())
        if turn == 0 and "published" in calls:
            ways.check(results["ours"], results["published"])
    measured = {kind: of_kind[warm_up:] for kind, of_kind in times.items()}
    return _row(asked, measured, wall[warm_up:], max(peaks) if all(peaks) else None)


def _row(
    asked: Benchmark, times: dict[str, list[float]], wall: list[float], peak: float | None
) -> dict[str, object]:
    """The row of measured times: medians, and the range of ours and of the ratio."""
    ratios = _ratios(times["ours"], times["floor"])
    speedups = _ratios(times["published"], times["ours"])
    ours, ratio, speedup = map(_median, (times["ours"], ratios, speedups))
    return {
        "what": asked.what,
        "ours": ours,
        "floor": _median(times["floor"]),
        "published": _median(times["published"]),
        "ratio_to_floor": ratio,
        "speedup": speedup,
        "unit": asked.unit,
        "target": str(asked.target),
        "met": asked.target.is_met(ours, ratio, speedup, peak) if times["ours"] else None,
        "ours_min": min(times["ours"], default=None),
        "ours_max": max(times["ours"], default=None),
        "ratio_min": min(ratios, default=None),
        "ratio_max": max(ratios, default=None),
        "ours_wall": _median(wall),
        "peak_mb": peak,
        "repeats": len(times["ours"]),
        "load": os.getloadavg()[0],
        "not_measured": "",
    }


def _ratios(upper: list[float], lower: list[float]) -> list[float]:
    """One over the other within each turn; none where one of them was not measured."""
    return [a / b for a, b in zip(upper, lower, strict=False)]


def _median(times: list[float]) -> float | None:
    return statistics.median(times) if times else None
