"""Arrays that are computed once, item by item, and kept on disk: gone on with after a kill, made again when damaged."""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path

import numpy as np
from tqdm import tqdm

from urbancam.workflow.files import read_json, write_json
from urbancam.workflow.paths import shown

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

    Filling goes on where a killed one stopped; a second process that needs the same cache waits for the first.

    Args:
        path: of the cache, ".npy"; its name must change when its content does.
        counts: how many rows each item has (an image that is cut into patches: their number).
        row_shape: shape of a row.
        dtype: of the array.
        make: `make(item)` computes the rows of an item, (counts[item], *row_shape).
        doing: what is done with each item, for messages ("decodes images to 512 px").
        workers: threads that make items; with one it is the calling thread.

    Returns:
        (sum of counts, *row_shape), memory-mapped, read only.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path.with_name(f".{path.name}.lock")):
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
        log.info("the cache %s is damaged: made again", shown(path))
        return False
    return array.shape == shape and array.dtype == dtype


def _fill(path: Path, counts, row_shape, dtype, make, doing: str, workers: int) -> None:
    part, mark = path.with_name(path.name + ".part"), path.with_name(path.name + ".progress")
    ends = np.concatenate([[0], np.cumsum(counts)]).astype(
        int
    )  # item i has rows ends[i] .. ends[i + 1]
    shape = (int(ends[-1]), *row_shape)
    done = int((read_json(mark) or {}).get("done", 0)) if _is_whole(part, shape, dtype) else 0
    if not done:
        mark.unlink(missing_ok=True)  # a mark without its cache must not vouch for the next one
    array = np.lib.format.open_memmap(part, mode="r+" if done else "w+", dtype=dtype, shape=shape)
    _reserve(part)
    log.info("%s: %s of them (%.1f GB on disk)", doing, f"{len(counts):,}", array.nbytes / 1e9)
    step = max(1, min(CHUNK, CHUNK_BYTES * len(counts) // max(1, array.nbytes)))  # items
    with (
        ThreadPoolExecutor(workers) as pool,
        tqdm(total=len(counts), initial=done, desc=doing) as bar,
    ):
        mapped = pool.map if workers > 1 else map
        for start in range(done, len(counts), step):
            items = range(start, min(start + step, len(counts)))
            for item, rows in zip(items, mapped(make, items), strict=True):
                array[ends[item] : ends[item + 1]] = rows
                bar.update()
            array.flush()
            write_json(mark, {"done": items.stop})
    part.rename(path)
    mark.unlink(missing_ok=True)


def _reserve(path: Path) -> None:
    """Take the file's room on the disk at once: a mapped file on a full disk kills the process without a word."""
    if not hasattr(os, "posix_fallocate"):
        return
    with path.open("r+b") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
        except OSError as error:
            error.filename = shown(path)
            raise


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        flock(file, LOCK_EX)
        yield
