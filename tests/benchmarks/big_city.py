"""A city of Paris's size through all steps, beside one of a quarter of its cells: time and memory
of each step, and whether they grow faster than the cells.

The demo city at coarse pixels, laid side by side; a network of three convolutions, one epoch. What
a step took stands in FOLDER once it is done: a call that was stopped goes on there.

Writes  results/big_city.csv; with --docs the table of docs/performance.md too
Run     .venv/bin/python tests/benchmarks/big_city.py FOLDER [--copies SMALL LARGE]
        [--steps NUMBER ...] [--docs]
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "code"), str(ROOT / "tests")]

import pandas as pd  # noqa: E402

from benchmarks import tiled_city, tiny_network  # noqa: E402
from urbancam.workflow import catalogue  # noqa: E402
from urbancam.workflow.records import provenance  # noqa: E402

TABLE = ROOT / "results" / "big_city.csv"
PAGE = ROOT / "docs" / "performance.md"
START, END = "<!-- big city: from here -->", "<!-- big city: to here -->"
COPIES, QUARTER = 225, 56  # of the demo city: 68,400 and 17,024 cells
CITY = "Big"
FIRST, LAST = "06", "92"  # steps of the catalogue that are measured
GROWTH = 1.15  # time of a cell in the large city over that in the small one, at most
KB_A_CELL = 30  # of memory that a cell more may take
MEMORY_MB = 8000
SETTINGS = {
    "imagery.pixel_size_m": tiled_city.PIXEL_M,
    "image.size_px": 32,
    "model.backbone": tiny_network.NAME,
    "model.weights": "random",
    "training.epochs": 1,
    "training.learning_rate": 1e-2,  # to tell poor from rich after a single epoch
    "split.folds": 2,
    "compare.splits": "[]",
    "compare.shuffled_labels": "false",
    "planted.plants": 5,  # of 20: each is one more of the same
    "baselines.features_px": 32,
    "baselines.patches": 64,
}
# Folds that train side by side are processes of their own, without the network that
# `tiny_network` adds: one worker trains them in turn.
WORKERS = {"11_train_income": 1}
USUAL_WORKERS = 2
POLL_S = 0.5


def take_through(
    results: Path, data: Path, scripts: list[str] | None = None
) -> dict[str, dict[str, float]]:
    """Run steps of the city, in order; None: all of `steps`. Those measured before are not run.

    Returns:
        Step -> `cpu_s, wall_s, peak_mb`.
    """
    kept = results / "costs.json"
    measured = json.loads(kept.read_text()) if kept.is_file() else {}
    for script in scripts or steps():
        if script in measured:
            continue
        workers = str(WORKERS.get(script, USUAL_WORKERS))
        words = ["--city", CITY, "--run", "default", "--workers", workers, "--device", "cpu"]
        words += ["--force"]  # a step that was done before is measured anew as a whole
        words += ["--data", str(data), "--results", str(results)]
        words += [word for key, value in SETTINGS.items() for word in ("--set", f"{key}={value}")]
        measured[script] = measure([sys.executable, tiny_network.__file__, script, *words])
        kept.write_text(json.dumps(measured, indent=1))
        print(script, measured[script], flush=True)
    return measured


def steps() -> list[str]:
    """The scripts of a city's plan that are measured, in order."""
    parts = catalogue.DATA, catalogue.SCORE, catalogue.EXPLAIN, catalogue.COMPARE, catalogue.SHOW
    entries = catalogue.steps_of(CITY, "default", *parts)
    return [entry.script for entry in entries if FIRST <= entry.number <= LAST]


def measure(command: list[str]) -> dict[str, float]:
    """CPU and wall seconds of a command with its children, and the most memory that they held at
    once, without the pages of mapped files, which the system takes back when it needs them."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    peak_mb = 0.0
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak_mb = max(peak_mb, sum(map(held_mb, family(process.pid))))
            time.sleep(POLL_S)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit status {process.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu_s": cpu_s, "wall_s": time.perf_counter() - start, "peak_mb": peak_mb}


def family(process: int) -> list[int]:
    """A process and all that it has started."""
    members = [process]
    for member in members:
        for thread in Path(f"/proc/{member}/task").glob("*/children"):
            try:
                members += map(int, thread.read_text().split())
            except OSError:  # it has just ended
                continue
    return members


def held_mb(process: int) -> float:
    """Memory of a process that no file stands behind; what it shares is told in parts."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has just ended
        return 0.0
    sizes = (line.split() for line in lines if line.startswith(("Pss_Anon:", "Pss_Shmem:")))
    return sum(int(size) for _, size, _ in sizes) * 1024 / 1e6


def left_mb(results: Path) -> dict[str, float]:
    """Megabytes that each step has left on disk, as its records tell."""
    city = results / CITY
    sizes: dict[str, float] = {}
    for record in provenance.read_records([city / "default"], city.glob("*.json")):
        folders = record["folder_bytes"]
        files = {path: size for path, size in record["outputs"].items() if path not in folders}
        of_record = sum(files.values()) + sum(folders.values())
        sizes[record["step"]] = sizes.get(record["step"], 0) + of_record / 1e6
    return sizes


def measure_both(folder: Path, copies: list[int], scripts: list[str]) -> pd.DataFrame:
    """Make a small and a large city and take both through.

    Args:
        folder: Where they are made.
        copies: Demo cities in the small and in the large one.
        scripts: Steps that are measured.

    Returns:
        A row for each step.
    """
    demo = folder / "demo-results" / "Demo"
    if not (demo / "images.csv").is_file():
        tiled_city.make_demo(folder)
    costs = []
    for count in copies:
        results = folder / f"results-{count}"
        if not (results / CITY).is_dir():
            tiled_city.tile(demo, count, results / CITY)
        measured = take_through(results, folder / "demo-data", scripts)
        left = left_mb(results)
        costs.append({step: cost | {"disk_mb": left[step]} for step, cost in measured.items()})
    cells = [tiled_city.DEMO_CELLS * count for count in copies]
    return pd.DataFrame(
        [row(script, cells, [cost[script] for cost in costs]) for script in scripts]
    )


def row(script: str, cells: list[int], costs: list[dict[str, float]]) -> dict[str, object]:
    """What a step takes in the large city, and how it grew from the small one.

    Args:
        script: Name of the step.
        cells: Of the small and of the large city.
        costs: Of both, as `measure` has them, and `disk_mb`, what the step left.
    """
    (small, large), (few, many) = costs, cells
    growth = (large["cpu_s"] / many) / (small["cpu_s"] / few)
    kb_a_cell = 1e3 * (large["peak_mb"] - small["peak_mb"]) / (many - few)
    met = growth <= GROWTH and kb_a_cell <= KB_A_CELL and large["peak_mb"] <= MEMORY_MB
    return {
        "step": script,
        "n_cells": many,
        **large,
        "n_cells_before": few,
        "cpu_s_before": small["cpu_s"],
        "peak_mb_before": small["peak_mb"],
        "disk_mb_before": small["disk_mb"],
        "growth": growth,
        "kb_a_cell": kb_a_cell,
        "met": met,
    }


def markdown(rows: pd.DataFrame) -> str:
    """The rows as the table of docs/performance.md."""
    first = rows.iloc[0]
    lines = [
        f"| step | CPU s, {first['n_cells']:,} cells | wall s | peak MB | MB left on disk | CPU s, "
        f"{first['n_cells_before']:,} cells | peak MB | time of a cell over that there "
        "| kB more for each cell | met |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for each in rows.to_dict("records"):
        names = ("cpu_s", "wall_s", "peak_mb", "disk_mb", "cpu_s_before", "peak_mb_before")
        numbers = [f"{each[name]:.0f}" for name in names]
        numbers += [f"{each['growth']:.2f}", f"{each['kb_a_cell']:.1f}"]
        lines.append(f"| {' | '.join([each['step'], *numbers, 'yes' if each['met'] else 'no'])} |")
    missing = [script for script in steps() if script not in set(rows["step"])]
    if missing:
        lines += ["", f"Not measured: {', '.join(missing)}."]
    return "\n".join(lines)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the cities are made")
    parser.add_argument("--copies", type=int, nargs=2, default=[QUARTER, COPIES])
    parser.add_argument("--steps", nargs="+", help="only these, by number")
    parser.add_argument("--docs", action="store_true", help="write the table of the docs too")
    return parser.parse_args(argv)


def main() -> None:
    args = parse_args()
    scripts = [script for script in steps() if script[:2] in (args.steps or script[:2])]
    rows = measure_both(args.folder, args.copies, scripts)
    TABLE.parent.mkdir(exist_ok=True)
    rows.to_csv(TABLE, index=False, float_format="%.6g")
    text = markdown(rows)
    print(text)
    if args.docs:
        before, _, rest = PAGE.read_text().partition(START)
        PAGE.write_text(f"{before}{START}\n{text}\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    main()
