"""What goes wrong after the data steps: each fault one message and exit 2, nothing lost, a rerun
once it is mended."""

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest

from samples import ROOT, run_script

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]

ALL = ("00", "01")  # scripts that take no --city
STEPS = tuple("00 01 02 03 04 05 06 07 10 11 12 13 14 15 16 17 18 19 91 92".split())
RUN = "demo-tiny"


@pytest.fixture(scope="module")
def made(one_thread, tmp_path_factory) -> Path:
    """The tiny demo city, run once in this process; a pristine copy of its results beside it."""
    folder = tmp_path_factory.mktemp("tiny")
    statuses = [run_step(folder, step) for step in STEPS]
    assert statuses == [0] * len(STEPS)
    shutil.copytree(folder / "results", folder / "pristine")
    return folder


@pytest.fixture
def tiny(made) -> Path:
    """The finished city, as it was before the last test: names are kept, so that everything is
    up to date."""
    shutil.rmtree(made / "results")
    shutil.copytree(made / "pristine", made / "results")
    return made


def words(folder: Path, step: str, *more: object) -> list[str]:
    city = [] if step in ALL else ["--city", "Demo"]
    places = ["--data", folder / "data", "--results", folder / "results"]
    return [str(word) for word in [*city, "--run", RUN, "--workers", 1, *places, *more]]


def run_step(folder: Path, step: str, *more: object) -> int:
    return run_script(step, *words(folder, step, *more))


def refused(capsys, status: int, *said: str) -> str:
    """Exit 2 and one message of three parts on stderr, which is returned.

    What ran before it is not looked at.
    """
    error = capsys.readouterr().err
    assert status == 2, error
    assert error.count("error: ") == 1 and "Traceback" not in error
    assert "  where: " in error and "  what to do: " in error and "where: None" not in error
    assert [word for word in said if word not in error] == [], error
    return error[error.index("error: ") :]


def city(folder: Path) -> Path:
    return folder / "results" / "Demo"


def contents(folder: Path) -> dict[str, bytes]:
    """Every result and its bytes; logs, locks and dates aside."""
    files = [
        path for path in city(folder).rglob("*") if path.is_file() and not path.name.startswith(".")
    ]
    return {str(path): path.read_bytes() for path in files if path.suffix not in (".log", ".json")}


def cut(path: Path) -> None:
    """Half of the lines or bytes: a CSV still reads well."""
    lines = path.read_bytes().splitlines(keepends=True)
    half = b"".join(lines[: len(lines) // 2])
    path.write_bytes(
        half if path.suffix == ".csv" else path.read_bytes()[: path.stat().st_size // 2]
    )


def change(path: Path) -> None:
    """Some bytes, so that the size stays."""
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 20] = b"1" * len(content[middle : middle + 20])
    path.write_bytes(content)


def forget(folder: Path) -> None:
    """Take all records away: then only the readers can tell damage."""
    for record in city(folder).rglob("*.json"):
        record.unlink()


# ---- tables, weights, pictures and caches of earlier steps

INPUTS = [
    ("03", "boundary.parquet", "02_import_urban_atlas"),
    ("04", "cells.parquet", "03_select_cells"),
    ("05", "cells.parquet", "03_select_cells"),
    ("05", "tiles.parquet", "04_download_aerial"),
    ("06", "land_cover.parquet", "02_import_urban_atlas"),
    ("10", "cells.parquet", "03_select_cells"),
    ("10", "images.csv", "05_cut_images"),
    ("11", f"{RUN}/samples.csv", "10_assign_folds"),
    ("11", "images.csv", "05_cut_images"),
    ("11", "cells.parquet", "03_select_cells"),
    ("07", "fragments.parquet", "06_cut_land_cover"),
    ("12", f"{RUN}/features/land_cover.parquet", "07_measure_cells"),
    ("12", f"{RUN}/samples.csv", "10_assign_folds"),
    ("12", f"{RUN}/fold_1/test_predictions.csv", "11_train_income"),
    ("12", f"{RUN}/fold_1/validation_predictions.csv", "11_train_income"),
    ("13", f"{RUN}/samples.csv", "10_assign_folds"),
    ("13", "fragments.parquet", "06_cut_land_cover"),
    ("13", "images.csv", "05_cut_images"),
    ("13", f"{RUN}/fold_2/weights.pt", "11_train_income"),
    ("14", f"{RUN}/activation.parquet", "13_project_activation"),
    ("14", "classes.csv", "02_import_urban_atlas"),
    ("14", f"{RUN}/predictions.csv", "12_evaluate_income"),
    ("14", f"{RUN}/samples.csv", "10_assign_folds"),
    ("15", f"{RUN}/samples.csv", "10_assign_folds"),
    ("15", f"{RUN}/tables/metrics.csv", "12_evaluate_income"),
    ("16", f"{RUN}/predictions.csv", "12_evaluate_income"),
    ("16", f"{RUN}/fold_2/weights.pt", "11_train_income"),
    ("17", "cells.parquet", "03_select_cells"),
    ("17", f"{RUN}/fold_0/weights.pt", "11_train_income"),
    ("91", f"{RUN}/predictions.csv", "12_evaluate_income"),
    ("91", "fragments.parquet", "06_cut_land_cover"),
    ("91", f"{RUN}/tables/metrics.csv", "12_evaluate_income"),
    ("91", f"{RUN}/tables/activation_ratio.csv", "14_landcover_statistics"),
    ("92", f"{RUN}/tables/observed_association.csv", "14_landcover_statistics"),
    ("92", f"{RUN}/figures/scores.png", "91_make_figures"),
]


@pytest.mark.parametrize("damage", [cut, change])
@pytest.mark.parametrize(("step", "name", "maker"), INPUTS)
def test_input_cut_short_or_changed_is_never_used(tiny, capsys, step, name, maker, damage):
    path = city(tiny) / name
    whole = path.read_bytes()
    damage(path)
    before = contents(tiny)
    refused(
        capsys,
        run_step(tiny, step),
        f"{path.name} is not as {maker} left it",
        f"{maker}.py --city Demo",
    )
    assert contents(tiny) == before
    path.write_bytes(whole)
    assert run_step(tiny, step) == 0


@pytest.mark.parametrize(
    ("step", "name", "maker"), [row for row in INPUTS if row[0] in ("10", "11", "13", "14")]
)
def test_what_the_message_says_mends_it(tiny, capsys, step, name, maker):
    cut(city(tiny) / name)
    told = (
        refused(capsys, run_step(tiny, step))
        .partition("delete it and run: python code/")[2]
        .partition(";")[0]
    )
    (city(tiny) / name).unlink()
    assert told.startswith(maker) and run_script(told[:2], *told.split()[1:]) == 0
    assert run_step(tiny, step) == 0


@pytest.mark.parametrize("content", [b"", b"\x00\xff no table"])
@pytest.mark.parametrize(
    ("step", "name", "maker"), [row for row in INPUTS if row[0] in ("03", "06", "11", "13", "14")]
)
def test_damage_is_named_without_records_too(tiny, capsys, step, name, maker, content):
    forget(tiny)
    path = city(tiny) / name
    path.write_bytes(content)
    refused(capsys, run_step(tiny, step), "cannot be read", path.name)


def test_damaged_image_is_cut_again_as_the_message_says(tiny, capsys):
    expected = contents(tiny)
    cut(sorted((city(tiny) / "images").iterdir())[3])
    shutil.rmtree(city(tiny) / "cache")
    refused(
        capsys,
        run_step(tiny, "11", "--force"),
        "an image cannot be read",
        "run 05_cut_images with --force",
    )
    assert run_step(tiny, "05", "--force") == run_step(tiny, "11", "--force") == 0
    got = contents(tiny)
    images = [name for name in expected if name.endswith(".png")]
    assert {name: got[name] for name in images} == {name: expected[name] for name in images}


def test_damaged_small_map_is_named(tiny, capsys):
    predictions = pd.read_csv(
        city(tiny) / RUN / "predictions.csv"
    )  # of all classes, so that the sheet shows cells
    predictions.assign(predicted_class=predictions["income_class"]).to_csv(
        city(tiny) / RUN / "predictions.csv"
    )
    for path in (city(tiny) / RUN / "maps").glob("*.png"):
        cut(path)
    refused(
        capsys,
        run_step(tiny, "91", "--force"),
        "a picture cannot be read",
        "run 13_project_activation with",
    )
    assert run_step(tiny, "13", "--force") == run_step(tiny, "91", "--force") == 0


@pytest.mark.parametrize("step", ["11", "13"])
def test_damaged_cache_is_made_again(tiny, step):
    expected = contents(tiny)
    cache = next((city(tiny) / "cache").glob("images_*.npy"))
    cut(cache)
    assert run_step(tiny, step, "--force") == 0
    same = [str(cache), *(str(path) for path in (city(tiny) / RUN).rglob("*.parquet"))]
    got = contents(tiny)
    assert {name: got[name] for name in same} == {name: expected[name] for name in same}


def test_disk_too_small_for_the_cache_gives_the_same_results(tiny, capsys):
    expected = contents(tiny)
    shutil.rmtree(city(tiny) / "cache")
    too_large = ("--set", "cache_gb=0")
    assert all(run_step(tiny, step, "--force", *too_large) == 0 for step in ("11", "13"))
    got = contents(tiny)
    same = [str(path) for path in (city(tiny) / RUN).rglob("*.parquet")]
    same += [str(path) for path in (city(tiny) / RUN).rglob("*predictions.csv")]
    assert {name: got[name] for name in same} == {name: expected[name] for name in same}
    assert not any((city(tiny) / "cache").glob("images_*"))
    assert "up to date" not in capsys.readouterr().out
    # How images are had is no part of a result.
    assert run_step(tiny, "11") == 0 and "up to date" in capsys.readouterr().out


@pytest.mark.parametrize("content", [b"", b"no checkpoint"])
def test_damaged_checkpoint_means_from_the_start(tiny, capsys, content):
    fold = city(tiny) / RUN / "fold_0"
    expected = (fold / "test_predictions.csv").read_bytes()
    (fold / "weights.pt").unlink()
    (fold / "checkpoint.pt").write_bytes(content)
    assert run_step(tiny, "11", "--fold", 0) == 0
    assert "the checkpoint is damaged: starts again" in capsys.readouterr().out
    assert (fold / "test_predictions.csv").read_bytes() == expected and not (
        fold / "checkpoint.pt"
    ).exists()


def test_damaged_batch_of_maps_is_named(tiny, capsys, monkeypatch):
    """The batches are there, and the machine stops before they are joined."""
    from urbancam.tables import frames

    with monkeypatch.context() as patch, contextlib.suppress(KeyboardInterrupt):
        patch.setattr(frames, "write", interrupt)
        assert run_step(tiny, "13", "--force") == 130
    capsys.readouterr()
    parts = next((city(tiny) / RUN / "activation.parts").iterdir())
    cut(next(parts.glob("*.parquet")))
    refused(
        capsys,
        run_step(tiny, "13", "--force"),
        "delete that folder and run this step again",
        str(parts),
    )
    shutil.rmtree(parts)
    assert run_step(tiny, "13", "--force") == 0


def interrupt(*_) -> None:
    raise KeyboardInterrupt


# ---- settings and cities that cannot be


def test_all_faults_of_the_settings_are_named_at_once(tiny, capsys):
    bad = (
        "split.folds=1",
        "image.size_px=5",
        "training.nosuch=1",
        "landcover.rich_classes=[0]",
        "census.vintage=2016",
    )
    said = (
        "5 settings do not fit",
        "split.folds",
        "image.size_px",
        "training.nosuch: unknown",
        "poor and rich",
        "2016",
    )
    for step in ("05", "11", "14"):
        refused(
            capsys,
            run_step(tiny, step, *(word for value in bad for word in ("--set", value))),
            *said,
        )


@pytest.mark.parametrize(
    ("step", "setting", "said"),
    [
        ("10", "split.folds=7", "6 block units of 17 usable cells cannot fill 7 folds"),
        ("10", "split.block_m=5000", "cannot fill 3 folds"),
        ("11", "split.folds=7", "no cell is in fold 3"),
        ("11", "model.backbone=vgg", "there is no backbone 'vgg'"),
        ("11", "model.weights=nosuch.pt", "put it there"),
        ("12", "split.folds=7", "fold_3/test_predictions.csv is missing"),
        ("13", "model.head=softmax", "the weights do not fit the network of this run"),
        ("13", "model.backbone=resnet18", "the weights do not fit the network of this run"),
    ],
)
def test_setting_that_the_city_cannot_fulfil(tiny, capsys, step, setting, said):
    refused(capsys, run_step(tiny, step, "--set", setting, "--force"), said)
    assert run_step(tiny, step) == 0


def test_more_folds_than_cells(tiny, capsys):
    status = run_step(
        tiny, "10", "--force", "--set", "split.method=random", "--set", "split.folds=18"
    )
    refused(capsys, status, "17 random units of 17 usable cells cannot fill 18 folds")


def test_fold_that_is_not_there(tiny, capsys):
    refused(capsys, run_step(tiny, "11", "--fold", 3), "there is no fold 3: folds are 0 .. 2")


EQUAL = [20_000.0] * 17
TIED = [10_000.0] * 10 + [20_000.0 + i for i in range(7)]
MISSING = [float("nan")] + [20_000.0 + i for i in range(16)]
INFINITE = [float("inf")] + [20_000.0 + i for i in range(16)]


@pytest.mark.parametrize(
    ("incomes", "said"),
    [
        (EQUAL, "quintiles [0, 1, 2, 3] of 17 cells are empty; 17 cells have 20,000 EUR"),
        (TIED, "quintiles [0, 1] of 17 cells are empty; 10 cells have 10,000 EUR"),
        (MISSING, "1 cells have no finite value"),
        (INFINITE, "1 cells have no finite value"),
    ],
)
def test_incomes_that_make_no_quintiles(tiny, capsys, incomes, said):
    before = (city(tiny) / RUN / "samples.csv").read_bytes()
    rewrite(city(tiny) / "cells.parquet", value=incomes)
    refused(capsys, run_step(tiny, "10", "--force"), said, "cells.parquet, value")
    assert (city(tiny) / RUN / "samples.csv").read_bytes() == before


def rewrite(path: Path, **columns: object) -> None:
    gpd.read_parquet(path).assign(**columns).to_parquet(path)


def test_no_imagery_at_all(tiny, capsys):
    table = city(tiny) / "images.csv"
    lines = table.read_text().splitlines()
    table.write_text(
        "\n".join([lines[0], *(line.split(",")[0] + ",,1.0,," for line in lines[1:])]) + "\n"
    )
    refused(capsys, run_step(tiny, "10", "--force"), "none of 17 cells is usable: {'no image': 17}")


def test_land_cover_that_does_not_cover_the_city(tiny, capsys):
    path = city(tiny) / "land_cover.parquet"
    before = (city(tiny) / "fragments.parquet").read_bytes()
    rewrite(path, geometry=gpd.read_parquet(path).translate(1e6))
    refused(
        capsys,
        run_step(tiny, "06", "--force"),
        "no land cover lies in any of 17 cells",
        "check that the land cover is of the city",
    )
    assert (city(tiny) / "fragments.parquet").read_bytes() == before


# ---- folders and disks


@pytest.mark.parametrize(
    ("step", "name"),
    [
        ("05", "images"),
        ("10", "logs"),
        ("11", "cache"),
        ("11", f"{RUN}/fold_0"),
        ("12", f"{RUN}/tables"),
        ("13", f"{RUN}/maps"),
        ("91", f"{RUN}/figures"),
    ],
)
def test_file_in_place_of_a_folder(tiny, capsys, step, name):
    path = city(tiny) / name
    shutil.rmtree(path)
    path.touch()
    refused(
        capsys,
        run_step(tiny, step, "--force"),
        str(path),
        "remove the file that stands where a folder belongs",
    )
    path.unlink()
    assert run_step(tiny, step) == 0


@pytest.mark.parametrize(
    ("step", "name"), [("10", f"{RUN}/samples.csv"), ("92", f"{RUN}/report.html")]
)
def test_folder_in_place_of_a_file(tiny, capsys, step, name):
    path = city(tiny) / name
    path.unlink()
    path.mkdir()
    refused(
        capsys,
        run_step(tiny, step, "--force"),
        str(path),
        "remove the folder that stands where a file belongs",
    )
    path.rmdir()
    assert run_step(tiny, step) == 0


def run_mounted(script: str, *arguments: object) -> subprocess.CompletedProcess:
    """Run a shell script where folders may be mounted that no other process sees.

    Skips where that is not allowed.
    """
    command = [
        "unshare",
        "--mount",
        "--map-root-user",
        "sh",
        "-c",
        script,
        "sh",
        *map(str, arguments),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    if done.returncode == 99 or done.stderr.startswith("unshare"):
        pytest.skip("nothing can be mounted here")
    return done


def python(folder: Path, step: str, *more: object) -> list[str]:
    script = next((ROOT / "code").glob(f"{step}_*.py"))
    return [sys.executable, str(script), *words(folder, step, *more)]


@pytest.mark.parametrize(
    ("step", "name"), [("04", "data/aerial_data"), ("05", "results"), ("13", "results")]
)
def test_folder_that_cannot_be_written(tiny, step, name):
    script = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" || exit 99; shift; exec "$@"'
    if step == "04":
        for tile in (tiny / name).rglob("*.jp2"):
            tile.unlink()
    done = run_mounted(script, tiny / name, *python(tiny, step, "--force"))
    assert (
        done.returncode == 2
        and done.stderr.count("error: ") == 1
        and "Traceback" not in done.stderr
    ), done.stderr
    assert "name a folder that can be written with --data / --results" in done.stderr
    assert run_step(tiny, step, "--force") == 0


# A tmpfs that holds the results and a few kB more than they need; the step fails, room is made, it
# runs again.
ON_A_FULL_DISK = """
kept=$1 results=$2 room_kb=$3; shift 3
mount -t tmpfs -o size=1g tmpfs "$results" && cp -a "$kept/." "$results" || exit 99
used=$(df -k --output=used "$results" | tail -1)
mount -o remount,size=$((used + room_kb))k "$results" || exit 99
"$@" >&2; echo "$?"
mount -o remount,size=1g "$results"
"$@" >/dev/null 2>&1; echo "$?"
cd "$results/Demo" && find . -type f ! -name '.*' ! -name '*.json' ! -path './logs/*' \
    ! -path '*/tensorboard/*' ! -name history.csv -exec sha256sum {} + | sort -k 2
"""


@pytest.mark.parametrize(
    ("step", "room_kb", "gone"),
    [
        ("05", 100, ["images", "images.csv"]),
        ("06", 20, ["fragments.parquet"]),
        ("10", 0, [f"{RUN}/samples.csv"]),
        ("11", 100, ["cache/images_*", f"{RUN}/fold_0"]),  # the cache of images
        ("11", 20_000, [f"{RUN}/fold_0"]),  # the first checkpoint
        ("11", 70_000, [f"{RUN}/fold_0"]),  # the second, while the first still stands
        (
            "12",
            8,
            [
                f"{RUN}/{name}.csv"
                for name in ("predictions", "tables/metrics", "tables/confusion_matrix")
            ],
        ),
        ("13", 60, [f"{RUN}/maps", f"{RUN}/activation.parquet"]),
        ("14", 4, [f"{RUN}/tables/activation_ratio.csv", f"{RUN}/tables/contribution.csv"]),
        ("91", 100, [f"{RUN}/figures"]),
        ("92", 40, [f"{RUN}/report.html"]),
    ],
)
def test_disk_full_in_the_middle_of_a_step(tiny, tmp_path, step, room_kb, gone):
    kept = tmp_path / "kept"
    shutil.copytree(tiny / "results", kept)
    for path in [path for name in gone for path in (kept / "Demo").glob(name)]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    done = run_mounted(ON_A_FULL_DISK, kept, tiny / "results", room_kb, *python(tiny, step))
    first, second, *sums = done.stdout.splitlines()
    assert (first, second) == ("2", "0"), done.stderr
    assert done.stderr.count("error: ") == 1 and "free some disk" in done.stderr
    assert (
        "Traceback" not in done.stderr
        and "where: None" not in done.stderr
        and "Logging error" not in done.stderr
    )
    assert lost(tiny, sums) == []


def lost(tiny: Path, sums: list[str]) -> list[str]:
    """Results of the pristine city that `sha256sum` did not find as they were.

    Figures and reports hold dates.
    """
    import hashlib

    found = dict(reversed(line.split("  ", 1)) for line in sums)
    before = {
        f"./{path.relative_to(tiny / 'pristine/Demo')}": path
        for path in (tiny / "pristine/Demo").rglob("*")
    }
    kinds = (".parquet", ".csv", ".pt", ".png", ".npy")
    wanted = {
        name: path
        for name, path in before.items()
        if path.suffix in kinds and path.name != "history.csv"
    }
    return [
        name
        for name, path in wanted.items()
        if found.get(name) != hashlib.sha256(path.read_bytes()).hexdigest()
    ]


# ---- two at once


@pytest.mark.parametrize(
    ("step", "result"),
    [
        ("05", "images.csv"),
        ("10", f"{RUN}/samples.csv"),
        ("11", f"{RUN}/fold_0/test_predictions.csv"),
        ("13", f"{RUN}/activation.parquet"),
    ],
)
def test_two_runs_at_once_give_one_result(tiny, step, result):
    expected = (city(tiny) / result).read_bytes()
    (city(tiny) / result).unlink()
    call = python(tiny, step, *(["--fold", "0"] if step == "11" else []))
    pipe, env = subprocess.PIPE, os.environ | {"OMP_NUM_THREADS": "1"}
    runs = [subprocess.Popen(call, stdout=pipe, stderr=pipe, text=True, env=env) for _ in range(2)]
    said = [run.communicate()[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert (
        sum(": done," in text for text in said) == 1
        and sum("up to date" in text for text in said) == 1
    )
    assert (city(tiny) / result).read_bytes() == expected
