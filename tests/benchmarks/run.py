"""Measure what takes how long, beside its floor and the published way.

Reads   nothing: every benchmark makes its own input
Writes  results/benchmarks.csv; with --docs the table of docs/performance.md too
Run     .venv/bin/python tests/benchmarks/run.py [--docs] [WORD ...]

WORDs choose the benchmarks whose names hold one of them; the rows of the others stay as they were.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy and torch: figures are of one thread
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import argparse
import importlib
import multiprocessing
import pkgutil
import platform
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "code"), str(ROOT / "tests")]

import pandas as pd  # noqa: E402

from benchmarks import measuring  # noqa: E402

TABLE = ROOT / "results" / "benchmarks.csv"
PAGE = ROOT / "docs" / "performance.md"
START, END = "<!-- benchmarks: from here -->", "<!-- benchmarks: to here -->"


def load_benchmarks() -> list[measuring.Benchmark]:
    """All benchmarks of this folder, in the order of its modules."""
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if module.name not in ("run", "measuring"):
            importlib.import_module(f"benchmarks.{module.name}")
    return measuring.BENCHMARKS


def machine() -> str:
    """Name of the processor, number of cores that may be used, system."""
    name = platform.processor() or platform.machine()
    facts = Path("/proc/cpuinfo")
    if facts.is_file():
        lines = facts.read_text().splitlines()
        models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        name = models[0] if models else name
    return f"{name}, {os.cpu_count()} cores, {platform.system()}"


def markdown(rows: pd.DataFrame, machine_name: str) -> str:
    """The rows as the table of docs/performance.md."""
    lines = [
        f"Measured on {machine_name}; one thread; load of the machine "
        f"{rows['load'].min():.0f} to {rows['load'].max():.0f}.",
        "",
        "| what | unit of CPU time | ours (min to max) | wall | peak MB | floor | published | "
        "of the floor (min to max) | times the published speed | target | met |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows.itertuples():
        ours = ratio = "-"
        if pd.notna(row.ours):
            ours = f"{row.ours:.3g} ({row.ours_min:.3g} to {row.ours_max:.3g})"
        if pd.notna(row.ratio_to_floor):
            ratio = f"{row.ratio_to_floor:.2f} ({row.ratio_min:.2f} to {row.ratio_max:.2f})"
        others = [
            _number(number) for number in (row.ours_wall, row.peak_mb, row.floor, row.published)
        ]
        met = ("yes" if row.met else "no") if row.target else "-"
        if row.not_measured:
            met = f"not measured: {row.not_measured}"
        cells = [row.what, row.unit, ours, *others, ratio, _number(row.speedup), row.target, met]
        lines.append("| " + " | ".join(cell or "-" for cell in cells) + " |")
    return "\n".join(lines)


def beside_earlier(rows: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The rows, and those of an earlier call that were not measured again, in the order of the
    benchmarks.

    Args:
        rows: Rows that were measured now.
        path: The table as the last call left it, if any did.
    """
    names = [each.what for each in load_benchmarks()]
    if path.is_file():
        texts = ("target", "not_measured")
        earlier = pd.read_csv(path, dtype=dict.fromkeys(texts, "str"))
        earlier = earlier.fillna(dict.fromkeys(texts, ""))
        kept = earlier["what"].isin(names) & ~earlier["what"].isin(rows["what"])
        rows = pd.concat([rows, earlier[kept]]) if kept.any() else rows
    return rows.sort_values("what", key=lambda what: what.map(names.index), ignore_index=True)


def _number(number: float | None) -> str:
    return f"{number:.3g}" if pd.notna(number) else "-"


def replace_table(page: str, table: str) -> str:
    """A page with its table between the two marks replaced."""
    before, _, rest = page.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n{table}\n{END}{after}"


def measure(what: str, module: str) -> dict[str, object]:
    """The row of a benchmark of a module; no other one is imported."""
    importlib.import_module(module)
    return measuring.measure(next(each for each in measuring.BENCHMARKS if each.what == what))


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("words", nargs="*", help="only benchmarks whose names hold one of them")
    parser.add_argument("--docs", action="store_true", help="write the table of the docs too")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    chosen = [
        each
        for each in load_benchmarks()
        if not args.words or any(word in each.what for word in args.words)
    ]
    if not chosen:
        raise SystemExit(f"no benchmark's name holds {' or '.join(args.words)}")
    rows = []
    # Each in a process of its own, lest one hold the memory of those before it.
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh, max_tasks_per_child=1) as processes:
        for each in chosen:
            print(f"measures {each.what}", flush=True)
            module = each.prepare.__module__
            rows.append(processes.submit(measure, each.what, module).result())
    table = beside_earlier(pd.DataFrame(rows).assign(machine=machine()), TABLE)
    TABLE.parent.mkdir(exist_ok=True)
    table.to_csv(TABLE, index=False, float_format="%.6g")
    text = markdown(table, machine())
    print(text, f"writes {TABLE.relative_to(ROOT)}", sep="\n")
    if args.docs:
        PAGE.write_text(replace_table(PAGE.read_text(), text))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
