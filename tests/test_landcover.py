"""Statistics over fragments, against hand-computed cities."""

import numpy as np
import pandas as pd
import pytest

from urbancam import landcover, settings
from urbancam.landcover import LandCover

NAMES = {"green ua": "Green urban areas", "comr_indst": "Industry", "roads": "Roads", "port": "Ports"}


def make_city(n: int = 60, gain: float = 3.0, change=lambda area, rich: None) -> LandCover:
    """Each cell holds green, industry and roads; the rich map is `gain` times denser on green, the poor on industry."""
    area = np.random.default_rng(0).dirichlet([2, 2, 2], n)
    rich, poor = area * [gain, 1, 1], area * [1, gain, 1]
    change(area, rich)
    ids = [f"cell{i:03d}" for i in range(n)]
    total = rich.sum(1, keepdims=True)
    rows = pd.DataFrame({
        "idINSPIRE": np.repeat(ids, 3), "class": ["green ua", "comr_indst", "roads"] * n,
        "area_m2": area.ravel() * 40_000,
        "rich_share": np.divide(rich, total, out=np.full_like(rich, np.nan), where=total > 0).ravel(),
        "poor_share": (poor / poor.sum(1, keepdims=True)).ravel(),
        "contribution": (area * [0.5, -0.5, 0]).ravel(),
    })  # fmt: skip
    predictions = pd.DataFrame({"idINSPIRE": ids, "predicted_class": np.arange(n) % 5,
                                "income_class": np.arange(n) % 5})  # fmt: skip
    blocks = pd.Series([f"block{i // 3}" for i in range(n)], index=ids)
    made = settings.load("default")
    return LandCover(rows[rows["area_m2"] > 0], predictions, blocks, NAMES, 40_000, made.landcover, made.statistics, 0)


@pytest.fixture(scope="module")
def city() -> LandCover:
    return make_city()


def test_t5_area_times_ratio_is_one_in_every_cell():
    for seed in range(3):
        table = make_city(4, gain=2.0 + seed).activation_ratio()  # predicted classes 0 to 3: one cell is rich
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


def test_contrast_separates_raising_lowering_and_inert(city):
    table = city.contrast().set_index("class")
    assert table.loc["green ua", "ci_low"] > 0 and table.loc["comr_indst", "ci_high"] < 0
    assert table.loc["roads", "ci_low"] < 0 < table.loc["roads", "ci_high"]


def test_class_in_few_blocks_has_no_interval():
    def green_in_two_blocks(area, rich):
        area[6:, 0] = rich[6:, 0] = 0

    table = make_city(change=green_in_two_blocks).activation_ratio().set_index(["side", "class"])
    assert np.isnan(table.loc[("rich", "green ua"), "ci_low"]) and table.loc[("rich", "green ua"), "ratio"] > 1
    assert np.isfinite(table.loc[("rich", "roads"), "ci_low"])


def test_half_covered_cells_contribute_per_area_as_whole_ones_do():
    def half_covered(area, rich):
        area[::2] /= 2

    got = make_city(change=half_covered).contribution_by_class().set_index("class")["value"]
    assert got["green ua"] - got["comr_indst"] == pytest.approx(1.0)


def test_code_without_a_name_keeps_its_number():
    city = make_city()
    rows = pd.DataFrame({"idINSPIRE": city.predictions.index, "class": "14110", "area_m2": 40_000.0,
                         "poor_share": 1.0, "rich_share": 1.0, "contribution": 0.1})  # fmt: skip
    made = settings.load("default")
    blocks = pd.Series("block", index=city.predictions.index)
    other = LandCover(rows, city.predictions.reset_index(), blocks, NAMES, 40_000, made.landcover, made.statistics, 0)
    assert other.names == ["14110"] and other.activation_ratio()["n_pure_cells"].tolist() == [24, 24]


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
    table = landcover.coactivation(city).set_index(["side", "object", "neighbour"])["value"]
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

    table = landcover.coactivation(make_city(200, change=green_shines_beside_roads))
    table = table.set_index(["side", "object", "neighbour"])
    assert table.loc[("rich", "green ua", "roads"), "ci_low"] > 1


def test_observed_association_counts_cells(city):
    table = landcover.observed_association(city).set_index(["side", "class"])
    assert table.loc[("poor", "roads"), "probability"] == pytest.approx(0.4)
    assert table.loc[("poor", "roads"), "base_rate"] == pytest.approx(0.4)


def test_cells_without_activation_are_left_out_of_their_side():
    def no_map(_area, rich):
        rich[3] = 0  # predicted class 3: it belonged to the rich side

    made = make_city(change=no_map)
    assert len(made.side("rich").cells) == 23 and np.isfinite(made.activation_ratio()["ratio"]).all()


def test_side_without_cells_gives_empty_rows_not_an_error(city):
    made = make_city()
    made.predictions["predicted_class"] = 2
    ratios = made.activation_ratio()
    assert ratios["n_cells"].eq(0).all() and ratios["ratio"].isna().all() and landcover.coactivation(made).empty
