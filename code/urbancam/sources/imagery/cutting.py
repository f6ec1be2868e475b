"""Cut the images of a city's cells: in parallel, resumable, each tile decoded about once.

Work is dealt out by tile. A cell's image does not depend on how the work was dealt out.
"""

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from urbancam.sources.imagery import png, worker
from urbancam.sources.imagery.cell import Cell, image_path
from urbancam.sources.imagery.image_table import ALL_VOID, COLUMNS
from urbancam.sources.imagery.jobs import affordable_workers, deal
from urbancam.sources.imagery.processes import Processes
from urbancam.sources.imagery.signatures import signature
from urbancam.sources.imagery.tile import WMS, TileFile
from urbancam.workflow.errors import InputError
from urbancam.workflow.machine import locks
from urbancam.workflow.paths import display_path

log = logging.getLogger(__name__)

# Of the images out of packs, and out of a WMS's images: raised when the same would give others.
VERSION = 1
WMS_VERSION = 2
Notes = dict[str, dict[str, Any]]  # what each image says it was made from, by the cell's id


def cut_images(
    cells: list[Cell],
    folder: Path,
    image_px: int,
    workers: int,
    consumed: Mapping[Path, str] = MappingProxyType({}),
    voids: Collection[str] = (),
) -> pd.DataFrame:
    """Cut the cells that have no good image yet.

    Args:
        cells: All cells of the city.
        folder: Folder of the PNG files; good ones in it are kept.
        image_px: Pixels a side.
        workers: Number of processes.
        consumed: Signatures of tiles that were thrown away once they had served, by their paths.
        voids: Fingerprints of the cells that were cut before, and were nothing but void.

    Returns:
        One row per cell, in the order of `cells`: `idINSPIRE, path (below the folder's parent),
        void_fraction, tiles, campaign_year, fingerprint, source ("packs", "wms" or "rasters"),
        plain_corner_fraction (of images from a WMS), reason (why there is no image)`.

    Raises:
        InputError: some tiles cannot be decoded; all other cells have been cut.
    """
    # Runs of the cities experiment share a folder of images.
    with locks.hold(
        folder.with_name(f".{folder.name}.lock"), f"the images in {display_path(folder)}"
    ):
        folder.mkdir(parents=True, exist_ok=True)
        # A killed run leaves unfinished files behind.
        for leftover in folder.glob(".*.tmp.png"):
            leftover.unlink(missing_ok=True)
        return _cut_images(cells, folder, image_px, workers, consumed, voids)


def _cut_images(
    cells: list[Cell],
    folder: Path,
    image_px: int,
    workers: int,
    consumed: Mapping[Path, str],
    voids: Collection[str],
) -> pd.DataFrame:
    """As `cut_images`, by the only process that is at it."""
    _check_there([tile.path for tile in _tiles_of(cells) if tile.path not in consumed])
    fingerprints = _fingerprints(cells, image_px, consumed)
    notes, missing = _images_in_place(cells, fingerprints, folder, voids)
    log.info(
        "%s of %s images are in place and right, %s to cut",
        f"{len(notes):,}",
        f"{len(cells):,}",
        len(missing),
    )
    _check_tiles(missing)
    notes |= _cut_all(missing, fingerprints, folder, image_px, workers)

    rows = []
    for cell in cells:
        note = notes.get(cell.id)
        rows.append(_row(cell, note, fingerprints[cell.id], folder))
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.astype({"campaign_year": "Int64", "plain_corner_fraction": "float64"})


def cells_to_cut(
    cells: list[Cell],
    folder: Path,
    image_px: int,
    consumed: Mapping[Path, str],
    voids: Collection[str],
) -> list[Cell]:
    """The cells that have tiles and no good image; arguments as of `cut_images`."""
    fingerprints = _fingerprints(cells, image_px, consumed)
    _, missing = _images_in_place(cells, fingerprints, folder, voids)
    return missing


def _fingerprints(cells: list[Cell], image_px: int, consumed: Mapping[Path, str]) -> dict[str, str]:
    """The fingerprint of each cell's image, by the cell's id.

    A tile that is gone, and not since it has served, makes any image another one.
    """
    # A tile may have come back since it was thrown away.
    signatures = {
        tile: signature(tile.path) if tile.path.is_file() else consumed.get(tile.path, "")
        for tile in _tiles_of(cells)
    }
    return {cell.id: fingerprint(cell, signatures, image_px) for cell in cells}


def _check_tiles(missing: list[Cell]) -> None:
    """Refuse to cut cells whose tiles are gone.

    Raises:
        InputError: Which tiles, and how to have them again.
    """
    _check_there([tile.path for tile in _tiles_of(missing)])


def _check_there(paths: list[Path]) -> None:
    gone = [path for path in paths if not path.is_file()]
    if gone:
        raise InputError(
            f"{len(gone)} of {len(paths)} tiles are gone, the first {gone[0].name}",
            display_path(gone[0]),
            "run 04_download_aerial again, with --force where imagery.throw_away deleted them; "
            "for sites of the cities experiment with --force --again",
        )


def _tiles_of(cells: list[Cell]) -> list[TileFile]:
    """Every tile that some cell touches, once, in the order of the cells."""
    tiles: dict[TileFile, None] = {}
    for cell in cells:
        tiles |= dict.fromkeys(cell.tiles)
    return list(tiles)


def fingerprint(cell: Cell, signatures: dict[TileFile, str], image_px: int) -> str:
    """Hash of all that a cell's image depends on."""
    tiles = [(tile.name, tile.campaign_year, signatures[tile]) for tile in cell.tiles]
    version = WMS_VERSION if _is_from_wms(cell) else VERSION
    content = json.dumps([version, cell.id, cell.bounds, image_px, tiles])
    digest = hashlib.blake2b(content.encode(), digest_size=12)
    return digest.hexdigest()


def _is_from_wms(cell: Cell) -> bool:
    """Whether some of its image comes from a WMS."""
    return any(tile.is_cell_image for tile in cell.tiles)


def _images_in_place(
    cells: list[Cell],
    fingerprints: dict[str, str],
    folder: Path,
    voids: Collection[str],
) -> tuple[Notes, list[Cell]]:
    """The notes of the images that are whole and right, and the cells that are still to be cut."""
    notes: Notes = {}
    missing = []
    for cell in cells:
        note = png.read_note(image_path(folder, cell.id))
        if note is not None and note["fingerprint"] == fingerprints[cell.id]:
            notes[cell.id] = note
        elif fingerprints[cell.id] in voids:
            notes[cell.id] = {"void_fraction": 1}
        elif cell.tiles:
            missing.append(cell)
    return notes, missing


def _row(
    cell: Cell,
    note: dict[str, Any] | None,
    cell_fingerprint: str,
    folder: Path,
) -> list[Any]:
    """A cell's row of the table; an image of nothing but void is removed."""
    path = image_path(folder, cell.id)
    if note is None or note["void_fraction"] == 1:
        path.unlink(missing_ok=True)
        reason = cell.reason if note is None else ALL_VOID
        return [cell.id, None, 1.0, None, None, cell_fingerprint, None, None, reason]
    return [
        cell.id,
        path.relative_to(folder.parent).as_posix(),
        note["void_fraction"],
        ";".join(note["tiles"]),
        note["campaign_year"],
        cell_fingerprint,
        WMS if _is_from_wms(cell) else cell.tiles[0].source,
        note.get("plain_corner_fraction"),  # nothing in what an older version cut
        None,
    ]


def _cut_all(
    cells: list[Cell],
    fingerprints: dict[str, str],
    folder: Path,
    image_px: int,
    workers: int,
) -> Notes:
    """Cut cells in several processes; the note of each.

    Raises:
        InputError: some could not be cut; the others are finished.
    """
    # A tile is looked at as a whole, once, before cells are cut out of it.
    workers = affordable_workers(workers)
    notes: Notes = {}
    failures: Counter[str] = Counter()
    decoded_px = 0
    with Processes(workers) as processes:
        fills = _coarse_fills(_tiles_of(cells), processes)
        # A process is sent what its own cells need, and no more.
        jobs = []
        for job in deal(cells, workers):
            own_fingerprints = {cell.id: fingerprints[cell.id] for cell in job}
            own_fills = {tile: fills[tile] for tile in _tiles_of(job) if tile in fills}
            jobs.append((job, own_fingerprints, own_fills, folder, image_px))

        results = processes.run(worker.cut, jobs, len(cells), "cells")
        for job_notes, job_failures, job_decoded_px in results:
            notes |= job_notes
            failures.update(job_failures)
            decoded_px += job_decoded_px

    if cells:
        _report_decoded(decoded_px, len(notes) * image_px**2)
    if failures:
        raise _not_cut(failures, len(cells), folder)
    return notes


def _coarse_fills(tiles: list[TileFile], processes: Processes) -> dict[TileFile, np.ndarray]:
    """The coarse fill of those tiles that have some."""
    jobs = [(tile,) for tile in tiles]
    looks = processes.run(worker.look, jobs, len(tiles), "tiles")
    return {tile: fill for tile, fill in looks if fill is not None}


def _report_decoded(decoded_px: int, image_px: int) -> None:
    """Say how many pixels were decoded for those that the images hold."""
    log.info(
        "decoded %.0f million pixels for images of %.0f million",
        decoded_px / 1e6,
        image_px / 1e6,
    )


def _not_cut(failures: Counter[str], cells_count: int, folder: Path) -> InputError:
    """The error that says why cells could not be cut, the most frequent causes first."""
    causes = [f"{count:,} cells: {cause}" for cause, count in failures.most_common(5)]
    return InputError(
        f"{sum(failures.values()):,} of {cells_count:,} cells could not be cut; "
        "the others are finished",
        display_path(folder),
        "; ".join(causes),
    )
