"""Several cities in rounds: nothing is made before what it reads of another city."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from city_requests import request_of
from urbancam.workflow import catalogue, files, folder_names
from urbancam.workflow.cluster import tasks
from urbancam.workflow.records import steps
from urbancam.workflow.running.job import Request
from urbancam.workflow.settings import settings


def rounds(listed: list[tasks.Task], *words: str) -> dict[tuple[str, str], int]:
    """Script and variant -> the round in which it is done."""
    asked = settings.load("demo-tiny", words)
    return {
        (task.script, task.variant): last
        for last in (tasks.SHOWN, tasks.COMPARED, tasks.ALONE)
        for task in tasks.up_to_round(listed, last, asked)
    }


def steps_of_round(number: int, listed: list[tasks.Task], *words: str) -> set[str]:
    return {script[:2] for (script, _), last in rounds(listed, *words).items() if last == number}


def test_what_looks_at_other_cities_and_what_reads_it_waits_for_them_and_pictures_for_both(
    tmp_path,
):
    listed = tasks.list_tasks(request_of("Demo", "demo-tiny", tmp_path))
    assert steps_of_round(tasks.COMPARED, listed) == {"15", "17", "19"}
    assert steps_of_round(tasks.SHOWN, listed) == {"80", "91", "92"}


def test_sites_that_are_cut_from_the_tiles_of_all_cities_wait_for_them(tmp_path):
    listed = tasks.list_tasks(request_of("cities", "demo-tiny", tmp_path))
    assert steps_of_round(tasks.COMPARED, listed) == {"25"}
    assert steps_of_round(tasks.COMPARED, listed, "cities.source=ign") >= {"21", "22", "23", "25"}


def pretend_done(request: Request) -> None:
    """Empty results of a city, whose records tell the settings alone."""
    for call in tasks.calls_with_record(request):
        for state in tasks.states_of(call, request.args):
            for output in map(Path, state["outputs"]):
                output.parent.mkdir(parents=True, exist_ok=True)
                output.touch()
                told = {"settings": request.settings.pick("image", "model", "samples")}
                files.write_json(steps.record_path(output), told)


def of_other_cities(request: Request) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    """Script and variant of a task, and those of what it reads from another city."""
    folder = request.paths.city_folder
    calls = tasks.calls_with_record(request)
    for call in [call for call in calls if call.entry.experiment != catalogue.BOTH]:
        for state in tasks.states_of(call, request.args):
            for path in map(Path, state["inputs"]):
                if path.is_relative_to(folder.parent) and not path.is_relative_to(folder):
                    made = (catalogue.maker_of(path), folder_names.variant_of(path))
                    yield (call.entry.script, call.variant), made


@pytest.mark.parametrize(
    ("city", "asked", "readers"),
    [
        ("Paris", "compare.splits=[city]", {"11", "12", "15", "17", "91"}),
        ("cities", "cities.source=files", {"25"}),
        ("cities", "cities.source=ign", {"21", "25"}),
    ],
)
def test_what_is_read_of_another_city_is_left_by_an_earlier_round(tmp_path, city, asked, readers):
    """Else a result is made before what it reads, and is stale at the end."""
    lyon = request_of("Lyon", "demo-tiny", tmp_path)
    request = request_of(city, "demo-tiny", tmp_path, "--set", asked)
    pretend_done(lyon)
    if city == "Paris":
        pretend_done(request)
    else:
        request.paths.sites.parent.mkdir(parents=True)
        request.paths.sites.write_text("city,site,acquisition,epsg\nLyon (LYS),1,,2154\n")
    read, left = (rounds(tasks.list_tasks(each), asked) for each in (request, lyon))
    pairs = list(of_other_cities(request))
    assert {script[:2] for (script, _), _ in pairs} == readers
    assert [pair for pair in pairs if left[pair[1]] >= read[pair[0]]] == []
