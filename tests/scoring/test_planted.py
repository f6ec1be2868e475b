"""Planted incomes: the rule is in them, at the size that is asked for, and is the seed's own."""

import numpy as np
import pandas as pd
import pytest

from urbancam.scoring import planted
from urbancam.workflow.errors import InputError
from urbancam.workflow.settings import settings

SECTION = settings.load("default").planted
CLASSES = [f"class {number}" for number in range(8)]
N = 900


def make_shares(seed: int = 0) -> pd.DataFrame:
    """Cells of eight classes, the last of which only a handful of cells hold."""
    random = np.random.default_rng(seed)
    shares = random.dirichlet([2, 1, 1, 0.7, 0.7, 0.5, 0.5, 0.01], N)
    shares[shares < 0.02] = 0
    shares[:, -1] = np.where(np.arange(N) < 20, shares[:, -1], 0)
    return pd.DataFrame(shares, columns=CLASSES, index=[f"cell{i}" for i in range(N)])


def make_plant(number: int = 1, seed: int = 0, **changes) -> planted.Plant:
    centres = 200.0 * np.column_stack(np.divmod(np.arange(N), 30))
    value = np.exp(10 + 0.3 * np.random.default_rng(5).standard_normal(N))
    section = SECTION.model_copy(update=changes)
    return planted.plant(make_shares(), centres, value, section, seed, number)


def test_regression_on_shares_gives_the_effects_back():
    """Without the other parts, log income is linear in the shares: least squares knows the rule."""
    plant = make_plant(visible_share=1.0, smooth_share=0.0)
    design = np.column_stack([np.ones(N), make_shares().to_numpy()])
    log_income = np.log(plant.incomes["value"])
    coefficients = np.linalg.lstsq(design, log_income, rcond=None)[0][1:]
    effects = plant.effects["effect"].to_numpy()
    covered = make_shares().sum(axis=1)
    assert covered.std() > 0  # else effects are known only up to a constant
    assert coefficients == pytest.approx(effects, abs=1e-6)


def test_parts_have_the_shares_of_variance_that_are_asked_for():
    plant = make_plant(visible_share=0.5, smooth_share=0.3)
    variance = plant.incomes[planted.PARTS].var(ddof=0)
    assert (variance / variance.sum()).tolist() == pytest.approx([0.5, 0.3, 0.2])
    assert variance.sum() == pytest.approx(0.09, rel=0.1)  # of the city's own log incomes
    assert plant.effects["variance_share"].sum() == pytest.approx(0.5)


def test_an_inert_square_metre_is_worth_the_citys_mean():
    plant = make_plant(classes=4)
    effects = plant.effects["effect"].to_numpy()
    assert (effects > 0).sum() == (effects < 0).sum() == 2
    assert make_shares().mean().to_numpy() @ effects == pytest.approx(0)


def test_few_classes_need_an_effect_far_beyond_the_others():
    """Of rare and common classes: in at most 2 of 20 rules a part is over four times another."""
    area = np.random.default_rng(0).dirichlet([4, 3, 2, 0.3, 0.2, 0.1], N)
    ratios = []
    for seed in range(20):
        effects = planted.draw_effects(area, 2, np.random.default_rng(seed))
        parts = abs(effects * area.std(axis=0))
        ratios.append(parts.max() / parts[parts > 0].min())
    assert sum(ratio > 4 for ratio in ratios) <= 2


def test_what_few_cells_hold_stays_inert():
    for number in range(1, 20):
        effects = make_plant(number, classes=8).effects
        assert (effects["effect"] != 0).tolist() == [True] * 7 + [False]


def test_rules_are_the_seeds_and_numbers_own():
    first, again = make_plant(1, seed=3), make_plant(1, seed=3)
    pd.testing.assert_frame_equal(first.incomes, again.incomes)
    others = [make_plant(2, seed=3), make_plant(1, seed=4)]
    for other in others:
        assert abs(np.corrcoef(first.incomes["unseen"], other.incomes["unseen"])[0, 1]) < 0.15
    drawn = {tuple(make_plant(number).effects["effect"] != 0) for number in range(1, 9)}
    assert len(drawn) > 3


def test_planted_classes_are_quintiles_and_leave_the_folds_alone():
    incomes = make_plant().incomes
    samples = pd.DataFrame({"idINSPIRE": incomes["idINSPIRE"], "used": True, "fold": 1})
    unused = pd.DataFrame({"idINSPIRE": ["other"], "used": False})
    samples = pd.concat([unused, samples.assign(income_class=0)], ignore_index=True)
    got = planted.planted_classes(samples, incomes)
    assert got["income_class"].value_counts().to_dict() == dict.fromkeys(range(5), N // 5)
    assert got.drop(columns="income_class").equals(samples.drop(columns="income_class"))
    richest = incomes["value"].idxmax()
    assert got["income_class"][richest + 1] == 4


@pytest.mark.parametrize(("shares", "value"), [(np.ones((9, 1)), 1.0), (np.eye(9), 0.0)])
def test_a_city_without_a_rule_to_plant_is_refused(shares, value):
    incomes = np.linspace(1, 1 + value, 9)
    centres = np.column_stack([np.arange(9), np.arange(9)])
    with pytest.raises(InputError, match=r"a rule needs two|do not differ"):
        planted.plant(pd.DataFrame(shares), centres, incomes, SECTION, 0, 1)


def test_rules_are_planted_on_any_numbers():
    """Changes, shares, differences: values of a file have a logarithm only once they are moved."""
    centres = 200.0 * np.column_stack([np.arange(N) % 20, np.arange(N) // 20])
    for values in (np.linspace(-1, 1, N), np.arange(N, dtype=float)):
        plant = planted.plant(make_shares(), centres, values, SECTION, 0, 1)
        assert (plant.incomes["value"] > 0).all() and np.isfinite(plant.range_m)
        assert np.isfinite(plant.effects["effect"]).all() and (plant.effects["effect"] != 0).any()


def test_shares_of_the_variance_cannot_be_more_than_all():
    with pytest.raises(InputError, match="add up to more than 1"):
        settings.load("default", ["planted.visible_share=0.7"])
