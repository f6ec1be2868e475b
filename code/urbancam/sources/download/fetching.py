"""Fetch files over HTTP: resumable after any cut, verified, with bounded patience.

A file takes its name once it is whole and has passed its checks; until then it is a
`PartialFile` beside its place. A second process that wants the same file waits for the
first.
"""

import logging
import os
from collections.abc import Callable
from pathlib import Path

import requests

from urbancam.sources.download.answers import (
    Patience,
    content_length,
    open_answer,
    passing_faults,
    persist,
)
from urbancam.sources.download.partial_file import PART_SUFFIX, PartialFile, check_size
from urbancam.workflow.errors import InputError
from urbancam.workflow.machine import locks
from urbancam.workflow.paths import display_path

log = logging.getLogger(__name__)


def get(
    url: str, *, patience: Patience = Patience(), session: requests.Session | None = None
) -> requests.Response:
    """Ask for a small answer (an index, an image), whole in memory.

    Args:
        url: Address; user info in it never reaches a log or an error.
        patience: How long to bear with the server.
        session: Session of the caller, to keep connections open.

    Raises:
        AbsentError: The server says there is no such thing.
        InputError: It cannot be had, in spite of all patience.
    """
    session = session or requests.Session()

    def attempt() -> requests.Response:
        with open_answer(session, url, {}, patience) as answer, passing_faults():
            answer.content  # noqa: B018  reads the whole body, so that a cut shows here
            return answer

    return persist(attempt, lambda: 0, url, patience)


def fetch(
    url: str,
    path: Path,
    *,
    size_bytes: int | None = None,
    md5: str | None = None,
    check: Callable[[Path], None] | None = None,
    patience: Patience = Patience(),
    session: requests.Session | None = None,
) -> Path:
    """Fetch a file unless it is in place; an interrupted download goes on where it was, and so
    does a file in place that is shorter than it should be.

    Args:
        url: Address; user info in it never reaches a log, a record or an error.
        path: Where the file shall stand.
        size_bytes: Size of the file, where it is known beforehand; a file in place must have it.
        md5: Hexadecimal MD5 of the file, where it is known.
        check: Raises InputError if the file is not what it should be; called before the file
            takes its name.
        patience: How long to bear with the server.
        session: Session of the caller, to keep connections open.

    Returns:
        The path.

    Raises:
        AbsentError: The server says there is no such file.
        InputError: It cannot be had, or is not what was promised; or there is no room for it.
    """
    state_path = path.with_name(f".{path.name}.part.json")
    with locks.hold(path.with_name(f".{path.name}.lock"), f"fetching {path.name}", keep=False):
        # Another process may have fetched it while this one waited for the lock.
        is_cut_short = path.exists() and path.stat().st_size < (size_bytes or 0)
        if path.exists() and not is_cut_short:
            _check_in_place(path, size_bytes)
            return path
        session = session or requests.Session()
        partial = PartialFile(url, path, state_path, size_bytes, patience, session)
        if is_cut_short:
            log.info("%s is cut short, goes on with it", display_path(path))
            partial.adopt(size_bytes)
        _complete(partial, md5, check)
        # Only a file that has passed its checks takes its name.
        os.replace(partial.part_path, path)
        state_path.unlink(missing_ok=True)
    log.info("fetched %s (%s bytes)", display_path(path), f"{path.stat().st_size:,}")
    return path


def announced_bytes(
    url: str, patience: Patience = Patience(), session: requests.Session | None = None
) -> int | None:
    """The size that a server announces for a file; None where it announces none.

    Raises:
        AbsentError: The server says there is no such file.
        InputError: It does not answer, in spite of all patience.
    """
    session = session or requests.Session()

    def attempt() -> int | None:
        with open_answer(session, url, {}, patience, method="HEAD") as answer:
            return content_length(answer)

    return persist(attempt, lambda: 0, url, patience)


def bytes_in_place(path: Path) -> int:
    """Bytes of a file that are here, be it whole or on its way."""
    part_path = path.with_name(path.name + PART_SUFFIX)
    return max((file.stat().st_size for file in (path, part_path) if file.exists()), default=0)


def _check_in_place(path: Path, size_bytes: int | None) -> None:
    """Accept a file in place, unless its size is not the announced one."""
    size_in_place = path.stat().st_size
    advice = "delete it, or put the whole file in its place"
    check_size(path, size_in_place, size_bytes, advice)
    log.info(
        "%s is in place (%s bytes), not fetched again", display_path(path), f"{size_in_place:,}"
    )


def _complete(partial: PartialFile, md5: str | None, check: Callable[[Path], None] | None) -> None:
    """Fetch what is missing of a file, and once more from its beginning if the pieces do not fit.

    Raises:
        InputError: It cannot be had, or is not what was promised.
    """
    while True:
        persist(partial.attempt, partial.byte_count, partial.url, partial.patience)
        try:
            partial.verify(md5, check)
            return
        except InputError:
            # A file out of one answer would be no better the next time.
            partial.drop()
            if not partial.is_resumed:
                raise
            log.info(
                "%s: pieces of two downloads do not fit together, fetching it afresh",
                partial.path.name,
            )
