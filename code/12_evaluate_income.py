"""Score the out-of-fold predictions, beside baselines that never saw an image or learned nothing from it.

Reads   results/<city>/cells.parquet, fragments.parquet, images.csv, images/
        results/<city>/<run>/samples.csv, fold_K/{test,validation}_predictions.csv of every trained fold
Writes  results/<city>/<run>/predictions.csv
        results/<city>/<run>/tables/{metrics,confusion_matrix,classification_report,calibration,reliability,
        temperatures,spatial_autocorrelation}.csv
Run     python code/12_evaluate_income.py --city Demo --run demo
"""

import argparse
import logging

from urbancam.workflow import arguments, runner
from urbancam.workflow.records import Step

log = logging.getLogger(__name__)

FURTHER = (
    "confusion_matrix",
    "classification_report",
    "calibration",
    "reliability",
    "temperatures",
    "spatial_autocorrelation",
)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__doc__, city=True, variant=True).parse_args(argv)


def declare(settings, paths, args) -> Step:
    others = {
        file: maker
        for city in paths.cities_learned_from(settings.split.method)
        for file, maker in (
            (city.samples, "10_assign_folds"),
            (city.cells, "03_select_cells"),
            (city.fragments, "06_cut_land_cover"),
        )
    }
    folds = range(settings.folds_trained)
    predicted = [
        f(fold) for fold in folds for f in (paths.test_predictions, paths.validation_predictions)
    ]
    return Step(
        "12_evaluate_income",
        2,
        paths.table("metrics"),
        "run",
        settings.pick(
            "statistics.draws",
            "statistics.confidence",
            "statistics.neighbours",
            "seed",
            "split.folds",
            "split.trained_folds",
            "split.method",
            "landcover.key",
            "census.cell_size_m",
            "baselines",
            "image.size_px",
            "image.resample",
        ),
        {
            paths.cells: "03_select_cells",
            paths.images_table: "05_cut_images",
            paths.fragments: "06_cut_land_cover",
            paths.samples: "10_assign_folds",
        }
        | dict.fromkeys(predicted, "11_train_income")
        | others,
        outputs=[paths.predictions, *map(paths.table, FURTHER)],
        label=args.city,
    )


def work(step, settings, paths, args) -> dict:
    from urbancam.scoring import calibration, metrics, moran, vocabulary
    from urbancam.scoring.predictions import join_folds, rows_of
    from urbancam.tables import frames

    samples = frames.read(paths.samples, dtype={"block": "str", "group": "str"})
    joined = join_folds(
        samples, {k: frames.read(paths.test_predictions(k)) for k in range(settings.folds_trained)}
    )
    imputed = rows_of(
        joined["idINSPIRE"], frames.read(paths.cells, ["idINSPIRE", "imputed"]), "cells.parquet"
    )
    imputed = imputed["imputed"].to_numpy(dtype=bool)
    blocks = rows_of(joined["idINSPIRE"], samples, "samples.csv")["block"].to_numpy()
    statistics = settings.statistics
    bootstrap = {
        "draws": statistics.draws,
        "confidence": statistics.confidence,
        "seed": settings.seed,
    }

    others = predict_by_baselines(settings, paths, args, samples[samples["used"]], joined)
    predictors = {"model": joined} | others
    scores = metrics.metrics_table(predictors, imputed, blocks, **bootstrap)
    temperatures = calibration.temperatures(read_validation(settings, paths))
    predictors = {
        "model": joined,
        vocabulary.SCALED_MODEL: calibration.scale_folds(joined, temperatures),
    } | others
    errors = metrics.metrics_table(
        predictors, imputed, blocks, **bootstrap, score=calibration.scores
    )
    errors = errors[errors["fold"] == "all"].drop(columns="fold")

    frames.write(joined, paths.predictions)
    for name, table in {
        "confusion_matrix": metrics.confusion_matrix(joined),
        "classification_report": metrics.classification_report(joined),
        "calibration": errors,
        "reliability": calibration.reliability_table(predictors, blocks, **bootstrap),
        "temperatures": temperatures,
        "spatial_autocorrelation": moran.autocorrelation_table(
            joined, imputed, settings.census.cell_size_m, settings.seed
        ),
        "metrics": scores,
    }.items():
        frames.write(table, paths.table(name))
    return summary(scores, errors)


def read_validation(settings, paths) -> dict:
    """The validation predictions of each trained fold."""
    from urbancam.scoring.predictions import VALIDATION_COLUMNS, check_values
    from urbancam.tables import frames

    found = {
        fold: frames.read(paths.validation_predictions(fold))
        for fold in range(settings.folds_trained)
    }
    for fold, table in found.items():
        check_values(table, fold, "validation_predictions.csv", VALIDATION_COLUMNS)
    return found


def predict_by_baselines(settings, paths, args, used, joined) -> dict:
    """What each baseline says of the predicted cells, in their order; it learns from all other used cells.

    Of a city that is left out they learn from the other cities: coordinates, which mean nothing there, and the image
    baselines, whose patches are each city's own, then say nothing.
    """
    from urbancam.learning import baselines, image_features, networks

    others = paths.cities_learned_from(settings.split.method)
    used, cells, fragments = read_cells(settings, paths, others, used)
    if used["fold"].nunique() < 2:
        log.info("no baselines: there is no other cell to learn from")
        return {}
    features = baselines.cell_features(
        cells, fragments, settings.landcover.key, settings.census.cell_size_m
    )
    if others:
        del features["coordinates"]
    else:
        device = networks.find_device(args.device)
        features |= image_features.cell_features(
            paths, used["idINSPIRE"], settings, args.workers, device
        )
    classes, folds = used["income_class"].to_numpy(int), used["fold"].to_numpy(int)
    predictors = {}
    for name, baseline in baselines.table(settings.statistics.neighbours).items():
        if name in features:
            said = baselines.out_of_fold(
                baseline, features[name], classes, folds, range(settings.folds_trained)
            )
            predictors[name] = joined.assign(**said)
    return predictors


def read_cells(settings, paths, others: list, used) -> tuple:
    """The used cells of the city, and of others as another fold: their samples, people, and fragments."""
    import pandas as pd

    from urbancam.scoring.predictions import rows_of
    from urbancam.tables import frames

    columns = ["idINSPIRE", settings.landcover.key, "area_m2"]
    samples, cells, fragments = [used], [], []
    for city in others:
        theirs = frames.read(city.samples, dtype={"block": "str", "group": "str"})
        theirs = theirs[theirs["used"] & ~theirs["idINSPIRE"].isin(used["idINSPIRE"])]
        samples.append(theirs.assign(fold=used["fold"].max() + 1))
    for city, rows in zip([paths, *others], samples, strict=True):
        cells.append(
            rows_of(
                rows["idINSPIRE"], frames.read(city.cells, ["idINSPIRE", "ind"]), "cells.parquet"
            )
        )
        held = frames.read(city.fragments, columns=columns)
        fragments.append(held[held["idINSPIRE"].isin(rows["idINSPIRE"])])
    return tuple(pd.concat(parts, ignore_index=True) for parts in (samples, cells, fragments))


def summary(scores, errors) -> dict:
    pooled = scores[(scores["subset"] == "all") & (scores["fold"] == "all")].set_index(
        ["predictor", "metric"]
    )
    error = errors[errors["subset"] == "all"].set_index(["predictor", "metric"])["value"]
    value = pooled["value"]
    counts = {"cells": int(pooled["n"].iloc[0]), "Spearman r": float(value["model", "spearman"])}
    for name in ("coordinates", "random_features"):
        if (name, "spearman") in value:
            counts[f"Spearman r of {name}"] = float(value[name, "spearman"])
    return counts | {
        "accuracy": float(value["model", "accuracy"]),
        "calibration error": float(error["model", "ece"]),
    }


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
