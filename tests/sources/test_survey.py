"""Which of several campaigns in place serves: half a campaign, mixed folders, what is fetched."""

import pytest

from loopback import Reply, serve
from offered_packs import asked_files, collected, pack_folder, served
from provider_server import DOWNLOAD, INDEX, Ign
from small_packs import (
    N,
    W,
    archive,
    archive_with_damaged_tiles,
    cells,
    noise,
    write_tile,
)
from urbancam.sources.ign import collect
from urbancam.sources.imagery.overlay import cells_with_tiles
from urbancam.workflow.errors import InputError

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("unhurried_index")]

BOTH = cells(800)
NOWHERE = "http://127.0.0.1:9"


def half_a_pack(data, year=2018, keeps="6500", top=None):
    """An unpacked pack of two tiles, of which one is gone, as is its archive."""
    pack = pack_folder(top or data / "aerial_data", "075", year)
    for tile in pack.rglob("*.jp2"):
        if keeps not in tile.name:
            tile.unlink()
    return pack


def years(city_tiles):
    return sorted(set(city_tiles.tiles["campaign_year"]))


def bare_cells(city_tiles, faults=()):
    """How many cells have no imagery; faults are raised."""
    return collect.report_coverage(BOTH, city_tiles, list(faults))["without"]


# half a campaign


@pytest.mark.slow
@pytest.mark.parametrize(
    ("offered", "assignments"),
    [
        ({"year": 2014}, ()),
        ({"year": 2014, "pixel": "0M50"}, ("coarser=true",)),
        ({"year": 2018, "pixel": "0M50"}, ("coarser=true",)),
    ],
)
def test_half_a_campaign_gives_way_to_the_whole_one_that_is_on_offer(
    data, tmp_path, offered, assignments
):
    half_a_pack(data)
    pack = served(tmp_path, "075", **offered)
    with serve(Ign(pack)) as (url, requests):
        city_tiles, faults = collected(url, data, BOTH, *assignments)
        assert asked_files(requests) == [name for name, _ in next(iter(pack.values()))]
        assert bare_cells(city_tiles, faults) == 0
        assert set(city_tiles.tiles["pack"]) == set(pack)
        requests.clear()
        again, faults = collected(url, data, BOTH, *assignments)
        assert (asked_files(requests), faults) == ([], [])
        assert set(again.tiles["pack"]) == set(pack)


@pytest.mark.slow
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("offered", [2021, None])
def test_half_a_campaign_that_nobody_completes_goes_behind_a_whole_one(
    data, tmp_path, offered, packed, caplog
):
    caplog.set_level("INFO")
    half_a_pack(data)
    whole = pack_folder(tmp_path if packed else data / "aerial_data", "075", 2014)
    if packed:
        archive(whole, data / "aerial_data", 30_000)
    with serve(Ign(served(tmp_path, "075", offered) if offered else {})) as (url, requests):
        city_tiles, faults = collected(url, data, BOTH)
    assert asked_files(requests) == []
    assert faults == []
    assert years(city_tiles) == [2014]
    assert bare_cells(city_tiles) == 0
    serves = f"2014 at 0.2 m serves {len(BOTH)} cells; preferred, but not whole: 2018 at 0.2 m"
    assert serves in caplog.text


@pytest.mark.slow
@pytest.mark.parametrize("keeps", ["6500", "none"])
def test_half_a_campaign_is_completed_where_it_is_on_offer(data, tmp_path, keeps):
    half_a_pack(data, keeps=keeps)
    pack_folder(data / "aerial_data", "075", 2014)
    packs = served(tmp_path, "075", 2018) | served(tmp_path, "075", 2021)
    with serve(Ign(packs)) as (url, requests):
        city_tiles, faults = collected(url, data, BOTH)
    assert bare_cells(city_tiles, faults) == 0
    assert years(city_tiles) == [2018]
    assert all("2018" in name for name in asked_files(requests))


@pytest.mark.slow
def test_volumes_of_a_campaign_are_completed_beside_a_whole_older_one(data, tmp_path):
    pack_folder(data / "aerial_data", "075", 2014)
    pack = served(tmp_path, "075", 2018)
    (files,) = pack.values()
    (data / "aerial_data" / files[0][0]).write_bytes(files[0][1])
    city_tiles, faults = collected(NOWHERE, data, BOTH, "fetch=false")
    assert bare_cells(city_tiles, faults) == 0
    assert years(city_tiles) == [2014]
    with serve(Ign(pack)) as (url, requests):
        city_tiles, faults = collected(url, data, BOTH)
    assert asked_files(requests) == [name for name, _ in files[1:]]
    assert bare_cells(city_tiles, faults) == 0
    assert years(city_tiles) == [2018]


@pytest.mark.slow
def test_half_a_campaign_is_completed_by_its_links_beside_a_whole_one(data, tmp_path, monkeypatch):
    half_a_pack(data)
    pack_folder(data / "aerial_data", "075", 2014)
    ((pack_name, files),) = served(tmp_path, "075", 2018).items()
    links = tmp_path / "links.txt"
    monkeypatch.setattr(collect, "LINKS", links)
    with serve(Ign({pack_name: files})) as (url, requests):
        lines = [f"{url}{DOWNLOAD}/{pack_name}/{name}" for name, _ in files]
        links.write_text("\n".join(["[Test]", *lines]))
        city_tiles, faults = collected(url, data, BOTH)
    assert not [path for path, _ in requests if path.startswith(INDEX)]
    assert bare_cells(city_tiles, faults) == 0
    assert years(city_tiles) == [2018]


def test_older_half_campaign_is_not_completed_beside_a_whole_newer_one(data):
    half_a_pack(data, 2014)
    pack_folder(data / "aerial_data", "075", 2018)
    with serve(lambda *_: pytest.fail("asked")) as (url, requests):
        city_tiles, faults = collected(url, data, BOTH)
    assert (requests, faults, years(city_tiles)) == ([], [], [2018])


def test_server_that_does_not_answer_does_not_decide_the_campaign(data):
    half_a_pack(data)
    pack_folder(data / "aerial_data", "075", 2014)

    def down(path, _):
        return Reply(b"", 404) if path.startswith(f"{INDEX}/") else Reply(b"no feed")

    with serve(Ign(fault=down)) as (url, _):
        _, faults = collected(url, data, BOTH)
    assert "imagery.fetch=false" in str(faults[0])


@pytest.mark.parametrize(
    ("whole", "assignments"),
    [({"year": 2014}, ()), ({"year": 2018, "pixel": "0M50"}, ("coarser=true",))],
)
def test_without_fetching_a_whole_campaign_goes_before_half_a_better_one(data, whole, assignments):
    half_a_pack(data)
    pack = pack_folder(data / "aerial_data", "075", **whole)
    city_tiles, faults = collected(NOWHERE, data, BOTH, "fetch=false", *assignments)
    assert bare_cells(city_tiles, faults) == 0
    assert set(city_tiles.tiles["pack"]) == {pack.name}


def test_one_year_that_is_asked_for_is_not_replaced(data):
    half_a_pack(data)
    pack_folder(data / "aerial_data", "075", 2014)
    city_tiles, faults = collected(NOWHERE, data, BOTH, "fetch=false", "year=2018")
    assert years(city_tiles) == [2018]
    assert bare_cells(city_tiles, faults) > 0


def test_coarse_campaign_does_not_stand_in_unasked(data):
    half_a_pack(data)
    pack_folder(data / "aerial_data", "075", 2018, pixel="0M50")
    city_tiles, faults = collected(NOWHERE, data, BOTH, "fetch=false")
    assert bare_cells(city_tiles, faults) > 0


def test_where_no_campaign_is_whole_each_cell_takes_the_best_that_covers_it(data, caplog):
    caplog.set_level("INFO")
    half_a_pack(data, 2018, keeps="6500")
    half_a_pack(data, 2014, keeps="6504")
    city_tiles, faults = collected(NOWHERE, data, BOTH, "fetch=false")
    assert bare_cells(city_tiles, faults) == 0
    of_cells = cells_with_tiles(BOTH, city_tiles.tiles, data)
    first_years = [cell.tiles[0].campaign_year for cell in of_cells]
    assert set(first_years) == {2014, 2018}
    for year in (2014, 2018):
        assert f"{year} at 0.2 m serves {first_years.count(year)} cells" in caplog.text


def test_damaged_newer_pack_goes_behind_a_whole_one(data, tmp_path, caplog):
    caplog.set_level("INFO")
    pack_folder(data / "aerial_data", "075", 2014)
    damaged = archive(pack_folder(tmp_path, "075", 2018), data / "aerial_data")[0]
    content = bytearray(damaged.read_bytes())
    content[-20] ^= 255
    damaged.write_bytes(content)
    city_tiles, faults = collected(NOWHERE, data, BOTH, "fetch=false")
    assert bare_cells(city_tiles, faults) == 0
    assert years(city_tiles) == [2014]
    assert damaged.name.removesuffix(".7z") in caplog.text


def test_archive_that_proves_damaged_while_unpacked_goes_behind_a_whole_campaign(
    data, tmp_path, caplog
):
    caplog.set_level("INFO")
    archive(pack_folder(tmp_path, "075", 2014), data / "aerial_data", 30_000)
    archive_with_damaged_tiles(pack_folder(tmp_path, "075", 2018), data / "aerial_data")
    for assignment in ("fetch=false", "fetch=true"):
        with serve(Ign({})) as (url, _):
            city_tiles, faults = collected(url, data, BOTH, assignment)
        assert bare_cells(city_tiles, faults) == 0
        assert years(city_tiles) == [2014]
    assert "2014 at 0.2 m serves" in caplog.text


def test_archive_that_proves_damaged_while_unpacked_stops_only_those_who_fetch(data, tmp_path):
    archive_with_damaged_tiles(pack_folder(tmp_path, "075", 2018), data / "aerial_data")
    half_a_pack(data, 2014)
    with serve(Ign({})) as (url, _):
        _, faults = collected(url, data, BOTH)
    assert any("damaged" in fault.what and "fetch=false" in fault.do for fault in faults)
    city_tiles, faults = collected(NOWHERE, data, BOTH, "fetch=false")
    assert years(city_tiles) == [2014]
    assert 0 < bare_cells(city_tiles, faults) < len(BOTH)


def test_what_is_in_place_is_said_once(data, tmp_path, monkeypatch, caplog):
    caplog.set_level("INFO")
    pack_folder(data / "aerial_data", "033", 2018)
    pack_folder(data / "aerial_data", "075", 2018, pixel="0M50")
    (data / "aerial_data" / "half.7z").write_bytes(b"")
    ((pack_name, files),) = served(tmp_path, "075", 2018).items()
    links = tmp_path / "links.txt"
    monkeypatch.setattr(collect, "LINKS", links)
    with serve(Ign({pack_name: files})) as (url, _):
        links.write_text(f"[Test]\n{url}{DOWNLOAD}/{pack_name}/{files[0][0]}\n")
        collected(url, data, BOTH)
    for line in ("are not used", "coarser than", "half is not whole yet"):
        assert caplog.text.count(line) == 1


# several campaigns at one place


def loose(data, year, pixel_m=2.0, west=W, department="75"):
    """A loose tile of 400 m, among others in one folder."""
    pixel = f"{pixel_m:.2f}".replace(".", "M")
    name = f"{department}-{year}-{west // 100:04d}-{N // 100:04d}-LA93-{pixel}-E080.tif"
    pixels = noise(year, round(400 / pixel_m))
    return write_tile(data / "aerial_data" / "mine" / name, pixels, west, N, pixel_m)


def taken(data, *assignments):
    """Years and packs of the tiles; pixels of 2 m are the wanted ones."""
    assignments = ["fetch=false", "pixel_size_m=2.0", *assignments]
    city_tiles, faults = collected(NOWHERE, data, BOTH, *assignments)
    assert faults == []
    return city_tiles


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [("year=null", 2018), ("year=2014", 2014), ("year={nearest: 2015}", 2014)],
)
def test_mixed_folder_of_loose_tiles_is_taken_by_year(data, assignment, expected):
    for year in (2014, 2018):
        for west in (W, W + 400):
            loose(data, year, west=west)
    city_tiles = taken(data, assignment)
    assert years(city_tiles) == [expected]
    assert bare_cells(city_tiles) == 0


def test_coarse_tile_in_a_loose_folder_excludes_no_other(data, caplog):
    caplog.set_level("INFO")
    for west in (W, W + 400):
        loose(data, 2014, west=west)
    loose(data, 2018, 4.0)
    city_tiles = taken(data)
    assert years(city_tiles) == [2014]
    assert bare_cells(city_tiles) == 0
    assert "coarser than imagery.pixel_size_m 2.0 m and not used: mine (75, 2018 at 4 m)" in (
        caplog.text
    )


@pytest.mark.parametrize("whole", [False, True])
def test_newer_coarse_tile_does_not_win_over_a_finer_one(data, whole):
    loose(data, 2014)
    loose(data, 2018, 4.0)
    loose(data, *((2014, 2.0) if whole else (2018, 4.0)), west=W + 400)
    city_tiles = taken(data, "coarser=true")
    assert bare_cells(city_tiles) == 0
    of_cells = [cell.tiles for cell in cells_with_tiles(BOTH, city_tiles.tiles, data)]
    first_years = [tiles[0].campaign_year for tiles in of_cells]
    assert set(first_years) == ({2014} if whole else {2014, 2018})
    in_both = [tiles for tiles in of_cells if all("6500" in tile.name for tile in tiles)]
    assert in_both and all(tiles[0].campaign_year == 2014 for tiles in in_both)


def test_tiles_of_two_departments_in_one_folder_obey_a_year_by_department(data):
    for year in (2014, 2018):
        loose(data, year, department="75")
        loose(data, year, west=W + 400, department="92")
    two = BOTH.assign(department=["75" if i % 2 else "92" for i in range(len(BOTH))])
    assignments = ["fetch=false", "pixel_size_m=2.0", "year={75: 2014, 92: 2018}"]
    city_tiles, _ = collected(NOWHERE, data, two, *assignments)
    tiles = city_tiles.tiles.set_index("department")
    assert tiles["campaign_year"].to_dict() == {"75": 2014, "92": 2018}


def test_two_halves_of_one_campaign_in_two_packs_are_whole_together(data, tmp_path):
    half_a_pack(data, keeps="6500")
    other = half_a_pack(data, keeps="6504", top=data / "aerial_data" / "from a colleague")
    pack_folder(data / "aerial_data", "075", 2014)
    city_tiles, faults = collected(NOWHERE, data, BOTH, "fetch=false")
    assert bare_cells(city_tiles, faults) == 0
    assert years(city_tiles) == [2018]
    assert other.is_dir()


def test_year_that_a_packs_name_does_not_tell_is_told_by_its_tiles(data):
    pack = pack_folder(data / "aerial_data", "075", 2018)
    pack.rename(pack.with_name("BDORTHO_2-0_RVB-0M20_JP2-E080_LAMB93_D075"))
    pack_folder(data / "aerial_data", "075", 2014)
    assert years(collected(NOWHERE, data, BOTH, "fetch=false")[0]) == [2018]
    assert years(collected(NOWHERE, data, BOTH, "fetch=false", "year=2014")[0]) == [2014]


# years by department


@pytest.mark.parametrize("code", ["075", "20", "96", "977"])
def test_year_of_what_is_no_department_is_refused(data, code):
    with pytest.raises(InputError, match=f"no department {code}; the city's cells lie in 75"):
        collected(NOWHERE, data, BOTH, "fetch=false", f"year={{'{code}': 2014}}")


def test_year_of_a_department_that_the_city_does_not_touch_is_said(data, caplog):
    caplog.set_level("INFO")
    pack_folder(data / "aerial_data", "075", 2018)
    collected(NOWHERE, data, BOTH, "fetch=false", "year={75: 2018, 92: 2014, 974: 2022}")
    assert "imagery.year names 92, 974, where no cell of the city lies" in caplog.text
