"""Step 07 on a small city: what is measured, once, and what a user's tables come to in step 12."""

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from samples import cell_id, run_script
from urbancam.learning.models import backbones, networks
from urbancam.scoring import claims
from urbancam.scoring.predictions import COLUMNS, VALIDATION_COLUMNS
from urbancam.scoring.vocabulary import INCOME_CLASSES, PROBABILITIES
from urbancam.workflow.paths import Paths
from urbancam.workflow.settings import settings

SIDE = 18  # cells of the city, each way
BLOCK = 3  # cells of a block, each way
SMALL = ["image.size_px=32", "baselines.patches=4", "baselines.features_px=32", "split.folds=3"]


@pytest.fixture
def city(tmp_path) -> Paths:
    """Cells whose incomes are noise, each predicted by a network that half knows them."""
    paths = Paths(tmp_path / "data", tmp_path, "Town", "demo-tiny")
    random = np.random.default_rng(0)
    row, column = np.divmod(np.arange(SIDE**2), SIDE)
    ids = [cell_id(x, y) for x, y in zip(column, row, strict=True)]
    income = random.normal(size=len(ids))
    income_class = pd.qcut(income, 5, labels=False)
    block = row // BLOCK * SIDE + column // BLOCK
    samples = {
        "idINSPIRE": ids,
        "used": True,
        "reason": "",
        "income_class": income_class,
        "block": [f"block {number}" for number in block],
        "group": None,
        "fold": block % 3,
    }
    p = 1 / (1 + np.exp(-income - random.normal(size=len(ids))))
    k = INCOME_CLASSES
    probabilities = np.array([1, 4, 6, 4, 1]) * p[:, None] ** k * (1 - p[:, None]) ** (4 - k)
    predictions = pd.DataFrame(probabilities, columns=PROBABILITIES).assign(
        **samples,
        logit=np.log(p / (1 - p)),
        p=p,
        predicted_class=probabilities.argmax(1),
        value=income,
        target=income,
    )
    for fold, table in predictions.groupby("fold"):
        paths.fold(fold).mkdir(parents=True)
        table[COLUMNS].to_csv(paths.test_predictions(fold), index=False)
        table[VALIDATION_COLUMNS].to_csv(paths.validation_predictions(fold), index=False)
    pd.DataFrame(samples).to_csv(paths.samples, index=False)
    cells = pd.DataFrame({"idINSPIRE": ids, "ind": 50.0 + row, "imputed": False})
    cells.assign(department="75").to_parquet(paths.cells)
    shares = pd.DataFrame({"idINSPIRE": ids, "class": "water", "area_m2": 40000.0})
    shares.to_parquet(paths.fragments)
    write_images(paths, ids, random)
    pd.DataFrame({"idINSPIRE": ids, "income": income}).to_csv(tmp_path / "truth.csv", index=False)
    noise = pd.DataFrame(random.normal(size=(len(ids), 3)), columns=list("abc"))
    noise.assign(idINSPIRE=ids).to_parquet(tmp_path / "noise.parquet")
    return paths


def write_images(paths: Paths, ids: list[str], random: np.random.Generator) -> None:
    paths.images.mkdir()
    for name in ids:
        pixels = random.integers(0, 256, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(paths.images / f"{name}.png")
    files = [f"images/{name}.png" for name in ids]
    table = pd.DataFrame({"idINSPIRE": ids, "path": files, "campaign_year": 2014})
    table.to_csv(paths.images_table, index=False)


def run_step(number: str, paths: Paths, *assignments: str, run: str = "demo-tiny") -> int:
    words = [word for text in (*SMALL, *assignments) for word in ("--set", text)]
    place = ["--city", "Town", "--run", run, "--results", paths.results, "--workers", "1"]
    return run_script(number, *place, *words)


def tables_of(paths: Paths, *names: str) -> str:
    return f"baselines.tables=[{', '.join(str(paths.results / name) for name in names)}]"


def measured(output: str) -> set[str]:
    """The sets that step 07 said it has measured, not those that were up to date."""
    lines = [line for line in output.splitlines() if ": done, " in line]
    return {line.partition(":")[0].split()[-1] for line in lines}


@pytest.mark.slow
def test_cells_are_measured_once_and_what_is_added_alone(city, capsys):
    assert run_step("07", city) == 0
    sets = {"coordinates", "population_density", "land_cover", "colour_histogram"}
    assert measured(capsys.readouterr().out) == sets | {"random_features"}
    for name in sets:
        assert len(pd.read_parquet(city.features(name))) == SIDE**2
    assert city.of_variant("seed-1").features("land_cover") == city.features("land_cover")
    assert not list(city.features("x").parent.glob("*.parts"))
    assert run_step("07", city, tables_of(city, "truth.csv")) == 0
    assert measured(capsys.readouterr().out) == {"truth"}
    assert run_step("07", city, run="demo") == 0
    said = capsys.readouterr().out
    assert said.count("takes over") == 5  # the demo's settings of features are these


@pytest.mark.slow
def test_a_table_of_the_truth_beats_the_model_and_one_of_noise_says_nothing(city):
    asked = tables_of(city, "truth.csv", "noise.parquet")
    assert run_step("07", city, asked) == run_step("12", city, asked) == 0
    metrics = pd.read_csv(city.table("metrics"))
    pooled = metrics.query("subset == 'all' and fold == 'all'").set_index(["predictor", "metric"])
    truth, noise = pooled.loc[("truth", "spearman")], pooled.loc[("noise", "spearman")]
    assert truth["value"] > 0.95 and truth["difference_ci_high"] < 0
    assert noise["ci_low"] < 0 < noise["ci_high"] and noise["difference_ci_low"] > 0
    mean_error = pooled.loc[("constant", "rps"), "value"]
    assert pooled.loc[("noise", "rps"), "value"] > mean_error - 0.005
    added, subgroups = (pd.read_csv(city.table(name)) for name in ("added_value", "subgroups"))
    assert added["given"].tolist()[-3:] == ["all", "truth", "noise"]
    values = added.set_index("given")["value"]
    assert abs(values["truth"]) < 0.1 < 0.5 < values["noise"]
    assert {"truth", "noise"} < set(subgroups["predictor"])
    tables = {"metrics": metrics, "added_value": added, "subgroups": subgroups}
    said = claims.weigh(tables, rate=0.05, confidence=0.95).set_index("claim")
    assert "The image ranks the cells beyond noise" in said.index
    assert (
        "the baseline of truth does as well"
        in said.loc["The image ranks the cells as they are", "against_it"]
    )
    assert "noise does as well" not in " ".join(said["against_it"])
    assert "The network ranks the cells worse than the baseline of truth" in said.index


@pytest.mark.slow
def test_cells_that_a_table_lacks_are_told_and_predicted_as_average_ones(city, capsys):
    truth = pd.read_csv(city.results / "truth.csv")
    truth.iloc[: SIDE**2 // 2].to_csv(city.results / "half.csv", index=False)
    asked = tables_of(city, "half.csv")
    assert run_step("07", city, asked) == 0
    assert "has no row for 162 of 324 cells" in capsys.readouterr().out
    assert run_step("12", city, asked) == 0
    assert "half: no numbers of 162 of 324 cells" in capsys.readouterr().out
    metrics = pd.read_csv(city.table("metrics")).query("metric == 'spearman' and fold == 'all'")
    assert 0.4 < metrics.set_index("predictor").loc["half", "value"].iloc[0] < 0.95


@pytest.mark.slow
def test_frozen_features_of_a_network_are_a_baseline(city, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    torch.manual_seed(0)
    model = settings.load("demo-tiny", ["model.backbone=resnet18"]).model
    network = networks.build(model).eval()
    file = backbones.find_backbone("resnet18").weights_url.rpartition("/")[2]
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    torch.save(network.features.state_dict(), tmp_path / "hub" / "checkpoints" / file)
    asked = "baselines.networks=[resnet18]"
    assert run_step("07", city, asked) == run_step("12", city, asked) == 0
    table = pd.read_parquet(city.features("frozen_resnet18"))
    pixels = np.asarray(Image.open(city.images / f"{table['idINSPIRE'][5]}.png"))
    images = network.normalised(torch.tensor(pixels.transpose(2, 0, 1))[None], "pretrained")
    with torch.inference_mode():
        expected = network.embed(images)[0].numpy()
    assert table.iloc[5, 1:].to_numpy(float) == pytest.approx(expected, abs=1e-4)
    scores = pd.read_csv(city.table("metrics")).set_index("predictor")
    assert len(table.columns) == 513 and "frozen_resnet18" in scores.index


def test_a_table_that_is_missing_or_of_other_cells_is_named(city, capsys):
    assert run_step("07", city, tables_of(city, "none.csv"), "baselines.patches=2") == 2
    assert "none.csv is missing" in capsys.readouterr().err
    pd.DataFrame({"idINSPIRE": ["here"], "a": [1]}).to_csv(city.results / "a.csv", index=False)
    assert run_step("07", city, tables_of(city, "a.csv"), "baselines.patches=2") == 2
    assert "1 of 1 rows of cells that the city does not have" in capsys.readouterr().err
