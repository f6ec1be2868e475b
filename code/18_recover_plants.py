"""Ask what the method can see here at all: incomes by known rules, planted on the city's own cells.

The rules are those of section `planted`. Many are learned by linear units on the frozen features of
the run's first network; a few by networks of their own, the variants planted-1, planted-2, ...

Reads   results/<city>/cells.parquet, images.csv, images/, fragments.parquet
        results/<city>/<run>/samples.csv, fold_0/weights.pt
        results/<city>/<run>/variants/planted-N/planted_truth.csv, activation.parquet,
        local_moments.parquet, predictions.csv
Writes  results/<city>/<run>/tables/recovery.csv, recovery_summary.csv
Run     python code/18_recover_plants.py --city Demo --run demo
"""

import argparse
import logging
from typing import TYPE_CHECKING

from urbancam.workflow.paths import Paths
from urbancam.workflow.records.steps import Done, Step
from urbancam.workflow.running import arguments, runner
from urbancam.workflow.running.job import Job, Request
from urbancam.workflow.settings import variants

if TYPE_CHECKING:  # a script that only shows its help does not wait for it
    import pandas as pd

    from urbancam.workflow.settings.settings import Settings

log = logging.getLogger(__name__)

SETTINGS = (
    "planted",
    "image",
    "model",
    "activation.centre",
    "activation.positions",
    "landcover.key",
    "landcover.poor_classes",
    "landcover.rich_classes",
    "landcover.min_area_m2",
    "landcover.reference",
    "statistics",
    "seed",
    "split.method",
    "split.folds",
    "split.validation_fraction",
    "split.seed",
)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__file__, __doc__).parse_args(argv)


def declare(request: Request) -> Step:
    settings, paths = request.settings, request.paths
    inputs = [paths.samples, paths.cells, paths.fragments, paths.classes]
    inputs += [paths.images_table, paths.weights(0)]
    for variant in trained_plants(settings, paths).values():
        inputs += [variant.planted_truth, variant.activation, variant.predictions]
        inputs.append(variant.local_moments)
    return request.step(
        6,
        paths.table("recovery_summary"),
        SETTINGS,
        inputs,
        outputs=[paths.table("recovery")],
    )


def trained_plants(settings: "Settings", paths: Paths) -> dict[int, Paths]:
    """The variants whose networks are trained on planted incomes, by the number of the rule."""
    numbers = range(1, settings.planted.trained + 1)
    return {number: paths.of_variant(variants.planted_name(number)) for number in numbers}


def work(job: Job) -> Done:
    from urbancam.explaining import recovery
    from urbancam.tables import cover_classes, frames

    paths = job.paths
    cells, classes = read_cells(job), cover_classes.read(paths.classes)
    answers = [*recover_frozen(cells, classes, job), *recover_trained(cells, classes, job)]
    table, scores = recovery.join(answers)
    summary = recovery.summarise(table, scores, job.settings.statistics.confidence)
    frames.write(table, paths.table("recovery"))
    frames.write(summary, paths.table("recovery_summary"))
    return Done({"plants": len(scores), "attributions": table["attribution"].nunique()})


def read_cells(job: Job) -> "pd.DataFrame":
    """The used cells with people and income of the census, and the folds that plants have."""
    from urbancam.learning import plants
    from urbancam.scoring import samples
    from urbancam.tables import frames

    used = plants.folds_of_plants(samples.read_used(job.paths.samples), job.settings)
    people = frames.read(job.paths.cells, ["idINSPIRE", "value", "ind"])
    return used.merge(people, on="idINSPIRE", how="left", validate="1:1")


def recover_frozen(
    cells: "pd.DataFrame", classes: "pd.DataFrame", job: Job
) -> "list[tuple[pd.DataFrame, pd.DataFrame]]":
    """The answers on the features of the run's first network; none where no plant is asked for."""
    from urbancam.explaining import frozen_plants
    from urbancam.learning import plants
    from urbancam.learning.inputs.images import open_images
    from urbancam.learning.models import networks
    from urbancam.sources.landcover.fragments import FragmentsOfCells
    from urbancam.tables import frames

    settings, paths = job.settings, job.paths
    numbers = range(1, settings.planted.plants + 1)
    if not numbers:
        return []
    fragments = frames.read(paths.fragments)
    ids = cells["idINSPIRE"]
    rules = [plants.plant_city(ids, cells, fragments, settings, number) for number in numbers]
    log.info("plants %d rules on %s cells", len(rules), f"{len(cells):,}")
    images, rows = open_images(paths, ids, settings.image, job.workers)
    network = networks.load(paths.weights(0), settings.model)
    network = network.to(networks.find_device(job.device))
    by_id = FragmentsOfCells(fragments, ids)
    return [
        frozen_plants.recover_plants(
            rules, cells, network, images, rows, by_id, classes, settings, job.workers
        )
    ]


def recover_trained(
    cells: "pd.DataFrame", classes: "pd.DataFrame", job: Job
) -> "list[tuple[pd.DataFrame, pd.DataFrame]]":
    """The answers of networks that were trained on planted incomes."""
    from urbancam.explaining import recovery
    from urbancam.tables import frames

    answers = []
    for number, variant in trained_plants(job.settings, job.paths).items():
        answers.append(
            recovery.recover_variant(
                frames.read(variant.activation),
                frames.read(variant.predictions),
                frames.read(variant.local_moments),
                frames.read(variant.planted_truth),
                cells,
                classes,
                job.settings,
                number,
            )
        )
    return answers


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
