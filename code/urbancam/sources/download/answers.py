"""What a server answers, and how long to bear with it.

Failures are of two kinds. Those that may pass (connection cut, server busy) are tried again with
bounded patience; the others are bad input at once.
"""

import contextlib
import email.utils
import logging
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import requests
import urllib3

from urbancam.workflow.errors import InputError

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


@dataclass(frozen=True)
class Patience:
    """How long to bear with a server.

    Args:
        tries: Number of tries in a row that bring not one new byte.
        first_wait_s: Wait after the first failure; it doubles with each further one.
        longest_wait_s: Longest wait, and the longest `Retry-After` that is obeyed.
        timeout_s: Time limit of a connection, and of the gap between two pieces of an answer.
    """

    tries: int = 6
    first_wait_s: float = 1.0
    longest_wait_s: float = 120.0
    timeout_s: float = 60.0

    def wait_s(self, failures: int) -> float:
        """The wait after so many failures in a row."""
        return min(self.first_wait_s * 2 ** (failures - 1), self.longest_wait_s)


class AbsentError(InputError):
    """The server answers that there is no such file (403, 404, 410)."""


class PassingError(Exception):
    """A failure that may pass: connection cut, server busy.

    Args:
        reason: What happened.
        wait_s: Wait that the server asks for, where it asks for one.
    """

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


def without_user_info(text: str) -> str:
    """The text without the `user:password@` of its addresses; for logs, records and errors."""
    return re.sub(r"//[^/\s]*@", "//", text)


def open_answer(
    session: requests.Session,
    url: str,
    headers: dict[str, str],
    patience: Patience,
    method: str = "GET",
) -> requests.Response:
    """The server's answer, its body not read yet.

    Returns:
        An answer of status 200, or of 206 or 416 where the headers ask for a range.

    Raises:
        AbsentError: The server says there is no such file.
        PassingError: The network or the server fails in a way that may pass.
        InputError: The address is none, or the server refuses it.
    """
    # Identity: a body compressed on its way could not be resumed at a byte.
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"} | headers
    where = without_user_info(url)
    with passing_faults(where):
        answer = session.request(
            method, url, headers=headers, stream=True, timeout=patience.timeout_s
        )
    status = answer.status_code
    # 416: no byte after the start of the range, for the caller to deal with.
    answers_the_range = status in (206, 416) and "Range" in headers
    if status == 200 or answers_the_range:
        return answer
    answer.close()
    raise _refusal(answer, where)


def _refusal(answer: requests.Response, where: str) -> Exception:
    """The error that an answer without a file stands for."""
    status = answer.status_code
    if status in ABSENT_STATUS:
        return AbsentError(
            f"the server answers {status}: no such file, or not for us",
            where,
            "look the address up, or fetch the file with a browser and put it in place",
        )
    if status in PASSING_STATUS:
        wait_s = retry_after_s(answer)
        request_to_wait = f", asks to wait {wait_s:.0f} s" if wait_s else ""
        return PassingError(f"the server answers {status}{request_to_wait}", wait_s)
    return InputError(f"the server answers {status} {answer.reason}", where, "look the address up")


@contextlib.contextmanager
def passing_faults(where: str = "") -> Iterator[None]:
    """Faults of the network may pass; an address that cannot be one is bad input."""
    try:
        yield
    except NETWORK_FAULTS as error:
        raise PassingError(without_user_info(f"{type(error).__name__}: {error}")) from None
    except requests.RequestException as error:
        raise InputError(without_user_info(str(error)), where, "look the address up") from None


def persist(
    attempt: Callable[[], T], progress: Callable[[], int], url: str, patience: Patience
) -> T:
    """Try until it succeeds, or until `patience.tries` in a row bring no new byte.

    Args:
        attempt: What is tried; raises PassingError where it may be tried again.
        progress: Number of bytes that are here so far.
        url: Address, for messages.
        patience: How often to try, and how long to wait in between.

    Returns:
        What the attempt returns.

    Raises:
        InputError: Patience is at its end.
    """
    failures = 0
    most_bytes = progress()
    while True:
        try:
            return attempt()
        except PassingError as fault:
            # A try that brings new bytes begins the count anew.
            failures = 1 if progress() > most_bytes else failures + 1
            most_bytes = max(most_bytes, progress())

            # What the server asks for goes before our own rule.
            wait_s = patience.wait_s(failures) if fault.wait_s is None else fault.wait_s
            if failures >= patience.tries or wait_s > patience.longest_wait_s:
                raise InputError(
                    f"given up after {failures} tries: {fault}",
                    without_user_info(url),
                    "run the step again later; it goes on where it was",
                ) from None
            log.info("%s: %s; again in %.0f s", without_user_info(url), fault, wait_s)
            time.sleep(wait_s)


def content_length(answer: requests.Response) -> int | None:
    """Content-Length, where it is the length of what will arrive here."""
    length = answer.headers.get("Content-Length", "")
    encoding = answer.headers.get("Content-Encoding", "identity")
    # Of a compressed body it is the length before unpacking.
    if not length.isdigit() or encoding != "identity":
        return None
    return int(length)


def retry_after_s(answer: requests.Response) -> float | None:
    """The wait that `Retry-After` asks for, be it in seconds or as a date."""
    text = answer.headers.get("Retry-After", "").strip()
    if text.isdigit():
        return float(text)
    try:
        end_s = email.utils.parsedate_to_datetime(text).timestamp()
    except ValueError:
        return None
    return max(0.0, end_s - time.time())
