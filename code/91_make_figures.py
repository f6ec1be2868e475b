"""Make the figures of a run from its tables, images, maps and land cover; compute nothing.

Reads   results/<city>/images.csv, images/, fragments.parquet,
        results/<city>/<run>/samples.csv, predictions.csv, tables/, maps/
Writes  results/<city>/<run>/figures/, each as .png and .pdf: class_maps, confusion_matrix, scores,
        activation_ratios, polar_ratios (for landcover.key: class), cell_sheet
Run     python code/91_make_figures.py --city Demo --run demo
"""

import argparse
import logging

from urbancam import command
from urbancam.errors import InputError
from urbancam.paths import shown
from urbancam.records import Step, atomic

log = logging.getLogger("urbancam.figures")

CELLS_A_GROUP = 4  # of the sheet
TABLES = {
    "metrics": "12_evaluate_income",
    "confusion_matrix": "12_evaluate_income",
    "activation_ratio": "14_landcover_statistics",
    "activation_contrast": "14_landcover_statistics",
    "contribution": "14_landcover_statistics",
}


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return command.parser(__doc__, city=True).parse_args(argv)


def declare(settings, paths, args) -> Step:
    names = ["class_maps", "confusion_matrix", "scores", "activation_ratios", "cell_sheet"]
    names += ["polar_ratios"] if settings.landcover.key == "class" else []
    files = [paths.figures / f"{name}.{kind}" for name in names for kind in ("png", "pdf")]
    return Step(
        "91_make_figures", 1, files[0], "run",
        settings.pick("seed", "census.vintage", "urban_atlas.edition", "landcover.key"),
        {paths.samples: "10_assign_folds", paths.predictions: "12_evaluate_income",
         paths.activation: "13_project_activation", paths.images_table: "05_cut_images",
         paths.fragments: "06_cut_land_cover"} | {paths.table(name): maker for name, maker in TABLES.items()},
        outputs=files[1:],
        label=args.city,
    )  # fmt: skip


def work(step, settings, paths, args) -> dict:
    from urbancam import figures, tables, urban_atlas

    metrics, confusion, ratios, contrast, contribution = (tables.read(paths.table(name)) for name in TABLES)
    samples, predictions = tables.read(paths.samples), tables.read(paths.predictions)
    images = tables.read(paths.images_table).set_index("idINSPIRE")
    classes = urban_atlas.class_table()
    years = images["campaign_year"].dropna().astype(int).tolist()
    vintage, edition = settings.census.vintage, settings.urban_atlas.edition
    named = args.city, figures.credit_line(vintage, edition, years, rendered=paths.truth.is_file())
    cells = read_cells(predictions, images, settings.seed, paths)
    drawn = {
        "class_maps": figures.draw_class_maps(samples, predictions, *named),
        "confusion_matrix": figures.draw_confusion_matrix(confusion, metrics, *named),
        "scores": figures.draw_scores(metrics, *named),
        "activation_ratios": figures.draw_activation_ratios(ratios, contrast, contribution, *named),
        "cell_sheet": figures.draw_cell_sheet(cells, classes, *named),
    }
    if settings.landcover.key == "class":
        sectors = classes[classes["in_polar_figure"]]
        drawn["polar_ratios"] = figures.draw_polar_ratios(ratios, sectors, *named)
    for name, figure in drawn.items():
        for kind in ("png", "pdf"):
            with atomic(paths.figures / f"{name}.{kind}") as temporary:
                temporary.write_bytes(figures.render(figure, kind))
    log.info("saves %s to %s", ", ".join(drawn), shown(paths.figures))
    return {"figures": len(drawn)}


def read_cells(predictions, images, seed, paths) -> dict:
    """The sheet's groups of cells with what is on disk of each."""
    import geopandas as gpd

    from urbancam import figures, geotables

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
            read_pixels(image, "RGB", "05_cut_images"),
            read_pixels(paths.maps / f"{cell}.png", "L", "13_project_activation"),
            fragments.loc[fragments["idINSPIRE"] == cell, ["class", "geometry"]],
        )  # fmt: skip

    return {title: [read_cell(cell) for cell in cells] for title, cells in groups.items()}


def read_pixels(path, mode: str, maker: str):
    """A picture as an array, None where there is none."""
    import numpy as np
    from PIL import Image

    if not path.is_file():
        return None
    try:
        with Image.open(path) as picture:
            return np.asarray(picture.convert(mode))
    except (OSError, SyntaxError) as error:
        raise InputError(f"a picture cannot be read: {error}", shown(path), f"run {maker} with --force") from None


def main(argv: list[str] | None = None) -> int:
    return command.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
