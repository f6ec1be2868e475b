"""Block bootstrap: draws of whole blocks, intervals, p- and q-values, rank correlations."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from urbancam.scoring import bootstrap
from urbancam.workflow import settings

BLOCKS = np.array(["b", "a", "b", "c", "a", "b"])


def test_blocks_are_numbered_in_sorted_order():
    numbers, n_blocks = bootstrap.number_blocks(BLOCKS)
    assert numbers.tolist() == [1, 0, 1, 2, 0, 1]
    assert n_blocks == 3


def test_cell_without_block_is_refused():
    with pytest.raises(ValueError, match="1 of 2 cells"):
        bootstrap.number_blocks(np.array(["a", None], dtype=object))


def test_every_draw_has_as_many_blocks_as_there_are():
    counts = bootstrap.block_draws(BLOCKS, draws=50, seed=0)
    assert counts.shape == (50, 3)
    assert (counts.sum(axis=1) == 3).all()
    assert counts.min() == 0 and counts.max() > 1


def test_draws_depend_on_the_seed_alone():
    first = bootstrap.block_draws(BLOCKS, draws=20, seed=4)
    assert np.array_equal(first, bootstrap.block_draws(BLOCKS[::-1], draws=20, seed=4))
    assert not np.array_equal(first, bootstrap.block_draws(BLOCKS, draws=20, seed=5))


def test_blocks_come_up_equally_often_whatever_their_size():
    blocks = np.repeat(np.arange(10), np.arange(1, 11))
    counts = bootstrap.block_draws(blocks, draws=4000, seed=0)
    assert counts.mean(axis=0) == pytest.approx(np.ones(10), abs=0.06)  # standard error 0.015


def test_sums_of_a_draw_are_sums_over_its_blocks_as_wholes():
    values = np.random.default_rng(0).normal(size=(6, 2))
    numbers, n_blocks = bootstrap.number_blocks(BLOCKS)
    counts = bootstrap.block_draws(BLOCKS, draws=30, seed=1)
    got = counts @ bootstrap.block_sums(values, numbers, n_blocks)
    for draw, sums in zip(counts, got, strict=True):
        cells = cells_of_draw(draw)
        assert sums == pytest.approx(values[cells].sum(axis=0))


def cells_of_draw(draw: np.ndarray) -> np.ndarray:
    """Slow oracle: the cells of the blocks of a draw, written down one after the other."""
    cells = []
    for name, times in zip("abc", draw, strict=True):
        cells_of_block = np.flatnonzero(BLOCKS == name)
        cells.append(np.tile(cells_of_block, times))
    return np.concatenate(cells)


def test_sums_of_one_column():
    numbers, n_blocks = bootstrap.number_blocks(BLOCKS)
    values = np.array([1.0, 2, 3, 4, 5, 6])
    got = bootstrap.block_sums(values, numbers, n_blocks)
    assert got.tolist() == [7, 10, 4]


def test_quotient_by_zero_is_nan():
    numerator = np.array([1.0, 0.0, 3.0])
    denominator = np.array([2.0, 0.0, 0.0])
    got = bootstrap.divide(numerator, denominator)
    assert got[0] == 0.5
    assert np.isnan(got[1:]).all()


def test_interval_is_the_percentiles():
    got = bootstrap.interval(np.arange(101.0), confidence=0.9)
    assert got == pytest.approx([5, 95])


def test_interval_of_several_statistics_leaves_out_few_undefined_draws():
    values = np.tile(np.arange(101.0), (3, 1)).T
    values[:3, 0] = np.nan
    values[:30, 1] = np.nan
    values[:, 2] = np.nan
    low, high = bootstrap.interval(values, confidence=0.9)
    assert low[0] == pytest.approx(3 + 0.05 * 97)
    assert high[0] == pytest.approx(100 - 0.05 * 97)
    assert np.isnan(low[1:]).all()
    assert np.isnan(high[1:]).all()


def test_one_block_gives_no_interval():
    counts = bootstrap.block_draws(np.array(["a", "a"]), draws=100, seed=0)
    got = bootstrap.ratio_interval(np.array([1.0]), np.array([2.0]), counts, confidence=0.95)
    assert got.shape == (2,)
    assert np.isnan(got).all()


def test_statistic_seen_in_one_block_of_many_has_no_interval():
    counts = bootstrap.block_draws(np.arange(50), draws=1000, seed=0)
    cells = np.zeros((50, 2))
    cells[0, 0] = 1
    cells[:, 1] = 1
    low, _ = bootstrap.ratio_interval(cells, cells, counts, confidence=0.95)
    assert np.isnan(low[0])
    assert low[1] == 1


def coverage(blocks: np.ndarray) -> float:
    """Share of 200 simulated cities whose interval holds the true mean, 0.

    A city has 40 blocks of 10 alike cells; `blocks` are those that are resampled.
    """
    random = np.random.default_rng(0)
    numbers, n_blocks = bootstrap.number_blocks(blocks)
    n = bootstrap.block_sums(np.ones(400), numbers, n_blocks)
    hits = 0
    for city in range(200):
        values = np.repeat(random.normal(size=40), 10) + 0.3 * random.normal(size=400)
        sums = bootstrap.block_sums(values, numbers, n_blocks)
        counts = bootstrap.block_draws(blocks, draws=200, seed=city)
        low, high = bootstrap.ratio_interval(sums, n, counts, confidence=0.9)
        hits += low <= 0 <= high
    return hits / 200


def test_interval_over_blocks_holds_the_truth_as_often_as_it_says():
    blocks = np.repeat(np.arange(40), 10)
    assert coverage(blocks) == pytest.approx(0.9, abs=0.06)  # standard error 0.02


def test_interval_over_single_cells_would_be_far_too_narrow():
    cells = np.arange(400)
    assert coverage(cells) < 0.6


def test_p_value_counts_the_draws_beyond_the_null():
    draws = np.column_stack([np.arange(1, 100), np.arange(-9, 90), np.arange(99) - 49])
    got = bootstrap.p_value(draws, null=0)
    assert got == pytest.approx([2 * (0 + 1) / 100, 2 * (10 + 1) / 100, 1])


def test_p_value_leaves_out_undefined_draws():
    draws = np.full((24, 2), np.nan)
    draws[:19, 0] = np.arange(1, 20)
    got = bootstrap.p_value(draws, null=0)
    assert got[0] == pytest.approx(2 / 20)
    assert np.isnan(got[1])


def test_draws_that_miss_the_null_by_rounding_are_ties():
    assert bootstrap.p_value(np.full(999, 1 + 1e-15), null=1) == 1


def test_p_value_falls_below_5_percent_where_the_interval_leaves_out_the_null():
    random = np.random.default_rng(0)
    draws = random.normal(loc=np.linspace(-4, 4, 40), size=(1000, 40))
    low, high = bootstrap.interval(draws, confidence=0.95)
    got = bootstrap.p_value(draws, 0)
    outside = (low > 0) | (high < 0)
    assert outside[got < 0.05].all()
    assert (got[outside] < 0.0525).all()  # one draw in 1001 between them


def test_p_values_of_a_true_null_are_as_often_small_as_they_say():
    random = np.random.default_rng(0)
    hits = 0
    for city in range(400):
        values = random.normal(size=60)  # of 60 blocks; their true mean is 0
        counts = bootstrap.block_draws(np.arange(60), draws=200, seed=city)
        hits += bootstrap.p_value(counts @ values, null=0) <= 0.1
    assert hits / 400 == pytest.approx(0.1, abs=0.045)  # standard error 0.015


def test_q_values_against_the_worked_example_of_benjamini_and_hochberg():
    # Benjamini & Hochberg 1995, section 3: four discoveries at 5 %
    smaller = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459]
    larger = [0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1]
    got = bootstrap.q_value(np.array(smaller + larger))
    assert (got <= 0.05).sum() == 4
    assert got[3] == pytest.approx(0.0095 * 15 / 4)


def test_q_values_do_not_count_what_was_not_tested():
    got = bootstrap.q_value(np.array([0.01, np.nan, 0.04]))
    assert got[[0, 2]] == pytest.approx([0.02, 0.04])
    assert np.isnan(got[1])


def test_q_values_of_nothing_tested_are_none():
    assert np.isnan(bootstrap.q_value(np.array([np.nan]))).all()
    assert len(bootstrap.q_value(np.array([]))) == 0


def test_rank_correlation_of_rows_against_scipy():
    x, y = np.random.default_rng(0).integers(0, 6, (2, 20, 8)).astype(float)  # with ties
    x[0, :3] = np.nan
    y[0, 5] = np.nan
    got = bootstrap.rank_correlation(x, y)
    expected = []
    for row_x, row_y in zip(x, y, strict=True):
        correlation = stats.spearmanr(row_x, row_y, nan_policy="omit")
        expected.append(correlation.statistic)
    assert got == pytest.approx(expected)


def test_rank_correlation_of_two_places_or_of_a_constant_is_undefined():
    x = np.array([[1.0, 2, np.nan, 4], [1, 1, 1, 1]])
    y = np.array([[1.0, np.nan, 3, 4], [1, 2, 3, 4]])
    assert np.isnan(bootstrap.rank_correlation(x, y)).all()


def test_estimate_of_too_few_blocks_has_neither_interval_nor_p_value():
    statistics = settings.load("default").statistics
    draws = np.random.default_rng(0).normal(5, 1, (200, 2))
    blocks = np.array([statistics.min_blocks, statistics.min_blocks - 1])
    estimate = bootstrap.Estimate(draws.mean(0), draws, blocks)
    ends = estimate.interval(statistics)
    assert np.isfinite(ends[:, 0]).all()
    assert np.isnan(ends[:, 1]).all()
    assert np.isnan(estimate.p_value(0, statistics)).tolist() == [False, True]


def test_significance_stands_last_and_untested_rows_are_not_significant():
    table = pd.DataFrame({"class": ["a", "b", "c"]})
    statistics = settings.load("default").statistics
    p_values = np.array([0.001, np.nan, 0.5])
    got = bootstrap.add_significance(table, p_values, statistics)
    assert list(got) == ["class", "p_value", "q_value", "significant"]
    assert got["significant"].tolist() == [True, False, False]
    assert got["significant"].dtype == bool
