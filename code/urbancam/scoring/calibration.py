"""Calibration: whether cells called class k with probability .6 are of class k in 6 of 10 cases.

Temperature scaling (Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2) mends what is over- or
underconfident without changing any predicted class: one number a fold, fitted on the fold's validation cells alone.

A calibration error is a sum of sizes, so chance alone makes it larger than zero: the more, the fewer cells there are,
and once more in the draws of a bootstrap, whose cells are repeated. An interval may thus lie above its value; what
is safe to read is the difference between predictors of the same cells.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from urbancam.scoring.bootstrap import block_draws, block_sums, divide, interval, number_blocks
from urbancam.scoring.metrics import ranked_probability_score
from urbancam.scoring.vocabulary import INCOME_CLASSES, PROBABILITIES

BINS = 15  # of equal width, Guo et al. 2017
# ASSUME: no probability is below this when its logarithm is taken, lest one cell decide; Keras's own clip, published.
SMALLEST = 1e-7
TEMPERATURES = (
    0.05,
    20.0,
)  # searched; ASSUME: beyond them a network is as good as certain, or as good as constant


# Temperature scaling


def scale(probabilities: np.ndarray, temperature: float | np.ndarray) -> np.ndarray:
    """prob_k^(1/T), renormalised (Guo et al. 2017, equation 9, with log prob_k for the logits).

    Args:
        probabilities: (n, 5) of either head: a binomial's are no softmax of free logits, but their logarithms are
            logits of the same probabilities.
        temperature: one, or (n, 1); 1 leaves all as it is, more is less sure.

    Returns:
        (n, 5).
    """
    return np.exp(_scale_logarithm(probabilities, temperature))


def _scale_logarithm(probabilities: np.ndarray, temperature: float | np.ndarray) -> np.ndarray:
    return log_softmax(_logarithm(probabilities) / temperature, axis=1)


def fit_temperature(probabilities: np.ndarray, classes: np.ndarray) -> float:
    """The temperature at which the cells' mean negative log likelihood is smallest.

    Args:
        probabilities: (n, 5) of validation cells.
        classes: (n,) their class.
    """

    def loss(log_temperature: float) -> float:
        scaled = _scale_logarithm(probabilities, np.exp(log_temperature))
        return -scaled[np.arange(len(classes)), classes].mean()

    # The loss is convex in 1/T (log-sum-exp of linear terms), so it has one minimum over log T too.
    found = minimize_scalar(
        loss, bounds=np.log(TEMPERATURES), method="bounded", options={"xatol": 1e-6}
    )
    return float(np.exp(found.x))


def temperatures(validation: Mapping[int, pd.DataFrame]) -> pd.DataFrame:
    """One temperature a fold.

    ASSUME: the cells that the fold's best epoch was chosen on may also choose its temperature, as in Guo et al.

    Args:
        validation: fold -> its validation predictions, `prob_0` .. `prob_4, income_class`.

    Returns:
        `fold, temperature, n` (validation cells), `nll_before, nll_after` (of them; nats).
    """
    rows = []
    for fold, table in validation.items():
        probabilities, classes = table[PROBABILITIES].to_numpy(), table["income_class"].to_numpy()
        temperature = fit_temperature(probabilities, classes)
        before, after = (
            negative_log_likelihood(p, classes).mean()
            for p in (probabilities, scale(probabilities, temperature))
        )
        rows.append((fold, temperature, len(table), before, after))
    return pd.DataFrame(rows, columns=["fold", "temperature", "n", "nll_before", "nll_after"])


def scale_folds(predictions: pd.DataFrame, temperatures: pd.DataFrame) -> pd.DataFrame:
    """The predictions with each cell's probabilities scaled by its fold's temperature; all else as it was."""
    temperature = predictions["fold"].map(temperatures.set_index("fold")["temperature"]).to_numpy()
    scaled = scale(predictions[PROBABILITIES].to_numpy(), temperature[:, None])
    return predictions.assign(**dict(zip(PROBABILITIES, scaled.T, strict=True)))


# Scores


def negative_log_likelihood(probabilities: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """(n,) -log of the observed class's probability, nats."""
    return -_logarithm(probabilities)[np.arange(len(classes)), classes]


def brier(probabilities: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """(n,) squared distance of the probabilities from the truth, summed over classes, 0..2 (Brier 1950)."""
    return ((probabilities - np.eye(len(INCOME_CLASSES))[classes]) ** 2).sum(axis=1)


def _logarithm(probabilities: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(probabilities, SMALLEST))


def bin_of(probability: np.ndarray) -> np.ndarray:
    """Number of the bin (b/15, (b+1)/15] that holds each probability, 0 .. 14; 0 itself is in the first."""
    return np.clip(np.ceil(probability * BINS) - 1, 0, BINS - 1).astype(int)


def calibration_error(
    probability: np.ndarray, occurs: np.ndarray, numbers: np.ndarray, counts: np.ndarray
):
    """Expected calibration error of one event in every draw (Guo et al. 2017, equation 3).

    sum_b n_b / n |accuracy_b - confidence_b| = sum_b |sum over the bin's cells of (occurs - probability)| / n.

    Args:
        probability: (n,) of the event.
        occurs: (n,) bool, whether it is so.
        numbers: (n,) block of each cell.
        counts: (draws, n_blocks) how often each block comes up.

    Returns:
        (draws,), NaN in a draw without cells.
    """
    gaps = _sums_by_bin(probability, occurs - probability, numbers, counts.shape[1])
    cells = block_sums(np.ones(len(numbers)), numbers, counts.shape[1])
    return divide(np.abs(counts @ gaps).sum(axis=1), counts @ cells)


def _sums_by_bin(
    probability: np.ndarray, values: np.ndarray, numbers: np.ndarray, n_blocks: int
) -> np.ndarray:
    """(n_blocks, 15) sums of values over the cells of each block and bin."""
    place = numbers * BINS + bin_of(probability)
    return np.bincount(place, values, minlength=n_blocks * BINS).reshape(n_blocks, BINS)


def _top_label(predictions: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """(n,) probability of the predicted class, and whether it is the right one."""
    predicted = predictions["predicted_class"].to_numpy()
    confidence = predictions[PROBABILITIES].to_numpy()[np.arange(len(predicted)), predicted]
    return confidence, predicted == predictions["income_class"].to_numpy()


def scores(predictions: pd.DataFrame, numbers: np.ndarray, counts: np.ndarray) -> pd.DataFrame:
    """How well calibrated the probabilities are, in every draw; arguments as of `metrics.scores`.

    Returns:
        One row per draw: `ece` (of the predicted class), `classwise_ece` (mean over classes; Kull et al. 2019,
        "Beyond temperature scaling", equation 3), `nll` (nats), `rps`, `brier`.
    """
    probabilities, observed = (
        predictions[PROBABILITIES].to_numpy(),
        predictions["income_class"].to_numpy(),
    )
    of_class = [
        calibration_error(probabilities[:, k], observed == k, numbers, counts)
        for k in INCOME_CLASSES
    ]
    losses = [
        f(probabilities, observed)
        for f in (negative_log_likelihood, ranked_probability_score, brier)
    ]
    sums = counts @ block_sums(
        np.column_stack([*losses, np.ones(len(observed))]), numbers, counts.shape[1]
    )
    means = divide(sums[:, :-1], sums[:, -1:])
    return pd.DataFrame(
        {
            "ece": calibration_error(*_top_label(predictions), numbers, counts),
            "classwise_ece": np.mean(of_class, axis=0),
        }
        | dict(zip(("nll", "rps", "brier"), means.T, strict=True))
    )


def reliability_table(
    predictors: Mapping[str, pd.DataFrame],
    blocks: np.ndarray,
    draws: int,
    confidence: float,
    seed: int,
) -> pd.DataFrame:
    """The reliability diagram: how often the predicted class is right, by how sure the predictor was.

    Args:
        predictors: name -> predictions `prob_0` .. `prob_4, predicted_class, income_class` of the same n cells.
        blocks: (n,) spatial block of each cell.
        draws: bootstrap draws of blocks, the same for all predictors.
        confidence: of the intervals, 0..1.
        seed: of the draws.

    Returns:
        `predictor, bin` (0 .. 14), `n` (cells), `confidence` (their mean probability), `accuracy, ci_low, ci_high`;
        15 rows a predictor, NaN where no cell is in the bin.
    """
    numbers, n_blocks = number_blocks(blocks)
    counts = np.vstack([np.ones((1, n_blocks), dtype=int), block_draws(blocks, draws, seed)])
    parts = []
    for name, predictions in predictors.items():
        sure, right = _top_label(predictions)
        n, hits, total = (
            counts @ _sums_by_bin(sure, values, numbers, n_blocks)
            for values in (np.ones(len(sure)), right, sure)
        )
        accuracy = divide(hits, n)
        low, high = interval(accuracy[1:], confidence)
        columns = {
            "bin": np.arange(BINS),
            "n": n[0].astype(int),
            "confidence": divide(total[0], n[0]),
            "accuracy": accuracy[0],
            "ci_low": low,
            "ci_high": high,
        }
        parts.append(pd.DataFrame(columns).assign(predictor=name))
    table = pd.concat(parts, ignore_index=True)
    return table[["predictor", *table.columns.drop("predictor")]]
