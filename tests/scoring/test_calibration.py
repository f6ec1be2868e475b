import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax

from urbancam.scoring import bootstrap, calibration, metrics

PROBABILITIES = metrics.PROBABILITIES


def make_predictions(n: int = 80, sharpness: float = 1.0, seed: int = 0) -> pd.DataFrame:
    """Classes drawn from the probabilities, which are then told `sharpness` times as sure as they are."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 1.5, size=(n, 5))
    observed = (softmax(logits, axis=1).cumsum(axis=1) > random.random((n, 1))).argmax(axis=1)
    told = softmax(sharpness * logits, axis=1)
    table = pd.DataFrame(told, columns=PROBABILITIES)
    return table.assign(
        predicted_class=told.argmax(axis=1), income_class=observed, fold=np.arange(n) % 2
    )


def slow_calibration_error(probability, occurs) -> float:
    """Guo et al. 2017, equation 3, bin by bin and cell by cell."""
    total = 0.0
    for b in range(15):
        cells = [
            i
            for i, p in enumerate(probability)
            if b / 15 < p <= (b + 1) / 15 or (b == 0 and p == 0)
        ]
        if cells:
            accuracy, confidence = (
                np.mean([values[i] for i in cells]) for values in (occurs, probability)
            )
            total += len(cells) / len(probability) * abs(accuracy - confidence)
    return total


def slow_scores(cells: pd.DataFrame) -> dict[str, float]:
    probabilities, observed = cells[PROBABILITIES].to_numpy(), cells["income_class"].to_numpy()
    right = (cells["predicted_class"] == cells["income_class"]).to_numpy()
    truth = np.array([[float(k == c) for k in range(5)] for c in observed])
    return {
        "ece": slow_calibration_error(probabilities.max(axis=1), right),
        "classwise_ece": np.mean(
            [slow_calibration_error(probabilities[:, k], truth[:, k]) for k in range(5)]
        ),
        "nll": np.mean([-np.log(p[c]) for p, c in zip(probabilities, observed, strict=True)]),
        "rps": np.mean(
            [
                sum((p[: k + 1].sum() - (c <= k)) ** 2 for k in range(4)) / 4
                for p, c in zip(probabilities, observed, strict=True)
            ]
        ),
        "brier": np.mean(((probabilities - truth) ** 2).sum(axis=1)),
    }


def test_scores_of_every_draw_are_those_of_its_blocks_written_down_as_wholes():
    cells, blocks = make_predictions(), np.random.default_rng(1).integers(0, 8, 80)
    counts = np.vstack(
        [np.ones((1, 8), dtype=int), bootstrap.block_draws(blocks, draws=20, seed=2)]
    )
    got = calibration.scores(cells, bootstrap.number_blocks(blocks)[0], counts)
    for draw, scores in zip(counts, got.to_dict("records"), strict=True):
        drawn = pd.concat([cells[blocks == block] for block in np.repeat(np.arange(8), draw)])
        assert scores == pytest.approx(slow_scores(drawn))


def score_once(cells: pd.DataFrame) -> pd.Series:
    return calibration.scores(
        cells, np.zeros(len(cells), dtype=int), np.ones((1, 1), dtype=int)
    ).iloc[0]


def test_always_right_and_sure_is_calibrated_always_wrong_and_sure_is_not():
    sure = pd.DataFrame(np.eye(5)[[0, 1, 2, 3]], columns=PROBABILITIES).assign(
        predicted_class=[0, 1, 2, 3]
    )
    right, wrong = (
        score_once(sure.assign(income_class=[0, 1, 2, 3])),
        score_once(sure.assign(income_class=4)),
    )
    assert right.tolist() == pytest.approx([0] * 5)
    assert (
        wrong["ece"] == 1 and wrong["brier"] == 2 and wrong["nll"] == pytest.approx(-np.log(1e-7))
    )
    assert wrong["classwise_ece"] == pytest.approx((4 * 0.25 + 1) / 5)


def test_honest_probabilities_have_a_small_error_and_overconfident_ones_a_large():
    honest, sure = (score_once(make_predictions(20_000, sharpness)) for sharpness in (1, 3))
    assert honest["ece"] < 0.02 and honest["classwise_ece"] < 0.02
    assert sure["ece"] > 0.15 and sure["nll"] > honest["nll"]


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
    got = calibration.fit_temperature(
        cells[PROBABILITIES].to_numpy(), cells["income_class"].to_numpy()
    )
    assert got == pytest.approx(sharpness, rel=0.05)


def test_temperature_is_the_best_of_a_fine_grid():
    cells = make_predictions(60, sharpness=2)
    probabilities, observed = cells[PROBABILITIES].to_numpy(), cells["income_class"].to_numpy()

    def loss(temperature: float) -> float:
        scaled = probabilities ** (1 / temperature)
        return -np.log((scaled / scaled.sum(axis=1, keepdims=True))[np.arange(60), observed]).mean()

    grid = np.geomspace(0.05, 20, 2000)
    expected = grid[np.argmin([loss(t) for t in grid])]
    assert calibration.fit_temperature(probabilities, observed) == pytest.approx(
        expected, rel=0.005
    )


def test_scaling_by_hand_and_at_one_nothing_changes():
    probabilities = np.array([[0.64, 0.16, 0.16, 0.04, 0.0], [1.0, 0, 0, 0, 0]])
    got = calibration.scale(probabilities, 2.0)[0]
    assert got[:4] == pytest.approx(np.array([0.8, 0.4, 0.4, 0.2]) / 1.8, abs=1e-3)
    assert calibration.scale(probabilities, 1.0) == pytest.approx(probabilities, abs=1e-6)


def test_folds_are_scaled_each_by_its_own_temperature_and_keep_their_classes():
    cells = make_predictions(sharpness=2)
    fitted = calibration.temperatures(
        {0: make_predictions(4000, 3.0), 1: make_predictions(4000, 1.0)}
    )
    got = calibration.scale_folds(cells, fitted)
    assert fitted["temperature"].tolist() == pytest.approx([3, 1], rel=0.1)
    assert (fitted["nll_after"] <= fitted["nll_before"] + 1e-9).all() and (
        fitted["n"] == 4000
    ).all()
    assert (got[PROBABILITIES].to_numpy().argmax(axis=1) == cells["predicted_class"]).all()
    other = cells["fold"] == 1
    assert np.abs(got[other][PROBABILITIES] - cells[other][PROBABILITIES]).max(axis=None) < 0.05
    assert (got[~other][PROBABILITIES].max(axis=1) < cells[~other][PROBABILITIES].max(axis=1)).all()


def test_reliability_table_by_hand():
    cells = pd.DataFrame([[0.9, 0.1, 0, 0, 0]] * 4 + [[0, 0, 0, 0.5, 0.5]], columns=PROBABILITIES)
    cells = cells.assign(predicted_class=[0] * 4 + [3], income_class=[0, 0, 0, 1, 4])
    got = calibration.reliability_table(
        {"model": cells}, np.arange(5), draws=200, confidence=0.9, seed=0
    )
    assert got["bin"].tolist() == list(range(15)) and got["n"].sum() == 5
    assert got.loc[13, ["n", "confidence", "accuracy"]].tolist() == pytest.approx([4, 0.9, 0.75])
    assert got.loc[7, ["n", "confidence", "accuracy"]].tolist() == pytest.approx([1, 0.5, 0])
    assert 0 < got.loc[13, "ci_low"] < 0.75 < got.loc[13, "ci_high"] <= 1
    assert got.drop(index=[7, 13])[["confidence", "accuracy", "ci_low"]].isna().all(axis=None)


def test_reliability_adds_up_to_the_expected_calibration_error():
    cells = make_predictions(500, sharpness=2)
    bins = calibration.reliability_table(
        {"model": cells}, np.arange(500) // 20, 20, 0.95, 0
    ).dropna(subset="accuracy")
    expected = (bins["n"] * (bins["accuracy"] - bins["confidence"]).abs()).sum() / 500
    assert score_once(cells)["ece"] == pytest.approx(expected)


def test_table_compares_the_scaled_model_with_the_model():
    model = make_predictions(600, sharpness=3)
    scaled = calibration.scale_folds(
        model, calibration.temperatures({f: make_predictions(600, 3, 1) for f in (0, 1)})
    )
    none = np.zeros(600, dtype=bool)
    got = metrics.metrics_table(
        {"model": model, "scaled": scaled},
        none,
        np.arange(600) // 20,
        100,
        0.95,
        0,
        calibration.scores,
    )
    got = got.query("subset == 'all' and fold == 'all'").set_index(["predictor", "metric"])
    assert got.loc[("model - scaled", "nll"), "ci_low"] > 0
    assert got.loc[("scaled", "ece"), "value"] < got.loc[("model", "ece"), "value"] / 2
