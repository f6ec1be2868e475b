"""Step 21 on folders of images: what it takes over, what it refuses, and what it says."""

import pandas as pd
import pytest
from PIL import Image

from city_folders import draw, drop_images, import_sites, paths_of
from city_tiles import write_town
from samples import run_script
from urbancam.cities import sites
from urbancam.tables import frames

# As in inspect_images.
pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


@pytest.fixture
def folder(tmp_path):
    return drop_images(tmp_path)


# ---- images and what was known of them


def test_import_keeps_all_that_is_good(folder, capsys):
    (folder / "Oslo (OSL)" / "site2" / "cut.jpg").write_bytes(b"not an image")
    assert import_sites(folder) == 0
    paths = paths_of(folder)
    table = frames.read(paths.sites)
    assert table.columns.tolist() == sites.COLUMNS
    assert len(table) == 4
    assert len(frames.read(paths.skipped)) == 5
    assert "cut.jpg: cannot be read" in capsys.readouterr().out


def test_import_knows_what_it_looked_at(folder, capsys):
    (folder / "Oslo (OSL)" / "site2" / "cut.jpg").write_bytes(b"not an image")
    assert import_sites(folder) == 0
    assert import_sites(folder) == 0
    assert "up to date" in capsys.readouterr().out

    draw(folder / "Lyon" / "y" / "d.jpg")
    assert import_sites(folder) == 0
    assert "4 of 6 images are as they were, 2 to look at" in capsys.readouterr().out


def test_table_that_was_cut_short_is_made_again_from_the_images(folder):
    assert import_sites(folder) == 0
    path = paths_of(folder).sites
    whole = path.read_bytes()
    path.write_bytes(whole[:-60])
    assert import_sites(folder) == 0
    assert path.read_bytes() == whole


def test_city_and_site_may_be_called_like_a_missing_value(folder):
    draw(folder / "NA" / "None" / "1.jpg")
    assert import_sites(folder) == 0
    table = frames.read(paths_of(folder).sites, dtype={"site": str})
    assert ("NA", "None") in set(zip(table["city"], table["site"], strict=True))


def test_run_takes_over_the_table_that_another_has_of_the_same_images(folder, capsys):
    assert import_sites(folder) == 0
    assert import_sites(folder, "--run", "paper") == 0
    assert "takes over" in capsys.readouterr().out
    assert paths_of(folder, "paper").sites.read_bytes() == paths_of(folder).sites.read_bytes()


def test_run_that_is_forced_takes_nothing_over(folder, capsys):
    assert import_sites(folder) == 0
    assert import_sites(folder, "--run", "paper", "--force") == 0
    assert "takes over" not in capsys.readouterr().out
    assert paths_of(folder, "paper").sites.read_bytes() == paths_of(folder).sites.read_bytes()


@pytest.mark.slow
def test_runs_of_other_sources_and_pixel_sizes_keep_their_own_sites(folder):
    data = folder.parent
    write_town(data.parent / "results", data)
    cut = ["--set", "cities.source=ign", "--set", "cities.site_m=200", "--set"]
    assert import_sites(folder, "--run", "demo", "--data", data) == 0
    assert import_sites(folder, *cut, "cities.pixel_size_m=2") == 0
    alone = ["--run", "paper", "--workers", "1"]
    assert import_sites(folder, *alone, *cut, "cities.pixel_size_m=4") == 0

    of_files = frames.read(paths_of(folder, "demo").sites)
    assert set(of_files["source"]) == {"files"}
    for run, width_px in (("default", 100), ("paper", 50)):
        table = frames.read(paths_of(folder, run).sites)
        assert set(table["source"]) == {"ign"}
        assert len(table) == 2
        for path in table["path"]:
            with Image.open(paths_of(folder).site_images / path) as image:
                assert image.size == (width_px, width_px)


# ---- acquisitions


def write_acquisitions(folder, rows: list[tuple[str, str, str]]) -> None:
    table = pd.DataFrame(rows, columns=["city", "site", "acquisition"])
    table.to_csv(folder / "acquisitions.csv", index=False)


def test_acquisitions_are_told_by_a_table(folder):
    rows = [
        ("Oslo (OSL)", "site2", "winter"),
        ("Oslo (OSL)", "site10", "summer"),
        ("Atlantis", "a", "never"),
    ]
    write_acquisitions(folder, rows)
    assert import_sites(folder) == 0
    table = frames.read(paths_of(folder).sites).set_index(["city", "site"])
    assert table["acquisition"].dropna().to_dict() == {
        ("Oslo (OSL)", "site10"): "summer",
        ("Oslo (OSL)", "site2"): "winter",
    }


def test_site_of_two_acquisitions_is_refused(folder, capsys):
    rows = [("Oslo (OSL)", "site2", "winter"), ("Oslo (OSL)", "site2", "summer")]
    write_acquisitions(folder, rows)
    assert import_sites(folder) == 2
    assert "give each site one row" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"city,site\nOslo (OSL),site2\n", b"", b"\xff\xfe\x00"])
def test_unreadable_acquisitions_are_to_be_mended_by_who_wrote_them(folder, capsys, content):
    (folder / "acquisitions.csv").write_bytes(content)
    assert import_sites(folder) == 2
    message = capsys.readouterr().err
    assert "columns city, site, acquisition" in message
    assert "makes it again" not in message


# ---- nothing to import


def test_folder_of_nothing_but_strays_is_refused_and_they_are_named(tmp_path, capsys):
    draw(tmp_path / "data" / "cities_data" / "Paris" / "a.jpg")
    assert import_sites(tmp_path / "data" / "cities_data") == 2
    output = capsys.readouterr()
    assert "Paris/a.jpg: not in a folder" in output.out
    assert "cannot be used: 1" in output.err


def test_folder_without_images_is_refused_with_what_to_do(tmp_path, capsys):
    empty = tmp_path / "data" / "cities_data"
    empty.mkdir(parents=True)
    assert import_sites(empty) == 2
    assert "drop images in" in capsys.readouterr().err


@pytest.mark.parametrize("cities", ["[]", "[Lyon]"])
def test_cities_without_tiles_are_refused_with_what_to_do(folder, capsys, cities):
    words = ["--set", "cities.source=ign", "--set", f"cities.ign_cities={cities}"]
    assert import_sites(folder, *words) == 2
    assert "steps 01 to 04" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("script", "expected"),
    [("22", "21_import_sites"), ("20", "among real data")],
)
def test_steps_of_the_cities_refuse_with_what_to_do(tmp_path, capsys, script, expected):
    words = ["--results", tmp_path / "results"]
    if script == "22":
        words += ["--data", tmp_path]
    assert run_script(script, *words) == 2
    message = capsys.readouterr().err
    assert expected in message
    assert "what to do" in message
