"""Links, Atom index and WMS, against a server that behaves like IGN's, errors included."""

import subprocess
import sys

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loopback import HASTY, Reply, serve
from provider_server import DOWNLOAD, INDEX, WMS, Ign, geotiff
from samples import ROOT
from small_packs import N, W, archive, cells, cells_over, found_in, write_pack
from urbancam.sources.census import selection
from urbancam.sources.download import archives
from urbancam.sources.ign import atom, collect, getmap, index, links, wms
from urbancam.sources.ign.fetching import fetch_departments, fetch_linked
from urbancam.sources.ign.links import RemoteFile
from urbancam.sources.ign.tiles import covered_share
from urbancam.sources.imagery.overlay import cells_with_tiles
from urbancam.workflow.errors import InputError
from urbancam.workflow.settings import load

BDORTHO = "BDORTHO_2-0_RVB-0M20_JP2-E080_LAMB93_D{:0>3}_{}-01-01"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(atom, "INTERVAL_S", 0.0)


@pytest.fixture
def data(tmp_path):
    (tmp_path / "data" / "aerial_data").mkdir(parents=True)
    return tmp_path / "data"


# links


def links_file(tmp_path, text):
    path = tmp_path / "links.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_links_of_the_city_and_no_other(tmp_path):
    saint_etienne = (
        "[Saint-Étienne]\nhttp://h/a.7z.001  # first\n#http://h/dead.7z\n\nhttp://h/a.7z.002\n"
    )
    path = links_file(tmp_path, f"# all\n{saint_etienne}[Lyon]\nhttp://h/b.7z\n")
    assert [f.name for f in links.read_links(path, "saint etienne")] == ["a.7z.001", "a.7z.002"]
    assert (
        links.read_links(path, "Paris") == [] and links.read_links(tmp_path / "none", "Paris") == []
    )


@pytest.mark.parametrize("line", ["ftp://h/a.7z", "a.7z", "http://h", "http://h/", "http://h/a b"])
def test_line_that_is_no_address_is_refused_with_its_number(tmp_path, line):
    with pytest.raises(InputError, match="line 2"):
        links.read_links(links_file(tmp_path, f"[Lyon]\n{line}\n"), "Lyon")


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(max_size=100))
def test_any_text_may_stand_in_the_links_file(tmp_path, text):
    try:
        links.read_links(
            links_file(tmp_path, "[Lyon]\n" + text.encode("utf-8", "replace").decode()), "Lyon"
        )
    except InputError as error:
        assert "line" in error.where


def test_the_projects_own_links_file_is_in_order():
    assert links.read_links(ROOT / "aerial_links.txt", "Paris") == []


def test_linked_archives_are_fetched_once_and_user_info_stays_secret(data, tmp_path, caplog):
    caplog.set_level("INFO")
    folder = data / "aerial_data"
    with serve(Ign({"P": [("P.7z", b"7z" * 99)]})) as (url, asked):
        secret = url.replace("//", "//user:secret@")
        files = [RemoteFile(f"{secret}{DOWNLOAD}/P/{name}") for name in ("P.7z", "Q.7z")]
        faults = fetch_linked(files, folder, HASTY)
        assert fetch_linked(files[:1], folder, HASTY) == [] and len(asked) == 2
    assert (folder / "P.7z").read_bytes() == b"7z" * 99 and len(faults) == 1
    written = "".join(path.read_text(errors="replace") for path in folder.iterdir())
    everything = caplog.text + str(faults[0]) + repr(faults) + written
    assert "secret" not in everything and "Q.7z" in str(faults[0])


# IGN's index


def one_pack(tmp_path, department="075", year=2021, volume_bytes=60_000, corners=((W, N),)):
    """A pack as the server holds it: {name: [(file, bytes)]}."""
    name = BDORTHO.format(department, year)
    folder = write_pack(
        tmp_path / f"{department}{year}", department, year, list(corners), inner="BDORTHO"
    )
    folder = folder.rename(folder.with_name(name))
    return {
        name: [
            (path.name, path.read_bytes()) for path in archive(folder, folder.parent, volume_bytes)
        ]
    }


def test_newest_colour_pack_of_20_cm_is_found_over_many_pages():
    names = [BDORTHO.format("075", year) for year in (2018, 2021, 2024)]
    others = [
        names[2].replace("RVB", "IRC"),
        names[2].replace("0M20", "0M15"),
        BDORTHO.format("092", 2025),
    ]
    others.append("GRAPHE-MOSAIQUAGE_D075_2024-01-01")
    with serve(Ign(dict.fromkeys(others + names, []), per_page=2)) as (url, asked):
        assert index.find_pack(url + INDEX, "75", None, HASTY)[0] == names[2]
        assert index.find_pack(url + INDEX, "75", 2018, HASTY)[0] == names[0]
        with pytest.raises(InputError, match="2024") as raised:
            index.find_pack(url + INDEX, "75", 2017, HASTY)
    assert "page=3" in asked[2][0] and "2017" in str(raised.value)


@pytest.mark.parametrize("md5", ["content", "file", "gone"])
def test_files_of_a_pack_come_in_order_with_size_and_sum(tmp_path, md5):
    pack = one_pack(tmp_path, volume_bytes=20_000)
    ((name, files),) = pack.items()
    with serve(Ign(pack, per_page=3, md5=md5)) as (url, _):
        got = index.list_files(f"{url}{INDEX}/{name}", HASTY)
    assert [(f.name, f.size_bytes) for f in got] == [(n, len(c)) for n, c in files] and len(
        files
    ) > 3
    assert all(bool(f.md5) == (md5 != "gone") for f in got)


def fetch_from(server, data, departments=("75",), year=None):
    with serve(server) as (url, asked):
        return fetch_departments(
            list(departments), year, url + INDEX, data / "aerial_data", HASTY
        ), asked


def test_department_is_fetched_through_busy_servers_and_cut_connections(data, tmp_path):
    pack = one_pack(tmp_path)
    ((name, files),) = pack.items()
    content = dict(files)

    def fault(path, number):
        file = path.rpartition("/")[2]
        if path.startswith(INDEX) and number == 0:
            return Reply(b"busy", 429, headers={"Retry-After": "0"})
        if file in content and number == 0:
            return Reply(content[file], cut=len(content[file]) // 3)
        return Reply(b"", 500) if file in content and number == 1 else None

    faults, _ = fetch_from(Ign(pack, fault=fault), data)
    assert faults == [] and len(found_in(data).tiles) == 1


def nasty(kind, seed):
    """First answers of a server for a volume's content; then it behaves."""
    place = np.random.default_rng(seed).integers

    def replies(content):
        changed = bytes(byte ^ 255 for byte in content)
        cut = int(place(len(content)))
        return {
            "cut anywhere": [Reply(content, cut=cut), Reply(content, cut=cut // 2)],
            "range ignored": [Reply(content, cut=cut), Reply(content, ranges=False)],
            "length lies": [
                Reply(content, length=len(content) + 9),
                Reply(content, length=len(content) - 9),
            ],
            "body swapped": [
                Reply(changed, cut=cut, headers={"ETag": '"x"'}),
                Reply(content, headers={"ETag": '"x"'}),
            ],
            "busy": [Reply(b"", 503), Reply(b"", 429, headers={"Retry-After": "0"})],
        }[kind]

    return replies


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "kind", ["cut anywhere", "range ignored", "length lies", "body swapped", "busy"]
)
def test_pack_comes_whole_from_a_nasty_server(data, tmp_path, kind, seed):
    pack = one_pack(tmp_path)
    ((_, files),) = pack.items()
    first = {name: nasty(kind, seed)(content) for name, content in files}

    def fault(path, number):
        replies = first.get(path.rpartition("/")[2], [])
        return replies[number] if number < len(replies) else None

    for _ in range(2):  # a length that lies to the end is an error; the next run mends it
        faults, _ = fetch_from(Ign(pack, fault=fault), data)
        first = {}
    assert faults == []
    assert all((data / "aerial_data" / name).read_bytes() == content for name, content in files)


@pytest.mark.parametrize(
    ("server", "message"),
    [
        ({"md5": "wrong"}, "MD5"),
        (
            {
                "fault": lambda path, n: (
                    Reply(b"<html>moved</html>") if path.startswith(INDEX) else None
                )
            },
            "Atom|XML",
        ),
        ({"fault": lambda path, n: Reply(b"", 503) if path.startswith(INDEX) else None}, "503"),
        ({"fault": lambda path, n: Reply(b"", 404) if path.startswith(DOWNLOAD) else None}, "404"),
        (
            {"fault": lambda path, n: Reply(b"short") if path.startswith(DOWNLOAD) else None},
            "bytes",
        ),
    ],
)
def test_what_cannot_be_fetched_is_told_and_nothing_half_is_left(data, tmp_path, server, message):
    faults, _ = fetch_from(Ign(one_pack(tmp_path), **server), data)
    assert len(faults) == 1
    with pytest.raises(InputError, match=message):
        raise faults[0]
    assert not [path for path in (data / "aerial_data").iterdir() if archives.is_archive(path)]


def test_one_department_failing_does_not_stop_the_others(data, tmp_path):
    faults, _ = fetch_from(Ign(one_pack(tmp_path, "092")), data, ("75", "92"))
    assert len(faults) == 1 and "75" in str(faults[0])
    assert list((data / "aerial_data").glob("*D092*"))


def imagery(*assignments):
    return load("default", [f"imagery.{assignment}" for assignment in assignments]).imagery


def test_index_is_asked_only_for_what_is_missing(data, tmp_path):
    write_pack(data / "aerial_data", "075", 2014, [(W, N)])
    two = pd.concat([cells(), cells_over(W + 400, N - 400, W + 800, N, "92")]).drop_duplicates(
        "idINSPIRE"
    )
    with serve(Ign(one_pack(tmp_path, "092", corners=[(W + 400, N)]))) as (url, asked):
        arguments = imagery(f"index_url={url}{INDEX}"), "Test", data, data / "aerial_data", HASTY
        found, faults = collect.from_archives(two, *arguments)
        assert faults == [] and sorted(found.tiles["department"]) == ["75", "92"]
        assert asked and not [path for path, _ in asked if "D075" in path]
        count = len(asked)
        collect.from_archives(two, *arguments)
        assert len(asked) == count


def test_no_network_is_used_where_the_imagery_is_in_place(data):
    write_pack(
        data / "aerial_data", "075", 2014, [(W - 400, N + 400), (W, N), (W + 400, N), (W, N + 400)]
    )
    with serve(lambda *_: pytest.fail("asked")) as (url, asked):
        collect.from_archives(
            cells(), imagery(f"index_url={url}"), "Test", data, data / "aerial_data", HASTY
        )
    assert asked == []


# WMS


def wms_requests(url, layer="L", pixel_m=2.0, wanted=None):
    return getmap.requests_for(cells() if wanted is None else wanted, url + WMS, layer, pixel_m)


def test_requests_lie_on_the_pixel_grid_and_hold_the_cell():
    squares = cells().to_crs("EPSG:2154").geometry
    for request, square in zip(wms_requests("http://h", pixel_m=0.2), squares, strict=True):
        assert shapely.box(*request.bounds).contains(square.buffer(4))
        assert np.allclose(np.array(request.bounds) * 5, np.round(np.array(request.bounds) * 5))
        assert request.bounds[2] - request.bounds[0] == pytest.approx(request.width * 0.2)


def test_request_of_a_1km_cell_holds_it_at_the_size_of_its_image():
    ids = pd.Series(["CRS3035RES1000mN2887000E3760000"])
    kilometre = gpd.GeoDataFrame(
        {"idINSPIRE": ids}, geometry=selection.squares(ids), crs="EPSG:3035"
    )
    (request,) = wms_requests("http://h", pixel_m=1.25, wanted=kilometre)
    assert shapely.box(*request.bounds).contains(
        kilometre.to_crs("EPSG:2154").geometry.iloc[0].buffer(25)
    )
    assert 800 < request.width == pytest.approx(request.height, abs=3) and request.width < 1000


def test_images_of_cells_are_fetched_once_with_date_and_hash(data):
    folder = data / "aerial_data" / "wms" / "L"
    with serve(Ign()) as (url, asked):
        wanted = wms_requests(url)
        assert wms.fetch_images(wanted, folder, HASTY) == []
        table = wms.image_table(wanted, cells(), data, folder, "L")
        assert len(asked) == len(wanted) == len(table) and table["sha256"].str.len().eq(64).all()
        (folder / f"{wanted[0].cell_id}.tif").write_bytes(b"cut short")
        wms.fetch_images(wanted, folder, HASTY)
        assert len(asked) == len(wanted) + 1
        wms.fetch_images(wms_requests(url, layer="M"), folder, HASTY)
        assert len(asked) == 2 * len(wanted) + 1  # another layer is another image
    assert table["fetched"].str.match(r"20\d\d-").all() and covered_share(
        cells(), table
    ).min() == pytest.approx(1)


def test_each_cell_is_cut_from_its_own_image(data):
    folder = data / "aerial_data" / "wms" / "L"
    with serve(Ign()) as (url, _):
        wanted = wms_requests(url)
        wms.fetch_images(wanted, folder, HASTY)
    table = wms.image_table(wanted, cells(), data, folder, "L")
    for cell in cells_with_tiles(cells(), table, data):
        assert [tile.name for tile in cell.tiles] == [f"{cell.id}.tif"] and cell.tiles[
            0
        ].campaign_year is None


def wms_faults(data, **server):
    layer = server.pop("layer", "L")
    with serve(Ign(**server)) as (url, asked):
        return wms.fetch_images(wms_requests(url, layer), data / "wms", HASTY), asked


def image_reply(**options):
    def fault(path, number):
        bounds = (W, N - 100, W + 100, N)
        return Reply(
            geotiff(Ign().paint, options.get("bounds", bounds), *options.get("size", (50, 50)))
        )

    return fault


@pytest.mark.parametrize(
    ("server", "message"),
    [
        ({"layer": "NOPE"}, "LayerNotDefined.*NOPE unknown"),
        ({"fault": image_reply()}, "50 x 50 px"),
        ({"fault": lambda path, n: Reply(b"II*\x00 garbage")}, "no image"),
        ({"fault": lambda path, n: Reply(b"")}, "no image"),
        ({"fault": lambda path, n: Reply(b"", 400)}, "400"),
        ({"fault": lambda path, n: Reply(b"", 503)}, "503"),
    ],
)
def test_what_is_not_the_image_asked_for_is_recognised(data, server, message):
    faults, _ = wms_faults(data, **server)
    assert len(faults) == len(cells())
    with pytest.raises(InputError, match=message):
        raise faults[0]
    assert not list((data / "wms").iterdir())


def test_image_of_another_place_is_refused(data):
    def elsewhere(path, number):
        request = next(r for r in wms_requests("http://h") if f"{r.bounds[0]:.3f}" in path)
        bounds = tuple(edge + 3 for edge in request.bounds)
        return Reply(geotiff(Ign().paint, bounds, request.width, request.height))

    faults, _ = wms_faults(data, fault=elsewhere)
    with pytest.raises(InputError, match="lies at"):
        raise faults[0]


def test_blank_answer_is_no_imagery_and_is_not_asked_for_again(data):
    blank = Ign(paint=lambda x, y: np.full((3, *x.shape), 255, np.uint8))
    with serve(blank) as (url, asked):
        wanted = wms_requests(url)
        for _ in range(2):
            assert wms.fetch_images(wanted, data / "wms", HASTY) == []
        assert len(asked) == len(wanted)
    assert wms.image_table(wanted, cells(), data, data / "wms", "L").empty


def test_passing_faults_of_the_server_pass(data):
    replies = [Reply(b"", 429, headers={"Retry-After": "0"}), Reply(b"", 500)]
    faults, asked = wms_faults(data, fault=lambda path, n: replies[n] if n < 2 else None)
    assert faults == [] and len(asked) == 3 * len(cells())


def test_dead_server_is_given_up_soon(data, monkeypatch):
    monkeypatch.setattr(wms, "FAILURES_MOST", 3)
    monkeypatch.setattr(wms, "THREADS", 2)
    many = cells_over(W, N - 2000, W + 2000, N)
    with serve(Ign(fault=lambda path, n: Reply(b"", 400))) as (url, asked):
        faults = wms.fetch_images(wms_requests(url, wanted=many), data / "wms", HASTY)
    assert len(faults) == 3 and len(asked) < 10 < len(many)


def test_never_more_requests_a_second_than_allowed(data, monkeypatch):
    monkeypatch.setattr(wms, "REQUESTS_PER_SECOND", 20)
    server = Ign()
    with serve(server) as (url, _):
        wms.fetch_images(
            wms_requests(url, wanted=cells_over(W, N - 600, W + 600, N)), data / "wms", HASTY
        )
    times = np.sort(server.times)
    assert len(times) > 8 and (times[-1] - times[0]) / (len(times) - 1) >= 0.045


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
    (tmp_path / "results" / "Test").mkdir(parents=True)
    cells().to_parquet(tmp_path / "results" / "Test" / "cells.parquet")
    with serve(Ign()) as (url, _):
        settings = ["imagery.source=wms", f"imagery.wms_url={url}{WMS}", "imagery.pixel_size_m=2"]
        options = [word for setting in settings for word in ("--set", setting)]
        failed = run_04(tmp_path, *options, "--set", "imagery.wms_layer=NOPE")
        done = run_04(tmp_path, *options)
        again = run_04(tmp_path, *options)
    assert (
        failed.returncode == 2
        and "LayerNotDefined" in failed.stderr
        and "Traceback" not in failed.stderr
    )
    assert done.returncode == 0 and "up to date" in again.stdout
    assert len(gpd.read_parquet(tmp_path / "results" / "Test" / "tiles.parquet")) == len(cells())
