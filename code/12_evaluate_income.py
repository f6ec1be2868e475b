"""Score the out-of-fold predictions, beside baselines on the same folds that learn from features of
the cells.

Reads   results/<city>/cells.parquet, images.csv
        results/<city>/<run>/samples.csv, features/, fold_K/{test,validation}_predictions.csv of
        every trained fold; with split.method=city samples and features of the other cities
Writes  results/<city>/<run>/predictions.csv
        results/<city>/<run>/tables/{metrics,block_size,confusion_matrix,classification_report,calibration,reliability,
        temperatures,spatial_autocorrelation,subgroups,added_value,distance}.csv
Run     python code/12_evaluate_income.py --city Demo --run demo
"""

import argparse
from typing import TYPE_CHECKING

from urbancam.workflow.records.steps import Done, Step
from urbancam.workflow.running import arguments, runner
from urbancam.workflow.running.job import Job, Request
from urbancam.workflow.settings import feature_sets, other_cities

if TYPE_CHECKING:  # a script that only shows its help does not wait for it
    import pandas as pd

    from urbancam.workflow.paths import Paths


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__file__, __doc__).parse_args(argv)


SETTINGS = (
    "statistics.draws",
    "statistics.confidence",
    "statistics.min_blocks",
    "statistics.block_m",
    "split.block_m",
    "seed",
    "split.folds",
    "split.trained_folds",
    "split.method",
    "baselines.reaches_m",
    *feature_sets.SETTINGS,
)
FURTHER_TABLES = (
    "block_size",
    "confusion_matrix",
    "classification_report",
    "calibration",
    "reliability",
    "temperatures",
    "spatial_autocorrelation",
    "subgroups",
    "added_value",
    "distance",
)


def declare(request: Request) -> Step:
    settings, paths = request.settings, request.paths
    inputs = [paths.cells, paths.images_table, paths.samples]
    for fold in range(settings.folds_trained):
        inputs += [paths.test_predictions(fold), paths.validation_predictions(fold)]
    cities = learned_from(request)
    inputs += [city.samples for city in cities[1:]]
    sets = feature_sets.of_cities(settings, cities)
    inputs += [city.features(features.name) for city in cities for features in sets]
    return request.step(
        11,
        paths.table("metrics"),
        SETTINGS,
        inputs,
        outputs=[paths.predictions, *map(paths.table, FURTHER_TABLES)],
    )


def learned_from(asked: Request | Job) -> "list[Paths]":
    """The paths of the city, and behind it those of the cities that it also learns from."""
    paths = asked.paths
    return [
        paths,
        *(other_cities.of_same_value(paths) if asked.settings.split.leaves_city_out else []),
    ]


def work(job: Job) -> Done:
    from urbancam.learning import baselines
    from urbancam.learning.features import known_cells
    from urbancam.scoring import evaluation, samples
    from urbancam.scoring.predictions import join_folds
    from urbancam.tables import frames

    settings, paths, folds = job.settings, job.paths, range(job.settings.folds_trained)
    sampled = samples.read(paths.samples)
    cells = read_cells(paths)
    tested = {fold: frames.read(paths.test_predictions(fold)) for fold in folds}
    validated = {fold: frames.read(paths.validation_predictions(fold)) for fold in folds}
    predictions = join_folds(sampled, tested)
    cities = learned_from(job)
    known = known_cells.read(cities, sampled, feature_sets.of_cities(settings, cities))
    answers = baselines.predict(
        predictions, known, settings.baselines.reaches_m, folds, settings.split.method
    )
    predictions, tables = evaluation.evaluate(
        predictions, answers, validated, sampled, cells, settings
    )
    frames.write(predictions, paths.predictions)
    for name, table in tables.items():
        frames.write(table, paths.table(name))
    return Done(evaluation.summarise(tables), baselines.chosen_reaches(answers))


def read_cells(paths: "Paths") -> "pd.DataFrame":
    """What scores are told apart by, of each cell of the city: the flight of its image too."""
    from urbancam.tables import frames

    cells = frames.read(paths.cells, ["idINSPIRE", "imputed", "department", "ind"])
    return cells.merge(frames.read(paths.images_table, ["idINSPIRE", "campaign_year"]), "left")


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
