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
    for draw in (0, 523, 524, 1099):  # 524 draws a step
        expected = correlations.spearman(x, y, numbers, counts[[draw]])
        assert got[[draw]] == pytest.approx(expected)


def test_pearson_survives_a_large_offset():
    random = np.random.default_rng(0)
    x = 1e6 + random.normal(size=100)
    y = random.normal(size=100)
    one_block = np.zeros(100, dtype=int)
    got = correlations.pearson(x, y, one_block, np.ones((1, 1)))
    assert got == pytest.approx([stats.pearsonr(x, y).statistic], rel=1e-6)
