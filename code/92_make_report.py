"""Write the report of a run: one page with figures, tables, settings, records and limits; compute
nothing.

Reads   results/<city>/images.csv, <run>/tables/, figures/*.png, the records beside the results
Writes  results/<city>/<run>/report.html
Run     python code/92_make_report.py --city Demo --run demo
"""

import argparse
from pathlib import Path
from typing import Any

from urbancam.showing import exhibits
from urbancam.workflow import arguments, runner
from urbancam.workflow.files import atomic, read_json
from urbancam.workflow.job import Job, Request
from urbancam.workflow.records import Done, Step, record_path


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__file__, __doc__).parse_args(argv)


def declare(request: Request) -> Step:
    settings, paths = request.settings, request.paths
    several_cities = (paths.figures / "transfer.png").is_file()
    figures = exhibits.figures_of(settings, several_cities)
    tables = [paths.table(name) for name, heading in exhibits.TABLES.items() if heading]
    pictures = [paths.figures / f"{name}.png" for name in figures]
    inputs = [paths.images_table, *tables, *pictures]
    return request.step(8, paths.report, type(settings).model_fields, inputs)


def work(job: Job) -> Done:
    from urbancam.showing.report import limits, sentences
    from urbancam.showing.report.page import render_page
    from urbancam.tables import frames

    settings, paths, samples = job.settings, job.paths, job.settings.samples
    tables = {path.stem: frames.read(path) for path in job.inputs if path.suffix == ".csv"}
    figures = {path.stem: path.read_bytes() for path in job.inputs if path.suffix == ".png"}
    images, rendered = frames.read(paths.images_table), paths.truth.is_file()
    page = render_page(
        f"{job.city}, run {job.run}",
        sentences.summarise(tables, settings.statistics.confidence),
        figures,
        tables,
        settings.pick(*type(settings).model_fields),
        read_records(job),
        limits.name_limits(tables["metrics"], images, rendered, samples.target, samples.thresholds),
    )
    with atomic(paths.report) as temporary:
        temporary.write_text(page, encoding="utf-8")
    megabytes = paths.report.stat().st_size / 1e6
    return Done({"figures": len(figures), "tables": len(tables), "MB": megabytes})


def read_records(job: Job) -> list[dict[str, Any]]:
    """The records of all steps of the city and run but this one, in the order of the steps."""
    paths, census = job.paths, job.settings.census
    files: list[Path] = [record_path(paths.census(census.vintage, census.cell_size_m))]
    files += [*paths.city_folder.glob("*.json"), *paths.run_folder.glob("*/*.json")]
    files += set(paths.run_folder.glob("*.json")) - {job.step.record_path}
    whole = [file for file in files if not file.name.startswith(".")]  # not of a killed write
    records = [record for file in whole if (record := read_json(file)) and "step" in record]
    return sorted(records, key=lambda record: (record["step"], record["date"]))


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
