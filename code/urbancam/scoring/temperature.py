"""Temperature scaling (Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2).

It mends what is over- or underconfident without changing any predicted class: one number a fold,
fitted on the fold's validation cells alone.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from urbancam.scoring.metrics import logarithm, negative_log_likelihood
from urbancam.scoring.vocabulary import PROBABILITIES

# searched; ASSUME: beyond them a network is as good as certain, or as good as constant
TEMPERATURES = (0.05, 20.0)


def scale(probabilities: np.ndarray, temperature: float | np.ndarray) -> np.ndarray:
    """prob_k^(1/T), renormalised (Guo et al. 2017, equation 9, with log prob_k for the logits).

    Args:
        probabilities: (n, 5) of either head: a binomial's are no softmax of free logits, but their
            logarithms are logits of the same probabilities.
        temperature: One, or (n, 1); 1 leaves all as it is, more is less sure.

    Returns:
        (n, 5).
    """
    return np.exp(_scaled_logarithm(probabilities, temperature))


def _scaled_logarithm(probabilities: np.ndarray, temperature: float | np.ndarray) -> np.ndarray:
    logits = logarithm(probabilities) / temperature
    return log_softmax(logits, axis=1)


def fit_temperature(probabilities: np.ndarray, classes: np.ndarray) -> float:
    """The temperature at which the cells' mean negative log likelihood is smallest.

    Args:
        probabilities: (n, 5) of validation cells.
        classes: (n,) their class.
    """
    cells = np.arange(len(classes))

    def loss(log_temperature: float) -> float:
        logarithms = _scaled_logarithm(probabilities, np.exp(log_temperature))
        return -logarithms[cells, classes].mean()

    # The loss is convex in 1/T (log-sum-exp of linear terms), so it has one minimum over log T too.
    minimum = minimize_scalar(
        loss,
        bounds=np.log(TEMPERATURES),
        method="bounded",
        options={"xatol": 1e-6},
    )
    return float(np.exp(minimum.x))


def temperatures(validation: Mapping[int, pd.DataFrame]) -> pd.DataFrame:
    """One temperature a fold.

    ASSUME: the cells that the fold's best epoch was chosen on may also choose its temperature, as
    in Guo et al.

    Args:
        validation: Fold -> its validation predictions, `prob_0` .. `prob_4, income_class`.

    Returns:
        `fold, temperature, n_cells` (validation cells), `nll_before, nll_after` (of them; nats).
    """
    rows = []
    for fold, table in validation.items():
        probabilities = table[PROBABILITIES].to_numpy()
        classes = table["income_class"].to_numpy()
        temperature = fit_temperature(probabilities, classes)
        scaled = scale(probabilities, temperature)
        row = {
            "fold": fold,
            "temperature": temperature,
            "n_cells": len(table),
            "nll_before": negative_log_likelihood(probabilities, classes).mean(),
            "nll_after": negative_log_likelihood(scaled, classes).mean(),
        }
        rows.append(row)
    return pd.DataFrame(rows, columns=["fold", "temperature", "n_cells", "nll_before", "nll_after"])


def scale_folds(predictions: pd.DataFrame, temperatures: pd.DataFrame) -> pd.DataFrame:
    """The predictions with each cell's probabilities scaled by its fold's temperature.

    Args:
        predictions: `fold, prob_0` .. `prob_4` and others, which stay as they are.
        temperatures: `fold, temperature`, as `temperatures` returns them.
    """
    by_fold = temperatures.set_index("fold")["temperature"]
    temperature = predictions["fold"].map(by_fold).to_numpy()
    probabilities = predictions[PROBABILITIES].to_numpy()
    scaled = scale(probabilities, temperature[:, None])
    columns = dict(zip(PROBABILITIES, scaled.T, strict=True))
    return predictions.assign(**columns)
