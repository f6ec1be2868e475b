"""What profiles of the engine say, and what Snakemake is started with for them."""

import contextlib
import subprocess
from pathlib import Path

import pytest

from samples import ROOT
from urbancam.workflow.cluster import profiles
from urbancam.workflow.errors import InputError
from urbancam.workflow.running import scripts


def write_profile(folder: Path, text: str) -> Path:
    (folder / "config.yaml").write_text(text)
    return folder


def write_program(place: Path, text: str) -> None:
    place.write_text(f"#!/bin/sh\n{text}\n")
    place.chmod(0o755)


def test_a_profile_is_a_folder_of_ours_or_a_path(tmp_path):
    assert profiles.find("slurm") == ROOT / "cluster" / "slurm"
    write_profile(tmp_path, "config:\n  gpu: true\n")
    assert profiles.has_gpus(profiles.find(str(tmp_path)))
    with pytest.raises(InputError, match="local, slurm"):
        profiles.find("slum")


@pytest.mark.parametrize("text", ["", "config:\n", "config:\n  gpu:\n  with_gpu:\n"])
def test_what_a_profile_leaves_empty_is_not_there(tmp_path, text):
    profile = write_profile(tmp_path, f"executor: slurm\n{text}")
    assert not profiles.has_gpus(profile)


@pytest.mark.parametrize("text", ["retries: 0\n", "executor: local\n"])
def test_a_profile_without_a_queue_is_for_this_machine_whose_gpus_it_may_leave_alone(
    tmp_path, monkeypatch, text
):
    for visible in ("", "4,7"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        profile = write_profile(tmp_path, text)
        assert profiles.has_gpus(profile) == profiles.has_gpus(profiles.find("local"))
        assert profiles.has_gpus(profile) == bool(visible)
        assert "--cores" in profiles.limits_at_once(profile)
        assert not profiles.has_gpus(write_profile(tmp_path, f"{text}config:\n  gpu: false\n"))


@pytest.mark.parametrize(
    "text, told",
    [
        ("config: [\n", "not readable as YAML"),
        ("- executor: slurm\n", "key: value"),
        ("config: [gpu=true]\n", "`config`"),
        ("config:\n  with_gpu: gpu\n", "`with_gpu`"),
    ],
)
def test_a_profile_that_is_none_is_said_in_one_message(tmp_path, capsys, text, told):
    write_profile(tmp_path, text)
    assert scripts.load("98_start_cluster").main(["Demo", "--profile", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert told in said and "config.yaml" in said


def test_without_a_queue_that_answers_nothing_is_put_in_it(tmp_path, monkeypatch):
    slurm = profiles.find("slurm")
    monkeypatch.setenv("PATH", str(tmp_path))
    profiles.require_queue(profiles.find("local"))
    with pytest.raises(InputError, match="no Slurm answers"):
        profiles.require_queue(slurm)
    for status in (1, 0):
        write_program(tmp_path / "sinfo", f"echo fatal: no controller >&2\nexit {status}")
        with pytest.raises(InputError) if status else contextlib.nullcontext():
            profiles.require_queue(slurm)


def test_a_queue_that_says_nothing_is_not_waited_for(tmp_path, monkeypatch):
    write_program(tmp_path / "sinfo", "exec /bin/sleep 10")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(profiles, "ANSWER_S", 0.1)
    with pytest.raises(InputError, match="does not answer within 0.1 s"):
        profiles.require_queue(profiles.find("slurm"))


def ask_sacct(profile: Path, *words: str) -> subprocess.CompletedProcess:
    """What the `sacct` says that Snakemake finds."""
    found = profiles.environment(profile)
    return subprocess.run(["sacct", *words], env=found, capture_output=True, text=True)


def test_without_accounts_jobs_are_asked_for_in_the_queue_even_by_sacct(tmp_path, monkeypatch):
    programs = tmp_path / "programs"
    programs.mkdir()
    write_program(programs / "sacct", "echo that of the cluster")
    write_program(programs / "squeue", 'echo "$@"')
    monkeypatch.setenv("PATH", f"{programs}:/bin")
    # As the executor for Slurm asks.
    asked = ["-X", "--parsable2", "--clusters", "all", "--noheader", "--format=JobIdRaw,State"]
    asked += ["--starttime", "2026-11-20T06:00", "--endtime", "now", "--name", "a-run"]
    profile = write_profile(tmp_path, "slurm-status-command: squeue\n")
    told = ask_sacct(profile, *asked)
    assert told.stdout == "--noheader --states=all --format=%i|%T --name a-run\n"
    assert ask_sacct(profile, "-j", "7").returncode == 1
    write_program(programs / "squeue", "exit 1")  # the controller is away
    assert ask_sacct(profile, *asked).returncode == 1
    write_profile(tmp_path, "slurm-status-command: sacct\n")
    assert ask_sacct(profile, *asked).stdout == "that of the cluster\n"
