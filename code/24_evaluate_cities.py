"""Score how well cities are named, by what acquisition they are named, and say which cities look
alike.

Reads   results/cities/<run>/patches.parquet, fold_K/{test_predictions.csv,site_embeddings.parquet}
        of every fold; variants/<name>/patches.parquet, fold_K/test_predictions.csv of the variants
        that were trained
Writes  results/cities/<run>/predictions.csv,
        tables/{accuracy,confusion_matrix,most_confused,similarity_embedding,
        similarity_confusion,city_similarity,city_tree,city_map}.csv
Run     python code/24_evaluate_cities.py --run demo
"""

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from urbancam.workflow import arguments, runner
from urbancam.workflow.job import Job, Request
from urbancam.workflow.paths import Paths
from urbancam.workflow.records import Done, Step

if TYPE_CHECKING:  # a script that only shows its help does not wait for it
    import pandas as pd

    from urbancam.workflow.sections import Cities

log = logging.getLogger(__name__)

KEYS = ("split", "folds", "trained_folds", "variants", "variant_folds")  # of section `cities`
TABLES = (
    "confusion_matrix",
    "most_confused",
    "similarity_embedding",
    "similarity_confusion",
    "city_similarity",
    "city_tree",
    "city_map",
)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__file__, __doc__).parse_args(argv)


def declare(request: Request) -> Step:
    cities, paths = request.settings.cities, request.paths
    inputs = []
    for variant in ("", *trained_variants(cities, paths)):
        inputs += [paths.of_variant(variant).patches, *fold_files(cities, paths, variant)]
    inputs += [paths.site_embeddings(fold) for fold in range(cities.folds_trained)]
    return request.step(
        3,
        paths.table("accuracy"),
        ["statistics", "seed", *(f"cities.{key}" for key in KEYS)],
        inputs,
        outputs=[paths.predictions, *map(paths.table, TABLES)],
    )


def fold_files(cities: "Cities", paths: Paths, variant: str = "") -> list[Path]:
    """The test predictions of all folds of the run, or of a variant."""
    folds = range(cities.of_variant(variant).folds_trained)
    return [paths.of_variant(variant).test_predictions(fold) for fold in folds]


def trained_variants(cities: "Cities", paths: Paths) -> list[str]:
    """The variants that the settings ask for and whose folds are all there."""
    return [
        name
        for name in cities.variants
        if all(file.is_file() for file in fold_files(cities, paths, name))
    ]


def work(job: Job) -> Done:
    from urbancam.cities import evaluation
    from urbancam.tables import frames

    paths, settings = job.paths, job.settings
    statistics, seed = settings.statistics, settings.seed
    folds = settings.cities.folds_trained
    predictions, names = evaluation.read_predictions(paths, folds)
    scores = score_with_variants(job, predictions, names)
    sites = evaluation.read_embeddings(paths, folds)
    tables = evaluation.compare_cities(predictions, sites, names, statistics, seed)
    frames.write(predictions, paths.predictions)
    for name, table in tables.items():
        frames.write(table, paths.table(name))
    frames.write(scores, job.result)
    return Done(evaluation.summarise(scores, len(names)))


def score_with_variants(job: Job, predictions: "pd.DataFrame", names: list[str]) -> "pd.DataFrame":
    """The rows of `accuracy.csv`: of the run, and of each variant that was trained."""
    import pandas as pd

    from urbancam.cities import evaluation

    paths, cities = job.paths, job.settings.cities
    draws = (job.settings.statistics, job.settings.seed)
    parts = [evaluation.accuracy_of(evaluation.RUN, predictions, names, *draws)]
    trained = trained_variants(cities, paths)
    for name in cities.variants:
        if name not in trained:
            advice = f"23_train_cities --variant {name}"
            log.info("leaves out variant %s: not trained (%s)", name, advice)
            continue
        variant_folds = cities.of_variant(name).folds_trained
        table, cities_told_apart = evaluation.read_predictions(
            paths.of_variant(name), variant_folds
        )
        parts.append(evaluation.accuracy_of(name, table, cities_told_apart, *draws))
    return pd.concat(parts, ignore_index=True)


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
