"""Records: what makes a result stale, and what does not."""

import argparse
import dataclasses
import json
import os
import platform
import subprocess
import sys
from dataclasses import replace

import pytest

from samples import ROOT
from urbancam.workflow.errors import InputError
from urbancam.workflow.files import atomic, listing
from urbancam.workflow.folder_names import folder_name
from urbancam.workflow.paths import Paths
from urbancam.workflow.records.steps import Done, Step
from urbancam.workflow.running import refusals, states


@pytest.fixture
def made(tmp_path):
    """A finished step: one input, one drop folder, one result."""
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop" / "pack.7z").write_text("pack")
    (tmp_path / "input.csv").write_text("a\n1\n")
    step = make_step(tmp_path)
    step.result.write_text("result")
    step.finish(1.0, Done({"rows": 1}))
    return tmp_path


def make_step(folder, scope="run", **changes) -> Step:
    settings = {"split.folds": 3} | changes.pop("settings", {})
    return Step(
        "10_assign_folds",
        changes.pop("version", 1),
        folder / "result.csv",
        scope,
        settings,
        {folder / "input.csv": "03_select_cells"},
        [folder / "drop"],
    )


def test_same_settings_inputs_and_listing_are_up_to_date(made):
    assert make_step(made).stale_because() == ""


def told(step: Step) -> dict:
    """What a script says of its step with --status."""
    args = argparse.Namespace(variant="", city="Paris", run="default", set=[], data=None)
    return states.describe(step, args)


def test_status_says_what_the_run_would_do(made):
    assert told(make_step(made))["state"] == "done"
    others = {"split.folds": 4}
    assert told(make_step(made, settings=others))["state"] == "stale"
    got = told(make_step(made, "city", settings=others))
    assert got["state"] == "refused" and "use another --results folder" in got["reason"]
    (made / "result.csv.json").unlink()
    assert told(make_step(made, "city", settings=others))["state"] == "missing"


def test_untouched_content_with_a_new_date_is_up_to_date(made):
    os.utime(made / "input.csv", (1, 1))
    assert make_step(made).stale_because() == ""


def test_what_changed_is_said(made):
    assert "split.folds 3 -> 4" in make_step(made, settings={"split.folds": 4}).stale_because()
    assert "newer" in make_step(made, version=2).stale_because()
    (made / "input.csv").write_text("a\n2\n")
    assert "input differs" in make_step(made).stale_because()


def test_new_file_in_a_drop_folder_is_noticed(made):
    (made / "drop" / "another.7z").write_text("x")
    assert "folder differs" in make_step(made).stale_because()


def test_changed_and_missing_results_are_noticed(made):
    (made / "result.csv").write_text("edited by hand")
    assert "was changed" in make_step(made).stale_because()
    (made / "result.csv").unlink()
    assert "is missing" in make_step(made).stale_because()


def test_file_cut_short_in_a_folder_of_results_is_noticed_where_the_record_weighs_it(made):
    (made / "maps").mkdir()
    for name in ("a.png", "b.png"):
        (made / "maps" / name).write_text("picture")
    step = replace(make_step(made), outputs=[made / "maps"])
    step.finish(1.0, Done({}))
    assert step.as_on_disk().stale_because() == ""
    (made / "maps" / "a.png").write_text("pict")
    assert "maps was changed" in step.as_on_disk().stale_because()

    # A record that was made before folders were weighed stays valid.
    record = json.loads((made / "result.csv.json").read_text())
    del record["folder_bytes"]
    (made / "result.csv.json").write_text(json.dumps(record))
    assert step.as_on_disk().stale_because() == ""


def test_damaged_record_means_do_it_again(made):
    (made / "result.csv.json").write_text("{")
    assert make_step(made).stale_because() == "not done yet"


def test_fingerprint_follows_content_not_dates(made):
    before = make_step(made).fingerprint
    os.utime(made / "input.csv", (1, 1))
    assert make_step(made).fingerprint == before
    (made / "input.csv").write_text("a\n2\n")
    assert make_step(made).fingerprint != before


def test_record_says_what_made_the_result(made):
    record = json.loads((made / "result.csv.json").read_text())
    assert {
        "settings",
        "inputs",
        "listings",
        "packages",
        "commit",
        "date",
        "seconds",
        "counts",
    } <= set(record)
    assert "torch" in record["packages"]


def test_atomic_leaves_nothing_behind_a_failure(tmp_path):
    with pytest.raises(ZeroDivisionError), atomic(tmp_path / "table.csv") as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_listing_leaves_out_partial_and_hidden_files(tmp_path):
    for name in ("a.zip", "b.zip.part", ".c.tmp"):
        (tmp_path / name).touch()
    assert [row[0] for row in listing(tmp_path)] == ["a.zip"]


def refuse(step: Step, *assignments: str) -> None:
    refusals.refuse_changed_settings(step, argparse.Namespace(set=list(assignments), run="demo"))


def test_facts_of_a_city_do_not_change_silently(made):
    with pytest.raises(InputError, match="use another --results"):
        refuse(make_step(made, "city", settings={"split.folds": 4}))


def test_city_is_not_built_again_from_another_folder(made):
    step = replace(make_step(made, "city"), listings=[made / "elsewhere"])
    with pytest.raises(InputError, match="was built from .*, not .*elsewhere"):
        refuse(step)


def test_set_never_overwrites_a_run_but_an_edited_overlay_may(made):
    step = make_step(made, settings={"split.folds": 4})
    with pytest.raises(InputError, match="overlay file"):
        refuse(step, "split.folds=4")
    refuse(step)
    refuse(step, "training.epochs=3")


def test_second_process_says_who_holds_the_step_and_waits(tmp_path):
    code = f"""
import sys; sys.path.insert(0, {str(ROOT / "code")!r})
import logging; logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
from pathlib import Path
from urbancam.workflow.records.steps import Done, Step
with Step("x", 1, Path({str(tmp_path)!r}) / "result.csv", "run", {{}}).lock():
    print("in", flush=True)
    sys.stdin.readline()
"""
    start = dict(
        args=[sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with subprocess.Popen(**start) as first:
        assert first.stdout.readline() == "in\n"
        with subprocess.Popen(**start) as second:
            line = second.stdout.readline()
            assert f"process {first.pid} on {platform.node()} is at it, waiting" in line
            first.communicate("\n")
            assert second.communicate("\n")[0] == "in\n"


@pytest.mark.parametrize(
    ("city", "expected"),
    [("Saint-Étienne", "Saint-Etienne"), ("Le Havre", "Le-Havre"), ("../x", "x")],
)
def test_folder_name_of_a_city(city, expected, tmp_path):
    assert folder_name(city) == expected
    assert Paths(tmp_path, tmp_path, city).city_folder.parent == tmp_path


def test_input_that_is_not_as_its_maker_left_it_is_refused_but_for_force(made):
    """A table cut at a line's end reads well: only its maker's record tells."""
    maker = Step("03_select_cells", 1, made / "input.csv", "city", {})
    maker.finish(1.0, Done({}))
    assert make_step(made).damaged_inputs() == []
    (made / "input.csv").write_text("a\n")
    args = argparse.Namespace(
        city="Demo", run="default", variant="", set=[], data=None, results=None
    )
    said = "input.csv is not as 03_select_cells left it.*\n.*\n.*03_select_cells.py --city"
    with pytest.raises(InputError, match=said):
        refusals.refuse_damaged_inputs(make_step(made), args)


def test_a_step_is_not_changed_from_inside_its_work(made):
    with pytest.raises(dataclasses.FrozenInstanceError):
        make_step(made).outputs = []


def test_a_setting_that_the_record_does_not_know_makes_nothing_stale(made):
    """What an older version of the step did not know, the version of the step tells."""
    assert make_step(made, settings={"split.method": "block"}).stale_because() == ""


def test_a_setting_that_is_no_longer_declared_makes_stale(made):
    step = replace(make_step(made), settings={})
    assert "split.folds 3 -> None" in step.stale_because()


def test_outputs_that_only_the_work_can_name_are_those_of_the_record(tmp_path):
    step = Step("00_make_demo_city", 1, tmp_path / "truth.json", "data", {}, outputs=None)
    for name in ("truth.json", "pack.7z.001"):
        (tmp_path / name).write_text(name)
    step.finish(1.0, Done({}, outputs=[tmp_path / "pack.7z.001"]))
    assert step.as_on_disk().stale_because() == ""
    (tmp_path / "pack.7z.001").unlink()
    assert "pack.7z.001 is missing" in step.as_on_disk().stale_because()


def test_archive_may_go_once_it_has_been_read(tmp_path):
    archive, result = tmp_path / "census.zip", tmp_path / "census.parquet"
    archive.write_text("zip")
    result.write_text("table")
    step = Step("01_download_census", 1, result, "data", {}, inputs_may_go=True)
    step.finish(1.0, Done({}, inputs={archive: "01_download_census"}))
    archive.unlink()
    assert step.as_on_disk().stale_because() == ""


def test_drop_folder_that_the_step_fills_is_recorded_as_it_leaves_it(made):
    step = replace(make_step(made), fills_listings=True)
    assert step.current["listings"]
    (made / "drop" / "fetched.7z").write_text("tiles")
    step.finish(1.0, Done({}))
    assert step.as_on_disk().stale_because() == ""


def test_leftovers_go_once_the_record_stands(made):
    parts, checkpoint = made / "parts", made / "checkpoint.pt"
    parts.mkdir()
    (parts / "batch").touch()
    checkpoint.touch()
    make_step(made).finish(1.0, Done({}, leftovers=[parts, checkpoint, made / "never written"]))
    assert not parts.exists() and not checkpoint.exists()


def test_how_a_fact_of_a_city_is_had_may_change(made):
    """Advice such as `imagery.fetch=false` is no trap: the way back is not refused."""
    step = replace(
        make_step(made, "city"), settings={"split.folds": 4}, ways=frozenset({"split.folds"})
    )
    refuse(step)
    assert "split.folds 3 -> 4" in step.stale_because()
