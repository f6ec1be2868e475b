"""Steps 01, 02, 03 and 06 as a user runs them: from what was dropped in to fragments, and bad
input."""

import os
import shutil
import subprocess
import sys
from zipfile import ZipFile

import geopandas as gpd
import pandas as pd
import pytest

import samples
from loopback import HASTY, Reply, serve
from samples import run_script, write_census, write_old_urban_atlas
from urbancam.sources.census import vintages
from urbancam.sources.download import fetching

STEPS = ["02", "03", "06"]


@pytest.fixture
def place(tmp_path):
    """Data of the sample city, dropped in; the arguments that name the folders."""
    write_census(tmp_path / "data" / "census_data", 2015, "shp")
    write_old_urban_atlas(tmp_path / "data" / "UA_data")
    return tmp_path, ["--data", tmp_path / "data", "--results", tmp_path / "results"]


def run_all(folders, city="Paris", *more):
    return [run_script("01", *folders, *more)] + [
        run_script(s, "--city", city, *folders, *more) for s in STEPS
    ]


def refused(capsys, status, *words):
    """One message of three parts on stderr, no traceback, exit 2."""
    error = capsys.readouterr().err
    assert status == 2 and error.count("error: ") == 1 and "Traceback" not in error
    assert "where: " in error and "what to do: " in error
    assert not [word for word in words if word not in error]


def test_from_what_was_dropped_in_to_fragments(place):
    folder, folders = place
    assert run_all(folders) == [0] * 4
    cells = gpd.read_parquet(folder / "results/Paris/cells.parquet")
    fragments = gpd.read_parquet(folder / "results/Paris/fragments.parquet")
    assert len(cells) == 12 and cells.crs == fragments.crs == "EPSG:3035"
    assert fragments.groupby("idINSPIRE")["area_m2"].sum().eq(40_000).all()
    assert set(fragments["class"]) == {"hd_uf", "roads", "natural_areas"}


def test_second_run_is_up_to_date_and_a_new_file_is_noticed(place, capsys):
    folder, folders = place
    run_all(folders)
    capsys.readouterr()
    run_all(folders)
    assert capsys.readouterr().out.count("up to date") == 4
    (folder / "data/UA_data/new.txt").touch()
    run_script("02", "--city", "Paris", *folders)
    assert "folder differs" in capsys.readouterr().out


def test_census_archive_may_be_deleted_once_read(place, capsys):
    folder, folders = place
    run_script("01", *folders)
    next((folder / "data/census_data").glob("*.zip")).unlink()
    assert run_script("01", *folders) == 0
    assert "up to date" in capsys.readouterr().out


def test_same_inputs_give_the_same_bytes(place, tmp_path):
    folder, folders = place
    run_all(folders)
    first = {p.name: p.read_bytes() for p in (folder / "results/Paris").glob("*.parquet")}
    shutil.rmtree(folder / "results")
    run_all(folders)
    assert len(first) == 4
    assert {p.name: p.read_bytes() for p in (folder / "results/Paris").glob("*.parquet")} == first


def test_nothing_hidden_stays_behind(place):
    folder, folders = place
    run_all(folders)
    assert not [path for path in (folder / "data").rglob(".unpacked*")]


def test_what_a_killed_step_unpacked_goes_at_the_next_run_though_all_is_up_to_date(place):
    folder, folders = place
    run_all(folders)
    for name in ("census_data", "UA_data"):
        left = folder / "data" / name / ".unpacked.999999999.tmp" / "a.zip"
        left.mkdir(parents=True)
        (left / "a.shp").touch()
    run_all(folders)
    assert not list((folder / "data").rglob(".unpacked*"))


# fetching from INSEE


@pytest.fixture
def insee(monkeypatch):
    """Serve answers in INSEE's place; patience is short."""
    real = fetching.fetch
    monkeypatch.setattr(
        fetching, "fetch", lambda *a, **options: real(*a, patience=HASTY, **options)
    )

    def start(answer):
        return serve(
            lambda request, n: (
                answer(request.path)
                if "Mozilla" in request.headers["User-Agent"]
                else Reply(status=403)
            )
        )

    yield lambda url: monkeypatch.setattr(vintages, "ADDRESS", url), start


def test_missing_census_is_fetched_with_a_browsers_agent_and_the_next_run_is_up_to_date(
    tmp_path, insee, capsys
):
    point, start = insee
    body = write_census(tmp_path / "made", 2021).read_bytes()
    folders = [
        "--data",
        tmp_path / "data",
        "--results",
        tmp_path / "results",
        "--set",
        "census.vintage=2021",
    ]
    with start(lambda path: Reply(body)) as (url, requests):
        point(url)
        assert run_script("01", *folders) == run_script("01", *folders) == 0
    assert [path for path, _ in requests] == ["/8735162/Filosofi2021_carreaux_200m_csv.zip"]
    assert "up to date (12 cells" in capsys.readouterr().out


def test_1km_grid_is_fetched_into_a_table_of_its_own_beside_that_of_200_m(tmp_path, insee):
    point, start = insee
    bodies = {
        size_m: write_census(
            tmp_path / str(size_m), 2015, frame=samples.census_frame(size_m=size_m), grid=name
        )
        for size_m, name in ((200, "200m"), (1000, "1000m"))
    }
    folders = ["--data", tmp_path / "data", "--results", tmp_path / "results", "--set"]
    with start(lambda path: Reply(bodies[1000 if "1000m" in path else 200].read_bytes())) as (
        url,
        requests,
    ):
        point(url)
        assert [
            run_script("01", *folders, f"census.cell_size_m={size_m}") for size_m in bodies
        ] == [0, 0]
    assert [path.split("/")[1] for path, _ in requests] == ["4176290", "4176293"]
    tables = [
        tmp_path / "data/census_data" / name
        for name in ("census_2015.parquet", "census_2015_1km.parquet")
    ]
    got = [set(pd.read_parquet(path)["idINSPIRE"].str.partition("mN")[0]) for path in tables]
    assert got == [{"CRS3035RES200"}, {"CRS3035RES1000"}]


def test_shapefile_is_fetched_where_there_is_no_csv(tmp_path, insee):
    point, start = insee
    body = write_census(tmp_path / "made", 2015, "shp").read_bytes()
    with start(lambda path: Reply(body) if "_shp" in path else Reply(status=404)) as (
        url,
        requests,
    ):
        point(url)
        assert run_script("01", "--data", tmp_path / "data", "--results", tmp_path / "results") == 0
    assert len(requests) == 2


def test_census_that_insee_does_not_have_is_to_be_dropped_in(tmp_path, insee, capsys):
    point, start = insee
    with start(lambda path: Reply(status=404)) as (url, _):
        point(url)
        status = run_script("01", "--data", tmp_path / "data", "--results", tmp_path / "results")
    refused(capsys, status, "INSEE has none of", "put the file, as it is, into")


def test_page_in_place_of_the_archive_is_recognised(tmp_path, insee, capsys):
    point, start = insee
    with start(lambda path: Reply(b"<html>")) as (url, _):
        point(url)
        status = run_script("01", "--data", tmp_path / "data", "--results", tmp_path / "results")
    refused(capsys, status, "neither zip nor 7z")
    assert not [
        path for path in (tmp_path / "data/census_data").iterdir() if not path.name.startswith(".")
    ]


# bad input


@pytest.mark.parametrize("keep", [0, 100, -10])
def test_damaged_census_archive(place, capsys, keep):
    folder, folders = place
    archive = next((folder / "data/census_data").glob("*.zip"))
    archive.write_bytes(archive.read_bytes()[:keep])
    refused(capsys, run_script("01", *folders), archive.name)


def test_damaged_urban_atlas_archive_loses_nothing(place, capsys):
    folder, folders = place
    run_all(folders)
    archive = folder / "data/UA_data/FR001L1_PARIS.zip"
    archive.write_bytes(archive.read_bytes()[:-400])
    capsys.readouterr()
    refused(capsys, run_script("02", "--city", "Paris", *folders), archive.name)
    assert len(gpd.read_parquet(folder / "results/Paris/land_cover.parquet")) == 3


def test_unknown_city(place, capsys):
    _, folders = place
    refused(
        capsys,
        run_script("02", "--city", "Atlantis", *folders),
        "Atlantis",
        "cities found: FR001L1 Paris",
    )


def test_step_before_is_missing(place, capsys):
    _, folders = place
    refused(
        capsys, run_script("06", "--city", "Paris", *folders), "cells.parquet", "03_select_cells"
    )


def test_missing_census_is_told_by_a_command_that_works(place, capsys):
    _, folders = place
    run_script("02", "--city", "Paris", *folders)
    capsys.readouterr()
    status = run_script("03", "--city", "Paris", *folders)
    command = capsys.readouterr().err.partition("run: python code/")[2].split()
    assert status == 2 and command[0] == "01_download_census.py"
    assert run_script("01", *command[1:]) == 0


def test_city_without_cells(place, capsys):
    folder, folders = place
    land = samples.land_cover_frame()
    outline = samples.outline_frame()
    write_old_urban_atlas(
        folder / "data/UA_data",
        "FR003L2_LYON",
        land.set_geometry(land.translate(9e4)),
        outline.set_geometry(outline.translate(9e4)),
    )
    run_script("01", *folders)
    run_script("02", "--city", "Lyon", *folders)
    capsys.readouterr()
    refused(capsys, run_script("03", "--city", "Lyon", *folders), "no inhabited cell lies in Lyon")


def test_two_cities_with_overlapping_outlines(place, capsys):
    folder, folders = place
    write_old_urban_atlas(
        folder / "data/UA_data",
        "FR003L2_LYON",
        samples.land_cover_frame(2012, "Lyon", "FR003L2"),
        samples.outline_frame("Lyon", "FR003L2", east=samples.WEST + 450),
    )
    run_all(folders)
    run_script("02", "--city", "Lyon", *folders)
    capsys.readouterr()
    refused(capsys, run_script("03", "--city", "Lyon", *folders), "6 of 6 cells also lie in Paris")
    assert run_script("03", "--city", "Paris", *folders) == 0


@pytest.mark.parametrize("name", ["cells.parquet", "land_cover.parquet"])
@pytest.mark.parametrize("keep", [0, 500])
def test_truncated_table_of_an_earlier_step(place, capsys, name, keep):
    folder, folders = place
    run_all(folders)
    path = folder / "results/Paris" / name
    path.write_bytes(path.read_bytes()[:keep])
    capsys.readouterr()
    refused(capsys, run_script("06", "--city", "Paris", *folders), name)


def test_another_vintage_is_refused_for_a_city_that_stands(place, capsys):
    folder, folders = place
    run_all(folders)
    write_census(folder / "data/census_data", 2019)
    run_script("01", *folders, "--set", "census.vintage=2019")
    capsys.readouterr()
    status = run_script("03", "--city", "Paris", *folders, "--set", "census.vintage=2019")
    refused(capsys, status, "census.vintage", "another --results")


def run_on_mount(script, arguments, where, options):
    """Run a script where a folder is a tmpfs of its own; skips where none can be mounted."""
    where.mkdir(parents=True, exist_ok=True)
    mount = f'mount -t tmpfs -o {options} tmpfs "{where}" || exit 99; exec "$@"'
    command = [
        sys.executable,
        str(next((samples.ROOT / "code").glob(f"{script}_*.py"))),
        *map(str, arguments),
    ]
    unshared = ["unshare", "--mount", "--map-root-user", "sh", "-c", mount, "sh"]
    made = subprocess.run([*unshared, *command], capture_output=True, text=True)
    if made.returncode == 99 or made.stderr.startswith("unshare"):
        pytest.skip("no tmpfs can be mounted here")
    return made


@pytest.mark.slow
def test_disk_full_in_the_middle_of_a_step(place):
    """One message; and with room the step goes on."""
    folder, folders = place
    made = run_on_mount("02", ["--city", "Paris", *folders], folder / "results", "size=24k")
    assert (
        made.returncode == 2 and "No space left" in made.stderr and "Traceback" not in made.stderr
    )
    assert "where: " + str(folder / "results/Paris") in made.stderr
    assert run_script("02", "--city", "Paris", *folders) == 0


@pytest.mark.slow
@pytest.mark.parametrize(("script", "name"), [("01", "data/census_data"), ("02", "results")])
def test_folder_that_cannot_be_written(place, script, name):
    folder, folders = place
    city = ["--city", "Paris"] if script != "01" else []
    made = run_on_mount(script, [*city, *folders], folder / name, "ro")
    assert (
        made.returncode == 2
        and "name a folder that can be written with --data / --results" in made.stderr
    )
    assert "Traceback" not in made.stderr


@pytest.mark.parametrize("script", ["01", "02"])
def test_data_that_cannot_be_written_are_no_obstacle_where_all_is_up_to_date(place, script):
    """An external disk, or a share of the department, mounted read-only."""
    folder, folders = place
    run_all(folders)
    city = ["--city", "Paris"] if script != "01" else []
    (folder / "data/census_data/.census_2015.parquet.lock").unlink()
    (folder / "data/census_data/.x.csv.999999999.tmp.csv").touch()  # left by a killed process
    bound = (
        f'mount --bind "{folder}/data" "{folder}/data"; mount -o remount,ro,bind "{folder}/data"'
    )
    command = [sys.executable, str(next((samples.ROOT / "code").glob(f"{script}_*.py")))]
    words = [*command, *city, *map(str, folders)]
    shell = f'{bound} || exit 99; touch "{folder}/data/x" 2>/dev/null && exit 98; exec "$@"'
    unshared = ["unshare", "--mount", "--map-root-user", "sh", "-c", shell, "sh"]
    run = subprocess.run([*unshared, *words], capture_output=True, text=True)
    if run.returncode in (98, 99) or run.stderr.startswith("unshare"):
        pytest.skip("no folder can be mounted read-only here")
    assert run.returncode == 0, run.stderr
    assert "up to date" in run.stdout


# drop folders as users have them


@pytest.mark.parametrize("folder_name", ["census_data", "UA_data"])
def test_drop_folder_on_another_disk_is_read_through_its_link(place, folder_name):
    folder, folders = place
    disk = folder / "other disk"
    (folder / "data" / folder_name).rename(disk)
    (folder / "data" / folder_name).mkdir()
    (folder / "data" / folder_name / "mine").symlink_to(disk)
    assert run_all(folders) == [0] * 4


@pytest.mark.slow
@pytest.mark.parametrize("folder_name", ["census_data", "UA_data"])
def test_links_that_lead_nowhere_or_round_do_not_matter(place, folder_name):
    folder, folders = place
    drop = folder / "data" / folder_name
    (drop / "gone.zip").symlink_to("/no/such/disk/FR001L1_PARIS.zip")
    (drop / "round").symlink_to(drop)
    (drop / "up").symlink_to("..")
    (drop / os.fsdecode(b"note\xe9.txt")).touch()
    assert run_all(folders) == [0] * 4
    assert run_all(folders) == [0] * 4


def test_table_whose_name_is_not_utf_8_is_named(place, capsys):
    folder, folders = place
    archive = next((folder / "data/UA_data").glob("*.zip"))
    archive.rename(archive.with_name(os.fsdecode(b"FR001L1_PARIS_\xe9.zip")))
    status = run_script("02", "--city", "Paris", *folders)
    refused(capsys, status, r"FR001L1_PARIS_\udce9.zip is not UTF-8", "rename")


def test_zips_made_on_macos_are_read(place):
    folder, folders = place
    for archive in (folder / "data").rglob("*.zip"):
        with ZipFile(archive, "a") as file:
            for name in file.namelist():
                above, _, base = name.rpartition("/")
                file.writestr(f"__MACOSX/{above}/._{base}", b"\0\5\x16\7")
            file.writestr("__MACOSX/._C:note", b"")
            file.writestr(".DS_Store", b"")
    assert run_all(folders) == [0] * 4


@pytest.mark.slow
def test_two_runs_at_once_give_one_result(place):
    folder, folders = place
    run_script("01", *folders)
    script = samples.ROOT / "code" / "02_import_urban_atlas.py"
    command = [sys.executable, str(script), "--city", "Paris", *map(str, folders)]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    out = [run.communicate()[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert sum("up to date" in text for text in out) == 1
    assert len(pd.read_parquet(folder / "results/Paris/land_cover.parquet")) == 3
