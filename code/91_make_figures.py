"""Make the figures of a run from its tables, images, maps and land cover; compute nothing.

Reads   results/<city>/images.csv, images/, fragments.parquet, classes.csv,
        results/<city>/<run>/samples.csv, predictions.csv, tables/, maps/;
        predictions_without_income.csv where it is, tables/transfer.csv of this and the other cities
        with the same run
Writes  results/<city>/<run>/figures/, each as .png, .pdf and .svg: those of
        urbancam/showing/exhibits.py that the settings ask for; captions.md
Run     python code/91_make_figures.py --city Demo --run demo
"""

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from urbancam.showing import captions, exhibits
from urbancam.workflow.files import write_files
from urbancam.workflow.paths import Paths, display_path
from urbancam.workflow.records.steps import Done, Step
from urbancam.workflow.running import arguments, runner
from urbancam.workflow.running.job import Job, Request
from urbancam.workflow.settings import other_cities

if TYPE_CHECKING:  # a script that only shows its help does not wait for it
    import pandas as pd
    from matplotlib.figure import Figure

    from urbancam.showing.figures.cell_panels import CellPicture

log = logging.getLogger("urbancam.figures")

CELLS_A_GROUP = 4  # of the sheet
SETTINGS = (
    "seed",
    "census.vintage",
    "cells.source",
    "cells.file",
    "cells.credit",
    "cells.value_name",
    "cells.value_unit",
    "urban_atlas.edition",
    "imagery.source",
    "imagery.files",
    "imagery.wms_url",
    "imagery.wms_layer",
    "imagery.credit",
    "landcover.source",
    "landcover.file",
    "landcover.credit",
    "landcover.key",
    "samples.target",
    "controls.methods",
    "controls.maps",
    "controls.randomise_weights",
    "controls.deletion_cells",
    "compare.shuffled_labels",
    "planted.plants",
    "planted.trained",
    "statistics.confidence",
    "figures",
)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__file__, __doc__).parse_args(argv)


def declare(request: Request) -> Step:
    settings, paths = request.settings, request.paths
    several_cities = bool(transfer_tables(paths))
    figures = exhibits.figures_of(settings, several_cities)
    files = [paths.figures / name for name in captions.file_names(figures, settings.figures)]
    tables = dict.fromkeys(name for figure in figures.values() for name in figure.tables)
    inputs = [paths.samples, paths.predictions, paths.activation, paths.table("block_size")]
    inputs += [paths.images_table, paths.fragments, paths.classes, *map(paths.table, tables)]
    if paths.predictions_without_income.is_file():
        inputs.append(paths.predictions_without_income)
    inputs += transfer_tables(paths)
    return request.step(8, files[0], SETTINGS, inputs, outputs=files[1:], ways=captions.WAYS)


def transfer_tables(paths: Paths) -> list[Path]:
    """The transfer tables at hand, this city's and the others'.

    None where there is one city only.
    """
    tables = [city.table("transfer") for city in (paths, *other_cities.of_same_value(paths))]
    there = [table for table in tables if table.is_file()]
    return there if len(there) > 1 else []


def work(job: Job) -> Done:
    from urbancam.showing import value_words
    from urbancam.showing.figures import from_tables
    from urbancam.tables import frames

    settings, paths = job.settings, job.paths
    images = frames.read(paths.images_table).set_index("idINSPIRE")
    several_cities = bool(transfer_tables(paths))
    tables = {
        name: [frames.read(paths.table(table)) for table in figure.tables]
        for name, figure in exhibits.figures_of(settings, several_cities).items()
    }
    below = credits_below(list(tables), images, job)
    figures = {
        name: draw(*tables[name], job.city, below[name])
        for name, draw in from_tables.FROM_TABLES.items()
        if name in tables
    }
    figures |= draw_others(tables, images, below, job)
    for figure in figures.values():
        value_words.tell_figure(figure, job.settings.cells)
    source = captions.name_source(job.city, job.run)
    write_files(paths.figures, captions.render_files(figures, source, settings.figures))
    log.debug("saves %s to %s", ", ".join(figures), display_path(paths.figures))
    return Done({"figures": len(figures)})


def credit_line(images: "pd.DataFrame", job: Job) -> str:
    """Whose data the figures show, of which years."""
    from urbancam.showing.figures import credits

    settings = job.settings
    return credits.credit_line(
        settings.value_credit,
        settings.land_cover_credit,
        images["campaign_year"].dropna().astype(int).tolist(),
        job.paths.truth.is_file(),
        settings.samples.target,
        settings.image_credit,
    )


def credits_below(names: list[str], images: "pd.DataFrame", job: Job) -> dict[str, str]:
    """The credits of each figure; before them, where it has intervals, what these are."""
    from urbancam.showing import wording
    from urbancam.tables import frames

    credits = credit_line(images, job)
    block_size = frames.read(job.paths.table("block_size"))
    confidence = job.settings.statistics.confidence
    below = dict.fromkeys(names, credits)
    for name in names:
        if exhibits.FIGURES[name].has_intervals:
            words = wording.resampling(confidence, block_size, exhibits.blocks_of(name))
            below[name] = f"Intervals: {words}. {credits}"
    return below


def draw_others(
    tables: dict[str, list["pd.DataFrame"]], images: "pd.DataFrame", below: dict[str, str], job: Job
) -> dict[str, "Figure"]:
    """The figures that need more than their tables, by name; `below`: the credits of each."""
    import pandas as pd

    from urbancam.showing.figures import cells, coactivation, maps, polar, quintiles, transfer
    from urbancam.tables import cover_classes, frames

    paths, city = job.paths, job.city
    codes = cover_classes.read(paths.classes)
    classes = cover_classes.of_classes(codes)
    samples, predictions = frames.read(paths.samples), frames.read(paths.predictions)
    pictures = read_cells(predictions, images, job.settings.seed, paths)
    without_income = None
    if paths.predictions_without_income.is_file():
        without_income = frames.read(paths.predictions_without_income)
    sectors = classes[classes["in_polar_figure"]]
    numbers = cover_classes.numbers(codes, job.settings.landcover.key)
    others = {  # name -> its drawing, and what it needs besides its tables
        "polar_ratios": (polar.draw_polar_ratios, sectors),
        "ordering": (quintiles.draw_ordering, numbers),
        "chords": (coactivation.draw_coactivation, classes),
    }
    figures = {
        name: draw(*tables[name], more, city, below[name])
        for name, (draw, more) in others.items()
        if name in tables
    }
    figures["class_maps"] = maps.draw_class_maps(
        samples, predictions, city, below["class_maps"], without_income
    )
    figures["cell_sheet"] = cells.draw_cell_sheet(pictures, classes, city, below["cell_sheet"])
    if "transfer" in tables:
        rows = pd.concat([frames.read(file) for file in transfer_tables(paths)], ignore_index=True)
        figures["transfer"] = transfer.draw_transfer(rows, below["transfer"])
    return figures


def read_cells(
    predictions: "pd.DataFrame", images: "pd.DataFrame", seed: int, paths: Paths
) -> dict[str, list["CellPicture"]]:
    """The sheet's groups of cells with what is on disk of each."""
    import geopandas as gpd

    from urbancam.showing.figures.cell_panels import CellPicture
    from urbancam.showing.figures.cells import choose_cells
    from urbancam.sources.imagery import png
    from urbancam.tables import geoframes

    groups = choose_cells(predictions, CELLS_A_GROUP, seed)
    ids = [cell for cells in groups.values() for cell in cells] or [""]  # the filter needs a value
    advice = "delete it and run 06_cut_land_cover again"
    with geoframes.naming_damage(display_path(paths.fragments), advice):
        fragments = gpd.read_parquet(
            paths.fragments,
            columns=["idINSPIRE", "class", "geometry"],
            filters=[("idINSPIRE", "in", ids)],
        )
    rows = predictions.set_index("idINSPIRE")

    def read_cell(cell: str) -> CellPicture:
        image = paths.city_folder / str(images["path"].get(cell, ""))
        return CellPicture(
            cell,
            rows.loc[cell, "value"],
            rows.loc[cell, "predicted_class"],
            png.read_pixels(image, "RGB", "05_cut_images"),
            png.read_pixels(paths.maps / f"{cell}.png", "L", "13_project_activation"),
            fragments.loc[fragments["idINSPIRE"] == cell, ["class", "geometry"]],
        )

    return {title: [read_cell(cell) for cell in cells] for title, cells in groups.items()}


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
