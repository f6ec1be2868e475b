"""Steps 02, 03 and 06 with land cover from a file of the user's own, against Urban Atlas'."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from geopandas.testing import assert_geodataframe_equal

from plain_files import write_class_raster
from samples import run_script, write_census, write_old_urban_atlas
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
