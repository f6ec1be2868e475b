"""Make the figures of a run from its tables, images, maps and land cover; compute nothing.

Reads   results/<city>/images.csv, images/, fragments.parquet,
        results/<city>/<run>/samples.csv, predictions.csv, tables/, maps/; predictions_without_income.csv where it is,
        tables/transfer.csv of this and the other cities with the same run
Writes  results/<city>/<run>/figures/, each as .png and .pdf: those of urbancam/exhibits.py that the settings ask for
Run     python code/91_make_figures.py --city Demo --run demo
"""

import argparse
import logging

from urbancam.showing import exhibits
from urbancam.workflow import arguments, runner
from urbancam.workflow.files import write_files
from urbancam.workflow.paths import shown
from urbancam.workflow.records import Step

log = logging.getLogger("urbancam.figures")

CELLS_A_GROUP = 4  # of the sheet


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__doc__, city=True).parse_args(argv)


def transfers(paths) -> list:
    """The transfer tables at hand, this city's and the others'; none where there is one city only."""
    found = [
        city.table("transfer")
        for city in (paths, *paths.other_cities())
        if city.table("transfer").is_file()
    ]
    return found if len(found) > 1 else []


def declare(settings, paths, args) -> Step:
    wanted = exhibits.figures_of(settings, several_cities=bool(transfers(paths)))
    files = [paths.figures / f"{name}.{kind}" for name in wanted for kind in ("png", "pdf")]
    inputs = {
        paths.samples: "10_assign_folds",
        paths.predictions: "12_evaluate_income",
        paths.activation: "13_project_activation",
        paths.images_table: "05_cut_images",
        paths.fragments: "06_cut_land_cover",
    }
    tables = dict.fromkeys(name for figure in wanted.values() for name in figure.tables)
    inputs |= {paths.table(name): exhibits.TABLES[name].maker for name in tables}
    optional = [file for file in [paths.predictions_without_income] if file.is_file()] + transfers(
        paths
    )
    return Step(
        "91_make_figures",
        3,
        files[0],
        "run",
        settings.pick(
            "seed", "census.vintage", "urban_atlas.edition", "landcover.key", "samples.target"
        ),
        inputs | dict.fromkeys(optional, exhibits.TRANSFER),
        outputs=files[1:],
        label=args.city,
    )


def work(step, settings, paths, args) -> dict:
    from urbancam.showing.figures import from_tables, style
    from urbancam.tables import frames

    images = frames.read(paths.images_table).set_index("idINSPIRE")
    years = images["campaign_year"].dropna().astype(int).tolist()
    credits = style.credit_line(
        settings.census.vintage,
        settings.urban_atlas.edition,
        years,
        paths.truth.is_file(),
        settings.samples.target,
    )
    named = args.city, credits
    wanted = exhibits.figures_of(settings, several_cities=bool(transfers(paths)))
    drawn_from = {
        name: [frames.read(paths.table(table)) for table in figure.tables]
        for name, figure in wanted.items()
    }
    drawn = {
        name: draw(*drawn_from[name], *named)
        for name, draw in from_tables.FROM_TABLES.items()
        if name in wanted
    }
    drawn |= draw_others(drawn_from, images, named, settings, paths)
    write_files(paths.figures, style.render_files(drawn))
    log.info("saves %s to %s", ", ".join(drawn), shown(paths.figures))
    return {"figures": len(drawn)}


def draw_others(drawn_from, images, named, settings, paths) -> dict:
    """The figures of `drawn_from` that need more than their tables: name -> figure."""
    import pandas as pd

    from urbancam.showing.figures import chords, maps, polar, transfer
    from urbancam.showing.figures.cells import draw_cell_sheet
    from urbancam.sources.urban_atlas.classes import class_table
    from urbancam.tables import frames

    samples, predictions = frames.read(paths.samples), frames.read(paths.predictions)
    without = paths.predictions_without_income
    classes = class_table()
    cells = read_cells(predictions, images, settings.seed, paths)
    drawn = {
        "class_maps": maps.draw_class_maps(
            samples, predictions, *named, frames.read(without) if without.is_file() else None
        ),
        "cell_sheet": draw_cell_sheet(cells, classes, *named),
    }
    if "polar_ratios" in drawn_from:
        drawn["polar_ratios"] = polar.draw_polar_ratios(
            *drawn_from["polar_ratios"], classes[classes["in_polar_figure"]], *named
        )
    if "chords" in drawn_from:
        drawn["chords"] = chords.draw_chords(*drawn_from["chords"], classes, *named)
    if "transfer" in drawn_from:
        rows = pd.concat([frames.read(file) for file in transfers(paths)], ignore_index=True)
        drawn["transfer"] = transfer.draw_transfer(rows, named[-1])
    return drawn


def read_cells(predictions, images, seed, paths) -> dict:
    """The sheet's groups of cells with what is on disk of each."""
    import geopandas as gpd

    from urbancam.showing.figures.cells import CellPicture, choose_cells
    from urbancam.sources.imagery import png
    from urbancam.tables import geoframes

    groups = choose_cells(predictions, CELLS_A_GROUP, seed)
    ids = [cell for cells in groups.values() for cell in cells] or [""]  # the filter needs a value
    with geoframes.damage_named(
        shown(paths.fragments), "delete it and run 06_cut_land_cover again"
    ):
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
            rows.loc[cell, "income_eur"],
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
