"""The images of a city: a resumed run equals a clean one."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from aerial_tiles import NORTH, WEST, tile_file, tile_table
from samples import ROOT
from small_packs import cells_over, noise, write_tile
from urbancam.sources.imagery import cutting, jobs, png, worker
from urbancam.sources.imagery.cell import Cell, image_path
from urbancam.sources.imagery.overlay import cells_with_tiles
from urbancam.sources.imagery.strips import Strips
from urbancam.sources.imagery.tile import Tile
from urbancam.sources.imagery.window import Window
from urbancam.workflow.errors import InputError


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


def times(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


def changed_since(before: dict[str, int], folder: Path) -> set[str]:
    """Names of the files that were written since."""
    return {name for name, time_ns in times(folder).items() if time_ns != before[name]}


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


@pytest.mark.slow
def test_second_run_cuts_only_what_is_truncated(city):
    cells, folder = city
    first = cutting.cut_images(cells, folder, 50, workers=1)
    before, times_before = contents(folder), times(folder)
    broken = sorted(folder.iterdir())[2]
    broken.write_bytes(before[broken.name][:-100])
    (folder / ".x.png.1.tmp.png").write_bytes(b"left by a kill")
    second = cutting.cut_images(cells, folder, 50, workers=1)
    assert changed_since(times_before, folder) == {broken.name}
    assert contents(folder) == before
    assert first.equals(second)


@pytest.mark.slow
def test_changed_tile_redoes_only_its_cells(city):
    cells, folder = city
    first = cutting.cut_images(cells, folder, 50, workers=1)
    times_before = times(folder)
    east_tile = cells[0].tiles[0].path.with_name("1.jp2")
    write_tile(east_tile, noise(9, 400), WEST + 400, NORTH, 1.0)
    second = cutting.cut_images(cells, folder, 50, workers=1)
    changed = changed_since(times_before, folder)
    in_east = [cell for cell in cells if "1.jp2" in {tile.name for tile in cell.tiles}]
    expected = {image_path(folder, cell.id).name for cell in in_east}
    assert changed == expected & set(times_before)
    assert len(changed) < len(times_before)
    assert (first["fingerprint"] != second["fingerprint"]).any()


def test_cell_outside_all_tiles_has_no_image(city, tmp_path):
    cells, folder = city
    bare = [Cell(cell.id, cell.bounds, cell.crs, ()) for cell in cells[:1]]
    folder.mkdir(parents=True)
    png.write(image_path(folder, bare[0].id), noise(1, 50), {"fingerprint": "of other tiles"})
    row = cutting.cut_images(bare, folder, 50, workers=1).iloc[0]
    assert row["void_fraction"] == 1 and row["path"] is None
    assert not list(folder.iterdir())


def test_missing_tile_is_named(city):
    cells, folder = city
    cells[0].tiles[0].path.with_name("1.jp2").unlink()
    message = r"1 of 2 tiles are gone, the first 1\.jp2[\s\S]*04_download_aerial"
    with pytest.raises(InputError, match=message):
        cutting.cut_images(cells, folder, 50, workers=1)


def test_damaged_tile_is_named_and_the_other_cells_are_finished(city):
    cells, folder = city
    damaged = cells[0].tiles[0].path.with_name("1.jp2")
    damaged.write_bytes(damaged.read_bytes()[: damaged.stat().st_size // 2])
    with pytest.raises(InputError, match=r"1\.jp2"):
        cutting.cut_images(cells, folder, 50, workers=1)
    whole = [cell for cell in cells if {tile.name for tile in cell.tiles} == {"0.jp2"}]
    assert whole and all(png.read_note(image_path(folder, cell.id)) for cell in whole)


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_work_is_dealt_out_whole(city, workers):
    cells, _ = city
    ids = [cell.id for job in jobs.deal(cells, workers) for cell in job]
    assert sorted(ids) == sorted(cell.id for cell in cells)


def test_each_tile_is_decoded_once(city):
    cells, _ = city
    strips = Strips()
    tile = Tile(cells[0].tiles[-1], strips)
    windows = [tile.window(cell.bounds, cell.crs, 22) for cell in cells]
    windows = [window for window in windows if window]
    tile.plan(windows)
    needed_px = sum(tile.read(window)[0].size for window in windows)
    assert strips.decoded_px <= 400 * 400 < needed_px


# the script


def test_a_strip_is_decoded_once_though_fill_is_looked_for_around_its_cells(city, monkeypatch):
    """Fill is looked for at a tile's edge, a little outside of what its cells need of it."""
    cells, folder = city
    decoded = []
    decode = Tile._decode

    def noted(tile: Tile, window: Window) -> np.ndarray:
        decoded.append((tile.file.name, window.top))
        return decode(tile, window)

    monkeypatch.setattr(Tile, "_decode", noted)
    monkeypatch.setattr(worker.processes, "count", lambda: None)
    folder.mkdir(parents=True)
    fingerprints = dict.fromkeys([cell.id for cell in cells], "")
    for job in jobs.deal(cells, 1):
        decoded.clear()
        worker.cut(job, fingerprints, {}, folder, 200)
        assert len(decoded) == len(set(decoded)) > 0


def start(folder: Path, **options) -> subprocess.Popen:
    """Start step 05 in a process of its own."""
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
    pipes = {"stdout": subprocess.DEVNULL} | options
    return subprocess.Popen([str(word) for word in words], **pipes)


def script_city(folder: Path) -> Path:
    """Two tiles and the tables that step 05 reads; the results folder."""
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
def test_image_cut_short_after_the_step_is_noticed_and_made_again(tmp_path):
    results = script_city(tmp_path)
    assert start(tmp_path).wait() == 0
    expected = contents(results / "images")
    image = results / "images" / sorted(expected)[2]
    image.write_bytes(expected[image.name][:-100])
    run = start(tmp_path, stdout=subprocess.PIPE, text=True)
    assert "images was changed" in run.communicate()[0]
    assert run.returncode == 0
    assert contents(results / "images") == expected


CUT = """
import sys
import geopandas as gpd
from pathlib import Path
from urbancam.sources.imagery import cutting, overlay
if __name__ == "__main__":
    data = Path(sys.argv[1])
    results = data / "results" / "Test"
    cells, tiles = (gpd.read_parquet(results / f"{name}.parquet") for name in ("cells", "tiles"))
    print("ready", flush=True)
    sys.stdin.readline()
    cutting.cut_images(overlay.cells_with_tiles(cells, tiles, data), data / "images", 500, 2)
"""


@pytest.mark.slow
def test_two_processes_that_cut_the_same_images_end_well(tmp_path):
    """As two runs of the cities experiment do, which share a folder of images."""
    script_city(tmp_path)
    (tmp_path / "cut.py").write_text(CUT)
    env = os.environ | {"PYTHONPATH": str(ROOT / "code")}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    command = [sys.executable, str(tmp_path / "cut.py"), str(tmp_path)]
    runs = [subprocess.Popen(command, text=True, env=env, **pipes) for _ in range(2)]
    for run in runs:
        assert run.stdout.readline() == "ready\n"
    for run in runs:
        run.stdin.write("go\n")
        run.stdin.flush()
    errors = [run.communicate()[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], errors
    assert not list((tmp_path / "images").glob(".*.tmp*"))


@pytest.mark.slow
def test_killed_run_goes_on_and_equals_a_clean_one(tmp_path):
    clean = script_city(tmp_path / "clean")
    killed = script_city(tmp_path / "killed")
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
    record = json.loads((killed / "images.csv.json").read_text())
    assert record["counts"]["images"] == len(contents(clean / "images"))
