"""Adjusted effects: least squares on shares, on a known rule; coverage and level by simulation."""

import numpy as np
import pandas as pd
import pytest

from land_cover_cities import random_city
from urbancam.explaining.landcover.adjusted import adjusted_effect, adjusted_effects
from urbancam.scoring import bootstrap
from urbancam.workflow.settings import settings

STATISTICS = settings.load("default").statistics
EFFECTS = np.array([0.0, 2.0, 0.0, -1.0, 0.0])
CELLS, CELLS_A_BLOCK = 480, 8


def make_cells(random: np.random.Generator) -> dict[str, np.ndarray]:
    """Cells whose inert third class goes where the second, which pays, is; a tenth is uncovered."""
    shares = random.dirichlet([1, 1, 1, 1, 1.5], CELLS)
    together = (shares[:, 1] + shares[:, 2])[:, None]
    shares[:, 1:3] = together * [0.5, 0.5] + 0.2 * (shares[:, 1:3] - together / 2)
    blocks = np.arange(CELLS) // CELLS_A_BLOCK
    folds = blocks % 4
    density = 3 * shares[:, 1] + random.normal(size=CELLS)
    return {"shares": 0.9 * shares, "folds": folds, "density": density, "blocks": blocks}


def outcome_of(cells: dict[str, np.ndarray], random: np.random.Generator) -> np.ndarray:
    """The rule, with an offset in each fold, and noise that the cells of a block share in part."""
    noise = random.normal(size=CELLS) + random.normal(size=CELLS)[cells["blocks"]]
    rule = cells["shares"] @ EFFECTS + 0.5 * cells["density"] + cells["folds"]
    return rule + 0.3 * noise


def test_rule_without_noise_is_had_back():
    cells = make_cells(np.random.default_rng(0))
    outcome = cells["shares"] @ EFFECTS + 0.5 * cells["density"] + cells["folds"]
    got = adjusted_effects(outcome=outcome, reference=0, draws=20, **cells)
    assert got.value == pytest.approx(EFFECTS)
    assert got.draws[:, 1:] == pytest.approx(np.tile(EFFECTS[1:], (20, 1)))


def test_draw_is_the_regression_on_the_cells_of_its_blocks():
    random = np.random.default_rng(1)
    cells = make_cells(random)
    outcome = outcome_of(cells, random)
    got = adjusted_effects(outcome=outcome, reference=2, draws=3, seed=5, **cells)
    for draw, counts in enumerate(bootstrap.block_draws(cells["blocks"], 3, 5)):
        times = np.rint(counts * (1 - 1 / len(counts))).astype(int)  # a whole number of each
        chosen = np.repeat(np.arange(CELLS), times[cells["blocks"]])
        again = {name: values[chosen] for name, values in cells.items()}
        expected = adjusted_effects(outcome=outcome[chosen], reference=2, draws=2, **again)
        assert got.draws[draw, [0, 1, 3, 4]] == pytest.approx(expected.value[[0, 1, 3, 4]])


def test_another_reference_shifts_all_effects_alike():
    random = np.random.default_rng(2)
    cells = make_cells(random)
    outcome = outcome_of(cells, random)
    first, second = (
        adjusted_effects(outcome=outcome, reference=reference, draws=2, **cells).value
        for reference in (0, 3)
    )
    assert second == pytest.approx(first - first[3])


def test_density_that_is_the_outcome_is_not_held():
    cells = make_cells(np.random.default_rng(4))
    # The denser for one class, and nothing else.
    cells["density"] = cells["shares"] @ EFFECTS
    held = adjusted_effects(outcome=cells["density"], reference=0, draws=2, **cells)
    free = adjusted_effects(
        outcome=cells["density"], reference=0, draws=2, **cells | {"density": None}
    )
    assert abs(held.value[1]) < 1 and free.value == pytest.approx(EFFECTS)


@pytest.mark.parametrize("held", ["density; fold", "fold"])
def test_table_says_what_is_held(held):
    city = random_city()
    city.predictions["fold"] = 0
    logit = pd.Series(0.0, index=city.predictions.index)
    people = logit + 10 if held.startswith("density") else None
    assert (adjusted_effect(city, {"logit": logit}, people)["held"] == held).all()


def test_class_of_one_block_is_unknown_in_draws_without_it():
    random = np.random.default_rng(3)
    cells = make_cells(random)
    cells["shares"][CELLS_A_BLOCK:, 4] = 0
    got = adjusted_effects(outcome=outcome_of(cells, random), reference=0, draws=50, **cells)
    counts = bootstrap.block_draws(cells["blocks"], 50, 0)
    assert np.array_equal(np.isnan(got.draws[:, 4]), counts[:, 0] == 0)
    assert np.isnan(got.interval(STATISTICS)[:, [0, 4]]).all()  # the reference has none either


@pytest.mark.slow
def test_intervals_hold_the_rule_and_inert_classes_are_left_alone():
    repetitions = 200
    held = np.zeros((repetitions, 4))
    found = np.zeros((repetitions, 4))
    for repetition in range(repetitions):
        random = np.random.default_rng(repetition)
        cells = make_cells(random)
        outcome = outcome_of(cells, random)
        estimate = adjusted_effects(outcome=outcome, reference=0, draws=200, **cells)
        low, high = estimate.interval(STATISTICS)
        held[repetition] = ((low <= EFFECTS) & (EFFECTS <= high))[1:]
        found[repetition] = (estimate.p_value(0, STATISTICS) <= 0.05)[1:]
    # 1000 repetitions of 400 draws gave .934, .06 and .99: 60 blocks are not many.
    assert held.mean() >= 0.92
    assert found[:, [1, 3]].mean() <= 0.09  # of inert classes, 400 tests
    assert found[:, [0, 2]].mean() >= 0.9  # of classes with an effect
