"""Images of cells from a WMS that behaves like IGN's, errors included."""

import subprocess
import sys

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from loopback import HASTY, Reply, serve
from provider_server import WMS, Ign, geotiff
from samples import ROOT
from small_packs import N, W, cells, cells_over
from urbancam.sources.census import selection
from urbancam.sources.ign import cell_images, getmap, wms
from urbancam.sources.ign.getmap import requests_for
from urbancam.sources.ign.tiles import covered_share
from urbancam.sources.imagery.overlay import cells_with_tiles
from urbancam.workflow.errors import InputError


@pytest.fixture
def data(tmp_path):
    (tmp_path / "data" / "aerial_data").mkdir(parents=True)
    return tmp_path / "data"


def image_requests(url, layer="L", pixel_m=2.0, squares=None):
    squares = cells() if squares is None else squares
    return requests_for(squares, url + WMS, layer, pixel_m)


# requests


def test_requests_lie_on_the_pixel_grid_and_hold_the_cell():
    squares = cells().to_crs("EPSG:2154").geometry
    pixel_m = 0.2
    requests = image_requests("http://h", pixel_m=pixel_m)
    for request, square in zip(requests, squares, strict=True):
        assert shapely.box(*request.bounds).contains(square.buffer(4))
        bounds_px = np.array(request.bounds) * 5
        assert np.allclose(bounds_px, np.round(bounds_px))
        assert request.bounds[2] - request.bounds[0] == pytest.approx(request.width * pixel_m)


def test_request_of_a_1km_cell_holds_it_at_the_size_of_its_image():
    ids = pd.Series(["CRS3035RES1000mN2887000E3760000"])
    kilometre = gpd.GeoDataFrame(
        {"idINSPIRE": ids}, geometry=selection.squares(ids), crs="EPSG:3035"
    )
    (request,) = image_requests("http://h", pixel_m=1.25, squares=kilometre)
    square = kilometre.to_crs("EPSG:2154").geometry.iloc[0]
    assert shapely.box(*request.bounds).contains(square.buffer(25))
    assert 800 < request.width < 1000
    assert request.width == pytest.approx(request.height, abs=3)


# images


def test_images_of_cells_are_fetched_once_with_date_and_hash(data):
    folder = data / "aerial_data" / "wms" / "L"
    with serve(Ign()) as (url, requests):
        of_cells = image_requests(url)
        assert wms.fetch_images(of_cells, folder, HASTY) == {}
        table = cell_images.image_table(of_cells, cells(), data, folder, {})
        assert len(requests) == len(of_cells) == len(table)

        (folder / f"{of_cells[0].cell_id}.tif").write_bytes(b"cut short")
        wms.fetch_images(of_cells, folder, HASTY)
        assert len(requests) == len(of_cells) + 1

        wms.fetch_images(image_requests(url, layer="M"), folder, HASTY)
        assert len(requests) == 2 * len(of_cells) + 1  # another layer is another image
    assert table["sha256"].str.len().eq(64).all()
    assert table["fetched"].str.match(r"20\d\d-").all()
    assert covered_share(cells(), table).min() == pytest.approx(1)


def test_each_cell_is_cut_from_its_own_image(data):
    folder = data / "aerial_data" / "wms" / "L"
    with serve(Ign()) as (url, _):
        of_cells = image_requests(url)
        wms.fetch_images(of_cells, folder, HASTY)
    table = cell_images.image_table(of_cells, cells(), data, folder, {})
    for cell in cells_with_tiles(cells(), table, data):
        assert [tile.name for tile in cell.tiles] == [f"{cell.id}.tif"]
        assert cell.tiles[0].campaign_year is None


def test_blank_answer_is_no_imagery_and_is_not_asked_for_again(data):
    def white(x, y):
        return np.full((3, *x.shape), 255, np.uint8)

    with serve(Ign(paint=white)) as (url, requests):
        of_cells = image_requests(url)
        for _ in range(2):
            assert wms.fetch_images(of_cells, data / "wms", HASTY) == {}
        assert len(requests) == len(of_cells)
    table = cell_images.image_table(of_cells, cells(), data, data / "wms", {})
    assert table["path"].isna().all()
    assert set(table["reason"]) == {cell_images.BLANK}


# answers that are not the image


def fetch_from(server, data, layer="L"):
    """Fetch the cells' images from a server; what went wrong, and the requests that it saw."""
    with serve(server) as (url, requests):
        return wms.fetch_images(image_requests(url, layer), data / "wms", HASTY), requests


def small_image(path, number):
    return Reply(geotiff(Ign().paint, (W, N - 100, W + 100, N), 50, 50))


@pytest.mark.parametrize(
    ("layer", "fault", "message"),
    [
        ("NOPE", lambda path, n: None, "LayerNotDefined.*NOPE unknown"),
        ("L", small_image, "50 x 50 px"),
        ("L", lambda path, n: Reply(b"II*\x00 garbage"), "no image"),
        ("L", lambda path, n: Reply(b""), "no image"),
        ("L", lambda path, n: Reply(b"", 400), "400"),
        ("L", lambda path, n: Reply(b"", 503), "503"),
    ],
)
def test_what_is_not_the_image_asked_for_is_recognised(data, layer, fault, message):
    with pytest.raises(InputError, match=message):
        fetch_from(Ign(fault=fault), data, layer)
    assert not list((data / "wms").iterdir())


def test_image_of_another_place_is_refused(data):
    def elsewhere(path, number):
        of_cells = image_requests("http://h")
        request = next(r for r in of_cells if f"{r.bounds[0]:.3f}" in path)
        bounds = tuple(edge + 3 for edge in request.bounds)
        return Reply(geotiff(Ign().paint, bounds, request.width, request.height))

    with pytest.raises(InputError, match="lies at"):
        fetch_from(Ign(fault=elsewhere), data)


# a server that is busy, dead, or has a limit


def test_passing_faults_of_the_server_pass(data):
    replies = [Reply(b"", 429, headers={"Retry-After": "0"}), Reply(b"", 500)]
    server = Ign(fault=lambda path, n: replies[n] if n < 2 else None)
    faults, requests = fetch_from(server, data)
    assert faults == {}
    assert len(requests) == 3 * len(cells())


def test_dead_server_is_given_up_soon(data, monkeypatch):
    monkeypatch.setattr(wms, "FAILURES_MOST", 3)
    monkeypatch.setattr(wms, "THREADS", 2)
    many_cells = cells_over(W, N - 2000, W + 2000, N)
    with serve(Ign(fault=lambda path, n: Reply(b"", 400))) as (url, requests):
        of_cells = image_requests(url, squares=many_cells)
        with pytest.raises(InputError, match="gives no image at all: the server answers 400"):
            wms.fetch_images(of_cells, data / "wms", HASTY)
    assert len(requests) < 10 < len(many_cells)


def test_never_more_requests_a_second_than_allowed(data, monkeypatch):
    monkeypatch.setattr(wms, "REQUESTS_PER_SECOND", 20)
    server = Ign()
    squares = cells_over(W, N - 600, W + 600, N)
    with serve(server) as (url, _):
        wms.fetch_images(image_requests(url, squares=squares), data / "wms", HASTY)
    times_s = np.sort(server.times)
    mean_interval_s = (times_s[-1] - times_s[0]) / (len(times_s) - 1)
    assert len(times_s) > 8
    assert mean_interval_s >= 0.045


# the script


def run_04(tmp_path, *options):
    words = [
        sys.executable,
        ROOT / "code" / "04_download_aerial.py",
        "--city",
        "Test",
        "--data",
        tmp_path / "data",
        "--results",
        tmp_path / "results",
        *options,
    ]
    return subprocess.run([str(word) for word in words], capture_output=True, text=True)


def test_script_takes_the_wms_and_says_what_fails_without_a_traceback(data, tmp_path):
    folder = tmp_path / "results" / "Test"
    folder.mkdir(parents=True)
    cells().to_parquet(folder / "cells.parquet")
    with serve(Ign()) as (url, _):
        settings = ["imagery.source=wms", f"imagery.wms_url={url}{WMS}", "imagery.pixel_size_m=2"]
        options = [word for setting in settings for word in ("--set", setting)]
        failure = run_04(tmp_path, *options, "--set", "imagery.wms_layer=NOPE")
        first_run = run_04(tmp_path, *options)
        second_run = run_04(tmp_path, *options)
    assert failure.returncode == 2
    assert "LayerNotDefined" in failure.stderr
    assert "Traceback" not in failure.stderr
    assert first_run.returncode == 0
    assert "up to date" in second_run.stdout
    assert len(gpd.read_parquet(folder / "tiles.parquet")) == len(cells())
