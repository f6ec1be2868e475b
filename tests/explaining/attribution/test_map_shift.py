"""The shift at which map and polygons agree best: a map that was moved on purpose is found out."""

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from urbancam.explaining.attribution.map_shift import TABLE, map_shift, shift_sums, step_px

SIZE_PX, STEP_PX, PIXEL_M = 64, 2, 3.125


def make_cell(random: np.random.Generator, east: int, north: int) -> pd.DataFrame:
    """Sums of a cell whose blurred map of a class lies some steps off, with noise."""
    classes = ndimage.gaussian_filter(random.normal(size=(SIZE_PX, SIZE_PX)), 5, mode="wrap") > 0
    values = ndimage.gaussian_filter(classes.astype(float), 3, mode="wrap")
    values += 0.2 * random.normal(size=values.shape)
    off = np.roll(values, (-north * STEP_PX, east * STEP_PX), (0, 1))
    return shift_sums(off, classes.astype(int), STEP_PX)


@pytest.mark.parametrize("off", [(0, 0), (2, 0), (0, -2), (-1, 3)])
def test_known_shift_is_taken_back(off):
    random = np.random.default_rng(0)
    cells = [make_cell(random, *off).assign(idINSPIRE=f"cell{i}") for i in range(12)]
    blocks = pd.Series([f"block{i // 2}" for i in range(12)], [f"cell{i}" for i in range(12)])
    table = map_shift(pd.concat(cells), blocks, PIXEL_M, draws=50, seed=0)
    best = table.loc[table["best"]].iloc[0]
    assert (best["east_m"], best["north_m"]) == (
        -off[0] * STEP_PX * PIXEL_M,
        -off[1] * STEP_PX * PIXEL_M,
    )
    assert best["best_share"] > 0.5
    assert table["best_share"].sum() == pytest.approx(1)
    assert table["explained"].between(0, 1).all()
    assert len(table) == 81 and table["best"].sum() == 1


def test_sums_of_squares_by_hand():
    classes = np.zeros((9, 9), int)
    classes[:, 5:] = 1
    values = np.tile(np.arange(9.0), (9, 1))
    got = shift_sums(values, classes, 1).set_index(["east_px", "north_px"])
    # The middle pixel alone is left: no variance at all.
    assert (got["total"] == 0).all()
    wider = shift_sums(np.tile(np.arange(12.0), (12, 1)), np.tile(np.arange(12) // 6, (12, 1)), 1)
    at_rest = wider.set_index(["east_px", "north_px"]).loc[(0, 0)]
    assert at_rest["total"] == 4 * (1.5**2 + 0.5**2) * 2  # 4, 5, 6, 7 in each of four rows
    assert at_rest["between"] == 16


def test_step_is_a_quarter_of_a_position():
    assert step_px(512, 16) == 8
    assert step_px(64, 2) == 4  # yet at most a sixteenth of the image


def test_without_cells_the_table_has_its_columns():
    assert list(map_shift(pd.DataFrame(), pd.Series(dtype=object), 1, 10, 0)) == TABLE
