"""A cell's image: where it lies, what is void, who wins, and that a resumed run equals a clean one."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from samples import REAL_DATA as SAMPLES
from samples import ROOT
from small_packs import cells_over, noise, write_tile
from urbancam.sources.imagery import cutting, jobs, openjpeg, png
from urbancam.sources.imagery import tile as tile_module
from urbancam.sources.imagery.cell import cut_cell
from urbancam.sources.imagery.fill import coarse_fill, valid_pixels
from urbancam.sources.imagery.overlay import cells_with_tiles
from urbancam.sources.imagery.strips import Strips
from urbancam.sources.imagery.tile import Tile, TileFile
from urbancam.sources.imagery.window import Window
from urbancam.workflow.errors import InputError

WEST, NORTH = 650_000, 6_864_000  # of the tiles, EPSG:2154; near Paris
TO_GRID = Transformer.from_crs("EPSG:2154", "EPSG:3035", always_xy=True)
TO_LAMBERT = Transformer.from_crs("EPSG:3035", "EPSG:2154", always_xy=True)


def tile_file(path, pixels, west=WEST, north=NORTH, pixel_m=1.0, year=2014) -> TileFile:
    write_tile(path, pixels, west, north, pixel_m)
    side = pixels.shape[0] * pixel_m
    return TileFile(path.name, path, (west, north - side, west + side, north), "EPSG:2154", year)


def tile_table(files: list[TileFile]) -> gpd.GeoDataFrame:
    """The rows of `tiles.parquet` that step 05 needs; paths relative to the files' folder."""
    names = [file.name for file in files]
    columns = {
        "name": names,
        "path": names,
        "campaign_year": [file.campaign_year for file in files],
    }
    return gpd.GeoDataFrame(
        columns, geometry=[shapely.box(*file.footprint) for file in files], crs="EPSG:2154"
    )


def square(x: float, y: float) -> tuple[float, float, float, float]:
    """The 200 m square of EPSG:3035 centred on a point of EPSG:2154 (not aligned to the grid)."""
    x, y = TO_GRID.transform(x, y)
    return x - 100, y - 100, x + 100, y + 100


def cut(bounds, *files, image_px=200):
    tiles = [Tile(file) for file in files]
    return cut_cell(bounds, [(tile, coarse_fill(tile)) for tile in tiles], image_px)


def centres(bounds, image_px):
    """EPSG:3035 coordinates of the image's pixel centres, row 0 in the north."""
    along = (np.arange(image_px) + 0.5) * (bounds[2] - bounds[0]) / image_px
    return np.meshgrid(bounds[0] + along, bounds[3] - along)


def ramp(
    size_px: int, steps_per_px: float = 0.7, west_px: int = 0, north_px: int = 0
) -> np.ndarray:
    """Red tells the column, green the row."""
    column, row = np.meshgrid(np.arange(size_px) + west_px, np.arange(size_px) + north_px)
    return (
        np.stack([column, row, 0 * row + 99], axis=2) * np.array([steps_per_px, steps_per_px, 1])
        + 10
    )


def expected_ramp(bounds, image_px, pixel_m, steps_per_px=0.7):
    x, y = TO_LAMBERT.transform(*centres(bounds, image_px))
    return [((d / pixel_m - 0.5) * steps_per_px + 10) for d in (x - WEST, NORTH - y)]


# where it lies


def test_bright_north_west_quadrant_stays_in_the_north_west(tmp_path):
    bounds = square(WEST + 160, NORTH - 160)
    x, y = TO_GRID.transform(
        *np.meshgrid(WEST + np.arange(320) + 0.5, NORTH - np.arange(320) - 0.5)
    )
    north_west = (x < bounds[0] + 100) & (y > bounds[1] + 100)
    bright = np.where(north_west, 220, 60).astype(np.uint8)[..., None].repeat(3, axis=2)
    got = cut(bounds, tile_file(tmp_path / "a.jp2", bright)).pixels
    assert (got[:99, :99] > 200).all()
    assert (got[101:] < 80).all() and (got[:, 101:] < 80).all()


@pytest.mark.parametrize(("pixel_m", "image_px"), [(1.0, 200), (1.0, 800), (0.8, 250)])
def test_pixels_lie_within_a_tenth_of_a_pixel(tmp_path, pixel_m, image_px):
    file = tile_file(tmp_path / "a.tif", ramp(340).round().astype(np.uint8), pixel_m=pixel_m)
    bounds = square(WEST + 140, NORTH - 140)
    got = cut(bounds, file, image_px=image_px).pixels
    for band, expected in enumerate(expected_ramp(bounds, image_px, pixel_m)):
        error_px = (got[..., band] - expected) / 0.7
        assert (
            abs(error_px.mean()) < 0.1 and np.abs(error_px).max() < 1.5
        )  # grey values are whole: +-1 of 0.7 a px


def test_coarser_image_is_the_mean_of_what_it_covers(tmp_path):
    file = tile_file(tmp_path / "a.tif", noise(1, 320))
    got = cut(square(WEST + 160, NORTH - 160), file, image_px=20).pixels
    assert (
        got.std() < noise(1, 320).std() / 5
    )  # one of 10 pixels picked at random would keep all of it


def test_seams_between_four_tiles_do_not_show(tmp_path):
    whole = ramp(320).round().astype(np.uint8)
    files = [
        tile_file(
            tmp_path / f"{i}{j}.tif",
            whole[160 * i :, 160 * j :][:160, :160],
            WEST + 160 * j,
            NORTH - 160 * i,
        )
        for i in (0, 1)
        for j in (0, 1)
    ]
    bounds = square(WEST + 160, NORTH - 160)
    one, four = cut(bounds, tile_file(tmp_path / "one.tif", whole)), cut(bounds, *files)
    assert four.void_fraction == 0 and len(four.tiles) == 4
    assert np.abs(four.pixels.astype(int) - one.pixels).max() <= 1


def test_tile_without_georeference_lies_on_its_footprint(tmp_path):
    pixels = ramp(320).round().astype(np.uint8)
    placed = tile_file(tmp_path / "placed.tif", pixels)
    with pytest.warns(rasterio.errors.NotGeoreferencedWarning):
        options = {"driver": "GTiff", "width": 320, "height": 320, "count": 3, "dtype": "uint8"}
        with rasterio.open(tmp_path / "bare.tif", "w", **options) as bare:
            bare.write(pixels.transpose(2, 0, 1))
    bare = TileFile("bare.tif", tmp_path / "bare.tif", placed.footprint, placed.crs)
    bounds = square(WEST + 160, NORTH - 160)
    np.testing.assert_array_equal(cut(bounds, bare).pixels, cut(bounds, placed).pixels)


# what is void


@pytest.mark.parametrize("share", [0.009, 0.011])
def test_void_outside_the_tile_is_measured_to_a_tenth_of_a_percent(tmp_path, share):
    file = tile_file(tmp_path / "a.tif", noise(1, 320))
    footprint = shapely.box(*file.footprint)

    def outside(x: float) -> float:
        corners = np.array(shapely.box(*square(x, NORTH - 160)).exterior.coords)
        cell = shapely.Polygon(np.column_stack(TO_LAMBERT.transform(*corners.T)))
        return 1 - cell.intersection(footprint).area / cell.area

    places = np.linspace(WEST + 50, WEST + 160, 2000)
    x = places[np.argmin([abs(outside(x) - share) for x in places])]
    got = cut(square(x, NORTH - 160), file, image_px=1000).void_fraction
    assert got == pytest.approx(share, abs=0.001) and (got > 0.01) == (share > 0.01)


@pytest.mark.parametrize("share", [0.009, 0.011])
@pytest.mark.parametrize("grey", [0, 255])
def test_fill_is_measured_with_its_widening(tmp_path, share, grey):
    pixels = noise(1, 1400)
    bounds = square(WEST + 140, NORTH - 140)
    west = (
        TO_LAMBERT.transform(bounds[0], bounds[3])[0] - WEST
    )  # of the cell's north-west corner, which lies inside
    top = NORTH - TO_LAMBERT.transform(bounds[0], bounds[3])[1]
    side_px = round(1000 * share**0.5)
    pixels[: round(top / 0.2) + side_px - 20, : round(west / 0.2) + side_px - 20] = grey
    file = tile_file(tmp_path / "a.tif", pixels, pixel_m=0.2)
    got = cut(bounds, file, image_px=1000).void_fraction
    assert got == pytest.approx(share, abs=0.0009)


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


def test_declared_no_data_is_void_anywhere_and_not_widened_but_a_white_roof_is_not(tmp_path):
    assert fill_of(tmp_path, (100, 100), (60, 60), 255, nodata=255) == pytest.approx(
        1 - 3600 / 90_000, abs=1e-6
    )
    assert fill_of(tmp_path, (100, 100), (9, 9), 255, nodata=255) == 1.0


def test_fill_is_found_in_cells_that_do_not_touch_the_tiles_edge(tmp_path):
    pixels = noise(4, 1000)
    pixels[:, :500] = 0
    with Tile(tile_file(tmp_path / "a.jp2", pixels)) as tile:
        valid = valid_pixels(tile, Window(400, 600, 400, 600), coarse_fill(tile))
    assert not valid[:, :120].any() and valid[:, 125:].all()


# who wins


def test_newest_wins_then_name_and_fill_gives_way(tmp_path):
    old = tile_file(tmp_path / "old.tif", np.full((320, 320, 3), 100, np.uint8), year=2014)
    new = np.full((320, 320, 3), 200, np.uint8)
    new[:, :160] = 0
    new = tile_file(tmp_path / "new.tif", new, year=2017)
    cells = cells_over(WEST, NORTH - 320, WEST + 320, NORTH).iloc[:1]
    ordered = cells_with_tiles(cells, tile_table([old, new]), tmp_path)[0].tiles
    assert [tile.name for tile in ordered] == ["new.tif", "old.tif"]
    got = cut(square(WEST + 160, NORTH - 160), new, old)
    assert set(np.unique(got.pixels)) == {100, 200} and got.void_fraction == 0
    assert (got.tiles, got.campaign_year) == (("new.tif", "old.tif"), 2014)


def test_tile_that_only_touches_a_cell_is_not_its_tile(tmp_path):
    cells = cells_over(WEST, NORTH - 400, WEST + 400, NORTH).to_crs("EPSG:3035").iloc[:1]
    west, south, east, north = cells.total_bounds
    beside = gpd.GeoDataFrame(
        {"name": ["a"], "path": ["a"], "campaign_year": [2014]},
        geometry=[shapely.box(east, south, east + 9, north)],
        crs="EPSG:3035",
    )
    assert cells_with_tiles(cells, beside, tmp_path)[0].tiles == ()


# PNG


def test_png_reads_back_and_carries_its_note(tmp_path):
    image, note = noise(5, 50), {"void_fraction": 0.25, "tiles": ["é.jp2"]}
    png.write(tmp_path / "a.png", image, note)
    assert png.read_note(tmp_path / "a.png") == note
    with (
        pytest.warns(rasterio.errors.NotGeoreferencedWarning),
        rasterio.open(tmp_path / "a.png") as file,
    ):
        np.testing.assert_array_equal(file.read().transpose(1, 2, 0), image)


@pytest.mark.parametrize("kept", [0, 20, 60, 5000, -13, -1])
def test_truncated_png_has_no_note(tmp_path, kept):
    png.write(tmp_path / "a.png", noise(5, 50), {"a": 1})
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:kept])
    assert png.read_note(tmp_path / "a.png") is None


def test_png_without_its_middle_has_no_note(tmp_path):
    png.write(tmp_path / "a.png", noise(5, 50), {"a": 1})
    content = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(content[:500] + content[900:])
    assert png.read_note(tmp_path / "a.png") is None


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    head=st.binary(max_size=200),
    start=st.sampled_from([b"", png.SIGNATURE, png.SIGNATURE + b"\0\0\0\rIHDR"]),
)
def test_any_file_may_stand_where_an_image_should(tmp_path, head, start):
    (tmp_path / "a.png").write_bytes(start + head)
    assert png.read_note(tmp_path / "a.png") is None


# the whole city


@pytest.fixture
def city(tmp_path):
    """Two tiles side by side and the cells over them: (cells, folder of the images)."""
    files = [
        tile_file(tmp_path / f"{i}.jp2", noise(i, 400), WEST + 400 * i, NORTH, year=2014 + i)
        for i in (0, 1)
    ]
    cells = cells_over(WEST, NORTH - 400, WEST + 900, NORTH)
    return cells_with_tiles(cells, tile_table(files), tmp_path), tmp_path / "city" / "images"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_table_tells_of_every_cell(city):
    cells, folder = city
    table = cutting.cut_images(cells, folder, 50, workers=1)
    assert list(table.columns[:5]) == [
        "idINSPIRE",
        "path",
        "void_fraction",
        "tiles",
        "campaign_year",
    ]
    assert list(table["idINSPIRE"]) == [cell.id for cell in cells]
    both = table[table["tiles"] == "1.jp2;0.jp2"]
    assert len(both) and set(both["campaign_year"]) == {2014}
    for path in table["path"].dropna():
        assert (folder.parent / path).is_file()


def test_second_run_cuts_only_what_is_truncated(city):
    cells, folder = city
    first = cutting.cut_images(cells, folder, 50, workers=1)
    before, stamps = contents(folder), {p.name: p.stat().st_mtime_ns for p in folder.iterdir()}
    broken = sorted(folder.iterdir())[2]
    broken.write_bytes(before[broken.name][:-100])
    (folder / ".x.png.1.tmp.png").write_bytes(b"left by a kill")
    second = cutting.cut_images(cells, folder, 50, workers=1)
    changed = {p.name for p in folder.iterdir() if p.stat().st_mtime_ns != stamps[p.name]}
    assert changed == {broken.name} and contents(folder) == before
    assert first.equals(second)


def test_changed_tile_redoes_only_its_cells(city):
    cells, folder = city
    first = cutting.cut_images(cells, folder, 50, workers=1)
    stamps = {p.name: p.stat().st_mtime_ns for p in folder.iterdir()}
    write_tile(cells[0].tiles[0].path.with_name("1.jp2"), noise(9, 400), WEST + 400, NORTH, 1.0)
    second = cutting.cut_images(cells, folder, 50, workers=1)
    changed = {p.name for p in folder.iterdir() if p.stat().st_mtime_ns != stamps[p.name]}
    expected = {
        cutting.image_path(folder, cell.id).name
        for cell in cells
        if "1.jp2" in {t.name for t in cell.tiles}
    }
    assert changed == expected & set(stamps)
    assert set(first["fingerprint"][first["fingerprint"] != second["fingerprint"]]) and len(
        changed
    ) < len(stamps)


def test_cell_outside_all_tiles_has_no_image(city, tmp_path):
    cells, folder = city
    bare = [cutting.Cell(cell.id, cell.bounds, ()) for cell in cells[:1]]
    folder.mkdir(parents=True)
    png.write(
        cutting.image_path(folder, bare[0].id), noise(1, 50), {"fingerprint": "of other tiles"}
    )
    row = cutting.cut_images(bare, folder, 50, workers=1).iloc[0]
    assert row["void_fraction"] == 1 and row["path"] is None and not list(folder.iterdir())


def test_missing_tile_is_named(city):
    cells, folder = city
    cells[0].tiles[0].path.with_name("1.jp2").unlink()
    with pytest.raises(
        InputError, match=r"1 of 2 tiles are gone, the first 1\.jp2[\s\S]*04_download_aerial"
    ):
        cutting.cut_images(cells, folder, 50, workers=1)


def test_damaged_tile_is_named_and_the_other_cells_are_finished(city):
    cells, folder = city
    damaged = cells[0].tiles[0].path.with_name("1.jp2")
    damaged.write_bytes(damaged.read_bytes()[: damaged.stat().st_size // 2])
    with pytest.raises(InputError, match=r"1\.jp2"):
        cutting.cut_images(cells, folder, 50, workers=1)
    whole = [cell for cell in cells if {tile.name for tile in cell.tiles} == {"0.jp2"}]
    assert whole and all(png.read_note(cutting.image_path(folder, cell.id)) for cell in whole)


def test_work_is_dealt_out_whole_and_each_tile_is_decoded_once(city):
    cells, folder = city
    for workers in (1, 2, 7):
        dealt = [cell.id for job in jobs.deal(cells, workers) for cell in job]
        assert sorted(dealt) == sorted(cell.id for cell in cells)
    strips, needed_px = Strips(), 0
    tile = Tile(cells[0].tiles[-1], strips)
    windows = [w for cell in cells if (w := tile.window(cell.bounds, 22))]
    tile.plan(windows)
    for window in windows:
        needed_px += tile.read(window)[0].size
    assert strips.decoded_px <= 400 * 400 < needed_px


def test_strips_fit_together(tmp_path, monkeypatch):
    monkeypatch.setattr(tile_module, "STRIP_PX", 64)
    pixels = noise(6, 300)
    with Tile(tile_file(tmp_path / "a.jp2", pixels), Strips(budget_bytes=100_000)) as tile:
        tile.plan([Window(0, 300, 20, 280)])
        for place in ((0, 10, 20, 30), (30, 200, 100, 280), (63, 65, 20, 21), (0, 300, 20, 280)):
            window = Window(*place)
            got = tile.read(window).transpose(1, 2, 0)
            np.testing.assert_array_equal(
                got, pixels[window.top : window.bottom, window.left : window.right]
            )


# JPEG 2000 in one piece


@pytest.fixture(scope="module")
def one_piece(tmp_path_factory):
    """A file large enough that GDAL would read it block by block, and its pixels."""
    pixels = noise(8, 138).repeat(8, axis=0).repeat(8, axis=1)
    return tile_file(tmp_path_factory.mktemp("jp2") / "a.jp2", pixels), pixels.transpose(2, 0, 1)


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
    with Tile(one_piece[0]) as tile:
        expected = tile.read(Window(10, 1100, 5, 1090)), tile.read_reduced(4)
    monkeypatch.setattr(openjpeg, "_library", lambda: None)
    with Tile(one_piece[0]) as tile:
        np.testing.assert_array_equal(tile.read(Window(10, 1100, 5, 1090)), expected[0])
        np.testing.assert_array_equal(tile.read_reduced(4), expected[1])


@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_truncated_file_is_an_error_everywhere(one_piece, tmp_path, share):
    content = one_piece[0].path.read_bytes()
    (tmp_path / "a.jp2").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(openjpeg.DecodingError):
        openjpeg.decode(tmp_path / "a.jp2", (0, 10), (0, 1104))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    changes=st.lists(st.tuples(st.integers(0, 700), st.integers(0, 255)), min_size=1, max_size=4)
)
def test_any_bytes_may_stand_in_the_header(one_piece, tmp_path, changes):
    content = bytearray(one_piece[0].path.read_bytes())
    for place, value in changes:
        content[place] = value
    (tmp_path / "a.jp2").write_bytes(content)
    if openjpeg.applies_to(tmp_path / "a.jp2"):
        try:
            assert openjpeg.decode(tmp_path / "a.jp2", (0, 64), (0, 64)).shape == (3, 64, 64)
        except openjpeg.DecodingError:
            pass


@pytest.mark.parametrize("kind", ["one band", "16 bits", "text"])
def test_what_is_no_tile_is_refused(tmp_path, kind):
    path = tmp_path / "a.tif"
    if kind == "text":
        path.write_text("<html>404</html>")
    else:
        options = (
            {"count": 1, "dtype": "uint8"}
            if kind == "one band"
            else {"count": 3, "dtype": "uint16"}
        )
        with pytest.warns(rasterio.errors.NotGeoreferencedWarning):
            rasterio.open(path, "w", driver="GTiff", width=9, height=9, **options).close()
    with pytest.raises(InputError, match="tile"):
        Tile(TileFile("a.tif", path, (0, 0, 9, 9), "EPSG:2154"))


# the script


def start(folder: Path, **options) -> subprocess.Popen:
    words = [
        sys.executable,
        str(ROOT / "code" / "05_cut_images.py"),
        "--city",
        "Test",
        "--data",
        folder,
        "--results",
        folder / "results",
        "--set",
        "imagery.pixel_size_m=0.4",
        "--workers",
        "2",
    ]
    return subprocess.Popen([str(word) for word in words], stdout=subprocess.DEVNULL, **options)


def script_city(folder: Path) -> Path:
    results = folder / "results" / "Test"
    results.mkdir(parents=True)
    files = [
        tile_file(folder / f"{i}.jp2", noise(i, 1000), WEST + 400 * i, NORTH, 0.4, 2014)
        for i in (0, 1)
    ]
    tile_table(files).to_parquet(results / "tiles.parquet")
    cells_over(WEST, NORTH - 400, WEST + 800, NORTH).to_parquet(results / "cells.parquet")
    return results


@pytest.mark.slow
def test_killed_run_goes_on_and_equals_a_clean_one(tmp_path):
    clean, killed = script_city(tmp_path / "clean"), script_city(tmp_path / "killed")
    assert start(tmp_path / "clean").wait() == 0
    run = start(tmp_path / "killed", start_new_session=True)
    while len(list((killed / "images").glob("FR*.png"))) < 2:
        time.sleep(0.005)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    assert not (killed / "images.csv").exists()
    assert start(tmp_path / "killed").wait() == 0
    assert (killed / "images.csv").read_bytes() == (clean / "images.csv").read_bytes()
    assert contents(killed / "images") == contents(clean / "images")
    assert json.loads((killed / "images.csv.json").read_text())["counts"]["images"] == len(
        contents(clean / "images")
    )


# real samples


def sample(name: str, crs: str) -> TileFile:
    if not (SAMPLES / name).is_file():
        pytest.skip("the real samples are not here")
    return TileFile(name, SAMPLES / name, (0, 0, 1, 1), crs)


@pytest.mark.real_data
def test_black_beyond_the_survey_is_void_and_dark_sea_is_not():
    with Tile(sample("ign_mayotte_50cm.jp2", "EPSG:4471")) as tile:
        valid = valid_pixels(tile, Window(0, 2000, 0, 2000), coarse_fill(tile))
        pixels = tile.read(Window(0, 2000, 0, 2000))
    assert not valid[:, :1650].any() and valid[:, 1760:].all()
    assert (pixels[:, valid].max(axis=0) > 0).mean() > 0.999


@pytest.mark.real_data
def test_poznan_cells_hold_imagery_and_the_masked_square_is_void():
    file = sample("poznan_ortho_2m.tif", "EPSG:2180")
    got = [
        cut((x, 3276600, x + 200, 3276800), file, image_px=100).void_fraction
        for x in (4791600, 4791800, 4792000)
    ]
    assert got[0] == pytest.approx(51 * 51 / 100**2, abs=0.02) and got[1:] == [0, 0]


@pytest.mark.real_data
def test_nameless_lambert_93_lies_where_the_named_one_does():
    file = sample("ign_ortho_20cm.tif", "EPSG:2154")
    with Tile(file) as tile:
        assert tile.crs != rasterio.CRS.from_epsg(2154)
        got = tile.bounds_in("EPSG:2154")
    assert got == pytest.approx((770549.8, 6277549.8, 770600.2, 6277600.2), abs=0.01)
