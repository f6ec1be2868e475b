"""Polygons cut by cells, and label rasters."""

import itertools
import tracemalloc

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import samples
from samples import SOUTH, WEST
from urban_atlas_city import as_cells, as_land, read_poznan
from urbancam.sources.census import selection
from urbancam.sources.landcover import fragments
from urbancam.tables import grid
from urbancam.workflow.errors import InputError

CELL = samples.cell_id(0, 0)


# cutting by cells


def test_cell_is_cut_into_its_polygons():
    polygons = [
        shapely.box(WEST - 50, SOUTH - 50, WEST + 120, SOUTH + 500),
        shapely.box(WEST + 120, SOUTH, WEST + 900, SOUTH + 200),
    ]
    got = fragments.cut_by_cells(as_land(polygons, [11100, 14100]), as_cells(CELL))
    assert got.columns.tolist() == [
        "fragment_id",
        "idINSPIRE",
        "polygon_id",
        "code",
        "class",
        "area_m2",
        "geometry",
    ]
    assert got["fragment_id"].tolist() == [f"{CELL}_0", f"{CELL}_1"]
    assert got["area_m2"].tolist() == [120 * 200, 80 * 200]
    assert got["class"].tolist() == ["vhd_uf", "green_ua"]


def test_polygons_that_touch_a_cell_give_no_fragment():
    beside = [
        shapely.box(WEST + 200, SOUTH, WEST + 300, SOUTH + 200),
        shapely.box(WEST - 9, SOUTH - 9, WEST, SOUTH),
    ]
    assert fragments.cut_by_cells(as_land(beside), as_cells(CELL)).empty


def test_cell_within_one_polygon_is_one_fragment():
    wide = shapely.box(WEST - 9, SOUTH - 9, WEST + 999, SOUTH + 999)
    got = fragments.cut_by_cells(as_land([wide]), as_cells(CELL))
    assert got["area_m2"].tolist() == [40_000]
    assert got.geometry.iloc[0].equals(selection.squares(pd.Series([CELL]))[0])


@pytest.mark.slow
@pytest.mark.parametrize(("size_m", "side"), [(200, 9), (1000, 2)])
@given(seed=st.integers(0, 10_000))
@settings(deadline=None, max_examples=15)
def test_areas_are_those_of_the_plain_overlay(size_m, side, seed):
    """Against geopandas' overlay, on a coverage of Voronoi polygons and a star of many vertices."""
    random = np.random.default_rng(seed)
    points = random.uniform((WEST, SOUTH), (WEST + 2000, SOUTH + 2000), (12, 2))
    voronoi = shapely.voronoi_polygons(shapely.MultiPoint(points))
    frame = shapely.box(WEST - 300, SOUTH - 300, WEST + 1700, SOUTH + 1700)
    polygons = shapely.intersection(shapely.get_parts(voronoi), frame)
    angle = np.linspace(0, 2 * np.pi, 600, endpoint=False)
    radius = 700 + 60 * np.sin(40 * angle)
    x = WEST + 800 + radius * np.cos(angle)
    y = SOUTH + 800 + radius * np.sin(angle)
    star = shapely.Polygon(np.column_stack([x, y]))
    land = as_land([star, *shapely.difference(polygons, star)])
    places = itertools.product(range(side), range(side))
    cells = as_cells(*[samples.cell_id(column, row, size_m) for row, column in places])

    keys = ["idINSPIRE", "polygon_id"]
    got = fragments.cut_by_cells(land, cells).set_index(keys)["area_m2"]
    overlay = gpd.overlay(cells, land[["polygon_id", "geometry"]], keep_geom_type=True)
    expected = overlay.assign(area_m2=overlay.area).groupby(keys)["area_m2"].sum()
    expected = expected[expected >= fragments.LEAST_FRAGMENT_M2]
    pd.testing.assert_series_equal(got.sort_index(), expected.sort_index(), rtol=1e-6, atol=1e-5)


def test_few_overlaps_are_said(caplog):
    polygons = [
        shapely.box(WEST, SOUTH, WEST + 200, SOUTH + 200),
        shapely.box(WEST, SOUTH, WEST + 1, SOUTH + 20),
    ]
    got = fragments.cut_by_cells(as_land(polygons), as_cells(CELL))
    assert got["area_m2"].sum() == 40_020
    assert f"polygons overlap in 1 of 1 cells by 20.0 m2, most in {CELL}" in caplog.text


def test_land_cover_that_is_there_twice_is_refused():
    whole = shapely.box(WEST, SOUTH, WEST + 200, SOUTH + 200)
    with pytest.raises(InputError, match="there twice|overlap in 1 of 1 cells by 40,000"):
        fragments.cut_by_cells(as_land([whole, whole]), as_cells(CELL))


def test_cover_is_described(caplog):
    land = as_land([shapely.box(WEST, SOUTH, WEST + 200, SOUTH + 100)])
    cells = as_cells(CELL, samples.cell_id(5, 5))
    got = fragments.describe_cover(fragments.cut_by_cells(land, cells), cells)
    assert got == {
        "fragments": 1,
        "cells covered in part": 1,
        "cells outside every polygon": 1,
        "covered share": 0.25,
    }
    assert f"1 of 2 cells lie outside every polygon: {samples.cell_id(5, 5)}" in caplog.text


# cell by cell


def rows_of(cells: list[str]) -> pd.DataFrame:
    """Two fragments of each cell as `fragments.parquet` has them, the last cell first."""
    square = shapely.to_wkb(shapely.box(0, 0, 200, 100))
    cells = [cell for cell in cells[::-1] for _ in range(2)]
    numbers = [1, 0] * (len(cells) // 2)
    ids = [f"{cell}_{number}" for cell, number in zip(cells, numbers, strict=True)]
    return pd.DataFrame({"fragment_id": ids, "idINSPIRE": cells, "geometry": square})


def test_fragments_of_a_cell_are_its_own_in_order_with_polygons():
    cells = [samples.cell_id(place, 0) for place in range(3)]
    got = fragments.FragmentsOfCells(rows_of(cells[:2]), pd.Series(cells[1:]))
    assert got[cells[1]]["fragment_id"].tolist() == [f"{cells[1]}_0", f"{cells[1]}_1"]
    assert shapely.area(got[cells[1]]["geometry"].to_numpy()).tolist() == [20_000, 20_000]
    assert len(got[cells[2]]) == 0  # no land cover
    assert set(got.rows["idINSPIRE"]) == {cells[1]}
    with pytest.raises(KeyError):
        got[cells[0]]  # not asked for


def test_fragments_of_many_cells_take_little_more_than_their_rows():
    cells = pd.Series([samples.cell_id(*divmod(number, 40)) for number in range(1000)])
    rows = rows_of(cells.tolist())
    tracemalloc.start()
    try:
        kept = fragments.FragmentsOfCells(rows, cells)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(kept.rows) == 2000
    assert taken / len(cells) < 1500  # bytes a cell; a table for each cell takes several thousand


# label rasters


def test_labels_have_north_in_row_0_and_count_from_1():
    north_west = shapely.box(WEST, SOUTH + 100, WEST + 100, SOUTH + 200)
    south_east = shapely.box(WEST + 100, SOUTH, WEST + 200, SOUTH + 100)
    got = fragments.label_raster(gpd.GeoSeries([north_west, south_east]), grid.bounds(CELL), 4)
    assert got.dtype == np.int32
    assert got.tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 2, 2], [0, 0, 2, 2]]


def test_pixel_belongs_to_the_fragment_that_holds_its_centre():
    # Pixels of 50 m: centres at 25, 75 ...
    quarter_and_more = shapely.box(WEST, SOUTH, WEST + 26, SOUTH + 200)
    less = shapely.box(WEST + 180, SOUTH, WEST + 200, SOUTH + 200)
    got = fragments.label_raster([quarter_and_more, less], grid.bounds(CELL), 4)
    assert got.tolist() == [[1, 0, 0, 0]] * 4


def test_cell_without_fragments_has_no_labels():
    assert fragments.label_raster([], grid.bounds(CELL), 3).tolist() == [[0] * 3] * 3


# the real thing


@pytest.fixture(scope="module")
def poznan(tmp_path_factory):
    land, _ = read_poznan(tmp_path_factory.mktemp("scratch"))
    return land


@pytest.mark.real_data
def test_poznans_three_cells_are_covered_and_the_first_is_as_known(poznan):
    cells = as_cells(*[f"CRS3035RES200mN3276600E{east}" for east in (4791600, 4791800, 4792000)])
    got = fragments.cut_by_cells(poznan, cells)
    np.testing.assert_allclose(got.groupby("idINSPIRE")["area_m2"].sum(), 40_000, rtol=1e-9)
    first = got[got["idINSPIRE"] == cells["idINSPIRE"][0]].groupby("code")["area_m2"].sum()
    expected = {11100: 12416.0, 12100: 3532.8, 12220: 2748.4, 14100: 7231.5, 14200: 14071.3}
    assert first.round(1).to_dict() == expected


@pytest.mark.real_data
def test_poznans_labels_hold_the_fragments_areas(poznan):
    cells = as_cells("CRS3035RES200mN3276600E4791600")
    got = fragments.cut_by_cells(poznan, cells)
    labels = fragments.label_raster(got.geometry, grid.bounds(cells["idINSPIRE"][0]), 800)
    pixel_m2 = np.bincount(labels.ravel(), minlength=len(got) + 1) / 16
    assert pixel_m2[0] == 0
    np.testing.assert_allclose(pixel_m2[1:], got["area_m2"], atol=8)
