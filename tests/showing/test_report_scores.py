"""Sentences on scores, splits and calibration say what the tables say."""

import pandas as pd
import pytest

from report_tables import block_size, leakage, metric_row, metrics
from urbancam.showing.report import scores


def autocorrelation(p_value: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "subset": "all",
            "variable": ["observed_rank", "residual_rank"],
            "moran_i": [0.6, 0.1],
            "p_value": [0.001, p_value],
        }
    )


@pytest.mark.parametrize(
    ("difference", "expected"),
    [
        ((0.28, 0.1, 0.4), "tell more than the place"),
        ((-0.2, -0.3, -0.1), "tell less than the place"),
        ((0.02, -0.1, 0.1), "leaves open"),
        ((0.02, float("nan"), float("nan")), "leaves open"),
    ],
)
def test_verdict_follows_the_interval_of_the_difference(difference, expected):
    assert expected in scores.summarise_scores(metrics(difference))[0]


def test_sentences_give_the_scores_over_all_cells_and_folds():
    first, second = scores.summarise_scores(metrics())
    assert "0.76 [0.70, 0.81] over 200 cells" in first
    assert "reach 0.48" in first
    assert "51%" in second
    assert "86%" in second
    assert "20%" in second


def test_a_city_left_out_of_its_own_training_has_scores_without_baselines():
    alone = metrics().query("predictor == 'model'")
    first, second = scores.summarise_scores(alone)
    assert first.endswith("over 200 cells.")
    assert second.endswith("or its neighbour.")


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (-0.3, -0.1, "worse than a ridge regression on land cover"),
        (0.1, 0.3, "better than each"),
        (-0.1, 0.1, "open"),
    ],
)
def test_ridge_regressions_above_the_network_are_said(low, high, expected):
    difference = ((low + high) / 2, low, high)
    ridge = pd.DataFrame(
        [metric_row("land_cover", "spearman", 0.81, 0.75, 0.86, difference=difference)]
    )
    *_, last = scores.summarise_scores(pd.concat([metrics(), ridge]))
    assert "0.81 [0.75, 0.86] on land cover" in last
    assert expected in last


def test_each_split_has_a_sentence_with_what_is_known_of_it():
    random, block, city = scores.summarise_leakage(leakage())
    assert "(12 groups and 30 blocks leak)" in random
    assert "no model was trained" in random
    assert "reach a Spearman r of 0.50 [0.40, 0.60], the model 0.70" in block
    assert "adds 0.20 [0.10, 0.30]" in block
    assert city == "Split by a city left out: the model 0.40 [0.30, 0.50]."


def test_calibration_is_told_before_and_after_scaling():
    table = pd.DataFrame(
        {
            "subset": "all",
            "predictor": ["model", "model, temperature scaled"],
            "metric": "ece",
            "value": [0.2, 0.05],
            "ci_low": [0.1, 0.01],
            "ci_high": [0.3, 0.1],
        }
    )
    (got,) = scores.summarise_calibration(table)
    assert "off by 0.20 [0.10, 0.30]" in got
    assert "by 0.05 [0.01, 0.10]" in got


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.1, 0.3, "the image adds"), (-0.1, 0.3, "leaves that open"), (-0.4, -0.1, "misleads")],
)
def test_what_the_image_adds_follows_the_interval(low, high, expected):
    table = pd.DataFrame(
        {"given": ["coordinates", "all"], "value": 0.2, "ci_low": low, "ci_high": high}
    )
    (got,) = scores.summarise_added_value(table)
    assert f"by 0.20 [{low:.2f}, {high:.2f}]" in got and expected in got
    assert scores.summarise_added_value(table.iloc[:0]) == []


@pytest.mark.parametrize(
    ("p_value", "expected"),
    [(0.001, "still alike"), (0.4, "no more than chance")],
)
def test_what_the_model_leaves_is_alike_or_not(p_value, expected):
    assert expected in scores.summarise_space(autocorrelation(p_value))[0]


def test_intervals_are_told_beside_those_of_other_sides():
    (got,) = scores.summarise_intervals(block_size(), 0.95)
    assert "95 %, blocks of 4 km, 23 effective" in got
    assert "0.11 wide with these blocks, 0.08 with 2 km" in got


def test_a_city_with_one_side_has_nothing_to_compare():
    (got,) = scores.summarise_intervals(block_size().tail(1), 0.95)
    assert "no other side" in got
