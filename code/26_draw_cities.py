"""Draw the cities experiment from its tables; compute nothing.

Reads   results/cities/<run>/sites.csv, tables/{accuracy,confusion_matrix,city_tree,city_map}.csv
Writes  results/cities/<run>/figures/, each as .png, .pdf and .svg: city_accuracy, city_confusion,
        colour_controls, city_tree, city_map; captions.md
Run     python code/26_draw_cities.py --run demo
"""

import argparse
import logging

from urbancam.showing import captions
from urbancam.workflow.files import write_files
from urbancam.workflow.paths import display_path
from urbancam.workflow.records.steps import Done, Step
from urbancam.workflow.running import arguments, runner
from urbancam.workflow.running.job import Job, Request

log = logging.getLogger(__name__)

FIGURES = ("city_accuracy", "city_confusion", "colour_controls", "city_tree", "city_map")
TABLES = ("accuracy", "confusion_matrix", "city_tree", "city_map")


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__file__, __doc__).parse_args(argv)


def declare(request: Request) -> Step:
    paths = request.paths
    names = captions.file_names(FIGURES, request.settings.figures)
    files = [paths.figures / name for name in names]
    inputs = [paths.sites, *map(paths.table, TABLES)]
    return request.step(2, files[0], ["figures"], inputs, outputs=files[1:], ways=captions.WAYS)


def work(job: Job) -> Done:
    from urbancam.showing.figures import arrangements, cities
    from urbancam.showing.figures.credits import site_credit_line
    from urbancam.tables import frames

    paths = job.paths
    accuracy, confusion, tree, places = (frames.read(paths.table(name)) for name in TABLES)
    sources = set(frames.read(paths.sites, columns=["source"])["source"])
    credits = site_credit_line(sources, rendered=paths.cities_truth.is_file())
    figures = {
        "city_accuracy": cities.draw_city_accuracy(accuracy, credits),
        "city_confusion": cities.draw_city_confusion(confusion, credits),
        "colour_controls": cities.draw_colour_controls(accuracy, credits),
        "city_tree": arrangements.draw_city_tree(tree, confusion["city"].tolist(), credits),
        "city_map": arrangements.draw_city_map(places, credits),
    }
    source = captions.name_source("cities", job.run)
    write_files(paths.figures, captions.render_files(figures, source, job.settings.figures))
    log.debug("saves %s to %s", ", ".join(figures), display_path(paths.figures))
    return Done({"figures": len(figures)})


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
