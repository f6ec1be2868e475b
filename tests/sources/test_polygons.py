"""Polygons: their codes, shapes and places put right."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from samples import SOUTH, WEST, land_cover_frame, outline_frame, write_old_urban_atlas
from urban_atlas_city import read
from urbancam.workflow.errors import InputError


def test_invalid_polygons_are_repaired_and_counted(tmp_path, caplog):
    caplog.set_level("INFO")
    land = land_cover_frame()
    bowtie = shapely.Polygon(
        [(WEST, SOUTH), (WEST + 390, SOUTH + 600), (WEST + 390, SOUTH), (WEST, SOUTH + 600)]
    )
    land.geometry = [bowtie, *land.geometry[1:]]
    write_old_urban_atlas(tmp_path, land=land)
    got, _ = read(tmp_path)
    assert got.is_valid.all()
    assert got.area.iloc[0] == pytest.approx(390 * 600 / 2)
    assert "repairs 1 of 3 polygons" in caplog.text


def test_no_data_is_no_land_cover(tmp_path, caplog):
    caplog.set_level("INFO")
    land = land_cover_frame().assign(CODE2012=["11210", "91000", "31000"])
    write_old_urban_atlas(tmp_path, land=land)
    assert read(tmp_path)[0]["code"].tolist() == [11210, 31000]
    assert "drops 1 polygons of no data, 0.01 km2" in caplog.text


def test_another_coordinate_system_is_moved(tmp_path):
    write_old_urban_atlas(
        tmp_path,
        land=land_cover_frame().to_crs("EPSG:2154"),
        outline=outline_frame().to_crs("EPSG:4326"),
    )
    land, boundary = read(tmp_path)
    assert land.area.sum() == pytest.approx(480_000, rel=1e-6)
    expected = [WEST, SOUTH, WEST + 800, SOUTH + 600]
    np.testing.assert_allclose(boundary.total_bounds, expected, atol=0.01)


@pytest.mark.parametrize("crs", ["EPSG:32740", "EPSG:2975", "EPSG:3035"])
def test_city_overseas_is_refused_with_the_true_reason(tmp_path, crs):
    """La Reunion, in its own systems and in the one of the European product."""
    saint_denis = shapely.box(338_000, 7_688_000, 346_000, 7_692_000)
    shape = gpd.GeoSeries([saint_denis], crs="EPSG:32740").to_crs(crs)
    land = land_cover_frame(city="Saint-Denis", code="FR025L1").iloc[:1]
    land = land.set_geometry(shape.to_numpy(), crs=crs)
    write_old_urban_atlas(tmp_path, "FR025L1_SAINT_DENIS", land=land, outline=land)
    message = r"longitude 55.*latitude -20.*outside Europe: a city overseas is not carried"
    with pytest.raises(InputError, match=message):
        read(tmp_path, "Saint Denis")


def test_file_without_a_coordinate_system_is_refused(tmp_path):
    land_cover_frame().to_file(tmp_path / "FR001L1_PARIS_UA2012.shp")
    (tmp_path / "FR001L1_PARIS_UA2012.prj").unlink()
    with pytest.raises(InputError, match="names no coordinate system"):
        read(tmp_path)
