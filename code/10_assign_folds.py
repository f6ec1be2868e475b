"""Say which cells are used, why the others are not, and into which class, block and fold each one falls.

Reads   results/<city>/cells.parquet, images.csv
Writes  results/<city>/<run>/samples.csv
Run     python code/10_assign_folds.py --city Demo --run demo
"""

import argparse
import logging

from urbancam.workflow import arguments, runner
from urbancam.workflow.records import Step

log = logging.getLogger(__name__)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__doc__, city=True, variant=True).parse_args(argv)


def declare(settings, paths, args) -> Step:
    return Step(
        "10_assign_folds",
        1,
        paths.samples,
        "run",
        settings.pick("samples", "split", "seed"),
        {paths.cells: "03_select_cells", paths.images_table: "05_cut_images"},
        label=args.city,
    )


def work(step, settings, paths, args) -> dict:
    from urbancam.learning import splits
    from urbancam.scoring import targets
    from urbancam.tables import frames

    cells = frames.read(paths.cells, ["idINSPIRE", "income_eur", "ind", "group"])
    images = frames.read(paths.images_table)
    table = splits.usable_cells(cells, images, settings.samples.max_void_fraction)
    table = targets.add_classes(table, targets.TARGETS[settings.samples.target])
    samples = splits.add_folds(table, settings.split, settings.seed)
    if settings.samples.shuffle_labels:
        log.info("draws the classes of %s cells anew at random", f"{table['used'].sum():,}")
        samples = targets.shuffle_classes(samples, settings.seed)
    for reason, count in samples.loc[~samples["used"], "reason"].value_counts().items():
        log.info("drops %s of %s cells: %s", f"{count:,}", f"{len(samples):,}", reason)
    frames.write(samples, paths.samples)
    used = samples[samples["used"]]
    return {
        "cells used": len(used),
        "not used": len(samples) - len(used),
        "blocks": used["block"].nunique(),
        "folds": used["fold"].nunique(),
    }


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
