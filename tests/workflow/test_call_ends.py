"""Whatever ends the call that starts the work of cities: its engine cleans up, and holds the lock
as long as it lives."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from samples import ROOT
from urbancam.workflow.cluster import engine

pytestmark = pytest.mark.slow

CALL = """
import signal, sys
from pathlib import Path
sys.path.insert(0, {code!r})
from urbancam.workflow.cluster import engine
from urbancam.workflow.running import scripts
signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever started this
signal.signal(signal.SIGHUP, signal.SIG_DFL)
engine.SNAKEMAKE = Path({engine!r})
sys.exit(scripts.load("98_start_cluster").main(["Demo", "--run", "demo-tiny", *{places}]))
"""
# Cleans up for longer than the quarter of a second that `subprocess.run` grants.
ENGINE = """#!{python}
import os, time
from pathlib import Path
folder = Path({folder!r})
try:
    (folder / "begun.tmp").write_text(str(os.getpid()))
    (folder / "begun.tmp").rename(folder / "begun")
    time.sleep(60)
except KeyboardInterrupt:
    time.sleep(0.6)
    (folder / "cleaned").touch()
"""


@pytest.fixture
def begun(tmp_path) -> Iterator[tuple[subprocess.Popen, int]]:
    """A call, and the process of its engine, which works."""
    engine = tmp_path / "snakemake"
    engine.write_text(ENGINE.format(python=sys.executable, folder=str(tmp_path)))
    engine.chmod(0o755)
    places = ["--data", str(tmp_path / "data"), "--results", str(tmp_path / "results")]
    words = CALL.format(code=str(ROOT / "code"), engine=str(engine), places=places)
    call = subprocess.Popen([sys.executable, "-c", words], stderr=subprocess.PIPE, text=True)
    mark = tmp_path / "begun"
    wait_until(lambda: mark.exists() or call.poll() is not None)
    process = int(mark.read_text())
    yield call, process
    if is_alive(process):
        os.kill(process, signal.SIGKILL)
    call.kill()
    call.communicate()


def wait_until(happened) -> None:
    end = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.02)


def is_alive(process: int) -> bool:
    """Whether a process lives; one that ended and was not waited for does not."""
    state = Path("/proc", str(process), "stat")
    return state.exists() and state.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def is_free(lock: Path) -> bool:
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_ends_the_call_lets_its_engine_clean_up_first(tmp_path, begun, number):
    call, process = begun
    call.send_signal(number)
    _, said = call.communicate(timeout=30)
    assert call.returncode == 130 and "interrupted" in said and "Traceback" not in said
    assert (tmp_path / "cleaned").exists() and not is_alive(process)


def test_the_lock_lasts_as_long_as_the_engine_lives(tmp_path, begun):
    call, process = begun
    lock = engine.folder_of(tmp_path / "results") / ".lock"
    call.kill()
    call.wait()
    assert is_alive(process) and not is_free(lock)
    os.kill(process, signal.SIGINT)
    wait_until(lambda: not is_alive(process))
    assert is_free(lock)


def test_what_the_terminal_sends_reaches_the_engine_through_the_call_alone(begun):
    """Else a lost terminal ends the engine before it has cleaned up."""
    call, process = begun
    assert os.getpgid(process) != os.getpgid(call.pid)
