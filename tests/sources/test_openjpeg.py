"""JPEG 2000 in one piece: which files are, and their windows."""

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aerial_tiles import NORTH, WEST, tile_file
from small_packs import noise
from urbancam.sources.imagery import openjpeg
from urbancam.sources.imagery.tile import Tile
from urbancam.sources.imagery.window import Window


@pytest.fixture(scope="module")
def one_piece(tmp_path_factory):
    """A file large enough that GDAL would read it block by block, and its pixels."""
    pixels = noise(8, 138).repeat(8, axis=0).repeat(8, axis=1)
    path = tmp_path_factory.mktemp("jp2") / "a.jp2"
    return tile_file(path, pixels), pixels.transpose(2, 0, 1)


def test_one_piece_is_known_from_inner_tiles_and_small_files(one_piece, tmp_path):
    assert openjpeg.applies_to(one_piece[0].path)
    assert not openjpeg.applies_to(tile_file(tmp_path / "small.jp2", noise(1, 300)).path)
    options = {
        "driver": "JP2OpenJPEG",
        "width": 1104,
        "height": 1104,
        "count": 3,
        "dtype": "uint8",
        "crs": "EPSG:2154",
    }
    place = rasterio.Affine(1, 0, WEST, 0, -1, NORTH)
    with rasterio.open(tmp_path / "tiled.jp2", "w", transform=place, **options) as file:
        file.write(one_piece[1])
    assert not openjpeg.applies_to(tmp_path / "tiled.jp2")


@pytest.mark.parametrize("rows", [(0, 1104), (0, 1), (1000, 1104), (333, 777)])
def test_windows_hold_the_pixels(one_piece, rows):
    got = openjpeg.decode(one_piece[0].path, rows, (50, 1100))
    np.testing.assert_array_equal(got, one_piece[1][:, slice(*rows), 50:1100])


def test_without_the_library_gdal_gives_the_same_pixels(one_piece, monkeypatch):
    window = Window(10, 1100, 5, 1090)
    with Tile(one_piece[0]) as tile:
        expected = tile.read(window)
        expected_reduced = tile.read_reduced(4)
    monkeypatch.setattr(openjpeg, "_library", lambda: None)
    with Tile(one_piece[0]) as tile:
        np.testing.assert_array_equal(tile.read(window), expected)
        np.testing.assert_array_equal(tile.read_reduced(4), expected_reduced)


@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_truncated_file_is_an_error_everywhere(one_piece, tmp_path, share):
    content = one_piece[0].path.read_bytes()
    (tmp_path / "a.jp2").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(openjpeg.DecodingError):
        openjpeg.decode(tmp_path / "a.jp2", (0, 10), (0, 1104))


CHANGE = st.tuples(st.integers(0, 700), st.integers(0, 255))  # place and value of a byte


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(changes=st.lists(CHANGE, min_size=1, max_size=4))
def test_any_bytes_may_stand_in_the_header(one_piece, tmp_path, changes):
    content = bytearray(one_piece[0].path.read_bytes())
    for place, value in changes:
        content[place] = value
    (tmp_path / "a.jp2").write_bytes(content)
    if openjpeg.applies_to(tmp_path / "a.jp2"):
        try:
            got = openjpeg.decode(tmp_path / "a.jp2", (0, 64), (0, 64))
            assert got.shape == (3, 64, 64)
        except openjpeg.DecodingError:
            pass
