"""Folds trained side by side; the script that trains them is a small one of the test's own."""

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from samples import ROOT
from urbancam.workflow import catalogue
from urbancam.workflow.machine import memory
from urbancam.workflow.running import side_by_side
from urbancam.workflow.running.side_by_side import Share, share_of
from urbancam.workflow.settings import settings

ENTRY = catalogue.find("11_train_income")
# Says when it began and ended, and with how many threads; a fold above 0 fails.
TRAINS = """
import os, sys, time
fold = sys.argv[sys.argv.index("--fold") + 1]
began = time.monotonic()
time.sleep(float(os.environ["TRAINS_S"]))
with open(os.path.join(os.environ["SAYS_IN"], fold), "w") as file:
    file.write(f"{began} {time.monotonic()} {os.environ['OMP_NUM_THREADS']}")
if fold != "0":
    sys.stderr.write("error: no weights\\n")
    sys.exit(2)
"""


@pytest.fixture
def request_of_three(tmp_path, monkeypatch) -> SimpleNamespace:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / f"{ENTRY.script}.py").write_text(TRAINS)
    monkeypatch.setattr(side_by_side, "ROOT", tmp_path)
    monkeypatch.setenv("SAYS_IN", str(tmp_path))
    monkeypatch.setenv("TRAINS_S", "0.3")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    args = argparse.Namespace(
        script=ENTRY.script, city="Paris", run="default", variant="", set=[], data=None
    )
    vars(args).update(results=None, workers=2, device="cpu", force=False)
    return SimpleNamespace(args=args, entry=ENTRY)


def said(folder: Path) -> list[tuple[float, float, int]]:
    words = [(folder / str(fold)).read_text().split() for fold in range(3)]
    return [(float(began), float(ended), int(threads)) for began, ended, threads in words]


def at_once(times: list[tuple[float, float, int]]) -> int:
    return max(sum(began <= moment < ended for began, ended, _ in times) for moment, *_ in times)


@pytest.mark.parametrize(("frozen", "expected"), [("false", Share(2, 1)), ("true", Share(1, 2))])
def test_folds_that_share_their_features_go_in_turn(
    request_of_three, frozen, expected, monkeypatch
):
    monkeypatch.setattr(memory, "total_mb", lambda: 18_000)
    asked = [f"training.frozen={frozen}", "training.augment=none"]
    request_of_three.settings = settings.load("demo-tiny", asked)
    assert side_by_side.share(request_of_three, 2) == expected


@pytest.mark.parametrize(
    ("folds", "workers", "memory_mb", "expected"),
    [
        (3, 2, 9_000, Share(3, 1)),  # more than cores: they take turns
        (5, 16, 20_000, Share(5, 3)),
        (5, 16, 5_000, Share(2, 8)),
        (5, 16, 1_000, Share(1, 16)),  # one must go
    ],
)
def test_folds_share_memory_first_and_then_cores(folds, workers, memory_mb, expected):
    assert share_of(folds, workers, 2_000, memory_mb) == expected


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 3])
def test_so_many_train_at_a_time_with_their_threads_and_errors_are_told_once(
    request_of_three, tmp_path, capfd, count
):
    status = side_by_side.train(request_of_three, [0, 1, 2], Share(count, 4))
    times = said(tmp_path)
    assert status == 2 and at_once(times) == count
    assert {threads for *_, threads in times} == {4}
    assert capfd.readouterr().err.count("error: no weights") == 1


def test_number_of_threads_that_the_user_chose_stays(request_of_three, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    side_by_side.train(request_of_three, [0, 1, 2], Share(3, 1))
    assert {threads for *_, threads in said(tmp_path)} == {7}


INTERRUPTED = """
import sys
from types import SimpleNamespace
from argparse import Namespace
from pathlib import Path
from urbancam.workflow import catalogue
from urbancam.workflow.running import runner, side_by_side
side_by_side.ROOT = Path(sys.argv[1])
args = Namespace(script="11_train_income", city="Paris", run="default", variant="", set=[],
                 data=None, results=None, workers=2, device="cpu", force=False)
request = SimpleNamespace(args=args, entry=catalogue.find("11_train_income"))
sys.exit(runner.guard(lambda: side_by_side.train(request, [0, 1], side_by_side.Share(2, 1))))
"""


@pytest.mark.slow
def test_interrupt_is_told_once_and_leaves_no_training_behind(request_of_three, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(ROOT / "code"), "TRAINS_S": "600"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    process.stdout.readline()  # it says how many train
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130 and errors.count("interrupted") == 1
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)  # nobody is left in its group


PAGES_TAKEN = """
import resource, sys
import numpy as np
from urbancam.workflow.machine import memory
if sys.argv[1] == "keep":
    memory.keep_large_pieces()
np.ones(10_000_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    np.ones(10_000_000)  # 80 MB
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="another C library")
def test_large_pieces_of_memory_are_used_again():
    def pages(word: str) -> int:
        command = [sys.executable, "-c", PAGES_TAKEN, word]
        environment = os.environ | {"PYTHONPATH": str(ROOT / "code")}
        return int(subprocess.check_output(command, env=environment, text=True))

    assert pages("keep") < pages("give back") / 10


def test_half_of_the_memory_is_some_gigabytes():
    assert 200 < memory.total_mb() < 20_000_000
