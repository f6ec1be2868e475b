"""Packs, tile index, Atom and WMS clients, against a server that behaves like IGN's, errors included."""

import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from loopback import HASTY, Reply, serve
from provider_server import DOWNLOAD, INDEX, WMS, Ign, geotiff
from small_packs import archive, cells_over, write_pack

from urbancam.errors import InputError
from urbancam.ign import collect, index, packs, wms
from urbancam.ign.fetching import fetch_departments, fetch_linked
from urbancam.ign.tiles import covered_share, find_tiles
from urbancam.imagery.overlay import cells_with_tiles
from urbancam.settings import load

ROOT = Path(__file__).resolve().parents[1]
W, N = 650_000, 6_864_000
BDORTHO = "BDORTHO_2-0_RVB-0M20_JP2-E080_LAMB93_D{:0>3}_{}-01-01"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(index, "INTERVAL_S", 0.0)


@pytest.fixture
def data(tmp_path):
    (tmp_path / "data" / "aerial_data").mkdir(parents=True)
    return tmp_path / "data"


def cells(east_m=400, department="75"):
    return cells_over(W, N - 400, W + east_m, N, department)


def found_in(data, wanted=None, year=None):
    return find_tiles(cells() if wanted is None else wanted, data, data / "aerial_data", year)


# names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ORTHOHR_1-0_RVB-0M20_JP2-E080_LAMB93_D075_2014-01-01", ("75", 2014, "RVB", "0M20")),
        ("BDORTHO_2-0_IRC-0M20_JP2-E080_LAMB93_D02A_2021-01-01.7z.001", ("2A", 2021, "IRC", "0M20")),
        ("BDORTHO_2-0_RVB-0M15_JP2-E080_RGR92UTM40S_D974_2022-01-01", ("974", 2022, "RVB", "0M15")),
        ("OHR_RVB_0M20_JP2-E080_LAMB93_D75-2014", ("75", 2014, "RVB", "0M20")),
    ],
)
def test_pack_names_are_read(text, expected):
    name = packs.parse_name(text)
    assert (name.department, name.year, name.bands, name.pixel) == expected


@pytest.mark.parametrize("text", ["", "GRAPHE-MOSAIQUAGE_1-0_SHP_D075", "BDTOPO_3-0_SHP_LAMB93_D075_2021-01-01", "Paris"])
def test_other_names_are_no_packs(text):
    assert packs.parse_name(text) is None


@given(st.text(max_size=80))
def test_any_text_may_be_a_name(text):
    packs.parse_name(text)
    assert "/" not in packs.tile_name(text) and "\\" not in packs.tile_name(text)


@pytest.mark.parametrize("nom", ["./a.jp2", "a.jp2", ".\\a.jp2", "D:\\x\\a.jp2", "../../a.jp2", " a.jp2 "])
def test_nom_may_begin_with_anything(nom):
    assert packs.tile_name(nom) == "a.jp2"


# packs in place


@pytest.mark.parametrize("prefix", ["./", ""])
@pytest.mark.parametrize("inner", ["ORTHOHR", "BDORTHO"])
@pytest.mark.parametrize("above", ["", "x", "x/y/z"])
def test_any_number_of_folders_above(data, prefix, inner, above):
    write_pack(data / "aerial_data", "075", 2014, [(W, N)], prefix=prefix, inner=inner, above=above)
    found = found_in(data)
    row = found.tiles.iloc[0]
    assert (data / row["path"]).is_file() and row["size_bytes"] == (data / row["path"]).stat().st_size
    assert (row["department"], row["campaign_year"], len(found.tiles)) == ("75", 2014, 1)


def test_pack_straight_in_the_drop_folder_without_a_telling_name(data):
    folder = write_pack(data / "aerial_data", "075", 2014, [(W, N)])
    folder.rename(data / "aerial_data" / "my imagery")
    row = found_in(data).tiles.iloc[0]
    assert (row["department"], row["campaign_year"]) == ("75", 2014)  # from the tile's own name


def test_only_the_needed_tiles_of_a_multi_volume_archive_are_unpacked(data, tmp_path):
    pack = write_pack(tmp_path, "075", 2014, [(W, N), (W + 400, N), (W, N + 400)])
    archive(pack, data / "aerial_data", volume_bytes=100_000)
    found = found_in(data)
    assert list(found.tiles["name"]) == ["75-2014-6500-68640-LA93-0M20-E080.jp2"]
    assert len(list(data.rglob("*.jp2"))) == 1


def test_tile_replaced_by_another_of_its_size_is_noticed(data):
    write_pack(data / "aerial_data", "075", 2014, [(W, N)])
    before = found_in(data).tiles
    tile = data / before["path"].iloc[0]
    content = bytearray(tile.read_bytes())
    content[-100] ^= 1  # within the code stream: still an image
    tile.write_bytes(content)
    after = found_in(data).tiles
    assert list(after["size_bytes"]) == list(before["size_bytes"]) and len(after) == 1
    assert list(after["signature"]) != list(before["signature"])


def test_unpacked_tiles_outlive_their_archive_and_a_truncated_one_is_unpacked_again(data, tmp_path):
    pack = write_pack(tmp_path, "075", 2014, [(W, N)])
    volumes = archive(pack, data / "aerial_data", volume_bytes=60_000)
    tile = data / found_in(data).tiles["path"].iloc[0]
    whole = tile.read_bytes()
    (damaged := tile).write_bytes(whole[:1000])
    with pytest.raises(InputError, match="0M20"):
        found_in(data)
    damaged.unlink()
    found_in(data)
    assert tile.read_bytes() == whole
    for volume in volumes:
        volume.unlink()
    assert len(found_in(data).tiles) == 1


def test_missing_volume_is_named(data, tmp_path):
    volumes = archive(write_pack(tmp_path, "075", 2014, [(W, N)]), data / "aerial_data", volume_bytes=30_000)
    volumes[1].unlink()
    with pytest.raises(InputError, match=r"7z\.002"):
        found_in(data)


def test_tile_named_by_the_index_and_not_there_is_told(data):
    pack = write_pack(data / "aerial_data", "075", 2014, [(W, N), (W + 400, N)])
    gone = next(pack.rglob("*6504*.jp2"))
    gone.unlink()
    found = found_in(data, cells(800))
    assert found.absent == {pack.name: [gone.name]} and len(found.tiles) == 1


def test_both_packs_of_a_border_are_kept_and_the_newest_comes_first(data):
    write_pack(data / "aerial_data", "075", 2014, [(W, N)])
    write_pack(data / "aerial_data", "092", 2015, [(W, N)])
    wanted = pd.concat([cells(), cells(department="92").iloc[:1]]).drop_duplicates("idINSPIRE", keep="last")
    found = found_in(data, wanted)
    assert sorted(found.tiles["department"]) == ["75", "92"]
    assert [tile.campaign_year for tile in cells_with_tiles(wanted, found.tiles, data, 200)[0].tiles] == [2015, 2014]


@pytest.mark.parametrize(("year", "expected"), [(None, 2017), (2014, 2014)])
def test_newest_campaign_or_the_one_asked_for(data, year, expected):
    for campaign in (2014, 2017):
        write_pack(data / "aerial_data", "075", campaign, [(W, N)])
    assert list(found_in(data, year=year).tiles["campaign_year"]) == [expected]


def test_infrared_and_other_departments_are_left_out(data):
    infrared = write_pack(data / "aerial_data", "075", 2014, [(W, N)])
    infrared.rename(infrared.with_name(infrared.name.replace("RVB", "IRC")))
    write_pack(data / "aerial_data", "013", 2014, [(W, N)])
    assert found_in(data).tiles.empty


def write_index(data, frame):
    pack = write_pack(data / "aerial_data", "075", 2014, [(W, N)])
    path = next(pack.rglob("dalles.shp"))
    frame.to_file(path)
    return path


def footprints(columns, count=1, crs="EPSG:2154", west=W):
    return gpd.GeoDataFrame(columns, geometry=[shapely.box(west, N - 400, west + 400, N)] * count, crs=crs)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (footprints({"FICHIER": ["a.jp2"]}), "FICHIER"),
        (footprints({"NOM": ["./a.jp2", "a.jp2"]}, 2), "more than once"),
        (footprints({"NOM": ["75-2014-6500-68640-LA93-0M20-E080.jp2"]}, west=W + 100), r"650100\.0"),
        (footprints({"NOM": ["a.jp2"]}, crs="EPSG:4326"), "WGS 84"),
    ],
)
def test_index_that_cannot_be_right_is_refused(data, frame, message):
    write_index(data, frame)
    with pytest.raises(InputError, match=message):
        found_in(data, cells(900))


def test_damaged_index_is_refused(data):
    path = write_index(data, footprints({"NOM": ["a.jp2"]}))
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(InputError, match="tile index"):
        found_in(data)


@pytest.mark.parametrize("content", [b"", b"no image", b"\x00\x00\x00\x0cjP  \r\n\x87\n"])
def test_tile_that_is_no_image_is_refused(data, content):
    pack = write_pack(data / "aerial_data", "075", 2014, [(W, N)])
    tile = next(pack.rglob("*.jp2"))
    tile.write_bytes(content)
    with pytest.raises(InputError, match=tile.name):
        found_in(data)


def test_index_without_a_coordinate_system_is_lambert_93(data):
    pack = write_pack(data / "aerial_data", "075", 2014, [(W, N)])
    next(pack.rglob("dalles.prj")).unlink()
    assert found_in(data).tiles.crs == "EPSG:2154"


# links


def links(tmp_path, text):
    path = tmp_path / "links.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_links_of_the_city_and_no_other(tmp_path):
    path = links(tmp_path, "# all\n[Saint-Étienne]\nhttp://h/a.7z.001  # first\n#http://h/dead.7z\n\nhttp://h/a.7z.002\n[Lyon]\nhttp://h/b.7z\n")
    assert [f.name for f in index.read_links(path, "saint etienne")] == ["a.7z.001", "a.7z.002"]
    assert index.read_links(path, "Paris") == [] and index.read_links(tmp_path / "none", "Paris") == []


@pytest.mark.parametrize("line", ["ftp://h/a.7z", "a.7z", "http://h", "http://h/", "http://h/a b"])
def test_line_that_is_no_address_is_refused_with_its_number(tmp_path, line):
    with pytest.raises(InputError, match="line 2"):
        index.read_links(links(tmp_path, f"[Lyon]\n{line}\n"), "Lyon")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=100))
def test_any_text_may_stand_in_the_links_file(tmp_path, text):
    try:
        index.read_links(links(tmp_path, "[Lyon]\n" + text.encode("utf-8", "replace").decode()), "Lyon")
    except InputError as error:
        assert "line" in error.where


def test_the_projects_own_links_file_is_in_order():
    assert index.read_links(ROOT / "aerial_links.txt", "Paris") == []


def test_linked_archives_are_fetched_once_and_user_info_stays_secret(data, tmp_path, caplog):
    caplog.set_level("INFO")
    folder = data / "aerial_data"
    with serve(Ign({"P": [("P.7z", b"7z" * 99)]})) as (url, asked):
        secret = url.replace("//", "//user:secret@")
        files = [index.RemoteFile(f"{secret}{DOWNLOAD}/P/{name}") for name in ("P.7z", "Q.7z")]
        faults = fetch_linked(files, folder, HASTY)
        assert fetch_linked(files[:1], folder, HASTY) == [] and len(asked) == 2
    assert (folder / "P.7z").read_bytes() == b"7z" * 99 and len(faults) == 1
    everything = caplog.text + str(faults[0]) + repr(faults) + "".join(p.read_text(errors="replace") for p in folder.iterdir())
    assert "secret" not in everything and "Q.7z" in str(faults[0])


# IGN's index


def one_pack(tmp_path, department="075", year=2021, volume_bytes=60_000, corners=((W, N),)):
    """A pack as the server holds it: {name: [(file, bytes)]}."""
    name = BDORTHO.format(department, year)
    folder = write_pack(tmp_path / f"{department}{year}", department, year, list(corners), inner="BDORTHO")
    folder = folder.rename(folder.with_name(name))
    return {name: [(path.name, path.read_bytes()) for path in archive(folder, folder.parent, volume_bytes)]}


def test_newest_colour_pack_of_20_cm_is_found_over_many_pages():
    names = [BDORTHO.format("075", year) for year in (2018, 2021, 2024)]
    others = [names[2].replace("RVB", "IRC"), names[2].replace("0M20", "0M15"), BDORTHO.format("092", 2025), "GRAPHE_D075_2024"]
    with serve(Ign(dict.fromkeys(others + names, []), per_page=2)) as (url, asked):
        assert index.find_pack(url + INDEX, "75", None, HASTY)[0] == names[2]
        assert index.find_pack(url + INDEX, "75", 2018, HASTY)[0] == names[0]
        with pytest.raises(InputError, match="2024") as raised:
            index.find_pack(url + INDEX, "75", 2017, HASTY)
    assert "page=3" in asked[2][0] and "2017" in str(raised.value)


@pytest.mark.parametrize("md5", ["content", "file", "gone"])
def test_files_of_a_pack_come_in_order_with_size_and_sum(tmp_path, md5):
    pack = one_pack(tmp_path, volume_bytes=20_000)
    (name, files), = pack.items()
    with serve(Ign(pack, per_page=3, md5=md5)) as (url, _):
        got = index.list_files(f"{url}{INDEX}/{name}", HASTY)
    assert [(f.name, f.size_bytes) for f in got] == [(n, len(c)) for n, c in files] and len(files) > 3
    assert all(bool(f.md5) == (md5 != "gone") for f in got)


def fetch_from(server, data, departments=("75",), year=None):
    with serve(server) as (url, asked):
        return fetch_departments(list(departments), year, url + INDEX, data / "aerial_data", HASTY), asked


def test_department_is_fetched_through_busy_servers_and_cut_connections(data, tmp_path):
    pack = one_pack(tmp_path)
    (name, files), = pack.items()
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


@pytest.mark.parametrize(
    ("server", "message"),
    [
        ({"md5": "wrong"}, "MD5"),
        ({"fault": lambda path, n: Reply(b"<html>moved</html>") if path.startswith(INDEX) else None}, "Atom|XML"),
        ({"fault": lambda path, n: Reply(b"", 503) if path.startswith(INDEX) else None}, "503"),
        ({"fault": lambda path, n: Reply(b"", 404) if path.startswith(DOWNLOAD) else None}, "404"),
        ({"fault": lambda path, n: Reply(b"short") if path.startswith(DOWNLOAD) else None}, "bytes"),
    ],
)
def test_what_cannot_be_fetched_is_told_and_nothing_half_is_left(data, tmp_path, server, message):
    faults, _ = fetch_from(Ign(one_pack(tmp_path), **server), data)
    assert len(faults) == 1
    with pytest.raises(InputError, match=message):
        raise faults[0]
    assert not [path for path in (data / "aerial_data").iterdir() if packs.download.is_archive(path)]


def test_one_department_failing_does_not_stop_the_others(data, tmp_path):
    faults, _ = fetch_from(Ign(one_pack(tmp_path, "092")), data, ("75", "92"))
    assert len(faults) == 1 and "75" in str(faults[0])
    assert list((data / "aerial_data").glob("*D092*"))


def imagery(*assignments):
    return load("default", [f"imagery.{assignment}" for assignment in assignments]).imagery


def test_index_is_asked_only_for_what_is_missing(data, tmp_path):
    write_pack(data / "aerial_data", "075", 2014, [(W, N)])
    two = pd.concat([cells(), cells_over(W + 400, N - 400, W + 800, N, "92")]).drop_duplicates("idINSPIRE")
    with serve(Ign(one_pack(tmp_path, "092", corners=[(W + 400, N)]))) as (url, asked):
        arguments = imagery(f"index_url={url}{INDEX}"), "Test", data, data / "aerial_data", HASTY
        found, faults = collect.from_archives(two, *arguments)
        assert faults == [] and sorted(found.tiles["department"]) == ["75", "92"]
        assert asked and not [path for path, _ in asked if "D075" in path]
        count = len(asked)
        collect.from_archives(two, *arguments)
        assert len(asked) == count


def test_no_network_is_used_where_the_imagery_is_in_place(data):
    write_pack(data / "aerial_data", "075", 2014, [(W - 400, N + 400), (W, N), (W + 400, N), (W, N + 400)])
    with serve(lambda *_: pytest.fail("asked")) as (url, asked):
        collect.from_archives(cells(), imagery(f"index_url={url}"), "Test", data, data / "aerial_data", HASTY)
    assert asked == []


# coverage


def test_coverage_is_told_by_department_and_faults_are_not_swallowed(data, caplog):
    caplog.set_level("INFO")
    write_pack(data / "aerial_data", "075", 2014, [(W, N)])
    two = pd.concat([cells(), cells_over(W + 900, N - 400, W + 1300, N, "92")])
    found = found_in(data, two)
    share = covered_share(two, found.tiles)
    assert share[two["department"] == "92"].max() == 0 and share.max() == pytest.approx(1)
    counts = collect.report_coverage(two, found, [])
    assert counts["without"] == (share == 0).sum() and "department 92" in caplog.text
    with pytest.raises(InputError, match="could not be fetched: x .and 1 more"):
        collect.report_coverage(two, found, [InputError("x", "y", "z"), InputError("x2")])


def test_no_imagery_at_all_says_which_departments_to_fetch(data):
    with pytest.raises(InputError, match="departments 75"):
        collect.report_coverage(cells(), found_in(data), [])


# WMS


def wms_requests(url, layer="L", pixel_m=2.0, wanted=None):
    return wms.requests_for(cells() if wanted is None else wanted, url + WMS, layer, pixel_m)


def test_requests_lie_on_the_pixel_grid_and_hold_the_cell():
    for request, square in zip(wms_requests("http://h", pixel_m=0.2), cells().to_crs("EPSG:2154").geometry, strict=True):
        assert shapely.box(*request.bounds).contains(square.buffer(4))
        assert np.allclose(np.array(request.bounds) * 5, np.round(np.array(request.bounds) * 5))
        assert request.bounds[2] - request.bounds[0] == pytest.approx(request.width * 0.2)


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
    assert table["fetched"].str.match(r"20\d\d-").all() and covered_share(cells(), table).min() == pytest.approx(1)


def test_each_cell_is_cut_from_its_own_image(data):
    folder = data / "aerial_data" / "wms" / "L"
    with serve(Ign()) as (url, _):
        wanted = wms_requests(url)
        wms.fetch_images(wanted, folder, HASTY)
    table = wms.image_table(wanted, cells(), data, folder, "L")
    for cell in cells_with_tiles(cells(), table, data, 200):
        assert [tile.name for tile in cell.tiles] == [f"{cell.id}.tif"] and cell.tiles[0].campaign_year is None


def wms_faults(data, **server):
    layer = server.pop("layer", "L")
    with serve(Ign(**server)) as (url, asked):
        return wms.fetch_images(wms_requests(url, layer), data / "wms", HASTY), asked


def image_reply(**options):
    def fault(path, number):
        bounds = (W, N - 100, W + 100, N)
        return Reply(geotiff(Ign().paint, options.get("bounds", bounds), *options.get("size", (50, 50))))

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
    faults, asked = wms_faults(data, fault=lambda path, n: [Reply(b"", 429, headers={"Retry-After": "0"}), Reply(b"", 500)][n] if n < 2 else None)
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
        wms.fetch_images(wms_requests(url, wanted=cells_over(W, N - 600, W + 600, N)), data / "wms", HASTY)
    times = np.sort(server.times)
    assert len(times) > 8 and (times[-1] - times[0]) / (len(times) - 1) >= 0.045


# the script


def run_04(tmp_path, *options):
    words = [sys.executable, ROOT / "code" / "04_download_aerial.py", "--city", "Test", "--data", tmp_path / "data",
             "--results", tmp_path / "results", *options]  # fmt: skip
    return subprocess.run([str(word) for word in words], capture_output=True, text=True)


def test_script_takes_the_wms_and_says_what_fails_without_a_traceback(data, tmp_path):
    (tmp_path / "results" / "Test").mkdir(parents=True)
    cells().to_parquet(tmp_path / "results" / "Test" / "cells.parquet")
    with serve(Ign()) as (url, _):
        options = ["--set", "imagery.source=wms", "--set", f"imagery.wms_url={url}{WMS}", "--set", "imagery.pixel_size_m=2"]
        failed = run_04(tmp_path, *options, "--set", "imagery.wms_layer=NOPE")
        done = run_04(tmp_path, *options)
        again = run_04(tmp_path, *options)
    assert failed.returncode == 2 and "LayerNotDefined" in failed.stderr and "Traceback" not in failed.stderr
    assert done.returncode == 0 and "up to date" in again.stdout
    assert len(gpd.read_parquet(tmp_path / "results" / "Test" / "tiles.parquet")) == len(cells())
