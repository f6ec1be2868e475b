"""Write the cells and fragments of a run for other programs: one GeoPackage that QGIS opens
coloured; compute nothing.

Reads   results/<city>/cells.parquet, images.csv, fragments.parquet, classes.csv,
        results/<city>/<run>/samples.csv, predictions.csv, predictions_without_income.csv,
        activation.parquet, cell_activation.csv
Writes  results/<city>/<run>/<city>_<run>.gpkg
Run     python code/80_export_layers.py --city Demo --run demo
"""

import argparse
from typing import TYPE_CHECKING

from urbancam.workflow.records.steps import Done, Step
from urbancam.workflow.running import arguments, runner
from urbancam.workflow.running.job import Job, Request

if TYPE_CHECKING:  # a script that only shows its help does not wait for them
    import geopandas as gpd
    import pandas as pd

CELLS = "cells: class of {name} ({unit}) observed and predicted out of fold, contributions by class"
FRAGMENTS = "land cover cut by cells, with what the activation map gives each piece"


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__file__, __doc__).parse_args(argv)


def declare(request: Request) -> Step:
    paths = request.paths
    of_city = [paths.cells, paths.images_table, paths.fragments, paths.classes]
    of_run = [paths.samples, paths.predictions, paths.predictions_without_income]
    of_maps = [paths.activation, paths.cell_activation]
    return request.step(
        3,
        paths.layers,
        ["landcover.key", "cells.value_name", "cells.value_unit"],
        [*of_city, *of_run, *of_maps],
    )


def work(job: Job) -> Done:
    from urbancam.showing.layers import columns, geopackage, styles
    from urbancam.tables import cover_classes, frames, geoframes

    paths, own = job.paths, job.settings.cells
    activation = frames.read(paths.activation)
    cells = cell_layer(job, activation)
    fragments = columns.fragment_layer(geoframes.read(paths.fragments), activation)
    classes = cover_classes.of_classes(cover_classes.read(paths.classes))
    coloured = styles.styles_of_fragments(fragments, classes)
    layers = {
        "fragments": geopackage.Layer(fragments, FRAGMENTS, coloured),
        "cells": geopackage.Layer(
            cells, CELLS.format(name=own.name, unit=own.unit), styles.styles_of_cells()
        ),
    }
    geopackage.write(layers, paths.layers)
    return Done({"cells": len(cells), "fragments": len(fragments)})


def cell_layer(job: Job, activation: "pd.DataFrame") -> "gpd.GeoDataFrame":
    """The layer of the cells, of the tables of city and run."""
    from urbancam.showing.layers import columns
    from urbancam.tables import frames, geoframes

    paths = job.paths
    return columns.cell_layer(
        geoframes.read(paths.cells),
        frames.read(paths.images_table),
        frames.read(paths.samples),
        frames.read(paths.predictions),
        frames.read(paths.predictions_without_income),
        activation,
        frames.read(paths.cell_activation),
        job.settings.landcover.key,
    )


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
