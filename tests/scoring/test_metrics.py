import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn import metrics as sklearn_metrics

from urbancam.scoring import bootstrap, metrics

CLASSES = list(range(5))


def make_predictions(n: int = 60, seed: int = 0) -> pd.DataFrame:
    """Predictions of some skill, with ties in p and in income."""
    random = np.random.default_rng(seed)
    income_class = random.integers(0, 5, n)
    p = (0.5 + 0.1 * (income_class - 2) + random.normal(0, 0.2, n)).clip(0, 1).round(1)
    probabilities = stats.binom.pmf(CLASSES, 4, p[:, None])
    table = pd.DataFrame(probabilities, columns=metrics.PROBABILITIES)
    return table.assign(
        fold=np.arange(n) % 3,
        p=p,
        predicted_class=probabilities.argmax(axis=1),
        income_class=income_class,
        target=15000.0 + 5000 * income_class + 1000 * random.integers(0, 4, n),
    )


def slow_scores(cells: pd.DataFrame) -> dict[str, float]:
    """Every score by scikit-learn and scipy, and the ranked probability score by its definition."""
    observed, predicted = cells["income_class"], cells["predicted_class"]
    rps = 0.0
    for _, cell in cells.iterrows():
        for k in range(4):
            below = sum(cell[f"prob_{j}"] for j in range(k + 1))
            rps += (below - (cell["income_class"] <= k)) ** 2 / 4 / len(cells)
    return {
        "accuracy": sklearn_metrics.accuracy_score(observed, predicted),
        "accuracy_within_1": ((observed - predicted).abs() <= 1).mean(),
        "macro_f1": sklearn_metrics.f1_score(observed, predicted, average="macro"),
        "quadratic_kappa": sklearn_metrics.cohen_kappa_score(
            observed, predicted, weights="quadratic"
        ),
        "mae_classes": sklearn_metrics.mean_absolute_error(observed, predicted),
        "spearman": stats.spearmanr(cells["p"], cells["target"]).statistic,
        "pearson": stats.pearsonr(cells["p"], cells["target"]).statistic,
        "rps": rps,
    }


def score_once(cells: pd.DataFrame) -> pd.Series:
    return metrics.scores(cells, np.zeros(len(cells), dtype=int), np.ones((1, 1), dtype=int)).iloc[
        0
    ]


def test_scores_agree_with_scikit_learn_and_scipy():
    cells = make_predictions()
    assert score_once(cells).to_dict() == pytest.approx(slow_scores(cells))


def test_scores_of_every_draw_are_those_of_its_blocks_written_down_as_wholes():
    cells = make_predictions(40)
    blocks = np.random.default_rng(1).integers(0, 8, 40)
    counts = bootstrap.block_draws(blocks, draws=25, seed=2)
    got = metrics.scores(cells, bootstrap.number_blocks(blocks)[0], counts)
    for draw, scores in zip(counts, got.to_dict("records"), strict=True):
        drawn = pd.concat([cells[blocks == block] for block in np.repeat(np.arange(8), draw)])
        assert scores == pytest.approx(slow_scores(drawn))


def test_spearman_in_several_steps_is_the_same_as_in_one():
    random = np.random.default_rng(0)
    x, y, numbers = random.normal(size=2000), random.normal(size=2000), np.arange(2000) % 50
    counts = bootstrap.block_draws(numbers, draws=1100, seed=0)  # 524 draws a step
    got = metrics.spearman(x, y, numbers, counts)
    assert got.shape == (1100,)
    expected = [
        metrics.spearman(x, y, numbers, row[None])[0] for row in counts[[0, 523, 524, 1099]]
    ]
    assert got[[0, 523, 524, 1099]].tolist() == pytest.approx(expected)


def test_pearson_survives_a_large_offset():
    random = np.random.default_rng(0)
    x, y = 1e6 + random.normal(size=100), random.normal(size=100)
    got = metrics.pearson(x, y, np.zeros(100, dtype=int), np.ones((1, 1)))
    assert got == pytest.approx([stats.pearsonr(x, y).statistic], rel=1e-6)


def test_perfect_predictions():
    cells = make_predictions()
    cells = cells.assign(predicted_class=cells["income_class"], p=cells["target"] / 1e5)
    cells[metrics.PROBABILITIES] = np.eye(5)[cells["income_class"]]
    expected = dict.fromkeys(slow_scores(cells), 1.0) | {"mae_classes": 0.0, "rps": 0.0}
    assert score_once(cells).to_dict() == pytest.approx(expected)


def test_quadratic_kappa_by_hand():
    confusion = np.zeros((5, 5))
    confusion[0, 0] = confusion[4, 4] = confusion[0, 1] = confusion[4, 3] = 1
    # observed disagreement 1 + 1; by chance (2 of class 0, 2 of class 4) x (0, 1, 3, 4 once each) / 4 cells
    assert metrics.quadratic_kappa(confusion) == pytest.approx(
        1 - 2 / (2 * 2 * (0 + 1 + 9 + 16) / 4)
    )


def test_ranked_probability_score_by_hand():
    sure_and_right, sure_of_the_other_end = [1, 0, 0, 0, 0], [0, 0, 0, 0, 1]
    even = [0.2] * 5  # (.2^2 + .4^2 + .4^2 + .2^2) / 4 from the middle
    probabilities = np.array([sure_and_right, sure_of_the_other_end, even])
    got = metrics.ranked_probability_score(probabilities, np.array([0, 0, 2]))
    assert got.tolist() == pytest.approx([0, 1, 0.1])


@pytest.mark.parametrize("p", [np.full(60, 0.3), np.array([0.1, 0.7, 0.4])[np.arange(60) % 3]])
def test_p_that_is_constant_in_each_fold_has_no_correlation(p):
    got = score_once(make_predictions().assign(p=p))
    assert np.isnan(got[["spearman", "pearson"]].to_numpy(dtype=float)).all()
    assert np.isfinite(got.drop(["spearman", "pearson"]).to_numpy(dtype=float)).all()


def test_one_class_everywhere_has_no_kappa():
    got = score_once(make_predictions().assign(income_class=2, predicted_class=2))
    assert np.isnan(got["quadratic_kappa"]) and got["macro_f1"] == 1


def test_scores_of_no_cells_are_nan():
    got = score_once(make_predictions().iloc[:0])
    assert got.isna().all()


IMPUTED = np.arange(300) % 2 == 0


def make_predictors() -> dict[str, pd.DataFrame]:
    model = make_predictions(300)
    chance = model.assign(p=model["p"].sample(frac=1, random_state=0).to_numpy(), predicted_class=2)
    return {"model": model, "coordinates": chance}


def make_table(predictors: dict[str, pd.DataFrame], imputed: np.ndarray = IMPUTED) -> pd.DataFrame:
    return metrics.metrics_table(
        predictors, imputed, np.arange(300) // 10, draws=100, confidence=0.95, seed=0
    )


def test_table_has_each_subset_fold_predictor_and_metric_once():
    got = make_table(make_predictors())
    assert len(got) == 3 * (1 + 3) * 3 * 8
    assert not got.duplicated(["subset", "fold", "predictor", "metric"]).any()
    assert set(got["fold"]) == {"all", "0", "1", "2"}
    assert got.groupby("subset")["n"].max().to_dict() == {
        "all": 300,
        "imputed": 150,
        "not_imputed": 150,
    }


def test_table_holds_the_scores_of_the_cells_it_names():
    predictors = make_predictors()
    got = make_table(predictors).query(
        "subset == 'imputed' and fold == '1' and predictor == 'model'"
    )
    expected = slow_scores(predictors["model"][IMPUTED].query("fold == 1"))
    assert dict(zip(got["metric"], got["value"], strict=True)) == pytest.approx(expected)


def test_only_pooled_scores_have_intervals():
    got = make_table(make_predictors())
    pooled = got["fold"] == "all"
    assert got.loc[~pooled, ["ci_low", "ci_high"]].isna().all(axis=None)
    assert (got["ci_low"] <= got["value"])[pooled].all() and (got["value"] <= got["ci_high"])[
        pooled
    ].all()


def test_difference_is_taken_draw_by_draw():
    model = make_predictions(300)
    got = make_table({"model": model, "twin": model}).query(
        "predictor == 'model - twin' and fold == 'all'"
    )
    assert len(got) == 3 * 8
    assert (got[["value", "ci_low", "ci_high"]] == 0).all(axis=None)


def test_difference_to_chance_is_above_zero():
    got = make_table(make_predictors()).query(
        "predictor == 'model - coordinates' and fold == 'all'"
    )
    got = got.set_index(["subset", "metric"])
    assert got.loc[("all", "spearman"), "ci_low"] > 0.3
    assert got.loc[("all", "mae_classes"), "ci_high"] < 0


def test_subset_without_cells_is_nan_with_n_0():
    got = make_table(make_predictors(), imputed=np.zeros(300, dtype=bool)).query(
        "subset == 'imputed'"
    )
    assert (got["n"] == 0).all() and got[["value", "ci_low", "ci_high"]].isna().all(axis=None)


def test_confusion_matrix_has_all_classes():
    got = metrics.confusion_matrix(
        pd.DataFrame({"income_class": [0, 0, 4], "predicted_class": [1, 1, 4]})
    )
    assert list(got) == ["income_class", *(f"predicted_{k}" for k in CLASSES)]
    assert got["income_class"].tolist() == CLASSES
    assert got["predicted_1"].tolist() == [2, 0, 0, 0, 0] and got["predicted_4"].tolist() == [
        0,
        0,
        0,
        0,
        1,
    ]
    assert got.drop(columns="income_class").to_numpy().sum() == 3


def test_classification_report_by_hand():
    cells = pd.DataFrame({"income_class": [0, 0, 0, 4], "predicted_class": [0, 0, 4, 4]})
    got = metrics.classification_report(cells).set_index("class")
    assert got.loc[0].tolist() == pytest.approx([1, 2 / 3, 0.8, 3])
    assert got.loc[4].tolist() == pytest.approx([0.5, 1, 2 / 3, 1])
    assert got.loc[2, ["precision", "recall", "f1"]].isna().all() and got.loc[2, "support"] == 0
