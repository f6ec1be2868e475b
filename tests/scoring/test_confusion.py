"""Scores of a confusion matrix, by hand; against scikit-learn, see `test_metrics.py`."""

import numpy as np
import pytest

from urbancam.scoring import confusion


def test_quadratic_kappa_by_hand():
    cells = np.zeros((5, 5))
    for observed, predicted in [(0, 0), (4, 4), (0, 1), (4, 3)]:
        cells[observed, predicted] = 1
    disagreement = 1 + 1
    # 2 cells of class 0, 2 of class 4; classes 0, 1, 3, 4 predicted once each; 4 cells
    by_chance = 2 * 2 * (0 + 1 + 9 + 16) / 4
    expected = 1 - disagreement / by_chance
    assert confusion.quadratic_kappa(cells) == pytest.approx(expected)
