"""Ctrl-C reaches every process of the terminal: the main one says so, its workers end quietly."""

import signal
from typing import Any


def end_quietly() -> None:
    """Prepare a worker process: an interrupt ends it without a traceback; what it has half-written
    goes."""
    signal.signal(signal.SIGINT, _leave)


def _leave(*_: Any) -> None:
    raise SystemExit(130)
