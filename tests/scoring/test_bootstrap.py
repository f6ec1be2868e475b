"""Block bootstrap: draws of whole blocks, intervals, p- and q-values, rank correlations."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from urbancam.scoring import bootstrap, correlations, significance
from urbancam.workflow.settings import settings

BLOCKS = np.array(["b", "a", "b", "c", "a", "b"])


def test_blocks_are_numbered_in_sorted_order():
    numbers, n_blocks = bootstrap.number_blocks(BLOCKS)
    assert numbers.tolist() == [1, 0, 1, 2, 0, 1]
    assert n_blocks == 3


def test_cell_without_block_is_refused():
    with pytest.raises(ValueError, match="1 of 2 cells"):
        bootstrap.number_blocks(np.array(["a", None], dtype=object))


def test_every_draw_has_one_block_less_than_there_are_and_their_whole_weight():
    counts = bootstrap.block_draws(BLOCKS, draws=50, seed=0)
    assert counts.shape == (50, 3)
    assert counts.sum(axis=1) == pytest.approx(np.full(50, 3))
    assert set(np.unique(counts)) == {0, 1.5, 3}


def test_blocks_are_drawn_within_their_stratum():
    blocks = np.array(["a1", "a2", "a3", "b1", "b2", "c1"])
    counts = bootstrap.block_draws(blocks, draws=50, seed=0, strata=["a", "a", "a", "b", "b", "c"])
    assert counts[:, :3].sum(axis=1) == pytest.approx(np.full(50, 3))
    assert counts[:, 3:5].sum(axis=1) == pytest.approx(np.full(50, 2))
    assert (counts[:, 5] == 1).all()
    assert counts[:, :5].std(axis=0).min() > 0


def test_variance_of_draws_is_that_of_the_mean_without_bias():
    values = np.random.default_rng(0).normal(size=5)
    counts = bootstrap.block_draws(np.arange(5), draws=40_000, seed=0)
    got = (counts @ values / 5).var()
    assert got == pytest.approx(values.var(ddof=1) / 5, rel=0.04)  # standard error 0.7 %


def test_effective_blocks_by_hand():
    weights = np.array([[1.0, 3, 0], [1, 1, 0], [1, 0, 0]])
    assert bootstrap.effective_blocks(weights).tolist() == [3, 1, 0]  # 16 / 10: not quite 2
    # Equal weights whose squares do not add up to the last digit
    assert bootstrap.effective_blocks(np.full(6, 0.1)) == 6


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
        cells = cells_of_draw(np.rint(draw / 1.5).astype(int))
        assert sums == pytest.approx(1.5 * values[cells].sum(axis=0))


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


def test_interval_of_very_many_blocks_is_the_percentiles():
    got = bootstrap.interval(np.arange(101.0), 0.9, blocks=np.inf)
    assert got == pytest.approx([5, 95])


def test_interval_of_few_blocks_reaches_to_the_percentiles_of_students_t():
    got = bootstrap.interval(np.arange(1001.0), 0.9, blocks=np.array(6))
    tail = stats.norm.cdf(-2.015)  # t of 5 degrees of freedom, from a table
    assert got == pytest.approx([1000 * tail, 1000 * (1 - tail)], rel=1e-3)


def test_interval_of_normal_draws_is_students():
    draws = np.random.default_rng(0).normal(3, 2, 400_000)
    got = bootstrap.interval(draws, 0.95, blocks=11)
    assert got == pytest.approx([3 - 2 * 2.228, 3 + 2 * 2.228], abs=0.1)


def test_interval_of_several_statistics_leaves_out_few_undefined_draws():
    values = np.tile(np.arange(101.0), (3, 1)).T
    values[:3, 0] = np.nan
    values[:30, 1] = np.nan
    values[:, 2] = np.nan
    low, high = bootstrap.interval(values, 0.9, blocks=np.inf)
    assert low[0] == pytest.approx(3 + 0.05 * 97)
    assert high[0] == pytest.approx(100 - 0.05 * 97)
    assert np.isnan(low[1:]).all()
    assert np.isnan(high[1:]).all()


def test_one_block_gives_no_interval():
    counts = bootstrap.block_draws(np.array(["a", "a"]), draws=100, seed=0)
    ratios = bootstrap.ratio_draws(np.array([1.0]), np.array([2.0]), counts)
    got = bootstrap.interval(ratios, 0.95, blocks=1)
    assert got.shape == (2,)
    assert np.isnan(got).all()


def test_statistic_seen_in_one_block_of_many_has_no_interval():
    counts = bootstrap.block_draws(np.arange(50), draws=1000, seed=0)
    cells = np.zeros((50, 2))
    cells[0, 0] = 1
    cells[:, 1] = 1
    ratios = bootstrap.ratio_draws(cells, cells, counts)
    low, _ = bootstrap.interval(ratios, 0.95, blocks=50)
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
        low, high = bootstrap.interval(bootstrap.ratio_draws(sums, n, counts), 0.9, n_blocks)
        hits += low <= 0 <= high
    return hits / 200


def test_interval_over_blocks_holds_the_truth_as_often_as_it_says():
    blocks = np.repeat(np.arange(40), 10)
    assert coverage(blocks) == pytest.approx(0.9, abs=0.06)  # standard error 0.02


@pytest.mark.slow
def test_interval_over_single_cells_would_be_far_too_narrow():
    cells = np.arange(400)
    assert coverage(cells) < 0.6


def test_p_value_counts_the_draws_beyond_the_null():
    draws = np.column_stack([np.arange(1, 100), np.arange(-9, 90), np.arange(99) - 49])
    got = bootstrap.p_value(draws, 0, blocks=np.inf)
    assert got[1:] == pytest.approx([2 * (10 + 1) / 100, 1])


def test_p_value_of_few_blocks_is_students():
    draws = np.arange(-9, 90)  # 10 of 99 at most 0
    got = bootstrap.p_value(draws, 0, blocks=6)
    assert got == pytest.approx(2 * stats.t.sf(-stats.norm.ppf(11 / 100), 5))


def test_p_value_of_a_null_beyond_all_draws_is_by_its_distance():
    draws = np.random.default_rng(0).normal(6, 1, 200)
    got = bootstrap.p_value(draws, 0, blocks=21)
    assert got == pytest.approx(2 * stats.t.sf(draws.mean() / draws.std(), 20))


def test_p_value_leaves_out_undefined_draws():
    draws = np.full((24, 2), np.nan)
    draws[:19, 0] = np.arange(1, 20)  # their mean is 10
    got = bootstrap.p_value(draws, -3, blocks=np.inf)
    assert got[0] == pytest.approx(2 * stats.norm.sf(13 / np.sqrt((19**2 - 1) / 12)))
    assert np.isnan(got[1])


def test_draws_that_miss_the_null_by_rounding_are_ties():
    assert bootstrap.p_value(np.full(999, 1 + 1e-15), 1, blocks=9) == 1


def test_p_value_falls_below_5_percent_where_the_interval_leaves_out_the_null():
    random = np.random.default_rng(0)
    draws = random.normal(loc=np.linspace(-4, 4, 40), size=(1000, 40))
    low, high = bootstrap.interval(draws, 0.95, blocks=12)
    got = bootstrap.p_value(draws, 0, blocks=12)
    outside = (low > 0) | (high < 0)
    assert outside[got < 0.05].all()
    assert (got[outside] < 0.0525).all()  # one draw in 1001 between them


def test_p_values_of_a_true_null_are_as_often_small_as_they_say():
    random = np.random.default_rng(0)
    hits = 0
    for city in range(400):
        values = random.normal(size=60)  # of 60 blocks; their true mean is 0
        counts = bootstrap.block_draws(np.arange(60), draws=200, seed=city)
        hits += bootstrap.p_value(counts @ values, 0, blocks=60) <= 0.1
    assert hits / 400 == pytest.approx(0.1, abs=0.045)  # standard error 0.015


def test_q_values_against_the_worked_example_of_benjamini_and_hochberg():
    # Benjamini & Hochberg 1995, section 3: four discoveries at 5 %
    smaller = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459]
    larger = [0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1]
    got = significance.q_value(np.array(smaller + larger))
    assert (got <= 0.05).sum() == 4
    assert got[3] == pytest.approx(0.0095 * 15 / 4)


def test_q_values_do_not_count_what_was_not_tested():
    got = significance.q_value(np.array([0.01, np.nan, 0.04]))
    assert got[[0, 2]] == pytest.approx([0.02, 0.04])
    assert np.isnan(got[1])


def test_q_values_of_nothing_tested_are_none():
    assert np.isnan(significance.q_value(np.array([np.nan]))).all()
    assert len(significance.q_value(np.array([]))) == 0


def test_rank_correlation_of_rows_against_scipy():
    x, y = np.random.default_rng(0).integers(0, 6, (2, 20, 8)).astype(float)  # with ties
    x[0, :3] = np.nan
    y[0, 5] = np.nan
    got = correlations.rank_correlation(x, y)
    expected = []
    for row_x, row_y in zip(x, y, strict=True):
        correlation = stats.spearmanr(row_x, row_y, nan_policy="omit")
        expected.append(correlation.statistic)
    assert got == pytest.approx(expected)


def test_rank_correlation_of_two_places_or_of_a_constant_is_undefined():
    x = np.array([[1.0, 2, np.nan, 4], [1, 1, 1, 1]])
    y = np.array([[1.0, np.nan, 3, 4], [1, 2, 3, 4]])
    assert np.isnan(correlations.rank_correlation(x, y)).all()


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
    got = significance.add_significance(table, p_values, statistics)
    assert list(got) == ["class", "p_value", "q_value", "significant"]
    assert got["significant"].tolist() == [True, False, False]
    assert got["significant"].dtype == bool
