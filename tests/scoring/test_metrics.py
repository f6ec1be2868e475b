"""Scores against scikit-learn and scipy, draw by draw, and the tables made of them."""

import numpy as np
import pandas as pd
import pytest

from score_oracles import CLASSES, make_predictions, slow_scores
from urbancam.scoring import bootstrap, metrics
from urbancam.scoring.vocabulary import PROBABILITIES
from urbancam.workflow.settings import settings

DIFFERENCE = ["difference", "difference_ci_low", "difference_ci_high"]
STATISTICS = settings.load("default", ["statistics.draws=100"]).statistics


def score_once(cells: pd.DataFrame) -> pd.Series:
    """The scores of the cells as they are."""
    one_block = np.zeros(len(cells), dtype=int)
    once = np.ones((1, 1), dtype=int)
    return metrics.scores(cells, one_block, once).iloc[0]


def test_scores_agree_with_scikit_learn_and_scipy():
    cells = make_predictions()
    assert score_once(cells).to_dict() == pytest.approx(slow_scores(cells))


def test_scores_of_every_draw_are_those_of_its_blocks_written_down_as_wholes():
    cells = make_predictions(40)
    blocks = np.random.default_rng(1).integers(0, 8, 40)
    counts = bootstrap.block_draws(blocks, draws=25, seed=2) * (7 / 8)
    numbers, _ = bootstrap.number_blocks(blocks)
    got = metrics.scores(cells, numbers, counts)
    for draw, scores in zip(counts, got.to_dict("records"), strict=True):
        blocks_of_draw = np.repeat(np.arange(8), np.rint(draw).astype(int))
        cells_of_draw = pd.concat([cells[blocks == block] for block in blocks_of_draw])
        assert scores == pytest.approx(slow_scores(cells_of_draw))


def test_perfect_predictions():
    cells = make_predictions()
    cells = cells.assign(predicted_class=cells["income_class"], p=cells["target"] / 1e5)
    cells[PROBABILITIES] = np.eye(5)[cells["income_class"]]
    expected = dict.fromkeys(slow_scores(cells), 1.0) | {"mae_classes": 0.0, "rps": 0.0}
    assert score_once(cells).to_dict() == pytest.approx(expected)


def test_ranked_probability_score_by_hand():
    sure_and_right = [1, 0, 0, 0, 0]
    sure_of_the_other_end = [0, 0, 0, 0, 1]
    even = [0.2] * 5  # (.2^2 + .4^2 + .4^2 + .2^2) / 4 from the middle
    probabilities = np.array([sure_and_right, sure_of_the_other_end, even])
    got = metrics.ranked_probability_score(probabilities, np.array([0, 0, 2]))
    assert got.tolist() == pytest.approx([0, 1, 0.1])


@pytest.mark.parametrize("p", [np.full(60, 0.3), np.array([0.1, 0.7, 0.4])[np.arange(60) % 3]])
def test_p_that_is_constant_in_each_fold_has_no_correlation(p):
    got = score_once(make_predictions().assign(p=p))
    correlations = ["spearman", "pearson"]
    assert got[correlations].isna().all()
    assert np.isfinite(got.drop(correlations).to_numpy(dtype=float)).all()


def test_one_class_everywhere_has_no_kappa():
    got = score_once(make_predictions().assign(income_class=2, predicted_class=2))
    assert np.isnan(got["quadratic_kappa"])
    assert got["macro_f1"] == 1


def test_scores_of_no_cells_are_nan():
    got = score_once(make_predictions().iloc[:0])
    assert got.isna().all()


IMPUTED = np.arange(300) % 2 == 0


def make_predictors() -> dict[str, pd.DataFrame]:
    model = make_predictions(300)
    shuffled_p = model["p"].sample(frac=1, random_state=0).to_numpy()
    chance = model.assign(p=shuffled_p, predicted_class=2)
    return {"model": model, "coordinates": chance}


def make_table(
    predictors: dict[str, pd.DataFrame],
    imputed: np.ndarray = IMPUTED,
) -> pd.DataFrame:
    blocks = np.arange(300) // 10
    return metrics.metrics_table(predictors, imputed, blocks, STATISTICS, seed=0)


def test_table_has_each_subset_fold_predictor_and_metric_once():
    got = make_table(make_predictors())
    subsets, folds, predictors, scores = 3, 1 + 3, 2, 8
    assert len(got) == subsets * folds * predictors * scores
    assert not got.duplicated(["subset", "fold", "predictor", "metric"]).any()
    assert set(got["fold"]) == {"all", "0", "1", "2"}
    assert got.groupby("subset")["n_cells"].max().to_dict() == {
        "all": 300,
        "imputed": 150,
        "not_imputed": 150,
    }


def test_table_holds_the_scores_of_the_cells_it_names():
    predictors = make_predictors()
    table = make_table(predictors)
    got = table.query("subset == 'imputed' and fold == '1' and predictor == 'model'")
    expected = slow_scores(predictors["model"][IMPUTED].query("fold == 1"))
    assert dict(zip(got["metric"], got["value"], strict=True)) == pytest.approx(expected)


def test_only_pooled_scores_have_intervals():
    table = make_table(make_predictors())
    pooled = table[table["fold"] == "all"]
    of_folds = table[table["fold"] != "all"]
    assert of_folds[["ci_low", "ci_high"]].isna().all(axis=None)
    assert (pooled["ci_low"] <= pooled["value"]).all()
    assert (pooled["value"] <= pooled["ci_high"]).all()


def test_difference_is_taken_draw_by_draw():
    model = make_predictions(300)
    table = make_table({"model": model, "twin": model})
    got = table.query("predictor == 'twin' and fold == 'all'")
    assert len(got) == 3 * 8
    assert (got[DIFFERENCE] == 0).all(axis=None)


def test_the_model_has_no_difference_to_itself():
    table = make_table(make_predictors())
    of_model = table["predictor"] == "model"
    assert table.loc[of_model, DIFFERENCE].isna().all(axis=None)
    assert table.loc[~of_model, "difference"].notna().any()


def test_difference_to_chance_is_above_zero():
    table = make_table(make_predictors())
    got = table.query("predictor == 'coordinates' and fold == 'all'")
    got = got.set_index(["subset", "metric"])
    assert got.loc[("all", "spearman"), "difference_ci_low"] > 0.3
    assert got.loc[("all", "mae_classes"), "difference_ci_high"] < 0


def test_subset_without_cells_is_nan_with_n_cells_0():
    table = make_table(make_predictors(), imputed=np.zeros(300, dtype=bool))
    got = table.query("subset == 'imputed'")
    assert (got["n_cells"] == 0).all()
    assert got[["value", "ci_low", "ci_high"]].isna().all(axis=None)


def test_confusion_matrix_has_all_classes():
    cells = pd.DataFrame({"income_class": [0, 0, 4], "predicted_class": [1, 1, 4]})
    got = metrics.confusion_matrix(cells)
    assert list(got) == ["income_class", *(f"predicted_{k}" for k in CLASSES)]
    assert got["income_class"].tolist() == CLASSES
    assert got["predicted_1"].tolist() == [2, 0, 0, 0, 0]
    assert got["predicted_4"].tolist() == [0, 0, 0, 0, 1]
    assert got.drop(columns="income_class").to_numpy().sum() == 3


def test_classification_report_by_hand():
    cells = pd.DataFrame({"income_class": [0, 0, 0, 4], "predicted_class": [0, 0, 4, 4]})
    got = metrics.classification_report(cells).set_index("income_class")
    assert got.loc[0].tolist() == pytest.approx([1, 2 / 3, 0.8, 3])
    assert got.loc[4].tolist() == pytest.approx([0.5, 1, 2 / 3, 1])
    assert got.loc[2, ["precision", "recall", "f1"]].isna().all()
    assert got.loc[2, "n_cells"] == 0
