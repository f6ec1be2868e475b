"""Sites of a city cut from its tiles."""

import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from PIL import Image
from pyproj import Transformer

from city_tiles import SOUTH, WEST, squares, write_town
from loopback import HASTY, serve
from provider_server import WMS, Ign
from samples import run_script
from urbancam.cities import sites, tile_sites
from urbancam.sources.ign import cellwise
from urbancam.sources.ign.tiles import no_tiles
from urbancam.tables import frames
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import Paths
from urbancam.workflow.settings import settings

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


LACKING = (WEST + 400, SOUTH + 400)  # the cell without an image


def smooth(x, y):
    """(3, H, W) uint8: waves that every resampling of 2 m keeps."""
    waves = [np.sin(x / 40), np.cos(y / 30), np.sin((x + y) / 50)]
    return (128 + 60 * np.stack(waves)).astype(np.uint8)


@pytest.fixture(scope="module")
def fetched_town(tmp_path_factory) -> Path:
    """Town with 4 x 4 cells, each with its own image from a WMS, but for one."""
    tmp_path = tmp_path_factory.mktemp("wms")
    write_town(tmp_path / "results", tmp_path / "data")
    folder = tmp_path / "results" / "Town"
    corners = [(WEST + 200 * i, SOUTH + 200 * j) for j in range(4) for i in range(4)]
    cells = squares(*corners).assign(ind=7.0, department="69")
    cells.to_parquet(folder / "cells.parquet")
    area(-900, -900, 2000, 2000).to_parquet(folder / "boundary.parquet")
    with serve(Ign(paint=smooth)) as (url, _):
        values = [f"imagery.wms_url={url}{WMS}", "imagery.wms_per_second=1000"]
        run = settings.load("default", [*values, "imagery.pixel_size_m=2"])
        data = tmp_path / "data"
        words = (run.imagery, data, data / "aerial_data", HASTY)
        images, faults = cellwise.with_images(no_tiles(), cells, *words)
    assert faults == []
    table = images.table()
    lacking = table["idINSPIRE"] == squares(LACKING)["idINSPIRE"].iloc[0]
    table.loc[lacking, ["path", "reason"]] = [None, "the server answers 500"]
    table.to_parquet(folder / "tiles.parquet")
    return tmp_path


@pytest.fixture
def town_of_wms(fetched_town, tmp_path) -> Paths:
    shutil.copytree(fetched_town, tmp_path, dirs_exist_ok=True)
    return Paths(tmp_path / "data", tmp_path / "results", "cities")


def test_sites_are_put_together_from_the_images_of_cells(town_of_wms, tmp_path):
    assert cut(tmp_path, "site_m=400", "pixel_size_m=2") == 0
    table = frames.read(town_of_wms.sites)
    # Of four squares one holds the cell without an image.
    assert len(table) == 3
    assert table["acquisition"].tolist() == ["mosaic D69"] * 3
    site = table.set_index("site").loc[f"CRS3035RES400mN{SOUTH}E{WEST}"]
    with Image.open(town_of_wms.site_images / site["path"]) as image:
        got = np.asarray(image).astype(int)
    expected = at_pixels(WEST, SOUTH, 400, 200)
    assert abs(got - expected).max() <= 3


def at_pixels(west, south, side_m, side_px):
    """(H, W, 3): what the WMS shows at the centres of a square's pixels."""
    along = (np.arange(side_px) + 0.5) * side_m / side_px
    x, y = np.meshgrid(west + along, south + side_m - along)
    to_lambert = Transformer.from_crs("EPSG:3035", "EPSG:2154", always_xy=True)
    return smooth(*to_lambert.transform(x, y)).transpose(1, 2, 0).astype(int)


def test_squares_that_images_of_cells_do_not_cover_are_refused_with_the_reason(
    town_of_wms, tmp_path, capsys
):
    assert cut(tmp_path, "site_m=800", "pixel_size_m=2") == 2
    error = capsys.readouterr().err
    assert "no square of 800 m lies whole inside Town and its tiles" in error
    assert "whose cells are all inhabited" in error


def test_squares_that_are_void_are_refused_as_void(town, tmp_path, capsys):
    with rasterio.open(tmp_path / "data/aerial_data/t.tif", "r+") as image:
        image.write(np.zeros((3, 200, 200), np.uint8))
    assert cut(tmp_path, "site_m=200", "pixel_size_m=2") == 2
    error = capsys.readouterr().err
    assert "of 2 squares of 200 m inside Town and its tiles none can be used" in error
    assert "void" in error


def test_a_missing_table_names_its_own_city(town, tmp_path, capsys):
    (town.results / "Town" / "cells.parquet").unlink()
    assert cut(tmp_path) == 2
    assert "03_select_cells.py --city Town" in capsys.readouterr().err
