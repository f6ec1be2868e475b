"""The order of the classes, as it is read and as it is observed."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from land_cover_cities import SETTINGS, cells_of_draw, random_city
from urbancam.explaining.landcover import observed, ordering, surrogates
from urbancam.explaining.landcover.city import LandCover
from urbancam.explaining.landcover.observed import class_income, observed_association
from urbancam.scoring import fields
from urbancam.scoring.bootstrap import Estimate
from urbancam.tables import grid

STATISTICS = SETTINGS.statistics


def no_surrogates(city: LandCover) -> np.ndarray:
    return np.empty((0, len(city.predictions)), dtype=int)


def test_ordering_is_the_rank_correlation_of_the_tables(mixed):
    table = ordering.ordering_agreement(mixed, no_surrogates(mixed))
    table = table.set_index(["measure", "observed"])
    assert table["p_value_surrogate"].isna().all()
    ratios = mixed.activation_ratio().set_index(["side", "class"])["ratio"]
    measures = {
        "activation_contrast": mixed.contrast()["log_ratio"],
        "rich ratio": ratios["rich"],
        "contribution": mixed.contribution_by_class()["value"],
        "poor ratio": ratios["poor"],
    }
    probability = observed_association(mixed).set_index(["side", "class"])["probability"]
    incomes = {
        "mean income": class_income(mixed)["mean_value"],
        "log odds rich/poor": np.log(probability["rich"] / probability["poor"]),
    }
    assert len(table) == 8
    assert (table["n_classes"] == 6).all()
    for measure, income in table.index:
        expected = stats.spearmanr(measures[measure], incomes[income]).statistic
        assert table.loc[(measure, income), "spearman"] == pytest.approx(expected)


def test_ordering_draws_both_sides_on_the_same_blocks(mixed):
    rows = cells_of_draw(mixed, 7, mixed.block_numbers)
    area = mixed.area[rows]
    income = mixed.predictions["value"].to_numpy()[rows]
    got_income = observed.mean_income(mixed).draws[7]
    assert got_income == pytest.approx((area * income[:, None]).sum(0) / area.sum(0))

    contribution = mixed.contribution[rows]
    mean = contribution.sum() / area.sum()
    got_contribution = mixed.area_contribution().draws[7]
    assert got_contribution == pytest.approx(contribution.sum(0) / area.sum(0) - mean)


def test_alike_orders_agree_and_noise_does_not():
    values = np.arange(12.0)
    draws = values + np.random.default_rng(0).normal(0, 0.5, (400, 12))
    noise = np.random.default_rng(1).normal(size=(400, 12))
    blocks = np.full(12, 30)
    order = Estimate(values, draws, blocks)
    disorder = Estimate(noise[0], noise, blocks)

    alike = ordering.rank_agreement(order, order, STATISTICS)
    assert alike["spearman"] == 1
    assert alike["ci_low"] > 0.9
    assert alike["p_value"] < 0.01
    apart = ordering.rank_agreement(order, disorder, STATISTICS)
    assert apart["ci_low"] < 0 < apart["ci_high"]
    assert apart["p_value"] > 0.1


def test_classes_in_few_blocks_are_left_out_of_the_order():
    random = np.random.default_rng(0)

    def estimate(blocks: list[int]) -> Estimate:
        value = random.normal(size=5)
        return Estimate(value, random.normal(size=(200, 5)), np.array(blocks))

    first = estimate([30, 30, 30, 30, 2])
    second = estimate([2, 30, 30, 30, 30])
    got = ordering.rank_agreement(first, second, STATISTICS)
    expected = stats.spearmanr(first.value[1:4], second.value[1:4]).statistic
    assert got["n_classes"] == 3
    assert got["spearman"] == pytest.approx(expected)


def test_side_without_cells_has_no_order():
    city = random_city()
    city.predictions["predicted_class"] = 2
    table = ordering.ordering_agreement(city, no_surrogates(city)).set_index("measure")
    assert table.loc["rich ratio", "spearman"].isna().all()
    assert (table.loc["rich ratio", "n_classes"] == 0).all()
    assert table.loc["contribution", "spearman"].notna().all()


@pytest.mark.parametrize(("n_classes", "expected"), [(3, 2 / 6), (4, 2 / 24), (5, 2 / 120)])
def test_p_value_of_few_classes_is_exact(n_classes, expected):
    order = np.arange(n_classes)
    assert ordering.permutation_p_value(order, order**2) == pytest.approx(expected)
    assert ordering.permutation_p_value(order, -order) == pytest.approx(expected)


def test_p_value_of_many_classes_is_students_to_a_good_approximation():
    x, y = np.random.default_rng(3).normal(size=(2, 14))
    expected = stats.spearmanr(x, y).pvalue
    assert 0.05 < expected < 0.95
    assert ordering.permutation_p_value(x, y) == pytest.approx(expected, abs=0.015)


@pytest.mark.slow
@pytest.mark.parametrize("n_classes", [6, 16])
def test_independent_orders_of_classes_are_told_apart_no_more_than_5_percent_say(n_classes):
    # Both orders are known nearly exactly, as in a whole city: only the classes are few.
    random = np.random.default_rng(0)
    hits = 0
    for _ in range(400):
        values = random.normal(size=(2, n_classes))
        draws = values[:, None] + 0.05 * random.normal(size=(2, 200, n_classes))
        blocks = np.full(n_classes, 30)
        read, income = (Estimate(*pair, blocks) for pair in zip(values, draws, strict=True))
        hits += ordering.rank_agreement(read, income, STATISTICS)["p_value"] <= 0.05
    assert hits / 400 <= 0.05 + 0.022  # two standard errors; the bootstrap said .59 to .86


@pytest.mark.slow
def test_incomes_that_know_nothing_of_land_cover_are_told_apart_no_more_than_5_percent_say(
    monkeypatch,
):
    # Land cover, what is read and incomes are smooth, and each drawn without the others.
    monkeypatch.setattr(surrogates, "SURROGATES", 39)
    random = np.random.default_rng(0)
    p_values = [independent_city(random) for _ in range(60)]
    assert np.mean(np.array(p_values) <= 0.05) <= 0.05 + 0.056  # two standard errors


def independent_city(random: np.random.Generator) -> float:
    """The p-value by surrogates of a city of 18 x 18 cells."""
    column, row = np.divmod(np.arange(18 * 18), 18)
    ids = pd.Series([grid.cell_id(200 * x, 200 * y, 200) for x, y in zip(column, row, strict=True)])
    centres = grid.centres(ids)

    def smooth() -> np.ndarray:
        return fields.draw_field(centres, 600, random, waves=200)

    area = np.exp(2 * np.array([smooth() for _ in range(8)])).T
    area /= area.sum(1, keepdims=True)
    income = smooth()
    # Known nearly exactly, so that every class has an interval.
    read, observed_income = (
        Estimate(value, value + random.normal(0, 1e-3, (50, 8)), np.full(8, 30))
        for value in (values @ area / area.sum(0) for values in (smooth(), income))
    )
    by_chance = surrogates.draw_surrogates(centres, income, seed=0)
    orders = income[by_chance] @ area / area.sum(0)
    return ordering.surrogate_p_value(read, observed_income, orders, STATISTICS)
