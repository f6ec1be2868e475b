"""Sums over the places of a cell: by hand, and as a regression needs them."""

import numpy as np
import pytest

from urbancam.explaining.local_moments import CONTRIBUTION, cell_moments, square_cover, square_means
from urbancam.explaining.projection import CellMaps


def maps_of(contribution: np.ndarray) -> CellMaps:
    nothing = np.zeros_like(contribution)
    return CellMaps(nothing, nothing, contribution, 0.0, 0.0, flat=False, positions=2)


def test_squares_have_edges_at_whole_pixels():
    values = np.arange(25.0).reshape(5, 5)
    expected = [values[:2, :2], values[:2, 2:], values[2:, :2], values[2:, 2:]]
    assert square_means(values, 2).ravel() == pytest.approx([square.mean() for square in expected])


def test_cover_of_squares_is_the_mean_of_each_codes_pixels():
    labels = np.random.default_rng(0).integers(1, 4, (7, 7))
    codes, cover = square_cover(labels, np.array([14100, 11100, 14100, 50000]), 3)
    assert codes.tolist() == [11100, 14100]  # nobody's pixels, and the last fragment's: none
    for share, fragments in zip(cover, ([2], [1, 3]), strict=True):
        assert (share == square_means(np.isin(labels, fragments), 3)).all()


def test_moments_of_four_squares_by_hand():
    # The west is one fragment, the north-east another; the south-east nobody's.
    labels = np.array([[1, 1, 2, 2]] * 2 + [[1, 1, 0, 0]] * 2)
    contribution = np.kron([[0.0, 4], [0, 0]], np.ones((2, 2))) / 16
    table = cell_moments(labels, np.array([11100, 14100]), maps_of(contribution))
    got = table[table["width"] == 0].set_index(["code", "other"])["value"]
    assert got[11100, 11100] == 1 / 4  # the variance of 1, 0, 1, 0
    assert got[11100, 14100] == got[14100, 11100] == -1 / 8
    # Of a whole cell 4 logit units there, 0 elsewhere: (3/4 3 + 3 (-1/4) (-1)) / 4.
    assert got[14100, CONTRIBUTION] == 3 / 4
    assert got[0, CONTRIBUTION] == -1 / 4


def test_moments_of_a_code_are_those_of_its_fragments_together():
    labels = np.random.default_rng(0).integers(0, 4, (6, 6))
    maps = maps_of(np.random.default_rng(1).random((6, 6)))
    one = cell_moments(np.where(labels == 3, 1, labels), np.array([11100, 12100]), maps)
    two = cell_moments(labels, np.array([11100, 12100, 11100]), maps)
    assert one["value"].to_numpy() == pytest.approx(two["value"].to_numpy())
