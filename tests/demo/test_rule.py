"""The rule behind the incomes of the demo city: what the image shows counts most, place little."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from sklearn.neighbors import KNeighborsRegressor

from urbancam.demo.people import income


@pytest.fixture(scope="module")
def full(full_city) -> pd.DataFrame:
    """The truth about the city of run `demo`, with the published incomes."""
    truth, _ = full_city
    return truth.assign(published_eur=truth["Ind_snv"] / truth["Ind"])


@pytest.fixture(scope="module")
def variance_shares(tiny) -> list[float]:
    """Visible, smooth and unseen share of the variance of log income."""
    visible = tiny.demo.visible_share
    smooth = tiny.demo.smooth_share
    return [visible, smooth, 1 - visible - smooth]


def test_full_city_has_enough_cells_of_plausible_income(full):
    assert len(full) >= 250
    assert 0.15 < full["I_est_cr"].mean() < 0.25
    assert full["published_eur"].between(9_000, 45_000).all()


def test_income_follows_what_can_be_seen(full):
    assert spearmanr(full["visible"], full["published_eur"]).statistic >= 0.75


def test_place_alone_tells_little(full):
    place = full["IdINSPIRE"].str.extract(r"N(\d+)E(\d+)").astype(int)
    block = (place // 400).apply(tuple, axis=1).factorize()[0]
    fold = np.random.default_rng(0).integers(0, 3, block.max() + 1)[block]
    log_income = np.log(full["published_eur"])
    predicted = np.zeros(len(full))
    for number in range(3):
        train = fold != number
        model = KNeighborsRegressor(8).fit(place[train], log_income[train])
        predicted[~train] = model.predict(place[~train])
    assert spearmanr(predicted, full["published_eur"]).statistic <= 0.4


def test_parts_have_the_variances_of_the_rule(full, variance_shares):
    log_income = np.log(full["income_eur"] / income.MEDIAN_EUR) / income.SPREAD
    visible, smooth, unseen = np.sqrt(variance_shares)
    rest = log_income - visible * full["visible"] - smooth * full["smooth"]
    assert full[["visible", "smooth", "unseen"]].std().to_numpy() == pytest.approx(1, abs=0.01)
    assert rest.to_numpy() == pytest.approx(unseen * full["unseen"].to_numpy())


def test_truth_tells_the_rule_of_every_cell(packed, variance_shares):
    truth = json.loads(packed.truth.read_text())
    cell = truth["cells"][0]
    parts = [cell["visible"], cell["smooth"], cell["unseen"]]
    log_income = truth["spread_log"] * np.dot(np.sqrt(variance_shares), parts)
    expected = truth["median_eur"] * np.exp(log_income)
    assert cell["income_eur"] == pytest.approx(expected, rel=1e-4)
    assert truth["raises"]["log_income_per_share"] == -truth["lowers"]["log_income_per_share"] > 0
