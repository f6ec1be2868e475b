"""A city's raster lies where its cells lie, is a cloud-optimised GeoTIFF, and is written alike."""

import hashlib

import numpy as np
import pandas as pd
import pytest
import rasterio

from urbancam.tables import geotiffs, grid

SIZE_M = 200
SQUARES = 4  # of a cell's side


def make_cells(n: int, seed: int = 0) -> tuple[pd.Series, np.ndarray]:
    """Cells of a square of n x n, every third left out, in no order."""
    random = np.random.default_rng(seed)
    places = random.permutation(n * n)[: n * n * 2 // 3]
    ids = [
        grid.cell_id(3_600_000 + SIZE_M * (k % n), 2_800_000 + SIZE_M * (k // n), SIZE_M)
        for k in places
    ]
    return pd.Series(ids), random.normal(size=(len(ids), SQUARES, SQUARES)).astype(np.float32)


def write(ids: pd.Series, squares: np.ndarray, path) -> None:
    geotiffs.write_cells(ids, squares, path, "contribution", "logit units")


def values_of(raster: rasterio.DatasetReader, cell: str) -> np.ndarray:
    """The pixels within a cell's square."""
    west, south, east, north = grid.bounds(cell)
    step_m, _, left, _, _, top, *_ = raster.transform
    columns = slice(round((west - left) / step_m), round((east - left) / step_m))
    rows = slice(round((top - north) / step_m), round((top - south) / step_m))
    return raster.read(1)[rows, columns]


def test_each_cell_has_its_squares_and_the_rest_no_data(tmp_path):
    ids, squares = make_cells(12)
    path = tmp_path / "map.tif"
    write(ids, squares, path)
    with rasterio.open(path) as raster:
        assert raster.crs.to_epsg() == 3035 and raster.res == (50, 50)
        assert raster.descriptions == ("contribution",) and raster.units == ("logit units",)
        assert np.isnan(raster.nodata)
        for cell, expected in zip(ids, squares, strict=True):
            assert np.array_equal(values_of(raster, cell), expected)
        filled = np.isfinite(raster.read(1))
    assert filled.sum() == squares.size
    assert not list(tmp_path.glob(".*"))


@pytest.mark.slow
def test_a_large_raster_is_tiled_with_overviews_that_are_means(tmp_path):
    ids, squares = make_cells(280)  # 1120 x 1120 pixels
    path = tmp_path / "map.tif"
    write(ids, np.ones_like(squares), path)
    with rasterio.open(path) as raster:
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert raster.block_shapes == [(512, 512)] and raster.overviews(1) == [2, 4]
        small = raster.read(1, out_shape=(280, 280))
    assert np.unique(small[np.isfinite(small)]).tolist() == [1]


def test_the_same_map_is_the_same_bytes_and_another_is_not(tmp_path):
    hashes = []
    for number, seed in enumerate((0, 0, 1)):
        path = tmp_path / str(number) / "map.tif"
        write(*make_cells(60, seed), path)
        hashes.append(hashlib.sha256(path.read_bytes()).hexdigest())
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.parametrize("squares", [1, 7, 16])
def test_any_number_of_positions_fits(tmp_path, squares):
    ids, _ = make_cells(40)
    values = np.arange(len(ids) * squares**2, dtype=np.float32).reshape(-1, squares, squares)
    write(ids, values, tmp_path / "map.tif")
    with rasterio.open(tmp_path / "map.tif") as raster:
        assert np.array_equal(values_of(raster, ids.iloc[-1]), values[-1])
