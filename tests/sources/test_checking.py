"""The check of a city: what it finds, all faults at once, and the picture."""

import subprocess
import sys

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from rasterio.transform import Affine

from loopback import serve
from map_server import MapServer
from own_rasters import write_raster
from samples import ROOT
from small_packs import cells_over
from urbancam.sources.checking import overview
from urbancam.sources.checking.city import look_at
from urbancam.sources.checking.overview import Canvas, photograph
from urbancam.sources.imagery.tile import TileFile
from urbancam.workflow.paths import Paths
from urbancam.workflow.settings import settings

W, N = 650_000, 6_864_000  # north-west corner, m, EPSG:2154
GREEN = (60, 160, 60)


def plain(path, west, colour=GREEN, size_px=400, **more):
    """A raster of one colour, 2 m, from its north-west corner."""
    pixels = np.broadcast_to(np.array(colour, np.uint8)[:, None, None], (3, size_px, size_px))
    place = Affine(2, 0, west, 0, -2, N)
    return write_raster(path, np.ascontiguousarray(pixels), place, "EPSG:2154", **more)


@pytest.fixture
def city(tmp_path):
    """The paths of a city with cells, land cover and a raster that covers them."""
    paths = Paths(tmp_path / "data", tmp_path / "results", "Test")
    paths.city_folder.mkdir(parents=True)
    cells = cells_over(W, N - 800, W + 800, N)
    values = {"value": np.arange(len(cells)) * 100.0, "ind": 9.0}
    cells.assign(**values).to_parquet(paths.cells)
    west, south, east, north = cells.total_bounds
    middle = (west + east) / 2
    halves = [shapely.box(west, south, middle, north), shapely.box(middle, south, east, north)]
    land = gpd.GeoDataFrame({"class": ["water", "wood"]}, geometry=halves, crs=cells.crs)
    land.to_parquet(paths.land_cover)
    rows = {"class": ["water", "wood"], "name": ["Water", "Wood"], "colour": ["#0000ff", "#00ff00"]}
    pd.DataFrame(rows).to_csv(paths.classes, index=False)
    plain(tmp_path / "ortho" / "a.tif", W - 100, size_px=600)
    return paths


def settings_of(*assignments):
    values = ["imagery.pixel_size_m=2", "split.block_m=200", "split.folds=3", *assignments]
    return settings.load("default", values)


def of_rasters(folder, *names):
    files = ", ".join(str(folder / "ortho" / name) for name in names)
    return settings_of("imagery.source=rasters", f"imagery.files=[{files}]")


def all_lines(findings):
    return "\n".join(line for part in findings for line in part.lines)


def test_what_fits_is_told_and_drawn(city, tmp_path):
    findings, picture = look_at("Test", of_rasters(tmp_path, "*.tif"), city)
    assert not [fault for part in findings for fault in part.faults]
    count = len(gpd.read_parquet(city.cells))
    text = all_lines(findings)
    assert f"{count} of 200 m in EPSG:3035" in text
    assert f"cover {count} of {count} cells wholly" in text
    assert "2 polygons, as step 02 left them, 2 of 2 classes" in text
    assert "covers 100 % of the cells" in text
    height, width, _ = picture.images.shape
    assert tuple(picture.images[height // 2, width // 2]) == (*GREEN, 255)
    assert tuple(picture.land_cover[height // 2, width // 4]) == (0, 0, 255, 255)
    assert tuple(picture.land_cover[height // 2, 3 * width // 4]) == (0, 255, 0, 255)
    assert picture.classes == {"Water": "#0000ff", "Wood": "#00ff00"}


def test_cells_of_a_file_are_read_as_step_03_reads_them(city, tmp_path):
    cells = gpd.read_parquet(city.cells).to_crs("EPSG:32631")
    west, south = (cells.total_bounds[:2] // 100 * 100 + 200).tolist()
    rows = [(f"c{n}", 7.0 * n, west + 100 * (n % 5), south + 100 * (n // 5)) for n in range(25)]
    table = pd.DataFrame(rows, columns=["name", "rent", "x", "y"])
    (table + {"name": "", "rent": 0, "x": 50, "y": 50}).to_csv(tmp_path / "c.csv", index=False)
    values = ["cells.source=file", f"cells.file={tmp_path / 'c.csv'}", "cells.id_column=name"]
    values += ["cells.value_column=rent", "cells.value_name=rent", "cells.value_unit=EUR a month"]
    values += ["cells.crs=EPSG:32631", "cells.side_m=100", "cells.x_column=x", "cells.y_column=y"]
    files = ["imagery.source=rasters", f"imagery.files={tmp_path}/ortho/*.tif"]
    findings, picture = look_at("Test", settings_of(*values, *files), city)
    assert "25 of 100 m in EPSG:32631" in all_lines(findings)
    assert "rent 0 to 168, median 84 EUR a month" in all_lines(findings)
    assert "cover 25 of 25 cells wholly" in all_lines(findings)
    height, width, _ = picture.images.shape
    assert tuple(picture.images[height // 2, width // 2]) == (*GREEN, 255)

    values[1] = f"cells.file={tmp_path / 'none.csv'}"
    findings, _ = look_at("Test", settings_of(*values, *files), city)
    assert "no such file" in findings[0].faults[0].what
    assert "1 rasters: EPSG:2154" in all_lines(findings)
    files[1] = "imagery.files=none.tif"
    findings, _ = look_at("Test", settings_of(*values, *files), city)
    assert [len(part.faults) for part in findings] == [1, 1, 0]


def test_all_faults_are_found_at_once(city, tmp_path):
    (tmp_path / "ortho" / "text.tif").write_text("<html>404</html>")
    for path in (city.land_cover, city.classes):
        path.unlink()
    findings, picture = look_at("Test", of_rasters(tmp_path, "*.tif", "none.tif"), city)
    faults = {part.part: [fault.what for fault in part.faults] for part in findings}
    assert len(faults["images"]) == 2
    assert len(faults["land cover"]) == 1
    assert picture is not None  # of what there is


def test_land_cover_of_a_file_is_read_as_step_02_reads_it(city, tmp_path):
    land = gpd.read_parquet(city.land_cover)
    land.assign(code=["512", "311"]).to_file(tmp_path / "land.gpkg")
    values = ["landcover.source=file", f"landcover.file={tmp_path / 'land.gpkg'}"]
    values += ["landcover.class_column=code", "imagery.fetch=false"]
    good, picture = look_at("Test", settings_of(*values, "landcover.classes=corine"), city)
    bad, _ = look_at("Test", settings_of(*values, "landcover.classes=worldcover"), city)
    assert not good[2].faults
    assert "2 polygons, 2 of 44 classes" in all_lines(good)
    assert set(picture.classes) == {"Water bodies", "Broad-leaved forest"}
    assert "512" in bad[2].faults[0].what


def test_images_and_land_cover_of_another_place_are_faults(city, tmp_path):
    plain(tmp_path / "ortho" / "b.tif", W + 9000)
    land = gpd.read_parquet(city.land_cover)
    land.assign(geometry=land.translate(9000)).to_parquet(city.land_cover)
    findings, _ = look_at("Test", of_rasters(tmp_path, "b.tif"), city)
    whats = [fault.what for part in findings for fault in part.faults]
    assert any("no raster touches the cells" in what for what in whats)
    assert any("covers none of the cells" in what for what in whats)


def test_fewer_blocks_than_folds_are_a_fault(city, tmp_path):
    values = ["split.block_m=20000", "imagery.pixel_size_m=2"]
    findings, _ = look_at("Test", settings.load("default", values), city)
    assert "fewer than the 5 folds" in findings[0].faults[0].what


def test_blocks_that_cut_cells_are_a_fault(city, tmp_path):
    """Only the file tells the side of its cells; else step 10 says it, after all is cut."""
    file = tmp_path / "cells.csv"
    middles = [(300 * k % 3600, 300 * (k // 12)) for k in range(144)]
    west, south = W // 300 * 300 + 150, N // 300 * 300 + 150
    lines = [f"c{x}-{y},{west + x},{south + y},{x + y}" for x, y in middles]
    file.write_text("\n".join(["id,x,y,value", *lines]))
    told = ["source=file", f"file={file}", "crs=EPSG:2154", "value_name=rent", "value_unit=EUR"]
    asked = ["imagery.pixel_size_m=2", "split.folds=2", *(f"cells.{words}" for words in told)]
    findings, _ = look_at("Test", settings.load("default", asked), city)
    assert "2000 m are no multiple of the side" in findings[0].faults[0].what
    findings, _ = look_at("Test", settings.load("default", [*asked, "split.block_m=600"]), city)
    assert not findings[0].faults


def test_city_of_which_nothing_is_in_place_is_no_traceback(tmp_path):
    paths = Paths(tmp_path / "data", tmp_path / "results", "Paris")
    findings, picture = look_at("Paris", settings_of(), paths)
    assert "none yet: ./run.sh Paris fetches" in all_lines(findings)
    assert len(findings[2].faults) == 1  # only the user can put the land cover there
    assert picture is None


def test_server_is_asked_for_one_small_image(city):
    def paint(x, y):
        return np.full((3, *x.shape), 99, np.uint8)

    with serve(MapServer(paint)) as (url, requests):
        values = [f"imagery.wms_url={url}/wms", "imagery.source=wms"]
        good, _ = look_at("Test", settings_of(*values, "imagery.wms_format=image/png"), city)
        assert len(requests) == 1
        bad, _ = look_at("Test", settings_of(*values), city)
    assert not good[1].faults
    assert "the server answers" in all_lines(good)
    assert "InvalidFormat" in bad[1].faults[0].what
    assert not (city.data / "aerial_data").exists()


# the photograph


def tile(path):
    return TileFile(path.name, path, (0, 0, 1, 1), "EPSG:2154", source="rasters")


def test_photograph_shows_first_the_files_that_win_and_no_void(city, tmp_path):
    canvas = Canvas.around(gpd.read_parquet(city.cells))
    void = plain(tmp_path / "void.tif", W - 100, (7, 7, 7), 600, nodata=7)
    red = plain(tmp_path / "red.tif", W - 100, (200, 0, 0), 600)
    green = tmp_path / "ortho" / "a.tif"
    picture, drawn = photograph([tile(path) for path in (void, red, green)], canvas)
    middle = picture[canvas.height // 2, canvas.width // 2]
    assert drawn == 3
    assert tuple(middle) == (200, 0, 0, 255)


def test_files_too_large_to_be_decoded_in_seconds_are_outlined_only(city, tmp_path, monkeypatch):
    monkeypatch.setattr(overview, "DECODED_MOST_PX", 1000)
    _, picture = look_at("Test", of_rasters(tmp_path, "*.tif"), city)
    assert not picture.images.any()
    assert len(picture.footprints) == 1
    assert "0 are drawn" in picture.caption


# the script


@pytest.mark.slow
def test_script_writes_a_picture_and_nothing_else(city, tmp_path):
    def files():
        return {path for path in tmp_path.rglob("*") if path.is_file()}

    before = files()
    words = [sys.executable, ROOT / "code" / "08_check_city.py", "--city", "Test"]
    words += ["--data", city.data, "--results", city.results]
    for setting in ("imagery.pixel_size_m=2", "imagery.source=rasters", "split.block_m=200"):
        words += ["--set", setting]
    good = [*words, "--set", f"imagery.files={tmp_path}/ortho/*.tif"]
    done = subprocess.run([str(word) for word in good], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert files() - before == {city.check_picture}

    bad = [*words, "--set", f"imagery.files={tmp_path}/ortho/*.ecw"]
    failed = subprocess.run([str(word) for word in bad], capture_output=True, text=True)
    assert failed.returncode == 2
    assert "Test cannot be run yet: one fault" in failed.stderr
    assert "Traceback" not in failed.stderr
