"""How often intervals over blocks hold the truth, and tests reject what is true: simulated.

Every simulation is seeded. A share of n repetitions has the standard error sqrt(p (1 - p) / n); the
slack beside each number is two of them.
"""

import numpy as np
import pytest

from urbancam.scoring import bootstrap
from urbancam.workflow.settings import settings

STATISTICS = settings.load("default").statistics
REPETITIONS = 2000
DRAWS = STATISTICS.draws


def draw_means(blocks: int, kind: str, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """Means over blocks of unequal weight, and all that an interval needs.

    Args:
        blocks: Number of blocks.
        kind: "normal" (mean 0), or "shares" (of 20 cells of a block, their mean is .8).
        spread: Standard deviation of the logarithm of a block's weight.

    Returns:
        (draws, repetitions) means in every draw, (repetitions,) effective number of blocks.
    """
    random = np.random.default_rng(blocks)
    shape = blocks, REPETITIONS
    weights = np.exp(random.normal(0, spread, shape))
    if kind == "normal":
        values = random.normal(size=shape)
    else:
        values = random.binomial(20, random.beta(4, 1, shape)) / 20 - 0.8
    counts = bootstrap.block_draws(np.arange(blocks), DRAWS, seed=blocks)
    draws = bootstrap.ratio_draws(weights * values, weights, counts)
    return draws, bootstrap.effective_blocks(weights)


CITIES = [
    (blocks, kind, spread)
    for blocks in (6, 8, 10, 20)
    for kind in ("normal", "shares")
    for spread in (0.0, 0.5)
    if blocks > STATISTICS.min_blocks
    or not spread  # six unequal blocks are worth five: none is said
]


@pytest.mark.slow
@pytest.mark.parametrize(("blocks", "kind", "spread"), CITIES)
def test_interval_of_few_blocks_holds_the_truth(blocks, kind, spread):
    draws, effective = draw_means(blocks, kind, spread)
    low, high = bootstrap.interval(draws, 0.95, effective)
    enough = effective >= STATISTICS.min_blocks
    covered = ((low <= 0) & (high >= 0))[enough]
    assert covered.mean() >= 0.91 - 2 * np.sqrt(0.91 * 0.09 / enough.sum())


@pytest.mark.slow
@pytest.mark.parametrize(("blocks", "kind", "spread"), CITIES)
def test_true_null_of_few_blocks_is_rejected_no_more_often_than_intervals_miss(
    blocks, kind, spread
):
    draws, effective = draw_means(blocks, kind, spread)
    p_values = bootstrap.p_value(draws, 0, effective)
    enough = effective >= STATISTICS.min_blocks
    rejected = (p_values <= 0.05)[enough]
    assert rejected.mean() <= 0.09 + 2 * np.sqrt(0.09 * 0.91 / enough.sum())
    # Far in the tail, where no draw is left to count
    assert (p_values <= 0.001)[enough].mean() <= 0.01 + 2 * np.sqrt(0.01 / enough.sum())


@pytest.mark.slow
def test_below_the_smallest_number_of_blocks_intervals_are_too_narrow():
    draws, effective = draw_means(STATISTICS.min_blocks - 2, "normal", 0.0)
    low, high = bootstrap.interval(draws, 0.95, effective)
    assert np.mean((low <= 0) & (high >= 0)) < 0.89
    estimate = bootstrap.Estimate(np.zeros(REPETITIONS), draws, effective)
    assert np.isnan(estimate.interval(STATISTICS)).all()


@pytest.mark.slow
def test_as_many_unequal_blocks_are_worth_fewer_and_get_no_interval():
    draws, effective = draw_means(STATISTICS.min_blocks, "normal", 0.5)
    estimate = bootstrap.Estimate(np.zeros(REPETITIONS), draws, effective)
    assert np.isnan(estimate.interval(STATISTICS)).all()
