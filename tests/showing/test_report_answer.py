"""The answer of a run says what its list of claims keeps, and no more."""

import pandas as pd
import pytest

from report_tables import kept, metrics
from urbancam.showing.report.answer import answer

RANKS = "The image ranks the cells as they are"
BEYOND_PLACE = "The network ranks the cells better than the baseline of coordinates"
LEVEL = "95 %, blocks of 4 km, 23 effective"


def claims_of(*sentences: str, **columns) -> pd.DataFrame:
    return kept(*sentences).assign(**({"kind": "score", "value": 0.5} | columns))


def test_what_is_kept_is_said_with_its_interval_level_and_blocks():
    got = answer(metrics(), claims_of(RANKS, BEYOND_PLACE), "income", LEVEL)
    assert "by income with a rank correlation of 0.76 [0.70, 0.81] over 200 cells" in got
    assert LEVEL in got and "0.28 [0.10, 0.40], speaks for the images" in got


def test_what_the_list_does_not_keep_is_not_said():
    first = claims_of(RANKS)
    second = claims_of(BEYOND_PLACE, survives=False)
    got = answer(metrics(), pd.concat([first, second]), "income", LEVEL)
    assert "more than the place alone tells stays open" in got
    assert "stays open" in answer(metrics(), first, "income", LEVEL)


@pytest.mark.parametrize(
    ("against", "expected"),
    [
        ("gone within campaigns", "against it speaks: gone within campaigns"),
        (None, "may be chance"),
    ],
)
def test_a_ranking_that_does_not_survive_is_no_answer(against, expected):
    claims = claims_of(RANKS, survives=False, against_it=against)
    got = answer(metrics(), claims, "income", LEVEL)
    assert got.startswith("The network's order of the cells by income does not stand")
    assert "images alone" not in got  # what other baselines make of images may well stand
    assert expected in got


def test_a_ranking_the_wrong_way_round_is_no_answer():
    table = metrics()
    table.loc[0, ["value", "ci_low", "ci_high"]] = (-0.3, -0.4, -0.2)
    claims = claims_of("The image ranks the cells the wrong way round", value=-0.3)
    assert "does not stand" in answer(table, claims, "income", LEVEL)


def test_too_few_blocks_are_said_in_place_of_an_interval():
    table = metrics()
    table.loc[0, ["ci_low", "ci_high"]] = None
    got = answer(table, claims_of(RANKS, survives=False, against_it="too few"), "income", LEVEL)
    assert "0.76 over 200 cells" in got and "too few blocks for an interval" in got
    assert "in brackets" not in got


def test_without_a_list_nothing_is_claimed():
    got = answer(metrics(), pd.DataFrame(), "density", LEVEL)
    assert "by how many people live in them" in got and "was not weighed" in got
