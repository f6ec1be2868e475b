"""Make the page of a run of the cities experiment, with its figures, tables, relevance sheets,
settings and records; compute nothing.

Reads   results/cities/<run>/sites.csv, tables/, figures/, relevance/<City>/sheet_*.png, the records
        beside the results
Writes  results/cities/<run>/report.html
Run     python code/27_report_cities.py --run demo
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from urbancam.showing import captions
from urbancam.workflow.files import atomic
from urbancam.workflow.paths import Paths
from urbancam.workflow.records.provenance import read_records
from urbancam.workflow.records.steps import Done, Step
from urbancam.workflow.running import arguments, runner
from urbancam.workflow.running.job import Job, Request

if TYPE_CHECKING:  # a script that only shows its help does not wait for it
    from urbancam.showing.report.pictures import Picture

TABLES = (
    "accuracy",
    "confusion_matrix",
    "most_confused",
    "city_similarity",
    "relevance",
    "relevance_by_class",
)
FIGURES = ("city_accuracy", "city_confusion", "colour_controls", "city_tree", "city_map")
SETTINGS = ("seed", "landcover.key", "statistics", "cities")


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__file__, __doc__).parse_args(argv)


def declare(request: Request) -> Step:
    paths = request.paths
    figures = [paths.figures / f"{name}.png" for name in FIGURES]
    inputs = [paths.sites, *map(paths.table, TABLES), *figures, paths.figures / captions.FILE]
    return request.step(1, paths.report, SETTINGS, inputs)


def work(job: Job) -> Done:
    from urbancam.showing.figures.credits import site_credit_line
    from urbancam.showing.report import cities_page
    from urbancam.tables import frames

    paths = job.paths
    rendered = paths.cities_truth.is_file()
    sources = set(frames.read(paths.sites, columns=["source"])["source"])
    run = cities_page.CitiesRun(
        job.run,
        {name: frames.read(paths.table(name)) for name in TABLES},
        read_pictures(job),
        find_sheets(paths),
        job.settings.pick(*SETTINGS),
        read_records([paths.run_folder], but=job.step.record_path),
        site_credit_line(sources, rendered),
        rendered,
    )
    with atomic(paths.report) as temporary:
        temporary.write_text(cities_page.render_cities(run), encoding="utf-8")
    counts = {"sheets": sum(map(len, run.sheets.values())), "tables": len(run.tables)}
    return Done(counts, cities_page.record_facts(run))


def read_pictures(job: Job) -> dict[str, "Picture"]:
    """The figures of the run with their captions."""
    from urbancam.showing.report.pictures import collect_pictures

    pngs = {path.stem: path.read_bytes() for path in job.inputs if path.suffix == ".png"}
    return collect_pictures(pngs, (job.paths.figures / captions.FILE).read_text(encoding="utf-8"))


def find_sheets(paths: Paths) -> dict[str, list[str]]:
    """The relevance sheets of each city, by the name of its folder; paths relative to the page."""
    sheets: dict[str, list[str]] = {}
    for sheet in sorted(paths.relevance.glob("*/sheet_*.png"), key=sheet_order):
        name = sheet.relative_to(paths.run_folder).as_posix()
        sheets.setdefault(sheet.parent.name, []).append(name)
    return sheets


def sheet_order(sheet: Path) -> tuple[str, int]:
    """By city, then by the sheet's number."""
    return sheet.parent.name, int(sheet.stem.removeprefix("sheet_"))


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
