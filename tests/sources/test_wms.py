"""Images of cells from a WMS that behaves like IGN's, errors included."""

import json
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
from small_packs import N, W, cells, cells_over, write_pack
from urbancam.learning import usable_cells
from urbancam.sources.census import selection
from urbancam.sources.imagery.coverage import covered_share
from urbancam.sources.imagery.overlay import cells_with_tiles
from urbancam.sources.wms import cell_images, client
from urbancam.sources.wms.getmap import requests_for
from urbancam.sources.wms.layers import Layer
from urbancam.workflow.errors import InputError


@pytest.fixture
def data(tmp_path):
    (tmp_path / "data" / "aerial_data").mkdir(parents=True)
    return tmp_path / "data"


def layer_at(url, name="L", pixel_m=2.0, **more):
    """A layer of the server at an address, as IGN's is."""
    return Layer(url + WMS, name, (pixel_m, pixel_m), **more)


def image_requests(url, layer="L", pixel_m=2.0, squares=None, **more):
    squares = cells() if squares is None else squares
    return requests_for(squares, layer_at(url, layer, pixel_m, **more))


def fetch(of_cells, folder, per_second=1000):
    """What went wrong; the images that came are in the folder."""
    return client.fetch_images(of_cells, folder, per_second, HASTY)


def table_of(of_cells, data, folder):
    return cell_images.image_table(of_cells, cells(), of_cells[0].layer, data, folder, {})


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
        assert fetch(of_cells, folder) == {}
        table = table_of(of_cells, data, folder)
        assert len(requests) == len(of_cells) == len(table)

        (folder / f"{of_cells[0].cell_id}.tif").write_bytes(b"cut short")
        fetch(of_cells, folder)
        assert len(requests) == len(of_cells) + 1

        fetch(image_requests(url, layer="M"), folder)
        assert len(requests) == 2 * len(of_cells) + 1  # another layer is another image
    assert table["sha256"].str.len().eq(64).all()
    assert table["fetched"].str.match(r"20\d\d-").all()
    assert covered_share(cells(), table).min() == pytest.approx(1)


def test_each_cell_is_cut_from_its_own_image(data):
    folder = data / "aerial_data" / "wms" / "L"
    with serve(Ign()) as (url, _):
        of_cells = image_requests(url)
        fetch(of_cells, folder)
    table = table_of(of_cells, data, folder)
    for cell in cells_with_tiles(cells(), table, data):
        assert [tile.name for tile in cell.tiles] == [f"{cell.id}.tif"]
        assert cell.tiles[0].campaign_year is None


def test_blank_answer_is_no_imagery_and_is_not_asked_for_again(data):
    def white(x, y):
        return np.full((3, *x.shape), 255, np.uint8)

    with serve(Ign(paint=white)) as (url, requests):
        of_cells = image_requests(url)
        for _ in range(2):
            assert fetch(of_cells, data / "wms") == {}
        assert len(requests) == len(of_cells)
    table = table_of(of_cells, data, data / "wms")
    assert table["path"].isna().all()
    assert set(table["reason"]) == {cell_images.BLANK}


# images in pieces


def kilometre():
    """One cell of 1 km."""
    ids = pd.Series(["CRS3035RES1000mN2887000E3760000"])
    columns = {"idINSPIRE": ids, "department": "75"}
    return gpd.GeoDataFrame(columns, geometry=selection.squares(ids), crs="EPSG:3035")


def test_pieces_are_no_larger_than_allowed_and_lie_side_by_side():
    (request,) = image_requests("http://h", pixel_m=0.2, squares=kilometre())
    pieces = request.pieces()
    assert len(pieces) == 4
    taken = np.zeros((request.height, request.width), int)
    for piece in pieces:
        assert max(piece.width, piece.height) <= piece.layer.side_px
        rows, columns = request.slices_of(piece)
        assert taken[rows, columns].shape == (piece.height, piece.width)
        taken[rows, columns] += 1
    assert (taken == 1).all()


def test_cell_of_200_m_comes_in_one_piece():
    for request in image_requests("http://h", pixel_m=0.2):
        assert request.pieces() == [request]


def test_image_in_pieces_is_the_whole_one(data):
    with serve(Ign()) as (url, requests):
        of_cells = image_requests(url, pixel_m=1.0, squares=kilometre())
        fetch(of_cells, data / "whole")
        assert len(requests) == 1
        in_pieces = image_requests(url, pixel_m=1.0, squares=kilometre(), side_px=400)
        fetch(in_pieces, data / "pieces")
        assert len(requests) == 1 + 9
        assert fetch(in_pieces, data / "pieces") == {}
        assert len(requests) == 1 + 9
    (whole,), (pasted,) = (list((data / name).iterdir()) for name in ("whole", "pieces"))
    assert np.array_equal(cell_images.read(pasted)[0], cell_images.read(whole)[0])
    assert cell_images.holds(pasted, of_cells[0])


def test_pieces_that_came_are_not_fetched_again(data):
    bad = []

    def fault(path, number):
        return Reply(b"", 400) if path in bad else None

    with serve(Ign(fault=fault)) as (url, requests):
        of_cells = image_requests(url, pixel_m=1.0, squares=kilometre(), side_px=400)
        bad += [piece.url.removeprefix(url) for piece in of_cells[0].pieces()[4:5]]
        with pytest.raises(InputError, match="400"):
            fetch(of_cells, data / "wms")
        bad.clear()
        fetch(of_cells, data / "wms")
        answered = [path for path, _ in requests]
    assert len(list((data / "wms").iterdir())) == 1
    first_pieces = [piece.url.removeprefix(url) for piece in of_cells[0].pieces()[:4]]
    assert all(answered.count(path) == 1 for path in first_pieces)


# answers that are not the image


def fetch_from(server, data, layer="L"):
    """Fetch the cells' images from a server; what went wrong, and the requests that it saw."""
    with serve(server) as (url, requests):
        return fetch(image_requests(url, layer), data / "wms"), requests


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
    monkeypatch.setattr(client, "FAILURES_MOST", 3)
    monkeypatch.setattr(client, "THREADS", 2)
    many_cells = cells_over(W, N - 2000, W + 2000, N)
    with serve(Ign(fault=lambda path, n: Reply(b"", 400))) as (url, requests):
        of_cells = image_requests(url, squares=many_cells)
        with pytest.raises(InputError, match="gives no image at all: the server answers 400"):
            fetch(of_cells, data / "wms")
    assert len(requests) < 10 < len(many_cells)


def refusing(cell_ids, status=500):
    """A fault: the server always fails for the images of these cells."""
    of_all = requests_for(cells_over(W, N - 2000, W + 2000, N), layer_at("http://h"))
    boxes = [request.url.partition("BBOX=")[2] for request in of_all if request.cell_id in cell_ids]

    def fault(path, number):
        return Reply(b"", status) if any(box in path for box in boxes) else None

    return fault


def test_cells_that_always_fail_hold_up_no_other(data, monkeypatch):
    monkeypatch.setattr(client, "FAILURES_MOST", 3)
    monkeypatch.setattr(client, "THREADS", 2)
    squares = cells_over(W, N - 1000, W + 1000, N)
    bad = set(squares["idINSPIRE"][3:12])  # more in a row than a dead server is allowed
    with serve(Ign(fault=refusing(bad))) as (url, _):
        of_cells = image_requests(url, squares=squares)
        faults = fetch(of_cells, data / "wms")
        again = fetch(of_cells, data / "wms")
    assert set(faults) == set(again) == bad
    assert len(list((data / "wms").glob("*.tif"))) == len(squares) - len(bad)


def test_server_that_dies_late_blames_no_cell(data):
    squares = cells_over(W, N - 600, W + 600, N)
    with serve(Ign()) as (url, _):
        fetch(image_requests(url, squares=squares.head(2)), data / "wms")
    with serve(Ign(fault=lambda path, n: Reply(b"", 400))) as (url, _):
        with pytest.raises(InputError, match="gives no image at all"):
            fetch(image_requests(url, squares=squares), data / "wms")


def test_never_more_requests_a_second_than_allowed(data):
    server = Ign()
    squares = cells_over(W, N - 600, W + 600, N)
    with serve(server) as (url, _):
        fetch(image_requests(url, squares=squares), data / "wms", per_second=20)
    times_s = np.sort(server.times)
    mean_interval_s = (times_s[-1] - times_s[0]) / (len(times_s) - 1)
    assert len(times_s) > 8
    assert mean_interval_s >= 0.045


# the script


def run_step(number, tmp_path, *options):
    words = [
        sys.executable,
        next((ROOT / "code").glob(f"{number}_*.py")),
        "--city",
        "Test",
        "--data",
        tmp_path / "data",
        "--results",
        tmp_path / "results",
        *options,
    ]
    return subprocess.run([str(word) for word in words], capture_output=True, text=True)


def of_wms(url, *more):
    """The options of a city that is taken through the WMS."""
    settings = ["imagery.source=wms", f"imagery.wms_url={url}{WMS}", "imagery.wms_per_second=1000"]
    settings.append("imagery.pixel_size_m=2")
    return [word for setting in (*settings, *more) for word in ("--set", setting)]


@pytest.fixture
def city(data, tmp_path):
    """The folder of a city that has cells, with people and incomes."""
    folder = tmp_path / "results" / "Test"
    folder.mkdir(parents=True)
    columns = {"ind": 9.0, "men": 4.0, "value": range(20_000, 20_000 + len(cells()))}
    cells().assign(**columns, imputed=False, group=0).to_parquet(folder / "cells.parquet")
    return folder


@pytest.mark.slow
def test_script_takes_the_wms_and_says_what_fails_without_a_traceback(city, tmp_path):
    folder = city
    with serve(Ign()) as (url, _):
        options = of_wms(url)
        failure = run_step("04", tmp_path, *options, "--set", "imagery.wms_layer=NOPE")
        first_run = run_step("04", tmp_path, *options)
        second_run = run_step("04", tmp_path, *options)
    assert failure.returncode == 2
    assert "LayerNotDefined" in failure.stderr
    assert "Traceback" not in failure.stderr
    assert first_run.returncode == 0
    assert "up to date" in second_run.stdout
    assert len(gpd.read_parquet(folder / "tiles.parquet")) == len(cells())


@pytest.mark.slow
def test_one_cell_that_is_never_given_is_named_and_left_out_where_asked(city, tmp_path):
    bad = cells()["idINSPIRE"].iloc[1]
    leave_out = ("--set", "imagery.wms_failures=leave_out")
    with serve(Ign(fault=refusing({bad}, 400))) as (url, requests):
        stopped = run_step("04", tmp_path, *of_wms(url))
        gone_on = run_step("04", tmp_path, *of_wms(url), *leave_out)
        requests.clear()
        again = run_step("04", tmp_path, *of_wms(url), *leave_out)
        assert not requests
    assert stopped.returncode == 2
    assert f"of cell {bad}" in stopped.stderr
    assert "400" in stopped.stderr
    assert "imagery.wms_failures=leave_out" in stopped.stderr
    assert "imagery.fetch" not in stopped.stderr
    assert gone_on.returncode == 0, gone_on.stderr
    assert "up to date" in again.stdout
    recorded = json.loads((city / "tiles.parquet.json").read_text())["settings"]
    assert recorded["imagery.wms_failures"] == "leave_out"

    assert run_step("05", tmp_path, *of_wms(url)).returncode == 0
    images = pd.read_csv(city / "images.csv").set_index("idINSPIRE")
    assert images["path"].isna().sum() == 1
    assert "400" in images.loc[bad, "reason"]
    assert images["source"].drop(bad).eq("wms").all()

    people = gpd.read_parquet(city / "cells.parquet")
    samples = usable_cells.choose(people, images.reset_index(), 0.01).set_index("idINSPIRE")
    assert samples.loc[bad, "reason"].startswith("no image: the server answers 400")
    assert samples["used"].sum() == len(samples) - 1


@pytest.mark.slow
def test_record_of_packs_knows_nothing_of_the_wms(city, tmp_path):
    write_pack(tmp_path / "data" / "aerial_data", "75", 2014, [(W, N)])
    done = run_step("04", tmp_path, "--set", "imagery.wms_failures=leave_out")
    assert done.returncode == 0, done.stderr
    recorded = json.loads((city / "tiles.parquet.json").read_text())["settings"]
    assert [key for key in recorded if "wms" in key] == ["imagery.wms_departments_below"]
    assert run_step("04", tmp_path).stdout.count("up to date") == 1


@pytest.mark.slow
def test_without_fetching_the_images_in_place_are_used(city, tmp_path):
    with serve(Ign()) as (url, requests):
        folder = tmp_path / "data" / "aerial_data" / "wms" / "L"
        fetch(image_requests(url)[:2], folder)
        requests.clear()
        options = of_wms(url, "imagery.wms_layer=L", "imagery.fetch=false")
        done = run_step("04", tmp_path, *options)
        assert not requests
    assert done.returncode == 0, done.stderr
    tiles = gpd.read_parquet(city / "tiles.parquet")
    assert tiles["path"].notna().sum() == 2
    assert set(tiles["reason"].dropna()) == {cell_images.NOT_FETCHED}


@pytest.mark.slow
def test_cell_that_was_left_out_is_asked_for_again_once_it_may_not_be(city, tmp_path):
    faults = [refusing({cells()["idINSPIRE"].iloc[1]}, 400)]
    leave_out = ("--set", "imagery.wms_failures=leave_out")

    def fault(path, number):
        return faults[0](path, number) if faults else None

    with serve(Ign(fault=fault)) as (url, _):
        assert run_step("04", tmp_path, *of_wms(url), *leave_out).returncode == 0
        assert gpd.read_parquet(city / "tiles.parquet")["path"].isna().sum() == 1
        faults.clear()
        assert run_step("04", tmp_path, *of_wms(url)).returncode == 0
    assert gpd.read_parquet(city / "tiles.parquet")["path"].notna().all()
