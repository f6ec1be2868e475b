"""Predict where a model was not trained: the city's cells without income, and its cells by other cities' models.

A model here is the mean of the outputs of its run's folds. Other cities are those with a finished run of the same name;
classes are quintiles of each city, so between cities it is the ranking (Spearman) that compares.

Reads   results/<city>/cells.parquet, images.csv, images/, results/<city>/<run>/samples.csv, predictions.csv,
        fold_K/weights.pt of this city and of every other one with the same run
Writes  results/<city>/<run>/predictions_without_income.csv, tables/transfer.csv
Run     python code/17_transfer_income.py --city Demo --run demo
"""

import argparse
import logging

from urbancam.workflow import arguments, runner
from urbancam.workflow.files import read_json
from urbancam.workflow.records import Step

log = logging.getLogger(__name__)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__doc__, city=True).parse_args(argv)


def weights_of(settings, paths) -> dict:
    """The weights of all folds of a city's run: file -> script that makes it."""
    return {paths.weights(fold): "11_train_income" for fold in range(settings.folds_trained)}


def finished_cities(settings, paths) -> list:
    """Paths of the other cities whose folds are all trained, for this run, as trained_networks of the same make."""
    made = settings.pick("image", "model", "samples.target")
    return [
        city
        for city in paths.other_cities()
        if all(trained_so(city, fold, made) for fold in range(settings.folds_trained))
    ]


def trained_so(paths, fold: int, made: dict) -> bool:
    """Whether a fold is trained, and its record tells these settings."""
    record = read_json(paths.test_predictions(fold).with_name("test_predictions.csv.json")) or {}
    then = record.get("settings", {})
    return paths.weights(fold).is_file() and all(
        then.get(key) == value for key, value in made.items()
    )


def declare(settings, paths, args) -> Step:
    others = {
        file: maker
        for city in finished_cities(settings, paths)
        for file, maker in weights_of(settings, city).items()
    }
    return Step(
        "17_transfer_income",
        1,
        paths.table("transfer"),
        "run",
        settings.pick(
            "image", "model", "split.folds", "split.trained_folds", "samples", "statistics", "seed"
        ),
        {
            paths.cells: "03_select_cells",
            paths.images_table: "05_cut_images",
            paths.samples: "10_assign_folds",
            paths.predictions: "12_evaluate_income",
        }
        | weights_of(settings, paths)
        | others,
        outputs=[paths.predictions_without_income],
        label=args.city,
    )


def work(step, settings, paths, args) -> dict:
    from urbancam.learning import inference
    from urbancam.scoring import metrics
    from urbancam.scoring.predictions import rows_of
    from urbancam.tables import frames

    cells = frames.read(paths.cells, ["idINSPIRE", "income_eur", "imputed"])
    images = frames.read(paths.images_table)
    seen = images[
        images["path"].notna() & (images["void_fraction"] <= settings.samples.max_void_fraction)
    ]
    lacking = cells.loc[
        cells["income_eur"].isna() & cells["idINSPIRE"].isin(seen["idINSPIRE"]), "idINSPIRE"
    ]
    log.info("predicts %s cells without income", f"{len(lacking):,}")
    outs = predict_by_folds(paths, paths, lacking, settings, args)
    table = inference.prediction_table(lacking, -1, outs.mean(0), settings.model.head).drop(
        columns="fold"
    )
    table["n_models"], table["logit_sd"] = len(outs), spread_of_logit(outs)
    own, own_name = frames.read(paths.predictions), paths.city_folder.name
    predictors = {"model": own}
    for city in finished_cities(settings, paths):
        log.info("predicts %s cells with the model of %s", f"{len(own):,}", city.city)
        out = predict_by_folds(city, paths, own["idINSPIRE"], settings, args).mean(0)
        foreign = inference.prediction_table(own["idINSPIRE"], 0, out, settings.model.head)
        known = [name for name in own if name not in foreign]
        predictors[city.city] = foreign.join(own[known]).assign(fold=own["fold"])
    samples = frames.read(paths.samples, dtype={"block": "str", "group": "str"})
    scores = metrics.metrics_table(
        predictors,
        rows_of(own["idINSPIRE"], cells, "cells.parquet")["imputed"].to_numpy(dtype=bool),
        rows_of(own["idINSPIRE"], samples, "samples.csv")["block"].to_numpy(),
        settings.statistics.draws,
        settings.statistics.confidence,
        settings.seed,
    )
    scores = scores[(scores["subset"] == "all") & (scores["fold"] == "all")].drop(
        columns=["subset", "fold"]
    )
    scores = scores.rename(columns={"predictor": "trained_on"}).replace(
        {"trained_on": {"model": own_name}}
    )
    scores["trained_on"] = scores["trained_on"].str.replace(
        "model - ", f"{own_name} - ", regex=False
    )
    scores.insert(1, "tested_on", own_name)
    frames.write(table, paths.predictions_without_income)
    frames.write(scores, paths.table("transfer"))
    return {"cells without income": len(lacking), "models of other cities": len(predictors) - 1}


def predict_by_folds(trained, predicted, ids, settings, args):
    """Outputs of a city's folds for cells of another (or the same): (folds, N, outputs) on the CPU."""
    import numpy as np
    import torch

    from urbancam.learning import datasets, heads, inference, networks
    from urbancam.learning.images import open_images

    if ids.empty:
        return torch.empty(settings.folds_trained, 0, heads.find_head(settings.model.head).outputs)
    images, rows = open_images(predicted, ids, settings.image, args.workers)
    items = datasets.LabelledImages(images, rows, np.zeros(len(rows), dtype=int))
    device = networks.find_device(args.device)
    trained_networks = (
        networks.load(trained.weights(fold), settings.model).to(device)
        for fold in range(settings.folds_trained)
    )
    # ASSUME: where no fold's model was trained, all of them are asked, and the mean of their outputs is the answer.
    return torch.stack(
        [inference.predict(network, items, settings, args.workers) for network in trained_networks]
    )


def spread_of_logit(outs):
    """Standard deviation of the logit between the folds' models, NaN for a single one or a softmax head."""
    several = outs.shape[-1] == 1 and len(outs) > 1 and outs.shape[1]
    return outs[..., 0].std(0).numpy() if several else float("nan")


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
