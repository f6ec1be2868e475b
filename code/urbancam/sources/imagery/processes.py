"""Functions over many jobs in the same few processes, with a bar that counts within the jobs."""

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.process import BaseProcess
from typing import Any

from urbancam.workflow import progress
from urbancam.workflow.machine import interrupts

LOOK_S = 0.5  # between two looks at the counter

_counter: Any = None  # shared by the processes


def count() -> None:
    """Count one more item as done; called by the function that does the jobs."""
    with _counter.get_lock():
        _counter.value += 1


class Processes:
    """Several processes that serve one call after the other, since each takes a second to start.

    They are spawned, not forked: GDAL's threads and locks do not survive a fork. They end with
    their parent, even if it is killed. A single job is done by this very process.

    Args:
        workers: Number of processes at most.
    """

    def __init__(self, workers: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._workers = workers
        self._counter = context.Value("q", 0)
        self._pool = ProcessPoolExecutor(workers, context, _start, (self._counter,))

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def run(
        self,
        function: Callable,
        jobs: list[tuple],
        items: int,
        name: str,
    ) -> Iterator[Any]:
        """Yield `function(*job)` for every job, in any order.

        Args:
            function: Function that can be imported by its name.
            jobs: Arguments of each call.
            items: Number of items that the bar counts, over all jobs.
            name: Name of the bar.
        """
        counted = self._counter.value
        with progress.bar(total=items, desc=name) as bar:
            for result in self._results(function, jobs):
                bar.update(self._counter.value - counted - bar.n)
                if result is not None:
                    yield result

    def _results(self, function: Callable, jobs: list[tuple]) -> Iterator[Any]:
        """The result of each job as it comes, and None now and then while there is none."""
        if min(self._workers, len(jobs)) <= 1:
            _start(self._counter)
            for job in jobs:
                yield function(*job)
            return
        pending = {self._pool.submit(interrupts.carry_out, function, *job) for job in jobs}
        while pending:
            done, pending = wait(pending, timeout=LOOK_S, return_when=FIRST_COMPLETED)
            yield None
            for future in done:
                yield _result_of(future)


def _result_of(future: Future) -> Any:
    """The result of a job; what ended a worker may be an interrupt, which then reaches this process
    too, and is what is to be told."""
    try:
        return future.result()
    except BrokenProcessPool:
        time.sleep(LOOK_S)
        raise


def _start(counter: Any) -> None:
    """Prepare a process: it counts in the shared counter, and ends when its parent does, without a
    word."""
    global _counter
    _counter = counter
    parent = multiprocessing.parent_process()
    if parent is not None:
        interrupts.end_quietly()
        watch = threading.Thread(target=_end_with, args=(parent,), daemon=True)
        watch.start()


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
