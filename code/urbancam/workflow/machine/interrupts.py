"""Ctrl-C reaches every process of the terminal: the main one says so, its workers end quietly.

A program of others that cleans up when it is interrupted is let do so before this process ends.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable
from typing import Any

STATUS = 130  # of an interrupted process, as shells have it
# Ctrl-C, `kill`, a terminal that is lost.
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


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


def run_to_its_end(command: list[Any], environment: dict[str, str]) -> None:
    """Run a program that cleans up when it is interrupted, and wait until it has.

    Whatever is to end this process interrupts the program. It is a session of its own, so that a
    terminal does not end it at once; it keeps the locks that are held for children too
    (`locks.hold`), should this process be killed.

    Args:
        command: The program and its words.
        environment: The variables that the program gets.

    Raises:
        KeyboardInterrupt: This process was to end; the program has ended.
    """
    program: subprocess.Popen | None = None
    to_end = False

    def pass_on(number: int, _: Any) -> None:
        nonlocal to_end
        if before[number] == signal.SIG_IGN:  # as under `nohup`
            return
        to_end = True
        if program:
            _interrupt(program)

    # Before it is started, lest it inherit that interrupts are ignored.
    before = {number: signal.getsignal(number) for number in ENDS}
    for number in ENDS:
        signal.signal(number, pass_on)
    try:
        program = subprocess.Popen(
            command, env=environment, start_new_session=True, close_fds=False
        )
        if to_end:
            _interrupt(program)
        program.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if to_end:
        raise KeyboardInterrupt


def _interrupt(program: subprocess.Popen) -> None:
    """Interrupt a program that is a session of its own, and its children, as a terminal does."""
    with contextlib.suppress(ProcessLookupError):  # it has just ended
        os.killpg(program.pid, signal.SIGINT)
