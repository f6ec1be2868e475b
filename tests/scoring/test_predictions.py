"""Out-of-fold predictions: joined, refused where they cannot be, and scored by the script."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from samples import run_script
from urbancam.scoring import predictions
from urbancam.scoring.vocabulary import PROBABILITIES
from urbancam.tables import grid
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import Paths
from urbancam.workflow.settings import feature_sets

N = 36


def make_samples() -> pd.DataFrame:
    """36 cells of 9 blocks and 3 folds (as the run `demo` has), and one that is not used."""
    cells = np.arange(N + 1)
    row, column = np.divmod(cells, 6)
    block = row // 2 * 3 + column // 2
    ids = [grid.cell_id(200 * x, 200 * y, 200) for x, y in zip(column, row, strict=True)]
    columns = {
        "idINSPIRE": ids,
        "used": True,
        "reason": "",
        "income_class": cells % 5.0,
        "block": [f"block {number}" for number in block],
        "group": None,
        "fold": block % 3.0,
    }
    samples = pd.DataFrame(columns)
    samples.loc[N, ["used", "reason", "income_class", "fold"]] = [False, "no image", None, None]
    return samples


def make_folds(samples: pd.DataFrame) -> dict[int, pd.DataFrame]:
    used = samples[samples["used"]]
    income_class = used["income_class"].astype(int)
    table = pd.DataFrame(np.eye(5)[income_class], columns=PROBABILITIES)
    table = table.assign(
        idINSPIRE=used["idINSPIRE"],
        fold=used["fold"].astype(int),
        logit=np.nan,
        p=income_class / 4,
        predicted_class=income_class,
        income_class=income_class,
        value=20000 + 500 * income_class,
        target=20000.0 + 500 * income_class,
    )
    backwards = table[predictions.COLUMNS].iloc[::-1]
    return {fold: part.reset_index(drop=True) for fold, part in backwards.groupby("fold")}


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
    got = predictions.rows_of(pd.Series(["b", "a"]), table, "cells.parquet")
    assert got["ind"].tolist() == [2, 1]
    with pytest.raises(InputError, match="1 predicted cells are not there, the first c"):
        predictions.rows_of(pd.Series(["b", "c"]), table, "cells.parquet")


@pytest.fixture
def city(tmp_path) -> Paths:
    """A city whose folds are all predicted, for run `demo`; the richer a cell, the brighter."""
    paths = Paths(tmp_path / "data", tmp_path, "Town", "demo")
    table = make_samples()
    ids = table["idINSPIRE"]
    for fold, predicted in make_folds(table).items():
        paths.fold(fold).mkdir(parents=True)
        write_predictions(paths, fold, predicted)
    table.to_csv(paths.samples, index=False)
    cells = pd.DataFrame({"idINSPIRE": ids, "ind": 50.0, "imputed": ids.index % 2 == 0})
    cells["department"] = np.where(ids.index % 3 == 0, "01", "92")
    cells.to_parquet(paths.cells)
    fragments = pd.DataFrame({"idINSPIRE": ids, "class": "water", "area_m2": 40000.0})
    fragments.to_parquet(paths.fragments)
    write_images(paths, table.head(N))
    assert run_step("07", paths) == 0
    return paths


def write_predictions(paths: Paths, fold: int, table: pd.DataFrame) -> None:
    table.to_csv(paths.test_predictions(fold), index=False)
    validation = table[predictions.VALIDATION_COLUMNS]
    validation.to_csv(paths.validation_predictions(fold), index=False)


def write_images(paths: Paths, samples: pd.DataFrame) -> None:
    paths.images.mkdir()
    for cell, income_class in zip(samples["idINSPIRE"], samples["income_class"], strict=True):
        grey = 40 + 40 * int(income_class)
        image = Image.new("RGB", (32, 32), (grey, grey, grey))
        image.save(paths.images / f"{cell}.png")
    ids = samples["idINSPIRE"]
    year = np.where(ids.index % 4 == 0, 2012, 2014)
    table = pd.DataFrame(
        {"idINSPIRE": ids, "path": "images/" + ids + ".png", "campaign_year": year}
    )
    table.to_csv(paths.images_table, index=False)


def run_step(number: str, paths: Paths, *more: str) -> int:
    small = ["--set", "baselines.patches=8", "--set", "image.size_px=32", "--workers", "1"]
    place = ["--city", "Town", "--run", "demo", "--results", str(paths.results)]
    return run_script(number, *place, *small, *more)


def evaluate(paths: Paths, *more: str) -> int:
    return run_step("12", paths, *more)


def pooled_scores(paths: Paths) -> pd.DataFrame:
    """Scores of all cells over all folds, by predictor and metric."""
    table = pd.read_csv(paths.table("metrics"))
    pooled = table.query("subset == 'all' and fold == 'all'")
    return pooled.set_index(["predictor", "metric"])


def test_script_writes_the_tables(city, capsys):
    assert evaluate(city) == 0
    assert "36 cells, Spearman r 1" in capsys.readouterr().out
    assert pd.read_csv(city.predictions)["idINSPIRE"].is_unique
    assert city.table("confusion_matrix").is_file()
    assert city.table("classification_report").is_file()
    for name in ("calibration", "reliability", "temperatures", "spatial_autocorrelation"):
        assert len(pd.read_csv(city.table(name)))
    assert evaluate(city) == 0
    assert "up to date" in capsys.readouterr().out


@pytest.mark.slow
def test_script_scores_the_network_and_every_baseline(city):
    assert evaluate(city) == 0
    scores = pooled_scores(city)
    best = scores.loc[("model", "spearman"), ["value", "ci_low", "ci_high", "n_cells"]]
    assert best.tolist() == pytest.approx([1, 1, 1, N])
    predictors = set(scores.index.get_level_values("predictor"))
    assert predictors == {"model", "constant", *feature_sets.ALWAYS}
    assert scores.loc[("colour_histogram", "spearman"), "value"] > 0.8


@pytest.mark.slow
def test_script_scores_only_the_folds_that_are_trained(city):
    city.test_predictions(2).unlink()
    assert evaluate(city, "--set", "split.trained_folds=2") == 0
    assert set(pd.read_csv(city.predictions)["fold"]) == {0, 1}
    scores = pooled_scores(city)
    assert (scores["n_cells"] == 24).all()
    assert "random_features" in scores.index.get_level_values("predictor")


def test_script_needs_no_baseline_where_a_whole_city_is_left_out(city):
    samples = make_samples()
    write_predictions(city, 0, pd.concat(make_folds(samples)).assign(fold=0))
    samples.assign(fold=samples["fold"] * 0).to_csv(city.samples, index=False)
    assert evaluate(city, "--set", "split.method=city") == 0
    assert set(pd.read_csv(city.table("metrics"))["predictor"]) == {"model"}
    assert pd.read_csv(city.table("added_value")).empty
    assert pd.read_csv(city.table("distance")).empty


@pytest.mark.slow
def test_script_takes_the_scores_apart(city):
    assert evaluate(city) == 0
    groups = pd.read_csv(city.table("subgroups"), dtype=str)[["grouping", "subset"]]
    expected = {
        ("city", "all"),
        *((("department", name)) for name in ("01", "92", "within")),
        *((("campaign", name)) for name in ("2012", "2014", "within")),
    }
    assert set(groups.itertuples(index=False, name=None)) == expected
    distance = pd.read_csv(city.table("distance")).query("predictor == 'model'")
    assert distance[distance["metric"] == "spearman"]["n_cells"].sum() == N
    given = pd.read_csv(city.table("added_value"))["given"]
    assert given.tolist() == ["land_cover", "population_density", "coordinates", "all"]


def test_script_refuses_validation_predictions_that_cannot_be(city, capsys):
    table = pd.read_csv(city.validation_predictions(1))
    table.assign(income_class=7).to_csv(city.validation_predictions(1), index=False)
    assert evaluate(city) == 2
    message = capsys.readouterr().err
    assert "fold_1/validation_predictions.csv" in message
    assert "11_train_income.py --fold 1 --force" in message


@pytest.mark.slow
def test_script_gives_the_same_bytes_again(city):
    evaluate(city)
    first = city.table("metrics").read_bytes()
    evaluate(city, "--force")
    assert city.table("metrics").read_bytes() == first


def test_script_names_the_command_for_a_fold_that_is_missing(city, capsys):
    city.test_predictions(1).unlink()
    assert evaluate(city) == 2
    message = capsys.readouterr().err
    assert "fold_1" in message
    assert "python code/11_train_income.py --city Town --run demo" in message
