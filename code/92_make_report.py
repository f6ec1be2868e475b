"""Make the page of a run, with its map, figures, tables, settings, records and limits, and small
pictures of its cells beside it; compute nothing.

Reads   results/<city>/cells.parquet, images.csv, images/, fragments.parquet, classes.csv,
        results/<city>/<run>/samples.csv, predictions.csv, activation.parquet, maps/, tables/,
        figures/, the records beside the results
Writes  results/<city>/<run>/report.html, report_cells/
Run     python code/92_make_report.py --city Demo --run demo
"""

import argparse
import functools
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbancam.showing import captions, exhibits
from urbancam.workflow.files import atomic, open_parts, write_files
from urbancam.workflow.paths import Paths, display_path
from urbancam.workflow.records.provenance import has_tokens, read_records
from urbancam.workflow.records.steps import Done, Step, record_path
from urbancam.workflow.running import arguments, runner
from urbancam.workflow.running.job import Job, Request

if TYPE_CHECKING:  # a script that only shows its help does not wait for it
    import pandas as pd

    from urbancam.showing.report.pictures import Picture
    from urbancam.showing.report.run_page import Run

CELLS_A_CLASS = 8  # that the page leads to, and which so get pictures first
TOLD = ("answer", "credits")  # facts of the record in sentences
AT_ONCE = 256  # cells whose pictures are in memory


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__file__, __doc__).parse_args(argv)


def declare(request: Request) -> Step:
    settings, paths = request.settings, request.paths
    several_cities = (paths.figures / "transfer.png").is_file()
    figures = exhibits.figures_of(settings, several_cities)
    tables = [paths.table(name) for name, heading in exhibits.TABLES.items() if heading]
    pictures = [paths.figures / f"{name}.png" for name in figures]
    inputs = [paths.cells, paths.images_table, paths.fragments, paths.classes]
    inputs += [
        paths.samples,
        paths.predictions,
        paths.activation,
        *tables,
        *pictures,
        paths.figures / captions.FILE,
    ]
    everything = type(settings).model_fields
    return request.step(12, paths.report, everything, inputs, outputs=[paths.report_cells])


def work(job: Job) -> Done:
    from urbancam.showing.report import cell_columns, run_page
    from urbancam.tables import cover_classes, frames

    paths = job.paths
    classes = cover_classes.of_classes(cover_classes.read(paths.classes))
    samples, predictions = frames.read(paths.samples), frames.read(paths.predictions)
    images = frames.read(paths.images_table)
    cells = frames.read(paths.cells, columns=["idINSPIRE", "ind", "imputed"])
    activation = frames.read(
        paths.activation, columns=["idINSPIRE", "class", "area_m2", "contribution"]
    )
    pictured = write_pictures(job, images, activation, predictions, classes)
    run = run_page.Run(
        **words_of_run(job, images),
        cells=cell_columns.pack_cells(samples, cells, images, predictions, pictured),
        cover=cell_columns.pack_cover(samples["idINSPIRE"], activation, classes),
        pictures=len(pictured),
    )
    write_page(run, job)
    megabytes = paths.report.stat().st_size / 1e6
    counts = {"cells": len(samples), "with pictures": len(pictured), "MB": megabytes}
    return Done(counts, told_facts(run, job), leftovers=[parts_folder(paths)])


def write_page(run: "Run", job: Job) -> None:
    """Write the page, the value of the cells by its own name."""
    from urbancam.showing import value_words
    from urbancam.showing.report import run_page

    with atomic(job.paths.report) as temporary:
        html = value_words.tell_page(run_page.render_run(run), job.settings.cells)
        temporary.write_text(html, encoding="utf-8")


def told_facts(run: "Run", job: Job) -> dict[str, Any]:
    """What the record keeps for the page over all runs, the value by its own name."""
    from urbancam.showing import value_words
    from urbancam.showing.report import run_page

    facts = run_page.record_facts(run)
    own_words = {name: value_words.tell(facts[name], job.settings.cells) for name in TOLD}
    return facts | own_words


def words_of_run(job: Job, images: "pd.DataFrame") -> dict[str, Any]:
    """What the page has besides its cells: tables, figures, settings, records and limits."""
    from urbancam.showing.figures.credits import credit_line
    from urbancam.showing.report import limits
    from urbancam.tables import frames

    settings, paths = job.settings, job.paths
    tables = {path.stem: frames.read(path) for path in job.inputs if path.parent == paths.tables}
    samples, rendered = settings.samples, paths.truth.is_file()
    years = images["campaign_year"].dropna().astype(int).tolist()
    records = records_of(job)
    values, land_cover = settings.value_credit, settings.land_cover_credit
    return {
        "city": job.city,
        "run": job.run,
        "tables": tables,
        "figures": read_pictures(job),
        "settings": settings.pick(*type(settings).model_fields),
        "records": records,
        "limits": limits.name_limits(
            tables["metrics"],
            images,
            rendered,
            samples.target,
            samples.thresholds,
            samples.max_void_fraction,
            has_tokens=has_tokens(records),
            of_insee=settings.cells.source == "insee",
        ),
        "credits": credit_line(
            values, land_cover, years, rendered, samples.target, settings.image_credit
        ),
        "rendered": rendered,
    }


def write_pictures(
    job: Job,
    images: "pd.DataFrame",
    activation: "pd.DataFrame",
    predictions: "pd.DataFrame",
    classes: "pd.DataFrame",
) -> set[str]:
    """Write small pictures of cells beside the page, as many as the settings say.

    Returns:
        Ids of the cells that have pictures.
    """
    from rasterio.errors import NotGeoreferencedWarning

    from urbancam.showing.report import cell_pictures

    paths, settings = job.paths, job.settings
    first = cell_pictures.fullest_cells(activation, CELLS_A_CLASS)
    most = settings.page.cell_pictures
    chosen = cell_pictures.choose_cells(predictions, first, most, settings.seed)
    there = images[images["idINSPIRE"].isin(chosen) & images["path"].notna()]
    files = dict(zip(there["idINSPIRE"], there["path"], strict=True))
    ids = list(files)
    open_parts(parts_folder(paths), job.fingerprint, paths.report_cells)
    paths.report_cells.mkdir(exist_ok=True)
    with warnings.catch_warnings(), ThreadPoolExecutor(job.workers) as pool:
        # rasterio silences itself for each picture, which threads undo for each other.
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        for start in range(0, len(ids), AT_ONCE):
            some = [cell for cell in ids[start : start + AT_ONCE] if not is_drawn(paths, cell)]
            fragments = read_fragments(paths, some)
            draw = functools.partial(draw_cell, paths, files, fragments, classes)
            for pictures in pool.map(draw, some):
                write_files(paths.report_cells, pictures)
    return set(files)


def parts_folder(paths: Paths) -> Path:
    """What marks pictures of unfinished work."""
    return paths.run_folder / "report.parts"


def is_drawn(paths: Paths, cell: str) -> bool:
    """Whether a killed run has drawn a cell; its image is written last."""
    return (paths.report_cells / f"{cell}.jpg").is_file()


def read_pictures(job: Job) -> dict[str, "Picture"]:
    """The figures of the run with their captions."""
    from urbancam.showing.report.pictures import collect_pictures

    pngs = {path.stem: path.read_bytes() for path in job.inputs if path.suffix == ".png"}
    return collect_pictures(pngs, (job.paths.figures / captions.FILE).read_text(encoding="utf-8"))


def read_fragments(paths: Paths, cells: list[str]) -> dict[str, "pd.DataFrame"]:
    """The land cover of some cells, by cell: `class, geometry`."""
    import geopandas as gpd

    from urbancam.tables import geoframes

    with geoframes.naming_damage(
        display_path(paths.fragments), "delete it and run 06_cut_land_cover again"
    ):
        fragments = gpd.read_parquet(
            paths.fragments,
            columns=["idINSPIRE", "class", "geometry"],
            filters=[("idINSPIRE", "in", cells or [""])],  # the filter needs a value
        )
    return dict(iter(fragments.groupby("idINSPIRE")))


def draw_cell(
    paths: Paths,
    files: dict[str, str],
    fragments: dict[str, "pd.DataFrame"],
    classes: "pd.DataFrame",
    cell: str,
) -> list[tuple[str, bytes]]:
    """A cell's pictures as files: name and content; those that can be drawn, the image last."""
    from urbancam.showing.report import cell_pictures
    from urbancam.sources.imagery import png

    image = png.read_pixels(paths.city_folder / files[cell], "RGB", "05_cut_images")
    signed = png.read_pixels(paths.maps / f"{cell}.png", "L", "13_project_activation")
    pictures = []
    if signed is not None:
        pictures.append((f"{cell}_map.png", cell_pictures.render_map(signed)))
    if cell in fragments:
        cover = cell_pictures.render_cover(cell, fragments[cell], classes)
        pictures.append((f"{cell}_cover.png", cover))
    if image is not None:
        pictures.append((f"{cell}.jpg", cell_pictures.render_image(image)))
    return pictures


def records_of(job: Job) -> list[dict[str, Any]]:
    """The records of all steps of the city and run but this one, in the order of the steps."""
    paths, census = job.paths, job.settings.census
    files = [*paths.city_folder.glob("*.json")]
    if job.settings.cells.source == "insee":
        files.append(record_path(paths.census(census.vintage, census.cell_size_m)))
    return read_records([paths.run_folder], files, but=job.step.record_path)


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
