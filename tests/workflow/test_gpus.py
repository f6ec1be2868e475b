import os
import subprocess
import sys

import pytest

from samples import ROOT
from urbancam.workflow.machine import gpus


def test_visible_gpus_are_those_the_environment_names(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2, 5")
    assert gpus.visible() == ["2", "5"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert gpus.visible() == []


def test_machine_without_a_driver_has_no_gpu(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpus.visible() == []


CLAIM = """
import os, sys
from urbancam.workflow.machine import gpus
gpus.LOOK_AGAIN_S = 0.05
gpus.claim(sys.argv[1])
print(os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
sys.stdin.read()
"""


class Claimer:
    """A process that claims a GPU, and keeps it until it is let go."""

    def __init__(self, folder, device: str = "auto", names: str = "4,7") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", CLAIM, device],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ
            | {
                "CUDA_VISIBLE_DEVICES": names,
                "TMPDIR": str(folder),
                "PYTHONPATH": str(ROOT / "code"),
            },
        )

    def gpu(self) -> str:
        return self.process.stdout.readline().strip()

    def let_go(self) -> None:
        self.process.communicate()


def test_processes_share_the_gpus_and_one_too_many_waits_for_a_free_one(tmp_path):
    first, second = Claimer(tmp_path), Claimer(tmp_path)
    gpus_taken = {first.gpu(): first, second.gpu(): second}
    assert gpus_taken.keys() == {"4", "7"}
    third = Claimer(tmp_path)
    gpus_taken["7"].process.kill()  # a killed process keeps nothing
    assert third.gpu() == "7"
    for claimer in (first, second, third):
        claimer.let_go()


@pytest.mark.parametrize(("device", "names"), [("cpu", "4,7"), ("auto", "7")])
def test_nothing_is_claimed_where_there_is_nothing_to_share(tmp_path, device, names):
    claimer = Claimer(tmp_path, device, names)
    assert claimer.gpu() == names
    claimer.let_go()
    assert list(tmp_path.iterdir()) == []
