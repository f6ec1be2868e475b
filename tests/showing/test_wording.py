"""Numbers, lists and verdicts in words."""

import numpy as np
import pandas as pd
import pytest

from urbancam.showing import wording


def test_a_value_stands_with_its_interval():
    assert wording.interval(0.714, 0.62, 0.777) == "0.71 [0.62, 0.78]"


def test_interval_is_left_out_where_there_is_none():
    row = pd.Series({"value": 0.123, "ci_low": np.nan, "ci_high": np.nan})
    assert wording.interval_of(row) == "0.12"


def test_large_values_stand_without_parts_of_one():
    assert wording.interval(34010.83, 22343.7, 44536.1) == "34,011 [22,344, 44,536]"
    assert wording.interval(-2500, -4000, -0.5) == "-2,500 [-4,000, -0.50]"


def test_no_value_at_all_is_undefined():
    assert wording.interval(np.nan, np.nan, np.nan) == "undefined"


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.1, 0.2, "above"), (-0.2, -0.1, "below"), (-0.1, 0.1, "open"), (np.nan, np.nan, "open")],
)
def test_verdict_follows_the_interval(low, high, expected):
    row = {"ci_low": low, "ci_high": high}
    assert wording.verdict(row, "above", "below", undecided="open") == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
)
def test_lists_end_with_and(words, expected):
    assert wording.enumeration(words) == expected


def test_resampling_names_level_side_and_effective_blocks():
    table = pd.DataFrame({"side_m": [400, 4000], "n_blocks": [90, 23.0], "chosen": [False, True]})
    assert wording.resampling(0.95, table) == "95 %, blocks of 4 km, 23 effective"
    of_400_m = table.assign(chosen=[True, False])
    assert wording.resampling(0.9, of_400_m) == "90 %, blocks of 400 m, 90 effective"
    assert wording.resampling(0.95, table, wording.SPLIT) == "95 %, blocks of 400 m, 90 effective"
    assert "4 km" not in wording.resampling(0.95, table, wording.OWN)


def test_where_scores_and_land_cover_stand_together_both_their_blocks_are_named():
    table = pd.DataFrame({"side_m": [400, 4000], "n_blocks": [90, 23.0], "chosen": [False, True]})
    got = wording.resampling(0.95, table, wording.BOTH)
    of_scores, of_land_cover = "blocks of 4 km, 23 effective", "blocks of 400 m, 90 effective"
    assert got == f"95 %, of scores {of_scores}; of land cover {of_land_cover}"
    alike = table.assign(chosen=[True, False])
    assert wording.resampling(0.95, alike, wording.BOTH) == f"95 %, {of_land_cover}"


def test_predictors_have_names_for_people_and_new_ones_need_no_list():
    assert wording.predictor_words("land_cover") == "land cover"
    assert wording.predictor_words("frozen_timm_vit_b") == "frozen features of timm_vit_b"
    assert wording.predictor_words("alpha_earth") == "alpha earth"
    told = wording.told_ridges(["model", "constant", "land_cover", "mine", "mine", "coordinates"])
    assert told == ["land_cover", "mine"]


@pytest.mark.parametrize(
    ("value", "words"), [(8.648, "8.65"), (0.0123, "0.0123"), (12345.6, "12,346"), (100.4, "100")]
)
def test_small_values_keep_their_digits(value, words):
    assert wording.value_words(value) == words
