"""Recovery of planted rules: by a network that knows the rule, and one that reads it backwards."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from land_cover_cities import CELL_AREA_M2, NAMES, SETTINGS, land_cover
from urbancam.explaining import recovery
from urbancam.scoring import planted
from urbancam.scoring.targets import quintiles

CLASSES = list(NAMES)
SIDE = 20  # cells
BLOCK = 2  # cells a side


def make_rule(number: int, visible_share: float = 0.5) -> tuple[planted.Plant, pd.DataFrame]:
    """A rule on 400 cells of four classes, and the cells."""
    random = np.random.default_rng([7, number])
    column, row = np.divmod(np.arange(SIDE**2), SIDE)
    ids = [f"cell{i:03d}" for i in range(SIDE**2)]
    shares = pd.DataFrame(random.dirichlet([1, 1, 1, 1], SIDE**2), index=ids, columns=CLASSES)
    value = np.exp(10 + 0.3 * random.standard_normal(SIDE**2))
    section = SETTINGS.planted.model_copy(
        update={"classes": 2, "visible_share": visible_share, "smooth_share": 0.0}
    )
    centres = 200.0 * np.column_stack([column, row])
    rule = planted.plant(shares, centres, value, section, 0, number)
    blocks = [f"b{c}_{r}" for c, r in zip(column // BLOCK, row // BLOCK, strict=True)]
    cells = pd.DataFrame(
        {"fold": column // BLOCK % 2, "block": blocks, "ind": 100.0, "share": list(shares.values)},
        index=pd.Index(ids, name="idINSPIRE"),
    )
    return rule, cells


def answer(
    number: int, effects: np.ndarray | None = None, noise: float = 0.1, softmax: bool = False
) -> pd.DataFrame:
    """The answers where the network gives each class these effects (None: the true ones)."""
    rule, cells = make_rule(number)
    random = np.random.default_rng([8, number])
    area = np.stack(cells["share"])
    told = rule.effects["effect"].to_numpy() if effects is None else effects
    own = noise * random.standard_normal(area.shape)
    contribution = area * (told + own)
    logit = contribution.sum(axis=1)
    rich = area * np.exp(told + own)
    poor = area * np.exp(-told + own)
    rows = pd.DataFrame(
        {
            "idINSPIRE": np.repeat(cells.index, len(CLASSES)),
            "class": CLASSES * len(cells),
            "area_m2": CELL_AREA_M2 * area.ravel(),
            "contribution": contribution.ravel(),
            "rich_share": (rich / rich.sum(axis=1, keepdims=True)).ravel(),
            "poor_share": (poor / poor.sum(axis=1, keepdims=True)).ravel(),
        }
    )
    predictions = pd.DataFrame(
        {
            "idINSPIRE": cells.index,
            "logit": np.nan if softmax else logit,
            "p": expit(logit),
            "predicted_class": quintiles(logit),
            "income_class": quintiles(rule.incomes["value"]),
            "value": rule.incomes["value"],
        }
    )
    city = land_cover(rows, predictions, cells["block"])
    # What is told within cells is told by the contributions of whole cells, up to the reference.
    means = city.area_contribution()
    local = recovery.Estimate(
        means.value - means.value[city.reference],
        means.draws - means.draws[:, [city.reference]],
        means.blocks,
    )
    return recovery.recover(city, rule.effects, cells, local, 0, number, recovery.TRAINED)


@pytest.mark.slow
def test_a_network_that_knows_the_rule_is_found_to_know_it():
    table = pd.concat([answer(number) for number in (1, 2, 3)], ignore_index=True)
    of_network = table[
        table["attribution"].isin(["contribution", "local_effect", "adjusted_logit"])
    ]
    assert of_network["value"].to_numpy() == pytest.approx(
        of_network["true_effect"].to_numpy(), abs=0.05
    )
    assert (table["attribution"] == "published_contrast").sum() == 12
    scores = pd.DataFrame({"plant": [1, 2, 3], "kind": "trained", "spearman": [0.6, 0.7, 0.8]})
    summary = recovery.summarise(table, scores, 0.95).set_index("attribution")
    for name in summary.index:
        assert summary.loc[name, ["power", "wrong_sign"]].tolist() == [1, 0]
        assert summary.loc[name, ["n_plants", "n_planted", "n_inert"]].tolist() == [3, 6, 6]
    assert summary["spearman"].tolist() == pytest.approx([0.7] * 5)


def test_a_network_that_reads_the_rule_backwards_has_the_wrong_sign():
    rule, _ = make_rule(1)
    table = answer(1, effects=-rule.effects["effect"].to_numpy())
    scores = pd.DataFrame({"plant": [1], "kind": "trained", "spearman": [-0.6]})
    summary = recovery.summarise(table, scores, 0.95).set_index("attribution")
    assert summary.loc["contribution", ["power", "wrong_sign"]].tolist() == [0, 1]
    assert summary.loc["contribution", "rank_correlation"] < 0
    assert summary.loc["adjusted_income", "power"] == 1  # incomes know no network


def test_a_softmax_head_answers_by_its_expected_class():
    pd.testing.assert_frame_equal(answer(1, softmax=True), answer(1))


@pytest.mark.slow
def test_false_positives_of_the_adjusted_effect_are_near_the_nominal_level():
    """The inert classes of 40 rules: by a p-value at .05, one in twenty; between 2 and 11 %."""
    table = pd.concat([answer(number) for number in range(1, 41)], ignore_index=True)
    scores = pd.DataFrame({"plant": range(1, 41), "kind": "trained", "spearman": 0.6})
    summary = recovery.summarise(table, scores, 0.95).set_index("attribution")
    assert 0.02 <= summary.loc["adjusted_income", "false_positives"] <= 0.11
    assert summary.loc["adjusted_income", "power"] >= 0.95


def test_against_the_mean_an_inert_class_of_reference_is_worth_nothing():
    area = np.array([[0.5, 0.25, 0.25], [0.5, 0.25, 0.25]])
    draws = np.array([[np.nan, 1.0, -1.0], [np.nan, 3.0, np.nan]])
    estimate = recovery.Estimate(np.array([0.0, 2.0, -1.0]), draws, np.array([2, 2, 2]))
    got = recovery.against_mean(estimate, area, 0)
    assert got.value.tolist() == [-0.25, 1.75, -1.25]
    assert got.draws[0].tolist() == [0, 1, -1] and got.draws[1, :2].tolist() == [-0.75, 2.25]
    assert np.isnan(got.draws[1, 2])


def test_a_plant_without_an_order_of_its_answers_leaves_the_mean_to_the_others():
    table = answer(1)
    silent = table.assign(plant=2, value=np.nan, p_value=np.nan, significant=False)
    scores = pd.DataFrame({"plant": [1, 2], "kind": "trained", "spearman": [0.6, np.nan]})
    expected, got = (
        recovery.summarise(rows, scores, 0.95)["rank_correlation"].tolist()
        for rows in (table, pd.concat([table, silent], ignore_index=True))
    )
    assert got == expected


def test_no_plants_make_empty_tables():
    table, scores = recovery.join([])
    summary = recovery.summarise(table, scores, 0.95)
    assert table.columns.tolist() == recovery.COLUMNS and table.empty
    assert summary.columns.tolist() == recovery.SUMMARY_COLUMNS and summary.empty
