"""Train one network per fold on the income classes of a city, and predict the fold's own test cells.

Reads   results/<city>/<run>/samples.csv, results/<city>/images.csv, images/
Writes  results/<city>/<run>/fold_K/: weights.pt (state dict), history.csv, tensorboard/, test_predictions.csv
Run     python code/11_train_income.py --city Demo --run demo [--fold 0]
"""

import argparse
import logging

from urbancam import command
from urbancam.records import Step, digest

log = logging.getLogger(__name__)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = command.parser(__doc__, city=True)
    parser.add_argument("--fold", type=int, metavar="K", help="one fold only, 0 .. folds-1 (default: all, in turn)")
    return parser.parse_args(argv)


def declare(settings, paths, args) -> list[Step]:
    named = settings.weights_file
    return [
        Step(
            "11_train_income", 1, paths.test_predictions(fold), "run",
            settings.pick("image", "model", "training", "split.method", "split.validation_fraction", "seed"),
            {paths.samples: "10_assign_folds", paths.images_table: "05_cut_images", paths.cells: "03_select_cells"}
            | ({named: "by hand"} if named else {}),
            outputs=[paths.weights(fold), paths.history(fold)],
            label=f"{args.city} fold {fold}",
        )
        for fold in command.chosen_folds(args.fold, settings.split.folds)
    ]  # fmt: skip


def work(step, settings, paths, args) -> dict:
    import torch

    from urbancam import datasets, models, splits, tables, training

    fold = int(step.result.parent.name.removeprefix("fold_"))
    seed = settings.seed * 1000 + fold
    samples = tables.read(paths.samples)
    samples = samples[samples["used"]].astype({"income_class": int, "fold": int}).reset_index(drop=True)
    role = splits.roles(samples, fold, settings.split.method, settings.split.validation_fraction, settings.seed)
    images, rows = datasets.open_images(paths, samples["idINSPIRE"], settings.image, args.workers)

    def items(part: str, augment=None) -> datasets.CellImages:
        chosen = role == part
        return datasets.CellImages(images, rows[chosen], samples["income_class"][chosen], augment, seed)

    torch.manual_seed(seed)
    device = models.find_device(args.device)
    network = models.build(settings.model).to(device)
    trainer = training.Trainer(
        network, items("train", datasets.AUGMENT[settings.training.augment]), items("validation"),
        settings, paths.fold(fold), step.fingerprint, seed, args.workers,
    )  # fmt: skip
    history = trainer.fit()
    out = training.predict(network, items("test"), settings, args.workers)
    table = training.prediction_table(samples["idINSPIRE"][role == "test"], fold, out, settings.model.head)
    income = tables.read(paths.cells, ["idINSPIRE", "income_eur"])
    table = table.merge(samples[["idINSPIRE", "income_class"]], "left").merge(income, "left")
    tables.write(table, step.result)
    step.afterwards = trainer.clean
    step.facts = {"weights_sha256": digest(paths.weights(fold)), "device": str(device), "seed": seed,
                  "threads": torch.get_num_threads()}  # fmt: skip
    best = history.loc[history["validation_loss"].idxmin()]
    return {"train": int((role == "train").sum()), "validation": int((role == "validation").sum()),
            "test": len(table), "epochs": len(history), "best epoch": int(best["epoch"]),
            "validation loss": float(best["validation_loss"])}  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    return command.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
