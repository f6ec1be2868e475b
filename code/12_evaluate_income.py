"""Score the out-of-fold predictions, beside baselines that never saw an image.

Reads   results/<city>/cells.parquet, fragments.parquet
        results/<city>/<run>/samples.csv, fold_K/test_predictions.csv of every fold
Writes  results/<city>/<run>/predictions.csv
        results/<city>/<run>/tables/{metrics,confusion_matrix,classification_report}.csv
Run     python code/12_evaluate_income.py --city Demo --run demo
"""

import argparse
import logging

from urbancam import command
from urbancam.records import Step

log = logging.getLogger(__name__)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return command.parser(__doc__, city=True, variant=True).parse_args(argv)


def declare(settings, paths, args) -> Step:
    folds = {paths.test_predictions(fold): "11_train_income" for fold in range(settings.split.folds)}
    return Step(
        "12_evaluate_income", 1, paths.table("metrics"), "run",
        settings.pick("statistics", "seed", "split.folds", "landcover.key", "census.cell_size_m"),
        {
            paths.cells: "03_select_cells",
            paths.fragments: "06_cut_land_cover",
            paths.samples: "10_assign_folds",
            **folds,
        },
        outputs=[paths.predictions, paths.table("confusion_matrix"), paths.table("classification_report")],
        label=args.city,
    )  # fmt: skip


def work(step, settings, paths, args) -> dict:
    from urbancam import baselines, metrics, tables
    from urbancam.predictions import join_folds, rows_of

    samples = tables.read(paths.samples, dtype={"block": "str", "group": "str"})
    folds = {fold: tables.read(paths.test_predictions(fold)) for fold in range(settings.split.folds)}
    joined = join_folds(samples, folds)
    cells = tables.read(paths.cells, columns=["idINSPIRE", "ind", "imputed"])
    cells = rows_of(joined["idINSPIRE"], cells, "cells.parquet")
    key, cell_size_m = settings.landcover.key, settings.census.cell_size_m
    fragments = tables.read(paths.fragments, columns=["idINSPIRE", key, "area_m2"])
    log.info("loads %s fragments of %s cells", f"{len(fragments):,}", f"{fragments['idINSPIRE'].nunique():,}")

    classes, fold = joined["income_class"].to_numpy(), joined["fold"].to_numpy()
    features = baselines.cell_features(cells, fragments, key, cell_size_m)
    predictors = {"model": joined}
    for name, baseline in baselines.table(settings.statistics.neighbours).items():
        predictors[name] = joined.assign(**baselines.out_of_fold(baseline, features[name], classes, fold))
    table = metrics.metrics_table(
        predictors,
        imputed=cells["imputed"].to_numpy(dtype=bool),
        blocks=rows_of(joined["idINSPIRE"], samples, "samples.csv")["block"].to_numpy(),
        draws=settings.statistics.draws,
        confidence=settings.statistics.confidence,
        seed=settings.seed,
    )

    tables.write(joined, paths.predictions)
    tables.write(metrics.confusion_matrix(joined), paths.table("confusion_matrix"))
    tables.write(metrics.classification_report(joined), paths.table("classification_report"))
    tables.write(table, paths.table("metrics"))
    return summary(table)


def summary(table) -> dict:
    pooled = table[(table["subset"] == "all") & (table["fold"] == "all")].set_index(["predictor", "metric"])
    value = pooled["value"]
    return {
        "cells": int(pooled["n"].iloc[0]),
        "Spearman r": float(value["model", "spearman"]),
        "Spearman r of coordinates": float(value["coordinates", "spearman"]),
        "accuracy": float(value["model", "accuracy"]),
    }


def main(argv: list[str] | None = None) -> int:
    return command.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
