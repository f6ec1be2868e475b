"""One linear unit on frozen features: the last layer of the income model, fitted alone.

The network's loss for the binomial head, -log C(4,k) p^k (1-p)^(4-k), is a logistic regression of
k / 4; here it is fitted to its minimum by Newton's method (iteratively reweighted least squares;
McCullagh & Nelder 1989, section 2.5) with a ridge penalty, on the principal components of the
training cells' features. Folded back on the channels it is a linear unit like the network's own:
the logit is its bias plus the mean over positions of sum_k w_k F_k.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from urbancam.scoring.vocabulary import INCOME_CLASSES

# ASSUME: penalties tried, in units of the largest component's variance; the best on the validation
# cells is taken, as the network's epoch is chosen there
PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
COMPONENTS = 128  # at most; with the ridge, 16 to 128 predict alike on the demo
STEPS = 30  # of Newton's method, at most; it takes 5 to 8
NOTHING = 1e-6  # relative; what varies less is rounding
CONVERGED = 1e-6  # largest change of a weight
TRIALS = INCOME_CLASSES[-1]  # of the binomial


@dataclass(frozen=True)
class Components:
    """The principal components of standardised features that a fold's linear units see.

    Attributes:
        mean: (C,) mean of the training cells' features.
        axes: (C, K): of (features - mean) @ axes the first has variance 1 over the training cells,
            the others less.
    """

    mean: np.ndarray
    axes: np.ndarray

    def of(self, features: np.ndarray) -> np.ndarray:
        """(N, C) features -> (N, K)."""
        return (features - self.mean) @ self.axes


def find_components(features: np.ndarray, count: int = COMPONENTS) -> Components:
    """The leading principal components of features, at most as many as there are.

    They are not whitened: small components are mostly noise, and a ridge shrinks them the more.

    Args:
        features: (N, C) of the training cells, mean over positions.
        count: Number of components.
    """
    mean = features.mean(axis=0)
    spread = features.std(axis=0)
    # A channel that is the same everywhere tells nothing.
    spread = np.where(spread > NOTHING * spread.max(), spread, np.inf)
    _, sizes, axes = np.linalg.svd((features - mean) / spread, full_matrices=False)
    kept = axes[:count][sizes[:count] > NOTHING * sizes[0]]
    largest = sizes[0] / np.sqrt(len(features))
    return Components(mean, (kept / spread).T / largest)


@dataclass(frozen=True)
class LinearUnit:
    """A linear unit on the channels of the features.

    Attributes:
        weight: (C,).
        bias: Its bias.
    """

    weight: np.ndarray
    bias: float

    def logits(self, features: np.ndarray) -> np.ndarray:
        """(N, C) features, mean over positions -> (N,)."""
        return features @ self.weight + self.bias


def fit_unit(
    components: Components, features: np.ndarray, classes: np.ndarray, role: np.ndarray
) -> LinearUnit:
    """The linear unit of a fold, with the penalty that is best on its validation cells.

    Args:
        components: Of the training cells.
        features: (N, C) of all cells, mean over positions.
        classes: (N,) income class 0 .. 4.
        role: (N,) "train", "validation" or "test".
    """
    seen = components.of(features)
    trained, validated = role == "train", role == "validation"
    shares = classes / TRIALS
    fits = [fit_weights(seen[trained], shares[trained], penalty) for penalty in PENALTIES]
    losses = [_loss(seen[validated], shares[validated], *fit) for fit in fits]
    weights, bias = fits[int(np.argmin(losses))]
    channels = components.axes @ weights
    return LinearUnit(channels, float(bias - components.mean @ channels))


def fit_weights(x: np.ndarray, shares: np.ndarray, penalty: float) -> tuple[np.ndarray, float]:
    """Weights (K,) and bias at the minimum of the mean loss + penalty / 2 * sum of squared weights.

    Args:
        x: (N, K) with columns of like size.
        shares: (N,) k / 4 of each cell, 0..1.
        penalty: Of the weights; the bias has none.
    """
    design = np.column_stack([np.ones(len(x)), x])
    ridge = len(x) * penalty * np.eye(design.shape[1])
    ridge[0, 0] = 0
    coefficients = np.zeros(design.shape[1])
    for _ in range(STEPS):
        p = expit(design @ coefficients)
        curvature = design.T @ (design * (p * (1 - p))[:, None]) + ridge
        slope = design.T @ (shares - p) - ridge @ coefficients
        step = np.linalg.lstsq(curvature, slope, rcond=None)[0]
        coefficients += step
        if abs(step).max() < CONVERGED:
            break
    return coefficients[1:], float(coefficients[0])


def _loss(x: np.ndarray, shares: np.ndarray, weights: np.ndarray, bias: float) -> float:
    """Mean cross-entropy of the shares."""
    z = x @ weights + bias
    return float((np.logaddexp(0, z) - shares * z).mean())
