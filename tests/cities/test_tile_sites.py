"""Sites of a city cut from its tiles."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from PIL import Image

from city_tiles import SOUTH, WEST, squares, write_town
from samples import run_script
from urbancam.cities import sites, tile_sites
from urbancam.tables import frames
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import Paths

# As in inspect_images.
pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


def area(west: float, south: float, east: float, north: float) -> gpd.GeoDataFrame:
    """A rectangle, m from the corner."""
    box = shapely.box(WEST + west, SOUTH + south, WEST + east, SOUTH + north)
    return gpd.GeoDataFrame(geometry=[box], crs="EPSG:3035")


def cut(top, *settings: str) -> int:
    """Step 21 on the tiles of Town; its exit code."""
    words = ["--data", top / "data", "--results", top / "results", "--workers", "1"]
    for setting in ("source=ign", *settings):
        words += ["--set", f"cities.{setting}"]
    return run_script("21", *words)


@pytest.fixture
def town(tmp_path) -> Paths:
    write_town(tmp_path / "results", tmp_path / "data")
    return Paths(tmp_path / "data", tmp_path / "results", "cities")


def test_sites_are_the_fullest_squares_whole_inside_city_and_tiles():
    steps = [(0, 0), (400, 0), (2000, 0), (4200, 200)]  # m, the last is outside the tiles
    cells = squares(*[(WEST + east, SOUTH + north) for east, north in steps])
    cells["ind"] = [5.0, 4.0, 20.0, 90.0]
    flown = area(0, 0, 4000, 2000)
    mapped = area(-9, -9, 9000, 9000)
    got = tile_sites.choose_sites(cells, flown, mapped, 2000, 5)
    assert got["idINSPIRE"].tolist() == [
        f"CRS3035RES2000mN{SOUTH}E{WEST + 2000}",
        f"CRS3035RES2000mN{SOUTH}E{WEST}",
    ]
    assert got["people"].tolist() == [20.0, 9.0]


def test_named_city_without_tiles_is_refused(tmp_path):
    with pytest.raises(InputError, match="no tiles of Lyon"):
        tile_sites.cities_with_tiles(Paths(tmp_path, tmp_path, "cities"), ["Lyon"])


def test_sites_are_cut_from_tiles_with_their_bounds_and_campaign(town, tmp_path):
    assert cut(tmp_path, "site_m=200", "pixel_size_m=2", "ign_sites=2") == 0
    table = frames.read(town.sites)
    assert table["site"].tolist() == [
        f"CRS3035RES200mN{SOUTH + 200}E{WEST + 200}",
        f"CRS3035RES200mN{SOUTH}E{WEST}",
    ]
    assert table.loc[1, sites.PLACE].tolist() == [WEST, SOUTH, WEST + 200, SOUTH + 200, 3035]
    assert table["acquisition"].tolist() == ["2017 D69"] * 2
    assert table["width_px"].tolist() == [100, 100]

    with Image.open(town.site_images / table.loc[1, "path"]) as image:
        red = np.asarray(image)[50, :, 0].astype(int)
    assert red[0] == pytest.approx(40, abs=2)
    assert red[-1] == pytest.approx(40 + 200 / 3, abs=2)


def test_tiles_too_small_for_a_site_are_refused(town, tmp_path, capsys):
    assert cut(tmp_path) == 2
    assert "inside Town and its tiles" in capsys.readouterr().err


def test_a_missing_table_names_its_own_city(town, tmp_path, capsys):
    (town.results / "Town" / "cells.parquet").unlink()
    assert cut(tmp_path) == 2
    assert "03_select_cells.py --city Town" in capsys.readouterr().err
