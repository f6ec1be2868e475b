"""Imagery that is there in part: cut downloads, lost archives, bad packs, packs of other pixels."""

import pandas as pd
import pytest

from loopback import HASTY, Reply, serve
from offered_packs import BDORTHO, asked_files, collected, pack_folder, served
from provider_server import DOWNLOAD, INDEX, Ign
from small_packs import N, W, archive, cells, cells_over, write_pack
from urbancam.sources.ign import collect
from urbancam.workflow.errors import InputError
from urbancam.workflow.settings.settings import load

pytestmark = pytest.mark.usefixtures("unhurried_index")


# an interrupted download


@pytest.mark.parametrize("killed_at", range(6))
def test_pack_of_which_some_volumes_are_there_is_completed(data, tmp_path, killed_at):
    pack = served(tmp_path)
    files = next(iter(pack.values()))
    for name, content in files[:killed_at]:
        (data / "aerial_data" / name).write_bytes(content)
    with serve(Ign(pack)) as (url, requests):
        city_tiles, faults = collected(url, data)
    assert faults == []
    assert len(city_tiles.tiles) == 1
    assert asked_files(requests) == [name for name, _ in files[killed_at:]]


def test_pack_whose_first_volume_is_missing_is_completed(data, tmp_path, caplog):
    caplog.set_level("INFO")
    pack = served(tmp_path, "075", 2018)
    files = next(iter(pack.values()))
    for name, content in files[1:]:
        (data / "aerial_data" / name).write_bytes(content)
    collected("http://127.0.0.1:9", data, None, "fetch=false")
    assert f"volumes are missing: {files[0][0]}" in caplog.text
    with serve(Ign(pack | served(tmp_path, "075", 2021))) as (url, requests):
        city_tiles, faults = collected(url, data)
    assert faults == []
    assert list(city_tiles.tiles["campaign_year"]) == [2018]
    assert asked_files(requests) == [files[0][0]]


def test_volumes_in_a_folder_of_their_own_are_completed_there(data, tmp_path):
    pack = served(tmp_path)
    files = next(iter(pack.values()))
    own_folder = data / "aerial_data" / "from IGN"
    own_folder.mkdir()
    for name, content in files[:3]:
        (own_folder / name).write_bytes(content)
    with serve(Ign(pack)) as (url, requests):
        city_tiles, faults = collected(url, data, cells(800))
    assert faults == []
    assert asked_files(requests) == [name for name, _ in files[3:]]
    assert len(list(own_folder.iterdir())) == len(files)


def test_rest_of_an_archive_beside_the_whole_campaign_stops_nothing(data, tmp_path):
    folder = pack_folder(tmp_path)
    archive(folder, data / "aerial_data", 30_000)[2].unlink()
    archive(folder, data / "aerial_data")
    beyond_the_pack = cells(800)
    with serve(lambda *_: pytest.fail("asked")) as (url, requests):
        city_tiles, faults = collected(url, data, beyond_the_pack)
    assert (requests, faults) == ([], [])
    assert collect.report_coverage(beyond_the_pack, city_tiles, faults)["without"] == 0


def test_of_two_editions_of_a_campaign_the_one_that_was_begun_is_completed(data, tmp_path):
    ((name, files),) = served(tmp_path, "075", 2018).items()
    later = [(file.replace("-01-01", "-06-01"), content) for file, content in files]
    (data / "aerial_data" / files[0][0]).write_bytes(files[0][1])
    packs = {name: files, name.replace("-01-01", "-06-01"): later}
    with serve(Ign(packs)) as (url, requests):
        _, faults = collected(url, data)
    assert faults == []
    assert asked_files(requests) == [file for file, _ in files[1:]]


def test_volume_that_the_server_lacks_is_told_and_fetched_later(data, tmp_path):
    pack = served(tmp_path)
    files = next(iter(pack.values()))

    def without_the_third(path, number):
        return Reply(b"", 404) if path.endswith(".003") else None

    with serve(Ign(pack, fault=without_the_third)) as (url, _):
        for _ in range(2):
            city_tiles, faults = collected(url, data)
            assert "404" in str(faults[0])
    with serve(Ign(pack)) as (url, requests):
        city_tiles, faults = collected(url, data)
    assert faults == []
    assert len(city_tiles.tiles) == 1
    assert asked_files(requests) == [name for name, _ in files[2:]]


def test_going_on_without_what_could_not_be_fetched_is_possible(data, tmp_path):
    files = next(iter(served(tmp_path).values()))
    (data / "aerial_data" / files[0][0]).write_bytes(files[0][1])
    write_pack(data / "aerial_data", "092", 2020, [(W + 400, N)])
    both = pd.concat([cells(), cells_over(W + 400, N - 400, W + 800, N, "92")])
    both = both.drop_duplicates("idINSPIRE")
    city_tiles, faults = collected("http://127.0.0.1:9", data, both, "fetch=false")
    assert faults == []
    assert set(city_tiles.tiles["department"]) == {"92"}


@pytest.mark.parametrize("size_bytes", [0, 10, 40_000])
def test_single_archive_cut_short_is_gone_on_with(data, tmp_path, size_bytes):
    pack = served(tmp_path, volume_bytes=None)
    ((name, content),) = next(iter(pack.values()))
    (data / "aerial_data" / name).write_bytes(content[:size_bytes])
    with serve(Ign(pack)) as (url, requests):
        city_tiles, faults = collected(url, data)
    assert faults == []
    assert len(city_tiles.tiles) == 1
    ranges = [headers.get("Range") for path, headers in requests if path.startswith(DOWNLOAD)]
    assert ranges == ([f"bytes={max(size_bytes - 4096, 0)}-"] if size_bytes else [None])


def test_linked_archive_cut_short_is_completed(data, tmp_path, monkeypatch):
    pack = served(tmp_path)
    ((pack_name, files),) = pack.items()
    links = tmp_path / "links.txt"
    monkeypatch.setattr(collect, "LINKS", links)
    for name, content in files[:3]:
        (data / "aerial_data" / name).write_bytes(content)
    (data / "aerial_data" / files[1][0]).write_bytes(files[1][1][:9_000])
    with serve(Ign(pack, fault=lambda path, _: pytest.fail() if INDEX in path else None)) as (
        url,
        _,
    ):
        lines = [f"{url}{DOWNLOAD}/{pack_name}/{name}" for name, _ in files]
        links.write_text("\n".join(["[Test]", *lines]))
        city_tiles, faults = collected(url, data)
    assert faults == []
    assert len(city_tiles.tiles) == 1


def test_newer_campaign_does_not_replace_the_one_that_was_begun(data, tmp_path):
    begun = served(tmp_path, "075", 2018)
    name, content = next(iter(begun.values()))[0]
    (data / "aerial_data" / f"{name}.part").write_bytes(content[:100])
    with serve(Ign(begun | served(tmp_path, "075", 2021))) as (url, _):
        city_tiles, _ = collected(url, data)
    assert list(city_tiles.tiles["campaign_year"]) == [2018]


# what is expected


def test_what_the_imagery_will_take_is_said_by_department(data, tmp_path, caplog):
    caplog.set_level("INFO")
    pack = served(tmp_path, "092", 2018, corners=[(W + 400, N)])
    other = BDORTHO.format("0M20", "092", 2015)
    archive(pack_folder(tmp_path, corners=[(W, N)]), data / "aerial_data", 30_000)
    both = pd.concat([cells(), cells_over(W + 450, N - 350, W + 750, N, "92")])
    with serve(Ign(pack | {other: []})) as (url, requests):
        imagery = load("default", [f"imagery.index_url={url}{INDEX}"]).imagery
        arguments = (both.drop_duplicates("idINSPIRE"), imagery, "Test", data / "aerial_data")
        expectation = collect.expect_from_archives(*arguments, HASTY)
    assert expectation.offers["92"].name in pack
    assert f"{other}, {next(iter(pack))} on offer" in caplog.text
    assert "together 6 cells, 0.0 GB to fetch" in caplog.text
    assert "0 of 1 tiles unpacked" in caplog.text
    assert asked_files(requests) == []
    assert not list((data / "aerial_data").rglob("*.jp2"))


def test_border_tile_still_packed_counts_as_imagery_of_the_neighbour(data, tmp_path):
    corners = [(W - 400, N), (W, N), (W - 400, N + 400), (W, N + 400)]
    archive(pack_folder(tmp_path, corners=corners), data / "aerial_data", 30_000)
    both = pd.concat([cells().iloc[:1], cells().iloc[1:].assign(department="92")])
    with serve(lambda *_: pytest.fail("asked")) as (url, requests):
        collected(url, data, both)
    assert requests == []


# packs that are bad


def damage(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)


def test_bad_pack_of_a_department_does_not_stop_the_others(data, tmp_path):
    bad_pack = write_pack(tmp_path, "075", 2014, [(W, N)])
    damage(archive(bad_pack, data / "aerial_data")[0])
    both = pd.concat([cells(), cells_over(W + 400, N - 400, W + 800, N, "92")])
    with serve(Ign(served(tmp_path, "092", corners=[(W + 400, N)]))) as (url, _):
        city_tiles, faults = collected(url, data, both.drop_duplicates("idINSPIRE"))
    assert set(city_tiles.tiles["department"]) == {"92"}
    assert any("damaged" in str(fault) and bad_pack.name in str(fault) for fault in faults)


def test_bad_pack_that_is_not_needed_is_only_named(data, tmp_path, caplog):
    caplog.set_level("INFO")
    write_pack(data / "aerial_data", "075", 2014, [(W, N), (W, N + 400), (W - 400, N + 400)])
    (data / "aerial_data" / "download.7z").write_bytes(b"<html>")
    inside = cells_over(W + 50, N - 350, W + 350, N)
    city_tiles, faults = collected("http://127.0.0.1:9", data, inside)
    assert faults == []
    assert len(city_tiles.tiles)
    assert "download: the file is neither zip nor 7z" in caplog.text


def test_index_unpacked_in_part_is_unpacked_again(data, tmp_path):
    pack = pack_folder(tmp_path)
    archive(pack, data / "aerial_data", 30_000)
    collected("http://127.0.0.1:9", data, None, "fetch=false")
    for suffix in ("dbf", "shx"):
        next((data / "aerial_data").rglob(f"dalles.{suffix}")).unlink()
    city_tiles, faults = collected("http://127.0.0.1:9", data, None, "fetch=false")
    assert faults == []
    assert len(city_tiles.tiles) == 1


# tiles that are missing


def without_archives(data):
    for path in (data / "aerial_data").glob("*.7z*"):
        path.unlink()


def test_second_city_of_a_department_whose_archive_is_gone_gets_its_tiles(data, tmp_path):
    pack = served(tmp_path)
    east = cells_over(W + 450, N - 350, W + 750, N)
    with serve(Ign(pack)) as (url, requests):
        collected(url, data)
        without_archives(data)
        requests.clear()
        collected(url, data)
        assert requests == []  # the first city has what it needs
        city_tiles, faults = collected(url, data, east)
        assert asked_files(requests) == [name for name, _ in next(iter(pack.values()))]
        requests.clear()
        collected(url, data, east)
        assert requests == []
    assert faults == []
    assert city_tiles.holdings.absent == {}
    assert collect.report_coverage(east, city_tiles, faults)["without"] == 0


def test_tiles_missing_without_network_are_told(data):
    pack = pack_folder(data / "aerial_data")
    for tile in pack.rglob("*.jp2"):
        tile.unlink()
    city_tiles, faults = collected("http://127.0.0.1:9", data)
    assert "given up" in str(faults[0])
    city_tiles, faults = collected("http://127.0.0.1:9", data, None, "fetch=false")
    assert faults == []
    with pytest.raises(InputError, match="no cell has imagery"):
        collect.report_coverage(cells(), city_tiles, faults)


def test_campaign_whose_tiles_are_missing_is_completed_rather_than_replaced(data, tmp_path):
    pack = pack_folder(data / "aerial_data", "075", 2018)
    for tile in pack.rglob("*.jp2"):
        tile.unlink()
    with serve(Ign(served(tmp_path, "075", 2018) | served(tmp_path, "075", 2021))) as (url, _):
        city_tiles, faults = collected(url, data)
    assert faults == []
    assert list(city_tiles.tiles["campaign_year"]) == [2018]


def test_whole_archive_without_a_tile_is_not_fetched_again(data, tmp_path):
    pack = pack_folder(tmp_path)
    next(pack.rglob("*6500*.jp2")).unlink()
    archive(pack, data / "aerial_data", 30_000)
    with serve(lambda *_: pytest.fail("asked")) as (url, requests):
        city_tiles, faults = collected(url, data)
    assert requests == []
    assert city_tiles.tiles.empty


def test_tile_cut_short_is_fetched_again(data, tmp_path):
    pack = pack_folder(data / "aerial_data")
    tile = next(pack.rglob("*6500*.jp2"))
    whole = tile.read_bytes()
    tile.write_bytes(whole[:500])
    with serve(Ign(served(tmp_path))) as (url, _):
        _, faults = collected(url, data)
    assert faults == []
    assert tile.read_bytes() == whole


# pixel sizes


@pytest.mark.parametrize("packed", [("2014",), ("2018",), ("2014", "2018"), ()])
def test_wanted_pixel_size_goes_before_the_newer_campaign(data, tmp_path, packed, caplog):
    caplog.set_level("INFO")
    for year, pixel in ((2014, "0M20"), (2018, "0M50")):
        top = tmp_path / pixel if str(year) in packed else data / "aerial_data"
        folder = pack_folder(top, "075", year, pixel=pixel)
        if str(year) in packed:
            archive(folder, data / "aerial_data", 30_000)
    city_tiles, faults = collected("http://127.0.0.1:9", data, None, "fetch=false")
    assert faults == []
    assert list(city_tiles.tiles["campaign_year"]) == [2014]
    assert "coarser" in caplog.text
    city_tiles, _ = collected("http://127.0.0.1:9", data, None, "fetch=false", "pixel_size_m=0.5")
    assert list(city_tiles.tiles["campaign_year"]) == [2018]


def test_unpacked_coarse_pack_does_not_shadow_the_packed_fine_one_of_its_year(data, tmp_path):
    pack_folder(data / "aerial_data", "075", 2018, pixel="0M50")
    fine = pack_folder(tmp_path, "075", 2018)
    archive(fine, data / "aerial_data", 30_000)
    city_tiles, _ = collected("http://127.0.0.1:9", data, None, "fetch=false")
    assert list(city_tiles.tiles["pack"]) == [fine.name]


@pytest.mark.parametrize("place", ["here", "served"])
def test_coarser_pack_is_taken_only_if_asked_for(data, tmp_path, place, caplog):
    caplog.set_level("INFO")
    packs = {}
    if place == "here":
        pack_folder(data / "aerial_data", pixel="0M50")
    else:
        packs = served(tmp_path, pixel="0M50")
    with serve(Ign(packs)) as (url, _):
        city_tiles, faults = collected(url, data)
        assert city_tiles.tiles.empty
        assert "imagery.coarser=true" in str(faults[0])
        city_tiles, faults = collected(url, data, None, "coarser=true")
    assert faults == []
    assert len(city_tiles.tiles) == 1
    assert "coarser than imagery.pixel_size_m" in caplog.text


@pytest.mark.parametrize("is_packed", [False, True])
def test_pack_without_a_telling_name_is_told_by_its_tiles(data, tmp_path, is_packed):
    old = pack_folder(tmp_path, "075", 2014)
    folder = tmp_path / "imagery" if is_packed else data / "aerial_data" / "imagery"
    folder.mkdir()
    for path in [*old.rglob("*.jp2"), *old.rglob("dalles.*")]:
        path.rename(folder / path.name)
    if is_packed:
        archive(folder, data / "aerial_data")
    pack_folder(data / "aerial_data", "075", 2018)
    city_tiles, _ = collected("http://127.0.0.1:9", data, None, "fetch=false")
    assert list(city_tiles.tiles["campaign_year"]) == [2018]
    city_tiles, _ = collected("http://127.0.0.1:9", data, None, "fetch=false", "year=2014")
    assert list(city_tiles.tiles["pack"]) == ["imagery"]


# years


@pytest.mark.parametrize(
    ("year", "expected"),
    [
        ("{nearest: 2015}", 2014),
        ("{nearest: 2016}", 2018),
        ("{75: 2014}", 2014),
        ("{92: 2014}", 2018),
        ("{92: 2018, nearest: 1999}", 2014),
    ],
)
@pytest.mark.parametrize("place", ["here", "served"])
def test_year_nearest_or_by_department(data, tmp_path, place, year, expected):
    packs = {}
    for campaign in (2014, 2018):
        if place == "here":
            pack_folder(data / "aerial_data", "075", campaign)
        else:
            packs |= served(tmp_path, "075", campaign)
    with serve(Ign(packs)) as (url, _):
        city_tiles, faults = collected(url, data, None, f"year={year}")
    assert faults == []
    assert list(city_tiles.tiles["campaign_year"]) == [expected]
