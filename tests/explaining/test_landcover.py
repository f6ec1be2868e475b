"""Statistics over fragments, against hand-computed cities."""

import string
import time
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from urbancam.explaining.landcover import city as city_module
from urbancam.explaining.landcover import observed, ordering, pairs
from urbancam.explaining.landcover.city import LandCover
from urbancam.explaining.landcover.observed import class_income, observed_association
from urbancam.explaining.landcover.pairs import coactivation, observed_coassociation
from urbancam.scoring import bootstrap
from urbancam.scoring.bootstrap import Estimate
from urbancam.workflow import settings

NAMES = {
    "green ua": "Green urban areas",
    "comr_indst": "Industry",
    "roads": "Roads",
    "port": "Ports",
}


def make_city(n: int = 60, gain: float = 3.0, change=lambda area, rich: None) -> LandCover:
    """Each cell holds green, industry and roads; the rich map is `gain` times denser on green, the poor on industry."""
    area = np.random.default_rng(0).dirichlet([2, 2, 2], n)
    rich, poor = area * [gain, 1, 1], area * [1, gain, 1]
    change(area, rich)
    ids = [f"cell{i:03d}" for i in range(n)]
    total = rich.sum(1, keepdims=True)
    rows = pd.DataFrame(
        {
            "idINSPIRE": np.repeat(ids, 3),
            "class": ["green ua", "comr_indst", "roads"] * n,
            "area_m2": area.ravel() * 40_000,
            "rich_share": np.divide(
                rich, total, out=np.full_like(rich, np.nan), where=total > 0
            ).ravel(),
            "poor_share": (poor / poor.sum(1, keepdims=True)).ravel(),
            "contribution": (area * [0.5, -0.5, 0]).ravel(),
        }
    )
    classes = np.arange(n) % 5
    predictions = pd.DataFrame(
        {
            "idINSPIRE": ids,
            "predicted_class": classes,
            "income_class": classes,
            "income_eur": 10_000.0 + 1000 * classes,
        }
    )
    blocks = pd.Series([f"block{i // 3}" for i in range(n)], index=ids)
    made = settings.load("default")
    return LandCover(
        rows[rows["area_m2"] > 0],
        predictions,
        blocks,
        NAMES,
        40_000,
        made.landcover,
        made.statistics,
        0,
    )


@pytest.fixture(scope="module")
def city() -> LandCover:
    return make_city()


def test_t5_area_times_ratio_is_one_in_every_cell():
    for seed in range(3):
        table = make_city(
            4, gain=2.0 + seed
        ).activation_ratio()  # predicted classes 0 to 3: one cell is rich
        one = table[table["side"] == "rich"]
        assert (one["ratio"] * one["area_share"]).sum() == pytest.approx(1)


def test_ratio_tells_the_class_the_map_lies_on(city):
    table = city.activation_ratio().set_index(["side", "class"])
    assert table.loc[("rich", "green ua"), "ci_low"] > 1.3
    assert table.loc[("rich", "comr_indst"), "ci_high"] < 1
    assert table.loc[("poor", "comr_indst"), "ratio"] > table.loc[("poor", "green ua"), "ratio"]


def test_area_weighted_ratios_are_one_over_the_side(city):
    table = city.activation_ratio()
    got = (table["ratio"] * table["area_share"]).groupby(table["side"]).sum()
    assert np.allclose(got, 1)


def test_ratio_is_the_ratio_of_sums_of_shares(city):
    side = city.side("rich")
    expected = side.activation[:, 1].sum() / side.area[:, 1].sum()
    table = city.activation_ratio().set_index(["side", "class"])
    assert table.loc[("rich", city.classes[1]), "ratio"] == pytest.approx(expected)


def test_only_cells_of_nearly_one_class_are_pure():
    def half_of_the_cells_all_green(area, rich):
        area[::2] = rich[::2] = [0.992, 0.004, 0.004]

    table = (
        make_city(change=half_of_the_cells_all_green)
        .activation_ratio()
        .set_index(["side", "class"])
    )
    assert table.loc["rich", "n_pure_cells"].tolist() == [12, 0, 0]


def test_contrast_separates_raising_lowering_and_inert(city):
    table = city.contrast().set_index("class")
    assert table.loc["green ua", "ci_low"] > 0 and table.loc["comr_indst", "ci_high"] < 0
    assert table.loc["roads", "ci_low"] < 0 < table.loc["roads", "ci_high"]


def test_quotient_is_held_by_the_blocks_of_the_rarer_and_undefined_without_either():
    value, draws = np.array([2.0, 1, 0]), np.ones((4, 3))
    common, rare = (Estimate(value, draws, np.array(blocks)) for blocks in ([9, 9, 9], [1, 9, 3]))
    for got in (city_module.log_quotient(common, rare), city_module.log_quotient(rare, common)):
        assert (
            got.blocks.tolist() == [1, 9, 3]
            and got.value[:2].tolist() == [0, 0]
            and np.isnan(got.value[2])
        )


def test_class_in_few_blocks_has_no_interval():
    def green_in_two_blocks(area, rich):
        area[6:, 0] = rich[6:, 0] = 0

    table = make_city(change=green_in_two_blocks).activation_ratio().set_index(["side", "class"])
    assert (
        np.isnan(table.loc[("rich", "green ua"), "ci_low"])
        and table.loc[("rich", "green ua"), "ratio"] > 1
    )
    assert np.isfinite(table.loc[("rich", "roads"), "ci_low"])


def test_half_covered_cells_contribute_per_area_as_whole_ones_do():
    def half_covered(area, rich):
        area[::2] /= 2

    got = make_city(change=half_covered).contribution_by_class().set_index("class")["value"]
    assert got["green ua"] - got["comr_indst"] == pytest.approx(1.0)


def test_code_without_a_name_keeps_its_number():
    city = make_city()
    rows = pd.DataFrame(
        {
            "idINSPIRE": city.predictions.index,
            "class": "14110",
            "area_m2": 40_000.0,
            "poor_share": 1.0,
            "rich_share": 1.0,
            "contribution": 0.1,
        }
    )
    made = settings.load("default")
    blocks = pd.Series("block", index=city.predictions.index)
    other = LandCover(
        rows,
        city.predictions.reset_index(),
        blocks,
        NAMES,
        40_000,
        made.landcover,
        made.statistics,
        0,
    )
    assert other.names == ["14110"] and other.activation_ratio()["n_pure_cells"].tolist() == [
        24,
        24,
    ]


def test_map_that_follows_area_gives_ratios_of_one():
    table = make_city(gain=1.0).activation_ratio()
    assert np.allclose(table["ratio"], 1) and np.allclose(table["ratio_cell_mean"], 1)


def test_contribution_is_above_the_mean_square_metre(city):
    table = city.contribution_by_class().set_index("class")["value"]
    assert table["green ua"] - table["comr_indst"] == pytest.approx(1.0)
    assert table["green ua"] - table["roads"] == pytest.approx(0.5)


def test_classes_that_are_not_in_the_city_are_left_out_and_order_is_kept(city):
    assert city.classes == ["green ua", "comr_indst", "roads"]


def test_t7_swapping_the_pair_swaps_the_statistic(city):
    table = coactivation(city).set_index(["side", "object", "neighbour"])["value"]
    side = city.side("rich")
    both = (side.area[:, 0] > 0) & (side.area[:, 1] > 0)
    for object_, neighbour in ((0, 1), (1, 0)):
        joint = side.activation[both, object_].sum() / side.area[both, object_].sum()
        alone = side.activation[:, object_].sum() / side.area[:, object_].sum()
        got = table["rich", city.classes[object_], city.classes[neighbour]]
        assert got == pytest.approx(joint / alone)


def test_neighbour_that_raises_the_object_is_found():
    def green_shines_beside_roads(area, rich):
        area[::2, 2] = rich[::2, 2] = 0  # roads stand in every other cell
        rich[1::2, 0] *= 4

    table = coactivation(make_city(200, change=green_shines_beside_roads))
    table = table.set_index(["side", "object", "neighbour"])
    assert table.loc[("rich", "green ua", "roads"), "ci_low"] > 1


def test_observed_association_counts_cells(city):
    table = observed_association(city).set_index(["side", "class"])
    assert table.loc[("poor", "roads"), "probability"] == pytest.approx(0.4)
    assert table.loc[("poor", "roads"), "base_rate"] == pytest.approx(0.4)


def test_cells_without_activation_are_left_out_of_their_side():
    def no_map(_area, rich):
        rich[3] = 0  # predicted class 3: it belonged to the rich side

    made = make_city(change=no_map)
    assert (
        len(made.side("rich").cells) == 23 and np.isfinite(made.activation_ratio()["ratio"]).all()
    )


def test_side_without_cells_gives_empty_rows_not_an_error(city):
    made = make_city()
    made.predictions["predicted_class"] = 2
    ratios = made.activation_ratio()
    assert (
        ratios["n_cells"].eq(0).all() and ratios["ratio"].isna().all() and coactivation(made).empty
    )


SIGNIFICANCE = ["p_value", "q_value", "significant"]
TABLES = {
    "activation_ratio": LandCover.activation_ratio,
    "activation_contrast": LandCover.contrast,
    "contribution": LandCover.contribution_by_class,
    "coactivation": coactivation,
    "observed_association": observed_association,
    "observed_coassociation": observed_coassociation,
}


def random_city(
    n: int = 150, seed: int = 0, names: str = "abcdef", cells_a_block: int = 5, **changes
) -> LandCover:
    """Classes that many cells lack, with activation and income at random; the tables name "a" first.

    Args:
        n: cells.
        seed: of everything.
        names: of the classes, a letter each.
        cells_a_block: how many.
        changes: to section `landcover`; a cell has 40,000 m2.
    """
    random = np.random.default_rng(seed)
    shape = n, len(names)
    area = np.where(random.random(shape) < 0.6, random.dirichlet(np.full(shape[1], 0.7), n), 0)
    cell, held = np.nonzero(area)
    ids = np.array([f"cell{i:05d}" for i in range(n)])
    rows = pd.DataFrame(
        {
            "idINSPIRE": ids[cell],
            "class": np.array(list(names))[held],
            "area_m2": area[cell, held] * 40_000,
            "contribution": random.normal(size=len(cell)),
        }
    )
    for side in ("poor", "rich"):
        raw = rows["area_m2"] * random.gamma(2, size=len(rows))
        rows[f"{side}_share"] = raw / raw.groupby(rows["idINSPIRE"]).transform("sum")
    income = random.normal(20_000, 3_000, n) + area @ (2_000 * np.arange(shape[1]))
    classes = np.digitize(income, np.percentile(income, [20, 40, 60, 80]))
    predictions = pd.DataFrame(
        {
            "idINSPIRE": ids,
            "predicted_class": random.integers(0, 5, n),
            "income_class": classes,
            "income_eur": income,
        }
    )
    blocks = pd.Series(np.arange(n) // cells_a_block, index=ids)
    made = settings.load("default")
    chosen = made.landcover.model_copy(update={"min_area_m2": 0.0} | changes)
    named = dict.fromkeys(sorted(names), "name")
    return LandCover(rows, predictions, blocks, named, 40_000, chosen, made.statistics, seed)


@pytest.fixture(scope="module")
def mixed() -> LandCover:
    return random_city()


# Significance


@pytest.mark.parametrize("table", TABLES)
def test_significance_stands_last_and_agrees_with_the_interval(mixed, table):
    made = TABLES[table](mixed)
    assert list(made)[-3:] == SIGNIFICANCE and made["significant"].dtype == bool
    assert (made["q_value"] >= made["p_value"]).all() and made["p_value"].notna().equals(
        made["ci_low"].notna()
    )


def test_effects_are_found_and_the_inert_class_is_not(city):
    contrast = city.contrast().set_index("class")["significant"]
    assert contrast["green ua"] and contrast["comr_indst"] and not contrast["roads"]
    assert (
        city.contribution_by_class()
        .set_index("class")
        .loc[["green ua", "comr_indst"], "significant"]
        .all()
    )


def test_map_that_follows_area_is_nowhere_significant():
    city = make_city(gain=1.0)
    assert (city.activation_ratio()["p_value"] == 1).all() and (
        city.contrast()["p_value"] == 1
    ).all()
    assert (coactivation(city)["p_value"] == 1).all()


def test_q_values_are_those_of_one_side(mixed):
    for _, side in mixed.activation_ratio().groupby("side"):
        assert side["q_value"].to_numpy() == pytest.approx(
            stats.false_discovery_control(side["p_value"])
        )


def test_class_in_few_blocks_is_not_tested_nor_counted():
    def green_in_two_blocks(area, rich):
        area[6:, 0] = rich[6:, 0] = 0

    table = (
        make_city(change=green_in_two_blocks)
        .activation_ratio()
        .set_index(["side", "class"])
        .loc["rich"]
    )
    assert np.isnan(table.loc["green ua", ["p_value", "q_value"]].astype(float)).all()
    assert not table.loc["green ua", "significant"]
    two = table.loc[["comr_indst", "roads"]]
    assert two["q_value"].to_numpy() == pytest.approx(stats.false_discovery_control(two["p_value"]))


# Slivers


def green_sliver_in_half(area, rich):
    """99 m2 of green in every second cell, in place of what was there."""
    area[::2, 0] = 99 / 40_000
    rich[::2, 0] = 3 * area[::2, 0]


def test_sliver_is_not_held_but_stays_in_the_sums():
    city = make_city(change=green_sliver_in_half)
    green = city.activation_ratio().set_index(["side", "class"]).loc[("rich", "green ua")]
    side = city.side("rich")
    assert green["n_cells"] == 12 and city.contribution_by_class()["n_cells"].tolist() == [
        30,
        60,
        60,
    ]
    assert green["ratio"] == pytest.approx(side.activation[:, 0].sum() / side.area[:, 0].sum())
    assert (
        (side.activation.sum(1) == pytest.approx(1))
        and (side.area[:, 0] > 0).all()
        and city.n_slivers == 30
    )


def test_any_fragment_counts_where_the_smallest_area_is_0():
    small, all_held = random_city(min_area_m2=4_000.0), random_city()
    assert (all_held.present == (all_held.area > 0)).all() and all_held.n_slivers == 0
    assert (small.present == (small.area >= 0.1)).all() and small.n_slivers > 0


def test_slivers_of_one_class_in_one_cell_add_up():
    ids = pd.Index(["cell"], name="idINSPIRE")
    rows = pd.DataFrame(
        {
            "idINSPIRE": "cell",
            "class": ["roads", "roads", "port"],
            "area_m2": [60.0, 60.0, 60.0],
            "poor_share": 1 / 3,
            "rich_share": 1 / 3,
            "contribution": 0.0,
        }
    )
    predictions = pd.DataFrame(
        {"predicted_class": 4, "income_class": 4, "income_eur": 1.0}, index=ids
    ).reset_index()
    made = settings.load("default")
    assert made.landcover.min_area_m2 == 100
    city = LandCover(
        rows, predictions, pd.Series("b", ids), NAMES, 40_000, made.landcover, made.statistics, 0
    )
    assert city.classes == ["roads", "port"] and city.present.tolist() == [[True, False]]


def test_slivers_are_no_presence_for_the_incomes_nor_for_pairs():
    city = make_city(change=green_sliver_in_half)
    assert observed_association(city).set_index("class").loc["green ua", "n_cells"].tolist() == [
        30,
        30,
    ]
    assert class_income(city).set_index("class").loc["green ua", "n_cells"] == 30
    pairs = observed_coassociation(city).set_index(["side", "object", "neighbour"])
    assert pairs.loc[("rich", "roads", "green ua"), "n_cells"] == 30


# Pairs


def drawn_cells(city: LandCover, draw: int, numbers: np.ndarray) -> np.ndarray:
    """Rows of the cells that a draw holds, one after the other, as often as they come up."""
    return np.concatenate(
        [
            np.tile(np.flatnonzero(numbers == block), times)
            for block, times in enumerate(city.counts[draw])
        ]
    )


def test_draws_of_pairs_against_cells_written_down_one_by_one(mixed):
    side = mixed.side("poor")
    got = pairs._quotients(mixed, side.activation, side.area, side.present, side.blocks).draws[7]
    rows = drawn_cells(mixed, 7, side.blocks)
    activation, area, present = side.activation[rows], side.area[rows], side.present[rows]
    for object_, neighbour in np.ndindex(got.shape):
        both, alone = present[:, object_] & present[:, neighbour], present[:, object_]
        ratios = [
            activation[cells, object_].sum() / area[cells, object_].sum() for cells in (both, alone)
        ]
        assert got[object_, neighbour] == pytest.approx(ratios[0] / ratios[1])


def test_observed_pairs_count_cells(mixed):
    table = observed_coassociation(mixed).set_index(["side", "object", "neighbour"])
    poor = mixed.predictions["income_class"].isin([0, 1]).to_numpy()
    b, c = mixed.present[:, mixed.classes.index("b")], mixed.present[:, mixed.classes.index("c")]
    assert table.loc[("poor", "b", "c"), "value"] == pytest.approx(
        poor[b & c].mean() / poor[b].mean()
    )
    assert table.loc[("poor", "c", "b"), "published_value"] == pytest.approx(
        poor[b].mean() / poor[c].mean()
    )
    assert table.loc[("poor", "b", "c"), "n_cells"] == (b & c).sum()


@pytest.mark.parametrize("make", [coactivation, observed_coassociation])
def test_t7_published_value_is_the_quotient_of_the_two_directions(mixed, make):
    table = make(mixed).set_index(["side", "object", "neighbour"])
    swapped = table["value"].rename_axis(["side", "neighbour", "object"]).reorder_levels([0, 2, 1])
    assert len(table) > 40 and np.allclose(
        table["published_value"], table["value"] / swapped.reindex(table.index)
    )


@pytest.mark.parametrize("make", [coactivation, observed_coassociation])
@pytest.mark.parametrize("seed", range(3))
def test_t7_other_names_and_columns_permute_the_table_and_change_no_value(make, seed):
    names = "".join(np.random.default_rng(seed).permutation(list("abcdef")))
    other_name = dict(zip("abcdef", names, strict=True))
    expected = make(random_city(seed=seed)).replace({"object": other_name, "neighbour": other_name})
    key = ["side", "object", "neighbour"]
    got = make(random_city(seed=seed, names=names))
    pd.testing.assert_frame_equal(
        got.sort_values(key, ignore_index=True), expected.sort_values(key, ignore_index=True)
    )


# What the incomes say


def test_association_by_area_weighs_the_classes_area(mixed):
    table = observed_association(mixed).set_index(["side", "class"])
    rich = mixed.predictions["income_class"].isin([3, 4]).to_numpy()
    area = mixed.area[:, 2]
    row = table.loc[("rich", mixed.classes[2])]
    assert row["probability_by_area"] == pytest.approx(area[rich].sum() / area.sum())
    assert row["base_rate_by_area"] == pytest.approx(mixed.area[rich].sum() / mixed.area.sum())
    assert row["area_ci_low"] < row["probability_by_area"] < row["area_ci_high"]


def test_class_that_every_cell_holds_is_at_the_base_rate_in_every_draw(city):
    table = observed_association(city)
    assert (table["p_value"] == 1).all() and np.allclose(table["probability"], table["base_rate"])


def test_base_rate_is_drawn_along(mixed):
    poor, held = mixed.predictions["income_class"].isin([0, 1]).to_numpy(), mixed.present[:, 1]
    above = []
    for draw in range(len(mixed.counts)):
        weight = mixed.counts[draw][mixed.block_numbers]
        above.append(weight @ (poor & held) / (weight @ held) - weight @ poor / weight.sum())
    expected = bootstrap.p_value(np.array(above), 0)
    row = observed_association(mixed).set_index(["side", "class"]).loc[("poor", mixed.classes[1])]
    assert row["p_value"] == pytest.approx(expected) and expected < 1


def test_class_income_is_weighted_by_area_and_counts_cells_by_quintile(mixed):
    table = class_income(mixed).set_index("class")
    income, area = mixed.predictions["income_eur"].to_numpy(), mixed.area[:, 3]
    row = table.loc[mixed.classes[3]]
    assert row["mean_income_eur"] == pytest.approx((income * area).sum() / area.sum())
    assert (
        row["area_m2"] == pytest.approx(area.sum() * 40_000)
        and row["ci_low"] < row["mean_income_eur"]
    )
    expected = np.bincount(mixed.predictions["income_class"][mixed.present[:, 3]], minlength=5)
    assert row[[f"cells_{quintile}" for quintile in range(5)]].tolist() == expected.tolist()
    assert expected.sum() == row["n_cells"]


def test_quintiles_are_of_income_whatever_the_target():
    city = random_city()
    expected = class_income(city)
    city.predictions["income_class"] = 4 - city.predictions["income_class"]
    pd.testing.assert_frame_equal(class_income(city), expected)


# The order of the classes


def test_ordering_is_the_rank_correlation_of_the_tables(mixed):
    table = ordering.ordering_agreement(mixed).set_index(["measure", "observed"])
    ratios = mixed.activation_ratio().set_index(["side", "class"])["ratio"]
    measures = {
        "activation_contrast": mixed.contrast()["log_ratio"],
        "rich ratio": ratios["rich"],
        "contribution": mixed.contribution_by_class()["value"],
        "poor ratio": ratios["poor"],
    }
    observed = observed_association(mixed).set_index(["side", "class"])["probability"]
    seen = {
        "mean income": class_income(mixed)["mean_income_eur"],
        "log odds rich/poor": np.log(observed["rich"] / observed["poor"]),
    }
    assert len(table) == 8 and (table["n_classes"] == 6).all()
    for measure, incomes in table.index:
        expected = stats.spearmanr(measures[measure], seen[incomes]).statistic
        assert table.loc[(measure, incomes), "spearman"] == pytest.approx(expected)


def test_ordering_draws_both_sides_on_the_same_blocks(mixed):
    income = observed.mean_income(mixed).draws[7]
    contribution = mixed.area_contribution().draws[7]
    rows = drawn_cells(mixed, 7, mixed.block_numbers)
    area, eur = mixed.area[rows], mixed.predictions["income_eur"].to_numpy()[rows]
    assert income == pytest.approx((area * eur[:, None]).sum(0) / area.sum(0))
    total = mixed.contribution[rows]
    assert contribution == pytest.approx(total.sum(0) / area.sum(0) - total.sum() / area.sum())


def test_alike_orders_agree_and_noise_does_not():
    values = np.arange(12.0)
    draws = values + np.random.default_rng(0).normal(0, 0.5, (400, 12))
    noise = np.random.default_rng(1).normal(size=(400, 12))
    blocks, statistics = np.full(12, 30), settings.load("default").statistics
    order, other = Estimate(values, draws, blocks), Estimate(noise[0], noise, blocks)
    alike = ordering.rank_agreement(order, order, statistics)
    assert alike["spearman"] == 1 and alike["ci_low"] > 0.9 and alike["p_value"] < 0.01
    apart = ordering.rank_agreement(order, other, statistics)
    assert apart["ci_low"] < 0 < apart["ci_high"] and apart["p_value"] > 0.1


def test_classes_in_few_blocks_are_left_out_of_the_order():
    random = np.random.default_rng(0)
    first, second = (
        Estimate(random.normal(size=5), random.normal(size=(200, 5)), blocks)
        for blocks in (np.array([30, 30, 30, 30, 2]), np.array([2, 30, 30, 30, 30]))
    )
    got = ordering.rank_agreement(first, second, settings.load("default").statistics)
    expected = stats.spearmanr(first.value[1:4], second.value[1:4]).statistic
    assert got["n_classes"] == 3 and got["spearman"] == pytest.approx(expected)


def test_side_without_cells_has_no_order():
    city = random_city()
    city.predictions["predicted_class"] = 2
    table = ordering.ordering_agreement(city).set_index("measure")
    assert (
        table.loc["rich ratio", "spearman"].isna().all()
        and (table.loc["rich ratio", "n_classes"] == 0).all()
    )
    assert table.loc["contribution", "spearman"].notna().all()


def test_run_of_one_fold_has_only_its_cells():
    whole = random_city()
    ids = whole.predictions.index[whole.block_numbers < 12]
    rows = pd.DataFrame(
        {
            "idINSPIRE": ids,
            "class": "roads",
            "area_m2": 40_000.0,
            "contribution": 0.1,
            "poor_share": 1.0,
            "rich_share": 1.0,
        }
    )
    blocks = pd.Series(
        whole.block_numbers, index=whole.predictions.index
    )  # of all the city, as samples.csv
    made = settings.load("default", ["split.trained_folds=1"])
    predictions = whole.predictions.loc[ids].reset_index()
    city = LandCover(rows, predictions, blocks, NAMES, 40_000, made.landcover, made.statistics, 0)
    assert city.n_blocks == 12 and class_income(city)["n_cells"].tolist() == [len(ids)]


@pytest.mark.slow
def test_city_of_the_size_of_paris_within_a_minute_and_2_gb():
    tracemalloc.start()
    started = time.process_time()  # others may use the machine
    city = random_city(70_000, names=string.ascii_lowercase[:20], cells_a_block=35)
    made = [table(city) for table in (*TABLES.values(), class_income, ordering.ordering_agreement)]
    seconds, (_, peak) = time.process_time() - started, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert city.n_blocks == 2000 and len(made[3]) == 760 and made[3]["p_value"].notna().all()
    assert seconds < 60 and peak < 2e9


@pytest.mark.parametrize("table", [*TABLES, "class_income", "ordering_agreement"])
def test_city_of_one_block_has_tables_without_intervals(table):
    city = random_city(n=5, min_joint_cells=1)
    others = {"class_income": class_income, "ordering_agreement": ordering.ordering_agreement}
    got = (TABLES | others)[table](city)
    assert len(got) and got["ci_low"].isna().all()
    assert table == "class_income" or got["p_value"].isna().all()
