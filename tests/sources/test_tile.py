"""A tile: its strips, its place, what is no tile."""

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from aerial_tiles import real_tile, tile_file
from own_rasters import write_raster
from small_packs import noise
from urbancam.sources.imagery import tile as tile_module
from urbancam.sources.imagery.strips import Strips
from urbancam.sources.imagery.tile import Tile, TileFile
from urbancam.sources.imagery.window import Window
from urbancam.workflow.errors import InputError


def test_strips_fit_together(tmp_path, monkeypatch):
    monkeypatch.setattr(tile_module, "STRIP_PX", 64)
    pixels = noise(6, 300)
    with Tile(tile_file(tmp_path / "a.jp2", pixels), Strips(budget_bytes=100_000)) as tile:
        tile.plan([Window(0, 300, 20, 280)])
        for window in (
            Window(0, 10, 20, 30),
            Window(30, 200, 100, 280),
            Window(63, 65, 20, 21),
            Window(0, 300, 20, 280),
        ):
            got = tile.read(window).transpose(1, 2, 0)
            expected = pixels[window.top : window.bottom, window.left : window.right]
            np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("factor", [4, 64, 128])
def test_whole_tile_is_reduced_across_strips_of_any_height(tmp_path, monkeypatch, factor):
    monkeypatch.setattr(tile_module, "STRIP_PX", 40)
    pixels = noise(6, 300)
    path = tmp_path / "a.tif"  # without reduced levels of its own
    write_raster(path, pixels.transpose(2, 0, 1), Affine(1, 0, 0, 0, -1, 300), "EPSG:2154")
    with Tile(TileFile("a.tif", path, (0, 0, 300, 300), "EPSG:2154")) as tile:
        got = tile.read_reduced(factor).transpose(1, 2, 0)
    np.testing.assert_array_equal(got, pixels[::factor, ::factor])


@pytest.mark.parametrize(("count", "dtype"), [(1, "uint8"), (3, "uint16")])
def test_other_bands_than_three_of_8_bits_are_refused(tmp_path, count, dtype):
    path = tmp_path / "a.tif"
    options = {"driver": "GTiff", "width": 9, "height": 9, "count": count, "dtype": dtype}
    with pytest.warns(rasterio.errors.NotGeoreferencedWarning):
        rasterio.open(path, "w", **options).close()
    with pytest.raises(InputError, match="tile"):
        Tile(TileFile("a.tif", path, (0, 0, 9, 9), "EPSG:2154"))


def test_text_is_no_tile(tmp_path):
    path = tmp_path / "a.tif"
    path.write_text("<html>404</html>")
    with pytest.raises(InputError, match="tile"):
        Tile(TileFile("a.tif", path, (0, 0, 9, 9), "EPSG:2154"))


@pytest.mark.real_data
def test_nameless_lambert_93_lies_where_the_named_one_does():
    file = real_tile("ign_ortho_20cm.tif", "EPSG:2154")
    with Tile(file) as tile:
        assert tile.crs != rasterio.CRS.from_epsg(2154)
        got = tile.bounds_in("EPSG:2154")
    assert got == pytest.approx((770549.8, 6277549.8, 770600.2, 6277600.2), abs=0.01)
