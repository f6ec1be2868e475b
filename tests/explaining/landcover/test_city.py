"""Statistics over fragments, against hand-computed cities."""

import numpy as np
import pandas as pd
import pytest

from land_cover_cities import (
    CELL_AREA_M2,
    SETTINGS,
    green_in_two_blocks,
    green_sliver_in_half,
    land_cover,
    make_city,
    random_city,
)
from urbancam.explaining.landcover.city import LandCover
from urbancam.explaining.landcover.observed import class_income
from urbancam.explaining.landcover.pairs import coactivation
from urbancam.scoring.bootstrap import Estimate, log_quotient
from urbancam.workflow.settings import settings

# ---- activation ratio


def by_side_and_class(city: LandCover) -> pd.DataFrame:
    return city.activation_ratio().set_index(["side", "class"])


def test_t5_area_times_ratio_is_one_in_every_cell():
    for seed in range(3):
        # Predicted classes 0 to 3: one cell is rich.
        table = make_city(4, gain=2.0 + seed).activation_ratio()
        one_cell = table[table["side"] == "rich"]
        assert (one_cell["ratio"] * one_cell["area_share"]).sum() == pytest.approx(1)


def test_ratio_tells_the_class_the_map_lies_on(city):
    table = by_side_and_class(city)
    assert table.loc[("rich", "green ua"), "ci_low"] > 1.3
    assert table.loc[("rich", "comr_indst"), "ci_high"] < 1
    assert table.loc[("poor", "comr_indst"), "ratio"] > table.loc[("poor", "green ua"), "ratio"]


def test_area_weighted_ratios_are_one_over_the_side(city):
    table = city.activation_ratio()
    weighted = table["ratio"] * table["area_share"]
    assert np.allclose(weighted.groupby(table["side"]).sum(), 1)


def test_ratio_is_the_ratio_of_sums_of_shares(city):
    side = city.side("rich")
    expected = side.activation[:, 1].sum() / side.area[:, 1].sum()
    got = by_side_and_class(city).loc[("rich", city.classes[1]), "ratio"]
    assert got == pytest.approx(expected)


def test_map_that_follows_area_gives_ratios_of_one():
    table = make_city(gain=1.0).activation_ratio()
    assert np.allclose(table["ratio"], 1)
    assert np.allclose(table["ratio_cell_mean"], 1)


def test_only_cells_of_nearly_one_class_are_pure():
    def half_of_the_cells_all_green(area, rich):
        area[::2] = [0.992, 0.004, 0.004]
        rich[::2] = [0.992, 0.004, 0.004]

    table = by_side_and_class(make_city(change=half_of_the_cells_all_green))
    assert table.loc["rich", "n_pure_cells"].tolist() == [12, 0, 0]


def test_class_in_few_blocks_has_no_interval():
    rich = by_side_and_class(make_city(change=green_in_two_blocks)).loc["rich"]
    assert np.isnan(rich.loc["green ua", "ci_low"])
    assert rich.loc["green ua", "ratio"] > 1
    assert np.isfinite(rich.loc["roads", "ci_low"])


# ---- contrast


def test_contrast_separates_raising_lowering_and_inert(city):
    table = city.contrast().set_index("class")
    assert table.loc["green ua", "ci_low"] > 0
    assert table.loc["comr_indst", "ci_high"] < 0
    assert table.loc["roads", "ci_low"] < 0 < table.loc["roads", "ci_high"]


def test_quotient_is_held_by_the_blocks_of_the_rarer_and_undefined_without_either():
    value = np.array([2.0, 1, 0])
    draws = np.ones((4, 3))
    common = Estimate(value, draws, blocks=np.array([9, 9, 9]))
    rare = Estimate(value, draws, blocks=np.array([1, 9, 3]))
    for got in (log_quotient(common, rare), log_quotient(rare, common)):
        assert got.blocks.tolist() == [1, 9, 3]
        assert got.value[:2].tolist() == [0, 0]
        assert np.isnan(got.value[2])


# ---- contribution


def test_contribution_is_above_the_mean_square_metre(city):
    table = city.contribution_by_class().set_index("class")["value"]
    assert table["green ua"] - table["comr_indst"] == pytest.approx(1.0)
    assert table["green ua"] - table["roads"] == pytest.approx(0.5)


def test_half_covered_cells_contribute_per_area_as_whole_ones_do():
    def half_covered(area, rich):
        area[::2] /= 2

    table = make_city(change=half_covered).contribution_by_class().set_index("class")["value"]
    assert table["green ua"] - table["comr_indst"] == pytest.approx(1.0)


# ---- classes and cells that are in, and out


def test_classes_that_are_not_in_the_city_are_left_out_and_order_is_kept(city):
    assert city.classes == ["green ua", "comr_indst", "roads"]


def test_code_without_a_name_keeps_its_number():
    predictions = make_city().predictions
    rows = pd.DataFrame(
        {
            "idINSPIRE": predictions.index,
            "class": "14110",
            "area_m2": 40_000.0,
            "poor_share": 1.0,
            "rich_share": 1.0,
            "contribution": 0.1,
        }
    )
    blocks = pd.Series("block", index=predictions.index)
    city = land_cover(rows, predictions.reset_index(), blocks)
    assert city.names == ["14110"]
    assert city.activation_ratio()["n_pure_cells"].tolist() == [24, 24]


def test_cells_without_activation_are_left_out_of_their_side():
    def no_map(_area, rich):
        rich[3] = 0  # predicted class 3: it belonged to the rich side

    city = make_city(change=no_map)
    assert len(city.side("rich").cells) == 23
    assert np.isfinite(city.activation_ratio()["ratio"]).all()


def test_side_without_cells_gives_empty_rows_not_an_error():
    city = make_city()
    city.predictions["predicted_class"] = 2
    table = city.activation_ratio()
    assert table["n_cells"].eq(0).all()
    assert table["ratio"].isna().all()
    assert coactivation(city).empty


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
    # Of all the city, as samples.csv has them.
    blocks = pd.Series(whole.block_numbers, index=whole.predictions.index)
    predictions = whole.predictions.loc[ids].reset_index()
    run = settings.load("default", ["split.trained_folds=1"])
    city = land_cover(rows, predictions, blocks, run)
    assert city.n_blocks == 12
    assert class_income(city)["n_cells"].tolist() == [len(ids)]


# ---- slivers


def test_sliver_is_not_held_but_stays_in_the_sums():
    city = make_city(change=green_sliver_in_half)
    green = by_side_and_class(city).loc[("rich", "green ua")]
    side = city.side("rich")
    assert city.n_slivers == 30
    assert green["n_cells"] == 12
    assert city.contribution_by_class()["n_cells"].tolist() == [30, 60, 60]
    assert green["ratio"] == pytest.approx(side.activation[:, 0].sum() / side.area[:, 0].sum())
    assert side.activation.sum(1) == pytest.approx(1)
    assert (side.area[:, 0] > 0).all()


def test_any_fragment_counts_where_the_smallest_area_is_0():
    city = random_city()
    assert (city.present == (city.area > 0)).all()
    assert city.n_slivers == 0


def test_fragments_below_the_smallest_area_are_slivers():
    city = random_city(min_area_m2=4_000.0)
    assert (city.present == (city.area >= 4_000 / CELL_AREA_M2)).all()
    assert city.n_slivers > 0


def test_slivers_of_one_class_in_one_cell_add_up():
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
        {
            "idINSPIRE": ["cell"],
            "predicted_class": 4,
            "income_class": 4,
            "value": 1.0,
        }
    )
    assert SETTINGS.landcover.min_area_m2 == 100
    city = land_cover(rows, predictions, pd.Series("block", index=["cell"]))
    assert city.classes == ["roads", "port"]
    assert city.present.tolist() == [[True, False]]
