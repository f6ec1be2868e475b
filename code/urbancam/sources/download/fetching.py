"""Fetch files over HTTP: resumable after any cut, verified, with bounded patience.

A file comes into being as `<name>.part`, with what the server said of it (length, ETag) in a hidden JSON file
beside it, and takes its name once it is whole and has passed its checks. A second process that wants the same
file waits for the first.
"""

import contextlib
import email.utils
import fcntl
import hashlib
import json
import logging
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

import requests
import urllib3
from tqdm import tqdm

from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import shown

log = logging.getLogger(__name__)
T = TypeVar("T")

# insee.fr answers 403 to clients without a browser-like agent (data-providers.md, INSEE).
USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0 UrbanCAM"
ABSENT_STATUS = {403, 404, 410}
PASSING_STATUS = {408, 425, 429, 500, 502, 503, 504}
NETWORK_FAULTS = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    urllib3.exceptions.HTTPError,
)
CHUNK_BYTES = 1 << 20
OVERLAP_BYTES = 4096  # read again when resuming: shows a body that was swapped between two requests


@dataclass(frozen=True)
class Patience:
    """How long to bear with a server.

    Args:
        tries: in a row without one new byte.
        first_wait_s: after the first failure; doubles with each further one.
        longest_wait_s: longest wait, and the longest `Retry-After` that is obeyed.
        timeout_s: of a connection, and between two pieces of an answer.
    """

    tries: int = 6
    first_wait_s: float = 1.0
    longest_wait_s: float = 120.0
    timeout_s: float = 60.0


class AbsentError(InputError):
    """The server answers that there is no such file (403, 404, 410)."""


class _PassingError(Exception):
    """A failure that may pass: connection cut, server busy."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


def without_user_info(text: str) -> str:
    """The text with `user:password@` taken out of every address in it; for logs, records and errors."""
    return re.sub(r"//[^/\s]*@", "//", text)


def get(
    url: str, *, patience: Patience = Patience(), session: requests.Session | None = None
) -> requests.Response:
    """Ask for a small answer (an index, an image), whole in memory; failures that may pass are tried again.

    Raises:
        AbsentError: the server says there is no such thing.
        InputError: it cannot be had, in spite of all patience.
    """
    session = session or requests.Session()

    def attempt() -> requests.Response:
        with _answer(session, url, {}, patience) as answer, _passing_faults():
            answer.content  # noqa: B018  reads the whole body, so that a cut shows here
            return answer

    return _persist(attempt, lambda: 0, url, patience)


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
    """Fetch a file unless it is in place; an interrupted download goes on where it was.

    Args:
        url: address; user info in it never reaches a log, a record or an error.
        path: where the file shall stand.
        size_bytes: its size, where known beforehand; also asked of a file in place.
        md5: its hexadecimal MD5, where known.
        check: raises InputError if the file is not what it should be; called before it takes its name.
        patience: how long to bear with the server.
        session: of the caller, to keep connections open.

    Raises:
        AbsentError: the server says there is no such file.
        InputError: it cannot be had, or is not what was promised; or there is no room for it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _held(path) as state_path:
        if path.exists():
            _check_size(
                path,
                path.stat().st_size,
                size_bytes,
                "delete it, or put the whole file in its place",
            )
            log.info(
                "%s is in place (%s bytes), not fetched again",
                shown(path),
                f"{path.stat().st_size:,}",
            )
            return path
        part = _Part(url, path, state_path, size_bytes, patience, session or requests.Session())
        while True:
            _persist(part.attempt, part.have, url, patience)
            try:
                part.verify(md5, check)
                break
            except InputError:
                part.drop()
                if not part.resumed:
                    raise
                log.info(
                    "%s: pieces of two downloads do not fit together, fetching it afresh", path.name
                )
        os.replace(part.part, path)
    log.info("fetched %s (%s bytes)", shown(path), f"{path.stat().st_size:,}")
    return path


@contextlib.contextmanager
def _held(path: Path) -> Iterator[Path]:
    """Hold a download for this process; the file that is locked also keeps what the server said."""
    state_path = path.with_name(f".{path.name}.part.json")
    with state_path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.info("%s: another process fetches it, waiting", path.name)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield state_path
        state_path.unlink(
            missing_ok=True
        )  # the file is in place now, where a waiting process looks first


class _Part:
    """A file on its way."""

    def __init__(
        self,
        url: str,
        path: Path,
        state_path: Path,
        size_bytes: int | None,
        patience: Patience,
        session: requests.Session,
    ) -> None:
        self.url, self.path, self.size_bytes = url, path, size_bytes
        self.patience, self.session = patience, session
        self.resumed = False  # whether the bytes here come from several answers
        self.part, self.state_path = path.with_name(path.name + ".part"), state_path
        if self._state().get("url") != without_user_info(url):
            self.drop()

    def have(self) -> int:
        """Bytes already here."""
        return self.part.stat().st_size if self.part.exists() else 0

    def drop(self) -> None:
        self.part.unlink(missing_ok=True)
        self.state_path.write_text("")

    def attempt(self) -> None:
        """One request for what is still missing."""
        start = max(0, self.have() - OVERLAP_BYTES)
        state = self._state()
        headers = {"Range": f"bytes={start}-"} if self.have() else {}
        if headers and (state["etag"] or "").startswith(
            '"'
        ):  # a weak one may not stand in If-Range
            headers["If-Range"] = state["etag"]
        with _answer(self.session, self.url, headers, self.patience) as answer:
            self.resumed = answer.status_code != 200
            if self.resumed:
                total = self._check_range(answer, start, state)
            else:
                self.part.unlink(missing_ok=True)
                start, total = 0, _length(answer)
                self._check_total(total)
                state = {
                    "url": without_user_info(self.url),
                    "total": total,
                    "etag": answer.headers.get("ETag"),
                }
                self.state_path.write_text(json.dumps(state))
            with self.part.open("ab") as file:
                self._receive(answer, file, start, total)
        if total is not None and self.have() != total:
            raise _PassingError(f"the server promised {total:,} bytes and sent {self.have():,}")

    def verify(self, md5: str | None, check: Callable[[Path], None] | None) -> None:
        where = f"{without_user_info(self.url)} -> {shown(self.path)}"
        _check_size(
            where, self.have(), self.size_bytes, "run the step again, or fetch the file by hand"
        )
        if md5:
            with self.part.open("rb") as file:
                got = hashlib.file_digest(file, "md5").hexdigest()
            if got != md5.lower():
                raise InputError(
                    f"its MD5 is {got}, not {md5.lower()}", where, "run the step again later"
                )
        if check:
            check(self.part)

    def _state(self) -> dict[str, Any]:
        try:
            return json.loads(self.state_path.read_text())
        except json.JSONDecodeError:
            return {}

    def _check_range(
        self, answer: requests.Response, start: int, state: dict[str, Any]
    ) -> int | None:
        """The whole file's length, if the answer goes on where we are with the same file."""
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
        total = int(found[2]) if found and found[2] != "*" else state["total"]
        same_length = state["total"] in (None, total)
        same_etag = answer.headers.get("ETag", state["etag"]) == state["etag"]
        if not (found and int(found[1]) == start and same_length and same_etag):
            self.drop()
            raise _PassingError("the server goes on with another file, beginning afresh")
        return total

    def _check_total(self, total: int | None) -> None:
        if total is None:
            return
        _check_size(
            without_user_info(self.url),
            total,
            self.size_bytes,
            "the index and the file disagree, try later",
        )
        free = shutil.disk_usage(self.path.parent).free
        if total > free:
            what = f"the file has {total:,} bytes, the disk has room for {free:,}"
            raise InputError(
                what, shown(self.path), "free some disk, or name another folder with --data"
            )

    def _receive(
        self, answer: requests.Response, file: IO[bytes], start: int, total: int | None
    ) -> None:
        """Append the body; what overlaps the bytes already here must equal them."""
        have = self.have()
        bar = tqdm(
            total=total, initial=have, unit="B", unit_scale=True, desc=self.path.name, leave=False
        )
        with self.part.open("rb") as old, bar, _passing_faults():
            old.seek(start)
            tail, position = old.read(have - start), 0
            while chunk := answer.raw.read1(
                CHUNK_BYTES, decode_content=True
            ):  # a cut loses no byte received
                overlap = tail[position : position + len(chunk)]
                if chunk[: len(overlap)] != overlap:
                    self.drop()
                    raise _PassingError("the server's file changed since, beginning afresh")
                position += len(overlap)
                file.write(chunk[len(overlap) :])
                bar.update(len(chunk) - len(overlap))


def _answer(
    session: requests.Session, url: str, headers: dict[str, str], patience: Patience
) -> requests.Response:
    """The server's answer, body not read yet: 200, or 206 or 416 where a range was asked."""
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"} | headers
    where = without_user_info(url)
    with _passing_faults(where):
        answer = session.get(url, headers=headers, stream=True, timeout=patience.timeout_s)
    status = answer.status_code
    if status == 200 or (status in (206, 416) and "Range" in headers):
        return answer
    answer.close()
    if status in ABSENT_STATUS:
        raise AbsentError(
            f"the server answers {status}: no such file, or not for us",
            where,
            "look the address up, or fetch the file with a browser and put it in place",
        )
    if status in PASSING_STATUS:
        wait_s = _retry_after_s(answer)
        asks = f", asks to wait {wait_s:.0f} s" if wait_s else ""
        raise _PassingError(f"the server answers {status}{asks}", wait_s)
    raise InputError(f"the server answers {status} {answer.reason}", where, "look the address up")


@contextlib.contextmanager
def _passing_faults(where: str = "") -> Iterator[None]:
    """Faults of the network may pass; an address that cannot be one is bad input."""
    try:
        yield
    except NETWORK_FAULTS as error:
        raise _PassingError(without_user_info(f"{type(error).__name__}: {error}")) from None
    except requests.RequestException as error:
        raise InputError(without_user_info(str(error)), where, "look the address up") from None


def _persist(
    attempt: Callable[[], T], progress: Callable[[], int], url: str, patience: Patience
) -> T:
    """Try until it succeeds or until `patience.tries` in a row brought no new byte."""
    failures, best = 0, progress()
    while True:
        try:
            return attempt()
        except _PassingError as fault:
            failures = 1 if progress() > best else failures + 1
            best = max(best, progress())
            wait_s = min(patience.first_wait_s * 2 ** (failures - 1), patience.longest_wait_s)
            wait_s = wait_s if fault.wait_s is None else fault.wait_s
            if failures >= patience.tries or wait_s > patience.longest_wait_s:
                raise InputError(
                    f"given up after {failures} tries: {fault}",
                    without_user_info(url),
                    "run the step again later; it goes on where it was",
                ) from None
            log.info("%s: %s; again in %.0f s", without_user_info(url), fault, wait_s)
            time.sleep(wait_s)


def _check_size(where: Path | str, got: int, expected: int | None, do: str) -> None:
    if expected is not None and got != expected:
        raise InputError(
            f"it has {got:,} bytes, not the {expected:,} announced",
            shown(where) if isinstance(where, Path) else where,
            do,
        )


def _length(answer: requests.Response) -> int | None:
    """Content-Length, where it is the length of what we will have."""
    length = answer.headers.get("Content-Length", "")
    encoded = answer.headers.get("Content-Encoding", "identity") != "identity"
    return int(length) if length.isdigit() and not encoded else None


def _retry_after_s(answer: requests.Response) -> float | None:
    """The wait that `Retry-After` asks for, given in seconds or as a date."""
    text = answer.headers.get("Retry-After", "").strip()
    if text.isdigit():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None
