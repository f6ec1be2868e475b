"""Score the out-of-fold predictions, beside baselines that never saw an image or learned nothing
from it.

Reads   results/<city>/cells.parquet, fragments.parquet, images.csv, images/
        results/<city>/<run>/samples.csv, fold_K/{test,validation}_predictions.csv of every trained
        fold
Writes  results/<city>/<run>/predictions.csv
        results/<city>/<run>/tables/{metrics,block_size,confusion_matrix,classification_report,calibration,reliability,
        temperatures,spatial_autocorrelation,subgroups,added_value,distance}.csv
Run     python code/12_evaluate_income.py --city Demo --run demo
"""

import argparse
from typing import TYPE_CHECKING

from urbancam.workflow import arguments, runner
from urbancam.workflow.job import Job, Request
from urbancam.workflow.records import Done, Step

if TYPE_CHECKING:  # a script that only shows its help does not wait for it
    import pandas as pd


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__file__, __doc__).parse_args(argv)


SETTINGS = (
    "statistics.draws",
    "statistics.confidence",
    "statistics.min_blocks",
    "statistics.block_m",
    "split.block_m",
    "seed",
    "split.folds",
    "split.trained_folds",
    "split.method",
    "samples.target",
    "landcover.key",
    "census.cell_size_m",
    "baselines",
    "image.size_px",
    "image.resample",
)
FURTHER_TABLES = (
    "block_size",
    "confusion_matrix",
    "classification_report",
    "calibration",
    "reliability",
    "temperatures",
    "spatial_autocorrelation",
    "subgroups",
    "added_value",
    "distance",
)


def declare(request: Request) -> Step:
    settings, paths = request.settings, request.paths
    inputs = [paths.cells, paths.images_table, paths.fragments, paths.samples]
    for fold in range(settings.folds_trained):
        inputs += [paths.test_predictions(fold), paths.validation_predictions(fold)]
    for city in paths.other_cities() if settings.split.leaves_city_out else []:
        inputs += [city.samples, city.cells, city.fragments]
    return request.step(
        10,
        paths.table("metrics"),
        SETTINGS,
        inputs,
        outputs=[paths.predictions, *map(paths.table, FURTHER_TABLES)],
    )


def work(job: Job) -> Done:
    from urbancam.learning.baseline_predictions import chosen_reaches
    from urbancam.scoring import analyses, evaluation, resampling, samples
    from urbancam.scoring.predictions import join_folds
    from urbancam.scoring.vocabulary import MODEL
    from urbancam.tables import frames

    settings, paths, folds = job.settings, job.paths, range(job.settings.folds_trained)
    cells = frames.read(paths.cells, ["idINSPIRE", "imputed", "department", "ind"])
    images = frames.read(paths.images_table, ["idINSPIRE", "campaign_year"])
    sampled = samples.read(paths.samples)
    tested = {fold: frames.read(paths.test_predictions(fold)) for fold in folds}
    validated = {fold: frames.read(paths.validation_predictions(fold)) for fold in folds}
    evaluation.check_validation(validated)
    predictions = join_folds(sampled, tested)
    baselines = predict_by_baselines(job, sampled[sampled["used"]], predictions)
    statistics, side_m, seed = settings.statistics, settings.census.cell_size_m, settings.seed
    predictions, block_sizes = resampling.add_blocks(
        predictions, sampled, settings.split.block_m, statistics, seed
    )
    tables = {"block_size": block_sizes}
    tables |= analyses.analyse(
        {MODEL: predictions} | baselines, sampled, cells, images, statistics, seed
    )
    tables |= evaluation.evaluate(
        predictions, baselines, validated, cells, statistics, side_m, seed
    )
    frames.write(predictions, paths.predictions)
    for name, table in tables.items():
        frames.write(table, paths.table(name))
    return Done(evaluation.summarise(tables), chosen_reaches(baselines))


def predict_by_baselines(
    job: Job, used: "pd.DataFrame", predictions: "pd.DataFrame"
) -> "dict[str, pd.DataFrame]":
    """What each baseline says of the predicted cells; it learns from all used cells of the other
    folds, and of a city that is left out from those of the other cities."""
    from urbancam.learning import baseline_predictions, baselines, image_features, networks, splits

    settings, paths, key = job.settings, job.paths, job.settings.landcover.key
    others = paths.other_cities() if settings.split.leaves_city_out else []
    known = baseline_predictions.read_cells(paths, others, used, key)
    features = baselines.cell_features(
        known.people,
        known.fragments,
        key,
        settings.census.cell_size_m,
        settings.samples.target,
    )
    if settings.split.leaves_city_out:
        # Places mean nothing between cities, and patches of images are each city's own.
        del features["coordinates"]
    else:
        device = networks.find_device(job.device)
        image, section, seed = settings.image, settings.baselines, settings.seed
        features |= image_features.cell_features(
            paths, used["idINSPIRE"], image, section, seed, job.workers, device
        )
    return baseline_predictions.predict(
        predictions,
        known.samples,
        features,
        settings.baselines.reaches_m,
        range(settings.folds_trained),
        splits.units(known.samples, settings.split.method),
    )


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
