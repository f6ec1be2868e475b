"""Sentences on scores, splits and calibration say what the tables say."""

import pandas as pd
import pytest

from report_tables import block_size, kept, leakage, metric_row, metrics
from urbancam.scoring.added_value import GIVEN
from urbancam.showing.report import scores

BETTER = kept("The network ranks the cells better than the baseline of coordinates")
WORSE = kept("The network ranks the cells worse than the baseline of coordinates")


def autocorrelation(p_value: float, observed: float = 0.001) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "subset": "all",
            "variable": ["observed_rank", "residual_rank"],
            "moran_i": [0.6, 0.1],
            "p_value": [observed, p_value],
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
    claims = pd.concat([BETTER, WORSE])
    assert expected in scores.summarise_scores(metrics(difference), claims)[0]


def test_verdict_is_no_stronger_than_the_list_of_claims():
    claims = BETTER.assign(survives=False, against_it="not within campaigns")
    first = scores.summarise_scores(metrics(), claims)[0]
    assert "tell more than the place does (the run's own list" in first
    assert "leaves open" in first and "does not keep it: not within campaigns)" in first
    unlisted = scores.summarise_scores(metrics(), BETTER.iloc[:0])[0]
    assert "leaves open" in unlisted and "does not keep it)" in unlisted


def test_sentences_give_the_scores_over_all_cells_and_folds():
    first, second = scores.summarise_scores(metrics(), BETTER)
    assert "0.76 [0.70, 0.81] over 200 cells" in first
    assert "reach 0.48" in first
    assert "51%" in second
    assert "86%" in second
    assert "20%" in second


def test_a_city_left_out_of_its_own_training_has_scores_without_baselines():
    alone = metrics().query("predictor == 'model'")
    first, second = scores.summarise_scores(alone, BETTER)
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
    both = pd.concat([metrics(), ridge])
    claim = f"The network ranks the cells {'worse' if high < 0 else 'better'} than the baseline of"
    *_, last = scores.summarise_scores(both, kept(f"{claim} land cover"))
    assert "0.81 [0.75, 0.86] on land cover" in last
    assert expected in last
    *_, last = scores.summarise_scores(both, BETTER)
    assert "leaves open whether a network is needed" in last


def test_each_split_has_a_sentence_with_what_is_known_of_it():
    random, block, city = scores.summarise_leakage(leakage())
    assert "(12 groups and 30 blocks leak)" in random
    assert "no model was trained" in random
    assert "reach a Spearman r of 0.50 [0.40, 0.60], the model 0.70" in block
    assert "the difference is 0.20 [0.10, 0.30]" in block
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


def test_an_error_that_chance_explains_is_not_told_as_zero():
    rows = {"predictor": ["model", "model, temperature scaled"], "metric": "ece"}
    table = (
        pd.DataFrame(rows)
        .assign(value=[0.2, 0.0], ci_low=None, ci_high=None)
        .astype({"ci_low": float, "ci_high": float})
    )
    (got,) = scores.summarise_calibration(table)
    assert "off by 0.20 on" in got and "0.00" not in got
    assert "by nothing that can be told from chance" in got


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.1, 0.3, "the image adds"), (-0.1, 0.3, "stays open"), (-0.4, -0.1, "misleads")],
)
def test_what_the_image_adds_follows_the_interval(low, high, expected):
    table = pd.DataFrame(
        {"given": [*GIVEN, "all"], "value": (low + high) / 2, "ci_low": low, "ci_high": high}
    )
    given = "land cover, density and place together"
    claims = kept(
        f"The image ranks the cells beyond {given}",
        f"Given {given}, the image ranks the cells the wrong way round",
    )
    (got,) = scores.summarise_added_value(table, claims)
    assert f"by {(low + high) / 2:.2f} [{low:.2f}, {high:.2f}]" in got and expected in got
    (open_,) = scores.summarise_added_value(table, claims.assign(survives=False))
    assert "whether the image adds to them stays open" in open_
    assert scores.summarise_added_value(table.iloc[:0], claims) == []


@pytest.mark.parametrize(
    ("p_value", "expected"),
    [(0.001, "more alike than by chance"), (0.4, "no more than chance")],
)
def test_what_is_observed_and_what_the_model_leaves_is_alike_or_not(p_value, expected):
    (left,) = scores.summarise_space(autocorrelation(p_value))
    assert left.endswith(f"leaves of it, 0.10 (p-value {p_value}: {expected}).")
    (observed,) = scores.summarise_space(autocorrelation(0.001, p_value))
    assert f"observed is 0.60 (p-value {p_value}: {expected});" in observed


def test_intervals_are_told_beside_those_of_other_sides():
    (got,) = scores.summarise_intervals(block_size(), 0.95)
    assert "95 %, blocks of 4 km, 23 effective" in got
    assert "0.11 wide with these blocks, 0.08 with 2 km" in got


@pytest.mark.parametrize(
    ("reach_m", "chosen", "expected"),
    [
        (3333.3, [False, True], "asks for sides of 3300 m, which they have"),
        (3333.3, [True, False], "asks for sides of 3300 m, up to which this one has the widest"),
        (9000.0, [False, True], "asks for sides of 9 km, and the city is too small: beyond 4 km"),
    ],
)
def test_it_is_said_whether_blocks_are_as_large_as_residuals_ask(reach_m, chosen, expected):
    (got,) = scores.summarise_intervals(block_size().assign(reach_m=reach_m, chosen=chosen), 0.95)
    assert expected in got


def test_a_city_with_one_side_has_nothing_to_compare():
    (got,) = scores.summarise_intervals(block_size().tail(1), 0.95)
    assert "No other side" in got
