"""The order of the classes, as it is read and as it is observed."""

import numpy as np
import pytest
from scipy import stats

from land_cover_cities import SETTINGS, cells_of_draw, random_city
from urbancam.explaining.landcover import observed, ordering
from urbancam.explaining.landcover.observed import class_income, observed_association
from urbancam.scoring.bootstrap import Estimate

STATISTICS = SETTINGS.statistics


def test_ordering_is_the_rank_correlation_of_the_tables(mixed):
    table = ordering.ordering_agreement(mixed).set_index(["measure", "observed"])
    ratios = mixed.activation_ratio().set_index(["side", "class"])["ratio"]
    measures = {
        "activation_contrast": mixed.contrast()["log_ratio"],
        "rich ratio": ratios["rich"],
        "contribution": mixed.contribution_by_class()["value"],
        "poor ratio": ratios["poor"],
    }
    probability = observed_association(mixed).set_index(["side", "class"])["probability"]
    incomes = {
        "mean income": class_income(mixed)["mean_income_eur"],
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
    income = mixed.predictions["income_eur"].to_numpy()[rows]
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
    table = ordering.ordering_agreement(city).set_index("measure")
    assert table.loc["rich ratio", "spearman"].isna().all()
    assert (table.loc["rich ratio", "n_classes"] == 0).all()
    assert table.loc["contribution", "spearman"].notna().all()
