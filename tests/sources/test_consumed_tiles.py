"""Tiles and archives thrown away once their cells are cut: nothing is stale or fetched for it."""

import numpy as np
import pandas as pd
import pytest

from loopback import serve
from provider_server import DOWNLOAD, INDEX, Ign
from samples import run_script
from small_packs import N, W, archive, cells_over, write_pack
from urbancam.sources.ign import atom, collect, tiles
from urbancam.workflow.records import consumed

pytestmark = pytest.mark.slow

WEST_CITY = (W + 50, N - 350, W + 350, N)
EAST_CITY = (W + 450, N - 350, W + 750, N)
BOTH_CITY = (W + 50, N - 350, W + 750, N)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(atom, "INTERVAL_S", 0.0)


@pytest.fixture
def ign(tmp_path):
    """A server with a pack of two tiles; its address and the requests so far."""
    folder = write_pack(tmp_path / "served", "075", 2021, [(W, N), (W + 400, N)], inner="BDORTHO")
    files = [(path.name, path.read_bytes()) for path in archive(folder, folder.parent, 60_000)]
    with serve(Ign({folder.name: files})) as (url, requests):
        yield url, requests


class Place:
    """A data and a results folder, and steps 04 and 05 in them."""

    def __init__(self, top, url):
        self.data, self.results, self.url = top / "data", top / "results", url
        self.aerial = self.data / "aerial_data"

    def add_city(self, city, *boxes):
        cells = pd.concat([cells_over(*box) for box in boxes], ignore_index=True)
        cells = cells.assign(ind=9.0, men=4.0, value=2e4, imputed=False)
        folder = self.results / city
        folder.mkdir(parents=True, exist_ok=True)
        cells.to_parquet(folder / "cells.parquet")

    def run(self, city, *steps, throw_away=True, force=False, again=False, **imagery):
        settings = {
            "index_url": f"{self.url}{INDEX}",
            "pixel_size_m": 2,
            "throw_away": str(throw_away).lower(),
        } | imagery
        words = [f"imagery.{key}={value}" for key, value in settings.items()]
        words = [word for setting in words for word in ("--set", setting)]
        words += ["--force"] * force + ["--again"] * again
        folders = ["--data", self.data, "--results", self.results, "--workers", "1"]
        return [run_script(step, "--city", city, *folders, *words) for step in steps]

    def tables(self, city):
        return [
            (self.results / city / name).read_bytes() for name in ("tiles.parquet", "images.csv")
        ]

    def imagery(self):
        """Names of tiles and archives that are there."""
        files = [*self.aerial.rglob("*.jp2"), *self.aerial.glob("*.7z*")]
        return sorted(path.name for path in files)


@pytest.fixture
def place(tmp_path, ign):
    place = Place(tmp_path, ign[0])
    place.add_city("West", WEST_CITY)
    return place


def test_nothing_is_thrown_away_unless_asked_for(place):
    assert place.run("West", "04", "05", throw_away=False) == [0, 0]
    assert len(place.imagery()) > 1


def test_what_is_thrown_away_makes_nothing_stale_and_is_not_fetched_again(place, ign, capsys):
    assert place.run("West", "04", "05", throw_away=False) == [0, 0]
    expected = place.tables("West")
    images = {path: path.read_bytes() for path in place.results.rglob("*.png")}
    place.run("West", "05")  # asked for later
    assert place.imagery() == []
    assert list(place.aerial.rglob("dalles.shp"))

    ign[1].clear()
    capsys.readouterr()
    assert place.run("West", "04", "05", throw_away=False) == [0, 0]
    assert capsys.readouterr().out.count("up to date") == 2
    assert place.run("West", "04", "05") == [0, 0]
    (place.aerial / "note.txt").write_text("a new file makes step 04 look again")
    assert place.run("West", "04", "05") == [0, 0]
    assert ign[1] == []
    assert place.tables("West") == expected
    assert {path: path.read_bytes() for path in place.results.rglob("*.png")} == images


@pytest.mark.slow
def test_another_city_fetches_what_it_needs_again(place, ign):
    place.run("West", "04", "05")
    place.add_city("Both", BOTH_CITY)
    assert place.run("Both", "04", "05", throw_away=False) == [0, 0]
    assert len([name for name in place.imagery() if name.endswith(".jp2")]) == 2
    ign[1].clear()
    assert place.run("West", "04", "05", throw_away=False) == [0, 0]
    assert ign[1] == []


def test_what_a_city_at_hand_still_needs_stays(place):
    place.add_city("Both", BOTH_CITY)
    place.run("West", "04", throw_away=False)
    place.run("Both", "04", throw_away=False)
    assert place.run("West", "05") == [0]
    assert [name[8:12] for name in place.imagery() if name.endswith(".jp2")] == ["6500", "6504"]
    assert place.run("Both", "05") == [0]
    assert place.imagery() == []
    assert place.run("West", "04", "05") == [0, 0]


@pytest.mark.slow
def test_lost_image_is_told_and_its_tile_fetched_again(place, ign, capsys):
    place.run("West", "04", "05")
    expected = place.tables("West")
    for image in place.results.rglob("*.png"):
        image.unlink()
    capsys.readouterr()
    assert place.run("West", "05") == [2]
    assert "04_download_aerial again, with --force" in capsys.readouterr().err
    assert place.run("West", "04", force=True) == [0]
    assert place.run("West", "05") == [0]
    assert place.tables("West") == expected


def test_force_fetches_nothing_while_the_images_stand(place, ign):
    place.run("West", "04", "05")
    expected = place.tables("West")
    ign[1].clear()
    assert place.run("West", "04", "05", force=True) == [0, 0]
    assert ign[1] == []
    assert place.tables("West") == expected


@pytest.mark.slow
def test_all_comes_again_where_it_is_asked_for(place):
    place.run("West", "04", "05")
    expected = place.tables("West")
    assert place.run("West", "04", throw_away=False, force=True, again=True) == [0]
    assert place.run("West", "05", throw_away=False, force=True) == [0]
    assert len([name for name in place.imagery() if name.endswith(".jp2")]) == 1
    assert place.tables("West") == expected


@pytest.mark.slow
def test_image_of_another_size_needs_its_tile_again(place, ign):
    place.run("West", "04", "05")
    ign[1].clear()
    assert place.run("West", "04", "05", force=True, pixel_size_m=4) == [0, 0]
    assert any(DOWNLOAD in path for path, _ in ign[1])


@pytest.mark.slow
def test_cell_of_nothing_but_void_needs_no_tile_again(place, tmp_path):
    def white(_):
        return np.full((200, 200, 3), 255, np.uint8)

    write_pack(place.aerial, "075", 2018, [(W, N)], inner="BDORTHO", pixels=white)
    assert place.run("West", "04", "05") == [0, 0]
    table = pd.read_csv(place.results / "West" / "images.csv")
    assert set(table["reason"]) == {"all of it is void"}
    assert place.imagery() == []
    assert place.run("West", "04", "05", force=True) == [0, 0]
    assert pd.read_csv(place.results / "West" / "images.csv").equals(table)


@pytest.mark.slow
def test_tiles_that_come_back_leave_the_first_city_up_to_date(place, capsys):
    place.run("West", "04", "05")
    place.add_city("Twin", WEST_CITY)
    place.run("Twin", "04")
    assert len(place.imagery()) == 1
    capsys.readouterr()
    assert place.run("West", "04") == [0]
    assert "up to date" in capsys.readouterr().out


@pytest.mark.slow
def test_consumed_tile_is_not_unpacked_again_for_another(place):
    place.run("West", "04", "05")
    place.add_city("West", WEST_CITY, EAST_CITY)  # it has grown
    assert place.run("West", "04") == [0]
    assert [name[8:12] for name in place.imagery() if name.endswith(".jp2")] == ["6504"]


@pytest.mark.slow
def test_cell_that_no_pack_covers_is_not_asked_for_again(place, ign):
    place.add_city("Edge", (W - 350, N - 350, W + 350, N))
    assert place.run("Edge", "04", "05") == [0, 0]
    assert place.imagery() == []
    ign[1].clear()
    assert place.run("Edge", "04", "05", force=True) == [0, 0]
    assert ign[1] == []


@pytest.mark.slow
def test_what_a_killed_process_was_throwing_away_goes_next_time(place, monkeypatch):
    def killed(path, entry):
        if path.name.endswith(".002"):
            raise KeyboardInterrupt
        return remove(path, entry)

    remove = consumed._remove
    monkeypatch.setattr(consumed, "_remove", killed)
    assert place.run("West", "04") == [130]
    assert any(".7z." in name for name in place.imagery())
    monkeypatch.setattr(consumed, "_remove", remove)
    assert place.run("West", "04", "05") == [0, 0]
    assert place.imagery() == []


@pytest.mark.slow
def test_tile_that_another_process_throws_away_is_told_and_fetched_next_time(
    place, monkeypatch, capsys
):
    def unpack_and_lose(holdings, cells, folder):
        unpack(holdings, cells, folder)
        for path in folder.rglob("*.jp2"):
            path.unlink()

    unpack = tiles.unpack
    monkeypatch.setattr(tiles, "unpack", unpack_and_lose)
    assert place.run("West", "04") == [2]
    assert "another process may have thrown it away" in capsys.readouterr().err
    monkeypatch.setattr(tiles, "unpack", unpack)
    assert place.run("West", "04", "05") == [0, 0]


@pytest.mark.slow
def test_tile_that_stands_in_two_packs_of_one_campaign_serves_and_goes(place):
    for top in ("", "from a colleague"):
        write_pack(place.aerial / top, "075", 2018, [(W, N)], inner="BDORTHO")
    assert place.run("West", "04", "05", throw_away=False) == [0, 0]
    expected = place.tables("West")
    assert place.run("West", "05") == [0]
    assert place.run("West", "04", "05", force=True) == [0, 0]
    assert place.tables("West") == expected


def test_own_files_behind_a_link_stay(place, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    write_pack(elsewhere, "075", 2014, [(W, N)])
    place.aerial.mkdir(parents=True)
    (place.aerial / "disk").symlink_to(elsewhere)
    assert place.run("West", "04", "05") == [0, 0]
    assert list(elsewhere.rglob("*.jp2"))
    assert consumed.read(place.aerial) == {}


def test_two_processes_may_throw_the_same_file_away(tmp_path):
    (tmp_path / "tile.jp2").write_text("pixels")
    assert consumed.throw_away(tmp_path, {"tile.jp2": {"signature": "s"}}, {"tile.jp2": {"A"}}) == 6
    assert consumed.throw_away(tmp_path, {"tile.jp2": {"signature": "s"}}, {"tile.jp2": {"B"}}) == 0
    (entry,) = consumed.read(tmp_path).values()
    assert entry["by"] == ["A", "B"] and entry["signature"] == "s"


def test_nothing_is_written_where_nothing_is_to_be_thrown_away(tmp_path):
    (tmp_path / "tile.jp2").write_text("pixels")
    consumed.throw_away(tmp_path, {"tile.jp2": {"signature": "s"}}, {"tile.jp2": {"A"}})
    before = (tmp_path / consumed.LEDGER).stat().st_ino
    assert consumed.throw_away(tmp_path, {}, {}) == 0
    assert (tmp_path / consumed.LEDGER).stat().st_ino == before


def test_who_went_on_without_fetching_may_fetch_again(place, ign):
    place.add_city("Both", BOTH_CITY)
    assert place.run("West", "04", throw_away=False) == [0]
    (tile,) = place.aerial.rglob("*.jp2")
    for archive_file in place.aerial.glob("*.7z*"):
        archive_file.unlink()
    assert place.run("Both", "04", throw_away=False, fetch="false") == [0]
    assert place.imagery() == [tile.name]
    assert place.run("Both", "04", throw_away=False) == [0]
    assert len(list(place.aerial.rglob("*.jp2"))) == 2


def test_another_address_of_the_index_is_no_other_city(place, ign):
    assert place.run("West", "04", throw_away=False) == [0]
    expected = (place.results / "West" / "tiles.parquet").read_bytes()
    ign[1].clear()
    assert place.run("West", "04", throw_away=False, index_url=f"{place.url}/moved") == [0]
    assert (place.results / "West" / "tiles.parquet").read_bytes() == expected
    assert ign[1] == []


def test_dead_link_does_not_stop_a_city_that_has_its_imagery(place, monkeypatch, tmp_path):
    links = tmp_path / "links.txt"
    links.write_text(f"[West]\n{place.url}/nowhere/gone.7z\n")
    monkeypatch.setattr(collect, "LINKS", links)
    assert place.run("West", "04", throw_away=False) == [0]
