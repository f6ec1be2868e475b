"""Make the figures of a run from its tables, images, maps and land cover; compute nothing.

Reads   results/<city>/images.csv, images/, fragments.parquet,
        results/<city>/<run>/samples.csv, predictions.csv, tables/, maps/; predictions_without_income.csv where it is,
        tables/transfer.csv of this and the other cities with the same run
Writes  results/<city>/<run>/figures/, each as .png and .pdf: those of urbancam/exhibits.py that the settings ask for
Run     python code/91_make_figures.py --city Demo --run demo
"""

import argparse
import logging

from urbancam import command, exhibits
from urbancam.paths import shown
from urbancam.records import Step, write_files

log = logging.getLogger("urbancam.figures")

CELLS_A_GROUP = 4  # of the sheet


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return command.parser(__doc__, city=True).parse_args(argv)


def transfers(paths) -> list:
    """The transfer tables at hand, this city's and the others'; none where there is one city only."""
    found = [city.table("transfer") for city in (paths, *paths.other_cities()) if city.table("transfer").is_file()]
    return found if len(found) > 1 else []


def declare(settings, paths, args) -> Step:
    wanted = exhibits.figures_of(settings, several_cities=bool(transfers(paths)))
    files = [paths.figures / f"{name}.{kind}" for name in wanted for kind in ("png", "pdf")]
    inputs = {paths.samples: "10_assign_folds", paths.predictions: "12_evaluate_income",
              paths.activation: "13_project_activation", paths.images_table: "05_cut_images",
              paths.fragments: "06_cut_land_cover"}  # fmt: skip
    tables = dict.fromkeys(name for figure in wanted.values() for name in figure.tables)
    inputs |= {paths.table(name): exhibits.TABLES[name].maker for name in tables}
    optional = [file for file in [paths.predictions_without_income] if file.is_file()] + transfers(paths)
    return Step(
        "91_make_figures", 3, files[0], "run",
        settings.pick("seed", "census.vintage", "urban_atlas.edition", "landcover.key", "samples.target"),
        inputs | dict.fromkeys(optional, exhibits.TRANSFER),
        outputs=files[1:],
        label=args.city,
    )  # fmt: skip


def work(step, settings, paths, args) -> dict:
    from urbancam import figures, tables

    images = tables.read(paths.images_table).set_index("idINSPIRE")
    years = images["campaign_year"].dropna().astype(int).tolist()
    credits = figures.credit_line(settings.census.vintage, settings.urban_atlas.edition, years,
                                  paths.truth.is_file(), settings.samples.target)  # fmt: skip
    named = args.city, credits
    wanted = exhibits.figures_of(settings, several_cities=bool(transfers(paths)))
    frames = {name: [tables.read(paths.table(table)) for table in figure.tables] for name, figure in wanted.items()}
    drawn = {name: draw(*frames[name], *named) for name, draw in figures.FROM_TABLES.items() if name in wanted}
    drawn |= draw_others(frames, images, named, settings, paths)
    write_files(paths.figures, figures.render_files(drawn))
    log.info("saves %s to %s", ", ".join(drawn), shown(paths.figures))
    return {"figures": len(drawn)}


def draw_others(frames, images, named, settings, paths) -> dict:
    """The figures of `frames` that need more than their tables: name -> figure."""
    import pandas as pd

    from urbancam import figures, tables, urban_atlas

    samples, predictions = tables.read(paths.samples), tables.read(paths.predictions)
    without = paths.predictions_without_income
    classes = urban_atlas.class_table()
    cells = read_cells(predictions, images, settings.seed, paths)
    drawn = {
        "class_maps": figures.draw_class_maps(
            samples, predictions, *named, tables.read(without) if without.is_file() else None),
        "cell_sheet": figures.draw_cell_sheet(cells, classes, *named),
    }  # fmt: skip
    if "polar_ratios" in frames:
        drawn["polar_ratios"] = figures.draw_polar_ratios(
            *frames["polar_ratios"], classes[classes["in_polar_figure"]], *named)  # fmt: skip
    if "chords" in frames:
        drawn["chords"] = figures.draw_chords(*frames["chords"], classes, *named)
    if "transfer" in frames:
        rows = pd.concat([tables.read(file) for file in transfers(paths)], ignore_index=True)
        drawn["transfer"] = figures.draw_transfer(rows, named[-1])
    return drawn


def read_cells(predictions, images, seed, paths) -> dict:
    """The sheet's groups of cells with what is on disk of each."""
    import geopandas as gpd

    from urbancam import figures, geotables
    from urbancam.imagery import png

    groups = figures.choose_cells(predictions, CELLS_A_GROUP, seed)
    ids = [cell for cells in groups.values() for cell in cells] or [""]  # the filter needs a value
    with geotables.damage_named(shown(paths.fragments), "delete it and run 06_cut_land_cover again"):
        fragments = gpd.read_parquet(paths.fragments, columns=["idINSPIRE", "class", "geometry"],
                                     filters=[("idINSPIRE", "in", ids)])  # fmt: skip
    rows = predictions.set_index("idINSPIRE")

    def read_cell(cell: str) -> figures.CellPicture:
        image = paths.city_folder / str(images["path"].get(cell, ""))
        return figures.CellPicture(
            cell, rows.loc[cell, "income_eur"], rows.loc[cell, "predicted_class"],
            png.read_pixels(image, "RGB", "05_cut_images"),
            png.read_pixels(paths.maps / f"{cell}.png", "L", "13_project_activation"),
            fragments.loc[fragments["idINSPIRE"] == cell, ["class", "geometry"]],
        )  # fmt: skip

    return {title: [read_cell(cell) for cell in cells] for title, cells in groups.items()}


def main(argv: list[str] | None = None) -> int:
    return command.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
