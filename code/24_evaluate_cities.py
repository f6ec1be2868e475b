"""Score how well cities are named, by the network and by colours and grey levels alone, by what
acquisition they are named, and say which cities look alike.

Reads   results/cities/<run>/sites.csv, images, patches.parquet,
        fold_K/{test_predictions.csv,site_embeddings.parquet} of every fold;
        variants/<name>/patches.parquet, fold_K/test_predictions.csv of the variants that were
        trained
Writes  results/cities/<run>/predictions.csv,
        tables/{accuracy,confusion_matrix,most_confused,similarity_embedding,
        similarity_confusion,city_similarity,city_tree,city_map}.csv
Run     python code/24_evaluate_cities.py --run demo
"""

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from urbancam.workflow.paths import Paths
from urbancam.workflow.records.steps import Done, Step
from urbancam.workflow.running import arguments, runner
from urbancam.workflow.running.job import Job, Request

if TYPE_CHECKING:  # a script that only shows its help does not wait for it
    import pandas as pd

    from urbancam.cities.evaluation import Tested
    from urbancam.workflow.settings.cities_sections import Cities

log = logging.getLogger(__name__)

SETTINGS = (
    "statistics",
    "seed",
    "baselines.histogram_bins",
    "cities.split",
    "cities.folds",
    "cities.trained_folds",
    "cities.variants",
    "cities.variant_folds",
    "cities.colour",
    "cities.patch_px",
    "cities.image.size_px",
    "cities.image.resample",
)
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
    inputs = [paths.sites]
    for variant in ("", *trained_variants(cities, paths)):
        inputs += [paths.of_variant(variant).patches, *fold_files(cities, paths, variant)]
    inputs += [paths.site_embeddings(fold) for fold in range(cities.folds_trained)]
    return request.step(
        6,
        paths.table("accuracy"),
        SETTINGS,
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
    runs = read_with_variants(job)
    scores = score_with_variants(job, runs)
    run = runs[evaluation.RUN]
    sites = evaluation.read_embeddings(paths, settings.cities.folds_trained)
    tables = evaluation.compare_cities(run.predictions, sites, run.cities, statistics, seed)
    frames.write(run.predictions, paths.predictions)
    for name, table in tables.items():
        frames.write(table, paths.table(name))
    frames.write(scores, job.result)
    return Done(evaluation.summarise(scores, len(run.cities)))


def read_with_variants(job: Job) -> "dict[str, Tested]":
    """The run, and each variant that was trained."""
    from urbancam.cities import evaluation

    paths, cities = job.paths, job.settings.cities
    runs = {evaluation.RUN: evaluation.read_tested(paths, cities)}
    trained = trained_variants(cities, paths)
    for name in cities.variants:
        if name not in trained:
            advice = f"23_train_cities --variant {name}"
            log.info("leaves out variant %s: not trained (%s)", name, advice)
            continue
        runs[name] = evaluation.read_tested(paths.of_variant(name), cities.of_variant(name))
    return runs


def score_with_variants(job: Job, runs: "dict[str, Tested]") -> "pd.DataFrame":
    """The rows of `accuracy.csv`: of each network, and of the baselines on the same folds."""
    import pandas as pd

    from urbancam.cities import evaluation

    settings, seed = job.settings, job.settings.seed
    bins = settings.baselines.histogram_bins
    features = evaluation.describe_patches([*runs.values()], job.paths, bins, job.workers)
    parts = []
    for name, run in runs.items():
        answers = evaluation.name_by_baselines(run, features, seed)
        parts.append(evaluation.accuracy_of(name, run, answers, settings.statistics, seed))
    return pd.concat(parts, ignore_index=True)


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
