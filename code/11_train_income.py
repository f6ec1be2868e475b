"""Train one network per fold on the income classes of a city, and predict the fold's own test and validation cells.

With `split.method: city` the network learns from all other cities at hand (those with samples of the same run), and
the whole city is tested. A fold that another run of the city has trained on the same things is taken over. On a machine
with several GPUs the folds are trained side by side, each on one of them.

Reads   results/<city>/<run>/samples.csv, results/<city>/images.csv, images/
Writes  results/<city>/<run>/fold_K/: weights.pt (state dict), history.csv, tensorboard/, test_predictions.csv,
        validation_predictions.csv
Run     python code/11_train_income.py --city Demo --run demo [--fold 0]
"""

import argparse
import logging

from urbancam.workflow import arguments, errors, reuse, runner
from urbancam.workflow.files import digest
from urbancam.workflow.paths import shown
from urbancam.workflow.records import Step

log = logging.getLogger(__name__)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = arguments.parser(__doc__, city=True, variant=True)
    parser.add_argument(
        "--fold", type=int, metavar="K", help="one fold only, 0 .. folds-1 (default: all, in turn)"
    )
    return parser.parse_args(argv)


def declare(settings, paths, args) -> list[Step]:
    named = settings.weights_file
    others = paths.cities_learned_from(settings.split.method)
    if settings.split.method == "city" and not others:
        raise errors.InputError(
            f"no other city has samples of run {paths.run!r} to learn from",
            shown(paths.results),
            "run another city first, or choose another split.method",
        )
    taught = {
        file: maker
        for city in others
        for file, maker in ((city.samples, "10_assign_folds"), (city.images_table, "05_cut_images"))
    }
    return [
        Step(
            "11_train_income",
            3,
            paths.test_predictions(fold),
            "run",
            settings.pick(
                "image",
                "model",
                "training",
                "split.method",
                "split.validation_fraction",
                "samples.target",
                "seed",
            ),
            {
                paths.samples: "10_assign_folds",
                paths.images_table: "05_cut_images",
                paths.cells: "03_select_cells",
            }
            | taught
            | ({named: "by hand"} if named else {}),
            outputs=[paths.weights(fold), paths.history(fold), paths.validation_predictions(fold)],
            label=f"{args.city} fold {fold}",
        )
        for fold in arguments.chosen_folds(args.fold, settings.folds_trained)
    ]


def load_cells(settings, paths, fold: int, workers: int) -> tuple:
    """The used cells of all cities that one fold needs, with `role` and `row` of their image, and the images."""
    import pandas as pd

    from urbancam.learning import datasets, splits
    from urbancam.learning.images import open_images
    from urbancam.tables import frames

    split, parts, caches = settings.split, [], []
    for city in [paths, *paths.cities_learned_from(split.method)]:
        samples = frames.read(city.samples)
        samples = (
            samples[samples["used"]]
            .astype({"income_class": int, "fold": int})
            .reset_index(drop=True)
        )
        tested = fold if city == paths else None
        role = splits.roles(samples, tested, split.method, split.validation_fraction, settings.seed)
        images, rows = open_images(city, samples["idINSPIRE"], settings.image, workers)
        parts.append(samples.assign(role=role, row=rows + sum(map(len, caches))))
        caches.append(images)
    return pd.concat(parts, ignore_index=True), datasets.StackedImages(caches)


def work(step, settings, paths, args) -> dict:
    known = None if args.force else reuse.take_over(step, paths.in_other_runs(step.result))
    return known or train(step, settings, paths, args)


def train(step, settings, paths, args) -> dict:
    """Train the fold of a step and predict its cells; returns the counts of the summary line."""
    import torch

    from urbancam.learning import augmentation, datasets, inference, networks, training
    from urbancam.scoring import targets
    from urbancam.tables import frames

    fold = int(step.result.parent.name.removeprefix("fold_"))
    seed = settings.seed * 1000 + fold
    samples, images = load_cells(settings, paths, fold, args.workers)

    def items(part: str, augment=None) -> datasets.LabelledImages:
        chosen = samples[samples["role"] == part]
        return datasets.LabelledImages(images, chosen["row"], chosen["income_class"], augment, seed)

    torch.manual_seed(seed)
    device = networks.find_device(args.device)
    network = networks.build(settings.model).to(device)
    trainer = training.Trainer(
        network,
        items("train", augmentation.AUGMENT[settings.training.augment]),
        items("validation"),
        settings,
        paths.fold(fold),
        step.fingerprint,
        seed,
        args.workers,
    )
    history = trainer.fit()

    def predict(part: str):
        chosen = samples[samples["role"] == part]
        out = inference.predict(network, items(part), settings, args.workers)
        table = inference.prediction_table(chosen["idINSPIRE"], fold, out, settings.model.head)
        return table.assign(income_class=chosen["income_class"].to_numpy())

    frames.write(predict("validation"), paths.validation_predictions(fold))
    cells = frames.read(paths.cells, ["idINSPIRE", "income_eur", "ind"])
    cells["target"] = cells[targets.TARGETS[settings.samples.target].column]
    table = predict("test").merge(cells[["idINSPIRE", "income_eur", "target"]], "left")
    frames.write(table, step.result)
    step.afterwards = trainer.clean
    step.facts = {
        "weights_sha256": digest(paths.weights(fold)),
        "device": str(device),
        "seed": seed,
        "threads": torch.get_num_threads(),
    }
    best = history.loc[history["validation_loss"].idxmin()]
    count = samples["role"].value_counts()
    return {
        "train": int(count["train"]),
        "validation": int(count["validation"]),
        "test": len(table),
        "epochs": len(history),
        "best epoch": int(best["epoch"]),
        "validation loss": float(best["validation_loss"]),
    }


def main(argv: list[str] | None = None) -> int:
    return runner.run_folds(
        parse_args(argv), declare, work, __file__, lambda settings: settings.folds_trained
    )


if __name__ == "__main__":
    raise SystemExit(main())
