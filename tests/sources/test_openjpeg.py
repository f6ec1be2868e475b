"""Large JPEG 2000 files, in one piece and in inner tiles: which are, and their windows."""

import dataclasses
import shutil

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from aerial_tiles import NORTH, WEST, cut, tile_file, tile_table
from small_packs import cells_over, noise
from urbancam.sources.imagery import jobs, openjpeg, worker
from urbancam.sources.imagery.cell import image_path
from urbancam.sources.imagery.overlay import cells_with_tiles
from urbancam.sources.imagery.tile import Tile
from urbancam.sources.imagery.window import Window
from urbancam.workflow.errors import InputError

SOT = b"\xff\x90\x00\x0a"  # start of a part of an inner tile, and the length of its segment


@pytest.fixture(scope="module")
def one_piece(tmp_path_factory):
    """A file large enough that GDAL would read it block by block, and its pixels."""
    pixels = noise(8, 138).repeat(8, axis=0).repeat(8, axis=1)
    path = tmp_path_factory.mktemp("jp2") / "a.jp2"
    return tile_file(path, pixels), pixels.transpose(2, 0, 1)


@pytest.fixture(scope="module")
def inner_tiles(one_piece, tmp_path_factory):
    """The same pixels in a file of 5 x 5 inner tiles."""
    path = tmp_path_factory.mktemp("tiled") / "b.jp2"
    options = {"driver": "JP2OpenJPEG", "width": 1104, "height": 1104, "count": 3}
    blocks = {"blockxsize": 256, "blockysize": 256, "quality": "100", "reversible": "yes"}
    place = rasterio.Affine(1, 0, WEST, 0, -1, NORTH)
    with rasterio.open(
        path, "w", dtype="uint8", crs="EPSG:2154", transform=place, **options, **blocks
    ) as file:
        file.write(one_piece[1])
    return dataclasses.replace(one_piece[0], name="b.jp2", path=path)


def test_large_files_are_known_with_and_without_inner_tiles(one_piece, inner_tiles, tmp_path):
    assert openjpeg.applies_to(one_piece[0].path)
    assert openjpeg.applies_to(inner_tiles.path)
    assert not openjpeg.applies_to(tile_file(tmp_path / "small.jp2", noise(1, 300)).path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_lost_inner_tiles_are_an_error_and_never_black(inner_tiles, tmp_path, share):
    content = inner_tiles.path.read_bytes()
    path = tmp_path / "b.jp2"
    path.write_bytes(content[: int(len(content) * share)])
    with Tile(dataclasses.replace(inner_tiles, path=path)) as tile:
        with pytest.raises(InputError, match="cannot be read"):
            tile.read(Window(1000, 1104, 0, 1104))


def test_file_cut_between_inner_tiles_is_an_error_and_never_black(inner_tiles, tmp_path):
    content = inner_tiles.path.read_bytes()
    path = tmp_path / "b.jp2"
    path.write_bytes(content[: content.rindex(SOT)])
    with Tile(dataclasses.replace(inner_tiles, path=path)) as tile:
        tile.read(Window(0, 256, 0, 1104))
        with pytest.raises(InputError, match="cannot be read"):
            tile.read(Window(1030, 1104, 1030, 1104))


def test_inner_tile_that_another_one_stands_in_for_is_missed(inner_tiles, tmp_path):
    content = bytearray(inner_tiles.path.read_bytes())
    second = content.index(SOT, content.index(SOT) + 1)
    content[second + 4 : second + 6] = b"\0\0"  # Isot
    (tmp_path / "b.jp2").write_bytes(content)
    assert not openjpeg.applies_to(tmp_path / "b.jp2")


@pytest.mark.parametrize("rows", [(0, 1104), (0, 1), (1000, 1104), (333, 777)])
def test_windows_hold_the_pixels(one_piece, inner_tiles, rows):
    for file in (one_piece[0], inner_tiles):
        got = openjpeg.decode(file.path, rows, (50, 1100))
        np.testing.assert_array_equal(got, one_piece[1][:, slice(*rows), 50:1100])


def test_decoder_that_stays_open_gives_windows_in_any_order(one_piece):
    file, pixels = one_piece
    random = np.random.default_rng(0)
    decoder = openjpeg.OpenDecoder()
    for _ in range(12):
        (top, bottom), (left, right) = np.sort(random.choice(1105, (2, 2), replace=False)).tolist()
        got = decoder.decode(file.path, (top, bottom), (left, right))
        np.testing.assert_array_equal(got, pixels[:, top:bottom, left:right])
    decoder.close()


def test_the_decoder_of_one_file_stays_open_at_a_time(one_piece, tmp_path, monkeypatch):
    paths = [shutil.copy(one_piece[0].path, tmp_path / f"{name}.jp2") for name in "ab"]
    opened = []
    monkeypatch.setattr(openjpeg, "Decoder", _Noted.into(opened))
    decoder = openjpeg.OpenDecoder()
    for path in paths:
        for top in (0, 100, 200):
            decoder.decode(path, (top, top + 100), (0, 64))
    assert [each.path for each in opened] == paths
    assert [each.is_open for each in opened] == [False, True]


def test_strips_of_a_tile_in_one_piece_share_a_decoder_until_it_is_closed(one_piece, monkeypatch):
    opened = []
    monkeypatch.setattr(openjpeg, "Decoder", _Noted.into(opened))
    with Tile(one_piece[0]) as tile:
        tile.read(Window(0, 1104, 0, 64))
        assert [each.is_open for each in opened] == [True]
    assert not opened[0].is_open


@pytest.mark.parametrize("newest", [0, 1])
def test_cells_along_an_edge_open_each_file_once_and_show_both(tmp_path, monkeypatch, newest):
    """The tile that is laid first is done with when what is open goes to the second one."""
    files = []
    for number in (0, 1):
        pixels = noise(number, 138).repeat(8, axis=0).repeat(8, axis=1)
        year = 2014 + (number == newest)
        path = tmp_path / f"{number}.jp2"
        files.append(tile_file(path, pixels, WEST + 1104 * number, NORTH, year=year))
    table = cells_over(WEST + 600, NORTH - 1104, WEST + 1600, NORTH)
    cells = cells_with_tiles(table, tile_table(files), tmp_path)
    crossing = [cell for cell in cells if len(cell.tiles) == 2]
    assert len(crossing) > 3
    one_at_a_time = {cell.id: cut(cell.bounds, *cell.tiles, image_px=50) for cell in crossing}

    opened = []
    monkeypatch.setattr(openjpeg, "Decoder", _Noted.into(opened))
    monkeypatch.setattr(worker.processes, "count", lambda: None)
    fingerprints = dict.fromkeys([cell.id for cell in cells], "")
    notes = {}
    for job in jobs.deal(cells, 1):
        opened.clear()
        notes |= worker.cut(job, fingerprints, {}, tmp_path, 50)[0]
        assert len(opened) == len({each.path for each in opened}) > 0
    assert notes.keys() == fingerprints.keys()
    for cell_id, expected in one_at_a_time.items():
        assert notes[cell_id]["tiles"] == expected.tiles
        shown = np.asarray(Image.open(image_path(tmp_path, cell_id)))
        np.testing.assert_array_equal(shown, expected.pixels)


class _Noted(openjpeg.Decoder):
    """A decoder that tells whether it is open."""

    @staticmethod
    def into(opened):
        def make(path, halvings=0):
            assert not any(each.is_open for each in opened)  # each holds 0.4 GB of an IGN tile
            opened.append(_Noted(path, halvings))
            return opened[-1]

        return make

    def __init__(self, path, halvings):
        super().__init__(path, halvings)
        self.path, self.is_open = path, True

    def close(self):
        super().close()
        self.is_open = False


@pytest.mark.parametrize("kind", ["one_piece", "inner_tiles"])
def test_without_the_library_gdal_gives_the_same_pixels(one_piece, inner_tiles, monkeypatch, kind):
    file = {"one_piece": one_piece[0], "inner_tiles": inner_tiles}[kind]
    window = Window(10, 1100, 5, 1090)
    with Tile(file) as tile:
        expected = tile.read(window)
        expected_reduced = tile.read_reduced(4)
    monkeypatch.setattr(openjpeg, "_library", lambda: None)
    with Tile(file) as tile:
        np.testing.assert_array_equal(tile.read(window), expected)
        np.testing.assert_array_equal(tile.read_reduced(4), expected_reduced)


@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_truncated_file_is_an_error_everywhere(one_piece, tmp_path, share):
    content = one_piece[0].path.read_bytes()
    (tmp_path / "a.jp2").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(openjpeg.DecodingError):
        openjpeg.decode(tmp_path / "a.jp2", (0, 10), (0, 1104))


def test_decoder_that_failed_is_given_up(one_piece, tmp_path):
    content = one_piece[0].path.read_bytes()
    path = tmp_path / "a.jp2"
    decoder = openjpeg.OpenDecoder()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(openjpeg.DecodingError):
        decoder.decode(path, (0, 10), (0, 1104))

    path.write_bytes(content)
    got = decoder.decode(path, (0, 10), (0, 1104))
    np.testing.assert_array_equal(got, one_piece[1][:, :10])
    decoder.close()


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
