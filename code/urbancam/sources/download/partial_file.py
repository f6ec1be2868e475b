"""A file on its way: the bytes that are here, what the server said of them, and the next request.

The bytes stand in `<name>.part`; the server's words (length, ETag) in a hidden JSON file beside it.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import requests

from urbancam.sources.download.answers import (
    PassingError,
    Patience,
    content_length,
    open_answer,
    passing_faults,
    without_user_info,
)
from urbancam.workflow import progress
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import display_path

CHUNK_BYTES = 1 << 20
PART_SUFFIX = ".part"
OVERLAP_BYTES = 4096  # read again when resuming: shows a body that was swapped between two requests


class PartialFile:
    """A file on its way.

    Args:
        url: Address; user info in it never reaches the state, a message or an error.
        path: Where the whole file shall stand.
        state_path: JSON file of what the server said of the bytes that are here.
        size_bytes: Size of the whole file, where it is known beforehand.
        patience: How long to bear with the server.
        session: Session to ask with.
    """

    def __init__(
        self,
        url: str,
        path: Path,
        state_path: Path,
        size_bytes: int | None,
        patience: Patience,
        session: requests.Session,
    ) -> None:
        self.url = url
        self.path = path
        self.part_path = path.with_name(path.name + PART_SUFFIX)
        self.state_path = state_path
        self.size_bytes = size_bytes
        self.patience = patience
        self.session = session
        self.is_resumed = False  # whether the bytes here come from several answers
        if self._state().get("url") != without_user_info(url):
            self.drop()

    def byte_count(self) -> int:
        """Number of bytes that are here already."""
        return self.part_path.stat().st_size if self.part_path.exists() else 0

    def adopt(self, size_bytes: int) -> None:
        """Go on with a file that stands in the whole one's place, but is cut short.

        Args:
            size_bytes: Size of the whole file.
        """
        if self.path.stat().st_size <= self.byte_count():
            return  # more of it has been fetched already
        os.replace(self.path, self.part_path)
        # Who has put it there did not say which file of the server it is: the bytes must tell.
        state = {"url": without_user_info(self.url), "total": size_bytes, "etag": None}
        self.state_path.write_text(json.dumps(state))

    def drop(self) -> None:
        """Forget the bytes and what the server said of them."""
        self.part_path.unlink(missing_ok=True)
        self.state_path.unlink(missing_ok=True)

    def attempt(self) -> None:
        """Ask once for what is still missing.

        Raises:
            PassingError: The connection is cut, or the answer does not fit the bytes that are here.
            InputError: The server has no such file, or another one; or there is no room for it.
        """
        # A little of what is here is asked for again, to be compared.
        start = max(0, self.byte_count() - OVERLAP_BYTES)
        state = self._state()
        headers = self._range_headers(start, state)
        with open_answer(self.session, self.url, headers, self.patience) as answer:
            self.is_resumed = answer.status_code != 200
            if self.is_resumed:  # or 416, if the file has become shorter
                total_bytes = self._resumed_total(answer, start, state)
            else:
                start = 0
                total_bytes = self._begin(answer)
            with self.part_path.open("ab") as file:
                self._receive(answer, file, start, total_bytes)

        # A cut need not raise an error: the length tells.
        if total_bytes is not None and self.byte_count() != total_bytes:
            raise PassingError(
                f"the server promised {total_bytes:,} bytes and sent {self.byte_count():,}"
            )

    def verify(self, md5: str | None, check: Callable[[Path], None] | None) -> None:
        """Refuse a file that is not what was promised.

        Args:
            md5: Hexadecimal MD5, where it is known.
            check: Check of the caller, which raises InputError.

        Raises:
            InputError: Size or MD5 differ, or the caller's check fails.
        """
        where = f"{without_user_info(self.url)} -> {display_path(self.path)}"
        advice = "run the step again, or fetch the file by hand"
        check_size(where, self.byte_count(), self.size_bytes, advice)
        if md5:
            with self.part_path.open("rb") as file:
                file_md5 = hashlib.file_digest(file, "md5").hexdigest()
            if file_md5 != md5.lower():
                what = f"its MD5 is {file_md5}, not {md5.lower()}"
                raise InputError(what, where, "run the step again later")
        if check:
            check(self.part_path)

    def _state(self) -> dict[str, Any]:
        """What the server said of the bytes that are here; empty where there are none."""
        try:
            return json.loads(self.state_path.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}

    def _range_headers(self, start: int, state: dict[str, Any]) -> dict[str, str]:
        """The headers that ask for the rest of a file of which some bytes are here."""
        if not self.byte_count():
            return {}
        headers = {"Range": f"bytes={start}-"}
        etag = state["etag"] or ""
        is_strong = etag.startswith('"')  # a weak one may not stand in If-Range
        if is_strong:
            headers["If-Range"] = etag
        return headers

    def _begin(self, answer: requests.Response) -> int | None:
        """Begin with an empty file; the whole file's length, where the answer says it."""
        self.part_path.unlink(missing_ok=True)
        total_bytes = content_length(answer)
        self._check_total(total_bytes)
        state = {
            "url": without_user_info(self.url),
            "total": total_bytes,
            "etag": answer.headers.get("ETag"),
        }
        self.state_path.write_text(json.dumps(state))
        return total_bytes

    def _resumed_total(
        self, answer: requests.Response, start: int, state: dict[str, Any]
    ) -> int | None:
        """The whole file's length, if the answer goes on where we are with the same file.

        Raises:
            PassingError: It goes on elsewhere, or with another file; the bytes here are dropped.
        """
        content_range = answer.headers.get("Content-Range", "")
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", content_range)
        total_bytes = state["total"]
        if match and match[2] != "*":
            total_bytes = int(match[2])

        # A file that the server has replaced since differs in length or ETag.
        same_start = match and int(match[1]) == start
        same_length = state["total"] in (None, total_bytes)
        etag = state["etag"]
        same_etag = etag is None or answer.headers.get("ETag", etag) == etag
        if not (same_start and same_length and same_etag):
            self.drop()
            raise PassingError("the server goes on with another file, beginning afresh")
        return total_bytes

    def _check_total(self, total_bytes: int | None) -> None:
        """Refuse, before the first byte, a file of another size than announced, or too large."""
        if total_bytes is None:
            return
        advice = "the index and the file disagree, try later"
        check_size(without_user_info(self.url), total_bytes, self.size_bytes, advice)
        free_bytes = shutil.disk_usage(self.path.parent).free
        if total_bytes > free_bytes:
            what = f"the file has {total_bytes:,} bytes, the disk has room for {free_bytes:,}"
            advice = "free some disk, or name another folder with --data"
            raise InputError(what, display_path(self.path), advice)

    def _receive(
        self, answer: requests.Response, file: IO[bytes], start: int, total_bytes: int | None
    ) -> None:
        """Append the body; what overlaps the bytes already here must equal them.

        Args:
            answer: The open answer.
            file: The partial file, open for appending.
            start: Byte of the whole file at which the body begins.
            total_bytes: Length of the whole file, where it is known.

        Raises:
            PassingError: The connection is cut, or the server's file is another one by now.
        """
        byte_count = self.byte_count()
        bar = progress.bar(
            total=total_bytes,
            initial=byte_count,
            unit="B",
            unit_scale=True,
            desc=self.path.name,
            leave=False,
        )
        with self.part_path.open("rb") as old_file, bar, passing_faults():
            # The tail is read before anything is appended.
            old_file.seek(start)
            tail = old_file.read(byte_count - start)
            position = 0
            # `read1` hands over what has arrived, so that a cut loses no byte.
            while chunk := answer.raw.read1(CHUNK_BYTES, decode_content=True):
                overlap = tail[position : position + len(chunk)]
                if chunk[: len(overlap)] != overlap:
                    self.drop()
                    raise PassingError("the server's file changed since, beginning afresh")
                position += len(overlap)
                file.write(chunk[len(overlap) :])
                bar.update(len(chunk) - len(overlap))


def check_size(where: Path | str, size_bytes: int, expected_bytes: int | None, do: str) -> None:
    """Refuse a size that is not the announced one, where one is announced.

    Args:
        where: File or address, for the message.
        size_bytes: Size to check.
        expected_bytes: Announced size; None where there is none.
        do: What the message says to do next.

    Raises:
        InputError: The sizes differ.
    """
    if expected_bytes is not None and size_bytes != expected_bytes:
        raise InputError(
            f"it has {size_bytes:,} bytes, not the {expected_bytes:,} announced",
            display_path(where) if isinstance(where, Path) else where,
            do,
        )
