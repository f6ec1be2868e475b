"""Coordinate systems compared by where they put points."""

import geopandas as gpd
import pytest
import shapely

from samples import SOUTH, WEST
from urbancam.tables import crs, grid
from urbancam.workflow.errors import InputError

NAMELESS = (
    'PROJCS["x",'
    'GEOGCS["y",DATUM["z",SPHEROID["GRS 1980",6378137,298.257222101]],'
    'PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],'
    'PROJECTION["Lambert_Conformal_Conic_2SP"],'
    'PARAMETER["latitude_of_origin",46.5],PARAMETER["central_meridian",3],'
    'PARAMETER["standard_parallel_1",49],PARAMETER["standard_parallel_2",44],'
    'PARAMETER["false_easting",700000],PARAMETER["false_northing",6600000],'
    'UNIT["metre",1]]'
)
NEAR_PARIS = (650_000, 6_860_000, 655_000, 6_865_000)  # m, EPSG:2154


@pytest.mark.parametrize("system", [NAMELESS, "EPSG:2154"])
def test_nameless_system_that_is_lambert_93_is_taken_for_it(system):
    assert crs.same_crs(system, "EPSG:2154", NEAR_PARIS)
    crs.check_extent(NEAR_PARIS, system, "x")


@pytest.mark.parametrize("other", ["EPSG:27572", "EPSG:3035"])
def test_nameless_system_is_not_taken_for_another(other):
    assert not crs.same_crs(NAMELESS, other, NEAR_PARIS)


def test_grid_is_not_taken_for_utm():
    square = (WEST, SOUTH, WEST + 200, SOUTH + 200)
    assert not crs.same_crs("EPSG:3035", "EPSG:32631", square)


@pytest.mark.parametrize(
    ("bounds", "system"),
    [
        ((WEST, SOUTH, WEST + 9e3, SOUTH + 9e3), "EPSG:2154"),
        ((450_000, 5_411_000, 460_000, 5_420_000), "EPSG:2154"),
        ((650_000, 6_860_000, 655_000, 6_865_000), "EPSG:3035"),
        ((2.1, 48.1, 2.9, 48.9), "EPSG:2154"),
        ((WEST, SOUTH, WEST + 9e3, SOUTH + 9e3), "EPSG:4326"),
    ],
)
def test_metres_of_elsewhere_are_refused_with_both_extents(bounds, system):
    message = r"used for longitude .*, but its coordinates x .* would lie at"
    with pytest.raises(InputError, match=message):
        crs.check_extent(bounds, system, "file.shp")


@pytest.mark.parametrize("system", ["EPSG:2154", "EPSG:3035"])
def test_paris_is_where_it_should_be(system):
    paris = shapely.box(WEST, SOUTH, WEST + 9e3, SOUTH + 9e3)
    paris = gpd.GeoSeries([paris], crs=grid.CRS).to_crs(system)
    crs.check_extent(tuple(paris.total_bounds), system, "file.shp")
