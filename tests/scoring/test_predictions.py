import runpy

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from urbancam.learning import baselines
from urbancam.scoring import predictions
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import ROOT, Paths

N = 36


def make_samples() -> pd.DataFrame:
    """36 cells of 9 blocks and 3 folds (as the run `demo` has), and one that is not used."""
    row, column = np.divmod(np.arange(N + 1), 6)
    block = row // 2 * 3 + column // 2
    samples = pd.DataFrame(
        {
            "idINSPIRE": [
                f"CRS3035RES200mN{200 * r}E{200 * c}" for r, c in zip(row, column, strict=True)
            ],
            "used": True,
            "reason": "",
            "income_class": np.arange(N + 1) % 5.0,
            "block": [f"block {b}" for b in block],
            "group": None,
            "fold": block % 3.0,
        }
    )
    samples.loc[N, ["used", "reason", "income_class", "fold"]] = [False, "no image", None, None]
    return samples


def make_folds(samples: pd.DataFrame) -> dict[int, pd.DataFrame]:
    used = samples[samples["used"]]
    income_class = used["income_class"].astype(int)
    table = pd.DataFrame(np.eye(5)[income_class], columns=predictions.PROBABILITIES).assign(
        idINSPIRE=used["idINSPIRE"],
        fold=used["fold"].astype(int),
        logit=np.nan,
        p=income_class / 4,
        predicted_class=income_class,
        income_class=income_class,
        income_eur=20000 + 500 * income_class,
        target=20000.0 + 500 * income_class,
    )
    table = table[predictions.COLUMNS]
    return {fold: part.iloc[::-1].reset_index(drop=True) for fold, part in table.groupby("fold")}


def test_joins_the_folds_in_the_order_of_the_samples():
    samples = make_samples()
    got = predictions.join_folds(samples, make_folds(samples))
    assert list(got) == predictions.COLUMNS
    assert got["idINSPIRE"].tolist() == samples["idINSPIRE"].tolist()[:N]
    assert got["income_class"].tolist() == samples["income_class"].tolist()[:N]


def spoil(folds: dict[int, pd.DataFrame], fault: str) -> None:
    first = folds[0]
    match fault:
        case "missing":
            folds[0] = first.iloc[1:]
        case "twice":
            folds[0] = pd.concat([first, first.iloc[:1]])
        case "not used":
            first.loc[0, "idINSPIRE"] = make_samples()["idINSPIRE"][N]
        case "foreign fold":
            first.loc[0, "fold"] = 2
        case "moved":
            folds[1] = pd.concat([folds[1], first.iloc[:1].assign(fold=1)])
            folds[0] = first.iloc[1:]
        case "class":
            first.loc[0, "income_class"] = (first.loc[0, "income_class"] + 1) % 5
        case "p":
            first.loc[0, "p"] = np.nan
        case "probabilities":
            first.loc[0, "prob_0"] += 0.5
        case "column":
            folds[0] = first.drop(columns="p")


@pytest.mark.parametrize(
    "fault, message",
    [
        ("missing", "1 cells have no prediction"),
        ("twice", "more than one prediction"),
        ("not used", "does not use them"),
        ("foreign fold", "name another fold than 0"),
        ("moved", "another fold than samples.csv"),
        ("class", "another income_class than samples.csv"),
        ("p", "values that cannot be"),
        ("probabilities", "values that cannot be"),
        ("column", "columns are missing: p"),
    ],
)
def test_refuses_predictions_that_cannot_be(fault, message):
    folds = make_folds(make_samples())
    spoil(folds, fault)
    with pytest.raises(InputError, match=message) as caught:
        predictions.join_folds(make_samples(), folds)
    assert "11_train_income.py" in caught.value.do


def test_cells_that_a_table_lacks_are_named():
    table = pd.DataFrame({"idINSPIRE": ["a", "b"], "ind": [1, 2]})
    assert predictions.rows_of(pd.Series(["b", "a"]), table, "cells.parquet")["ind"].tolist() == [
        2,
        1,
    ]
    with pytest.raises(InputError, match="1 predicted cells are not there, the first c"):
        predictions.rows_of(pd.Series(["b", "c"]), table, "cells.parquet")


@pytest.fixture
def city(tmp_path) -> Paths:
    """A city whose folds are all predicted, for run `demo`; the image of a cell is as bright as the cell is rich."""
    paths, samples = Paths(tmp_path / "data", tmp_path, "Town", "demo"), make_samples()
    ids = samples["idINSPIRE"]
    for fold, table in make_folds(samples).items():
        paths.fold(fold).mkdir(parents=True)
        table.to_csv(paths.test_predictions(fold), index=False)
        table[predictions.VALIDATION_COLUMNS].to_csv(
            paths.validation_predictions(fold), index=False
        )
    samples.to_csv(paths.samples, index=False)
    pd.DataFrame({"idINSPIRE": ids, "ind": 50.0, "imputed": ids.index % 2 == 0}).to_parquet(
        paths.cells
    )
    pd.DataFrame({"idINSPIRE": ids, "class": "water", "area_m2": 40000.0}).to_parquet(
        paths.fragments
    )
    paths.images.mkdir()
    for cell, income_class in zip(ids[:N], samples["income_class"], strict=False):
        Image.new("RGB", (32, 32), (40 + 40 * int(income_class),) * 3).save(
            paths.images / f"{cell}.png"
        )
    images = pd.DataFrame({"idINSPIRE": ids, "path": "images/" + ids + ".png"}).head(N)
    images.to_csv(paths.images_table, index=False)
    return paths


def evaluate(paths: Paths, *more: str) -> int:
    main = runpy.run_path(str(ROOT / "code" / "12_evaluate_income.py"))["main"]
    small = ["--set", "baselines.patches=8", "--set", "image.size_px=32", "--workers", "1"]
    return main(["--city", "Town", "--run", "demo", "--results", str(paths.results), *small, *more])


def test_script_writes_the_tables(city, capsys):
    assert evaluate(city) == 0
    table = pd.read_csv(city.table("metrics"))
    best = table.query("subset == 'all' and fold == 'all' and predictor == 'model'").set_index(
        "metric"
    )
    assert best.loc["spearman", ["value", "ci_low", "ci_high", "n"]].tolist() == pytest.approx(
        [1, 1, 1, N]
    )
    assert set(table["predictor"]) >= set(baselines.table(neighbours=8))
    bright = table.query(
        "subset == 'all' and fold == 'all' and predictor == 'colour_histogram'"
    ).set_index("metric")
    assert bright.loc["spearman", "value"] > 0.8
    assert pd.read_csv(city.predictions)["idINSPIRE"].is_unique
    assert (
        city.table("confusion_matrix").is_file() and city.table("classification_report").is_file()
    )
    further = ("calibration", "reliability", "temperatures", "spatial_autocorrelation")
    assert [name for name in further if not len(pd.read_csv(city.table(name)))] == []
    assert "36 cells, Spearman r 1" in capsys.readouterr().out
    assert evaluate(city) == 0 and "up to date" in capsys.readouterr().out


def test_script_scores_only_the_folds_that_are_trained(city):
    city.test_predictions(2).unlink()
    assert evaluate(city, "--set", "split.trained_folds=2") == 0
    assert set(pd.read_csv(city.predictions)["fold"]) == {0, 1}
    table = pd.read_csv(city.table("metrics")).query("subset == 'all' and fold == 'all'")
    assert (table["n"] == 24).all() and "model - random_features" in set(table["predictor"])


def test_script_needs_no_baseline_where_a_whole_city_is_left_out(city):
    samples = make_samples()
    table = pd.concat(make_folds(samples)).assign(fold=0)
    table.to_csv(city.test_predictions(0), index=False)
    table[predictions.VALIDATION_COLUMNS].to_csv(city.validation_predictions(0), index=False)
    samples.assign(fold=samples["fold"] * 0).to_csv(city.samples, index=False)
    assert evaluate(city, "--set", "split.method=city") == 0
    assert set(pd.read_csv(city.table("metrics"))["predictor"]) == {"model"}


def test_script_refuses_validation_predictions_that_cannot_be(city, capsys):
    table = pd.read_csv(city.validation_predictions(1))
    table.assign(income_class=7).to_csv(city.validation_predictions(1), index=False)
    assert evaluate(city) == 2
    message = capsys.readouterr().err
    assert (
        "fold_1/validation_predictions.csv" in message
        and "11_train_income.py --fold 1 --force" in message
    )


def test_script_gives_the_same_bytes_again(city):
    evaluate(city)
    first = city.table("metrics").read_bytes()
    evaluate(city, "--force")
    assert city.table("metrics").read_bytes() == first


def test_script_names_the_command_for_a_fold_that_is_missing(city, capsys):
    city.test_predictions(1).unlink()
    assert evaluate(city) == 2
    message = capsys.readouterr().err
    assert (
        "fold_1" in message and "python code/11_train_income.py --city Town --run demo" in message
    )
