"""A function over many jobs in several processes, with a bar that counts within the jobs."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from multiprocessing.process import BaseProcess
from typing import Any

from tqdm import tqdm

LOOK_S = 0.5  # between two looks at the counter

_counter: Any = None  # shared by the processes


def count() -> None:
    """Count one more item as done; called by the function that does the jobs."""
    with _counter.get_lock():
        _counter.value += 1


def run(
    function: Callable,
    jobs: list[tuple],
    workers: int,
    items: int,
    name: str,
) -> Iterator[Any]:
    """Yield `function(*job)` for every job, in any order.

    Processes are spawned, not forked: GDAL's threads and locks do not survive a fork. They end
    with their parent, even if it is killed. One worker means this very process.

    Args:
        function: Function that can be imported by its name.
        jobs: Arguments of each call.
        workers: Number of processes at most.
        items: Number of items that the bar counts, over all jobs.
        name: Name of the bar.
    """
    context = multiprocessing.get_context("spawn")
    counter = context.Value("q", 0)
    workers = min(workers, len(jobs))
    with tqdm(total=items, desc=name, disable=None) as bar:
        if workers <= 1:
            _start(counter)
            for job in jobs:
                yield function(*job)
                bar.update(counter.value - bar.n)
            return

        with ProcessPoolExecutor(workers, context, _start, (counter,)) as pool:
            pending = {pool.submit(function, *job) for job in jobs}
            while pending:
                done, pending = wait(pending, timeout=LOOK_S, return_when=FIRST_COMPLETED)
                bar.update(counter.value - bar.n)
                for future in done:
                    yield future.result()


def _start(counter: Any) -> None:
    """Prepare a process: it counts in the shared counter, and ends when its parent does."""
    global _counter
    _counter = counter
    parent = multiprocessing.parent_process()
    if parent is not None:
        watch = threading.Thread(target=_end_with, args=(parent,), daemon=True)
        watch.start()


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
