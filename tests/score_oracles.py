"""Made-up predictions, and their scores by scikit-learn and scipy, for tests."""

import numpy as np
import pandas as pd
from scipy import stats
from sklearn import metrics as sklearn_metrics

from urbancam.scoring.vocabulary import PROBABILITIES

CLASSES = list(range(5))


def make_predictions(n: int = 60, seed: int = 0) -> pd.DataFrame:
    """Predictions of some skill, with ties in p and in income."""
    random = np.random.default_rng(seed)
    income_class = random.integers(0, 5, n)
    p = (0.5 + 0.1 * (income_class - 2) + random.normal(0, 0.2, n)).clip(0, 1).round(1)
    probabilities = stats.binom.pmf(CLASSES, 4, p[:, None])
    table = pd.DataFrame(probabilities, columns=PROBABILITIES)
    return table.assign(
        fold=np.arange(n) % 3,
        p=p,
        predicted_class=probabilities.argmax(axis=1),
        income_class=income_class,
        target=15000.0 + 5000 * income_class + 1000 * random.integers(0, 4, n),
    )


def slow_scores(cells: pd.DataFrame) -> dict[str, float]:
    """Every score by scikit-learn and scipy, and the ranked probability score by its definition."""
    observed = cells["income_class"]
    predicted = cells["predicted_class"]
    kappa = sklearn_metrics.cohen_kappa_score(observed, predicted, weights="quadratic")
    return {
        "accuracy": sklearn_metrics.accuracy_score(observed, predicted),
        "accuracy_within_1": ((observed - predicted).abs() <= 1).mean(),
        "macro_f1": sklearn_metrics.f1_score(observed, predicted, average="macro"),
        "quadratic_kappa": kappa,
        "mae_classes": sklearn_metrics.mean_absolute_error(observed, predicted),
        "spearman": stats.spearmanr(cells["p"], cells["target"]).statistic,
        "pearson": stats.pearsonr(cells["p"], cells["target"]).statistic,
        "rps": slow_ranked_probability_score(cells),
    }


def slow_ranked_probability_score(cells: pd.DataFrame) -> float:
    total = 0.0
    for _, cell in cells.iterrows():
        for k in range(4):
            probability_up_to_k = sum(cell[f"prob_{j}"] for j in range(k + 1))
            truth = cell["income_class"] <= k
            total += (probability_up_to_k - truth) ** 2 / 4
    return total / len(cells)
