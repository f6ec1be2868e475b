"""Arrays that are computed once, item by item, and kept on disk.

Computing goes on after a kill where it stopped; a damaged array is computed again.
"""

import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from urbancam.workflow import progress
from urbancam.workflow.files import read_json, write_json
from urbancam.workflow.machine import locks
from urbancam.workflow.paths import display_path

log = logging.getLogger(__name__)

CHUNK = 256  # items computed between two marks of progress
CHUNK_BYTES = 512 * 1024**2  # of their rows, at most


def open_array(
    path: Path,
    counts: Sequence[int],
    row_shape: tuple[int, ...],
    dtype: type,
    make: Callable[[int], np.ndarray],
    doing: str,
    workers: int = 1,
) -> np.ndarray:
    """The array of a cache, filled first where it is not there yet.

    Filling goes on where a killed one stopped; a second process that needs the same cache waits for
    the first.

    Args:
        path: Path of the cache, ".npy"; its name must change when its content does.
        counts: Number of rows of each item (of an image that is cut into patches: their number).
        row_shape: Shape of a row.
        dtype: Type of the array.
        make: `make(item)` computes the rows of an item, (counts[item], *row_shape).
        doing: What is done with each item, for messages ("decodes images to 512 px").
        workers: Threads that compute items; with one it is the calling thread.

    Returns:
        (sum of counts, *row_shape), memory-mapped, read only.
    """
    with locks.hold(path.with_name(f".{path.name}.lock"), doing):
        if not _is_whole(path, (sum(counts), *row_shape), dtype):
            _fill(path, counts, row_shape, dtype, make, doing, workers)
    return np.load(path, mmap_mode="r")


def _is_whole(path: Path, shape: tuple[int, ...], dtype: type) -> bool:
    """Whether the cache is there and holds what it should; a damaged one is made again."""
    try:
        array = np.load(path, mmap_mode="r")
    except FileNotFoundError:
        return False
    except (ValueError, EOFError):
        log.info("the cache %s is damaged: made again", display_path(path))
        return False
    return array.shape == shape and array.dtype == dtype


def _fill(
    path: Path,
    counts: Sequence[int],
    row_shape: tuple[int, ...],
    dtype: type,
    make: Callable[[int], np.ndarray],
    doing: str,
    workers: int,
) -> None:
    """Compute the rows that a cache lacks; it gets its name when it is whole.

    The arguments are those of `open_array`.
    """
    part = path.with_name(f"{path.name}.part")
    mark = path.with_name(f"{path.name}.progress")
    # Item i has rows ends[i] .. ends[i + 1].
    ends = np.concatenate([[0], np.cumsum(counts)]).astype(int)
    shape = (int(ends[-1]), *row_shape)

    done = _items_done(mark) if _is_whole(part, shape, dtype) else 0
    if not done:
        mark.unlink(missing_ok=True)  # a mark without its cache must not vouch for the next one
    mode = "r+" if done else "w+"
    array = np.lib.format.open_memmap(part, mode=mode, dtype=dtype, shape=shape)
    _reserve(part)
    log.info("%s: %s of them (%.1f GB on disk)", doing, f"{len(counts):,}", array.nbytes / 1e9)

    chunk = _chunk_items(len(counts), array.nbytes)
    with (
        ThreadPoolExecutor(workers) as pool,
        progress.bar(total=len(counts), initial=done, desc=doing) as bar,
    ):
        compute = pool.map if workers > 1 else map
        for start in range(done, len(counts), chunk):
            items = range(start, min(start + chunk, len(counts)))
            for item, rows in zip(items, compute(make, items), strict=True):
                array[ends[item] : ends[item + 1]] = rows
                bar.update()
            # The mark is written after the rows that it vouches for.
            array.flush()
            write_json(mark, {"done": items.stop})
    part.rename(path)
    mark.unlink(missing_ok=True)


def _items_done(mark: Path) -> int:
    """Number of items that a killed process finished, by its mark."""
    progress = read_json(mark) or {}
    return int(progress.get("done", 0))


def _chunk_items(items: int, array_bytes: int) -> int:
    """Items between two marks: few where they are large, since their rows are in memory at once."""
    affordable = CHUNK_BYTES * items // max(1, array_bytes)
    return max(1, min(CHUNK, affordable))


def _reserve(path: Path) -> None:
    """Take the file's room on the disk at once.

    A mapped file on a full disk would kill the process without a word.
    """
    if not hasattr(os, "posix_fallocate"):
        return
    with path.open("r+b") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
        except OSError as error:
            error.filename = display_path(path)
            raise
