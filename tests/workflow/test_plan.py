"""The plan that run.sh carries out: every step once, in order, variants where they belong."""

import os
import subprocess
import sys

import pytest

from samples import ROOT
from urbancam.workflow import catalogue
from urbancam.workflow.paths import Paths
from urbancam.workflow.planning import plan
from urbancam.workflow.settings import settings


def numbers(part: str, city: str = "Paris", run: str = "default", names=()) -> list[str]:
    return [call.entry.number for call in plan.calls(part, city, run, list(names))]


@pytest.mark.parametrize(("city", "run"), [("Demo", "demo"), ("cities", "demo")])
def test_a_city_goes_through_all_its_steps_once_in_order(city, run):
    steps = [number for part in plan.PARTS for number in numbers(part, city, run)]
    steps.remove("90")  # disk and time, once the counts are known
    experiment = catalogue.experiment_of(city)
    expected = [
        entry
        for entry in catalogue.STEPS
        if entry.experiment in (experiment, catalogue.BOTH)
        and entry.part not in ("", catalogue.STATUS, catalogue.EXPORT, catalogue.CHECK)
    ]
    # What a part has stands in the order of its numbers; what is told comes last.
    expected.sort(key=lambda entry: entry.part == catalogue.TELL)
    assert steps == [entry.number for entry in expected]


def test_costs_are_told_once_the_counts_are_known():
    assert numbers("main")[1:3] == ["03", "90"]
    assert numbers("main", "cities")[1:3] == ["22", "90"]


def test_expecting_ends_with_what_the_imagery_will_take():
    calls = list(plan.calls(plan.EXPECT, "Paris", "default", []))
    assert [call.entry.number for call in calls] == ["01", "03", "90", "04"]
    assert calls[-1].option == "--expect"


def test_what_only_the_user_can_put_there_is_read_before_anything_is_fetched():
    assert numbers("by-hand") == ["02"]
    assert numbers("main")[0] == "01" and "02" not in numbers("main")
    assert numbers("by-hand", "Demo", "demo") == [] and numbers("by-hand", "cities") == []
    assert numbers("main", "Demo", "demo")[:3] == ["00", "01", "02"]


def test_variants_go_through_their_parts_one_after_the_other():
    calls = plan.calls("variants", "Paris", "default", ["split-random", "shuffled-labels"])
    got = [(call.entry.number, call.variant) for call in calls]
    assert got[:3] == [(number, "split-random") for number in ("10", "11", "12")]
    assert [number for number, _ in got[3:]] == ["10", "11", "12", "13", "14"]


def test_a_city_is_left_out_only_where_others_are(tmp_path):
    run = settings.load("default")
    paths = Paths(tmp_path, tmp_path, "Paris", "default")
    assert plan.variants_of("left-out", "Paris", run, paths) == []
    other = paths.of_city("Lyon").samples
    other.parent.mkdir(parents=True)
    other.touch()
    assert plan.variants_of("left-out", "Paris", run, paths) == ["split-city"]
    assert plan.variants_of("left-out", "cities", run, paths) == []


def dry_run(folder, *words: str, path: str = os.environ["PATH"]) -> list[str]:
    command = ["bash", folder / "run.sh", *words, "--dry-run"]
    environment = os.environ | {"PATH": path}
    told = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return told.stdout.splitlines()


def python_without_packages(folder) -> str:
    """A search path on which Python comes first as a new machine has it."""
    (folder / "bin").mkdir()
    bare = folder / "bin" / "python3.11"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S -E "$@"\n')
    bare.chmod(0o755)
    return f"{bare.parent}:{os.environ['PATH']}"


def test_dry_run_prints_the_calls_before_anything_is_installed(tmp_path):
    """A fresh clone has no .venv: the plan needs the standard library alone."""
    (tmp_path / "run.sh").symlink_to(ROOT / "run.sh")
    (tmp_path / "code").symlink_to(ROOT / "code")
    lines = dry_run(tmp_path, "Saint Etienne", path=python_without_packages(tmp_path))
    python = ".venv/bin/python"
    name = "'Saint Etienne'"
    assert lines[0] == f"{python} code/02_import_urban_atlas.py --city {name} --run default"
    assert lines[2] == f"{python} code/01_download_census.py --run default"
    assert f"{python} code/05_cut_images.py --city {name} --run default" in lines
    assert "93_tell_results" in lines[-1]


def test_dry_run_names_the_variants_of_a_run():
    lines = dry_run(ROOT, "--run", "demo-full")
    words = "code/12_evaluate_income.py --city Demo --run demo-full --variant split-group"
    assert f".venv/bin/python {words}" in lines


@pytest.mark.slow
def test_expect_stops_before_any_imagery_is_fetched():
    calls = dry_run(ROOT, "Paris", "Lyon", "--expect")
    assert sum("04_download_aerial.py" in call and "--expect" in call for call in calls) == 2
    assert not any("05_cut_images" in call for call in calls)
    refused = subprocess.run(
        ["bash", ROOT / "run.sh", "cities", "--expect"], capture_output=True, text=True
    )
    assert refused.returncode == 2


def test_dry_run_of_the_tests_prints_the_command():
    (line,) = dry_run(ROOT, "test", "quick")
    assert line.startswith(".venv/bin/python -m pytest") and "-m 'not slow" in line


def test_status_looks_where_results_are_asked_for(tmp_path):
    samples = tmp_path / "Lyon" / "paper" / "samples.csv"
    samples.parent.mkdir(parents=True)
    samples.touch()
    (line,) = dry_run(ROOT, "status", "--results", str(tmp_path))
    assert line.startswith(".venv/bin/python code/90_show_status.py --city Lyon --run paper")
