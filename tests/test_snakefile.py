"""What Snakemake makes of tasks: a stand-in for Python notes the words of each job."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from city_requests import request_of
from samples import ROOT
from urbancam.workflow.cluster import engine
from urbancam.workflow.cluster.tasks import Task
from urbancam.workflow.machine import memory
from urbancam.workflow.planning.resources import Resources

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

IMAGERY, TRAINING, SCORES = "04_download_aerial", "11_train_income", "12_evaluate_income"
ON_CORES = Resources(cores=1, mem_mb=100, runtime=10, disk_mb=0, gpu=0, downloads=0)
ON_GPU = replace(ON_CORES, gpu=1)
STAND_IN = """#!/bin/sh
echo "$WHERE $*" >>{noted}
"""
SLOW_STAND_IN = """#!/bin/sh
echo begins >>{noted}
sleep 1
echo ends >>{noted}
"""
# A Snakemake that tells of each job what it asks for, which it keeps to itself where a rule has a
# message of its own.
TELLING = """#!{python}
import json
import sys
from snakemake import cli, logging

def told(self, job):
    asked = {{name: value for name, value in job["resources"].items() if name != "tmpdir"}}
    return "asked " + json.dumps({{"rule": job["rule_name"], **asked}})

logging.DefaultFormatter.format_job_info = told
sys.exit(cli.main())
"""


def task(script: str, fold: str, resources: Resources, *words: str, run: str = "demo-tiny") -> Task:
    return Task(f"Demo/{run}/-/{script}/{fold}", words, "missing", "", (), resources)


def write_program(place: Path, text: str) -> Path:
    place.write_text(text)
    place.chmod(0o755)
    return place


@pytest.fixture(scope="module", autouse=True)
def installed_snakemake():
    if not engine.SNAKEMAKE.is_file():
        subprocess.run([ROOT / "run.sh", "cluster"])  # sets it up, and then misses a city


@pytest.fixture
def put_in_order(tmp_path, monkeypatch):
    """Lets Snakemake put tasks in order by a profile, and gives its folder."""

    def put_in_order(tasks: list[Task], stand_in=STAND_IN, **profile) -> Path:
        request = request_of("Demo", "demo-tiny", tmp_path)
        folder = engine.folder_of(tmp_path / "results")
        engine.write_down(request, tasks, folder)
        engine.set_marks(request, tasks, folder)
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(profile))
        python = write_program(tmp_path / "python", stand_in.format(noted=tmp_path / "noted"))
        monkeypatch.setattr(sys, "executable", str(python))
        engine.snakemake([request], folder, tmp_path, ["true"])
        return folder

    return put_in_order


def local_profile() -> dict:
    return yaml.safe_load((ROOT / "cluster" / "local" / "config.yaml").read_text())


def calls(folder: Path) -> list[str]:
    """What was called, sorted."""
    return sorted((folder / "noted").read_text().splitlines())


def test_a_network_runs_where_its_job_asks_and_nothing_else_is_told_of_devices(
    tmp_path, put_in_order
):
    put_in_order(
        [
            task(TRAINING, "cache", ON_CORES, "--cache-only"),
            task(TRAINING, "0", ON_GPU, "--fold", "0"),
            task(SCORES, "-", ON_CORES),
        ],
        cores=2,
    )
    code = f" {ROOT}/code/"
    assert calls(tmp_path) == [
        f"{code}{TRAINING}.py --cache-only --workers 1 --device cpu",
        f"{code}{TRAINING}.py --fold 0 --workers 1 --device cuda",
        f"{code}{SCORES}.py --workers 1",
    ]


def test_names_with_blanks_and_lines_with_braces_are_taken_as_they_are(tmp_path, put_in_order):
    scores = task(SCORES, "-", ON_CORES, "--run", "my run", run="my run")
    lines = "place=scratch; env WHERE=${place}/torch "
    folder = put_in_order([scores], cores=1, config={"prologue": lines})
    assert calls(tmp_path) == [f"scratch/torch {ROOT}/code/{SCORES}.py --run my run --workers 1"]
    assert (folder / "marks" / scores.mark).is_file()
    assert (folder / "logs" / f"{scores.mark}.log").is_file()


def test_a_job_asks_for_what_its_kind_does_else_for_what_all_do_or_what_is_computed(
    tmp_path, put_in_order, monkeypatch, capfd
):
    python = engine.SNAKEMAKE.parent / "python"
    telling = write_program(tmp_path / "snakemake", TELLING.format(python=python))
    monkeypatch.setattr(engine, "SNAKEMAKE", telling)
    of_gpus = {"qos": "fast", "slurm_partition": "gpus", "mem_mb": 300}
    profile = {
        "default-resources": {"qos": "calm", "slurm_account": "ours"},
        "set-resources": {"download_aerial": {"slurm_partition": "with-internet"}},
        "config": {"with_gpu": of_gpus, "without_gpu": {"constraint": "large"}}
        | {"at_most": {"runtime": 7}},
    }
    asking = {IMAGERY: ON_CORES, TRAINING: ON_GPU, SCORES: ON_CORES}
    put_in_order(
        [task(script, "-", asks) for script, asks in asking.items()],
        **profile,
        **{"cores": 2, "dry-run": True},
    )
    lines = capfd.readouterr().out.splitlines()
    told = [json.loads(line.removeprefix("asked ")) for line in lines if line[:6] == "asked "]
    asked = {job["rule"]: job for job in told}
    expected = {
        "train_income": of_gpus | {"slurm_account": "ours", "runtime": 7},
        "evaluate_income": {"qos": "calm", "slurm_account": "ours", "constraint": "large"}
        | {"mem_mb": ON_CORES.mem_mb, "runtime": 7},
        "download_aerial": {"qos": "calm", "slurm_partition": "with-internet"},
    }
    for rule, of_rule in expected.items():
        given = asked[rule].items()
        assert {key: value for key, value in given if key in of_rule} == of_rule
    assert "constraint" not in asked["train_income"]
    assert "slurm_partition" not in asked["evaluate_income"]


@pytest.mark.parametrize(
    ("asked", "together"),
    [
        ({"mem_mb": 500}, True),
        ({"mem_mb": 600}, False),
        ({"mem_mb": 2_000}, False),  # more than there is: it is tried alone
        ({"gpu": 1}, False),
        ({"downloads": 1}, False),
    ],
    ids=str,
)
def test_a_copy_of_the_local_profile_runs_as_much_at_once_as_the_machine_bears(
    tmp_path, put_in_order, monkeypatch, asked, together
):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(memory, "total_mb", lambda: 1_000)
    of_each = replace(ON_CORES, **asked)
    tasks = [task(TRAINING, fold, of_each) for fold in ("0", "1")]
    put_in_order(tasks, SLOW_STAND_IN, **local_profile())
    noted = (tmp_path / "noted").read_text().split()
    one_by_one = ["begins", "ends", "begins", "ends"]
    assert noted == (sorted(one_by_one) if together else one_by_one)


def test_what_a_local_profile_says_itself_is_kept(tmp_path, put_in_order):
    tasks = [task(TRAINING, fold, ON_CORES) for fold in ("0", "1")]
    put_in_order(tasks, SLOW_STAND_IN, **local_profile() | {"cores": 1})
    assert (tmp_path / "noted").read_text().split() == ["begins", "ends", "begins", "ends"]
