"""Compute each cell's activation maps with the model that never saw it, and sum them over its land
cover.

Reads   results/<city>/images.csv, images/, fragments.parquet, results/<city>/<run>/samples.csv,
        fold_K/weights.pt
Writes  results/<city>/<run>/activation.parquet (a row per fragment), cell_activation.csv (a row per
        cell), local_moments.parquet (sums over the places of a cell), maps/<idINSPIRE>.png (small
        signed map: 128 zero, 255 most rich, 1 most poor), <city>_<run>_contribution.tif (what
        each place contributes to the logit)
Run     python code/13_project_activation.py --city Demo --run demo
"""

import argparse
from typing import TYPE_CHECKING

from urbancam.workflow.files import open_parts
from urbancam.workflow.records.steps import Done, Step
from urbancam.workflow.running import arguments, runner
from urbancam.workflow.running.job import Job, Request

if TYPE_CHECKING:  # a script that only shows its help does not wait for it
    import pandas as pd

SETTINGS = (
    "image",
    "model",
    "activation",
    "split.folds",
    "split.trained_folds",
    "split.method",
)

CONTRIBUTION_MAP = "contribution to the logit, above 0 towards rich"
CONTRIBUTION_UNIT = "logit units of a whole cell"


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__file__, __doc__).parse_args(argv)


def declare(request: Request) -> Step:
    settings, paths = request.settings, request.paths
    weights = [paths.weights(fold) for fold in range(settings.folds_trained)]
    return request.step(
        6,
        paths.activation,
        SETTINGS,
        [paths.samples, paths.fragments, paths.images_table, *weights],
        outputs=[paths.cell_activation, paths.local_moments, paths.contribution_map, paths.maps],
    )


def work(job: Job) -> Done:
    from urbancam.explaining import city_maps
    from urbancam.scoring import samples
    from urbancam.tables import frames, geotiffs

    settings, paths = job.settings, job.paths
    used = samples.read_used(paths.samples)
    used = used[used["fold"] < settings.folds_trained].reset_index(drop=True)
    folder = paths.run_folder / "activation.parts"
    parts = open_parts(folder, job.fingerprint, paths.maps)
    city_maps.project_city(paths, used, settings, parts, job.device, job.workers)
    fragments, cells, moments, squares = city_maps.join_parts(parts, paths.fragments)
    city_maps.check_additivity(cells)
    ids, about = cells["idINSPIRE"], f"{job.city}, run {paths.run}: {CONTRIBUTION_MAP}"
    geotiffs.write_cells(ids, squares, paths.contribution_map, about, CONTRIBUTION_UNIT)
    frames.write(cells, paths.cell_activation)
    frames.write(moments, paths.local_moments)
    frames.write(fragments, paths.activation)
    return Done(count(cells, fragments), leftovers=[folder])


def count(cells: "pd.DataFrame", fragments: "pd.DataFrame") -> dict[str, int]:
    return {
        "cells": len(cells),
        "fragments": len(fragments),
        "flat cells": int(cells["flat"].sum()),
        "cells without land cover": int((cells["covered_share"] == 0).sum()),
    }


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
