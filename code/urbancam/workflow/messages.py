"""Messages of the scripts: to the terminal, to a log file, and counts in words."""

import logging
import sys
from pathlib import Path
from typing import Any

log = logging.getLogger("urbancam")


def join_counts(counts: dict[str, Any]) -> str:
    """`{"images": 12000, "void share": 0.01234}` -> "12,000 images, 0.0123 void share"."""
    words = []
    for name, value in counts.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            words.append(f"{name} {value}")
        else:
            words.append(f"{value:,} {name}" if isinstance(value, int) else f"{name} {value:.3g}")
    return ", ".join(words)


def _log_to_terminal() -> None:
    """Messages to stdout, errors to stderr; handlers of an earlier run in this process go."""
    log.setLevel(logging.INFO)
    log.propagate = False
    logging.getLogger(
        "__main__"
    ).parent = log  # the name of a script's own logger: its messages too
    for old in list(log.handlers):
        log.removeHandler(old)
        old.close()
    out, err = logging.StreamHandler(sys.stdout), logging.StreamHandler(sys.stderr)
    out.addFilter(lambda record: record.levelno < logging.ERROR)
    err.setLevel(logging.ERROR)
    log.addHandler(out)
    log.addHandler(err)


def _log_to_file(path: Path) -> None:
    """Messages and errors also to a file, with the time."""
    if any(getattr(handler, "baseFilename", None) == str(path) for handler in log.handlers):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    log.addHandler(handler)
