"""The whole pipeline by its front door: the machinery at a dozen cells."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import rasterio
from geopandas.testing import assert_geodataframe_equal

import column_dictionary
from houses import ROOT, edit_settings, make_house, run_sh
from plain_files import RENTS, export_city, write_class_raster
from samples import run_script
from timing import cpu_seconds
from urban_atlas_classes import class_table
from urbancam.tables import grid

pytestmark = pytest.mark.slow
TINY = ("Demo", "--run", "demo-tiny")
TINY_CITY = ("--city", *TINY)


def worked(output: str) -> list[str]:
    """Numbers of the steps that did their work."""
    return [line[:2] for line in output.splitlines() if line[:2].isdigit() and ": done," in line]


@pytest.fixture(scope="module")
def clean(tmp_path_factory) -> Path:
    """The tiny demo city, run once from archives to report."""
    house = make_house(tmp_path_factory.mktemp("clean"))
    done = run_sh(house, "--run", "demo-tiny")
    assert done.returncode == 0, done.stdout + done.stderr
    return house


@pytest.fixture
def house(clean, tmp_path) -> Path:
    """A copy of the finished house; dates are kept, so everything in it is up to date."""
    return Path(shutil.copytree(clean, tmp_path / "house", symlinks=True))


def results(house: Path) -> dict[str, bytes]:
    """Every result of the tiny city that must come out the same, byte for byte."""
    city = house / "results" / "Demo"
    files = [
        city / "images.csv",
        city / "fragments.parquet",
        city / "demo-tiny" / "predictions.csv",
    ]
    files += [
        city / "demo-tiny" / "activation.parquet",
        *(city / "demo-tiny" / "tables").glob("*.csv"),
        city / "demo-tiny" / "Demo_demo-tiny.gpkg",
        city / "demo-tiny" / "Demo_demo-tiny_contribution.tif",
    ]
    files += [*(city / "images").glob("*.png"), *(city / "demo-tiny" / "maps").glob("*.png")]
    return {str(path.relative_to(city)): path.read_bytes() for path in sorted(files)}


@pytest.mark.parametrize("kind", ["land.gpkg", "land.tif"])
def test_land_cover_as_a_plain_file_gives_the_fragments_of_urban_atlas(clean, tmp_path, kind):
    city = clean / "results" / "Demo"
    land = gpd.read_parquet(city / "land_cover.parquet")
    land[["code", "geometry"]].to_file(tmp_path / "land.gpkg")
    write_class_raster(land, tmp_path / "land.tif", 1)
    (tmp_path / "results" / "Demo").mkdir(parents=True)
    shutil.copy(city / "cells.parquet", tmp_path / "results" / "Demo")
    asked = {"source": "file", "file": tmp_path / kind, "class_column": "code"}
    words = [word for key, value in asked.items() for word in ("--set", f"landcover.{key}={value}")]
    for step in ("02", "06"):
        assert run_script(step, *TINY_CITY, "--results", tmp_path / "results", *words) == 0
    got, expected = (
        gpd.read_parquet(folder / "fragments.parquet")
        for folder in (tmp_path / "results" / "Demo", city)
    )
    if kind == "land.gpkg":
        assert_geodataframe_equal(got, expected)
    else:  # up to the pixels along edges
        areas = [
            table.groupby(["idINSPIRE", "class"])["area_m2"].sum() for table in (got, expected)
        ]
        assert areas[0].sub(areas[1], fill_value=0).abs().sum() < 0.005 * areas[1].sum()


def test_second_run_is_up_to_date_within_15_seconds_and_says_what_came_out(clean):
    started = cpu_seconds()
    done = run_sh(clean, "--run", "demo-tiny")
    seconds = cpu_seconds() - started
    steps = [line for line in done.stdout.splitlines() if line[:2].isdigit()]
    assert done.returncode == 0 and len(steps) >= 15
    assert all("up to date" in line for line in steps) and seconds < 15
    assert all(
        words in done.stdout
        for words in ("Spearman r", "coordinates", "accuracy", "read as poor", "tables:")
    )
    first, *_, last = done.stdout.splitlines()
    assert first == "== Demo, run demo-tiny"
    assert last == "open: results/Demo/demo-tiny/report.html"


def test_terminal_shows_what_was_done_and_the_log_what_was_read_too(clean):
    """The step that reads and writes most, done again."""
    words = ["code/14_landcover_statistics.py", "--city", "Demo", "--run", "demo-tiny", "--force"]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, cwd=clean)
    lines = done.stdout.splitlines()
    assert lines[-1].startswith("14_landcover_statistics Demo: done") and done.stderr == ""
    assert not [line for line in lines if line.startswith(("loads", "saves"))]
    log = (clean / "results" / "Demo" / "logs" / "14_landcover_statistics.log").read_text()
    assert log.count(" loads ") >= 2 and log.count(" saves ") >= 2


def test_columns_are_those_that_the_dictionary_tells(clean):
    folders = clean / "results", clean / "data" / "demo-tiny" / "census_data"
    assert column_dictionary.faults("income", *folders) == []


def test_what_a_table_calls_class_is_land_cover(clean):
    known = set(class_table()["class"])
    for path, columns in column_dictionary.tables(clean / "results" / "Demo"):
        if (
            path.parent.name != "features" and "class" in columns and path.is_file()
        ):  # of a layer, those of the fragments' table
            read = pd.read_csv if path.suffix == ".csv" else pd.read_parquet
            assert set(read(path)["class"].dropna()) <= known, path


def test_the_map_of_contributions_adds_up_to_the_logits(clean):
    run = clean / "results" / "Demo" / "demo-tiny"
    cells = pd.read_csv(run / "cell_activation.csv").set_index("idINSPIRE")
    with rasterio.open(run / "Demo_demo-tiny_contribution.tif") as raster:
        values, (step_m, _, west, _, _, north, *_) = raster.read(1), raster.transform
    for cell, row in cells.iterrows():
        left, south, right, top = grid.bounds(cell)
        columns = slice(round((left - west) / step_m), round((right - west) / step_m))
        rows = slice(round((north - top) / step_m), round((north - south) / step_m))
        expected = row["logit"] - row["bias"]
        assert values[rows, columns].mean() == pytest.approx(expected, abs=1e-5)


def test_pandas_example_of_the_page_on_files_runs(clean):
    page = (ROOT / "docs" / "files.md").read_text()
    (code,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    code = code.replace("Demo/demo/Demo_demo", "Demo/demo-tiny/Demo_demo-tiny")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=clean, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert all(word in done.stdout for word in ("income_class", "roads", "coordinates"))


def test_one_setting_redoes_what_depends_on_it_and_nothing_else(house):
    edit_settings(house, "demo-tiny", landcover={"min_joint_cells": 1})
    assert worked(run_sh(house, *TINY).stdout) == [
        "14",
        "16",
        "19",
        "91",
        "92",
        "97",
    ]  # 16 by the same rule; chords show pairs, and every pair is a claim


def test_new_file_in_a_drop_folder_is_noticed_and_status_spreads_it(house):
    (house / "data" / "demo-tiny" / "UA_data" / "note.txt").write_text("new")
    said = run_sh(house, "status", *TINY).stdout
    states = {
        line.split()[1]: line.split()[0]
        for line in said.splitlines()
        if line.split()[1][:2].isdigit()
    }
    assert (
        states["02_import_urban_atlas"] == "stale" and states["14_landcover_statistics"] == "stale"
    )
    assert states["01_download_census"] == "done"
    assert "02" in worked(run_sh(house, *TINY).stdout)


def test_status_says_what_is_missing(house):
    shutil.rmtree(house / "results" / "Demo" / "demo-tiny")
    said = run_sh(house, "status", *TINY).stdout
    assert "missing 10_assign_folds" in " ".join(said.split()) and "done 05_cut_images" in " ".join(
        said.split()
    )


def kill_at(house: Path, line: str, seconds: float) -> None:
    """Start the pipeline and kill all of it, as a power cut would, some time after a line
    appears."""
    command = ["bash", str(house / "run.sh"), "--run", "demo-tiny"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        cwd=house,
    ) as process:
        for said in process.stdout:
            if said.startswith(line):
                break
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGKILL)


def test_killed_anywhere_it_goes_on_to_the_same_results(clean, tmp_path):
    house = make_house(tmp_path)
    kill_at(house, "00_make_demo_city: not done yet", 1.0)
    kill_at(house, "05_cut_images Demo: not done yet", 1.5)
    kill_at(house, "11_train_income Demo fold 1: not done yet", 4.0)
    kill_at(house, "13_project_activation Demo: not done yet", 2.5)
    done = run_sh(house, "--run", "demo-tiny")
    assert done.returncode == 0, done.stdout + done.stderr
    got, expected = results(house), results(clean)
    assert (
        got.keys() == expected.keys()
        and [name for name in got if got[name] != expected[name]] == []
    )


def test_damaged_image_and_weights_are_made_again(house, clean):
    image = next((house / "results" / "Demo" / "images").glob("*.png"))
    image.write_bytes(image.read_bytes()[:-100])
    (house / "results" / "Demo" / "images.csv").unlink()
    (house / "results" / "Demo" / "demo-tiny" / "fold_1" / "weights.pt").write_bytes(b"damaged")
    assert run_sh(house, *TINY).returncode == 0
    assert results(house) == results(clean)


def test_city_that_fails_does_not_stop_the_others(clean):
    done = run_sh(clean, "Nowhere", *TINY)
    assert done.returncode == 2 and "Nowhere: stopped at 02_import_urban_atlas" in done.stdout
    assert "Demo, run demo-tiny: what the out-of-fold predictions" in done.stdout


def test_plain_files_of_the_demo_city_give_its_own_tables(house):
    data = house / "data" / "demo-tiny"
    export_city(house / "results" / "Demo", data, data / "cities" / "Plain", RENTS)
    done = run_sh(house, "Plain", "--run", "demo-tiny", "--results", "results-plain")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "01_download_census" not in done.stdout
    demo = house / "results" / "Demo" / "demo-tiny"
    plain = house / "results-plain" / "Plain" / "demo-tiny"
    tables = sorted(path.relative_to(demo) for path in demo.rglob("*.csv"))
    assert Path("predictions.csv") in tables and len(tables) > 30
    for name in tables:
        if name.name == "history.csv":  # holds seconds
            continue
        got, expected = (pd.read_csv(run / name) for run in (plain, demo))
        got = got.replace("Plain", "Demo")
        pd.testing.assert_frame_equal(got, expected, check_exact=True, obj=str(name))
    page = (plain / "report.html").read_text()
    assert "rent" in page and "EUR a month" in page


def make_twin(house: Path) -> None:
    """A second city, 100 km to the north of the tiny one, otherwise the same."""
    twin = Path(shutil.copytree(house / "results" / "Demo", house / "results" / "Twin"))
    for path in [
        twin / "cells.parquet",
        twin / "fragments.parquet",
        twin / "images.csv",
        *(twin / "demo-tiny").glob("*.csv"),
        *(twin / "demo-tiny" / "features").glob("*.parquet"),
    ]:
        table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
        if "idINSPIRE" in table:
            north = table["idINSPIRE"].str.extract(r"mN(\d+)E", expand=False).astype(int) + 100_000
            table["idINSPIRE"] = [
                cell.split("mN")[0] + f"mN{n}E" + cell.split("E")[-1]
                for cell, n in zip(table["idINSPIRE"], north, strict=True)
            ]
            table.to_parquet(path) if path.suffix == ".parquet" else table.to_csv(path, index=False)
    transfer = twin / "demo-tiny" / "tables" / "transfer.csv"
    transfer.write_text(transfer.read_text().replace("Demo", "Twin"))


def test_several_cities_are_left_out_and_predicted_by_each_other(house):
    edit_settings(house, "demo-tiny", compare={"splits": ["city"]}, training={"epochs": 1})
    make_twin(house)
    done = run_sh(house, *TINY)
    assert done.returncode == 0, done.stdout + done.stderr
    tables = house / "results" / "Demo" / "demo-tiny" / "tables"
    leakage, transfer = pd.read_csv(tables / "leakage.csv"), pd.read_csv(tables / "transfer.csv")
    told = set(leakage.loc[leakage["split"] == "city", "predictor"])
    assert {"model", "land_cover", "population_density", "colour_histogram"} <= told
    assert not {"coordinates", "random_features"} & told  # mean something else in another city
    assert {"Demo", "Twin"} <= set(transfer["trained_on"]) and (
        tables.parent / "figures" / "transfer.png"
    ).exists()


def test_variants_are_trained_beside_the_run_and_status_shows_them(house):
    edit_settings(
        house,
        "demo-tiny",
        compare={"splits": ["random", "campaign"], "seeds": [3], "fold_draws": [4], "folds": 1},
    )
    done = run_sh(house, *TINY)
    assert done.returncode == 0, done.stdout + done.stderr
    run = house / "results" / "Demo" / "demo-tiny"
    leakage, seeds, variance = (
        pd.read_csv(run / "tables" / f"{name}.csv") for name in ("leakage", "seeds", "variance")
    )
    of_model = set(leakage.loc[leakage["predictor"] == "model", "split"])
    assert of_model == {"block", "random", "campaign"} and (seeds["n_seeds"] == 2).all()
    assert variance.groupby("source")["n_scores"].first().dropna().to_dict() == {
        "fold_draws": 2,
        "seeds": 2,
    }
    states = run_sh(house, "status", *TINY).stdout.splitlines()
    scored = ("split-random", "split-campaign", "folds-4")
    assert sum(name in line for line in states for name in (*scored, "seed-3")) == 3 * 3 + 5
    assert states[0] == "== Demo, run demo-tiny"
    assert all(line.startswith("done") for line in states[1:-1])


def test_cities_experiment_runs_from_rendered_towns_to_relevance_and_then_is_up_to_date(tmp_path):
    house = make_house(tmp_path)
    edit_settings(
        house,
        "demo-tiny",
        cities={"demo": {"sites": 4, "site_px": 320}, "patch_px": 80, "stride_px": 80},
    )
    done = run_sh(house, "cities", "--run", "demo-tiny")
    assert done.returncode == 0, done.stdout + done.stderr
    run = house / "results" / "cities" / "demo-tiny"
    accuracy = pd.read_csv(run / "tables" / "accuracy.csv")
    assert set(accuracy["trained_on"]) == {"run", "split-acquisition"}
    assert (
        len(list(run.glob("relevance/*/sheet_*.png"))) == 5
        and (run / "figures" / "city_tree.png").exists()
    )
    assert column_dictionary.faults("cities", run) == []
    steps = [
        line
        for line in run_sh(house, "cities", "--run", "demo-tiny").stdout.splitlines()
        if line[:2].isdigit()
    ]
    assert len(steps) >= 9 and all("up to date" in line for line in steps)
