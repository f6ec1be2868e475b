"""What the image adds: partial rank correlations against regression residuals, and their level."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from urbancam.scoring import added_value, bootstrap
from urbancam.scoring.correlations import partial_correlation, spearman_matrix
from urbancam.workflow.settings import settings

SEED = 3


def slow_partial(x, y, given) -> float:
    """Correlation of the residuals of the ranks, each regressed on the ranks of the givens."""
    design = np.column_stack([np.ones(len(x)), *map(stats.rankdata, given)])
    rests = [
        ranks - design @ np.linalg.lstsq(design, ranks, rcond=None)[0]
        for ranks in (stats.rankdata(x), stats.rankdata(y))
    ]
    return np.corrcoef(*rests)[0, 1]


@pytest.mark.parametrize("n_given", [1, 3])
def test_partial_rank_correlation_of_every_draw_is_that_of_its_residuals(n_given):
    random = np.random.default_rng(SEED)
    common = random.normal(size=60)
    variables = (common + random.normal(size=(2 + n_given, 60))).round(1)
    x, y, *given = variables
    blocks = np.arange(60) // 5
    numbers, _ = bootstrap.number_blocks(blocks)
    counts = bootstrap.block_draws(blocks, draws=12, seed=SEED)
    got = partial_correlation(spearman_matrix(variables, numbers, counts))
    for draw, value in zip(counts, got, strict=True):
        times = np.rint(draw * (1 - 1 / len(draw))).astype(int)  # whole blocks
        rows = np.repeat(np.arange(60), times[numbers])
        expected = slow_partial(x[rows], y[rows], [variable[rows] for variable in given])
        assert value == pytest.approx(expected)


def test_nothing_is_added_to_givens_that_say_all():
    x = np.arange(20.0)
    y = np.random.default_rng(SEED).normal(size=20)
    as_they_are = np.ones((1, 20), dtype=int)
    got = partial_correlation(spearman_matrix([x, y, x], np.arange(20), as_they_are))
    assert np.isnan(got).all()


def predictors(random: np.random.Generator, own: float, n: int) -> dict[str, pd.DataFrame]:
    """A city whose incomes follow land cover, and to a share `own` what the image alone shows."""
    cover, seen, noise = random.normal(size=(3, n))
    income = cover + own * seen + noise
    model = cover + (seen if own else 0) + 0.5 * random.normal(size=n)
    said = {"model": model, "land_cover": cover, "population_density": random.normal(size=n)}
    return {name: pd.DataFrame({"p": values, "target": income}) for name, values in said.items()}


def table(own: float, seed: int, draws: int = 200, n: int = 300) -> pd.DataFrame:
    statistics = settings.load("demo", [f"statistics.draws={draws}"]).statistics
    city = predictors(np.random.default_rng(seed), own, n)
    blocks = np.arange(n) // 5
    return added_value.added_value_table(city, blocks, statistics, seed).set_index("given")


def test_what_only_the_image_shows_is_told_beside_land_cover():
    got = table(own=1.0, seed=SEED)
    assert list(got.index) == ["land_cover", "population_density", "all"]
    assert got.loc["all", "ci_low"] > 0.3


@pytest.mark.slow
def test_an_image_that_shows_land_cover_alone_adds_nothing_more_often_than_the_level():
    """Of 200 cities of 60 blocks .05 are false additions, with 3 standard deviations of slack.

    The rank correlation itself is 0.01 then, not 0: ranks are no straight lines of each other.
    """
    tables = [table(own=0.0, seed=seed) for seed in range(200)]
    found = [not got.loc["all", "ci_low"] <= 0 <= got.loc["all", "ci_high"] for got in tables]
    assert np.mean([got.loc["population_density", "ci_low"] > 0 for got in tables]) > 0.95
    assert sum(found) <= 10 + 3 * (200 * 0.05 * 0.95) ** 0.5
