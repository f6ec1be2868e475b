"""Imagery for the cells alone: one GeoTIFF per cell from a WMS.

Several images are waited for at once, within the server's limit. A cell that the server never gives
does not hold up the others; a server that gives nothing at all is given up soon.
"""

import hashlib
import logging
import math
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from itertools import islice
from pathlib import Path

import numpy as np
import requests
from rasterio.errors import NotGeoreferencedWarning

from urbancam.sources.download import fetching
from urbancam.sources.download.answers import Patience
from urbancam.sources.wms import cell_images
from urbancam.sources.wms.answers import image_pixels
from urbancam.sources.wms.getmap import Request
from urbancam.workflow import progress
from urbancam.workflow.errors import InputError
from urbancam.workflow.machine import locks

log = logging.getLogger(__name__)

THREADS = 24  # answers waited for at once: at 0.5 s each they use IGN's limit up
PIXELS_AT_ONCE = 100_000_000  # held by all threads: 0.3 GB, and as much for the answers
ONCE = Patience(tries=1)  # of a question that a person waits for
FAILURES_MOST = 20  # in a row; then the server is asked for something else


def fetch_images(
    image_requests: list[Request],
    folder: Path,
    per_second: float,
    patience: Patience = Patience(),
) -> dict[str, InputError]:
    """Fetch the images that are not in place yet.

    Args:
        image_requests: One request per cell.
        folder: Folder of the images.
        per_second: Requests that the server is sent a second at most.
        patience: How long to bear with the server.

    Returns:
        What went wrong, by the cell's id, where the server gives other images but not this one.

    Raises:
        InputError: The server gives none, or none any more; what came before is kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    locks.sweep(folder)
    todo = [r for r in image_requests if not cell_images.is_in_place(r, folder)]
    in_place_count = len(image_requests) - len(todo)
    log.info("%s of %s images are there", f"{in_place_count:,}", f"{len(image_requests):,}")
    if not todo:
        return {}
    client = _Client(folder, per_second, patience)
    ids_todo = {request.cell_id for request in todo}
    # One that the server has answered.
    client.witness = next((r for r in image_requests if r.cell_id not in ids_todo), None)
    faults = _fetch_all(todo, client)
    # One that failed may have come when the server was asked again.
    failed = [request for request in todo if request.cell_id in faults]
    missing = [r.cell_id for r in failed if not cell_images.is_in_place(r, folder)]
    return {cell_id: faults[cell_id] for cell_id in missing}


def ask_once(request: Request, per_second: float) -> None:
    """Ask for an image that is not kept, to see whether it is given.

    Raises:
        InputError: It cannot be had, or the answer is not the image.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        _Client(Path(), per_second, ONCE)._ask(request)


def _fetch_all(todo: list[Request], client: "_Client") -> dict[str, InputError]:
    """What went wrong, by cell; arguments and errors as of `fetch_images`."""
    faults: dict[str, InputError] = {}
    failures_in_a_row = 0
    others = [todo[len(todo) // 2], todo[-1]]
    threads = _thread_count(todo, client.per_second)
    # Past an error nothing new is begun, and the pool closes by itself.
    with (
        warnings.catch_warnings(),
        ThreadPoolExecutor(threads) as pool,
        progress.bar(total=len(todo), desc="images") as bar,
    ):
        # PNG and JPEG hold no place. Filters of warnings are those of all threads.
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        for request, fault in _some_at_once(pool, client.fetch, iter(todo), threads):
            bar.update()
            if fault is None:
                failures_in_a_row = 0
                continue
            faults[request.cell_id] = fault
            failures_in_a_row += 1
            if failures_in_a_row >= FAILURES_MOST:
                client.check_server(others, fault)
                failures_in_a_row = 0
    # The last ones may have failed because the server has gone.
    if failures_in_a_row:
        client.check_server(others, fault)
    return faults


def _thread_count(todo: list[Request], per_second: float) -> int:
    """How many images may be worked on at once, for their size in memory and the server's limit."""
    largest_px = max(request.width * request.height for request in todo)
    return max(min(THREADS, PIXELS_AT_ONCE // largest_px, math.ceil(per_second)), 1)


def _some_at_once(
    pool: ThreadPoolExecutor, function: Callable, items: Iterator, count: int
) -> Iterator:
    """Results in any order; an item is begun only when one has ended, so that stopping stops."""
    pending = {pool.submit(function, item) for item in islice(items, count)}
    while pending:
        done, pending = wait(pending, return_when=FIRST_COMPLETED)
        for future in done:
            yield future.result()
            pending |= {pool.submit(function, item) for item in islice(items, 1)}


class _Client:
    """Fetches images from several threads, each with a session of its own.

    Args:
        folder: Folder of the images.
        per_second: Requests a second, over all threads.
        patience: How long to bear with the server.

    Attributes:
        per_second: As above.
        witness: A request that the server has answered, None where there is none yet.
    """

    def __init__(self, folder: Path, per_second: float, patience: Patience) -> None:
        self.witness: Request | None = None
        self._folder = folder
        self._patience = patience
        self.per_second = per_second
        self._limit = _Limit(per_second)
        self._of_thread = threading.local()

    def fetch(self, request: Request) -> tuple[Request, InputError | None]:
        """Fetch one image; the request, and what went wrong, if anything did."""
        try:
            pieces = request.pieces()
            pixels, sha256 = self._ask(request) if len(pieces) == 1 else self._paste(request)
            cell_images.keep(request, pixels, sha256, self._folder)
        except InputError as error:
            return request, error
        for number in range(len(pieces)):
            cell_images.piece_path(request, number, self._folder).unlink(missing_ok=True)
        self.witness = request
        return request, None

    def check_server(self, others: list[Request], fault: InputError) -> None:
        """Ask for something that has come before; if nothing has, for other images.

        Raises:
            InputError: Nothing comes, so that it is not the cells but the server that fails.
        """
        if self.witness is not None:
            try:
                self._ask(self.witness.probe())
                return
            except InputError as error:
                fault = error
        elif any(self.fetch(request)[1] is None for request in others):
            return
        raise InputError(
            f"the WMS gives no image at all: {fault.what}",
            fault.where,
            f"{fault.do}; what is there is kept, run the step again",
        )

    def _ask(self, request: Request) -> tuple[np.ndarray, str]:
        """(3, H, W) uint8 pixels of an answer, and the hash of it.

        Raises:
            InputError: It cannot be had, or the answer is not the image.
        """
        # A session is not made for several threads.
        if not hasattr(self._of_thread, "session"):
            self._of_thread.session = requests.Session()
        self._limit.wait()
        answer = fetching.get(request.url, patience=self._patience, session=self._of_thread.session)
        return image_pixels(answer.content, request), hashlib.sha256(answer.content).hexdigest()

    def _paste(self, request: Request) -> tuple[np.ndarray, str]:
        """As `_ask`, of an image that comes in pieces; those that have come are kept.

        The hash is that of the pieces' hashes.
        """
        paths = []
        for number, piece in enumerate(request.pieces()):
            path = cell_images.piece_path(request, number, self._folder)
            if not cell_images.holds(path, piece):
                cell_images.write(path, *self._ask(piece), piece)
            paths.append(path)

        pixels = np.empty((3, request.height, request.width), np.uint8)
        hashes = hashlib.sha256()
        for path, piece in zip(paths, request.pieces(), strict=True):
            rows, columns = request.slices_of(piece)
            pixels[:, rows, columns], sha256 = cell_images.read(path)
            hashes.update(sha256.encode())
        return pixels, hashes.hexdigest()


class _Limit:
    """At most so many requests a second, over all threads."""

    def __init__(self, per_second: float) -> None:
        self._interval_s = 1 / per_second
        self._next_s = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Wait for the next turn."""
        # Threads take their turns under the lock and wait for them outside it.
        with self._lock:
            turn_s = max(self._next_s, time.monotonic())
            self._next_s = turn_s + self._interval_s
        time.sleep(max(0.0, turn_s - time.monotonic()))
