"""Results of other runs are taken over only where everything they were made from is the same."""

from pathlib import Path

import pytest

from urbancam.workflow.records.reuse import take_over
from urbancam.workflow.records.steps import Done, Step


def make_step(folder: Path, version: int = 1, content: str = "cells", **settings) -> Step:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "samples.csv").write_text(content)
    return Step(
        "11_train",
        version,
        folder / "predictions.csv",
        "run",
        {"epochs": 3} | settings,
        {folder / "samples.csv": "10_assign"},
        outputs=[folder / "weights.pt"],
    )


@pytest.fixture
def done(tmp_path) -> Step:
    """A finished result of another run."""
    step = make_step(tmp_path / "other")
    step.result.write_text("predicted")
    step.outputs[0].write_text("weights")
    step.finish(1.0, Done({"train": 5}, facts={"seed": 4}))
    return step


def test_result_made_from_the_same_is_copied_with_what_its_record_tells(done, tmp_path):
    step = make_step(tmp_path / "own")
    copied = take_over(step, [done.result])
    assert copied.counts == {"train": 5}
    assert step.result.read_text() == "predicted" and step.outputs[0].read_text() == "weights"
    assert copied.facts["seed"] == 4 and "other" in copied.facts["taken_from"]
    step.finish(0.1, copied)
    assert make_step(tmp_path / "own").stale_because() == ""


@pytest.mark.parametrize("changed", [{"epochs": 4}, {"content": "other cells"}, {"version": 2}])
def test_result_made_from_something_else_is_not(done, tmp_path, changed):
    step = make_step(tmp_path / "own", **changed)
    assert take_over(step, [done.result]) is None and not step.result.exists()


@pytest.mark.parametrize(
    "damage", [lambda path: path.unlink(), lambda path: path.write_text("damaged")]
)
def test_damaged_result_is_not(done, tmp_path, damage):
    damage(done.outputs[0])
    step = make_step(tmp_path / "own")
    assert take_over(step, [done.result]) is None and not step.outputs[0].exists()


def test_own_and_missing_results_are_passed_over(done, tmp_path):
    assert take_over(done, [done.result, tmp_path / "nowhere" / "predictions.csv"]) is None
