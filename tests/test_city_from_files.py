"""A city of one's own from three real files: its city.yaml, the check, and the steps up to images
and fragments."""

import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest

from samples import REAL_DATA, ROOT

pytestmark = [pytest.mark.real_data, pytest.mark.slow]
ORTHO, ATLAS = "poznan_ortho_2m.tif", "PL005L2_POZNAN_UA2018_subset.gpkg"
WEST, SOUTH, COLUMNS, ROWS = 4_791_600, 3_276_600, 6, 2  # of cells of 100 m that lie in the image
CITY = """
cells: {source: file, file: cells.csv, crs: "EPSG:3035", side_m: 100, id_column: id,
  value_column: people, value_name: people, value_unit: a cell, x_column: x, y_column: y}
imagery: {source: rasters, files: "*.tif", pixel_size_m: 2, year: 2018, credit: GUGiK}
landcover: {source: file, file: land_cover.gpkg, class_column: code_2018, year: 2018}
split: {block_m: 100}
"""


@pytest.fixture
def folder(tmp_path) -> Path:
    """A data folder that holds the three files of the city and what it says of itself."""
    if not (REAL_DATA / ORTHO).is_file():
        pytest.skip("the real samples are not here")
    city = tmp_path / "data" / "cities" / "Poznan"
    city.mkdir(parents=True)
    (city / ORTHO).symlink_to(REAL_DATA / ORTHO)
    (city / "land_cover.gpkg").symlink_to(REAL_DATA / ATLAS)
    (city / "city.yaml").write_text(CITY)
    rows = [
        (f"c{column}-{row}", 10 * column + row, WEST + 100 * column + 50, SOUTH + 100 * row + 50)
        for column in range(COLUMNS)
        for row in range(ROWS)
    ]
    table = pd.DataFrame(rows, columns=["id", "people", "x", "y"])
    table.to_csv(city / "cells.csv", index=False)
    return tmp_path


def step(folder, number):
    script = next((ROOT / "code").glob(f"{number}_*.py"))
    words = [sys.executable, script, "--city", "Poznan", "--workers", "1"]
    words += ["--data", folder / "data", "--results", folder / "results"]
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_three_files_become_cells_images_and_fragments(folder):
    said = step(folder, "08")
    count = COLUMNS * ROWS
    assert f"{count} of 100 m in EPSG:3035" in said
    assert "1 rasters: EPSG:2180 (1); pixels of 2 m (1); years 2018 (1)" in said
    assert f"cover {count} of {count} cells wholly" in said
    assert "covers 100 % of the cells" in said
    assert "nothing stands against a run" in said

    for number in ("02", "03", "04", "05", "06"):
        step(folder, number)
    results = folder / "results" / "Poznan"
    assert (results / "check.png").is_file()
    images = pd.read_csv(results / "images.csv")
    assert images["path"].notna().all()
    assert set(images["source"]) == {"rasters"}
    # The masked square of 102 m lies in the westernmost cells, and in no other.
    void_m2 = images["void_fraction"] * 100**2
    assert void_m2.sum() == pytest.approx(102**2, rel=0.05)
    fragments = gpd.read_parquet(results / "fragments.parquet")
    area_m2 = fragments.groupby("idINSPIRE")["area_m2"].sum()
    assert len(area_m2) == count
    assert area_m2.to_numpy() == pytest.approx(100**2, rel=1e-6)
