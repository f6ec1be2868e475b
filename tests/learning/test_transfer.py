"""Models of one city on the cells of another: scored one at a time, as the city's own are."""

import numpy as np
import pandas as pd
import pytest
import torch

from urbancam.learning import transfer
from urbancam.learning.training import inference
from urbancam.scoring import metrics
from urbancam.scoring.vocabulary import INCOME_CLASSES
from urbancam.workflow.settings import settings

FOLDS = 5
CELLS = 600
NOISE = 1.0  # sd of a model's logit about the truth, in sd of the truth


@pytest.fixture(scope="module")
def statistics():
    return settings.load("default", ["statistics.draws=200"]).statistics


def make_outputs(truth: np.ndarray, seed: int) -> torch.Tensor:
    """(folds, N, 1) logits of models that know as much of the truth, each with its own noise."""
    noise = np.random.default_rng(seed).normal(scale=NOISE, size=(FOLDS, len(truth)))
    return torch.tensor(truth + noise, dtype=torch.float32)[..., None]


def make_own(truth: np.ndarray, outputs: torch.Tensor) -> pd.DataFrame:
    """Each cell predicted by the model of its fold."""
    fold = np.arange(CELLS) % FOLDS
    ids = pd.Series([f"cell {number}" for number in range(CELLS)])
    logits = outputs[fold, np.arange(CELLS)]
    table = inference.prediction_table(ids, 0, logits, "binomial").assign(fold=fold)
    income_class = pd.qcut(truth, len(INCOME_CLASSES), labels=False)
    return table.assign(income_class=income_class, value=truth, target=truth)


@pytest.fixture(scope="module")
def scores(statistics) -> pd.DataFrame:
    """`transfer.csv` where the foreign models are exactly as good as the own ones."""
    truth = np.random.default_rng(0).normal(size=CELLS)
    own = make_own(truth, make_outputs(truth, 1))
    blocks = np.arange(CELLS) // 20
    foreign = {"Lyon": make_outputs(truth, 2)}
    return transfer.transfer_table("Paris", own, foreign, "binomial", blocks, statistics, 0)


def spearman(scores: pd.DataFrame, trained_on: str, models: str) -> pd.Series:
    rows = scores[(scores["trained_on"] == trained_on) & (scores["metric"] == "spearman")]
    return rows.set_index("models").loc[models]


def test_models_as_good_as_the_own_ones_score_alike(scores):
    own = spearman(scores, "Paris", "single")
    foreign = spearman(scores, "Lyon", "single")
    assert foreign["value"] == pytest.approx(own["value"], abs=0.05)
    assert foreign["difference_ci_low"] < 0 < foreign["difference_ci_high"]


def test_the_ensemble_is_another_row_that_no_single_model_is_compared_by(scores):
    ensemble = spearman(scores, "Lyon", "ensemble")
    assert ensemble["value"] > spearman(scores, "Lyon", "single")["value"] + 0.1
    assert ensemble["difference_ci_high"] < 0
    assert set(scores.loc[scores["trained_on"] == "Paris", "models"]) == {"single"}


def test_a_score_is_the_mean_of_the_models_scores_with_their_spread(scores, statistics):
    truth = np.random.default_rng(0).normal(size=CELLS)
    own = make_own(truth, make_outputs(truth, 1))
    one_draw = (np.zeros(CELLS, dtype=int), np.ones((1, 1), dtype=int))
    each = [
        metrics.scores(transfer.predict_as_foreign(own, outputs, "binomial"), *one_draw)
        for outputs in make_outputs(truth, 2)
    ]
    values = np.array([table["spearman"].iloc[0] for table in each])
    got = spearman(scores, "Lyon", "single")
    assert got["value"] == pytest.approx(values.mean())
    assert got["sd_models"] == pytest.approx(values.std(ddof=1))
    assert got["n_models"] == FOLDS
    assert np.isnan(spearman(scores, "Paris", "single")["sd_models"])


def test_a_city_named_like_a_model_keeps_its_name(statistics):
    truth = np.random.default_rng(0).normal(size=CELLS)
    own = make_own(truth, make_outputs(truth, 1))
    foreign = {"remodel - west": make_outputs(truth, 2)}
    blocks = np.arange(CELLS) // 20
    got = transfer.transfer_table("Paris", own, foreign, "binomial", blocks, statistics, 0)
    assert set(got["trained_on"]) == {"Paris", "remodel - west"}
