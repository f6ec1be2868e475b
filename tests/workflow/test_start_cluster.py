"""The call that starts the work of cities: which it takes on, and which it leaves out."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from city_requests import request_of
from urbancam.workflow import files
from urbancam.workflow.cluster import engine, tasks
from urbancam.workflow.records import steps
from urbancam.workflow.running import scripts

# The stand-in for Snakemake notes what it is told.
TELL = "cat config.json >>../../told; echo >>../../told"


def start(folder: Path, *words: str) -> int:
    """Exit status of a call whose data and results lie in a folder."""
    places = ["--data", str(folder / "data"), "--results", str(folder / "results")]
    return scripts.load("98_start_cluster").main([*words, "--run", "demo-tiny", *places])


def write_city_file(folder: Path, city: str, text: str) -> Path:
    place = folder / "data" / "cities" / city / "city.yaml"
    place.parent.mkdir(parents=True)
    place.write_text(text)
    return place


@pytest.fixture
def pretend_engine(tmp_path, monkeypatch) -> Callable[[str], None]:
    """Sets a stand-in for Snakemake: lines of a shell, in the folder of tasks and marks."""
    program, place = tmp_path / "snakemake", tmp_path / "results" / ".cluster"
    monkeypatch.setattr(engine, "SNAKEMAKE", program)

    def set_up(does: str) -> None:
        end = 'end() { mkdir -p "marks/$1"; touch "marks/$1/all"; }'
        program.write_text(f"#!/bin/sh\ncd {place}\n{end}\n{does}\n")
        program.chmod(0o755)

    return set_up


def test_a_city_at_fault_is_told_and_left_out_and_the_others_are_not(tmp_path, capsys):
    place = write_city_file(tmp_path, "Lyon", "cells: [\n")
    assert start(tmp_path, "Paris", "Lyon", "Nice", "--dry-run") == 1
    said = capsys.readouterr()
    assert "Paris: " in said.out and "Nice: " in said.out and "Lyon" not in said.out
    assert "Lyon is left out" in said.err and str(place) in said.err


def test_each_city_has_its_own_run_where_none_is_named_also_when_asked_for_again(tmp_path):
    script = scripts.load("98_start_cluster")
    for words, expected in (([], ["demo", "default"]), (["--run", "paper"], ["paper", "paper"])):
        args = script.parse_args([*words, "--data", str(tmp_path), "--results", str(tmp_path)])
        requests = script.requests_of(["Demo", "Paris"], args)
        assert [request.paths.run for request in requests] == expected
        again = script.parse_args([*script.common_words(args), "--ask", "Demo"])
        assert script.request_of(again.ask, again).paths.run == expected[0]


def test_where_every_city_is_at_fault_that_is_bad_input(tmp_path, capsys):
    write_city_file(tmp_path, "Lyon", "cells: [\n")
    assert start(tmp_path, "Lyon") == 2
    assert "Lyon is left out" in capsys.readouterr().err


def test_what_is_at_fault_for_all_cities_is_told_once(tmp_path, capsys):
    assert start(tmp_path, "Paris", "Lyon", "--set", "split.fold=3", "--dry-run") == 2
    assert capsys.readouterr().err.count("unknown setting") == 1


def rounds_told(folder: Path) -> list[tuple[int, list[str]]]:
    """Number and cities of each round that the stand-in was called for."""
    told = [json.loads(line) for line in (folder / "told").read_text().splitlines()]
    return [(int(each["ask"][-2]), sorted(each["cities"])) for each in told]


@pytest.mark.slow
def test_a_city_that_is_at_fault_later_on_does_not_stop_the_others(
    tmp_path, pretend_engine, capsys
):
    """Nor does what it left in an earlier round carry it on."""
    place = write_city_file(tmp_path, "Lyon", "")
    spoil = f'echo "cells: [" >{place}'
    pretend_engine(f"{TELL}; {spoil}; end Paris; end Lyon")
    assert start(tmp_path, "Paris", "Lyon") == 1
    assert rounds_told(tmp_path) == [
        (tasks.ALONE, ["Lyon", "Paris"]),
        (tasks.COMPARED, ["Paris"]),
        (tasks.SHOWN, ["Paris"]),
    ]
    said = capsys.readouterr().err
    assert "Lyon is left out" in said and "Paris: " in said


@pytest.mark.slow
def test_a_city_that_stopped_is_in_no_later_round_and_one_alone_has_but_the_last(
    tmp_path, pretend_engine
):
    pretend_engine(f"{TELL}; end Lyon")
    assert start(tmp_path, "Nowhere", "Lyon") == 1
    assert rounds_told(tmp_path) == [
        (tasks.ALONE, ["Lyon", "Nowhere"]),
        (tasks.COMPARED, ["Lyon"]),
        (tasks.SHOWN, ["Lyon"]),
    ]
    (tmp_path / "told").unlink()
    assert start(tmp_path, "Lyon") == 1
    assert rounds_told(tmp_path) == [(tasks.SHOWN, ["Lyon"])]


def refuse_images(city: str, folder: Path) -> None:
    """Images of a city that were cut with other settings."""
    paths = request_of(city, "demo-tiny", folder).paths
    paths.city_folder.mkdir(parents=True)
    for path in (paths.cells, paths.tiles):
        path.touch()
    record = {"settings": {"imagery.pixel_size_m": 99.0}}
    files.write_json(steps.record_path(paths.images_table), record)


def test_a_city_with_results_that_no_job_would_make_again_is_left_out_before_anything_starts(
    tmp_path, pretend_engine, capsys
):
    refuse_images("Lyon", tmp_path)
    pretend_engine(TELL)
    assert start(tmp_path, "Lyon", "--dry-run") == 2
    said = capsys.readouterr()
    assert "05_cut_images" in said.err and "imagery.pixel_size_m is 99.0" in said.err
    assert "jobs" not in said.out
    assert start(tmp_path, "Paris", "Lyon") == 1
    assert rounds_told(tmp_path) == [(tasks.SHOWN, ["Paris"])]


@pytest.mark.parametrize("state", ["refused", "damaged"])
def test_one_of_several_results_that_would_not_be_made_again_is_told_of_its_task(tmp_path, state):
    request = request_of("Demo", "demo-tiny", tmp_path)
    (call,) = [call for call in tasks.calls_of("main", request) if call.entry.number == "07"]
    done, missing, other = ({"fold": None, "state": name} for name in ("done", "missing", state))
    assert tasks._one_a_task([(call, done), (call, missing), (call, other)]) == [(call, other)]
