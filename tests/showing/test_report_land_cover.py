"""Sentences on land cover say where the map lies, and in which order."""

import pandas as pd
import pytest

from report_tables import activation_contrast, activation_ratios, kept
from urbancam.showing.report import land_cover

FOLLOWS = "The activation contrast orders the classes as the mean income does"
COUNTERS = "The activation contrast orders the classes the other way round than the mean income"


@pytest.fixture
def ratios() -> pd.DataFrame:
    return activation_ratios()


@pytest.fixture
def contrast() -> pd.DataFrame:
    return activation_contrast()


def ordering(low: float, high: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "measure": ["activation_contrast"],
            "observed": ["mean income"],
            "n_classes": [12],
            "spearman": [(low + high) / 2],
            "ci_low": [low],
            "ci_high": [high],
        }
    )


def test_strongest_class_of_each_side_is_named(ratios, contrast):
    poor, rich, *_ = land_cover.summarise_land_cover(ratios, contrast)
    assert "other roads: ratio 1.80 [1.20, 2.40], in 40 cells" in poor
    assert "water: ratio 1.30" in rich


def test_a_rare_class_with_a_high_ratio_is_not_the_clearest(ratios, contrast):
    ratios.loc[ratios["class"] == "water", ["ratio", "ci_low", "ci_high"]] = [9.0, 0.1, 80.0]
    assert "other roads" in land_cover.summarise_land_cover(ratios, contrast)[0]


def test_only_classes_whose_interval_leaves_zero_are_told_apart(ratios, contrast):
    last = land_cover.summarise_land_cover(ratios, contrast)[2]
    assert "above 0: none" in last
    assert "says poor: other roads" in last


def test_a_side_without_cells_is_said(ratios, contrast):
    got = land_cover.summarise_land_cover(ratios[ratios["side"] == "rich"], contrast)
    assert "Too few cells are predicted poor" in got[0]


def effects(**columns) -> pd.DataFrame:
    table = {
        "name": ["Other roads", "Water", "Ports", "Airports"],
        "reference": "Other roads",
        "value": [0.0, 1.2, -0.4, 0.3],
        "q_value": [None, 0.01, 0.02, 0.4],
        "significant": [False, True, True, False],
    }
    return pd.DataFrame(table | columns)


def planted(**columns) -> pd.DataFrame:
    table = {"kind": ["frozen"], "attribution": "local_effect", "n_inert": 220}
    return pd.DataFrame(table).assign(false_positives=0.2, **columns)


def test_effects_say_how_often_inert_classes_of_planted_rules_are_called():
    adjusted = effects(outcome="income", held="density; fold")
    local, income = land_cover.summarise_effects(effects(), adjusted, planted(), kept())
    assert local.endswith(
        "Of inert classes of frozen planted rules, 44 of 220 have a p below the nominal level too."
    )
    assert "planted" not in income
    none_planted, _ = land_cover.summarise_effects(effects(), adjusted, planted().iloc[:0], kept())
    assert "planted" not in none_planted


def test_effects_name_what_differs_from_the_reference():
    adjusted = effects(outcome="income", held="density; fold")
    local, income = land_cover.summarise_effects(effects(), adjusted, planted(), kept())
    assert local.startswith("Within cells, contributions are higher than on other roads on water,")
    assert "lower on ports (3 classes tested at once" in local
    assert "density and fold the same, incomes are higher than on other roads on water" in income


def test_effects_say_which_of_them_the_list_of_claims_keeps():
    claims = kept("Within cells, Water contributes more to the logit than Other roads")
    adjusted = effects(outcome="income", held="density; fold")
    local, income = land_cover.summarise_effects(effects(), adjusted, planted(), claims)
    assert "; the run's own list of claims keeps of these: water." in local
    assert income.endswith("; the run's own list of claims keeps of these: none.")
    nothing = effects(significant=False, outcome="income", held="fold")
    assert (
        "list of claims"
        not in land_cover.summarise_effects(effects(), nothing, planted(), claims)[1]
    )


def test_density_that_was_learned_is_not_said_to_be_held():
    learned = effects(outcome="logit", held="fold")
    _, logit = land_cover.summarise_effects(effects(), learned, planted(), kept())
    assert logit.startswith("With all other land cover and fold the same, logits are higher")


def test_effects_are_not_said_where_nothing_was_tested():
    untested = effects(q_value=None, outcome="logit", held="fold")
    assert land_cover.summarise_effects(untested, untested, planted(), kept()) == []


@pytest.mark.parametrize(
    ("spearman", "permuted", "surrogate", "expected"),
    [
        (0.8, 0.01, 0.02, "follows the other"),
        (-0.8, 0.01, 0.02, "run counter"),
        (0.5, 0.14, 0.04, "may be chance"),
        (0.5, 0.01, 0.3, "may be chance"),
        (0.5, 0.01, float("nan"), "may be chance"),
        (float("nan"), float("nan"), float("nan"), None),
    ],
)
def test_orders_are_held_against_both_nulls(spearman, permuted, surrogate, expected):
    """Not against the interval, which calls independent orders far too often."""
    table = ordering(0.1, 0.9).assign(spearman=spearman)
    table = table.assign(p_value=permuted, p_value_surrogate=surrogate)
    got = land_cover.summarise_ordering(table, kept(FOLLOWS, COUNTERS))
    assert [expected in sentence for sentence in got] == ([True] if expected else [])


def test_an_order_that_the_list_of_claims_does_not_keep_stays_open():
    table = ordering(0.1, 0.9).assign(p_value=0.01, p_value_surrogate=0.01)
    (got,) = land_cover.summarise_ordering(table, kept(FOLLOWS, survives=False))
    assert got.endswith("stays open (the run's own list of claims does not keep it).")
