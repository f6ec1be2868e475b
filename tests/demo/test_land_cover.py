"""The land cover of the tiny city: Urban Atlas' layers, codes and labels."""

import geopandas as gpd
import pytest

from urbancam.demo.layout import landuse

SHAPEFILES = "FR901L1_DEMO.zip!FR901L1_DEMO/Shapefiles"


@pytest.fixture(scope="module")
def cover(packed) -> gpd.GeoDataFrame:
    folder = f"zip://{packed.urban_atlas_data}/{SHAPEFILES}"
    return gpd.read_file(f"{folder}/FR901L1_DEMO_UA2012.shp")


@pytest.fixture(scope="module")
def boundary(packed) -> gpd.GeoDataFrame:
    folder = f"zip://{packed.urban_atlas_data}/{SHAPEFILES}"
    return gpd.read_file(f"{folder}/FR901L1_DEMO_UA2012_Boundary.shp")


def test_land_cover_fills_the_boundary(cover, boundary):
    area_m2 = pytest.approx(cover.area.sum(), rel=1e-6)
    assert cover.crs.to_epsg() == boundary.crs.to_epsg() == 3035
    assert list(boundary["FUA_NAME"]) == ["Demo"]
    assert boundary.area.sum() == area_m2
    assert cover.union_all().area == area_m2
    assert cover.is_valid.all()


def test_land_cover_carries_codes_and_labels(cover):
    labels = cover.drop_duplicates("CODE2012").set_index("CODE2012")["ITEM2012"]
    got = {int(code): item for code, item in labels.items()}
    assert got.items() <= landuse.ITEMS.items()
