"""Make the page that compares all cities and runs at hand, and one long table of their numbers;
compute nothing.

Reads   results/<city>/<run>/report.html.json, tables/ of every run that has a page;
        results/cities/<run>/report.html.json, tables/accuracy.csv
Writes  results/report.html, all_runs.csv
Run     python code/97_compare_runs.py
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from urbancam.showing import exhibits
from urbancam.workflow import catalogue
from urbancam.workflow.files import atomic, read_json
from urbancam.workflow.paths import Paths
from urbancam.workflow.records.steps import Done, Step, record_path
from urbancam.workflow.running import arguments, runner
from urbancam.workflow.running.job import Job, Request

if TYPE_CHECKING:  # a script that only shows its help does not wait for it
    import pandas as pd

    from urbancam.showing.report.overview import Entry

INCOME_TABLES = ("metrics", "claims")
CITIES_TABLES = ("accuracy",)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__file__, __doc__).parse_args(argv)


def declare(request: Request) -> Step:
    paths = request.paths
    inputs = []
    for report in paths.reports():
        of_income = dict.fromkeys([*INCOME_TABLES, *exhibits.QUANTITIES])
        names = CITIES_TABLES if is_of_cities(report, paths) else of_income
        tables = [report.parent / "tables" / f"{name}.csv" for name in names]
        inputs += [report, *(table for table in tables if table.is_file())]
    return request.step(2, paths.overview, [], inputs, outputs=[paths.all_runs])


def is_of_cities(report: Path, paths: Paths) -> bool:
    """Whether a page is of the cities experiment."""
    return report.parent.parent == paths.results / catalogue.EXPERIMENT


def work(job: Job) -> Done:
    from urbancam.showing.report import overview
    from urbancam.tables import frames

    paths = job.paths
    runs, cities = [], []
    for report in job.inputs:
        if report.name != paths.overview.name:
            continue
        if is_of_cities(report, paths):
            cities.append(read_entry(report, CITIES_TABLES, paths))
        else:
            runs.append(read_entry(report, INCOME_TABLES, paths))
    frames.write(join_tables(job), paths.all_runs)
    with atomic(paths.overview) as temporary:
        temporary.write_text(overview.render_overview(runs, cities), encoding="utf-8")
    return Done({"runs of incomes": len(runs), "runs of cities": len(cities)})


def join_tables(job: Job) -> "pd.DataFrame":
    """The long table over the runs of incomes."""
    from urbancam.showing import all_runs
    from urbancam.tables import frames

    tables = {
        (file.parents[2].name, file.parents[1].name, file.stem): frames.read(file)
        for file in job.inputs
        if file.stem in exhibits.QUANTITIES
    }
    return all_runs.join_runs(tables)


def read_entry(report: Path, names: tuple[str, ...], paths: Paths) -> "Entry":
    """What the overview tells of a run."""
    import pandas as pd

    from urbancam.showing.report.overview import Entry
    from urbancam.showing.report.provenance_tables import commit_words
    from urbancam.tables import frames

    folder, record = report.parent, read_json(record_path(report)) or {}
    files = [folder / "tables" / f"{name}.csv" for name in names]
    tables = [frames.read(file) if file.is_file() else pd.DataFrame() for file in files]
    facts = record.get("facts", {})
    return Entry(
        folder.relative_to(paths.results).as_posix(),
        facts.get("city", folder.parent.name),
        folder.name,
        facts,
        record.get("date", "")[:10],
        commit_words(record),
        tables[0],
        tables[1] if len(tables) > 1 else pd.DataFrame(),
        (folder / "figures" / "class_maps.png").is_file(),
    )


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
