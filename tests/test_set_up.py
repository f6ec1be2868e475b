"""The set-up of the front door: which Python, which packages. A stand-in for Python writes down
what is asked of it; nothing is installed."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from houses import ROOT, make_house, run_sh

LOCK = (ROOT / "environment" / "requirements.lock").read_text()
CUDA = re.compile(r"(nvidia-|cuda-|triton==|torch==|torchvision==)")
# It knows the questions of run.sh; whatever else it is asked it notes in `asked`.
STAND_IN = """#!/bin/sh
here=$(dirname "$0")
case "$*" in
    -c*) exit 0 ;;
    *compare_packages.py*) echo "{packages}"; exit {lacks} ;;
    "-m venv .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python && cp "$0" .venv/bin/uv ;;
esac
echo "$(basename "$0") $*" >>asked
case "$*" in *torch-backend*) exit {no_index} ;; esac
"""


def stand_in(path: Path, packages="holds all packages", no_index=0) -> Path:
    """A Python that holds these packages, where PyTorch's index answers or does not."""
    lacks = int(packages.startswith("lacks"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(STAND_IN.format(packages=packages, lacks=lacks, no_index=no_index))
    path.chmod(0o755)
    return path


@pytest.fixture
def house(tmp_path, monkeypatch) -> Path:
    """A project that was never set up, on a machine without an NVIDIA card."""
    house = make_house(tmp_path / "house")
    shutil.rmtree(house / ".venv")  # links: what they lead to stays
    for name in ("PYTHON", "TORCH", "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    return house


def asked(house: Path) -> list[str]:
    """What was asked of the stand-ins, in order, after names were looked at, which comes first."""
    lines = (house / "asked").read_text().splitlines()
    return [line for line in lines if not line.endswith("--plan names")]


no_card = pytest.mark.skipif(
    Path("/dev/nvidia0").exists() or sys.platform != "linux", reason="needs Linux without a card"
)


@pytest.mark.parametrize("variable", ["PYTHON", "CONDA_PREFIX"])
def test_environment_that_holds_the_packages_is_used_without_another_beside_it(
    house, tmp_path, variable
):
    python = stand_in(tmp_path / "env" / "bin" / "python")
    value = python if variable == "PYTHON" else tmp_path / "env"
    done = run_sh(house, "settings", env={variable: str(value)})
    assert done.returncode == 0 and f"uses {python}, which holds all packages" in done.stdout
    assert asked(house) == ["python code/95_show_settings.py --run default"]
    assert not (house / ".venv").exists()
    shown = run_sh(house, "settings", "--dry-run", env={variable: str(value)}).stdout
    assert shown == f"{python} code/95_show_settings.py --run default\n"
    told = run_sh(house, "cluster", "Paris", "--dry-run", env={variable: str(value)})
    assert told.returncode == 0 and not told.stderr
    assert asked(house)[-1] == "python code/98_start_cluster.py Paris --dry-run"


def test_own_environment_may_be_called_venv_too(house):
    stand_in(house / ".venv" / "bin" / "python")
    assert run_sh(house, "settings", env={"PYTHON": ".venv/bin/python"}).returncode == 0
    assert asked(house) == ["python code/95_show_settings.py --run default"]


def test_conda_environment_that_lacks_packages_is_told_what(house, tmp_path):
    stand_in(tmp_path / "env" / "bin" / "python", "lacks torch, numpy and 3 more packages")
    maker = stand_in(tmp_path / "bin" / "python3.11")
    env = {"CONDA_PREFIX": str(tmp_path / "env"), "PATH": f"{maker.parent}:/usr/bin:/bin"}
    done = run_sh(house, "settings", env=env)
    assert done.returncode == 0 and "lacks torch, numpy and 3 more packages" in done.stdout
    assert asked(house)[-1] == "python code/95_show_settings.py --run default"
    assert (house / ".venv" / "requirements.lock").read_text() == LOCK


@no_card
def test_without_a_card_all_but_cuda_comes_from_the_lock_and_torch_without_it(house, tmp_path):
    python = stand_in(tmp_path / "python3.11", "lacks torch")
    done = run_sh(house, "settings", env={"PYTHON": str(python)})
    _, rest, torch, _ = asked(house)
    pins = " ".join(re.findall(r"^(?:torch|torchvision)==\S+", LOCK, re.MULTILINE))
    assert "without CUDA" in done.stdout and (house / ".venv/torch-kind").read_text() == "cpu\n"
    assert "--require-hashes --no-deps --requirement .venv/without-cuda.lock" in rest
    assert "--torch-backend cpu" in torch and torch.endswith(pins)
    run_sh(house, "settings", env={"PYTHON": str(python)})
    assert len(asked(house)) == 5  # not set up again


@no_card
def test_what_is_left_of_the_lock_without_cuda_is_everything_else(house, tmp_path):
    python = stand_in(tmp_path / "python3.11", "lacks torch")
    run_sh(house, "settings", env={"PYTHON": str(python)})
    left = (house / ".venv" / "without-cuda.lock").read_text()
    packages = [line for line in LOCK.splitlines() if "==" in line]
    expected = [line for line in packages if not CUDA.match(line)]
    assert [line for line in left.splitlines() if "==" in line] == expected
    assert left.count("--hash") < LOCK.count("--hash") and "nvidia" not in left


@no_card
def test_where_pytorchs_index_is_not_to_be_had_the_lock_is(house, tmp_path):
    python = stand_in(tmp_path / "python3.11", "lacks torch", no_index=1)
    done = run_sh(house, "settings", env={"PYTHON": str(python)})
    assert done.returncode == 0 and "takes the one with CUDA" in done.stdout
    assert asked(house)[3].endswith("--require-hashes --requirement environment/requirements.lock")
    assert (house / ".venv/torch-kind").read_text() == "gpu\n"


def test_torch_without_cuda_is_insisted_on(house, tmp_path):
    python = stand_in(tmp_path / "python3.11", "lacks torch", no_index=1)
    done = run_sh(house, "settings", env={"PYTHON": str(python), "TORCH": "cpu"})
    assert done.returncode == 2 and "TORCH=gpu ./run.sh" in done.stderr
    assert not (house / ".venv" / "requirements.lock").exists()


def test_other_kind_of_torch_is_set_up_when_asked_for(house, tmp_path):
    python = stand_in(tmp_path / "python3.11", "lacks torch")
    for kind in ("gpu", "gpu", "cpu"):
        assert run_sh(house, "settings", env={"PYTHON": str(python), "TORCH": kind}).returncode == 0
    installs = [line for line in asked(house) if " pip install " in line]
    assert len(installs) == 3  # the lock; all but CUDA, and torch
    done = run_sh(house, "settings", env={"PYTHON": str(python), "TORCH": "tpu"})
    assert done.returncode == 2 and "TORCH is cpu or gpu, not 'tpu'" in done.stderr


@no_card
@pytest.mark.parametrize(
    ("profile", "told", "kind"),
    [
        ("local", "", "cpu"),
        ("slurm", "", "gpu"),
        ("slurm", "cpu", "cpu"),
        ("own", "", "cpu"),  # of a cluster without GPUs
        ("lost", "", "cpu"),
    ],
)
def test_for_the_cards_of_a_queue_torch_is_set_up_with_cuda_whatever_machine_asks(
    house, tmp_path, profile, told, kind
):
    shutil.copytree(ROOT / "cluster", house / "cluster")
    own = (ROOT / "cluster" / "slurm" / "config.yaml").read_text()
    (house / "own").mkdir()
    (house / "own" / "config.yaml").write_text(own.replace("gpu: true", "gpu: false"))
    (house / ".venv-cluster").mkdir()
    engine = house / "environment" / "requirements-cluster.lock"
    shutil.copy(engine, house / ".venv-cluster" / "requirements.lock")
    python = stand_in(tmp_path / "python3.11", "lacks torch")
    env = {"PYTHON": str(python)} | ({"TORCH": told} if told else {})
    assert run_sh(house, "cluster", "Paris", "--profile", profile, env=env).returncode == 0
    assert (house / ".venv" / "torch-kind").read_text() == f"{kind}\n"


def test_torch_and_torchvision_are_pinned_as_a_pair():
    pair = {"torch": "2.14.1", "torchvision": "0.29.1"}
    for path in ("requirements.in", "requirements.lock"):
        text = (ROOT / "environment" / path).read_text()
        pins = dict(re.findall(r"^(torch|torchvision)==([^\s\\]+)", text, re.MULTILINE))
        assert pins == pair, path


@pytest.mark.parametrize(
    ("changed", "answer"),
    [
        ("", "holds all packages"),
        ("numpy==0.1 \\\n", "in other versions than the lock: numpy"),
        ("nosuchpackage==1.0 \\\n", "lacks nosuchpackage"),
        ("nvidia-nosuch==1.0 \\\n", "holds all packages"),
        ("nosuch==1.0 ; sys_platform == 'win32' \\\n", "holds all packages"),
    ],
)
def test_packages_are_compared_with_the_lock(tmp_path, changed, answer):
    lock = tmp_path / "lock"
    lock.write_text(LOCK + changed)
    words = [sys.executable, ROOT / "environment" / "compare_packages.py", lock]
    done = subprocess.run(words, capture_output=True, text=True)
    assert answer in done.stdout and done.returncode == answer.startswith("lacks")
