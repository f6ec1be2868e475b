"""Cut the images of a city's cells: in parallel, resumable, each tile decoded about once.

Work is dealt out by tile: one process cuts all cells that lie (mostly) in one tile, from north to south, so that
the strips it decodes serve all of them. A cell's image does not depend on how the work was dealt out.
"""

import hashlib
import json
import logging
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rasterio import Env

from urbancam.sources.imagery import png, processes
from urbancam.sources.imagery.cell import cut_cell, source_window
from urbancam.sources.imagery.fill import coarse_fill
from urbancam.sources.imagery.signatures import signature
from urbancam.sources.imagery.tile import Strips, Tile, TileFile
from urbancam.tables import grid
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import shown

log = logging.getLogger(__name__)

VERSION = 1  # of the images: raised when the same tiles would give others
COLUMNS = ["idINSPIRE", "path", "void_fraction", "tiles", "campaign_year", "fingerprint"]
FEW_CELLS = 64  # cells a job holds at least, where there are many small tiles
PROCESS_BYTES = 2_200_000_000  # at most; measured 1.9 GB on half a tile of IGN, 25 000 x 12 500 px
MEMORY_SHARE = 0.8  # of the machine's memory that all processes together may take
GDAL = {
    "GDAL_NUM_THREADS": 1,
    "GDAL_CACHEMAX": 128,
}  # threads of one process; MB (strips are kept by ourselves)


@dataclass(frozen=True)
class Cell:
    """A cell to be cut.

    Args:
        id: idINSPIRE.
        bounds: (west, south, east, north), m in EPSG:3035.
        tiles: those it touches, first the one that wins where several are valid.
    """

    id: str
    bounds: tuple[float, float, float, float]
    tiles: tuple[TileFile, ...]


def cut_images(cells: list[Cell], folder: Path, image_px: int, workers: int) -> pd.DataFrame:
    """Cut the cells that have no good image yet.

    Args:
        cells: all cells of the city.
        folder: of the PNG files; good ones in it are kept.
        image_px: pixels a side.
        workers: processes.

    Returns:
        One row per cell, in the order given: `idINSPIRE, path (below the folder's parent), void_fraction, tiles,
        campaign_year, fingerprint`.

    Raises:
        InputError: some tiles cannot be decoded; all other cells have been cut.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.glob(".*.tmp.png"):
        leftover.unlink()
    signatures = _signatures(cells)
    marks = {cell.id: fingerprint(cell, signatures, image_px) for cell in cells}
    rows, todo = {}, []
    for cell in cells:
        note = png.read_note(image_path(folder, cell.id))
        if note is not None and note["fingerprint"] == marks[cell.id]:
            rows[cell.id] = note
        elif cell.tiles:
            todo.append(cell)
    log.info(
        "%s of %s images are in place and right, %s to cut",
        f"{len(rows):,}",
        f"{len(cells):,}",
        len(todo),
    )
    rows |= _cut_all(todo, marks, folder, image_px, workers)
    table = pd.DataFrame(
        [_row(cell.id, rows.get(cell.id), marks[cell.id], folder) for cell in cells],
        columns=COLUMNS,
    )
    return table.astype({"campaign_year": "Int64"})


def image_path(folder: Path, cell_id: str) -> Path:
    """Where the image of a cell stands (published names)."""
    size_m = int(re.match(grid.ID_PATTERN, cell_id)[1])
    grid_name = f"{size_m}m" if size_m % 1000 else f"{size_m // 1000}km"
    return folder / f"FR_URBANATLAS_{grid_name}_{cell_id}.png"


def _signatures(cells: list[Cell]) -> dict[TileFile, str]:
    """The signature of every tile that some cell touches.

    Raises:
        InputError: tiles of the table are gone.
    """
    tiles = list(dict.fromkeys(tile for cell in cells for tile in cell.tiles))
    if gone := [tile.path for tile in tiles if not tile.path.is_file()]:
        raise InputError(
            f"{len(gone)} of {len(tiles)} tiles are gone, the first {gone[0].name}",
            shown(gone[0]),
            "run 04_download_aerial again",
        )
    return {tile: signature(tile.path) for tile in tiles}


def fingerprint(cell: Cell, signatures: dict[TileFile, str], image_px: int) -> str:
    """Hash of all that a cell's image depends on."""
    tiles = [(tile.name, tile.campaign_year, signatures[tile]) for tile in cell.tiles]
    content = json.dumps([VERSION, cell.id, cell.bounds, image_px, tiles])
    return hashlib.blake2b(content.encode(), digest_size=12).hexdigest()


def _row(cell_id: str, note: dict[str, Any] | None, mark: str, folder: Path) -> list[Any]:
    if note is None or note["void_fraction"] == 1:
        image_path(folder, cell_id).unlink(missing_ok=True)
        return [cell_id, None, 1.0, None, None, mark]
    path = image_path(folder, cell_id).relative_to(folder.parent).as_posix()
    return [
        cell_id,
        path,
        note["void_fraction"],
        ";".join(note["tiles"]),
        note["campaign_year"],
        mark,
    ]


def _cut_all(
    cells: list[Cell], marks: dict[str, str], folder: Path, image_px: int, workers: int
) -> dict[str, dict[str, Any]]:
    """Cut cells; the note of each."""
    workers = affordable_workers(workers)
    tiles = list(dict.fromkeys(tile for cell in cells for tile in cell.tiles))
    looks = processes.run(_look, [(tile,) for tile in tiles], workers, len(tiles), "tiles")
    fills = {tile: fill for tile, fill in looks if fill is not None}
    notes: dict[str, dict[str, Any]] = {}
    failures: Counter[str] = Counter()
    decoded_px = 0
    jobs = []
    for job in deal(cells, workers):
        own_fills = {tile: fills[tile] for cell in job for tile in cell.tiles if tile in fills}
        jobs.append((job, {cell.id: marks[cell.id] for cell in job}, own_fills, folder, image_px))
    for done, failed, px in processes.run(_cut, jobs, workers, len(cells), "cells"):
        notes |= done
        failures.update(failed)
        decoded_px += px
    if cells:
        cut_px = len(notes) * image_px**2
        log.info(
            "decoded %.0f million pixels for images of %.0f million", decoded_px / 1e6, cut_px / 1e6
        )
    if failures:
        raise InputError(
            f"{sum(failures.values()):,} of {len(cells):,} cells could not be cut; the others are finished",
            shown(folder),
            "; ".join(f"{count:,} cells: {cause}" for cause, count in failures.most_common(5)),
        )
    return notes


def affordable_workers(workers: int) -> int:
    """As many processes as the memory holds, each decoding a strip of one of IGN's tiles."""
    memory_bytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    affordable = max(int(memory_bytes * MEMORY_SHARE / PROCESS_BYTES), 1)
    if affordable < workers:
        log.info(
            "uses %d of %d processes: each may take %.1f GB",
            affordable,
            workers,
            PROCESS_BYTES / 1e9,
        )
    return min(workers, affordable)


def deal(cells: list[Cell], workers: int) -> list[list[Cell]]:
    """Jobs: the cells of one tile; small ones put together, few ones divided from north to south; long ones first."""
    groups: dict[TileFile, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(cell.tiles[0], []).append(cell)
    jobs = [
        sorted(group, key=lambda cell: (-cell.bounds[1], cell.bounds[0]))
        for group in groups.values()
    ]
    jobs.sort(key=lambda job: (job[0].bounds[0], -job[0].bounds[1]))
    if len(jobs) > FEW_CELLS:
        merged: list[list[Cell]] = []
        for job in jobs:
            if merged and len(merged[-1]) + len(job) <= FEW_CELLS:
                merged[-1] += job
            else:
                merged.append(job)
        jobs = merged
    elif jobs:
        parts = -(-workers // len(jobs))
        size = [-(-len(job) // parts) for job in jobs]
        jobs = [
            job[i : i + n] for job, n in zip(jobs, size, strict=True) for i in range(0, len(job), n)
        ]
    return sorted(jobs, key=len, reverse=True)


def _look(tile_file: TileFile) -> tuple[TileFile, np.ndarray | None]:
    """The coarse fill of a tile; a tile that cannot be decoded is reported with the cells that need it."""
    processes.count()
    try:
        with Env(**GDAL), Tile(tile_file) as tile:
            return tile_file, coarse_fill(tile)
    except InputError:
        return tile_file, None


def _cut(
    cells: list[Cell],
    marks: dict[str, str],
    fills: dict[TileFile, np.ndarray],
    folder: Path,
    image_px: int,
) -> tuple[dict[str, dict[str, Any]], Counter[str], int]:
    """Cut the cells of one job.

    Returns:
        The note of each cell, the failures and how many cells each cost, and the pixels decoded.
    """
    notes: dict[str, dict[str, Any]] = {}
    failures: Counter[str] = Counter()
    strips = Strips()
    with Env(**GDAL), _Opened(strips) as opened:
        for cell in _planned(cells, opened, image_px):
            try:
                tiles = [(opened.get(tile), fills.get(tile)) for tile in cell.tiles]
                image = cut_cell(cell.bounds, tiles, image_px)
            except InputError as error:
                failures[f"{error.what} ({error.where}): {error.do}"] += 1
            else:
                note = {
                    "void_fraction": image.void_fraction,
                    "tiles": image.tiles,
                    "campaign_year": image.campaign_year,
                    "fingerprint": marks[cell.id],
                }
                if image.void_fraction < 1:
                    png.write(image_path(folder, cell.id), image.pixels, note)
                notes[cell.id] = note
            processes.count()
    return notes, failures, strips.decoded_px


def _planned(cells: list[Cell], opened: "_Opened", image_px: int) -> list[Cell]:
    """The cells along their tiles' rows, so that strips follow each other; the tiles are told what will be read."""
    tops = {}
    for cell in cells:
        for tile in opened.those_that_open(cell.tiles):
            if window := source_window(tile, cell.bounds, image_px):
                tile.plan([window])
                tops.setdefault(cell.id, window.top)
    return sorted(cells, key=lambda cell: (str(cell.tiles[0].path), tops.get(cell.id, 0), cell.id))


class _Opened:
    """Tiles opened once for a job, closed at its end."""

    def __init__(self, strips: Strips) -> None:
        self._strips, self._tiles = strips, {}

    def __enter__(self) -> "_Opened":
        return self

    def __exit__(self, *_: object) -> None:
        for tile in self._tiles.values():
            tile.__exit__()

    def get(self, file: TileFile) -> Tile:
        if file not in self._tiles:
            self._tiles[file] = Tile(file, self._strips)
        return self._tiles[file]

    def those_that_open(self, files: tuple[TileFile, ...]) -> Iterator[Tile]:
        for file in files:
            try:
                yield self.get(file)
            except InputError:
                continue
