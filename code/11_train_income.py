"""Train one network per fold on the income classes of a city, and predict the fold's own test and
validation cells.

With `split.method: city` the network learns from all other cities at hand (those with samples of
the same run), and the whole city is tested. A fold that another run of the city has trained on the
same things is taken over. With `training.frozen` only the linear unit learns, from features that
are computed once for all folds.

Reads   results/<city>/<run>/samples.csv, planted_incomes.csv (of a planted rule),
        results/<city>/images.csv, images/, cells.parquet
Writes  results/<city>/<run>/fold_K/: weights.pt (state dict), history.csv, tensorboard/,
        test_predictions.csv, validation_predictions.csv
Run     python code/11_train_income.py --city Demo --run demo [--fold 0]
"""

import argparse
from typing import TYPE_CHECKING

from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import display_path
from urbancam.workflow.records.steps import Done, Step
from urbancam.workflow.running import arguments, runner
from urbancam.workflow.running.job import Job, Request
from urbancam.workflow.settings import other_cities

if TYPE_CHECKING:  # a script that only shows its help does not wait for it
    import pandas as pd

    from urbancam.learning.training.income import FoldCells


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__file__, __doc__).parse_args(argv)


def declare(request: Request) -> list[Step]:
    settings, paths = request.settings, request.paths
    others = other_cities.of_same_value(paths) if settings.split.leaves_city_out else []
    if settings.split.leaves_city_out and not others:
        raise InputError(
            f"no other city has samples of run {paths.run!r} to learn from",
            display_path(paths.results),
            "run another city first, or choose another split.method",
        )
    inputs = [paths.samples, paths.images_table, paths.cells]
    if settings.samples.planted:
        inputs.append(paths.planted_incomes)
    for city in others:
        inputs += [city.samples, city.images_table]
    weights = settings.weights_file
    return [
        request.step(
            4,
            paths.test_predictions(fold),
            [
                "image",
                "model",
                "training",
                "split.method",
                "split.validation_fraction",
                "split.seed",
                "samples.target",
                "seed",
            ],
            inputs,
            by_hand=[weights] if weights else [],
            outputs=[paths.weights(fold), paths.history(fold), paths.validation_predictions(fold)],
            fold=fold,
            may_be_copied=True,
        )
        for fold in request.folds(settings.folds_trained)
    ]


def work(job: Job) -> Done:
    from urbancam.learning.training import income, training_record
    from urbancam.tables import frames

    settings, paths, fold = job.settings, job.paths, job.fold
    image = settings.image
    observed, target = observed_values(job)
    cells = read_cells(job)
    learner, seen = income.build_learner(cells, settings, job.device, job.workers)
    history = income.train_fold(
        learner, seen, settings, paths.fold(fold), job.fingerprint, job.workers
    )
    validation, test = (
        income.predict_role(learner, seen, role, image, settings.model.head, job.workers)
        for role in ("validation", "test")
    )
    frames.write(validation, paths.validation_predictions(fold))
    frames.write(income.add_incomes(test, observed, target), job.result)
    counts = {role: len(cells.of_role(role)) for role in ("train", "validation", "test")}
    counts |= training_record.describe_history(history, "validation_loss")
    facts = training_record.network_facts(settings.model, image)
    facts |= training_record.training_facts(learner, paths.weights(fold), cells.seed)
    return Done(counts, facts, leftovers=[paths.checkpoint(fold)])


def read_cells(job: Job) -> "FoldCells":
    """The cells of the fold with their images; fills the cache where that is to be done."""
    from urbancam.learning.training import income

    settings, paths, split = job.settings, job.paths, job.settings.split
    others = other_cities.of_same_value(paths) if split.leaves_city_out else []
    cities = [paths, *others]
    return income.read_fold(
        cities, split, settings.fold_seed, settings.image, settings.seed, job.fold, job.workers
    )


def prepare_folds(job: Job) -> None:
    """What all folds wait for: the weights that their network starts from, fetched once, and their
    images in the cache."""
    from urbancam.learning.models import networks

    networks.build(job.settings.model)
    read_cells(job)


def observed_values(job: Job) -> "tuple[pd.DataFrame, str]":
    """The cells with what was observed of them, and the name of the target.

    Of a planted rule its incomes, whatever the run's target.
    """
    from urbancam.tables import frames

    if job.paths.planted_incomes in job.inputs:
        return frames.read(job.paths.planted_incomes, ["idINSPIRE", "value"]), "income"
    cells = frames.read(job.paths.cells, ["idINSPIRE", "value", "ind"])
    return cells, job.settings.samples.target


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    if args.cache_only:
        return runner.fill_cache(args, declare, prepare_folds)
    return runner.run(args, declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
