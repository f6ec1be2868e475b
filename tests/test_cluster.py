"""Cities through a real engine: the same bytes as ./run.sh, on one machine and through Slurm."""

import hashlib
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
import yaml

import many_cities
import small_slurm
from city_requests import request_of
from plain_files import INCOMES, export_city
from samples import ROOT
from small_slurm import Disturber, Slurm, answer
from urbancam.workflow.running import scripts

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

# Threads enter the bytes.
ONE_THREAD = os.environ | {"OMP_NUM_THREADS": "1"}
# Epochs enough that a training can be met while it is under way.
RUN = ["--run", "demo-tiny", "--set", "training.epochs=10"]
TRAINING = "11_train_income"
# Jobs ask for a GPU that this Slurm only pretends to have.
ON_CPU = 'on_cpu() { "${@/#cuda/cpu}"; }; on_cpu '
# This Slurm has no accounting, and nobody else asks it.
QUICK_TO_ASK = {
    "slurm-status-command": "squeue",
    "slurm-init-seconds-before-status-checks": 1,
    "seconds-between-status-checks": 1,
}


def command(folder: Path, data: Path, *words: str) -> list[str]:
    places = ["--results", str(folder / "results"), "--data", str(data)]
    return [str(ROOT / "run.sh"), "cluster", *words, *RUN, *places]


def start(folder: Path, data: Path, *words: str) -> subprocess.CompletedProcess:
    called = command(folder, data, *words)
    return subprocess.run(called, capture_output=True, text=True, env=ONE_THREAD)


def hashes(results: Path) -> dict[str, str]:
    """Hash of each table by its path below the results."""
    files = [path for path in results.rglob("*") if path.is_file()]
    return {
        str(path.relative_to(results)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.suffix in (".csv", ".parquet") and path.name != "history.csv"  # it tells seconds
    }


def logs_of_trainings(results: Path) -> Path:
    return results / ".cluster" / "logs" / "Demo" / "demo-tiny" / "-" / TRAINING


def profile_of_one_thread(folder: Path, name: str, further: dict) -> str:
    """A profile of ours whose jobs have one thread each, as `by_run_sh` has.

    Args:
        folder: Where it is written to.
        name: Of the profile.
        further: What else stands in it.
    """
    shutil.copytree(ROOT / "cluster" / name, folder / "profile")
    place = folder / "profile" / "config.yaml"
    profile = yaml.safe_load(place.read_text())
    for key, value in ({"max-threads": 1} | further).items():
        profile[key] = profile.get(key, {}) | value if isinstance(value, dict) else value
    place.write_text(yaml.safe_dump(profile))
    return str(folder / "profile")


@pytest.fixture(scope="module")
def by_run_sh(tmp_path_factory) -> tuple[Path, Path]:
    """The data of the tiny demo, and the results that ./run.sh makes of it."""
    folder = tmp_path_factory.mktemp("plain")
    data, results = folder / "data", folder / "results"
    called = [ROOT / "run.sh", "Demo", *RUN, "--results", results, "--data", data]
    subprocess.run(called, check=True, env=ONE_THREAD)
    return data, results


def test_a_city_through_snakemake_is_the_same_and_then_there_is_nothing_to_do(tmp_path, by_run_sh):
    data, results = by_run_sh
    said = tmp_path / "prologue"
    config = {"gpu": False, "prologue": f"touch {said} && "}
    profile = profile_of_one_thread(tmp_path, "local", {"cores": 2, "config": config})
    first = start(tmp_path, data, "Demo", "--profile", profile)
    assert first.returncode == 0, first.stdout + first.stderr
    assert hashes(tmp_path / "results") == hashes(results)
    logs = logs_of_trainings(tmp_path / "results").glob("*.log")
    decoding = {path.stem for path in logs if "decodes images" in path.read_text()}
    assert decoding == {"cache"}
    assert said.exists()
    second = start(tmp_path, data, "Demo", "--profile", profile)
    assert "nothing to do" in second.stdout


def test_a_city_without_its_land_cover_does_not_stop_the_others_and_its_log_is_named(
    tmp_path, by_run_sh
):
    data, _ = by_run_sh  # with a census, lest it be fetched
    told = start(tmp_path, data, "Nowhere", "Elsewhere")
    assert told.returncode == 1
    lines = (told.stdout + told.stderr).splitlines()
    for city in ("Nowhere", "Elsewhere"):
        assert any(f"{city}: stopped" in line and "02_import_urban_atlas" in line for line in lines)
    assert not any("Traceback" in line for line in lines)


def test_a_second_call_for_38_finished_cities_says_within_a_minute_that_nothing_is_to_do(
    tmp_path, by_run_sh, capsys
):
    """Each learns from, and is compared with, all others."""
    data, results = by_run_sh
    (tmp_path / "data").symlink_to(data)
    many_cities.copy_city(results / "Demo", tmp_path / "results" / "Demo")
    run, asked = RUN[1], [*RUN[2:], "--set", "compare.splits=[city]"]
    cities = ["Demo", *(f"Town-{number:02}" for number in range(1, 38))]
    many_cities.finish_copies(request_of("Demo", run, tmp_path, *asked), cities[1:])
    places = ["--data", str(tmp_path / "data"), "--results", str(tmp_path / "results")]
    called = [*cities, "--run", run, *asked, *places, "--dry-run"]
    started = time.process_time()
    assert scripts.load("98_start_cluster").main(called) == 0
    seconds = time.process_time() - started
    assert capsys.readouterr().out.count(": nothing to do") == 38
    assert seconds < 60


@pytest.fixture
def slurm():
    if reason := small_slurm.why_not():
        pytest.skip(reason)
    daemons = Slurm()
    daemons.start()
    yield daemons
    daemons.end()


def test_a_slurm_that_does_not_start_is_no_reason_to_leave_its_tests_out(request, monkeypatch):
    broken = small_slurm.CONFIGURATION["slurm.conf"] + "NoSuchKey=1\n"
    monkeypatch.setitem(small_slurm.CONFIGURATION, "slurm.conf", broken)
    with pytest.raises((OSError, subprocess.SubprocessError)) as raised:
        request.getfixturevalue("slurm")
    assert "slurmctld" in f"{raised.value} {raised.value.__notes__}"


def lines_of_disturbed(disturber: Disturber, results: Path) -> str:
    """What the training said at its last try."""
    disturber.join_or_raise()
    return (logs_of_trainings(results) / f"{disturber.fold}.log").read_text()


def test_jobs_that_slurm_ends_go_on_where_they_were_and_with_more_memory(
    tmp_path, slurm, by_run_sh
):
    """One fold of a finished city anew and two steps after it, so that the test is short."""
    data, results = by_run_sh
    expected = hashes(results)
    run = results / "Demo" / "demo-tiny"
    shutil.rmtree(run / "fold_1")
    for table in ("metrics.csv", "activation_ratio.csv"):
        (run / "tables" / table).unlink()
    further = {
        # What needs no GPU and only finds that it is up to date goes in one job.
        "groups": {"landcover_statistics": "tell"},
        "set-resources": {"train_income": {"mem_mb": "400 * attempt**2"}},  # too little at first
        "config": {"with_gpu": {"slurm_partition": "gpu", "gpu_model": "a100"}, "prologue": ON_CPU},
    }
    profile = profile_of_one_thread(tmp_path, "slurm", QUICK_TO_ASK | further)
    told_meanwhile = {}

    def cancel(job: str) -> None:
        told_meanwhile["job"] = answer("scontrol", "show", "job", job)
        answer("scancel", job)
        status = [ROOT / "run.sh", "status", "Demo", *RUN, "--results", results, "--data", data]
        told_meanwhile["status"] = answer(*map(str, status))

    disturber = Disturber(results, cancel)
    disturber.start()
    called = command(results.parent, data, "Demo", "--profile", profile)
    told = slurm.run(called, env=ONE_THREAD)
    assert told.returncode == 0, told.stdout
    assert "goes on after epoch" in lines_of_disturbed(disturber, results)
    for asked in ("Partition=gpu", "TresPerJob=gres:gpu:a100:1"):
        assert asked in told_meanwhile["job"].split()
    folds = [line for line in told_meanwhile["status"].splitlines() if f" {TRAINING} fold" in line]
    assert [line.split()[0] for line in folds] == ["done", "missing", "done"]
    of_queue = results.glob(".cluster/.snakemake/slurm_logs/rule_train_income/*_1/*.log")
    assert any("memory limit" in place.read_text() for place in of_queue)
    assert {place.stem for place in logs_of_trainings(results).glob("*.log")} == {"cache", "1"}
    assert_all_after_the_training_were_asked(results)
    assert hashes(results) == expected


def assert_all_after_the_training_were_asked(results: Path) -> None:
    """Snakemake came to the end of the city, and each script told in a job how it stands."""
    folder = results / ".cluster"
    assert (folder / "marks" / "Demo" / "all").exists()
    tasks = json.loads((folder / "tasks" / "Demo.json").read_text())
    asked = [task["mark"] for task in tasks if task["state"] != "done"]
    told = {mark.split("/")[3]: (folder / "logs" / f"{mark}.log").read_text() for mark in asked}
    del told[TRAINING]
    made = {"12_evaluate_income", "14_landcover_statistics"}
    assert {script for script, lines in told.items() if f"{script} Demo: done" in lines} == made
    assert {script for script, lines in told.items() if "up to date" in lines} == {*told} - made


@pytest.mark.long
def test_a_controller_that_is_away_for_a_minute_does_not_stop_a_city(tmp_path, slurm, by_run_sh):
    data, results = by_run_sh
    expected = hashes(results)
    shutil.rmtree(results / "Demo" / "demo-tiny" / "fold_1")
    # What begins while it is away fails.
    further = {"retries": 5, "config": {"gpu": False}}
    profile = profile_of_one_thread(tmp_path, "slurm", QUICK_TO_ASK | further)

    def restart_controller(_job: str) -> None:
        small_slurm.stop("slurmctld")
        time.sleep(60)  # five questions that fail, after which Snakemake would forget jobs, are 45
        Slurm.start_controller()

    disturber = Disturber(results, restart_controller)
    disturber.start()
    told = slurm.run(command(results.parent, data, "Demo", "--profile", profile), env=ONE_THREAD)
    disturber.join_or_raise()
    assert told.returncode == 0, told.stdout
    assert "Falling back to 'sacct'" in told.stdout  # ours, while nobody else would answer
    assert (results / ".cluster" / "marks" / "Demo" / "all").exists()
    assert hashes(results) == expected


@pytest.mark.long
def test_two_cities_and_the_cities_experiment_through_slurm(tmp_path, slurm):
    data = tmp_path / "data"
    # With several cities each is left out once; patches lie apart, lest there be too many.
    asked = ["--set", "compare.splits=[city]", "--set", "cities.stride_px=128"]
    places = [*RUN, *asked, "--data", data, "--results", tmp_path / "plain"]
    for cities in (["Demo"], ["Demo", "Twin"], ["cities"]):
        if "Twin" in cities:
            twin = data / "cities" / "Twin"
            export_city(tmp_path / "plain" / "Demo", data, twin, INCOMES, 3_000)
        subprocess.run([ROOT / "run.sh", *cities, *places], check=True, env=ONE_THREAD)

    further = {
        "set-resources": {"train_income": {"mem_mb": "400 * attempt**2"}},
        "config": {"gpu": False},
    }
    profile = profile_of_one_thread(tmp_path, "slurm", QUICK_TO_ASK | further)
    called = command(tmp_path, data, "Demo", "Twin", "cities", "--profile", profile, *asked)
    disturber = Disturber(tmp_path / "results", lambda job: answer("scancel", job))
    disturber.start()
    told = slurm.run(called, env=ONE_THREAD)
    assert told.returncode == 0, told.stdout
    assert "goes on after epoch" in lines_of_disturbed(disturber, tmp_path / "results")
    assert hashes(tmp_path / "results") == hashes(tmp_path / "plain")
    left_out = tmp_path / "results" / "Twin" / "demo-tiny" / "variants" / "split-city"
    assert (left_out / "predictions.csv").is_file()
    second = slurm.run(called, env=ONE_THREAD)
    assert second.stdout.count("nothing to do") == 3
