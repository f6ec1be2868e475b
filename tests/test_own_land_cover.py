"""Steps 02, 03 and 06 with land cover from a file of the user's own, against Urban Atlas'."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal

from plain_files import write_class_raster
from samples import (
    land_cover_frame,
    outline_frame,
    run_script,
    write_census,
    write_old_urban_atlas,
)
from urbancam.workflow.paths import CLASS_TABLES

pytestmark = pytest.mark.slow
PARIS = ("--city", "Paris")


def of_file(path, *more: str) -> list:
    """Arguments that name a file of land cover."""
    keys = {"source": "file", "file": path}
    words = [word for key, value in keys.items() for word in ("--set", f"landcover.{key}={value}")]
    return [*words, *(word for pair in more for word in ("--set", f"landcover.{pair}"))]


def cut(data, results, *asked) -> pd.DataFrame:
    """The fragments of the sample city."""
    folders = ["--data", data, "--results", results]
    for step in ("02", "03", "06"):
        assert run_script(step, *PARIS, *folders, *asked) == 0
    return gpd.read_parquet(results / "Paris" / "fragments.parquet")


def areas(fragments) -> pd.Series:
    return fragments.groupby(["idINSPIRE", "code", "class"])["area_m2"].sum()


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """The sample city of Urban Atlas: its data and its fragments; its land cover as plain files."""
    folder = tmp_path_factory.mktemp("city")
    data, results = folder / "data", folder / "results"
    write_census(data / "census_data", 2015, "shp")
    write_old_urban_atlas(data / "UA_data")
    assert run_script("01", "--data", data, "--results", results) == 0
    fragments = cut(data, results)
    land = gpd.read_parquet(results / "Paris" / "land_cover.parquet")
    land[["code", "geometry"]].to_file(folder / "land.gpkg")
    return folder, fragments


def test_polygons_of_a_file_give_the_same_fragments(city, tmp_path):
    folder, expected = city
    got = cut(folder / "data", tmp_path, *of_file(folder / "land.gpkg", "class_column=code"))
    assert_geodataframe_equal(got, expected)
    classes = [place / "Paris" / "classes.csv" for place in (tmp_path, folder / "results")]
    assert classes[0].read_bytes() == classes[1].read_bytes()


def test_pixels_whose_edges_are_those_of_the_polygons_give_the_same_areas(city, tmp_path):
    folder, expected = city
    write_class_raster(gpd.read_file(folder / "land.gpkg"), tmp_path / "land.tif", 10)
    got = cut(folder / "data", tmp_path / "results", *of_file(tmp_path / "land.tif"))
    pd.testing.assert_series_equal(areas(got), areas(expected))


def test_another_class_table_gives_its_own_classes(city, tmp_path):
    folder, expected = city
    land = gpd.read_file(folder / "land.gpkg")
    worldcover = land["code"].map({11210: 50, 12220: 60, 31000: 10})
    write_class_raster(land.assign(code=worldcover), tmp_path / "land.tif", 10)
    asked = of_file(tmp_path / "land.tif", "classes=worldcover")
    got = cut(folder / "data", tmp_path / "results", *asked)
    assert set(got["class"]) == {"built_up", "bare_sparse", "tree_cover"}
    assert got["area_m2"].sum() == pytest.approx(expected["area_m2"].sum())
    classes = pd.read_csv(tmp_path / "results" / "Paris" / "classes.csv")
    assert classes["colour"].tolist()[0] == "#006400" and len(classes) == 11


def test_a_changed_file_or_class_table_is_noticed(city, tmp_path, capsys):
    folder, _ = city
    land, table = tmp_path / "land.gpkg", tmp_path / "mine.yaml"
    land.write_bytes((folder / "land.gpkg").read_bytes())
    table.write_bytes((CLASS_TABLES / "urban_atlas.yaml").read_bytes())
    asked = [*of_file(land, "class_column=code", f"classes={table}"), "--results", tmp_path]
    assert run_script("02", *PARIS, *asked) == 0
    table.write_text(table.read_text().replace("Other roads\n    super", "Streets\n    super"))
    capsys.readouterr()
    assert run_script("02", *PARIS, *asked) == 0
    assert "input differs" in capsys.readouterr().out
    names = pd.read_csv(tmp_path / "Paris" / "classes.csv")["name"]
    assert "Streets" in set(names) and "Other roads" not in set(names)
    frame = gpd.read_file(land)
    frame.assign(code=np.full(len(frame), 31000)).to_file(land)
    assert run_script("02", *PARIS, *asked) == 0
    assert gpd.read_parquet(tmp_path / "Paris" / "land_cover.parquet")["code"].eq(31000).all()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (["landcover.source=file"], "landcover.source: file needs landcover.file"),
        (["landcover.source=file", "landcover.file=no.gpkg"], "no.gpkg is missing"),
        (["landcover.classes=corin"], "no class table 'corin'; name one of corine, urban_atlas"),
        (["landcover.classes=mine.yaml"], "mine.yaml is missing"),
    ],
)
def test_what_is_not_there_is_one_message(city, tmp_path, capsys, asked, words):
    folder, _ = city
    settings = [word for pair in asked for word in ("--set", pair)]
    folders = ["--data", folder / "data", "--results", tmp_path]
    assert run_script("02", *PARIS, *folders, *settings) == 2
    error = capsys.readouterr().err
    assert error.count("error: ") == 1 and "Traceback" not in error
    assert words in error and "what to do: " in error


# ---- cells of a file, in a system of their own


OWN_CITY = """
cells: {source: file, file: cells.gpkg, value_name: rent, value_unit: EUR, people_column: people}
landcover: {source: file, file: land.gpkg, class_column: code}
"""


@pytest.fixture
def town(city, tmp_path):
    """Nine cells of 100 m in Lambert-93 in the middle of the sample's land cover."""
    folder = tmp_path / "data" / "cities" / "Town"
    folder.mkdir(parents=True)
    (folder / "city.yaml").write_text(OWN_CITY)
    land = gpd.read_file(city[0] / "land.gpkg")
    land.to_file(folder / "land.gpkg")
    middle = land.to_crs("EPSG:2154").union_all().centroid
    west, south = round(middle.x, -2) - 200, round(middle.y, -2) - 200
    steps = 100 * np.arange(3)
    x, y = (edges.ravel() for edges in np.meshgrid(west + steps, south + steps))
    squares = shapely.box(x, y, x + 100, y + 100)
    cells = gpd.GeoDataFrame(
        {"id": range(9), "value": 5.0, "people": 3}, geometry=squares, crs="EPSG:2154"
    )
    cells.to_file(folder / "cells.gpkg")
    return tmp_path


def cut_town(town, *asked, results="results") -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Land cover and fragments of the town."""
    words = ["--city", "Town", "--data", town / "data", "--results", town / results, *asked]
    for step in ("02", "03", "06"):
        assert run_script(step, *words) == 0
    city = town / results / "Town"
    return (gpd.read_parquet(city / f"{name}.parquet") for name in ("land_cover", "fragments"))


@pytest.mark.parametrize("kind", ["land.gpkg", "land.tif"])
def test_land_cover_comes_into_the_system_of_the_cells(town, city, kind):
    folder = town / "data" / "cities" / "Town"
    truth = gpd.read_file(folder / "land.gpkg")
    write_class_raster(truth, folder / "land.tif", 10)
    land, fragments = cut_town(town, "--set", f"landcover.file={folder / kind}")
    assert land.crs == fragments.crs == "EPSG:2154"
    assert fragments["idINSPIRE"].str.startswith("CRS2154RES100mN").all()
    assert fragments.groupby("idINSPIRE")["area_m2"].sum().to_numpy() == pytest.approx([1e4] * 9)
    cells = gpd.read_parquet(town / "results" / "Town" / "cells.parquet")
    expected = truth.to_crs("EPSG:2154").clip(cells).dissolve("code").area
    got = fragments.groupby("code")["area_m2"].sum()
    np.testing.assert_allclose(got, expected, rtol=1e-3)


def test_urban_atlas_comes_into_the_system_of_the_cells_too(town, city):
    write_old_urban_atlas(
        town / "data" / "UA_data",
        "FR009L1_TOWN",
        land_cover_frame(2012, "Town", "FR009L1"),
        outline_frame("Town", "FR009L1"),
    )
    _, expected = cut_town(town)
    land, got = cut_town(town, "--set", "landcover.source=urban_atlas", results="atlas")
    assert land.crs == "EPSG:2154" and land["code"].tolist() == [11210, 12220, 31000]
    pd.testing.assert_series_equal(areas(got), areas(expected), check_exact=False, rtol=1e-6)


def test_land_cover_of_another_city_than_the_cells_is_refused(town, capsys):
    file = town / "data" / "cities" / "Town" / "land.gpkg"
    land = gpd.read_file(file)
    land.set_geometry(land.translate(50_000, 0)).to_file(file)
    words = ["--city", "Town", "--data", town / "data", "--results", town / "results"]
    assert run_script("02", *words) == 2
    error = capsys.readouterr().err
    assert "the land cover does not touch the cells" in error and "Traceback" not in error
