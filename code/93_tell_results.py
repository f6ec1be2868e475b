"""Say where the tables and figures of a run are, and in a few lines what they say.

Reads   results/<city>/<run>/tables/metrics.csv, block_size.csv, local_effect.csv,
        recovery_summary.csv
Writes  nothing
Run     python code/93_tell_results.py --city Demo --run demo
"""

import argparse
import csv
from pathlib import Path

from urbancam.showing.wording import ends_of, interval, predictor_words, told_ridges
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import display_path
from urbancam.workflow.running import arguments, runner

INTERVAL_COLUMNS = {"ci_low", "ci_high"}
DIFFERENCE_COLUMNS = {"difference", "difference_ci_low", "difference_ci_high"}
SCORE_COLUMNS = (
    {"subset", "fold", "predictor", "metric", "value"} | INTERVAL_COLUMNS | DIFFERENCE_COLUMNS
)
EFFECT_COLUMNS = {"name", "reference", "value", "q_value", "significant"} | INTERVAL_COLUMNS
BLOCK_COLUMNS = {"side_m", "n_blocks", "reach_m", "chosen"}
RECOVERY_COLUMNS = {"kind", "attribution", "n_inert", "false_positives"}
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
    values = (float(text or "nan") for text in (row[column], *ends_of(row, column)))
    return interval(*values)


def score(metrics: Rows, predictor: str, metric: str, column: str = "value") -> str:
    """A score of all cells over all folds, or the model's less that, with its interval."""
    labels = {"subset": "all", "fold": "all", "predictor": predictor, "metric": metric}
    for row in metrics:
        if all(row[key] == label for key, label in labels.items()):
            return interval_of(row, column)
    return "undefined"


def classes_read(effects: Rows, sign: int) -> str:
    """The classes on which contributions are significantly higher (sign 1) or lower (-1) than on
    the reference in the same cell, the strongest first."""
    rows = [row for row in effects if row["significant"] == "True"]
    rows = [row for row in rows if sign * float(row["value"]) > 0]
    rows.sort(key=lambda row: -abs(float(row["value"])))
    words = ", ".join(f"{row['name']} {interval_of(row, 'value')}" for row in rows[:MOST_CLASSES])
    further = len(rows) - MOST_CLASSES
    return f"{words} and {further} more" if further > 0 else words or "no class"


def blocks_of_scores(blocks: Rows) -> str:
    """Which blocks are resampled for scores, and whether the city is too small for larger ones."""
    row = next(row for row in blocks if row["chosen"] == "True")
    words = f"blocks of {float(row['side_m']):g} m, worth {row['n_blocks']}"
    largest_m, reach_m = max(float(row["side_m"]) for row in blocks), float(row["reach_m"])
    if largest_m < reach_m:
        words += (
            f"; {reach_m:.0f} m are asked for, and beyond {largest_m:.0f} m the city is too small"
        )
    return words


def misread(recovery: Rows) -> str:
    """How often local effects call inert classes of planted rules; "" where none was planted."""
    words = [
        f"of {row['kind']} planted rules {float(row['false_positives']):.0%} of inert ones"
        for row in recovery
        if row["attribution"] == "local_effect" and int(row["n_inert"])
    ]
    return f"  (called so too: {', '.join(words)})" if words else ""


def tell_effects(effects: Rows, recovery: Rows) -> None:
    """The lines on land cover."""
    tested = [row for row in effects if row["q_value"]]
    if not tested:
        print("  read as poor or rich: too few cells or blocks to test any land cover")
        return
    print(
        f"  of {len(tested)} land covers, within cells, against {effects[0]['reference']} "
        "(logits of a whole cell):"
    )
    for side, sign in (("poor", -1), ("rich", 1)):
        print(f"  read as {side}: {classes_read(effects, sign)}")
    if words := misread(recovery):
        print(words)


def tell(args: argparse.Namespace) -> int:
    request = runner.read_request(args)
    paths, confidence = request.paths, request.settings.statistics.confidence
    metrics = read(paths.table("metrics"), SCORE_COLUMNS)
    effects = read(paths.table("local_effect"), EFFECT_COLUMNS)
    blocks = read(paths.table("block_size"), BLOCK_COLUMNS)
    recovery = read(paths.table("recovery_summary"), RECOVERY_COLUMNS)
    ridges = [
        f"{predictor_words(name)} {score(metrics, name, 'spearman')}"
        for name in told_ridges(row["predictor"] for row in metrics)
    ]
    print(
        f"{args.city}, run {args.run}: what the out-of-fold predictions and maps say "
        f"({confidence:.0%} intervals over blocks, each class for itself)"
    )
    print(f"  scores: {blocks_of_scores(blocks)}")
    value = request.settings.cells.name
    print(
        f"  Spearman r of p with {value}: model {score(metrics, 'model', 'spearman')}, "
        f"coordinates {score(metrics, 'coordinates', 'spearman')}, "
        f"difference {score(metrics, 'coordinates', 'spearman', 'difference')}"
    )
    print(f"  the same by ridge on {', '.join(ridges)}")
    print(
        f"  accuracy over five classes: {score(metrics, 'model', 'accuracy')}, "
        f"within one class {score(metrics, 'model', 'accuracy_within_1')}"
    )
    tell_effects(effects, recovery)
    print(f"  tables: {display_path(paths.tables)}/   figures: {display_path(paths.figures)}/")
    print(f"open: {display_path(paths.report)}")
    return 0


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return runner.guard(lambda: tell(args))


if __name__ == "__main__":
    raise SystemExit(main())
