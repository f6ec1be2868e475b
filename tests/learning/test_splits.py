"""Splits: nothing that is shared stands on both sides."""

import re

import numpy as np
import pandas as pd
import pytest

from split_cells import make_cells, with_some_without_income
from timing import cpu_seconds
from urbancam.learning import splits, usable_cells
from urbancam.learning.leakage import in_several_roles
from urbancam.scoring import targets
from urbancam.tables import grid
from urbancam.workflow.errors import InputError
from urbancam.workflow.settings import settings


@pytest.fixture
def samples() -> pd.DataFrame:
    split = settings.load("default", ["split.block_m=1000"]).split
    return splits.add_folds(make_cells(), split, seed=0)


def test_groups_are_never_divided_between_blocks(samples):
    blocks = samples.groupby("group")["block"].nunique()
    assert len(blocks)
    assert (blocks == 1).all()


def test_group_goes_to_the_block_that_holds_most_of_it():
    ids = pd.Series([grid.cell_id(3_600_000 + 200 * i, 2_800_000, 200) for i in (3, 4, 5)])
    got = splits.assign_blocks(ids, pd.Series([7, 7, 7]), 1000)
    assert got.tolist() == ["N2800000E3600000"] * 3


def test_group_that_two_blocks_hold_alike_goes_to_the_one_that_sorts_first():
    ids = pd.Series([grid.cell_id(3_600_000 + 200 * i, 2_800_000, 200) for i in (5, 4)])
    got = splits.assign_blocks(ids, pd.Series([7, 7]), 1000)
    assert got.tolist() == ["N2800000E3600000"] * 2


@pytest.mark.slow
def test_many_groups_take_little_longer_than_none():
    n = 4000
    ids = pd.Series([grid.cell_id(3_600_000 + 200 * i, 2_800_000, 200) for i in range(n)])
    groups = pd.Series([f"group {i // 2}" for i in range(n)])

    def seconds(of_cells: pd.Series) -> float:
        """The least of three times."""
        times = []
        for _ in range(3):
            started = cpu_seconds()
            splits.assign_blocks(ids, of_cells, 1000)
            times.append(cpu_seconds() - started)
        return min(times)

    # One group after the other they took nineteen times as long.
    assert seconds(groups) < 10 * seconds(groups.where(groups == "group 0")) + 0.05


@pytest.mark.parametrize("fold", range(5))
def test_t11_block_split_shares_no_cell_group_or_block(samples, fold):
    role = splits.roles(samples, fold, "block", 0.25, seed=0)
    assert set(role) == {"train", "validation", "test"}
    for key in ("idINSPIRE", "group", "block"):
        assert not in_several_roles(samples, role, key)


def test_t11_random_split_is_shown_to_leak():
    split = settings.load("paper").split
    samples = splits.add_folds(make_cells(), split, seed=0)
    role = splits.roles(samples, 0, "random", 0.25, seed=0)
    assert not in_several_roles(samples, role, "idINSPIRE")
    assert in_several_roles(samples, role, "group")
    assert in_several_roles(samples, role, "block")


def test_random_validation_is_a_quarter_of_the_rest(samples):
    role = splits.roles(samples, 1, "random", 0.25, seed=0)
    assert (role == "validation").sum() == int(0.25 * (samples["fold"] != 1).sum())


def fly(samples: pd.DataFrame, *years: float) -> pd.DataFrame:
    """The samples from west to east, each part of them taken in one of these years."""
    east = samples["idINSPIRE"].str.rpartition("E")[2].astype(int).rank(method="first")
    part = ((east - 1) * len(years) // len(samples)).astype(int)
    return samples.assign(campaign_year=np.array(years, dtype=float)[part])


def test_campaigns_are_left_out_whole(samples):
    flown = fly(samples, 2012, 2014, 2014)
    fold = splits.assign_folds(flown, "campaign", 5, seed=0)
    assert pd.crosstab(flown["campaign_year"], fold).to_numpy().tolist() == [[0, 134], [266, 0]]
    role = splits.roles(flown.assign(fold=fold), 1, "campaign", 0.25, seed=0)
    assert set(flown["campaign_year"][role == "test"]) == {2012}
    assert {"train", "validation"} == set(role[flown["campaign_year"] == 2014])


@pytest.mark.parametrize(
    ("years", "expected"),
    [((2014,), "no campaigns to leave out.*2014: 400 cells"), ((2012, np.nan), "is not known")],
)
def test_one_campaign_cannot_be_left_out(samples, years, expected):
    with pytest.raises(InputError, match=expected):
        splits.assign_folds(fly(samples, *years), "campaign", 5, seed=0)


@pytest.mark.parametrize("fraction", [0.15, 0.25, 0.4, 0.6])
def test_validation_fraction_is_obeyed(samples, fraction):
    role = splits.roles(samples, 0, "block", fraction, seed=0)
    got = (role == "validation").sum() / (role != "test").sum()
    assert got == pytest.approx(fraction, abs=0.07)


def test_every_cell_is_tested_once_and_classes_spread(samples):
    assert sorted(samples["fold"].unique()) == [0, 1, 2, 3, 4]
    assert pd.crosstab(samples["fold"], samples["income_class"]).to_numpy().min() > 0


def test_roles_repeat_with_the_seed(samples):
    first = splits.roles(samples, 2, "block", 0.25, seed=3)
    again = splits.roles(samples, 2, "block", 0.25, seed=3)
    assert (first == again).all()


def test_fewer_blocks_than_folds_is_named():
    split = settings.load("default", ["split.block_m=10000"]).split
    with pytest.raises(InputError, match=r"block units of 400 usable cells cannot fill 5 folds"):
        splits.add_folds(make_cells(), split, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize(("method", "folds"), [("block", 30), ("group", 500), ("random", 401)])
def test_advice_for_too_many_folds_can_be_followed(method, folds):
    cells = make_cells()
    split = settings.load("default", [f"split.method={method}", f"split.folds={folds}"]).split
    with pytest.raises(InputError) as caught:
        splits.add_folds(cells, split, seed=0)
    possible = int(re.search(r"at most (\d+) folds", caught.value.do)[1])
    fewer = split.model_copy(update={"folds": possible})
    assert splits.add_folds(cells, fewer, seed=0)["fold"].nunique() == possible
    assert ("smaller blocks" in caught.value.do) == (method == "block")


def test_city_left_out_is_tested_whole(samples):
    left_out = samples.assign(fold=splits.assign_folds(samples, "city", 5, seed=0))
    assert set(splits.roles(left_out, 0, "city", 0.25, seed=0)) == {"test"}


def test_cities_learned_from_are_divided_by_whole_blocks(samples):
    role = splits.roles(samples, None, "city", 0.25, seed=0)
    assert set(role) == {"train", "validation"}
    assert not in_several_roles(samples, role, "block")
    assert (role == "validation").mean() == pytest.approx(0.25, abs=0.08)


def test_cells_without_income_change_nothing_for_the_others():
    cells, images = with_some_without_income()
    with_them = make_samples(cells, images)
    got = with_them[with_them["used"]].reset_index(drop=True)
    expected = make_samples(cells[cells["value"].notna()], images)
    pd.testing.assert_frame_equal(got, expected)


def make_samples(cells: pd.DataFrame, images: pd.DataFrame) -> pd.DataFrame:
    split = settings.load("default", ["split.block_m=1000"]).split
    table = usable_cells.choose(cells, images, 0.01)
    table = targets.add_classes(table, targets.TARGETS["income"])
    return splits.add_folds(table, split, seed=0)


def test_few_uneven_blocks_still_leave_a_validation_part():
    """Dealt to as many parts as there are blocks, a part stays empty (of real cells of Poznan)."""
    classes = "3322 44 2212 2222 2313 3032 00 30 3333 0202 2222 2222 3400 4000 1044 4444 4444"
    pairs = [(f"b{k}", int(digit)) for k, word in enumerate(classes.split()) for digit in word]
    city = pd.DataFrame(pairs, columns=["block", "income_class"]).assign(group=pd.NA, fold=0)
    city["idINSPIRE"] = [grid.cell_id(200 * k, 0, 200) for k in range(len(city))]
    for seed in range(10):
        role = splits.roles(city, None, "block", 0.25, seed)
        assert 0.1 < (role == "validation").mean() < 0.4
        assert not in_several_roles(city, role, "block")
