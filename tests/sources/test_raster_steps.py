"""Steps 04 and 05 of a city whose images are cut from the user's own rasters."""

import json
import subprocess
import sys

import geopandas as gpd
import pandas as pd
import pytest
from rasterio.transform import Affine

from own_rasters import write_raster
from samples import ROOT
from small_packs import cells_over, noise

pytestmark = pytest.mark.slow
W, N = 650_000, 6_864_000  # north-west corner, m, EPSG:2154


def step(folder, number, *assignments):
    """Run a step of the city Test on the rasters below `folder`."""
    files = f"imagery.files={folder / 'ortho' / '*.tif'}"
    settings = ["imagery.source=rasters", files, "imagery.pixel_size_m=2", *assignments]
    script = next((ROOT / "code").glob(f"{number}_*.py"))
    words = [sys.executable, script, "--city", "Test", "--workers", "1"]
    words += ["--data", folder / "data", "--results", folder / "results"]
    words += [word for setting in settings for word in ("--set", setting)]
    return subprocess.run([str(word) for word in words], capture_output=True, text=True)


@pytest.fixture
def city(tmp_path):
    """A folder with two rasters and the cells that lie on them."""
    for number in (0, 1):
        place = Affine(2, 0, W + 400 * number, 0, -2, N)
        pixels = noise(number).transpose(2, 0, 1)
        write_raster(tmp_path / "ortho" / f"{number}.tif", pixels, place, "EPSG:2154")
    (tmp_path / "data").mkdir()
    (tmp_path / "results" / "Test").mkdir(parents=True)
    cells = cells_over(W, N - 400, W + 800, N)
    cells.to_parquet(tmp_path / "results" / "Test" / "cells.parquet")
    return tmp_path


def test_images_are_cut_from_rasters_and_follow_them(city):
    done = step(city, "04", "imagery.year=2019")
    assert done.returncode == 0, done.stderr
    assert "2 rasters: EPSG:2154 (2); pixels of 2 m (2)" in done.stdout
    assert "up to date" in step(city, "04", "imagery.year=2019").stdout
    assert step(city, "05").returncode == 0
    results = city / "results" / "Test"
    before = pd.read_csv(results / "images.csv")
    assert set(before["source"].dropna()) == {"rasters"}
    assert set(before["campaign_year"].dropna()) == {2019}

    # Another image in the place of one of them.
    place = Affine(2, 0, W, 0, -2, N)
    other = noise(7).transpose(2, 0, 1)
    write_raster(city / "ortho" / "0.tif", other, place, "EPSG:2154")
    again = step(city, "04", "imagery.year=2019")
    assert "file differs" in again.stdout
    assert step(city, "05").returncode == 0
    after = pd.read_csv(results / "images.csv")
    is_of_first = before["tiles"].str.contains("0.tif", na=False, regex=False)
    is_new = before["fingerprint"] != after["fingerprint"]
    assert is_of_first.any() and not is_of_first.all()
    assert (is_new == is_of_first).all()


def test_expectation_says_what_there_is_and_writes_nothing(city):
    script = ROOT / "code" / "04_download_aerial.py"
    words = [sys.executable, script, "--city", "Test", "--expect", "--data", city / "data"]
    words += ["--results", city / "results", "--set", "imagery.source=rasters"]
    words += ["--set", f"imagery.files={city / 'ortho'}/*.tif", "--set", "imagery.pixel_size_m=2"]
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    cells = len(gpd.read_parquet(city / "results" / "Test" / "cells.parquet"))
    assert f"of {cells} cells wholly" in done.stdout
    assert not (city / "results" / "Test" / "tiles.parquet").exists()


def test_record_holds_the_rasters_and_no_setting_of_others(city):
    assert step(city, "04").returncode == 0
    record = json.loads((city / "results" / "Test" / "tiles.parquet.json").read_text())
    assert len(record["large_inputs"]) == 2
    assert not [key for key in record["settings"] if "wms" in key or "fetch" in key]


def test_bad_rasters_are_told_without_a_traceback(city):
    (city / "ortho" / "2.tif").write_text("<html>404</html>")
    failed = step(city, "04")
    assert failed.returncode == 2
    assert "1 of 3 rasters cannot be used" in failed.stderr
    assert "Traceback" not in failed.stderr
