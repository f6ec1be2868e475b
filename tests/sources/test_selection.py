"""The cells of a city, on both of INSEE's grids, with an income and without."""

import itertools

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import samples
from samples import WEST, cell_id, census_frame, write_census
from urbancam.sources.census import incomes, layouts, selection
from urbancam.tables import grid

SOUTH = samples.SOUTH
CITY = shapely.box(WEST, SOUTH, WEST + 800, SOUTH + 600)  # of the sample census: 4 x 3 cells


def make_table(tmp_path, **change) -> pd.DataFrame:
    source = write_census(tmp_path, 2015, frame=census_frame().assign(**change))
    return incomes.clean(layouts.read_source(source, 2015, tmp_path / "scratch"), "sample")


def test_cells_belong_to_the_city_that_holds_their_centre(tmp_path):
    half = shapely.box(WEST, SOUTH, WEST + 301, SOUTH + 600)  # just beyond the centres
    got = selection.select_cells(make_table(tmp_path), half, "Paris")
    west_columns = itertools.product((0, 1), range(3))
    assert set(got["idINSPIRE"]) == {cell_id(column, row) for column, row in west_columns}
    assert got.columns.tolist() == [*selection.COLUMNS, "geometry"]
    assert got["value"].iloc[0] == pytest.approx(20_000)
    assert got["department"].eq("75").all()


@pytest.mark.parametrize("size_m", [200, 1000])
def test_squares_are_exact(size_m):
    got = selection.squares(pd.Series([f"CRS3035RES{size_m}mN2888000E3760000"]))[0]
    assert got.equals(shapely.box(3760000, 2888000, 3760000 + size_m, 2888000 + size_m))
    assert got.area == size_m**2


def test_all_squares_of_a_city_are_those_whose_centre_it_holds():
    triangle = [(WEST - 90, SOUTH - 120), (WEST + 450, SOUTH + 90), (WEST + 300, SOUTH + 700)]
    outline = shapely.Polygon(triangle)
    got = selection.squares_inside(outline, 200)
    around = itertools.product(range(-2, 5), range(-2, 6))
    ids = pd.Series([cell_id(column, row) for column, row in around])
    inside = outline.contains(shapely.points(grid.centres(ids)))
    expected = ids[inside].tolist()
    assert got.tolist() == sorted(expected) and len(got) > 3


def test_area_without_cells_is_told_and_what_lies_beyond_the_border_apart(tmp_path, caplog):
    table = make_table(tmp_path)  # 4 x 3 cells in the west of the outline
    outline = shapely.box(WEST, SOUTH, WEST + 8000, SOUTH + 600)
    got = selection.describe_gaps(table, outline, "Lille", 200)
    beyond_m = 8000 - 800 - selection.REACH_M
    assert got["share of area without cells"] == pytest.approx(0.9)
    assert got["share beyond French cells"] == pytest.approx(beyond_m / 8000)
    assert "3 km2 (52 %) of Lille lie more than 3 km from every French cell" in caplog.text
    assert not selection.describe_gaps(table, CITY, "Paris", 200)["share beyond French cells"]


def test_squares_without_income_are_added_and_the_others_stay_as_they_are(tmp_path):
    people = [0.0, *range(11, 22)]
    income = [2e5] * 10 + [None, 3e5]
    cells = selection.select_cells(make_table(tmp_path, Ind=people, Ind_snv=income), CITY, "Paris")
    got = selection.add_cells_without_income(cells, CITY, 200)
    assert len(cells) == 10 and got["idINSPIRE"].tolist() == sorted(census_frame()["IdINSPIRE"])
    pd.testing.assert_frame_equal(got[got["value"].notna()].reset_index(drop=True), cells)
    added = got[got["value"].isna()]
    assert added["idINSPIRE"].tolist() == [cell_id(0, 0), cell_id(2, 2)]
    assert not added["imputed"].any()
    assert added["group"].isna().all()
    assert (added[["ind", "men"]] == 0).all(axis=None)


def test_added_squares_take_the_department_of_the_nearest_cell(tmp_path):
    communes = ["75101", "75101", "92001", "92001"] * 3
    table = make_table(tmp_path, Depcom=communes, Ind=[1, 0, 0, 1] * 3)
    cells = selection.select_cells(table, CITY, "Paris")
    got = selection.add_cells_without_income(cells, CITY, 200)
    departments = got.set_index("idINSPIRE")["department"]
    assert departments[cell_id(1, 0)] == "75"
    assert departments[cell_id(2, 0)] == "92"


def test_a_city_whose_squares_all_have_an_income_gets_none(tmp_path):
    cells = selection.select_cells(make_table(tmp_path), CITY, "Paris")
    pd.testing.assert_frame_equal(selection.add_cells_without_income(cells, CITY, 200), cells)


def test_imputed_cells_their_people_and_cells_without_income_are_counted():
    cells = pd.DataFrame(
        {
            "imputed": [True, False, False, False, False],
            "ind": [10.0, 20.0, 30.0, 40.0, 0.0],
            "value": [1.0, 2.0, 3.0, 4.0, np.nan],
            "department": "75",
        }
    )
    got = selection.describe(cells)
    assert got == {
        "cells": 5,
        "without a value": 1,
        "people": 100,
        "imputed share of cells": 0.25,
        "imputed share of people": 0.1,
    }
    uncounted = selection.describe(cells.assign(ind=np.nan))
    assert "people" not in uncounted and "imputed share of people" not in uncounted


@pytest.mark.parametrize(("department", "said"), [("75", True), ("", False)])
def test_departments_are_told_where_they_are_known(caplog, department, said):
    cells = {"imputed": False, "ind": 1.0, "value": [1.0, 2.0], "department": department}
    with caplog.at_level("INFO"):
        selection.describe(pd.DataFrame(cells))
    assert ("departments: 75 (2 cells)" in caplog.messages) == said
    assert said or not any("departments" in message for message in caplog.messages)


def test_departments_of_communes():
    got = selection.department(pd.Series(["75101", "2A004", "97411", "01004"]))
    assert got.tolist() == ["75", "2A", "974", "01"]


@pytest.mark.real_data
def test_bordeaux_squares_are_those_of_the_file():
    path = samples.REAL_DATA / "filosofi2015_bordeaux.gpkg"
    if not path.exists():
        pytest.skip("no real samples here")
    real = gpd.read_file(path)
    got = selection.squares(real["IdINSPIRE"])
    assert shapely.area(shapely.symmetric_difference(got, real.geometry.to_numpy())).max() == 0
