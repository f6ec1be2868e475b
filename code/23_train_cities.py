"""Train one network per fold to name the city of a patch, and let it name those of the fold's test
sites.

Reads   results/cities/<run>/sites.csv, patches.parquet, images
Writes  results/cities/<run>/fold_K/: weights.pt (state dict), history.csv, tensorboard/,
        test_predictions.csv, site_embeddings.parquet; below variants/<name>/ with --variant
Run     python code/23_train_cities.py --run demo [--fold 0] [--variant colour-grey]
"""

import argparse
import logging
from typing import TYPE_CHECKING

from urbancam.workflow.paths import ROOT
from urbancam.workflow.records.steps import Done, Step
from urbancam.workflow.running import arguments, runner
from urbancam.workflow.running.job import Job, Request
from urbancam.workflow.settings import backbone_names

if TYPE_CHECKING:  # a script that only shows its help does not wait for it
    from urbancam.cities.folds import FoldPatches

log = logging.getLogger(__name__)

KEYS = ("image", "model", "training", "patch_px", "colour", "checkpoint")  # of section `cities`

HOLDS_ONLY = (
    "scores hold only for sites that those weights were not trained on; "
    "only their makers know which"
)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = arguments.parser(__file__, __doc__)
    parser.add_argument(
        "--unpickle",
        action="store_true",
        help="cities.checkpoint may be a pickled module, as published: "
        "reading it RUNS CODE FROM THE FILE with all your rights",
    )
    return parser.parse_args(argv)


def declare(request: Request) -> list[Step]:
    cities, paths = request.settings.cities, request.paths
    weights = backbone_names.weights_file(cities.model.weights)
    named_files = [ROOT / weights] if weights else []
    if cities.checkpoint:
        named_files.insert(0, ROOT / cities.checkpoint)
    return [
        request.step(
            1,
            paths.test_predictions(fold),
            ["seed", *(f"cities.{key}" for key in KEYS)],
            [paths.patches, paths.sites],
            by_hand=named_files,
            outputs=[
                paths.weights(fold),
                paths.site_embeddings(fold),
                *([] if cities.checkpoint else [paths.history(fold)]),
            ],
            fold=fold,
        )
        for fold in request.folds(cities.folds_trained)
    ]


def work(job: Job) -> Done:
    from urbancam.cities import folds
    from urbancam.learning.training import training_record
    from urbancam.tables import frames

    paths, cities = job.paths, job.settings.cities
    fold = read_patches(job)
    network = folds.build_network(cities, fold, job.device)
    counts = {"cities": len(fold.names)}
    counts |= {role: fold.count(role) for role in ("train", "validation", "test")}
    weights = paths.weights(job.fold)
    if cities.checkpoint:
        unpickle = job.option("unpickle")
        folds.fill_from_checkpoint(network, ROOT / cities.checkpoint, weights, unpickle)
        log.info(HOLDS_ONLY)
    else:
        folder = paths.fold(job.fold)
        history = folds.train(network, fold, cities, folder, job.fingerprint, job.workers)
        counts |= training_record.describe_history(history, "validation_accuracy")
    table, sites = folds.predict(network, fold, cities, job.workers)
    frames.write(sites, paths.site_embeddings(job.fold))
    frames.write(table, job.result)
    counts["test accuracy"] = float((table["predicted_city"] == table["city"]).mean())
    facts = training_record.training_facts(network, weights, fold.seed) | {"cities": fold.names}
    return Done(counts, facts, leftovers=[paths.checkpoint(job.fold)])


def read_patches(job: Job) -> "FoldPatches":
    """The patches of the fold with their pixels; fills the cache where that is to be done."""
    from urbancam.cities import folds

    settings = job.settings
    return folds.read_fold(job.paths, settings.cities, settings.seed, job.fold, job.workers)


def prepare_folds(job: Job) -> None:
    """What all folds wait for: the weights that their network starts from, fetched once, and their
    images in the cache."""
    from urbancam.learning.models import networks

    cities = job.settings.cities
    networks.build(cities.model, pretrained=not cities.checkpoint)
    read_patches(job)


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    if args.cache_only:
        return runner.fill_cache(args, declare, prepare_folds)
    return runner.run(args, declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
