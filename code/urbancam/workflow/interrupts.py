"""Ctrl-C reaches every process of the terminal: the main one says so, its workers end quietly."""

import os
import signal
from collections.abc import Callable
from typing import Any

STATUS = 130  # of an interrupted process, as shells have it


def end_quietly() -> None:
    """Prepare a worker process: an interrupt ends it without a traceback; what it has half-written
    goes. Where the main one ignores interrupts (`nohup ... &`), so does the worker."""
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, _leave)


def carry_out(function: Callable, *arguments: Any) -> Any:
    """A job of a worker process. Interrupted, it ends the process once it has cleaned up: a pool
    would send the interrupt back as the job's answer, and read on in a queue that others have just
    left."""
    try:
        return function(*arguments)
    except SystemExit:
        os._exit(STATUS)


def _leave(*_: Any) -> None:
    raise SystemExit(STATUS)
