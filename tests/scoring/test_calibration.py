"""Calibration errors draw by draw, temperatures, and the reliability diagram."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax

from urbancam.scoring import bootstrap, calibration, metrics, temperature
from urbancam.scoring.vocabulary import PROBABILITIES
from urbancam.workflow.settings import settings

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


def slow_scores(cells: pd.DataFrame) -> dict[str, float]:
    probabilities = cells[PROBABILITIES].to_numpy()
    observed = cells["income_class"].to_numpy()
    truth = np.array(
        [[float(k == observed_class) for k in range(5)] for observed_class in observed]
    )
    nll = []
    rps = []
    for p, observed_class in zip(probabilities, observed, strict=True):
        nll.append(-np.log(p[observed_class]))
        gaps = [p[: k + 1].sum() - (observed_class <= k) for k in range(4)]
        rps.append(sum(gap**2 for gap in gaps) / 4)
    return {
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


def errors_of(cells: pd.DataFrame) -> pd.Series:
    """The calibration errors of cells that are each a block of its own."""
    alone = np.arange(len(cells))
    nobody = np.zeros(len(cells), dtype=bool)
    table = calibration.error_rows({"model": cells}, nobody, alone)
    return table.query("subset == 'all'").set_index("metric")["value"]


def make_sure_predictions() -> pd.DataFrame:
    """One cell for each of classes 0 .. 3, predicted with certainty."""
    table = pd.DataFrame(np.eye(5)[:4], columns=PROBABILITIES)
    return table.assign(predicted_class=[0, 1, 2, 3])


def test_always_right_and_sure_is_calibrated():
    got = score_once(make_sure_predictions().assign(income_class=[0, 1, 2, 3]))
    assert got.tolist() == pytest.approx([0] * 3)
    assert errors_of(make_sure_predictions().assign(income_class=[0, 1, 2, 3])).eq(0).all()


def test_always_wrong_and_sure_is_not_calibrated():
    got = score_once(make_sure_predictions().assign(income_class=4))
    assert errors_of(make_sure_predictions().assign(income_class=4))["ece"] == 1
    assert got["brier"] == 2
    assert got["nll"] == pytest.approx(-np.log(1e-7))


def test_honest_probabilities_have_a_small_error_and_overconfident_ones_a_large():
    honest = score_once(make_predictions(20_000, sharpness=1))
    sure = score_once(make_predictions(20_000, sharpness=3))
    assert (errors_of(make_predictions(20_000, sharpness=1)) < 0.01).all()
    assert errors_of(make_predictions(20_000, sharpness=3))["ece"] > 0.15
    assert sure["nll"] > honest["nll"]


def test_scores_of_no_cells_are_nan():
    assert score_once(make_predictions().iloc[:0]).isna().all()


def test_bins_hold_as_many_cells_each():
    probability = np.random.default_rng(0).random(200) ** 5  # most of them small
    got = calibration.bin_of(probability)
    assert np.bincount(got).tolist() == [20] * 10
    assert (np.diff(got[np.argsort(probability)]) >= 0).all()


def test_equal_probabilities_share_a_bin():
    assert np.unique(calibration.bin_of(np.array([0.2] * 30 + [0.9] * 3))).tolist() == [0, 9]
    assert calibration.bin_of(np.full(7, 0.2)).tolist() == [0] * 7
    assert calibration.bin_of(np.zeros(0)).tolist() == []


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 3.0])
def test_temperature_undoes_how_much_too_sure_the_network_is(sharpness):
    cells = make_predictions(20_000, sharpness)
    probabilities = cells[PROBABILITIES].to_numpy()
    got = temperature.fit_temperature(probabilities, cells["income_class"].to_numpy())
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
    got = temperature.fit_temperature(probabilities, observed)
    assert got == pytest.approx(expected, rel=0.005)


def test_scaling_by_hand_and_at_one_nothing_changes():
    probabilities = np.array([[0.64, 0.16, 0.16, 0.04, 0.0], [1.0, 0, 0, 0, 0]])
    got = temperature.scale(probabilities, 2.0)[0]
    assert got[:4] == pytest.approx(np.array([0.8, 0.4, 0.4, 0.2]) / 1.8, abs=1e-3)
    assert temperature.scale(probabilities, 1.0) == pytest.approx(probabilities, abs=1e-6)


def test_folds_are_scaled_each_by_its_own_temperature_and_keep_their_classes():
    cells = make_predictions(sharpness=2)
    temperatures = fit_two_folds()
    scaled = temperature.scale_folds(cells, temperatures)
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
    return temperature.temperatures(validation)


def test_temperatures_make_the_validation_cells_more_likely():
    got = fit_two_folds()
    assert got["temperature"].tolist() == pytest.approx([3, 1], rel=0.1)
    assert (got["nll_after"] <= got["nll_before"] + 1e-9).all()
    assert (got["n_cells"] == 4000).all()


def test_reliability_table_by_hand():
    probabilities = [[0.9, 0.1, 0, 0, 0]] * 4 + [[0, 0, 0, 0.5, 0.5]]
    cells = pd.DataFrame(probabilities, columns=PROBABILITIES)
    cells = cells.assign(predicted_class=[0, 0, 0, 0, 3], income_class=[0, 0, 0, 1, 4])
    blocks = np.arange(5)
    loose = STATISTICS.model_copy(update={"min_blocks": 1, "confidence": 0.5})
    got = calibration.reliability_table({"model": cells}, blocks, loose, seed=0)
    assert got["bin"].tolist() == list(range(10))
    assert got["n_cells"].sum() == 5
    assert got.loc[2, ["n_cells", "confidence", "accuracy"]].tolist() == pytest.approx(
        [4, 0.9, 0.75]
    )
    assert got.loc[0, ["n_cells", "confidence", "accuracy"]].tolist() == pytest.approx([1, 0.5, 0])
    assert 0 < got.loc[2, "ci_low"] < 0.75 < got.loc[2, "ci_high"] <= 1
    assert got.drop(index=[0, 2])[["confidence", "accuracy", "ci_low"]].isna().all(axis=None)


def test_perfect_predictor_has_no_calibration_error_on_average():
    # By squares, since chance takes as often too much off as too little.
    squares = []
    for seed in range(200):
        cells = make_predictions(150, seed=seed)
        probability = cells[PROBABILITIES].to_numpy()[:, 2]
        error = calibration.calibration_error(
            probability, cells["income_class"].to_numpy() == 2, np.arange(150), 150
        )
        squares.append(error**2)
    assert np.mean(np.array(squares) == 0) > 0.4
    assert np.sqrt(np.mean(squares)) < 0.04  # what chance adds is 0.1


def test_chance_of_alike_cells_is_taken_off_too():
    # Ten cells a block share what happens: independent cells would not explain half of it.
    random = np.random.default_rng(0)
    errors = []
    for _ in range(100):
        occurs = np.repeat(random.random(40) < 0.5, 10)
        numbers = np.repeat(np.arange(40), 10)
        errors.append(calibration.calibration_error(np.full(400, 0.5), occurs, numbers, 40))
    assert np.mean(np.array(errors) == 0) > 0.5


@pytest.mark.slow
def test_two_perfect_predictors_differ_no_more_often_than_intervals_miss():
    # Both know half of what there is to know, each another half: their proper scores are alike.
    found = []
    for seed in range(60):
        random = np.random.default_rng(seed)
        halves = random.normal(0, 1, size=(2, 400, 5))
        predictors = {}
        joint = softmax(halves.sum(axis=0), axis=1)
        observed = (joint.cumsum(axis=1) > random.random((400, 1))).argmax(axis=1)
        for name, half in zip(("model", "twin"), halves, strict=True):
            table = pd.DataFrame(softmax(half, axis=1), columns=PROBABILITIES)
            predictors[name] = table.assign(
                fold=0, predicted_class=half.argmax(axis=1), income_class=observed
            )
        nobody = np.zeros(400, dtype=bool)
        blocks = np.arange(400) // 20
        table = metrics.metrics_table(predictors, nobody, blocks, STATISTICS, 0, calibration.scores)
        rows = table.query("subset == 'all' and fold == 'all' and predictor == 'twin'")
        low, high = rows["difference_ci_low"], rows["difference_ci_high"]
        found.append(((low > 0) | (high < 0)).to_numpy())
        assert (low <= rows["difference"]).all()
        assert (rows["difference"] <= high).all()
    assert np.mean(found) <= 0.05 + 0.056  # two standard errors


def test_table_compares_the_scaled_model_with_the_model():
    model = make_predictions(600, sharpness=3)
    validation = make_predictions(600, sharpness=3, seed=1)
    temperatures = temperature.temperatures({0: validation, 1: validation})
    scaled = temperature.scale_folds(model, temperatures)
    table = metrics.metrics_table(
        {"model": model, "scaled": scaled},
        imputed=np.zeros(600, dtype=bool),
        blocks=np.arange(600) // 20,
        statistics=STATISTICS,
        seed=0,
        score=calibration.scores,
    )
    got = table.query("subset == 'all' and fold == 'all'").set_index(["predictor", "metric"])
    assert got.loc[("scaled", "nll"), "difference_ci_low"] > 0
    nobody, blocks = np.zeros(600, dtype=bool), np.arange(600) // 20
    errors = calibration.error_rows({"model": model, "scaled": scaled}, nobody, blocks)
    errors = errors.query("subset == 'all' and metric == 'ece'").set_index("predictor")["value"]
    assert errors["scaled"] < errors["model"] / 2
