"""Claims are corrected for how many were tried, and held against the run's own controls."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from urbancam.scoring import claims

RATE = 0.05
CLASSES = [f"class_{number}" for number in range(15)]


def metric_rows(
    model: float,
    differences: dict[str, float] | None = None,
    error: float = 0.04,
    n_blocks: int = 1000,
) -> pd.DataFrame:
    """`metrics.csv` of the model's Spearman r and its differences to baselines, for all and for
    not imputed cells."""
    half_width = error * stats.t.ppf(0.975, n_blocks - 1)
    rows = [
        (subset, predictor, model - difference, difference)
        for subset in ("all", "not_imputed")
        for predictor, difference in {"model": 0, **(differences or {})}.items()
    ]
    table = pd.DataFrame(rows, columns=["subset", "predictor", "value", "difference"])
    table.loc[table["predictor"] == "model", "difference"] = np.nan
    for column, prefix in {"value": "", "difference": "difference_"}.items():
        table[f"{prefix}ci_low"] = table[column] - half_width
        table[f"{prefix}ci_high"] = table[column] + half_width
    return table.assign(fold="all", metric="spearman", n_cells=500, n_blocks=n_blocks)


def class_rows(z: np.ndarray, value: str, null: float, **more) -> pd.DataFrame:
    """A table of land cover: a test a class, with these deviates."""
    columns = {
        "class": CLASSES[: len(z)],
        "name": CLASSES[: len(z)],
        value: null + 0.1 * z,
        "ci_low": null + 0.1 * (z - 1.96),
        "ci_high": null + 0.1 * (z + 1.96),
        "p_value": 2 * stats.norm.sf(np.abs(z)),
    }
    return pd.DataFrame(columns).assign(**more)


def subgroup_rows(low: dict[str, float]) -> pd.DataFrame:
    """`subgroups.csv`: the lower ends of the model's intervals."""
    places = {
        "within departments": ("department", "within", "cells"),
        "within campaigns": ("campaign", "within", "cells"),
        "weighted by people": ("city", "all", "people"),
    }
    rows = [(*where, low.get(name, 0.4)) for name, where in places.items()]
    table = pd.DataFrame(rows, columns=["grouping", "subset", "weighting", "ci_low"])
    return table.assign(predictor="model", metric="spearman")


def added(low: float, p_value: float = 1e-4) -> pd.DataFrame:
    return pd.DataFrame(
        {"given": ["all"], "value": 0.3, "ci_low": low, "ci_high": 0.6, "p_value": p_value}
    )


def test_what_a_city_does_not_count_is_not_said_to_be_given():
    """People are not counted in every city: there is no density to be beyond of."""
    rows = [added(low=-0.1).assign(given=name) for name in ("land_cover", "coordinates", "all")]
    got = weigh(good_run() | {"added_value": pd.concat(rows)})
    assert "not beyond land cover and place" in got.loc[RANKS, "against_it"]
    assert "The image ranks the cells beyond land cover and place together" in got.index
    assert not any("density" in claim for claim in got.index)


def good_run() -> dict[str, pd.DataFrame]:
    """A run whose image ranks the cells in every way, with one class that counts."""
    z = np.array([6.0, 0.5, -0.3])
    return {
        "metrics": metric_rows(0.7, {"coordinates": 0.2}),
        "subgroups": subgroup_rows({}),
        "added_value": added(low=0.2),
        "local_effect": class_rows(z, "value", 0, reference="class_2"),
        "shuffled_local_effect": class_rows(z / 10, "value", 0, reference="class_2"),
        "shuffled_metrics": metric_rows(0.01),
    }


def weigh(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return claims.weigh(tables, RATE, 0.95).set_index("claim")


RANKS = "The image ranks the cells as they are"
READS = "Within cells, class 0 contributes more to the logit than class 2"


def test_claims_that_nothing_speaks_against_survive():
    got = weigh(good_run())
    assert set(got.index[got["survives"]]) == {
        RANKS,
        "The network ranks the cells better than the baseline of coordinates",
        "The image ranks the cells beyond land cover, density and place together",
        READS,
    }
    assert len(got) == 5
    assert (got["against_it"][got["survives"]] == "").all()


@pytest.mark.parametrize(
    ("changed", "claim", "expected"),
    [
        ({"added_value": added(low=-0.1)}, RANKS, "not beyond land cover, density and place"),
        ({"subgroups": subgroup_rows({"within campaigns": -0.1})}, RANKS, "not within campaigns"),
        ({"subgroups": subgroup_rows({"weighted by people": 0})}, RANKS, "not weighted by people"),
        (
            {"metrics": metric_rows(0.7, {"coordinates": -0.1})},
            RANKS,
            "the baseline of coordinates does as well",
        ),
        (
            {"shuffled_metrics": metric_rows(0.3)},
            "The image ranks the cells beyond land cover, density and place together",
            "a network of shuffled labels ranks the cells too",
        ),
        (
            {"shuffled_metrics": metric_rows(0.3)},
            RANKS,
            "a network of shuffled labels ranks the cells too",
        ),
        (
            {
                "leakage": pd.DataFrame(
                    {
                        "split": ["campaign"],
                        "predictor": "model",
                        "metric": "spearman",
                        "ci_low": -0.1,
                    }
                )
            },
            RANKS,
            "not with campaigns left out",
        ),
        (
            {"shuffled_local_effect": class_rows(np.array([4.0]), "value", 0)},
            READS,
            "the same with shuffled labels",
        ),
        (
            {
                "adjusted_effect": class_rows(
                    np.array([-5.0]), "value", 0, outcome="logit", significant=True
                )
            },
            READS,
            "its adjusted effect on the logit is of the other sign",
        ),
        (
            {
                "recovery_summary": pd.DataFrame(
                    {
                        "kind": ["frozen"],
                        "attribution": "local_effect",
                        "n_inert": 100,
                        "false_positives": 0.6,
                    }
                )
            },
            READS,
            "of frozen planted rules it finds 60% of inert classes",
        ),
    ],
)
def test_each_control_that_speaks_against_a_claim_is_named(changed, claim, expected):
    got = weigh(good_run() | changed)
    assert got["against_it"][claim] == expected
    assert not got["survives"][claim]


@pytest.mark.parametrize("z", [0.5, -4.0])
def test_shuffled_labels_that_say_nothing_or_the_contrary_are_no_objection(z):
    shuffled = class_rows(np.array([z]), "value", 0)
    assert weigh(good_run() | {"shuffled_local_effect": shuffled})["survives"][READS]


def test_the_class_that_effects_are_told_against_is_no_claim():
    tables = good_run()
    names = ["Parks", "Ports", "Roads"]
    tables["local_effect"] = tables["local_effect"].assign(name=names, reference="Roads")
    assert set(weigh(tables)["class"].dropna()) - {""} == {"class_0", "class_1"}


def test_an_adjusted_effect_is_held_against_what_it_says_of_planted_rules():
    effects = class_rows(np.array([6.0]), "value", 0, outcome="income", reference="class_2")
    planted = pd.DataFrame({"kind": ["frozen"], "attribution": "adjusted_income", "n_inert": 100})
    tables = good_run() | {"adjusted_effect": effects.assign(significant=True)}
    claim = "More class 0 goes with a higher income, the other land cover held"
    sound = planted.assign(false_positives=0.05)
    assert weigh(tables | {"recovery_summary": sound})["survives"][claim]
    got = weigh(tables | {"recovery_summary": planted.assign(false_positives=0.4)})
    assert got["against_it"][claim] == "of frozen planted rules it finds 40% of inert classes"


def test_an_order_that_smooth_incomes_give_too_is_no_claim():
    order = pd.DataFrame(
        {"measure": ["contribution"], "observed": "mean income", "spearman": 0.8}
    ).assign(ci_low=0.6, ci_high=0.9, p_value=0.001, p_value_surrogate=0.3)
    claim = "The contribution orders the classes as the mean income does"
    assert weigh(good_run() | {"ordering_agreement": order})["against_it"][claim] == (
        "incomes as smooth that know nothing of land cover give it too"
    )
    known = order.assign(p_value_surrogate=0.01)
    assert weigh(good_run() | {"ordering_agreement": known})["survives"][claim]


def test_a_ranking_of_imputed_cells_alone_is_named():
    metrics = metric_rows(0.7)
    metrics.loc[metrics["subset"] == "not_imputed", "ci_low"] = -0.02
    assert weigh({"metrics": metrics})["against_it"][RANKS] == "not without imputed cells"


def test_which_controls_were_not_tried_is_said():
    got = weigh(good_run())
    assert got["survives"][RANKS]
    assert got["untried"][RANKS] == "a campaign left out"
    tables = good_run()
    del tables["shuffled_metrics"]
    assert weigh(tables)["untried"][RANKS] == "a campaign left out; shuffled labels"


def test_what_no_control_was_asked_of_does_not_survive():
    got = weigh({"metrics": metric_rows(0.7)})
    assert got["q_value"][RANKS] < RATE and not got["survives"][RANKS]
    assert got["against_it"][RANKS] == "" and "shuffled labels" in got["untried"][RANKS]


def pairs(object_: str) -> pd.DataFrame:
    return pd.DataFrame({"object": [object_], "neighbour": "class_1", "side": "poor"}).assign(
        value=1.5, ci_low=1.2, ci_high=1.8, p_value=1e-6
    )


def test_a_kind_that_no_control_asks_is_said_to_be_untried_and_does_not_survive():
    incomes = class_rows(np.array([6.0]), "probability", 0.4, side="poor", n_cells=100)
    tables = {
        "observed_association": incomes.assign(base_rate=0.4),
        "observed_coassociation": pairs("class_0"),
    }
    got = weigh(good_run() | tables)
    got = got[got["kind"].isin(["incomes", "pair"])]
    assert list(got.index) == [
        "Cells that hold class 0 are poor more often than cells at large",
        "Cells that hold class 0 are poor more often where class 1 is too",
    ]
    assert (got["q_value"] < RATE).all() and not got["survives"].any()
    assert set(got["untried"]) == {"no control asks this"} and set(got["against_it"]) == {""}


@pytest.mark.parametrize(("n_cells", "expected"), [(475, 0), (474, 1)])
def test_a_pair_whose_object_nearly_every_cell_holds_is_no_claim_of_its_own(n_cells, expected):
    incomes = class_rows(np.array([6.0]), "probability", 0.4, side="poor", n_cells=n_cells)
    tables = {
        "observed_association": incomes.assign(base_rate=0.4),
        "observed_coassociation": pairs("class_0"),
    }
    assert (weigh(good_run() | tables)["kind"] == "pair").sum() == expected  # of 500 cells


def test_a_test_without_interval_is_no_claim():
    tables = good_run()
    tables["local_effect"]["p_value"] = np.nan
    got = weigh(tables)
    assert got["against_it"][READS] == claims.TOO_FEW and not got["survives"][READS]


def test_correction_is_over_the_whole_list():
    alone = good_run()
    alone["local_effect"] = class_rows(np.array([2.4]), "value", 0, reference="class_2")
    assert weigh(alone)["survives"][READS]
    others = class_rows(np.linspace(-0.5, 0.5, 15), "probability", 0.4, side="poor")
    among = alone | {"observed_association": others.assign(base_rate=0.4, n_cells=100)}
    assert not weigh(among)["survives"][READS]


def empty_world(random: np.random.Generator) -> dict[str, pd.DataFrame]:
    """A run in which nothing is true; its classes are shares of a whole, so they hang together."""

    def deviates(n: int) -> np.ndarray:
        z = random.normal(size=n)
        return (z - z.mean()) / np.sqrt(1 - 1 / n)

    error, (ranking, gain, beyond) = 0.04, random.normal(size=3)
    incomes = [class_rows(deviates(15), "probability", 0.4, side=side) for side in ("poor", "rich")]
    effects = [
        class_rows(deviates(15), "value", 0, outcome=outcome, significant=False)
        for outcome in ("logit", "income")
    ]
    return {
        "metrics": metric_rows(error * ranking, {"land_cover": error * gain}),
        "added_value": added(-0.1, 2 * stats.norm.sf(abs(beyond))),
        "local_effect": class_rows(deviates(15), "value", 0, reference="none"),
        "adjusted_effect": pd.concat(effects),
        "observed_association": pd.concat(incomes).assign(base_rate=0.4, n_cells=100),
    }


@pytest.mark.slow
def test_where_nothing_is_true_hardly_a_run_keeps_a_claim():
    """Of 100 runs with 78 tests each at most .05 keep any claim, 3 standard deviations of slack."""
    random = np.random.default_rng(0)
    kept, uncorrected = [], []
    for _ in range(100):
        got = claims.weigh(empty_world(random), RATE, 0.95)
        assert len(got) == 78
        kept.append(got["survives"].any())
        uncorrected.append((got["p_value"] <= RATE).any())
    assert sum(kept) <= 5 + 3 * (100 * 0.05 * 0.95) ** 0.5
    assert np.mean(uncorrected) > 0.9  # what a reader would find without the correction


def test_scores_of_few_blocks_are_tested_by_as_few():
    """Six blocks have five degrees of freedom, however far from 0 the interval lies."""
    table = metric_rows(0.4, n_blocks=6)
    got = claims._claims_of_scores(table, 0.95)["p_value"].iloc[0]
    assert got == pytest.approx(2 * stats.t.sf(10, 5))
