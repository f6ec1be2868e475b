"""Say where the tables and figures of a run are, and in five lines what they say.

Reads   results/<city>/<run>/tables/metrics.csv, activation_ratio.csv
Writes  nothing
Run     python code/93_tell_results.py --city Demo --run demo
"""

import argparse
import csv
from pathlib import Path

from urbancam.showing.wording import interval
from urbancam.workflow import arguments, runner
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import display_path

INTERVAL_COLUMNS = {"ci_low", "ci_high"}
SCORE_COLUMNS = {"subset", "fold", "predictor", "metric", "value"} | INTERVAL_COLUMNS
RATIO_COLUMNS = {"name", "side", "ratio"} | INTERVAL_COLUMNS
RIDGES = {  # predictor -> what it is a ridge regression on
    "land_cover": "land cover",
    "colour_histogram": "colours",
    "random_features": "random features",
}
MOST_CLASSES = 3  # that are told of a side

Rows = list[dict[str, str]]


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__file__, __doc__).parse_args(argv)


def read(path: Path, columns: set[str]) -> Rows:
    """The rows of a table, without the packages that take seconds to load."""
    if not path.is_file():
        raise InputError(
            f"{display_path(path)} is missing",
            display_path(path),
            "run ./run.sh for this city and run first",
        )
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        reader = csv.DictReader(file)
        names, rows = set(reader.fieldnames or ()), list(reader)
    if not columns <= names or any(None in row.values() for row in rows):
        raise InputError(
            "the table is damaged, or was changed by hand",
            display_path(path),
            "delete it and run ./run.sh for this city and run",
        )
    return rows


def interval_of(row: dict[str, str], column: str) -> str:
    """ "0.71 [0.62, 0.78]"."""
    values = (float(row[name] or "nan") for name in (column, "ci_low", "ci_high"))
    return interval(*values)


def score(metrics: Rows, predictor: str, metric: str) -> str:
    """A score of all cells over all folds, with its interval."""
    labels = {"subset": "all", "fold": "all", "predictor": predictor, "metric": metric}
    for row in metrics:
        if all(row[key] == label for key, label in labels.items()):
            return interval_of(row, "value")
    return "undefined"


def strongest_classes(ratios: Rows, side: str) -> str:
    """The classes whose interval lies above 1, or the highest where none does."""
    rows = [row for row in ratios if row["side"] == side and row["ci_low"]]
    rows.sort(key=lambda row: -float(row["ci_low"]))
    above_1 = [row for row in rows if float(row["ci_low"]) > 1]
    chosen = above_1[:MOST_CLASSES] or rows[:1]
    words = ", ".join(f"{row['name']} {interval_of(row, 'ratio')}" for row in chosen)
    return words if above_1 or not rows else f"no class's interval lies above 1; {words}"


def tell(args: argparse.Namespace) -> int:
    request = runner.read_request(args)
    paths, confidence = request.paths, request.settings.statistics.confidence
    metrics = read(paths.table("metrics"), SCORE_COLUMNS)
    ratios = read(paths.table("activation_ratio"), RATIO_COLUMNS)
    ridges = (f"{words} {score(metrics, name, 'spearman')}" for name, words in RIDGES.items())
    print(
        f"{args.city}, run {args.run}: what the out-of-fold predictions and maps say "
        f"({confidence:.0%} intervals over blocks, each class for itself)"
    )
    print(
        f"  Spearman r of p with income: model {score(metrics, 'model', 'spearman')}, "
        f"coordinates {score(metrics, 'coordinates', 'spearman')}, "
        f"difference {score(metrics, 'model - coordinates', 'spearman')}"
    )
    print(f"  the same by ridge on {', '.join(ridges)}")
    print(
        f"  accuracy over five classes: {score(metrics, 'model', 'accuracy')}, "
        f"within one class {score(metrics, 'model', 'accuracy_within_1')}"
    )
    for side in ("poor", "rich"):
        classes = strongest_classes(ratios, side) or "no cells"
        print(f"  read as {side} (share of activation / share of area): {classes}")
    print(
        f"  tables: {display_path(paths.tables)}/   figures: {display_path(paths.figures)}/   "
        f"report: {display_path(paths.report)}"
    )
    return 0


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return runner.guard(lambda: tell(args))


if __name__ == "__main__":
    raise SystemExit(main())
