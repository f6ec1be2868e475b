"""Calibration errors draw by draw, temperatures, and the reliability diagram."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax

from urbancam.scoring import bootstrap, calibration, metrics
from urbancam.scoring.vocabulary import PROBABILITIES
from urbancam.workflow import settings

STATISTICS = settings.load("default", ["statistics.draws=100"]).statistics


def make_predictions(n: int = 80, sharpness: float = 1.0, seed: int = 0) -> pd.DataFrame:
    """Classes drawn from probabilities; the predictions are `sharpness` times as sure."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 1.5, size=(n, 5))
    cumulative = softmax(logits, axis=1).cumsum(axis=1)
    observed = (cumulative > random.random((n, 1))).argmax(axis=1)
    probabilities = softmax(sharpness * logits, axis=1)
    table = pd.DataFrame(probabilities, columns=PROBABILITIES)
    return table.assign(
        predicted_class=probabilities.argmax(axis=1),
        income_class=observed,
        fold=np.arange(n) % 2,
    )


def slow_calibration_error(probability, occurs) -> float:
    """Guo et al. 2017, equation 3, bin by bin and cell by cell."""
    total = 0.0
    for b in range(15):
        low, high = b / 15, (b + 1) / 15
        cells = [i for i, p in enumerate(probability) if low < p <= high or (b == 0 and p == 0)]
        if cells:
            accuracy = np.mean([occurs[i] for i in cells])
            confidence = np.mean([probability[i] for i in cells])
            total += len(cells) / len(probability) * abs(accuracy - confidence)
    return total


def slow_scores(cells: pd.DataFrame) -> dict[str, float]:
    probabilities = cells[PROBABILITIES].to_numpy()
    observed = cells["income_class"].to_numpy()
    right = (cells["predicted_class"] == cells["income_class"]).to_numpy()
    truth = np.array(
        [[float(k == observed_class) for k in range(5)] for observed_class in observed]
    )
    nll = []
    rps = []
    for p, observed_class in zip(probabilities, observed, strict=True):
        nll.append(-np.log(p[observed_class]))
        gaps = [p[: k + 1].sum() - (observed_class <= k) for k in range(4)]
        rps.append(sum(gap**2 for gap in gaps) / 4)
    of_classes = [slow_calibration_error(probabilities[:, k], truth[:, k]) for k in range(5)]
    return {
        "ece": slow_calibration_error(probabilities.max(axis=1), right),
        "classwise_ece": np.mean(of_classes),
        "nll": np.mean(nll),
        "rps": np.mean(rps),
        "brier": np.mean(((probabilities - truth) ** 2).sum(axis=1)),
    }


def test_scores_of_every_draw_are_those_of_its_blocks_written_down_as_wholes():
    cells = make_predictions()
    blocks = np.random.default_rng(1).integers(0, 8, 80)
    as_they_are = np.ones((1, 8), dtype=int)
    counts = np.vstack([as_they_are, bootstrap.block_draws(blocks, draws=20, seed=2) * (7 / 8)])
    numbers, _ = bootstrap.number_blocks(blocks)
    got = calibration.scores(cells, numbers, counts)
    for draw, scores in zip(counts, got.to_dict("records"), strict=True):
        blocks_of_draw = np.repeat(np.arange(8), np.rint(draw).astype(int))
        cells_of_draw = pd.concat([cells[blocks == block] for block in blocks_of_draw])
        assert scores == pytest.approx(slow_scores(cells_of_draw))


def score_once(cells: pd.DataFrame) -> pd.Series:
    """The scores of the cells as they are."""
    one_block = np.zeros(len(cells), dtype=int)
    once = np.ones((1, 1), dtype=int)
    return calibration.scores(cells, one_block, once).iloc[0]


def make_sure_predictions() -> pd.DataFrame:
    """One cell for each of classes 0 .. 3, predicted with certainty."""
    table = pd.DataFrame(np.eye(5)[:4], columns=PROBABILITIES)
    return table.assign(predicted_class=[0, 1, 2, 3])


def test_always_right_and_sure_is_calibrated():
    got = score_once(make_sure_predictions().assign(income_class=[0, 1, 2, 3]))
    assert got.tolist() == pytest.approx([0] * 5)


def test_always_wrong_and_sure_is_not_calibrated():
    got = score_once(make_sure_predictions().assign(income_class=4))
    assert got["ece"] == 1
    assert got["brier"] == 2
    assert got["nll"] == pytest.approx(-np.log(1e-7))
    assert got["classwise_ece"] == pytest.approx((4 * 0.25 + 1) / 5)


def test_honest_probabilities_have_a_small_error_and_overconfident_ones_a_large():
    honest = score_once(make_predictions(20_000, sharpness=1))
    sure = score_once(make_predictions(20_000, sharpness=3))
    assert honest["ece"] < 0.02
    assert honest["classwise_ece"] < 0.02
    assert sure["ece"] > 0.15
    assert sure["nll"] > honest["nll"]


def test_scores_of_no_cells_are_nan():
    assert score_once(make_predictions().iloc[:0]).isna().all()


@pytest.mark.parametrize(
    ("probability", "expected"), [(0, 0), (1 / 15, 0), (0.0667, 1), (0.5, 7), (0.99, 14), (1, 14)]
)
def test_bins_hold_their_upper_edge(probability, expected):
    assert calibration.bin_of(np.array([probability])).tolist() == [expected]


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 3.0])
def test_temperature_undoes_how_much_too_sure_the_network_is(sharpness):
    cells = make_predictions(20_000, sharpness)
    probabilities = cells[PROBABILITIES].to_numpy()
    got = calibration.fit_temperature(probabilities, cells["income_class"].to_numpy())
    assert got == pytest.approx(sharpness, rel=0.05)


def test_temperature_is_the_best_of_a_fine_grid():
    cells = make_predictions(60, sharpness=2)
    probabilities = cells[PROBABILITIES].to_numpy()
    observed = cells["income_class"].to_numpy()

    def loss(temperature: float) -> float:
        powers = probabilities ** (1 / temperature)
        scaled = powers / powers.sum(axis=1, keepdims=True)
        return -np.log(scaled[np.arange(60), observed]).mean()

    grid = np.geomspace(0.05, 20, 2000)
    expected = grid[np.argmin([loss(temperature) for temperature in grid])]
    got = calibration.fit_temperature(probabilities, observed)
    assert got == pytest.approx(expected, rel=0.005)


def test_scaling_by_hand_and_at_one_nothing_changes():
    probabilities = np.array([[0.64, 0.16, 0.16, 0.04, 0.0], [1.0, 0, 0, 0, 0]])
    got = calibration.scale(probabilities, 2.0)[0]
    assert got[:4] == pytest.approx(np.array([0.8, 0.4, 0.4, 0.2]) / 1.8, abs=1e-3)
    assert calibration.scale(probabilities, 1.0) == pytest.approx(probabilities, abs=1e-6)


def test_folds_are_scaled_each_by_its_own_temperature_and_keep_their_classes():
    cells = make_predictions(sharpness=2)
    temperatures = fit_two_folds()
    scaled = calibration.scale_folds(cells, temperatures)
    before = cells[PROBABILITIES]
    after = scaled[PROBABILITIES]
    assert (after.to_numpy().argmax(axis=1) == cells["predicted_class"]).all()
    too_sure = cells["fold"] == 0
    assert (after.max(axis=1) < before.max(axis=1))[too_sure].all()
    assert (after - before)[~too_sure].abs().max(axis=None) < 0.05


def fit_two_folds() -> pd.DataFrame:
    """Temperatures of a fold whose network is three times too sure, and of an honest one."""
    validation = {
        0: make_predictions(4000, sharpness=3.0),
        1: make_predictions(4000, sharpness=1.0),
    }
    return calibration.temperatures(validation)


def test_temperatures_make_the_validation_cells_more_likely():
    got = fit_two_folds()
    assert got["temperature"].tolist() == pytest.approx([3, 1], rel=0.1)
    assert (got["nll_after"] <= got["nll_before"] + 1e-9).all()
    assert (got["n"] == 4000).all()


def test_reliability_table_by_hand():
    probabilities = [[0.9, 0.1, 0, 0, 0]] * 4 + [[0, 0, 0, 0.5, 0.5]]
    cells = pd.DataFrame(probabilities, columns=PROBABILITIES)
    cells = cells.assign(predicted_class=[0, 0, 0, 0, 3], income_class=[0, 0, 0, 1, 4])
    blocks = np.arange(5)
    loose = STATISTICS.model_copy(update={"min_blocks": 1, "confidence": 0.5})
    got = calibration.reliability_table({"model": cells}, blocks, loose, seed=0)
    assert got["bin"].tolist() == list(range(15))
    assert got["n"].sum() == 5
    assert got.loc[13, ["n", "confidence", "accuracy"]].tolist() == pytest.approx([4, 0.9, 0.75])
    assert got.loc[7, ["n", "confidence", "accuracy"]].tolist() == pytest.approx([1, 0.5, 0])
    assert 0 < got.loc[13, "ci_low"] < 0.75 < got.loc[13, "ci_high"] <= 1
    assert got.drop(index=[7, 13])[["confidence", "accuracy", "ci_low"]].isna().all(axis=None)


def test_reliability_adds_up_to_the_expected_calibration_error():
    cells = make_predictions(500, sharpness=2)
    blocks = np.arange(500) // 20
    table = calibration.reliability_table({"model": cells}, blocks, STATISTICS, 0)
    bins = table.dropna(subset="accuracy")
    gaps = (bins["accuracy"] - bins["confidence"]).abs()
    expected = (bins["n"] * gaps).sum() / 500
    assert score_once(cells)["ece"] == pytest.approx(expected)


def test_table_compares_the_scaled_model_with_the_model():
    model = make_predictions(600, sharpness=3)
    validation = make_predictions(600, sharpness=3, seed=1)
    temperatures = calibration.temperatures({0: validation, 1: validation})
    scaled = calibration.scale_folds(model, temperatures)
    table = metrics.metrics_table(
        {"model": model, "scaled": scaled},
        imputed=np.zeros(600, dtype=bool),
        blocks=np.arange(600) // 20,
        statistics=STATISTICS,
        seed=0,
        score=calibration.scores,
    )
    got = table.query("subset == 'all' and fold == 'all'").set_index(["predictor", "metric"])
    assert got.loc[("model - scaled", "nll"), "ci_low"] > 0
    assert got.loc[("scaled", "ece"), "value"] < got.loc[("model", "ece"), "value"] / 2
