"""Say which cells are used, why the others are not, and into which class, block and fold each one
falls.

Reads   results/<city>/cells.parquet, images.csv
Writes  results/<city>/<run>/samples.csv
Run     python code/10_assign_folds.py --city Demo --run demo
"""

import argparse
import logging

from urbancam.workflow import arguments, runner
from urbancam.workflow.job import Job, Request
from urbancam.workflow.records import Done, Step

log = logging.getLogger(__name__)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__file__, __doc__).parse_args(argv)


def declare(request: Request) -> Step:
    paths = request.paths
    inputs = [paths.cells, paths.images_table]
    return request.step(1, paths.samples, ["samples", "split", "seed"], inputs)


def work(job: Job) -> Done:
    from urbancam.learning import splits
    from urbancam.scoring import targets
    from urbancam.tables import frames

    settings, paths = job.settings, job.paths
    cells = frames.read(paths.cells, ["idINSPIRE", "income_eur", "ind", "group"])
    images = frames.read(paths.images_table)
    table = splits.usable_cells(cells, images, settings.samples.max_void_fraction)
    table = targets.add_classes(table, targets.TARGETS[settings.samples.target])
    samples = splits.add_folds(table, settings.split, settings.seed)
    used = samples[samples["used"]]
    if settings.samples.shuffle_labels:
        log.info("draws the classes of %s cells anew at random", f"{len(used):,}")
        samples = targets.shuffle_classes(samples, settings.seed)
    for reason, count in samples.loc[~samples["used"], "reason"].value_counts().items():
        log.info("drops %s of %s cells: %s", f"{count:,}", f"{len(samples):,}", reason)
    frames.write(samples, paths.samples)
    counts = {
        "cells used": len(used),
        "not used": len(samples) - len(used),
        "blocks": used["block"].nunique(),
        "folds": used["fold"].nunique(),
    }
    return Done(counts)


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
