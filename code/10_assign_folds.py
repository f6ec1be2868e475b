"""Say which cells are used, why the others are not, and into which class, block and fold each one
falls.

Reads   results/<city>/cells.parquet, images.csv; with samples.thresholds=national
        data/census_data/census_<vintage>.parquet; for incomes of a planted rule fragments.parquet
Writes  results/<city>/<run>/samples.csv; of a planted rule planted_incomes.csv, planted_truth.csv
Run     python code/10_assign_folds.py --city Demo --run demo
"""

import argparse
import logging
from typing import TYPE_CHECKING

from urbancam.workflow.records.steps import Done, Step
from urbancam.workflow.running import arguments, runner
from urbancam.workflow.running.job import Job, Request

if TYPE_CHECKING:  # a script that only shows its help does not wait for them
    import numpy as np
    import pandas as pd

log = logging.getLogger(__name__)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__file__, __doc__).parse_args(argv)


SETTINGS = ("samples", "split", "seed", "cells.source")


def declare(request: Request) -> Step:
    paths, census = request.paths, request.settings.census
    inputs = [paths.cells, paths.images_table]
    settings, outputs = [*SETTINGS], []
    if request.settings.samples.thresholds == "national":
        settings += ["census.vintage", "census.cell_size_m"]
        inputs.append(paths.census(census.vintage, census.cell_size_m))
    if request.settings.samples.planted:
        inputs.append(paths.fragments)
        settings += ["planted", "landcover.key"]
        outputs = [paths.planted_incomes, paths.planted_truth]
    return request.step(2, paths.samples, settings, inputs, outputs=outputs)


def work(job: Job) -> Done:
    from urbancam.learning import splits
    from urbancam.scoring import targets
    from urbancam.tables import frames

    settings, paths = job.settings, job.paths
    cells = frames.read(paths.cells, ["idINSPIRE", "value", "ind", "group"])
    table = choose_cells(job, cells)
    thresholds = find_thresholds(job, table)
    national = settings.samples.thresholds == "national"
    target = targets.TARGETS[settings.samples.target]
    table = targets.add_classes(table, target, thresholds if national else None)
    samples = splits.add_folds(table, settings.split, settings.fold_seed)
    if settings.samples.shuffle_labels:
        log.info("draws the classes of %s cells anew at random", f"{samples['used'].sum():,}")
        samples = targets.shuffle_classes(samples, settings.seed)
    if settings.samples.planted:
        samples = plant_incomes(samples, cells, job)
    tell_dropped(samples)
    frames.write(samples, paths.samples)
    return Done(count(samples), {"class_thresholds": thresholds.tolist()})


def choose_cells(job: Job, cells: "pd.DataFrame") -> "pd.DataFrame":
    """The cells of the city, and which of them are used, by their people and their images."""
    from urbancam.learning import usable_cells
    from urbancam.tables import frames

    images = frames.read(job.paths.images_table)
    of_insee = job.settings.cells.source == "insee"
    return usable_cells.choose(cells, images, job.settings.samples.max_void_fraction, of_insee)


def tell_dropped(samples: "pd.DataFrame") -> None:
    """Say how many cells are not used, by reason."""
    for reason, number in samples.loc[~samples["used"], "reason"].value_counts().items():
        log.info("drops %s of %s cells: %s", f"{number:,}", f"{len(samples):,}", reason)


def count(samples: "pd.DataFrame") -> dict[str, int]:
    used = samples[samples["used"]]
    return {
        "cells used": len(used),
        "not used": len(samples) - len(used),
        "blocks": used["block"].nunique(),
        "folds": used["fold"].nunique(),
    }


def find_thresholds(job: Job, table: "pd.DataFrame") -> "np.ndarray":
    """The thresholds between the classes: of the city's used cells, or of all of the census."""
    from urbancam.scoring import targets
    from urbancam.tables import frames

    samples = job.settings.samples
    target = targets.TARGETS[samples.target]
    if samples.thresholds == "city":
        return targets.quintile_thresholds(table.loc[table["used"], target.column])
    census = job.settings.census
    path = job.paths.census(census.vintage, census.cell_size_m)
    return targets.national_thresholds(frames.read(path, ["ind", "ind_snv"]), target)


def plant_incomes(samples: "pd.DataFrame", cells: "pd.DataFrame", job: Job) -> "pd.DataFrame":
    """The samples with classes of incomes by a planted rule; the rule and its incomes are kept."""
    from urbancam.learning import plants
    from urbancam.scoring import planted
    from urbancam.tables import frames

    settings, paths = job.settings, job.paths
    fragments = frames.read(paths.fragments, ["idINSPIRE", settings.landcover.key, "area_m2"])
    ids = samples.loc[samples["used"], "idINSPIRE"]
    plant = plants.plant_city(ids, cells, fragments, settings, settings.samples.planted)
    log.info(
        "plants rule %d on %s cells: %d classes with an effect, a field with a range of %.0f m",
        settings.samples.planted,
        f"{len(ids):,}",
        (plant.effects["effect"] != 0).sum(),
        plant.range_m,
    )
    frames.write(plant.incomes, paths.planted_incomes)
    frames.write(plant.effects, paths.planted_truth)
    return planted.planted_classes(samples, plant.incomes)


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
