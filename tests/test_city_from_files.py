"""A city of one's own from three real files: its city.yaml, the check, and the steps up to images
and fragments."""

import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio

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


def step(folder, number, city="Poznan"):
    script = next((ROOT / "code").glob(f"{number}_*.py"))
    words = [sys.executable, script, "--city", city, "--workers", "1"]
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


BORDEAUX = """
cells: {source: file, file: cells.gpkg, id_column: IdINSPIRE, value_column: income,
  people_column: Ind, imputed_column: I_est_cr, group_column: Groupe, value_name: income,
  value_unit: EUR a year and person, year: 2015, credit: INSEE}
imagery: {source: rasters, files: ortho.tif, pixel_size_m: 5}
landcover: {source: file, file: cover.tif, classes: worldcover}
split: {block_m: 400}
"""


def made_raster(path, bounds, crs, pixel_m, bands, values):
    """A raster of values drawn for squares of 100 m."""
    west, south, east, north = bounds
    shape = round((north - south) / pixel_m), round((east - west) / pixel_m)
    side = round(100 / pixel_m)
    few = [-(-length // side) for length in shape]
    drawn = np.random.default_rng(0).choice(values, (bands, *few)).astype("uint8")
    pixels = drawn.repeat(side, 1).repeat(side, 2)[:, : shape[0], : shape[1]]
    transform = rasterio.Affine(pixel_m, 0, west, 0, -pixel_m, north)
    facts = {"height": shape[0], "width": shape[1], "count": bands, "dtype": "uint8"}
    with rasterio.open(path, "w", "GTiff", crs=crs, transform=transform, **facts) as raster:
        raster.write(pixels)


def test_real_census_of_bordeaux_as_a_file_of_ones_own_with_made_rasters(tmp_path):
    source = REAL_DATA / "filosofi2015_bordeaux.gpkg"
    if not source.is_file():
        pytest.skip("the real samples are not here")
    city = tmp_path / "data" / "cities" / "Bordeaux"
    city.mkdir(parents=True)
    census = gpd.read_file(source)
    middle = census.geometry.centroid
    near = (middle.x - middle.x.median()).abs().lt(900) & (middle.y - middle.y.median()).abs().lt(
        900
    )
    cells = census[near].assign(income=census["Ind_snv"] / census["Ind"])
    cells.to_file(city / "cells.gpkg")
    (city / "city.yaml").write_text(BORDEAUX)
    made_raster(city / "cover.tif", cells.total_bounds, cells.crs, 10, 1, [10, 30, 50])
    around = cells.to_crs(2154).total_bounds + [-50, -50, 50, 50]
    made_raster(city / "ortho.tif", around, "EPSG:2154", 5, 3, range(40, 200))

    said = step(tmp_path, "08", "Bordeaux")
    assert f"{len(cells)} of 200 m in EPSG:3035" in said
    for number in ("02", "03", "04", "05", "06", "10"):
        step(tmp_path, number, "Bordeaux")
    results = tmp_path / "results" / "Bordeaux"
    kept = gpd.read_parquet(results / "cells.parquet").set_index("idINSPIRE")
    assert kept["value"].to_dict() == pytest.approx(
        cells.set_index("IdINSPIRE")["income"].to_dict()
    )
    assert kept["imputed"].sum() == cells["I_est_cr"].astype(int).sum()
    samples = pd.read_csv(results / "default" / "samples.csv")
    assert samples["used"].all() and set(samples["income_class"]) == set(range(5))
    fragments = gpd.read_parquet(results / "fragments.parquet")
    assert set(fragments["class"]) == {"tree_cover", "grassland", "built_up"}
    assert fragments["area_m2"].sum() == pytest.approx(len(cells) * 200**2, rel=1e-6)
