"""Train one network per fold to name the city of a patch, and let it name those of the fold's test sites.

Reads   results/cities/<run>/sites.csv, patches.parquet, images
Writes  results/cities/<run>/fold_K/: weights.pt (state dict), history.csv, tensorboard/, test_predictions.csv,
        site_embeddings.parquet; below variants/<name>/ with --variant
Run     python code/23_train_cities.py --run demo [--fold 0] [--variant colour-grey]
"""

import argparse
import logging

from urbancam.workflow import arguments, runner
from urbancam.workflow.files import digest
from urbancam.workflow.paths import ROOT
from urbancam.workflow.records import Step

log = logging.getLogger(__name__)

KEYS = ("image", "model", "training", "patch_px", "colour", "checkpoint")  # of section `cities`


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = arguments.parser(__doc__, experiment="cities", variant=True)
    parser.add_argument(
        "--fold", type=int, metavar="K", help="one fold only, 0 .. folds-1 (default: all, in turn)"
    )
    parser.add_argument(
        "--unpickle",
        action="store_true",
        help="cities.checkpoint may be a pickled module, as "
        "published: reading it RUNS CODE FROM THE FILE with all your rights",
    )
    return parser.parse_args(argv)


def declare(settings, paths, args) -> list[Step]:
    cities = settings.cities
    named = [cities.checkpoint] + [
        w for w in (cities.model.weights,) if w not in ("imagenet", "random")
    ]
    by_hand = {ROOT / name: "by hand" for name in named if name}
    return [
        Step(
            "23_train_cities",
            1,
            paths.test_predictions(fold),
            "run",
            settings.pick("seed", *(f"cities.{key}" for key in KEYS)),
            {paths.patches: "22_index_patches", paths.sites: "21_import_sites"} | by_hand,
            outputs=[paths.weights(fold), paths.site_embeddings(fold)]
            + ([] if cities.checkpoint else [paths.history(fold)]),
            label=f"fold {fold}",
        )
        for fold in arguments.chosen_folds(args.fold, cities.folds_trained)
    ]


def work(step, settings, paths, args) -> dict:
    import torch

    from urbancam.cities import checkpoints, colour, predictions
    from urbancam.cities import patches as index
    from urbancam.cities.pixels import open_patches
    from urbancam.learning import augmentation, datasets, networks, training, weight_files
    from urbancam.tables import frames

    cities, fold = settings.cities, int(step.result.parent.name.removeprefix("fold_"))
    seed = settings.seed * 1000 + fold
    patches = frames.read(paths.patches)
    classes, names = index.city_numbers(patches)
    role = index.roles(patches, fold)
    images, rows = open_patches(paths, patches, cities.patch_px, cities.image, args.workers)
    seen = predictions.seen_colour(cities.colour)

    def items(part: str, *changes) -> datasets.LabelledImages:
        chosen = role == part
        return datasets.LabelledImages(
            images, rows[chosen], classes[chosen], colour.chain(*changes), seed
        )

    torch.manual_seed(seed)
    device = networks.find_device(args.device)
    network = networks.build(cities.model, not cities.checkpoint, outputs=len(names)).to(device)
    counts = {"cities": len(names)} | {
        part: int((role == part).sum()) for part in ("train", "validation", "test")
    }
    if cities.checkpoint:
        file = ROOT / cities.checkpoint
        checkpoints.fill(network, checkpoints.read(file, args.unpickle), file)
        weight_files.save(network.state_dict(), paths.weights(fold))
        log.info(
            "scores hold only for sites that those weights were not trained on; only their makers know which"
        )
    else:
        augment = augmentation.AUGMENT[cities.training.augment], colour.COLOUR[cities.colour]
        trainer = training.Trainer(
            network,
            items("train", *augment),
            items("validation", seen),
            cities,
            paths.fold(fold),
            step.fingerprint,
            seed,
            args.workers,
        )
        history = trainer.fit()
        step.afterwards = trainer.clean
        best = history.loc[history["validation_loss"].idxmin()]
        counts |= {
            "epochs": len(history),
            "best epoch": int(best["epoch"]),
            "validation accuracy": float(best["validation_accuracy"]),
        }
    table, sites = predictions.predict_patches(
        network,
        patches[role == "test"],
        lambda change: items("test", change, seen),
        names,
        fold,
        cities,
        args.workers,
    )
    frames.write(sites, paths.site_embeddings(fold))
    frames.write(table, step.result)
    step.facts = {
        "weights_sha256": digest(paths.weights(fold)),
        "device": str(device),
        "seed": seed,
        "threads": torch.get_num_threads(),
        "cities": names,
    }
    return counts | {"test accuracy": float((table["predicted_city"] == table["city"]).mean())}


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    extra = ["--unpickle"] if args.unpickle else []
    return runner.run_folds(
        args, declare, work, __file__, lambda settings: settings.cities.folds_trained, extra
    )


if __name__ == "__main__":
    raise SystemExit(main())
