"""Moments of many units at once: the same as one cell and one unit at a time."""

import numpy as np
import pandas as pd
import pytest

from urbancam.explaining.local_moments import CONTRIBUTION, UNCOVERED, cell_moments
from urbancam.explaining.projection import CellMaps
from urbancam.explaining.unit_moments import UnitMoments

SIZE_PX, COUNT = 24, 6
CLASSES = ["roads", "water"]
CODES = {"water": 50000, "roads": 12220}


def make_cell(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Labels of two fragments and of what is uncovered, and contributions of two units."""
    labels = random.integers(0, 3, (COUNT, COUNT)).repeat(SIZE_PX // COUNT, 0)
    labels = labels.repeat(SIZE_PX // COUNT, 1)
    return labels, random.normal(size=(2, SIZE_PX, SIZE_PX))


def expected(labels: np.ndarray, contribution: np.ndarray) -> list[np.ndarray]:
    """Of each width the moments of a cell, by the function for one cell."""
    nothing = np.zeros((SIZE_PX, SIZE_PX))
    maps = CellMaps(nothing, nothing, contribution, 0.0, 0.0, False, COUNT)
    rows = cell_moments(labels, np.array([CODES["water"], CODES["roads"]]), maps)
    names = [CODES["roads"], CODES["water"], UNCOVERED, CONTRIBUTION]
    return [
        of_width.pivot(index="code", columns="other", values="value")
        .reindex(index=names, columns=names, fill_value=0.0)
        .to_numpy()
        for _, of_width in rows.groupby("width")
    ]


@pytest.mark.parametrize("unit", [0, 1])
def test_moments_are_the_sums_of_the_cells_own(unit):
    random = np.random.default_rng(0)
    cells = {name: make_cell(random) for name in ("a", "b", "c")}
    moments = UnitMoments(pd.Series({"a": 0, "b": 1, "c": 1}), CLASSES, 2)
    for name, (labels, contribution) in cells.items():
        inside = np.stack([labels == 1, labels == 2]).astype(np.float32)
        moments.add(name, ["water", "roads"], inside, contribution, COUNT)
    got = moments.of_unit(unit, CLASSES)
    own = {name: expected(labels, told[unit]) for name, (labels, told) in cells.items()}
    for width, products in enumerate(got):
        assert products[0] == pytest.approx(own["a"][width])
        assert products[1] == pytest.approx(own["b"][width] + own["c"][width])
    reversed_classes = moments.of_unit(unit, CLASSES[::-1])[0]
    assert reversed_classes == pytest.approx(got[0][:, [1, 0, 2, 3]][:, :, [1, 0, 2, 3]])
