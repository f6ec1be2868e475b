"""How much of the disk a city's imagery takes at a time, and what is refused for lack of room."""

from collections import namedtuple

import pandas as pd
import pytest

from loopback import HASTY, Reply, serve
from offered_packs import BDORTHO
from provider_server import DOWNLOAD, INDEX, Ign
from small_packs import N, W, archive, cells_over, write_pack
from urbancam.sources.download import archives, fetching
from urbancam.sources.ign import collect, room
from urbancam.sources.ign.campaigns import CampaignChoice
from urbancam.sources.ign.consumed_tiles import Consumer
from urbancam.sources.ign.links import RemoteFile
from urbancam.sources.ign.room import Portion
from urbancam.sources.ign.survey import survey
from urbancam.workflow.errors import InputError
from urbancam.workflow.settings.settings import load

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("unhurried_index")]

DEPARTMENTS = ("75", "92", "93")


@pytest.fixture(scope="module")
def packs(tmp_path_factory):
    """Packs of three departments side by side, of four tiles each, of which one is needed."""
    top = tmp_path_factory.mktemp("served")
    packs = {}
    for number, department in enumerate(DEPARTMENTS):
        west = W + 400 * number
        corners = [(west, N - 400 * row) for row in range(4)]
        folder = write_pack(top, f"0{department}", 2021, corners, inner="BDORTHO")
        files = [(path.name, path.read_bytes()) for path in archive(folder, top, 100_000)]
        packs[folder.name] = files
    return packs


def three_departments():
    boxes = [(W + 400 * n + 50, N - 350, W + 400 * n + 350, N) for n in range(len(DEPARTMENTS))]
    parts = [cells_over(*box, name) for box, name in zip(boxes, DEPARTMENTS, strict=True)]
    return pd.concat(parts).drop_duplicates("idINSPIRE")


def collected(url, data, tmp_path, throws_away):
    imagery = load("default", [f"imagery.index_url={url}{INDEX}"]).imagery
    consumer = Consumer(tmp_path / "results" / "Test", throws_away=throws_away)
    folder = data / "aerial_data"
    return collect.from_archives(
        three_departments(), imagery, "Test", data, folder, HASTY, consumer
    )


def weigh_after(module, name, folder, weights, monkeypatch):
    """Note the bytes of a folder after each call of a function."""
    call = getattr(module, name)

    def weighed(*args, **kwargs):
        got = call(*args, **kwargs)
        weights.append(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()))
        return got

    monkeypatch.setattr(module, name, weighed)


def archive_bytes(pack):
    return sum(len(content) for _, content in pack)


def free_disk(monkeypatch, free_bytes):
    usage = namedtuple("Usage", "total used free")(10**9, 0, free_bytes)
    monkeypatch.setattr(room.shutil, "disk_usage", lambda path: usage)


def test_archives_go_one_after_the_other(data, tmp_path, packs, monkeypatch):
    weights = []
    weigh_after(fetching, "fetch", data, weights, monkeypatch)
    weigh_after(archives, "unpack", data, weights, monkeypatch)
    with serve(Ign(packs)) as (url, _):
        city_tiles, faults = collected(url, data, tmp_path, throws_away=True)
    sizes = [archive_bytes(pack) for pack in packs.values()]
    tile_bytes = city_tiles.tiles["size_bytes"].sum()
    assert faults == [] and set(city_tiles.tiles["pack"]) == set(packs)
    assert not list(data.rglob("*.7z*"))
    small_files = 0.1 * max(sizes)  # indices, and what is noted
    assert max(weights) <= max(sizes) + tile_bytes + small_files < sum(sizes)


def test_archives_stay_where_nothing_is_to_be_thrown_away(data, tmp_path, packs):
    with serve(Ign(packs)) as (url, _):
        collected(url, data, tmp_path, throws_away=False)
    names = {name for pack in packs.values() for name, _ in pack}
    assert {path.name for path in data.rglob("*.7z*")} == names


@pytest.mark.parametrize("throws_away", [False, True])
def test_what_the_disk_has_no_room_for_is_refused_before_it_is_fetched(
    data, tmp_path, packs, monkeypatch, throws_away
):
    largest = max(archive_bytes(pack) for pack in packs.values())
    # Room for one archive and its tiles, or not even for that.
    free_disk(monkeypatch, largest if throws_away else 3 * largest)
    with (
        serve(Ign(packs)) as (url, requests),
        pytest.raises(InputError, match="GB at a time") as refusal,
    ):
        collected(url, data, tmp_path, throws_away)
    assert not any(DOWNLOAD in path for path, _ in requests)
    assert ("set imagery.throw_away=true" in refusal.value.do) is not throws_away
    assert "wms_departments_below" in refusal.value.do


def test_what_does_not_fit_is_said_before(data, packs, monkeypatch, caplog):
    caplog.set_level("INFO")
    free_disk(monkeypatch, 1000)
    with serve(Ign(packs)) as (url, _):
        imagery = load("default", [f"imagery.index_url={url}{INDEX}"]).imagery
        cells = three_departments()
        collect.expect_from_archives(cells, imagery, "Test", data / "aerial_data", HASTY)
    assert "that does not fit: free some disk" in caplog.text


def test_full_disk_stops_no_city_whose_imagery_is_there(data, tmp_path, packs, monkeypatch):
    with serve(Ign(packs)) as (url, _):
        collected(url, data, tmp_path, throws_away=False)
        free_disk(monkeypatch, 0)
        _, faults = collected(url, data, tmp_path, throws_away=False)
    assert faults == []


@pytest.mark.parametrize(("throws_away", "expected"), [(False, 150), (True, 95)])
def test_peak_is_of_one_archive_at_a_time(throws_away, expected):
    # 50 and 5; the first archive goes, and 80 and 10 come beside its 5.
    portions = [Portion(50, 5, 50), Portion(80, 10, 80), Portion(0, 5, 100)]
    assert room.peak_bytes(portions, throws_away) == expected


def test_images_of_single_cells_are_part_of_the_sum(data, caplog):
    caplog.set_level("INFO")
    settings = ["imagery.wms_departments_below=1000", "imagery.pixel_size_m=0.2"]
    imagery = load("default", settings).imagery
    cells = three_departments()
    expectation = collect.expect_from_archives(cells, imagery, "Test", data / "aerial_data", HASTY)
    count = (cells["department"] == "75").sum()
    assert f"75: {count} cells; {count} images come through the WMS" in caplog.text
    # A cell has 1,000 x 1,000 px of 3 bytes, turned and with a margin.
    portions = expectation.portions(cells, data / "aerial_data")
    fetch_bytes = sum(portion.fetch_bytes for portion in portions)
    assert 3e6 < fetch_bytes / len(cells) < 5e6


def test_images_of_single_cells_need_room_too(data, tmp_path, monkeypatch):
    free_disk(monkeypatch, 1000)
    imagery = load("default", ["imagery.wms_departments_below=1000"]).imagery
    with pytest.raises(InputError, match="GB at a time"):
        collect.from_archives(
            three_departments(), imagery, "Test", data, data / "aerial_data", HASTY
        )


def test_link_whose_size_nobody_says_is_of_unknown_size(data, tmp_path, monkeypatch, caplog):
    caplog.set_level("INFO")
    links = tmp_path / "links.txt"
    monkeypatch.setattr(collect, "LINKS", links)
    name = BDORTHO.format("0M20", "75", 2021)
    with serve(lambda *_: Reply(status=404)) as (url, _):
        links.write_text(f"[Test]\n{url}/{name}.7z.001\n{url}/{name}.7z.002\n")
        imagery = load("default", []).imagery
        cells = cells_over(W, N - 400, W + 400, N)
        expectation = collect.expect_from_archives(
            cells, imagery, "Test", data / "aerial_data", HASTY
        )
    assert caplog.text.count("0.0 GB to fetch and 2 files of unknown size") == 2
    # Their tiles are estimated by the ground.
    assert expectation.portions(cells, data / "aerial_data")[0].tile_bytes > 5e6


def test_archive_behind_a_linked_folder_is_not_freed(data, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    folder = write_pack(tmp_path, "075", 2021, [(W, N)])
    archive(folder, elsewhere, 30_000)
    (data / "aerial_data" / "disk").symlink_to(elsewhere)
    holdings = survey(cells_over(W, N - 400, W + 400, N), data / "aerial_data", CampaignChoice())
    (portion,) = room.portions_in_place(holdings, data / "aerial_data")
    assert portion.tile_bytes > 0
    assert portion.archive_bytes == 0


def test_tiles_of_a_pack_that_is_not_here_are_estimated_by_the_ground(tmp_path):
    file = RemoteFile("http://x/BDORTHO_2-0_RVB-0M20_JP2-E080_LAMB93_D075_2021-01-01.7z", 10**12)
    cells = cells_over(W + 300, N - 700, W + 700, N - 300)
    portion = room.portion_to_fetch([file], cells, tmp_path)
    # They lie in one square kilometre, a tile of 5000 x 5000 px.
    assert portion == Portion(10**12, int(25e6 * 3 / 8), 10**12)
