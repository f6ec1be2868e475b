"""The linear unit on frozen features: its minimum, its folding back, and what it finds."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from urbancam.learning.models import linear_unit


def test_weights_lie_at_the_minimum_of_the_loss():
    random = np.random.default_rng(0)
    x = random.normal(size=(200, 3))
    shares = random.integers(0, 5, 200) / 4

    def loss(coefficients: np.ndarray) -> float:
        z = coefficients[0] + x @ coefficients[1:]
        penalty = 0.05 * (coefficients[1:] ** 2).sum() / 2
        return (np.logaddexp(0, z) - shares * z).mean() + penalty

    expected = minimize(loss, np.zeros(4), tol=1e-12).x
    weights, bias = linear_unit.fit_weights(x, shares, 0.05)
    assert [bias, *weights] == pytest.approx(expected, abs=1e-4)


def test_separable_classes_have_finite_weights():
    x = np.linspace(-1, 1, 50)[:, None]
    weights, _ = linear_unit.fit_weights(x, (x[:, 0] > 0).astype(float), 1e-3)
    assert np.isfinite(weights).all() and weights[0] > 0


def test_components_are_uncorrelated_of_sizes_that_fall_and_fewer_where_features_are():
    random = np.random.default_rng(1)
    features = random.normal(size=(300, 2)) @ random.normal(size=(2, 6)) + 5
    features = np.column_stack([features, np.full(300, 7.0)])
    components = linear_unit.find_components(features, 4)
    got = components.of(features)
    assert got.shape == (300, 2) and components.axes[-1].tolist() == [0, 0]
    covariance = np.cov(got.T, bias=True)
    assert covariance[0] == pytest.approx([1, 0], abs=1e-8) and 0 < covariance[1, 1] < 1


def test_unit_on_channels_says_what_was_fitted_and_finds_a_linear_rule():
    random = np.random.default_rng(2)
    features = random.normal(size=(2000, 12)) * np.arange(1, 13) + 3
    rule = random.normal(size=12) / np.arange(1, 13)
    logits = (features - 3) @ rule
    classes = random.binomial(4, expit(logits))
    role = np.where(np.arange(2000) % 4 == 0, "test", "train").astype("<U10")
    role[1::8] = "validation"
    components = linear_unit.find_components(features[role == "train"])
    unit = linear_unit.fit_unit(components, features, classes, role)
    tested = role == "test"
    assert np.corrcoef(unit.logits(features)[tested], logits[tested])[0, 1] > 0.98
    assert unit.weight == pytest.approx(rule, abs=0.1)
