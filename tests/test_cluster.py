"""Cities through a real engine: the same bytes as ./run.sh, on one machine and through Slurm."""

import hashlib
import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

import small_slurm
from samples import ROOT

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


# This Slurm has no accounting, and nobody else asks it.
QUICK_TO_ASK = """\
slurm-status-command: squeue
slurm-init-seconds-before-status-checks: 1
seconds-between-status-checks: 1
"""


def start(folder: Path, data: Path, *words: str) -> subprocess.CompletedProcess:
    command = [ROOT / "run.sh", "cluster", *words, "--run", "demo-tiny"]
    command += ["--results", folder / "results", "--data", data]
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, env=env)


def hashes(results: Path) -> dict[str, str]:
    """Hash of each table by its path below the results."""
    files = [path for path in results.rglob("*") if path.is_file()]
    return {
        str(path.relative_to(results)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.suffix in (".csv", ".parquet") and path.name != "history.csv"  # it tells seconds
    }


def profile_of_one_thread(folder: Path, name: str, further: str = "") -> str:
    """A profile of ours whose jobs have one thread each, as `by_run_sh` has: threads enter the
    bytes."""
    shutil.copytree(ROOT / "cluster" / name, folder / "profile")
    place = folder / "profile" / "config.yaml"
    text = place.read_text().replace("gpu: true", "gpu: false")
    place.write_text(f"{text}max-threads: 1\n{further}")
    return str(folder / "profile")


@pytest.fixture(scope="module")
def by_run_sh(tmp_path_factory) -> tuple[Path, dict[str, str]]:
    """The data of the tiny demo, and the tables that ./run.sh makes of it."""
    folder = tmp_path_factory.mktemp("plain")
    command = [ROOT / "run.sh", "Demo", "--run", "demo-tiny"]
    command += ["--results", folder / "results", "--data", folder / "data"]
    subprocess.run(command, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    return folder / "data", hashes(folder / "results")


def test_a_city_through_snakemake_is_the_same_and_then_there_is_nothing_to_do(tmp_path, by_run_sh):
    data, expected = by_run_sh
    profile = profile_of_one_thread(tmp_path, "local", "cores: 2\n")
    first = start(tmp_path, data, "Demo", "--profile", profile)
    assert first.returncode == 0, first.stdout + first.stderr
    assert hashes(tmp_path / "results") == expected
    second = start(tmp_path, data, "Demo", "--profile", profile)
    assert "nothing to do" in second.stdout


def test_a_city_without_its_land_cover_does_not_stop_the_others_and_its_log_is_named(tmp_path):
    told = start(tmp_path, tmp_path / "data", "Nowhere", "Elsewhere")
    assert told.returncode == 1
    lines = (told.stdout + told.stderr).splitlines()
    for city in ("Nowhere", "Elsewhere"):
        assert any(f"{city}: stopped" in line and "02_import_urban_atlas" in line for line in lines)
    assert not any("Traceback" in line for line in lines)


@pytest.fixture
def slurm(tmp_path):
    if not small_slurm.is_installed():
        pytest.skip("needs slurm-wlm and munge, and root to start them")
    daemons = small_slurm.Slurm(tmp_path / "slurm")
    yield daemons
    daemons.stop_all()


@pytest.mark.long
def test_slurm_killed_jobs_and_a_restarted_controller_end_with_the_same_bytes(
    tmp_path, slurm, by_run_sh
):
    data, expected = by_run_sh
    profile = profile_of_one_thread(tmp_path, "slurm", QUICK_TO_ASK)

    def disturb() -> None:
        slurm.wait_for("train_income")
        slurm.stop("slurmctld")
        slurm.start_controller()
        slurm.cancel("train_income")

    disturber = threading.Thread(target=disturb)
    disturber.start()
    told = start(tmp_path, data, "Demo", "--profile", profile)
    disturber.join()
    assert told.returncode == 0, told.stdout + told.stderr
    assert hashes(tmp_path / "results") == expected
