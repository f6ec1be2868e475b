"""Messages of the scripts: to the terminal, to a log file, and counts in words."""

import logging
import sys
from pathlib import Path
from typing import Any

from urbancam.workflow.files import printable

log = logging.getLogger("urbancam")


class _Printable(logging.Formatter):
    """Names of files that are not UTF-8 are shown with escapes."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))


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


def to_terminal() -> None:
    """Messages to stdout, errors to stderr; handlers of an earlier run in this process go."""
    log.setLevel(logging.INFO)
    log.propagate = False
    # A script's own logger bears this name: its messages too.
    logging.getLogger("__main__").parent = log
    for handler in list(log.handlers):
        log.removeHandler(handler)
        handler.close()
    out = logging.StreamHandler(sys.stdout)
    out.setFormatter(_Printable())
    out.addFilter(lambda record: record.levelno < logging.ERROR)
    errors = logging.StreamHandler(sys.stderr)
    errors.setFormatter(_Printable())
    errors.setLevel(logging.ERROR)
    log.addHandler(out)
    log.addHandler(errors)


def to_file(path: Path) -> None:
    """Messages and errors also to a file, with the time."""
    if any(getattr(handler, "baseFilename", None) == str(path) for handler in log.handlers):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(_Printable("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    log.addHandler(handler)
