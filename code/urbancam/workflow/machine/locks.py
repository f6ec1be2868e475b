"""One way to lock files: a lock of the operating system on a hidden file, which a dead process
cannot keep."""

import contextlib
import errno
import fcntl
import logging
import os
import platform
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from urbancam.workflow.errors import InputError
from urbancam.workflow.files import machine_mark

log = logging.getLogger(__name__)

NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)
# ASSUME: what another machine left half-written and did not touch for so long, it has given up.
GIVEN_UP_S = 2 * 86_400


@contextlib.contextmanager
def hold(path: Path, title: str, keep: bool = True, for_children: bool = False) -> Iterator[bool]:
    """Hold a lock for this process; a second process says who holds it, and waits.

    The lock is advisory and goes with its process, however that ends (flock(2)); the file stays.

    Args:
        path: Path of the lock file; it names the process that has it, and its machine.
        title: What is done under the lock, for the message of the one that waits.
        keep: Whether the file stays at the end. It may go only where the work leaves something by
            which one that waited, or comes later, sees that it is done.
        for_children: Whether programs that are started meanwhile with `close_fds=False` hold the
            lock too, until the last of them has ended.

    In a folder that cannot be written nothing is locked.

    Yields:
        Whether another process had the lock, and may have done the work.

    Raises:
        InputError: The file system has no locks.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+")
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EROFS):
            raise
        # Where this process can write nothing it has nothing to guard; what it reads has been
        # given its name when whole.
        yield False
        return
    with file:
        waited = not _try_lock(file)
        if waited:
            file.seek(0)
            holder = file.read().strip() or "another process"
            log.info("%s: %s is at it, waiting", title, holder)
            fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        file.truncate()
        started = ", or what it started," if for_children else ""
        file.write(f"process {os.getpid()} on {platform.node()}{started}\n")
        file.flush()
        os.set_inheritable(file.fileno(), for_children)
        yield waited
        if not keep:
            path.unlink(missing_ok=True)


def _try_lock(file) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        raise InputError(
            "this file system has no locks, so that two processes could make one result at once",
            file.name,
            "name a folder on another one with --results / --data (docs/cluster.md)",
        ) from error
    return True


def sweep(folder: Path) -> None:
    """Remove what processes left half-written in a folder when they were killed, or their machine.

    Those are the names that `files.atomic` and `files.scratch_folder` give. What another machine
    left stays until it has lain untouched for long, since only that one knows its processes. In a
    folder that cannot be written all stays.
    """
    for path in folder.glob(".*.tmp*"):
        if not _is_left_over(path):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
            continue
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _is_left_over(path: Path) -> bool:
    name = re.search(r"\.(?:([0-9a-f]{8})-)?(\d+)\.tmp", path.name)
    if not name:
        return False
    machine, process = name.groups()
    if machine in (None, machine_mark()):
        return Path("/proc/self").exists() and not Path("/proc", process).exists()
    with contextlib.suppress(OSError):  # it may go while it is looked at
        return time.time() - path.stat().st_mtime > GIVEN_UP_S
    return False
