"""The work of a city as tasks for an engine: which there are, after which others, how they are
named."""

import os
import shutil
from dataclasses import replace

import pytest

from city_requests import request_of
from urbancam.workflow import catalogue
from urbancam.workflow.cluster import engine, tasks
from urbancam.workflow.machine import locks
from urbancam.workflow.paths import Paths
from urbancam.workflow.running import scripts
from urbancam.workflow.settings import settings


@pytest.fixture
def tiny(tmp_path):
    """The tasks of the tiny demo, of which nothing is done, by the end of their marks."""
    listed = tasks.list_tasks(request_of("Demo", "demo-tiny", tmp_path))
    return {task.mark.split("/", 2)[2]: task for task in listed}


def test_every_step_that_leaves_a_record_is_a_task_each_fold_one(tiny):
    steps = {task.script for task in tiny.values()}
    assert steps == {
        entry.script
        for entry in catalogue.STEPS
        if entry.experiment == catalogue.INCOME and entry.part and entry.scope
    }
    folds = settings.load("demo-tiny").folds_trained
    assert [f"-/11_train_income/{fold}" in tiny for fold in range(folds)] == [True] * folds
    assert [task.fold for task in tiny.values() if task.fills_cache] == [tasks.CACHE]
    assert tiny["-/11_train_income/1"].words[-2:] == ("--fold", "1")


def test_several_results_of_one_call_are_one_task(tmp_path):
    request = request_of("Demo", "demo-tiny", tmp_path)
    (call,) = [call for call in tasks.calls_of("main", request) if call.entry.number == "07"]
    assert len(tasks.states_of(call, request.args)) > 2
    marks = [task.mark for task in tasks.list_tasks(request)]
    assert marks.count("Demo/demo-tiny/-/07_measure_cells/-") == 1
    assert len(marks) == len(set(marks))
    done, missing = ({"fold": None, "state": state} for state in ("done", "missing"))
    assert tasks._one_a_task([(call, done), (call, missing), (call, done)]) == [(call, missing)]
    assert tasks._one_a_task([(call, done), (call, done)]) == [(call, done)]


def test_a_task_waits_for_what_it_reads(tiny):
    def scripts_needed(name: str) -> set[str]:
        return {mark.split("/")[3][:2] for mark in tiny[name].needs}

    assert scripts_needed("-/01_download_census/-") == {"00"}
    assert scripts_needed("-/03_select_cells/-") >= {"01", "02"}
    assert scripts_needed("-/07_measure_cells/-") == {"00", "03", "05", "06", "11"}
    assert scripts_needed("-/12_evaluate_income/-") == {"03", "05", "07", "10", "11"}
    assert all(
        need in {task.mark for task in tiny.values()} for need in tiny["-/92_make_report/-"].needs
    )


def test_a_variant_reads_its_own_and_what_compares_reads_all(tmp_path):
    words = ["--set", "compare.splits=[random]", "--set", "compare.seeds=[1]"]
    listed = tasks.list_tasks(request_of("Demo", "demo-tiny", tmp_path, *words))
    by_place = {(task.variant, task.script): task for task in listed}
    needed = {mark.split("/")[2] for mark in by_place["seed-1", "12_evaluate_income"].needs}
    assert needed == {"-", "seed-1"}  # cells and images are the city's
    compared = {mark.split("/")[2] for mark in by_place["", "15_compare_variants"].needs}
    assert compared == {"-", "seed-1", "split-random"}


def test_images_are_decoded_once_before_anything_holds_a_gpu(tmp_path):
    words = ["--set", "compare.seeds=[1]"]
    request = request_of("Demo", "demo-tiny", tmp_path, *words)
    listed = engine.ask(request, with_gpu=True)
    (cache,) = [task for task in listed if task.fills_cache]
    folds = [task for task in listed if task.script == "11_train_income" and task != cache]
    assert {fold.variant for fold in folds} == {"", "seed-1"}
    with_gpu = [task for task in listed if task.resources.gpu]
    assert cache.resources.gpu == 0 and {*folds} < {*with_gpu}
    assert all(cache.mark in task.needs for task in with_gpu)
    assert cache.words[-1] == "--cache-only" and "--fold" not in cache.words
    assert {mark.split("/")[3] for mark in cache.needs} == {
        mark.split("/")[3] for mark in folds[0].needs if mark != cache.mark
    }


def test_what_is_done_waits_for_nothing_lest_it_be_started_again(tmp_path, tiny, monkeypatch):
    cache, fold = (tiny[f"-/11_train_income/{name}"] for name in (tasks.CACHE, 1))
    listed = [cache, replace(fold, state="done"), fold]
    monkeypatch.setattr(tasks, "list_tasks", lambda request: listed)
    request = request_of("Demo", "demo-tiny", tmp_path)
    asked = engine.ask(request, with_gpu=False)
    assert [cache.mark in task.needs for task in asked] == [False, False, True]


def test_marks_stand_for_what_is_done_and_for_nothing_else(tmp_path, tiny):
    first, second = list(tiny.values())[:2]
    (tmp_path / second.mark).parent.mkdir(parents=True)
    (tmp_path / second.mark).touch()
    done = tasks.Task(first.mark, first.words, "done", "")
    tasks.keep_marks([done, second], tmp_path)
    assert (tmp_path / first.mark).is_file()
    assert not (tmp_path / second.mark).exists()


def test_marks_stay_while_snakemake_runs(tmp_path):
    request = request_of("Demo", "demo-tiny", tmp_path)
    listed = engine.ask(request, with_gpu=False)
    mark = tmp_path / "marks" / listed[0].mark
    mark.parent.mkdir(parents=True)
    mark.touch()  # of a job that ended since its script was asked
    engine.write_down(request, listed, tmp_path)
    assert mark.is_file()
    engine.set_marks(request, listed, tmp_path)
    assert not mark.exists()


def test_variants_are_asked_for_again_unless_images_are_cut(tmp_path):
    request = request_of("Demo", "demo-tiny", tmp_path)
    listed = engine.ask(request, with_gpu=False)
    settled = tmp_path / "marks" / "Demo" / "settled"
    done = [replace(task, state="done") if task.script[:2] == "05" else task for task in listed]
    engine.set_marks(request, done, tmp_path)
    assert settled.is_file()
    engine.set_marks(request, listed, tmp_path)
    assert not settled.exists()


def test_a_task_that_was_not_done_names_its_lines_and_the_last_of_the_queue(tmp_path, tiny):
    task = tiny["-/11_train_income/1"]
    assert engine.logs_of(task, tmp_path) == []
    own = tmp_path / "logs" / f"{task.mark}.log"
    of_queue = tmp_path / ".snakemake" / "slurm_logs" / "rule_train_income" / "Demo_demo-tiny_-_1"
    for number, place in enumerate([own, of_queue / "12.log", of_queue / "9.log"]):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
        os.utime(place, (number, number))
    assert engine.logs_of(task, tmp_path) == [own, of_queue / "9.log"]


def test_a_task_of_a_group_names_the_log_of_the_queue_that_tells_of_it(tmp_path, tiny):
    figures, report, layers = (
        tiny[f"-/{name}/-"] for name in ("91_make_figures", "92_make_report", "80_export_layers")
    )
    logs = tmp_path / ".snakemake" / "slurm_logs"
    # As the executor names those of groups: after the rules, without the city.
    of_group, of_another = (
        logs / f"group_{name}" / "7.log" for name in ("tell_make_figures_make_report", "prepare")
    )
    for place, told in ((of_group, figures), (of_another, report)):
        place.parent.mkdir(parents=True)
        place.write_text(f"    log: logs/{told.mark}.log\n")
    assert engine.logs_of(figures, tmp_path) == [of_group]
    assert engine.logs_of(report, tmp_path) == [of_another]
    assert engine.logs_of(layers, tmp_path) == []


def test_a_dry_run_writes_nothing_and_waits_for_nobody(tmp_path, tiny, capsys):
    results = tmp_path / "results"
    words = ["Demo", "--run", "demo-tiny", "--dry-run"]
    words += ["--data", str(tmp_path / "data"), "--results", str(results)]
    with locks.hold(engine.folder_of(results) / ".lock", "the cluster's work"):
        before = sorted(results.rglob("*"))
        assert scripts.load("98_start_cluster").main(words) == 0
    assert f"Demo: {len(tiny)} jobs" in capsys.readouterr().out
    assert sorted(results.rglob("*")) == before


def test_without_the_engine_it_is_said_where_it_comes_from(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(engine, "SNAKEMAKE", tmp_path / "snakemake")
    words = ["Demo", "--run", "demo-tiny"]
    words += ["--data", str(tmp_path / "data"), "--results", str(tmp_path / "results")]
    assert scripts.load("98_start_cluster").main(words) == 2
    assert "./run.sh cluster" in capsys.readouterr().err


def test_images_and_cache_lie_on_scratch_and_what_is_there_already_stays(tmp_path):
    paths = Paths(tmp_path / "data", tmp_path / "results", "Le Mans")
    paths.cache.mkdir(parents=True)
    for _ in range(2):
        engine.lay_on(tmp_path / "scratch", paths)
    place = paths.images.readlink()
    assert place.is_relative_to(tmp_path / "scratch") and place.parts[-2:] == ("Le-Mans", "images")
    assert not paths.cache.is_symlink()
    (paths.images / "a.png").touch()
    assert (place / "a.png").exists()


def test_two_folders_of_results_share_no_images_on_scratch(tmp_path):
    first, second = (Paths(tmp_path, tmp_path / name, "Lyon") for name in ("results", "other"))
    for paths in (first, second):
        engine.lay_on(tmp_path / "scratch", paths)
    (first.images / "a.png").touch()
    assert not (second.images / "a.png").exists()


@pytest.mark.parametrize("named_again", [True, False])
def test_scratch_that_was_emptied_is_filled_again(tmp_path, named_again):
    paths = Paths(tmp_path / "data", tmp_path / "results", "Lyon")
    engine.lay_on(tmp_path / "scratch", paths)
    shutil.rmtree(tmp_path / "scratch")
    engine.lay_on(tmp_path / "scratch" if named_again else None, paths)
    paths.images.mkdir(exist_ok=True)  # as what cuts them does
    (paths.images / "a.png").touch()
    assert len([*(tmp_path / "scratch").rglob("a.png")]) == 1


def test_without_scratch_images_lie_in_the_results(tmp_path):
    paths = Paths(tmp_path / "data", tmp_path / "results", "Lyon")
    engine.lay_on(None, paths)
    assert not paths.images.is_symlink()
