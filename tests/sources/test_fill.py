"""Fill: regions without imagery, and what only looks like one."""

import pytest
import rasterio

from aerial_tiles import real_tile, tile_file
from small_packs import noise
from urbancam.sources.imagery.fill import coarse_fill, valid_pixels
from urbancam.sources.imagery.tile import Tile
from urbancam.sources.imagery.window import Window


def fill_of(tmp_path, place, size_px, grey, pixel_m=1.0, nodata=None):
    """Share of valid pixels of a 300 px tile with one plain rectangle."""
    pixels = noise(3, 300)
    (top, left), (height, width) = place, size_px
    pixels[top : top + height, left : left + width] = grey
    file = tile_file(tmp_path / "a.tif", pixels, pixel_m=pixel_m)
    if nodata is not None:
        with rasterio.open(file.path, "r+") as dataset:
            dataset.nodata = nodata
    with Tile(file) as tile:
        valid = valid_pixels(tile, Window(0, 300, 0, 300), coarse_fill(tile))
    return 1.0 if valid is None else valid.mean()


@pytest.mark.parametrize("grey", [0, 3, 252, 255])
def test_plain_region_at_the_edge_is_fill_and_is_widened(tmp_path, grey):
    got = fill_of(tmp_path, (0, 0), (300, 60), grey)
    assert got == pytest.approx(1 - 80 / 300, abs=0.001)


@pytest.mark.parametrize(
    ("place", "size_px", "grey", "why"),
    [
        ((100, 100), (60, 60), 0, "a lake"),
        ((0, 100), (9, 9), 0, "81 m2"),
        ((0, 0), (300, 60), 20, "dark ground"),
    ],
)
def test_what_is_not_fill(tmp_path, place, size_px, grey, why):
    assert fill_of(tmp_path, place, size_px, grey) == 1.0, why


def test_declared_no_data_is_void_anywhere_and_not_widened(tmp_path):
    got = fill_of(tmp_path, (100, 100), (60, 60), 255, nodata=255)
    assert got == pytest.approx(1 - 3600 / 90_000, abs=1e-6)


def test_white_roof_is_no_declared_no_data(tmp_path):
    assert fill_of(tmp_path, (100, 100), (9, 9), 255, nodata=255) == 1.0


def test_fill_is_found_in_cells_that_do_not_touch_the_tiles_edge(tmp_path):
    pixels = noise(4, 1000)
    pixels[:, :500] = 0
    with Tile(tile_file(tmp_path / "a.jp2", pixels)) as tile:
        valid = valid_pixels(tile, Window(400, 600, 400, 600), coarse_fill(tile))
    assert not valid[:, :120].any() and valid[:, 125:].all()


@pytest.mark.real_data
def test_black_beyond_the_survey_is_void_and_dark_sea_is_not():
    with Tile(real_tile("ign_mayotte_50cm.jp2", "EPSG:4471")) as tile:
        valid = valid_pixels(tile, Window(0, 2000, 0, 2000), coarse_fill(tile))
        pixels = tile.read(Window(0, 2000, 0, 2000))
    assert not valid[:, :1650].any() and valid[:, 1760:].all()
    assert (pixels[:, valid].max(axis=0) > 0).mean() > 0.999
