"""Jobs: a city's cells dealt out to processes, and how many processes the memory holds.

One process cuts all cells that lie (mostly) in one tile, from north to south, so that the strips
it decodes serve all of them.
"""

import logging

from urbancam.sources.imagery.cell import Cell
from urbancam.sources.imagery.tile import TileFile
from urbancam.workflow.machine import memory

log = logging.getLogger(__name__)

FEW_CELLS = 64  # cells a job holds at least, where there are many small tiles
MANY_FILES = 200  # a job keeps its tiles open: no more are put together (1024 are often allowed)
MEMORY_SHARE = 0.8  # of the machine's memory that all processes together may take


def affordable_workers(workers: int) -> int:
    """As many processes as the memory holds, each decoding a strip of one of IGN's tiles."""
    affordable = max(int(memory.total_mb() * MEMORY_SHARE / memory.CUTTING_MB), 1)
    if affordable >= workers:
        return workers
    process_gb = memory.CUTTING_MB / 1e3
    log.info("uses %d of %d processes: each may take %.1f GB", affordable, workers, process_gb)
    return affordable


def deal(cells: list[Cell], workers: int) -> list[list[Cell]]:
    """Jobs, long ones first.

    A job is the cells of one tile; many small ones are put together, few large ones are divided
    from north to south.
    """
    # Long jobs first, so that no process is left alone with one at the end.
    jobs = _jobs_by_tile(cells)
    if len(jobs) > FEW_CELLS:
        jobs = _merge(jobs)
    elif jobs:
        jobs = _divide(jobs, workers)
    return sorted(jobs, key=len, reverse=True)


def _jobs_by_tile(cells: list[Cell]) -> list[list[Cell]]:
    """The cells of each tile from north to south; tiles from west to east."""
    # The first tile of a cell is the one that wins, so most of its pixels come from there.
    cells_of_tile: dict[TileFile, list[Cell]] = {}
    for cell in cells:
        main_tile = cell.tiles[0]
        cells_of_tile.setdefault(main_tile, []).append(cell)

    jobs = [sorted(group, key=_from_north) for group in cells_of_tile.values()]
    return sorted(jobs, key=lambda job: _from_west(job[0]))


def _from_north(cell: Cell) -> tuple[float, float]:
    west, south, _, _ = cell.bounds
    return -south, west


def _from_west(cell: Cell) -> tuple[float, float]:
    west, south, _, _ = cell.bounds
    return west, -south


def _merge(jobs: list[list[Cell]]) -> list[list[Cell]]:
    """Neighbouring jobs put together as long as they hold few cells."""
    merged: list[list[Cell]] = []
    for job in jobs:
        if merged and _is_small(merged[-1] + job):
            merged[-1] += job
        else:
            merged.append(job)
    return merged


def _is_small(job: list[Cell]) -> bool:
    """Whether a job holds few cells, and few tiles that it would keep open."""
    files = {tile for cell in job for tile in cell.tiles}
    return len(job) <= FEW_CELLS and len(files) <= MANY_FILES


def _divide(jobs: list[list[Cell]], workers: int) -> list[list[Cell]]:
    """Every job divided, in its order, where there are fewer jobs than processes."""
    # So many parts of a job that each process has one.
    parts = -(-workers // len(jobs))  # rounded up
    divided = []
    for job in jobs:
        size = -(-len(job) // parts)
        for start in range(0, len(job), size):
            divided.append(job[start : start + size])
    return divided
