"""An interrupted worker cleans up, ends and says nothing."""

import signal
import subprocess
import sys

import pytest

from samples import ROOT
from urbancam.workflow.machine import interrupts

WORKER = """
import os, signal, sys, time
from pathlib import Path
sys.path.insert(0, {code!r})
from urbancam.workflow.machine import interrupts

def job(mark):
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(20)
    finally:
        Path(mark).touch()

signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever started this
interrupts.end_quietly()
try:
    interrupts.carry_out(job, {mark!r})
except BaseException:
    print("the pool went on")
"""


def test_interrupted_job_ends_its_worker_after_it_has_cleaned_up(tmp_path):
    mark = tmp_path / "clean"
    words = WORKER.format(code=str(ROOT / "code"), mark=str(mark))
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
    assert mark.exists()


@pytest.fixture
def ignored():
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, handler)


def test_worker_of_a_process_that_ignores_interrupts_ignores_them_too(ignored):
    interrupts.end_quietly()
    assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
