"""What the incomes say of the classes, against counts and weighted means."""

import numpy as np
import pandas as pd
import pytest

from land_cover_cities import CELL_AREA_M2, green_sliver_in_half, make_city, random_city
from urbancam.explaining.landcover.observed import (
    class_by_quintile,
    class_income,
    observed_association,
)
from urbancam.scoring import bootstrap


def test_observed_association_counts_cells(city):
    table = observed_association(city).set_index(["side", "class"])
    assert table.loc[("poor", "roads"), "probability"] == pytest.approx(0.4)
    assert table.loc[("poor", "roads"), "base_rate"] == pytest.approx(0.4)


def test_slivers_are_no_presence_for_the_incomes():
    city = make_city(change=green_sliver_in_half)
    association = observed_association(city).set_index("class")
    assert association.loc["green ua", "n_cells"].tolist() == [30, 30]
    assert class_income(city).set_index("class").loc["green ua", "n_cells"] == 30


def test_association_by_area_weighs_the_classes_area(mixed):
    table = observed_association(mixed).set_index(["side", "class"])
    rich = mixed.predictions["income_class"].isin([3, 4]).to_numpy()
    area = mixed.area[:, 2]
    row = table.loc[("rich", mixed.classes[2])]
    assert row["probability_by_area"] == pytest.approx(area[rich].sum() / area.sum())
    assert row["base_rate_by_area"] == pytest.approx(mixed.area[rich].sum() / mixed.area.sum())
    assert (
        row["probability_by_area_ci_low"]
        < row["probability_by_area"]
        < row["probability_by_area_ci_high"]
    )


def test_class_that_every_cell_holds_is_at_the_base_rate_in_every_draw(city):
    table = observed_association(city)
    assert (table["p_value"] == 1).all()
    assert np.allclose(table["probability"], table["base_rate"])


def test_base_rate_is_drawn_along(mixed):
    poor = mixed.predictions["income_class"].isin([0, 1]).to_numpy()
    present = mixed.present[:, 1]
    above = []
    for counts in mixed.counts:
        weight = counts[mixed.block_numbers]
        probability = weight @ (poor & present) / (weight @ present)
        base_rate = weight @ poor / weight.sum()
        above.append(probability - base_rate)
    cells_by_block = bootstrap.block_sums(present, mixed.block_numbers, mixed.n_blocks)
    blocks = bootstrap.effective_blocks(cells_by_block)
    expected = bootstrap.p_value(np.array(above), 0, blocks)
    table = observed_association(mixed).set_index(["side", "class"])
    assert table.loc[("poor", mixed.classes[1]), "p_value"] == pytest.approx(expected)
    assert expected < 1


def test_class_income_is_weighted_by_area(mixed):
    income = mixed.predictions["value"].to_numpy()
    area = mixed.area[:, 3]
    row = class_income(mixed).set_index("class").loc[mixed.classes[3]]
    assert row["mean_value"] == pytest.approx((income * area).sum() / area.sum())
    assert row["area_m2"] == pytest.approx(area.sum() * CELL_AREA_M2)
    assert row["ci_low"] < row["mean_value"]


def test_cells_of_a_class_are_counted_and_shared_by_quintile(mixed):
    table = class_by_quintile(mixed)
    rows = table[table["class"] == mixed.classes[3]]
    income_classes = mixed.predictions["income_class"][mixed.present[:, 3]]
    expected = np.bincount(income_classes, minlength=5)
    assert rows["quintile"].tolist() == [0, 1, 2, 3, 4]
    assert rows["n_cells"].tolist() == expected.tolist()
    assert rows["share"].tolist() == pytest.approx((expected / expected.sum()).tolist())
    some = rows[rows["share"] > 0]
    assert (some["ci_low"] < some["share"]).all()
    assert (some["share"] < some["ci_high"]).all()


def test_quintiles_are_of_income_whatever_the_target():
    city = random_city()
    expected = class_by_quintile(city)
    city.predictions["income_class"] = 4 - city.predictions["income_class"]
    pd.testing.assert_frame_equal(class_by_quintile(city), expected)
