"""Say where the tables and figures of a run are, and in five lines what they say.

Reads   results/<city>/<run>/tables/metrics.csv, activation_ratio.csv
Writes  nothing
Run     python code/93_tell_results.py --city Demo --run demo
"""

import argparse
import csv
from pathlib import Path

from urbancam.workflow import arguments, errors, runner

RIDGES = {
    "land_cover": "land cover",
    "colour_histogram": "colours",
    "random_features": "random features",
}


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__doc__, city=True).parse_args(argv)


def read(path: Path, columns: set[str]) -> list[dict[str, str]]:
    from urbancam.workflow.paths import shown

    if not path.is_file():
        raise errors.InputError(
            f"{shown(path)} is missing", shown(path), "run ./run.sh for this city and run first"
        )
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        reader = csv.DictReader(file)
        names, rows = set(reader.fieldnames or ()), list(reader)
    if not columns <= names or any(None in row.values() for row in rows):
        raise errors.InputError(
            "the table is damaged, or was changed by hand",
            shown(path),
            "delete it and run ./run.sh for this city and run",
        )
    return rows


def score(metrics: list[dict], predictor: str, metric: str) -> str:
    """ "0.71 [0.62, 0.78]" of all cells over all folds."""
    wanted = {"subset": "all", "fold": "all", "predictor": predictor, "metric": metric}
    rows = [row for row in metrics if all(row[key] == value for key, value in wanted.items())]
    if not rows or not rows[0]["value"]:
        return "undefined"
    value, low, high = (float(rows[0][key] or "nan") for key in ("value", "ci_low", "ci_high"))
    return f"{value:.2f} [{low:.2f}, {high:.2f}]"


def strongest(ratios: list[dict], side: str, count: int = 3) -> str:
    """The classes whose interval lies above 1, or the highest where none does."""
    rows = [row for row in ratios if row["side"] == side and row["ci_low"]]
    rows.sort(key=lambda row: -float(row["ci_low"]))
    sure = [row for row in rows if float(row["ci_low"]) > 1]
    named = ", ".join(
        f"{row['name']} {float(row['ratio']):.2f} [{float(row['ci_low']):.2f}, {float(row['ci_high']):.2f}]"
        for row in (sure or rows[:1])[:count]
    )
    return named if sure or not rows else f"no class's interval lies above 1; {named}"


def tell(args: argparse.Namespace) -> int:
    from urbancam.workflow import settings
    from urbancam.workflow.paths import shown

    made = settings.load(args.run, args.set)
    paths = runner.find_paths(made, args)
    metrics = read(
        paths.table("metrics"),
        {"subset", "fold", "predictor", "metric", "value", "ci_low", "ci_high"},
    )
    ratios = read(paths.table("activation_ratio"), {"name", "side", "ratio", "ci_low", "ci_high"})
    print(
        f"{args.city}, run {args.run}: what the out-of-fold predictions and maps say "
        f"({made.statistics.confidence:.0%} intervals over blocks, each class for itself)"
    )
    print(
        f"  Spearman r of p with income: model {score(metrics, 'model', 'spearman')}, "
        f"coordinates {score(metrics, 'coordinates', 'spearman')}, "
        f"difference {score(metrics, 'model - coordinates', 'spearman')}"
    )
    print(
        "  the same by ridge on "
        + ", ".join(f"{words} {score(metrics, name, 'spearman')}" for name, words in RIDGES.items())
    )
    print(
        f"  accuracy over five classes: {score(metrics, 'model', 'accuracy')}, "
        f"within one class {score(metrics, 'model', 'accuracy_within_1')}"
    )
    for side in ("poor", "rich"):
        print(
            f"  read as {side} (share of activation / share of area): {strongest(ratios, side) or 'no cells'}"
        )
    print(
        f"  tables: {shown(paths.tables)}/   figures: {shown(paths.figures)}/   report: {shown(paths.report)}"
    )
    return 0


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return runner.guard(lambda: tell(args))


if __name__ == "__main__":
    raise SystemExit(main())
