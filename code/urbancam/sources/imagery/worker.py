"""What one process does: it looks at tiles for fill, and cuts the cells of a job."""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from rasterio import Env

from urbancam.sources.imagery import png, processes
from urbancam.sources.imagery.cell import Cell, CellImage, Mosaic, image_path, source_window
from urbancam.sources.imagery.fill import coarse_fill, window_of_fill
from urbancam.sources.imagery.strips import Strips
from urbancam.sources.imagery.tile import Tile, TileFile
from urbancam.workflow.errors import InputError

# Threads of one process; MB (strips are kept by ourselves).
GDAL = {"GDAL_NUM_THREADS": 1, "GDAL_CACHEMAX": 128}

# A cell, its image so far, and the tiles that are still to be laid.
Unfinished = tuple[Cell, Mosaic, tuple[TileFile, ...]]


def look(tile_file: TileFile) -> tuple[TileFile, np.ndarray | None]:
    """A tile and its coarse fill.

    A tile that cannot be decoded is reported later, with the cells that need it.
    """
    processes.count()
    try:
        with Env(**GDAL), Tile(tile_file) as tile:
            return tile_file, coarse_fill(tile)
    except InputError:
        return tile_file, None


def cut(
    cells: list[Cell],
    fingerprints: dict[str, str],
    fills: dict[TileFile, np.ndarray],
    folder: Path,
    image_px: int,
) -> tuple[dict[str, dict[str, Any]], Counter[str], int]:
    """Cut the cells of one job.

    Args:
        cells: Cells of the job.
        fingerprints: Fingerprint of each cell, by its id.
        fills: Coarse fill of the tiles that have some.
        folder: Folder of the PNG files.
        image_px: Pixels a side.

    Returns:
        The note of each cell, the failures and how many cells each cost, and the pixels decoded.
    """
    notes: dict[str, dict[str, Any]] = {}
    failures: Counter[str] = Counter()
    strips = Strips()
    with Env(**GDAL), _OpenTiles(strips) as open_tiles:
        for cell, image in _cut_by_tile(cells, open_tiles, fills, image_px):
            if isinstance(image, InputError):
                failures[f"{image.what} ({image.where}): {image.do}"] += 1
            else:
                note = {
                    "void_fraction": image.void_fraction,
                    "tiles": image.tiles,
                    "campaign_year": image.campaign_year,
                    "fingerprint": fingerprints[cell.id],
                }
                if image.plain_corners is not None:
                    note["plain_corner_fraction"] = image.plain_corners
                # An image of nothing but void is noted, not written.
                if image.void_fraction < 1:
                    png.write(image_path(folder, cell.id), image.pixels, note)
                notes[cell.id] = note
            processes.count()
    return notes, failures, strips.decoded_px


class _OpenTiles:
    """Tiles opened once for a job, closed at its end."""

    def __init__(self, strips: Strips) -> None:
        self._strips = strips
        self._tiles: dict[TileFile, Tile] = {}

    def __enter__(self) -> "_OpenTiles":
        return self

    def __exit__(self, *_: object) -> None:
        for tile in self._tiles.values():
            tile.__exit__()

    def get(self, file: TileFile) -> Tile:
        """The open tile of a file.

        Raises:
            InputError: the file cannot be opened.
        """
        if file not in self._tiles:
            self._tiles[file] = Tile(file, self._strips)
        return self._tiles[file]

    def openable(self, files: tuple[TileFile, ...]) -> Iterator[Tile]:
        """The open tiles of those files that can be opened."""
        for file in files:
            try:
                yield self.get(file)
            except InputError:
                continue


def _cut_by_tile(
    cells: list[Cell],
    open_tiles: _OpenTiles,
    fills: dict[TileFile, np.ndarray],
    image_px: int,
) -> Iterator[tuple[Cell, CellImage | InputError]]:
    """Each cell with its image, or why it has none.

    What a cell needs of a second tile it gets once the first one has served all of its cells, so
    that no more than one decoder is open: that of a tile of IGN holds 0.4 GB.
    """
    in_order = _in_order_of_rows(cells, open_tiles, image_px)
    for _, group in groupby(in_order, key=lambda cell: cell.tiles[0]):
        waiting: dict[TileFile, list[Unfinished]] = {}
        for cell in group:
            mosaic = Mosaic(cell.bounds, cell.crs, image_px)
            yield from _lay_next((cell, mosaic, cell.tiles), waiting, open_tiles, fills)
        while waiting:
            for unfinished in waiting.pop(next(iter(waiting))):
                yield from _lay_next(unfinished, waiting, open_tiles, fills)


def _lay_next(
    unfinished: Unfinished,
    waiting: dict[TileFile, list[Unfinished]],
    open_tiles: _OpenTiles,
    fills: dict[TileFile, np.ndarray],
) -> Iterator[tuple[Cell, CellImage | InputError]]:
    """A cell with its image, or why it has none, unless it now waits for a further tile."""
    cell, mosaic, (file, *further) = unfinished
    try:
        # One that cannot be opened fails the cell, needed or not.
        tile, *_ = [open_tiles.get(each) for each in (file, *further)]
        mosaic.lay(tile, fills.get(file))
    except InputError as error:
        yield cell, error
        return
    if mosaic.is_whole or not further:
        yield cell, mosaic.image()
    else:
        waiting.setdefault(further[0], []).append((cell, mosaic, tuple(further)))


def _in_order_of_rows(
    cells: list[Cell],
    open_tiles: _OpenTiles,
    image_px: int,
) -> list[Cell]:
    """The cells along their tiles' rows, so that strips follow each other.

    The tiles learn what will be read.
    """
    first_row: dict[str, int] = {}
    for cell in cells:
        for tile in open_tiles.openable(cell.tiles):
            window = source_window(tile, cell.bounds, cell.crs, image_px)
            if window is not None:
                tile.plan([window_of_fill(tile, window)])
                first_row.setdefault(cell.id, window.top)

    def place(cell: Cell) -> tuple[str, int, str]:
        main_tile = cell.tiles[0]
        return str(main_tile.path), first_row.get(cell.id, 0), cell.id

    return sorted(cells, key=place)
