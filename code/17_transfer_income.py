"""Predict where a model was not trained: the city's cells without income, and its cells by other
cities' models.

Other cities are those with a finished run of the same name: each of their folds' models predicts
alone, as the city's own do, and so does the mean of their outputs. Where classes are quintiles of
each city (samples.thresholds: city) it is the ranking (Spearman) that compares between cities;
where they are national, so do classes.

Reads   results/<city>/cells.parquet, images.csv, images/, results/<city>/<run>/
        predictions.csv, fold_K/weights.pt of this city and of every other one with the same run
Writes  results/<city>/<run>/predictions_without_income.csv, tables/transfer.csv
Run     python code/17_transfer_income.py --city Demo --run demo
"""

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from urbancam.workflow.files import read_json
from urbancam.workflow.paths import Paths
from urbancam.workflow.records.steps import Done, Step, record_path
from urbancam.workflow.running import arguments, runner
from urbancam.workflow.running.job import Job, Request
from urbancam.workflow.settings import other_cities

if TYPE_CHECKING:  # a script that only shows its help does not wait for it
    from urbancam.workflow.settings.settings import Settings

log = logging.getLogger(__name__)

SETTINGS = (
    "image",
    "model",
    "split.folds",
    "split.trained_folds",
    "split.method",
    "samples",
    "statistics",
    "seed",
)
SAME_NETWORK = ("image", "model", "samples.target")  # settings that models to be compared share
SAME_CLASSES = ("samples.target", "samples.thresholds")  # and that their classes do


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__file__, __doc__).parse_args(argv)


def declare(request: Request) -> Step:
    settings, paths = request.settings, request.paths
    inputs = [paths.cells, paths.images_table, paths.predictions]
    for city in (paths, *finished_cities(settings, paths)):
        inputs += [city.weights(fold) for fold in range(settings.folds_trained)]
    return request.step(
        6,
        paths.table("transfer"),
        SETTINGS,
        inputs,
        outputs=[paths.predictions_without_income],
    )


def finished_cities(settings: "Settings", paths: Paths) -> list[Paths]:
    """The other cities whose folds are all trained, for this run, as networks of the same make."""
    folds = range(settings.folds_trained)
    same_network, same_classes = settings.pick(*SAME_NETWORK), settings.pick(*SAME_CLASSES)
    return [
        city
        for city in other_cities.of_same_value(paths)
        if tells(city.samples, same_classes)
        and all(
            city.weights(fold).is_file() and tells(city.test_predictions(fold), same_network)
            for fold in folds
        )
    ]


def tells(result: Path, settings: dict[str, object]) -> bool:
    """Whether the record of a result tells these settings."""
    recorded = (read_json(record_path(result)) or {}).get("settings", {})
    return all(recorded.get(key) == value for key, value in settings.items())


def work(job: Job) -> Done:
    from urbancam.learning import transfer
    from urbancam.tables import frames

    settings, paths, head = job.settings, job.paths, job.settings.model.head
    cells = frames.read(paths.cells, ["idINSPIRE", "value"])
    images = frames.read(paths.images_table)
    ids = transfer.cells_without_income(cells, images, settings.samples.max_void_fraction)
    log.info("predicts %s cells without a value", f"{len(ids):,}")
    outputs = transfer.predict_by_folds(paths, paths, ids, settings, job.device, job.workers)
    without_income = transfer.predict_without_income(ids, outputs, head)
    own, foreign = frames.read(paths.predictions), {}
    for city in finished_cities(settings, paths):
        log.info("predicts %s cells with the models of %s", f"{len(own):,}", city.city)
        foreign[city.city] = transfer.predict_by_folds(
            city, paths, own["idINSPIRE"], settings, job.device, job.workers
        )
    scores = transfer.transfer_table(
        paths.city_folder.name, own, foreign, head, own["block"], settings.statistics, settings.seed
    )
    frames.write(without_income, paths.predictions_without_income)
    scores.insert(3, "thresholds", settings.samples.thresholds)
    frames.write(scores, paths.table("transfer"))
    return Done({"cells without a value": len(ids), "models of other cities": len(foreign)})


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
