"""Windows of sites on the ground, and the land cover in them."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import samples
from urbancam.cities import patch_cover
from urbancam.sources.landcover.fragments import label_raster

WEST = samples.WEST
SOUTH = samples.SOUTH
SITE = (WEST, SOUTH, WEST + 400, SOUTH + 400)  # m


@pytest.fixture(scope="module")
def land_cover() -> gpd.GeoDataFrame:
    """Fabric in the west, a road 20 m wide, forest in the east of 390 m."""
    frame = samples.land_cover_frame()
    frame["code"] = [11210, 12220, 31000]
    frame["class"] = ["hd_uf", "roads", "natural_areas"]
    return frame


def site_rows(count: int) -> pd.DataFrame:
    """So many rows of the same site of 960 x 960 px."""
    bounds = pd.DataFrame([SITE] * count, columns=["west", "south", "east", "north"])
    return bounds.assign(width_px=960, height_px=960)


def test_bounds_of_windows_by_hand():
    patches = pd.DataFrame({"x_px": [0, 480, 240], "y_px": [0, 480, 0]})
    bounds = patch_cover.patch_bounds(patches, site_rows(3), 480)
    got = bounds - np.tile([WEST, SOUTH], 2)
    expected = [[0, 200, 200, 400], [200, 0, 400, 200], [100, 200, 300, 400]]
    np.testing.assert_allclose(got, expected)


def test_fragments_of_a_patch_have_their_areas(land_cover):
    site = patch_cover.cut_site(land_cover, SITE, "EPSG:3035")
    got = patch_cover.cut_patch(site, (WEST + 200, SOUTH, WEST + 400, SOUTH + 200))
    areas_m2 = dict(zip(got["class"], got["area_m2"], strict=True))
    assert areas_m2 == {"hd_uf": 190 * 200, "roads": 10 * 200}


def test_site_in_lambert_93_holds_the_same_land_cover(land_cover):
    centre = gpd.GeoSeries([shapely.Point(WEST + 400, SOUTH + 300)], crs="EPSG:3035")
    centre = centre.to_crs("EPSG:2154").iloc[0]
    bounds = (centre.x - 100, centre.y - 100, centre.x + 100, centre.y + 100)
    site = patch_cover.cut_site(land_cover, bounds, "EPSG:2154")
    got = patch_cover.cut_patch(site, bounds)
    assert site.crs == "EPSG:2154"
    assert set(got["class"]) == {"hd_uf", "roads", "natural_areas"}
    # Lambert-93 does not keep areas.
    assert got["area_m2"].sum() == pytest.approx(200 * 200, rel=2e-3)


def test_labels_lie_where_the_polygons_do(land_cover):
    bounds = (WEST + 300, SOUTH, WEST + 500, SOUTH + 200)
    site = patch_cover.cut_site(land_cover, bounds, "EPSG:3035")
    fragments = patch_cover.cut_patch(site, bounds)
    labels = label_raster(fragments.geometry, bounds, 100)
    west_to_east = [fragments["class"][label - 1] for label in labels[50, [0, 50, 99]]]
    assert west_to_east == ["hd_uf", "roads", "natural_areas"]


def test_patch_outside_every_polygon_has_no_fragment(land_cover):
    bounds = (WEST - 5000, SOUTH, WEST - 4800, SOUTH + 200)
    site = patch_cover.cut_site(land_cover, bounds, "EPSG:3035")
    assert patch_cover.cut_patch(site, bounds).empty
