"""Fields and correlograms: what was drawn is fitted, and nothing is found where nothing is."""

import numpy as np
import pytest

from urbancam.scoring import fields


def grid_centres(side: int) -> np.ndarray:
    """(side^2, 2) centres of a square of cells of 200 m."""
    column, row = np.meshgrid(np.arange(side), np.arange(side))
    return 200.0 * np.column_stack([column.ravel(), row.ravel()])


def test_field_has_the_correlation_that_is_asked_for():
    centres = np.array([[0.0, 0.0], [500.0, 0.0], [0.0, 2000.0]])
    random = np.random.default_rng(0)
    draws = np.array([fields.draw_field(centres, 1000.0, random, waves=50) for _ in range(8000)])
    got = draws.T @ draws / len(draws)
    assert np.diag(got) == pytest.approx(np.ones(3), abs=0.05)
    assert got[0, 1:] == pytest.approx(np.exp([-0.5, -2.0]), abs=0.05)


def test_field_is_the_sum_of_its_waves_to_1e_9():
    """Beside the sum wave by wave, over some cells of a city's grid (metres of EPSG:3035)."""
    random = np.random.default_rng(0)
    centres = grid_centres(20)[random.random(400) < 0.5] + [3_760_100, 2_888_100]
    got = fields.draw_field(centres, 800.0, np.random.default_rng(1), waves=100)

    same = np.random.default_rng(1)
    vectors = same.standard_normal((2, 100)) / abs(same.standard_normal(100)) / 800
    phases = same.uniform(0, 2 * np.pi, 100)
    waves = [
        np.cos(centres @ vector + phase) for vector, phase in zip(vectors.T, phases, strict=True)
    ]
    assert got == pytest.approx(np.sqrt(2 / 100) * np.sum(waves, axis=0), abs=1e-9)


def test_field_is_the_same_for_the_same_seed_and_another_for_another():
    centres = grid_centres(4)
    first, again, other = (
        fields.draw_field(centres, 800.0, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert (first == again).all() and not np.allclose(first, other)


@pytest.mark.slow
def test_correlogram_of_known_values_is_fitted():
    """Many fields of one range with a nugget of .4: the fit is right on average."""
    centres = grid_centres(50)
    fits = []
    for seed in range(8):
        random = np.random.default_rng(seed)
        smooth = fields.draw_field(centres, 800.0, random)
        values = np.sqrt(0.6) * smooth + np.sqrt(0.4) * random.standard_normal(len(centres))
        fits.append(fields.fit_correlogram(centres, values, seed))
    assert np.median([fit.range_m for fit in fits]) == pytest.approx(800, rel=0.25)
    assert np.median([fit.smooth_share for fit in fits]) == pytest.approx(0.6, abs=0.12)


def test_correlogram_of_noise_is_flat():
    centres = grid_centres(40)
    fit = fields.fit_correlogram(centres, np.random.default_rng(0).standard_normal(1600), 0)
    correlation_at_1_km = fit.smooth_share * np.exp(-1000 / fit.range_m)
    assert correlation_at_1_km < 0.05


def test_constant_values_have_a_correlogram_of_nothing():
    fit = fields.fit_correlogram(grid_centres(5), np.ones(25), 0)
    assert fit.smooth_share == 0
