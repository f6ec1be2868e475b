"""Messages of the scripts: to the terminal, to a log file, and counts in words.

What was loaded and saved goes to the log file alone (`log.debug`).
"""

import contextlib
import logging
import os
import select
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from urbancam.workflow.files import printable

log = logging.getLogger("urbancam")


class _Printable(logging.Formatter):
    """Names of files that are not UTF-8 are shown with escapes."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))


class _Terminal(logging.StreamHandler):
    """Messages to stdout; a reader that went away (`| head`) ends the script."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        if isinstance(sys.exc_info()[1], BrokenPipeError):
            raise
        super().handleError(record)


def reader_went_away() -> bool:
    """Whether nobody reads stdout any more; what was to be told is then dropped.

    To be asked in a handler of BrokenPipeError, which other pipes may raise too.
    """
    pipe = select.poll()
    pipe.register(sys.stdout.fileno(), 0)  # errors are always told
    if not pipe.poll(0):
        return False
    # What is left in the buffer would be told, in vain, when Python ends.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return True


def few(names: list[str]) -> str:
    """The first five names, and how many more there are."""
    text = ", ".join(names[:5])
    return f"{text} and {len(names) - 5} more" if len(names) > 5 else text


def join_counts(counts: dict[str, Any]) -> str:
    """`{"images": 12000, "void share": 0.01234}` -> "12,000 images, void share 0.0123"."""
    words = []
    for name, value in counts.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            words.append(f"{name} {value}")
        elif isinstance(value, int):
            words.append(f"{value:,} {name}")
        else:
            words.append(f"{name} {value:.3g}")
    return ", ".join(words)


@contextlib.contextmanager
def each_line_once(*modules: str) -> Iterator[None]:
    """Let modules that are asked several times say the same only once, while the block lasts."""
    lines = set()

    def is_new(record: logging.LogRecord) -> bool:
        line = record.getMessage()
        if line in lines:
            return False
        lines.add(line)
        return True

    loggers = [logging.getLogger(module) for module in modules]
    for logger in loggers:
        logger.addFilter(is_new)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(is_new)


def to_terminal() -> None:
    """Messages to stdout, errors to stderr; handlers of an earlier run in this process go."""
    log.setLevel(logging.DEBUG)
    log.propagate = False
    # A script's own logger bears this name: its messages too.
    logging.getLogger("__main__").parent = log
    for handler in list(log.handlers):
        log.removeHandler(handler)
        handler.close()
    out = _Terminal(sys.stdout)
    out.setFormatter(_Printable())
    out.setLevel(logging.INFO)
    out.addFilter(lambda record: record.levelno < logging.ERROR)
    errors = logging.StreamHandler(sys.stderr)
    errors.setFormatter(_Printable())
    errors.setLevel(logging.ERROR)
    log.addHandler(out)
    log.addHandler(errors)


def to_file(path: Path) -> None:
    """Messages and errors also to a file, with the time, and what was loaded and saved."""
    if any(getattr(handler, "baseFilename", None) == str(path) for handler in log.handlers):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(_Printable("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    log.addHandler(handler)
