"""Images of cities: found by their folders, looked at, strays named; sites cut from tiles."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from PIL import Image

from samples import run_script
from urbancam.cities import sites, tile_sites
from urbancam.sources.imagery.tile import placed
from urbancam.tables import frames
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import Paths

pytestmark = pytest.mark.filterwarnings(
    "ignore::rasterio.errors.NotGeoreferencedWarning"
)  # as in inspect_images
WEST, SOUTH = 3_760_000, 2_888_000  # m, EPSG:3035, a corner of 2 km squares


def draw(path, size_px: int = 24, mode: str = "RGB", seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (size_px, size_px, 3), dtype=np.uint8)
    Image.fromarray(noise).convert(mode).save(path)


@pytest.fixture
def folder(tmp_path):
    """Three cities of one or two sites, and what users leave lying about."""
    root = tmp_path / "data" / "cities_data"
    draw(root / "Oslo (OSL)" / "site10" / "a.jpg")
    draw(root / "Oslo (OSL)" / "site2" / "a.jpg", seed=1)
    draw(root / "raw" / "Rome (FCO)" / "x" / "deep" / "b.PNG")
    draw(root / "Lyon" / "x" / "c.tif")
    draw(root / "Oslo (OSL)" / "stray.jpg")
    draw(root / "top.png")
    (root / "Lyon" / "x" / "notes.txt").write_text("no image")
    (root / "Lyon" / "x" / "Thumbs.db").touch()
    (root / ".ipynb_checkpoints").mkdir()
    (root / ".ipynb_checkpoints" / "c.tif").touch()
    return root


def test_images_are_found_by_city_and_site_and_strays_named(folder):
    found, skipped = sites.find_images(folder)
    assert found[sites.KEYS].to_numpy().tolist() == [
        ["Lyon", "x", "c.tif"],
        ["Oslo (OSL)", "site10", "a.jpg"],
        ["Oslo (OSL)", "site2", "a.jpg"],
        ["Rome (FCO)", "x", "deep/b.PNG"],
    ]
    assert set(skipped["path"]) == {
        "Oslo (OSL)/stray.jpg",
        "top.png",
        "Lyon/x/notes.txt",
        "Lyon/x/Thumbs.db",
    }


def test_same_image_of_the_same_site_twice_is_named(folder):
    draw(folder / "copy" / "Oslo (OSL)" / "site2" / "a.jpg")
    found, skipped = sites.find_images(folder)
    assert (
        len(found) == 4
        and "same city" in skipped.set_index("path").loc["copy/Oslo (OSL)/site2/a.jpg", "reason"]
    )


@pytest.mark.parametrize("damage", ["cut", "text", "empty"])
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
def test_unreadable_image_is_named_with_its_reason(tmp_path, damage, suffix):
    path = tmp_path / f"a.{suffix}"
    draw(path, 64)
    path.write_bytes(
        {"cut": path.read_bytes()[:-800], "text": b"not an image", "empty": b""}[damage]
    )
    assert "cannot be read" in sites.look_at(path)[1]


def test_image_of_more_than_8_bits_is_named(tmp_path):
    Image.fromarray(np.arange(64, dtype=np.uint16).reshape(8, 8)).save(tmp_path / "a.tif")
    assert "8 bits" in sites.look_at(tmp_path / "a.tif")[1]


def test_huge_image_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    draw(tmp_path / "a.png", 30)
    monkeypatch.setattr(sites, "MAX_PX", 899)
    assert "cut it into pieces" in sites.look_at(tmp_path / "a.png")[1]


def test_bounds_are_read_where_the_file_tells_them(tmp_path):
    path = tmp_path / "a.tif"
    transform = placed((WEST, SOUTH, WEST + 2000, SOUTH + 2000), 24, 24)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=24,
        height=24,
        count=3,
        dtype="uint8",
        crs="EPSG:3035",
        transform=transform,
    ) as file:
        file.write(np.zeros((3, 24, 24), np.uint8))
    facts, reason = sites.look_at(path)
    assert reason == "" and [facts[name] for name in sites.PLACE] == [
        WEST,
        SOUTH,
        WEST + 2000,
        SOUTH + 2000,
        3035,
    ]


def run(folder, *words: str) -> int:
    top = folder.parents[1]
    return run_script(
        "21", "--data", top / "data", "--results", top / "results", "--workers", "2", *words
    )


def paths_of(folder, run: str = "default") -> Paths:
    return Paths(folder.parent, folder.parents[1] / "results", "cities", run)


def test_import_keeps_all_that_is_good_and_knows_what_it_looked_at(folder, capsys):
    (folder / "Oslo (OSL)" / "site2" / "cut.jpg").write_bytes(b"not an image")
    assert run(folder) == 0
    paths = paths_of(folder)
    table, skipped = frames.read(paths.sites), frames.read(paths.skipped)
    assert table.columns.tolist() == sites.COLUMNS and len(table) == 4 and len(skipped) == 5
    assert "cut.jpg: cannot be read" in capsys.readouterr().out
    assert run(folder) == 0 and "up to date" in capsys.readouterr().out
    draw(folder / "Lyon" / "y" / "d.jpg")
    assert (
        run(folder) == 0
        and "4 of 6 images are as they were, 2 to look at" in capsys.readouterr().out
    )


def test_table_that_was_cut_short_is_made_again_from_the_images(folder):
    assert run(folder) == 0
    path = paths_of(folder).sites
    whole = path.read_bytes()
    path.write_bytes(whole[:-60])
    assert run(folder) == 0 and path.read_bytes() == whole


def test_city_and_site_may_be_called_like_a_missing_value(folder):
    draw(folder / "NA" / "None" / "1.jpg")
    assert run(folder) == 0
    table = frames.read(paths_of(folder).sites, dtype={"site": str})
    assert ("NA", "None") in set(zip(table["city"], table["site"], strict=True))


def test_acquisitions_are_told_by_a_table(folder):
    rows = [
        ("Oslo (OSL)", "site2", "winter"),
        ("Oslo (OSL)", "site10", "summer"),
        ("Atlantis", "a", "never"),
    ]
    pd.DataFrame(rows, columns=["city", "site", "acquisition"]).to_csv(
        folder / "acquisitions.csv", index=False
    )
    assert run(folder) == 0
    table = frames.read(paths_of(folder).sites).set_index(["city", "site"])
    assert table["acquisition"].dropna().to_dict() == {
        ("Oslo (OSL)", "site10"): "summer",
        ("Oslo (OSL)", "site2"): "winter",
    }


def test_site_of_two_acquisitions_is_refused(folder, capsys):
    rows = [("Oslo (OSL)", "site2", "winter"), ("Oslo (OSL)", "site2", "summer")]
    pd.DataFrame(rows, columns=["city", "site", "acquisition"]).to_csv(
        folder / "acquisitions.csv", index=False
    )
    assert run(folder) == 2 and "give each site one row" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"city,site\nOslo (OSL),site2\n", b"", b"\xff\xfe\x00"])
def test_unreadable_acquisitions_are_to_be_mended_by_who_wrote_them(folder, capsys, content):
    (folder / "acquisitions.csv").write_bytes(content)
    assert run(folder) == 2
    said = capsys.readouterr().err
    assert "columns city, site, acquisition" in said and "makes it again" not in said


def test_folder_of_nothing_but_strays_is_refused_and_they_are_named(tmp_path, capsys):
    draw(tmp_path / "data" / "cities_data" / "Paris" / "a.jpg")
    assert run(tmp_path / "data" / "cities_data") == 2
    said = capsys.readouterr()
    assert "Paris/a.jpg: not in a folder" in said.out and "cannot be used: 1" in said.err


def test_folder_without_images_is_refused_with_what_to_do(tmp_path, capsys):
    (tmp_path / "data" / "cities_data").mkdir(parents=True)
    assert (
        run(tmp_path / "data" / "cities_data") == 2 and "drop images in" in capsys.readouterr().err
    )


@pytest.mark.parametrize("named", ["[]", "[Lyon]"])
def test_cities_without_tiles_are_refused_with_what_to_do(folder, capsys, named):
    assert run(folder, "--set", "cities.source=ign", "--set", f"cities.ign_cities={named}") == 2
    assert "steps 01 to 04" in capsys.readouterr().err


def test_run_takes_over_the_table_that_another_has_of_the_same_images(folder, capsys):
    assert run(folder) == 0 and run(folder, "--run", "paper") == 0
    assert "takes over" in capsys.readouterr().out
    assert paths_of(folder, "paper").sites.read_bytes() == paths_of(folder).sites.read_bytes()


def squares(*corners: tuple[int, int], side_m: int = 200) -> gpd.GeoDataFrame:
    west, south = np.array(corners).T
    ids = [f"CRS3035RES{side_m}mN{y}E{x}" for x, y in corners]
    geometry = shapely.box(west, south, west + side_m, south + side_m)
    return gpd.GeoDataFrame({"idINSPIRE": ids}, geometry=geometry, crs="EPSG:3035")


def test_sites_are_the_fullest_squares_whole_inside_city_and_tiles():
    cells = squares(
        (WEST, SOUTH), (WEST + 400, SOUTH), (WEST + 2000, SOUTH), (WEST + 4200, SOUTH + 200)
    )
    cells["ind"] = [5.0, 4.0, 20.0, 90.0]
    flown = gpd.GeoDataFrame(
        geometry=[shapely.box(WEST, SOUTH, WEST + 4000, SOUTH + 2000)], crs="EPSG:3035"
    )
    mapped = gpd.GeoDataFrame(
        geometry=[shapely.box(WEST - 9, SOUTH - 9, WEST + 9000, SOUTH + 9000)], crs="EPSG:3035"
    )
    got = tile_sites.choose_sites(cells, flown, mapped, 2000, 5)
    assert got["idINSPIRE"].tolist() == [
        f"CRS3035RES2000mN{SOUTH}E{WEST + 2000}",
        f"CRS3035RES2000mN{SOUTH}E{WEST}",
    ]
    assert got["people"].tolist() == [20.0, 9.0]


def test_named_city_without_tiles_is_refused(tmp_path):
    with pytest.raises(InputError, match="no tiles of Lyon"):
        tile_sites.cities_with_tiles(Paths(tmp_path, tmp_path, "cities"), ["Lyon"])


def write_city(results, data) -> None:
    """A city of the income experiment: one tile of 600 m in EPSG:3035, two inhabited cells of 200 m, its boundary."""
    extent = (WEST, SOUTH, WEST + 600, SOUTH + 600)
    red = np.broadcast_to(
        np.arange(40, 240, dtype=np.uint8), (200, 200)
    )  # brighter eastwards, 3 m a pixel
    (data / "aerial_data").mkdir(parents=True)
    with rasterio.open(
        data / "aerial_data" / "t.tif",
        "w",
        driver="GTiff",
        width=200,
        height=200,
        count=3,
        dtype="uint8",
        crs="EPSG:3035",
        transform=placed(extent, 200, 200),
    ) as file:
        file.write(np.stack([red, np.full_like(red, 90), np.full_like(red, 120)]))
    (results / "Town").mkdir(parents=True)
    outline = gpd.GeoDataFrame({"city": ["Town"]}, geometry=[shapely.box(*extent)], crs="EPSG:3035")
    outline.to_parquet(results / "Town" / "boundary.parquet")
    cells = squares((WEST, SOUTH), (WEST + 200, SOUTH + 200)).assign(ind=[7.0, 9.0])
    cells.to_parquet(results / "Town" / "cells.parquet")
    tile = outline.assign(name="69-t.tif", path="aerial_data/t.tif", campaign_year=2017)
    tile.to_parquet(results / "Town" / "tiles.parquet")


def test_sites_are_cut_from_tiles_with_their_bounds_and_campaign(tmp_path):
    write_city(tmp_path / "results", tmp_path / "data")
    asked = [
        word
        for key in ("source=ign", "site_m=200", "pixel_size_m=2", "ign_sites=2")
        for word in ("--set", f"cities.{key}")
    ]
    words = [
        "--data",
        tmp_path / "data",
        "--results",
        tmp_path / "results",
        "--workers",
        "1",
        *asked,
    ]
    assert run_script("21", *words) == 0
    paths = Paths(tmp_path / "data", tmp_path / "results", "cities")
    table = frames.read(paths.sites)
    assert table["site"].tolist() == [
        f"CRS3035RES200mN{SOUTH + 200}E{WEST + 200}",
        f"CRS3035RES200mN{SOUTH}E{WEST}",
    ]
    assert table.loc[1, sites.PLACE].tolist() == [WEST, SOUTH, WEST + 200, SOUTH + 200, 3035]
    assert table["acquisition"].tolist() == ["2017 D69"] * 2 and table["width_px"].tolist() == [
        100,
        100,
    ]
    with Image.open(paths.site_images / table.loc[1, "path"]) as image:
        red = np.asarray(image)[50, :, 0].astype(int)
    assert red[0] == pytest.approx(40, abs=2) and red[-1] == pytest.approx(40 + 200 / 3, abs=2)


def test_runs_of_other_sources_and_pixel_sizes_keep_their_own_sites(folder):
    data, results = folder.parent, folder.parents[1] / "results"
    write_city(results, data)
    cut = ["--set", "cities.source=ign", "--set", "cities.site_m=200"]
    assert run(folder, "--run", "demo", "--data", data) == 0
    assert run(folder, *cut, "--set", "cities.pixel_size_m=2") == 0
    assert run(folder, "--run", "paper", *cut, "--set", "cities.pixel_size_m=4") == 0
    dropped, fine, coarse = (
        frames.read(paths_of(folder, name).sites) for name in ("demo", "default", "paper")
    )
    assert set(dropped["source"]) == {"files"} and set(fine["source"]) == {"ign"}
    for table, width_px in ((fine, 100), (coarse, 50)):
        assert len(table) == 2
        for path in table["path"]:
            with Image.open(paths_of(folder).site_images / path) as image:
                assert image.size == (width_px, width_px)


def test_tiles_too_small_for_a_site_are_refused_and_a_missing_table_names_its_own_city(
    tmp_path, capsys
):
    write_city(tmp_path / "results", tmp_path / "data")
    words = [
        "--data",
        tmp_path / "data",
        "--results",
        tmp_path / "results",
        "--set",
        "cities.source=ign",
    ]
    assert run_script("21", *words) == 2 and "inside Town and its tiles" in capsys.readouterr().err
    (tmp_path / "results" / "Town" / "cells.parquet").unlink()
    assert (
        run_script("21", *words) == 2
        and "03_select_cells.py --city Town" in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("script", "expected"), [("22", "21_import_sites"), ("20", "among real data")]
)
def test_steps_of_the_cities_refuse_with_what_to_do(tmp_path, capsys, script, expected):
    words = ["--results", tmp_path / "results"] + (["--data", tmp_path] if script == "22" else [])
    assert run_script(script, *words) == 2
    told = capsys.readouterr().err
    assert expected in told and "what to do" in told
