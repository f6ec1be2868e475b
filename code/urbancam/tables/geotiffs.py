"""Rasters of a whole city as cloud-optimised GeoTIFFs: tiled, with overviews, read in parts."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import rasterio
import rasterio.shutil
from rasterio.transform import Affine
from rasterio.windows import Window

from urbancam.tables import grid
from urbancam.workflow.files import atomic
from urbancam.workflow.paths import display_path

log = logging.getLogger(__name__)

BLOCK_PX = 512  # side of a tile, GDAL's own for this kind of file
# One thread and no date in the file: the same raster is the same bytes.
COG = {
    "driver": "COG",
    "blocksize": BLOCK_PX,
    "compress": "DEFLATE",
    "predictor": "YES",
    "overview_resampling": "AVERAGE",
    "num_threads": 1,
}


def write_cells(
    ids: pd.Series, squares: np.ndarray, path: Path, description: str, unit: str
) -> None:
    """Write what the squares of cells hold as one raster, atomically; NaN (no data) elsewhere.

    Args:
        ids: (N,) INSPIRE ids of the cells, all of one size.
        squares: (N, k, k) values of the squares of each cell, row 0 = north.
        path: Path of the file, ".tif".
        description: What the values are.
        unit: Unit of the values.
    """
    count = squares.shape[1]
    cell_size_m = grid.side_m(ids)
    corners_m = grid.corners(ids)
    west, south = corners_m.min(axis=0)
    east, north = corners_m.max(axis=0) + cell_size_m
    square_m = cell_size_m / count
    profile = {
        "driver": "GTiff",
        "dtype": "float32",
        "count": 1,
        "width": (east - west) // cell_size_m * count,
        "height": (north - south) // cell_size_m * count,
        "crs": grid.crs_of(ids),
        "transform": Affine(square_m, 0, west, 0, -square_m, north),
        "nodata": np.nan,
        "tiled": True,
        "sparse_ok": True,
        "bigtiff": "IF_SAFER",
    }
    columns = (corners_m[:, 0] - west) // cell_size_m
    rows = (north - cell_size_m - corners_m[:, 1]) // cell_size_m
    with atomic(path) as temporary:
        # GDAL makes such a file as a copy of another.
        plain = temporary.with_suffix(".plain.tif")
        try:
            with rasterio.open(plain, "w", **profile) as raster:
                _write_bands(raster, rows, columns, squares)
                raster.set_band_description(1, description)
                raster.set_band_unit(1, unit)
            rasterio.shutil.copy(plain, temporary, **COG)
        finally:
            plain.unlink(missing_ok=True)
    size = f"{profile['width']:,} x {profile['height']:,} pixels"
    log.info("saves %s of %g m to %s", size, square_m, display_path(path))


def _write_bands(
    raster: rasterio.io.DatasetWriter, rows: np.ndarray, columns: np.ndarray, squares: np.ndarray
) -> None:
    """Write the cells from north to south, as many rows of them at once as a tile is high.

    Args:
        raster: The open raster.
        rows: (N,) row of each cell, counted in cells from the north.
        columns: (N,) column of each cell, counted in cells from the west.
        squares: (N, k, k) values of the squares of each cell.
    """
    count = squares.shape[1]
    rows_at_once = max(1, BLOCK_PX // count)
    for first in range(0, raster.height // count, rows_at_once):
        inside = np.flatnonzero((rows >= first) & (rows < first + rows_at_once))
        if not len(inside):
            continue
        height = min(rows_at_once * count, raster.height - first * count)
        band = np.full((height, raster.width), np.nan, dtype=np.float32)
        places = band.reshape(height // count, count, raster.width // count, count)
        places[rows[inside] - first, :, columns[inside], :] = squares[inside]
        raster.write(band, 1, window=Window(0, first * count, raster.width, height))
