"""One way to lock files: a lock of the operating system on a hidden file, which a dead process
cannot keep."""

import contextlib
import fcntl
import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path

log = logging.getLogger(__name__)


@contextlib.contextmanager
def hold(path: Path, title: str) -> Iterator[bool]:
    """Hold a lock for this process; a second process says who holds it, and waits.

    The lock is advisory and goes with its process, however that ends (flock(2)); the file stays.

    Args:
        path: Path of the lock file; it holds the number of the process that has it.
        title: What is done under the lock, for the message of the one that waits.

    Yields:
        Whether another process had the lock, and may have done the work.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        waited = not _try_lock(file)
        if waited:
            file.seek(0)
            holder = file.read().strip() or "?"
            log.info("%s: process %s is at it, waiting", title, holder)
            fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield waited


def _try_lock(file) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def sweep(folder: Path) -> None:
    """Remove what killed processes left half-written in a folder (the names that `files.atomic`
    gives)."""
    for path in folder.glob(".*.tmp*"):
        owner = re.search(r"\.(\d+)\.tmp", path.name)
        if owner and not Path("/proc", owner[1]).exists() and Path("/proc/self").exists():
            path.unlink(missing_ok=True)
