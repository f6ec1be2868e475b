"""Quintiles (golden test T1), of incomes or of people, and classes drawn anew."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from urbancam.scoring import targets
from urbancam.workflow.errors import InputError


def make_table() -> pd.DataFrame:
    """20 cells, every fourth not used; where more people live, incomes are lower."""
    number = np.arange(20)
    columns = {
        "used": number % 4 != 0,
        "value": 10_000.0 + number,
        "ind": 500.0 - number,
    }
    return pd.DataFrame(columns)


def published_classes(income):
    """The published rule, step by step (published-systems.md, 3.1)."""
    thresholds = [np.percentile(income, q) for q in (0, 20, 40, 60, 80, 100)]
    digit = np.digitize(income, thresholds)
    digit[digit == digit.max()] = 5
    return digit - 1


def test_quintiles_of_one_to_ten():
    assert targets.quintiles(np.arange(1, 11)).tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


def test_income_equal_to_a_threshold_goes_up():
    assert targets.quintiles(np.arange(6.0)).tolist() == [0, 1, 2, 3, 4, 4]  # thresholds 1, 2, 3, 4


def test_ties_at_the_minimum_leave_classes_empty():
    assert set(targets.quintiles([1, 1, 1, 1, 1, 1, 2, 3, 4, 5])) == {2, 3, 4}


def test_equal_incomes_are_all_of_class_4():
    assert targets.quintiles([5.0] * 7).tolist() == [4] * 7


def test_greatest_income_is_of_class_4():
    assert targets.quintiles([3.0]).tolist() == [4]
    assert targets.quintiles([]).tolist() == []


TIED = st.integers(0, 5).map(float)
UNTIED = st.floats(-1e6, 1e6)


@given(st.lists(st.one_of(TIED, UNTIED), min_size=1, max_size=60))
def test_quintiles_are_those_of_the_published_rule(income):
    np.testing.assert_array_equal(targets.quintiles(income), published_classes(income))


def test_income_that_is_no_number_is_a_bug_of_ours():
    with pytest.raises(ValueError, match="finite"):
        targets.quintiles([1.0, np.nan])


@pytest.mark.parametrize(("target", "expected"), [("income", [0, 4]), ("density", [4, 0])])
def test_classes_are_quintiles_of_the_target_among_the_used(target, expected):
    got = targets.add_classes(make_table(), targets.TARGETS[target])
    assert got["income_class"].notna().tolist() == got["used"].tolist()
    assert got["income_class"].iloc[[1, 19]].tolist() == expected
    assert got["income_class"].value_counts().tolist() == [3] * 5


@pytest.mark.parametrize(("target", "value"), [("income", "12,345 EUR"), ("density", "7 people")])
def test_tied_quintiles_are_named(target, value):
    tied = make_table().assign(value=12_345.0, ind=7.0)
    message = rf"quintiles \[0, 1, 2, 3\] of 15 cells are empty; 15 cells have {value}"
    with pytest.raises(InputError, match=message):
        targets.add_classes(tied, targets.TARGETS[target])


def make_census(n: int) -> pd.DataFrame:
    """A country in which a hundred people a cell earn 1, 2 ... thousand EUR each."""
    income = 1000.0 * np.arange(1, n + 1)
    return pd.DataFrame({"ind": 100.0, "ind_snv": 100 * income})


def test_national_thresholds_are_the_country_s_whatever_the_city_holds():
    income = targets.TARGETS["income"]
    thresholds = targets.national_thresholds(make_census(101), income)
    assert thresholds.tolist() == [21_000, 41_000, 61_000, 81_000]
    city = make_table().assign(value=np.linspace(30_000, 100_000, 20))
    got = targets.add_classes(city, income, thresholds)
    expected = city["value"].map(lambda value: sum(value >= step for step in thresholds))
    assert got["income_class"].dropna().tolist() == expected[city["used"]].tolist()
    assert set(got["income_class"].dropna()) == {1, 2, 3, 4}  # nobody is among the poorest fifth


def test_a_city_of_one_national_class_is_refused():
    income = targets.TARGETS["income"]
    thresholds = targets.national_thresholds(make_census(101), income)
    with pytest.raises(InputError, match="all 15 cells are of class 0 .* 21,000, 41,000"):
        targets.add_classes(make_table(), income, thresholds)


def test_shuffled_classes_are_the_same_ones_on_other_cells():
    table = targets.add_classes(make_table(), targets.TARGETS["income"])
    got = targets.shuffle_classes(table, seed=0)
    classes = got["income_class"]
    assert classes.notna().tolist() == got["used"].tolist()
    assert sorted(classes.dropna()) == sorted(table["income_class"].dropna())
    assert not classes.equals(table["income_class"])


def test_shuffled_classes_leave_all_else_as_it_was():
    table = targets.add_classes(make_table(), targets.TARGETS["income"])
    got = targets.shuffle_classes(table, seed=0)
    pd.testing.assert_frame_equal(
        got.drop(columns="income_class"),
        table.drop(columns="income_class"),
    )


def test_shuffled_classes_repeat_with_the_seed():
    table = targets.add_classes(make_table(), targets.TARGETS["income"])
    first = targets.shuffle_classes(table, seed=3)
    assert first.equals(targets.shuffle_classes(table, seed=3))
    assert not first.equals(targets.shuffle_classes(table, seed=4))
