"""Put the run beside its variants: the same model under other splits (what leaks, and what that is worth) and seeds.

Reads   results/<city>/<run>/samples.csv, predictions.csv, tables/
        results/<city>/<run>/variants/<name>/samples.csv, tables/ of the variants that section `compare` asks for
Writes  results/<city>/<run>/tables/leakage.csv, seeds.csv
Run     python code/15_compare_variants.py --city Demo --run demo
"""

import argparse
import logging

from urbancam.workflow import arguments, errors, runner, variants
from urbancam.workflow.records import Step

log = logging.getLogger(__name__)

SPREAD = {
    "metrics": "metric",
    "activation_contrast": "class",
    "contribution": "class",
}  # table: what names a value


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__doc__, city=True).parse_args(argv)


def asked(settings, paths) -> dict[str, str]:
    """Variants to compare with: name -> "split" or "seed"; a city left out only where it was trained."""
    names = [name for name in variants.names(settings) if name != variants.SHUFFLED]
    left_out = variants.split_name("city")
    if "city" in settings.compare.splits and paths.of_variant(left_out).table("metrics").is_file():
        names.append(left_out)
    return {name: name.partition("-")[0] for name in names}


def declare(settings, paths, args) -> Step:
    inputs = {
        paths.samples: "10_assign_folds",
        paths.predictions: "12_evaluate_income",
        paths.table("metrics"): "12_evaluate_income",
    }
    inputs |= {paths.table(name): "14_landcover_statistics" for name in SPREAD if name != "metrics"}
    for name, kind in asked(settings, paths).items():
        there = paths.of_variant(name)
        inputs |= {there.samples: "10_assign_folds", there.table("metrics"): "12_evaluate_income"}
        if kind == "seed":
            inputs |= {
                there.table(table): "14_landcover_statistics"
                for table in SPREAD
                if table != "metrics"
            }
    if settings.split.method == "city" or variants.split_name("city") in asked(settings, paths):
        inputs |= {city.samples: "10_assign_folds" for city in paths.other_cities()}
    return Step(
        "15_compare_variants",
        1,
        paths.table("leakage"),
        "run",
        settings.pick("split", "compare", "statistics", "seed", "census.cell_size_m"),
        inputs,
        outputs=[paths.table("seeds")],
        label=args.city,
    )


def work(step, settings, paths, args) -> dict:
    import pandas as pd

    from urbancam.learning import leakage
    from urbancam.tables import frames

    own = settings.split.method
    trained = {own: paths}
    trained |= {
        name.removeprefix("split-"): paths.of_variant(name)
        for name, kind in asked(settings, paths).items()
        if kind == "split"
    }
    samples = read_samples(paths)
    predictions = frames.read(paths.predictions)
    parts = []
    for method in (*leakage.METHODS, "city"):
        if method in trained:
            cells = read_samples(trained[method])
            scores = leakage.pooled(frames.read(trained[method].table("metrics")))
            asked_for = settings.split.trained_folds if method == own else settings.compare.folds
            folds = min(asked_for or settings.folds_trained, cells["fold"].nunique())
        elif method == "city":
            continue
        else:  # not trained: only what the coordinates reach
            try:
                cells, folds = leakage.split_again(samples, method, settings), settings.split.folds
            except (
                errors.InputError
            ) as error:  # a small city may have too few blocks for a split nobody asked for
                log.info(
                    "leaves out the split by %s, which was not trained: %s", method, error.what
                )
                continue
            scores = score_coordinates(cells, samples, predictions, settings)
        if method == "city":
            others = pd.concat(
                [read_samples(city) for city in paths.other_cities()], ignore_index=True
            )
            leaks = leakage.count_shared(cells, others, settings.census.cell_size_m)
        else:
            leaks = leakage.count_leaks(cells, method, settings, folds)
        parts.append(scores.assign(split=method, folds=folds, **leaks))
    table = pd.concat(parts, ignore_index=True)
    table.insert(0, "split", table.pop("split"))
    frames.write(leakage.spread(read_seeds(settings, paths)), paths.table("seeds"))
    frames.write(table, paths.table("leakage"))
    return {"splits trained": len(trained), "splits compared": table["split"].nunique()}


def score_coordinates(cells, samples, predictions, settings):
    """The coordinates baseline under other folds, on the cells that the run predicted."""
    from urbancam.learning import leakage
    from urbancam.scoring.predictions import rows_of

    held = cells["idINSPIRE"].isin(predictions["idINSPIRE"])
    targets = rows_of(cells.loc[held, "idINSPIRE"], predictions, "predictions.csv")
    blocks = samples.loc[held, "block"].to_numpy()
    return leakage.score_coordinates(cells, targets, blocks, settings).assign(
        predictor="coordinates"
    )


def read_samples(paths):
    """The used cells of a run or variant."""
    from urbancam.tables import frames

    samples = frames.read(paths.samples, dtype={"block": "str", "group": "str"})
    samples = samples[samples["used"]].reset_index(drop=True)
    return samples.astype({"income_class": int, "fold": int})


def read_seeds(settings, paths) -> dict:
    """What is compared between seeds: seed -> `quantity, name, value`."""
    import pandas as pd

    from urbancam.learning import leakage
    from urbancam.tables import frames

    folders = {settings.seed: paths}
    folders |= {
        int(name.removeprefix("seed-")): paths.of_variant(name)
        for name, kind in asked(settings, paths).items()
        if kind == "seed"
    }
    values = {}
    for seed, there in folders.items():
        parts = []
        for quantity, name in SPREAD.items():
            table = frames.read(there.table(quantity))
            if quantity == "metrics":
                table = leakage.pooled(table).query("predictor == 'model'")
            table = table.rename(columns={"log_ratio": "value"})[[name, "value"]]
            parts.append(table.rename(columns={name: "name"}).assign(quantity=quantity))
        values[seed] = pd.concat(parts, ignore_index=True)
    return values


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
