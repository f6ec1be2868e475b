"""Draw the cities experiment from its tables; compute nothing.

Reads   results/cities/<run>/sites.csv, tables/{accuracy,confusion_matrix,city_tree,city_map}.csv
Writes  results/cities/<run>/figures/, each as .png and .pdf: city_accuracy, city_confusion, colour_controls,
        city_tree, city_map
Run     python code/26_draw_cities.py --run demo
"""

import argparse
import logging

from urbancam import command
from urbancam.paths import shown
from urbancam.records import Step, write_files

log = logging.getLogger(__name__)

FIGURES = ("city_accuracy", "city_confusion", "colour_controls", "city_tree", "city_map")
TABLES = ("accuracy", "confusion_matrix", "city_tree", "city_map")


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return command.parser(__doc__, experiment="cities").parse_args(argv)


def declare(settings, paths, args) -> Step:
    files = [paths.figures / f"{name}.{kind}" for name in FIGURES for kind in ("png", "pdf")]
    return Step(
        "26_draw_cities", 1, files[0], "run", {},
        {paths.sites: "21_import_sites"} | {paths.table(name): "24_evaluate_cities" for name in TABLES},
        outputs=files[1:],
    )  # fmt: skip


def work(step, settings, paths, args) -> dict:
    from urbancam import figures, tables

    accuracy, confusion, tree, places = (tables.read(paths.table(name)) for name in TABLES)
    sources = set(tables.read(paths.sites, columns=["source"])["source"])
    credits = figures.site_credit_line(sources, rendered=paths.cities_truth.is_file())
    drawn = {
        "city_accuracy": figures.draw_city_accuracy(accuracy, credits),
        "city_confusion": figures.draw_city_confusion(confusion, credits),
        "colour_controls": figures.draw_colour_controls(accuracy, credits),
        "city_tree": figures.draw_city_tree(tree, confusion["city"].tolist(), credits),
        "city_map": figures.draw_city_map(places, credits),
    }
    write_files(paths.figures, figures.render_files(drawn))
    log.info("saves %s to %s", ", ".join(drawn), shown(paths.figures))
    return {"figures": len(drawn)}


def main(argv: list[str] | None = None) -> int:
    return command.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
