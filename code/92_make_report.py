"""Write the report of a run: one page with figures, tables, settings, records and limits; compute nothing.

Reads   results/<city>/<run>/tables/, figures/*.png, the records beside the results
Writes  results/<city>/<run>/report.html
Run     python code/92_make_report.py --city Demo --run demo
"""

import argparse

from urbancam.showing import exhibits
from urbancam.workflow import arguments, runner
from urbancam.workflow.files import atomic, read_json
from urbancam.workflow.records import Step


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__doc__, city=True).parse_args(argv)


def declare(settings, paths, args) -> Step:
    pictures = {paths.figures / f"{name}.png": "91_make_figures" for name in exhibits.FIGURES}
    drawn = exhibits.figures_of(settings, several_cities=(paths.figures / "transfer.png").is_file())
    return Step(
        "92_make_report",
        3,
        paths.report,
        "run",
        settings.pick(*type(settings).model_fields),
        {paths.table(name): table.maker for name, table in exhibits.TABLES.items() if table.heading}
        | {picture: maker for picture, maker in pictures.items() if picture.stem in drawn},
        label=args.city,
    )


def work(step, settings, paths, args) -> dict:
    from urbancam.showing.report import limits, sentences
    from urbancam.showing.report.page import render_page
    from urbancam.tables import frames

    contents = {path.stem: frames.read(path) for path in step.inputs if path.suffix == ".csv"}
    figures = {path.stem: path.read_bytes() for path in step.inputs if path.suffix == ".png"}
    page = render_page(
        f"{args.city}, run {args.run}",
        sentences.summarise(contents),
        figures,
        contents,
        settings.pick(*type(settings).model_fields),
        read_records(step, settings, paths),
        limits.name_limits(contents["metrics"], paths.truth.is_file(), settings.samples.target),
    )
    with atomic(paths.report) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return {
        "figures": len(figures),
        "tables": len(contents),
        "MB": paths.report.stat().st_size / 1e6,
    }


def read_records(step, settings, paths) -> list[dict]:
    """The records of all steps of the city and run but this one, in the order of the steps."""
    files = [
        paths.census(settings.census.vintage, settings.census.cell_size_m).with_suffix(
            ".parquet.json"
        )
    ]
    files += [*paths.city_folder.glob("*.json"), *paths.run_folder.glob("*/*.json")]
    files += set(paths.run_folder.glob("*.json")) - {step.record_path}
    files = [
        file for file in files if not file.name.startswith(".")
    ]  # left behind by a killed write
    records = [record for file in files if (record := read_json(file)) and "step" in record]
    return sorted(records, key=lambda record: (record["step"], record["date"]))


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
