"""Ask what an activation ratio is worth: other attribution methods, controls without signal,
deletion curves.

Reads   results/<city>/images.csv, images/, fragments.parquet, classes.csv
        results/<city>/<run>/predictions.csv, fold_K/weights.pt
        results/<city>/<run>/variants/shuffled-labels/activation.parquet (with
        compare.shuffled_labels)
Writes  results/<city>/<run>/tables/: attribution_controls.csv, attribution_agreement.csv,
        deletion.csv, deletion_area.csv, map_shift.csv, nulls.csv
Run     python code/16_control_attribution.py --city Demo --run demo
"""

import argparse
import logging
from functools import partial
from typing import TYPE_CHECKING

from urbancam.workflow.files import open_parts
from urbancam.workflow.records.steps import Done, Step
from urbancam.workflow.running import arguments, runner
from urbancam.workflow.running.job import Job, Request
from urbancam.workflow.settings import variants

if TYPE_CHECKING:  # a script that only shows its help does not wait for it
    import pandas as pd

log = logging.getLogger(__name__)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__file__, __doc__).parse_args(argv)


SETTINGS = (
    "controls",
    "compare.shuffled_labels",
    "image",
    "model",
    "activation",
    "landcover.key",
    "landcover.poor_classes",
    "landcover.rich_classes",
    "landcover.min_joint_cells",
    "landcover.min_area_m2",
    "landcover.reference",
    "statistics",
    "seed",
    "split.folds",
    "split.trained_folds",
)
FURTHER_TABLES = ("attribution_agreement", "deletion", "deletion_area", "map_shift", "nulls")


def declare(request: Request) -> Step:
    settings, paths = request.settings, request.paths
    inputs = [paths.samples, paths.predictions, paths.fragments, paths.classes]
    inputs += [paths.images_table]
    inputs += [paths.weights(fold) for fold in range(settings.folds_trained)]
    if settings.compare.shuffled_labels:
        inputs.append(paths.of_variant(variants.SHUFFLED).activation)
    outputs = [paths.table(name) for name in FURTHER_TABLES]
    result = paths.table("attribution_controls")
    return request.step(11, result, SETTINGS, inputs, outputs=outputs)


def work(job: Job) -> Done:
    from urbancam.explaining import agreement, deletion_curves
    from urbancam.explaining.attribution import examination
    from urbancam.scoring import samples
    from urbancam.tables import frames

    settings, paths = job.settings, job.paths
    blocks = samples.read(paths.samples).set_index("idINSPIRE")["block"]
    cells = draw_cells(job)
    parts = open_parts(paths.run_folder / "controls.parts", job.fingerprint)
    curves, correlations, shifts, shares = examination.examine_city(
        cells, paths, settings, parts, job.device, job.workers
    )
    if settings.compare.shuffled_labels and len(cells):
        shuffled = frames.read(paths.of_variant(variants.SHUFFLED).activation)
        shares = agreement.add_shares(shares, "shuffled_labels", shuffled)
    deleted, area = deletion_curves.deletion_tables(
        curves, blocks, settings.statistics, settings.seed
    )
    shift = shift_table(job, shifts, blocks)
    tables = {"map_shift": shift, "deletion": deleted, "deletion_area": area}
    tables |= map_tables(job, cells, blocks, shares, correlations)
    for name, table in tables.items():
        frames.write(table, paths.table(name))
    return Done(count(cells, tables["attribution_controls"], curves), leftovers=[parts.parent])


def shift_table(job: Job, shifts: "pd.DataFrame", blocks: "pd.Series") -> "pd.DataFrame":
    """What maps explain of land cover where they are moved, with its pixels in metres."""
    from urbancam.explaining.attribution import map_shift
    from urbancam.tables import grid

    settings = job.settings
    pixel_m = grid.side_m(blocks.index.to_series()) / settings.image.size_px
    return map_shift.map_shift(shifts, blocks, pixel_m, settings.statistics.draws, settings.seed)


def map_tables(
    job: Job,
    cells: "pd.DataFrame",
    blocks: "pd.Series",
    shares: "pd.DataFrame",
    correlations: "pd.DataFrame",
) -> dict[str, "pd.DataFrame"]:
    """Table by name of what other maps say of land cover; the one that closes the step is last."""
    from urbancam.explaining import agreement, nulls
    from urbancam.explaining.landcover.run import statistics_of_run
    from urbancam.tables import cover_classes

    settings = job.settings
    classes = cover_classes.read(job.paths.classes)
    of_map = partial(
        statistics_of_run, predictions=cells, blocks=blocks, classes=classes, settings=settings
    )
    controls, agreements = agreement.compare(
        shares, correlations, cells, of_map, settings.controls.methods
    )
    return {
        "nulls": nulls.nulls_table(shares, of_map),
        "attribution_agreement": agreements,
        "attribution_controls": controls,
    }


def count(
    cells: "pd.DataFrame", controls: "pd.DataFrame", curves: "pd.DataFrame"
) -> dict[str, int]:
    return {
        "cells": len(cells),
        "maps": controls["control"].nunique(),
        "classes": controls["class"].nunique(),
        "cells deleted": curves["idINSPIRE"].nunique(),
    }


def draw_cells(job: Job) -> "pd.DataFrame":
    """The predicted poor and rich cells that are examined, in equal numbers."""
    from urbancam.explaining import agreement
    from urbancam.tables import frames

    settings = job.settings
    predictions = frames.read(job.paths.predictions)
    cells = agreement.draw_cells(
        predictions, settings.landcover, settings.controls.cells, settings.seed
    )
    rich = int(cells["rich"].sum())
    numbers = (f"{number:,}" for number in (len(cells), len(predictions), len(cells) - rich, rich))
    log.info("examines %s of %s cells: %s predicted poor, %s rich", *numbers)
    return cells


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
