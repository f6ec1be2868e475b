"""Cells of 1 km, cells without income, people as target: from the demo's archives to tables."""

import json
import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from PIL import Image

from samples import LAEA, LAMBERT_93, run_script, write_census
from urbancam.scoring import targets
from urbancam.tables import grid

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]

DATA_STEPS = ("02", "03", "04", "05", "06")
CITY = {"imagery.pixel_size_m": 10, "demo.tile_km": 2, "demo.radius_m": 1840}  # ten cells of 1 km
KILOMETRE = CITY | {
    "census.cell_size_m": 1000,
    "split.block_m": 1000,
    "split.method": "random",
    "split.folds": 2,
    "training.batch_size": 2,
}


def run(folder: Path, step: str, changes: dict) -> int:
    city = [] if step in ("00", "01") else ["--city", "Demo"]
    places = ["--data", folder / "data", "--results", folder / "results"]
    sets = [word for key, value in changes.items() for word in ("--set", f"{key}={value}")]
    return run_script(step, *city, "--run", "demo-tiny", "--workers", 1, *places, *sets)


def ship_kilometres(folder: Path) -> None:
    """INSEE's 1 km file, from the demo's 200 m file: the sums over each square."""
    frame = gpd.read_file(next(folder.glob("*_200m_shp.zip"))).drop(columns="geometry")
    sums = frame.groupby("Id_carr1km")[["Ind", "Men", "Men_pauv", "Ind_snv"]].sum().reset_index()
    sums["Depcom"] = frame.groupby("Id_carr1km")["Depcom"].first().to_numpy()
    corners = grid.corners(sums["Id_carr1km"]).T
    squares = gpd.GeoSeries(shapely.box(*corners, *(corners + 1000)), crs=LAEA).to_crs(LAMBERT_93)
    write_census(
        folder,
        2015,
        "shp",
        frame=gpd.GeoDataFrame(sums.assign(I_est_1km=0), geometry=squares),
        grid="1000m",
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """What the providers ship of the demo city, at coarse pixels."""
    folder = tmp_path_factory.mktemp("shipped")
    assert run(folder, "00", CITY) == 0
    ship_kilometres(folder / "data" / "census_data")
    return folder / "data"


@pytest.fixture(scope="module")
def kilometre(data, tmp_path_factory) -> Path:
    """The city on cells of 1 km."""
    folder = tmp_path_factory.mktemp("kilometre")
    shutil.copytree(data, folder / "data")
    assert [run(folder, step, KILOMETRE) for step in ("01", *DATA_STEPS, "10")] == [0] * 7
    return folder


def read(folder: Path, name: str) -> pd.DataFrame:
    path = folder / "results" / "Demo" / name
    return pd.read_csv(path) if path.suffix == ".csv" else gpd.read_parquet(path)


def test_1km_cells_have_whole_images_and_land_cover(kilometre):
    cells, images, fragments = (
        read(kilometre, name) for name in ("cells.parquet", "images.csv", "fragments.parquet")
    )
    assert len(cells) >= 10 and cells.area.eq(1e6).all()
    assert images["path"].str.startswith("images/FR_URBANATLAS_1km_CRS3035RES1000mN").all()
    image = Image.open(kilometre / "results" / "Demo" / images["path"].iloc[0])
    assert image.size == (100, 100) and np.std(image) > 5
    outline = read(kilometre, "boundary.parquet").geometry.iloc[0]
    covered_m2 = fragments.groupby("idINSPIRE")["area_m2"].sum().reindex(cells["idINSPIRE"])
    assert np.allclose(covered_m2, cells.intersection(outline).area, rtol=0.01)


def test_1km_cells_are_trained_on_and_told_about(kilometre):
    assert [run(kilometre, step, KILOMETRE) for step in ("07", "11", "12", "13", "14")] == [0] * 5
    activation = pd.read_parquet(
        kilometre / "results" / "Demo" / "demo-tiny" / "activation.parquet"
    )
    pixels = activation.groupby("idINSPIRE")["pixel_count"].sum()
    area_m2 = activation.groupby("idINSPIRE")["area_m2"].sum()
    assert np.allclose(pixels / 64**2, area_m2 / 1e6, atol=0.03)
    assert (
        len(read(kilometre, "demo-tiny/predictions.csv"))
        == read(kilometre, "demo-tiny/samples.csv")["used"].sum()
    )


def test_another_cell_size_is_another_city(kilometre, capsys):
    assert run(kilometre, "01", KILOMETRE | {"census.cell_size_m": 200}) == 0
    assert run(kilometre, "03", KILOMETRE | {"census.cell_size_m": 200}) == 2
    assert (
        "census.cell_size_m is 1000, asked 200" in (said := capsys.readouterr().err)
        and "another --results" in said
    )


@pytest.fixture(scope="module")
def plain(data, tmp_path_factory) -> Path:
    """The city on cells of 200 m, up to its folds."""
    folder = tmp_path_factory.mktemp("plain")
    shutil.copytree(data, folder / "data")
    assert [run(folder, step, CITY) for step in ("01", *DATA_STEPS, "10")] == [0] * 7
    return folder


@pytest.fixture
def copy(plain, tmp_path) -> Path:
    return Path(shutil.copytree(plain, tmp_path / "copy"))


def test_cells_without_income_have_images_and_land_cover_but_no_class(copy):
    before, cells_before = read(copy, "demo-tiny/samples.csv"), read(copy, "cells.parquet")
    shutil.rmtree(copy / "results")
    assert [run(copy, step, CITY | {"census.cells": "all"}) for step in (*DATA_STEPS, "10")] == [
        0
    ] * 6
    after, cells = read(copy, "demo-tiny/samples.csv"), read(copy, "cells.parquet")
    added = cells.loc[cells["value"].isna(), "idINSPIRE"]
    assert len(added) > 0 and set(cells["idINSPIRE"]) == set(cells_before["idINSPIRE"]) | set(added)
    assert after.loc[after["idINSPIRE"].isin(added), "reason"].eq("no value").all()
    others = after[~after["idINSPIRE"].isin(added)].reset_index(drop=True)
    pd.testing.assert_frame_equal(
        others, before, check_dtype=False
    )  # nulls make floats of the integers
    assert read(copy, "images.csv").set_index("idINSPIRE").loc[added, "path"].notna().all()
    assert set(added) <= set(read(copy, "fragments.parquet")["idINSPIRE"])


def test_people_as_target_are_classed_and_told(copy):
    changes = CITY | {"samples.target": "density", "training.epochs": 1}
    (copy / "results" / "Demo" / "demo-tiny" / "samples.csv.json").unlink()
    assert [run(copy, step, changes) for step in ("10", "11")] == [0, 0]
    cells = read(copy, "cells.parquet").set_index("idINSPIRE")
    samples = read(copy, "demo-tiny/samples.csv").query("used").set_index("idINSPIRE")
    people = cells["ind"][samples.index]
    assert samples["income_class"].tolist() == targets.quintiles(people).tolist()
    got = read(copy, "demo-tiny/fold_0/test_predictions.csv").set_index("idINSPIRE")
    assert got["target"].tolist() == people[got.index].tolist()
    assert got["value"].tolist() == pytest.approx(cells["value"][got.index].tolist())


def test_shuffled_labels_keep_folds_and_targets(copy):
    before = read(copy, "demo-tiny/samples.csv")
    (copy / "results" / "Demo" / "demo-tiny" / "samples.csv.json").unlink()
    assert run(copy, "10", CITY | {"samples.shuffle_labels": "true"}) == 0
    after = read(copy, "demo-tiny/samples.csv")
    pd.testing.assert_frame_equal(
        after.drop(columns="income_class"), before.drop(columns="income_class")
    )
    assert not after["income_class"].equals(before["income_class"])
    assert sorted(after["income_class"].dropna()) == sorted(before["income_class"].dropna())


def test_planted_incomes_keep_the_folds_and_take_the_place_of_the_census(copy):
    before = read(copy, "demo-tiny/samples.csv")
    (copy / "results" / "Demo" / "demo-tiny" / "samples.csv.json").unlink()
    changes = CITY | {"samples.planted": 2, "training.epochs": 1, "split.trained_folds": 1}
    assert [run(copy, step, changes) for step in ("10", "11")] == [0, 0]
    after = read(copy, "demo-tiny/samples.csv")
    pd.testing.assert_frame_equal(
        after.drop(columns="income_class"), before.drop(columns="income_class")
    )
    incomes = read(copy, "demo-tiny/planted_incomes.csv").set_index("idINSPIRE")["value"]
    used = after[after["used"]].set_index("idINSPIRE")
    assert used["income_class"].tolist() == targets.quintiles(incomes[used.index]).tolist()
    got = read(copy, "demo-tiny/fold_0/test_predictions.csv").set_index("idINSPIRE")
    for column in ("value", "target"):
        assert got[column].tolist() == pytest.approx(incomes[got.index].tolist())
    truth = read(copy, "demo-tiny/planted_truth.csv").set_index("class")
    raises = truth["effect"].idxmax()
    assert truth["variance_share"].sum() == pytest.approx(0.3) and truth["effect"][raises] > 0


def test_national_thresholds_are_of_the_census_table_and_recorded(copy):
    census = next((copy / "data" / "census_data").glob("census_2015.parquet"))
    people = pd.read_parquet(census)
    elsewhere = people.assign(ind_snv=3 * people["ind_snv"])  # a rich city beside this one
    pd.concat([people, elsewhere]).to_parquet(census)
    record = copy / "results" / "Demo" / "demo-tiny" / "samples.csv.json"
    record.unlink()
    assert run(copy, "10", CITY | {"samples.thresholds": "national"}) == 0
    samples = read(copy, "demo-tiny/samples.csv").query("used").set_index("idINSPIRE")
    incomes = read(copy, "cells.parquet").set_index("idINSPIRE")["value"][samples.index]
    thresholds = json.loads(record.read_text())["facts"]["class_thresholds"]
    assert samples["income_class"].tolist() == np.digitize(incomes, thresholds).tolist()
    assert thresholds[3] > incomes.max()
    assert samples["income_class"].max() < 4


def test_campaigns_are_left_out_or_said_to_be_one(copy, capsys):
    (copy / "results" / "Demo" / "demo-tiny" / "samples.csv.json").unlink()
    table = copy / "results" / "Demo" / "images.csv"
    images = pd.read_csv(table)
    by_campaign = CITY | {"split.method": "campaign"}
    images.assign(campaign_year=2014).to_csv(table, index=False)
    assert run(copy, "10", by_campaign) == 2
    assert "no campaigns to leave out" in capsys.readouterr().err
    year = np.where(images["idINSPIRE"].str[-7:].astype(int) % 2000 < 1000, 2012, 2014)
    images.assign(campaign_year=year).to_csv(table, index=False)
    assert run(copy, "10", by_campaign) == 0
    folds = read(copy, "demo-tiny/samples.csv").set_index("idINSPIRE")["fold"]
    flown = folds.dropna().groupby(pd.Series(year, images["idINSPIRE"])).nunique()
    assert flown.to_dict() == {2012: 1, 2014: 1} and folds.nunique() == 2
