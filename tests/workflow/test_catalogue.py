"""The catalogue agrees with the scripts, and with what they declare."""

import ast
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from samples import ROOT
from urbancam.workflow import catalogue
from urbancam.workflow.catalogue import BY_HAND, CITIES, STEPS
from urbancam.workflow.running import arguments, runner

SCRIPTS = sorted((ROOT / "code").glob("[0-9][0-9]_*.py"))
WITH_RECORD = [entry for entry in STEPS if entry.scope != catalogue.NO_RECORD]


def declared_steps(entry: catalogue.Entry, tmp_path: Path, *words: str) -> list:
    """What a script declares, for a city of its own where it takes one."""
    path = ROOT / "code" / f"{entry.script}.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    city = ["--city", "Paris"] if entry.takes_city else []
    folders = ["--data", str(tmp_path / "data"), "--results", str(tmp_path / "results")]
    args = arguments.parser(str(path), "").parse_args([*city, *folders, *words])
    steps = module.declare(runner.read_request(args))
    return steps if isinstance(steps, list) else [steps]


def test_every_script_is_listed_once_in_order():
    assert [entry.script for entry in STEPS] == [path.stem for path in SCRIPTS]


def test_it_loads_nothing_but_the_standard_library():
    code = "import urbancam.workflow.catalogue, sys; print(*sys.modules)"
    command = [sys.executable, "-S", "-E", "-c", f"import sys; sys.path.insert(0, 'code'); {code}"]
    result = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert {name.partition(".")[0] for name in result.stdout.split()} <= {
        *sys.stdlib_module_names,
        "urbancam",
        "__main__",
    }


@pytest.mark.parametrize("entry", WITH_RECORD, ids=lambda entry: entry.script)
def test_inputs_are_made_by_the_steps_that_the_entry_reads(entry, tmp_path):
    makers = {maker for step in declared_steps(entry, tmp_path) for maker in step.inputs.values()}
    assert {maker[:2] for maker in makers - {BY_HAND}} <= set(entry.reads)


@pytest.mark.parametrize("entry", WITH_RECORD, ids=lambda entry: entry.script)
def test_every_file_that_a_step_leaves_is_its_own(entry, tmp_path):
    for step in declared_steps(entry, tmp_path):
        files = [path for path in step.all_outputs if path.suffix]
        made_by = {catalogue.maker_of(path, entry.experiment) for path in files}
        assert made_by == {entry.script} or made_by <= {"91_make_figures", "26_draw_cities"}


def test_no_file_has_two_makers_within_an_experiment():
    for experiment in (catalogue.INCOME, CITIES):
        names = [name for entry in STEPS if entry.experiment == experiment for name in entry.makes]
        assert len(names) == len(set(names))


def test_a_file_of_a_name_that_both_experiments_use_belongs_to_the_one_that_asks():
    assert catalogue.maker_of(Path("predictions.csv")) == "12_evaluate_income"
    assert catalogue.maker_of(Path("predictions.csv"), CITIES) == "24_evaluate_cities"
    assert catalogue.maker_of(Path("tiles.parquet"), CITIES) == "04_download_aerial"
    assert catalogue.maker_of(Path("photo.jpg")) == BY_HAND


def test_a_folder_tells_more_than_a_name():
    assert catalogue.maker_of(Path("Paris/default/features/land_cover.parquet"))[:2] == "07"
    assert catalogue.maker_of(Path("Paris/land_cover.parquet"))[:2] == "02"


def test_scripts_that_messages_name_exist():
    """Advice such as "run 05_cut_images with --force" names a script of today."""
    known = {path.stem for path in SCRIPTS}
    for path in [*(ROOT / "code").rglob("*.py"), ROOT / "run.sh"]:
        named = set(re.findall(r"\b\d\d_[a-z]+_[a-z_]+[a-z]", path.read_text(encoding="utf-8")))
        assert named <= known, path


def test_names_of_steps_are_no_facts_elsewhere():
    """Whole strings that name a step: none but where an entry is looked up, or a maker is told.

    (Advice in messages names steps within a sentence; the test above holds it to those of today.)
    """
    known = {path.stem for path in SCRIPTS}
    for path in (ROOT / "code").rglob("*.py"):
        if path.name == "catalogue.py":
            continue
        constants = {
            node.value
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        looked_up = {"05_cut_images", "11_train_income", "90_show_status"}
        told = {"13_project_activation"}
        assert not constants & known - looked_up - told, path


@pytest.mark.parametrize(
    ("variant", "expected"),
    [("split-random", ["10", "11", "12"]), ("seed-3", ["10", "11", "12", "13", "14"])],
)
def test_another_split_is_scored_not_explained(variant, expected):
    parts = catalogue.parts_of_variant(variant)
    assert [entry.number for entry in catalogue.steps_of("Paris", "default", *parts)] == expected


def test_what_renders_a_demo_belongs_to_the_demo():
    assert catalogue.steps_of("Demo", "demo", catalogue.MAKE)[0].number == "00"
    assert not catalogue.steps_of("Paris", "demo", catalogue.MAKE)
    assert catalogue.steps_of("cities", "demo-tiny", catalogue.MAKE)[0].number == "20"
    assert not catalogue.steps_of("cities", "default", catalogue.MAKE)
