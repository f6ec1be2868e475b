"""Correlations in every draw at once."""

import numpy as np
import pytest
from scipy import stats

from urbancam.scoring import bootstrap, correlations


def test_spearman_in_several_steps_is_the_same_as_in_one():
    random = np.random.default_rng(0)
    x = random.normal(size=2000)
    y = random.normal(size=2000)
    numbers = np.arange(2000) % 50
    counts = bootstrap.block_draws(numbers, draws=1100, seed=0)
    got = correlations.spearman(x, y, numbers, counts)
    assert got.shape == (1100,)
    for draw in (0, 64, 65, 1099):  # 65 draws a step
        expected = correlations.spearman(x, y, numbers, counts[[draw]])
        assert got[[draw]] == pytest.approx(expected)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_values", [2, 7, 1000])
@pytest.mark.parametrize("n_blocks", [12, 100])
def test_spearman_is_that_of_cells_written_out(n_blocks, n_values, weighted):
    """Few blocks are counted in triples; here every cell of a draw is ranked by scipy."""
    random = np.random.default_rng(n_values)
    x = random.integers(n_values, size=1000).astype(float)
    y = x + random.integers(n_values, size=1000)
    numbers = random.integers(n_blocks, size=1000)
    counts = random.multinomial(n_blocks, np.full(n_blocks, 1 / n_blocks), size=20)
    assert (n_blocks**3 <= correlations.CHEAP_CUBES * len(x)) == (n_blocks == 12)
    weights = random.integers(1, 4, size=1000) if weighted else np.ones(1000, dtype=int)
    got = correlations.spearman(x, y, numbers, counts, weights if weighted else None)
    for draw, r in zip(counts, got, strict=True):
        rows = np.repeat(np.arange(1000), draw[numbers] * weights)
        assert r == pytest.approx(stats.spearmanr(x[rows], y[rows]).statistic, abs=1e-12)


@pytest.mark.parametrize("n_blocks", [4, 50])
def test_spearman_of_a_constant_is_none(n_blocks):
    numbers = np.arange(100) % n_blocks
    draws = np.full((3, n_blocks), n_blocks / (n_blocks - 1))
    got = correlations.spearman(np.ones(100), np.arange(100.0), numbers, draws)
    assert np.isnan(got).all()


def test_pearson_survives_a_large_offset():
    random = np.random.default_rng(0)
    x = 1e6 + random.normal(size=100)
    y = random.normal(size=100)
    one_block = np.zeros(100, dtype=int)
    got = correlations.pearson(x, y, one_block, np.ones((1, 1)))
    assert got == pytest.approx([stats.pearsonr(x, y).statistic], rel=1e-6)


def test_spearman_of_no_cell_is_none():
    no_cell = np.empty(0)
    got = correlations.spearman(no_cell, no_cell, np.empty(0, dtype=int), np.ones((3, 0)))
    assert got.shape == (3,) and np.isnan(got).all()
