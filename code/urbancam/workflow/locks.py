"""One way to lock files: a lock of the operating system on a hidden file, which a dead process
cannot keep."""

import contextlib
import errno
import fcntl
import logging
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from urbancam.workflow.files import machine_mark

log = logging.getLogger(__name__)


@contextlib.contextmanager
def hold(path: Path, title: str, keep: bool = True) -> Iterator[bool]:
    """Hold a lock for this process; a second process says who holds it, and waits.

    The lock is advisory and goes with its process, however that ends (flock(2)); the file stays.

    Args:
        path: Path of the lock file; it holds the number of the process that has it.
        title: What is done under the lock, for the message of the one that waits.
        keep: Whether the file stays at the end. It may go only where the work leaves something by
            which one that waited, or comes later, sees that it is done.

    In a folder that cannot be written nothing is locked.

    Yields:
        Whether another process had the lock, and may have done the work.
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
            holder = file.read().strip() or "?"
            log.info("%s: process %s is at it, waiting", title, holder)
            fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield waited
        if not keep:
            path.unlink(missing_ok=True)


def _try_lock(file) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def sweep(folder: Path) -> None:
    """Remove what killed processes left half-written in a folder.

    Those are the names that `files.atomic` and `files.scratch_folder` give. In a folder that cannot
    be written it stays, and what another machine left stays too, since only that one knows its
    processes.
    """
    for path in folder.glob(".*.tmp*"):
        owner = re.search(rf"\.(?:{machine_mark()}-)?(\d+)\.tmp", path.name)
        if owner and not Path("/proc", owner[1]).exists() and Path("/proc/self").exists():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
                continue
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
