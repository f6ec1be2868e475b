"""Scores of a confusion matrix: how often the predicted class is right, and how far off it is.

A confusion matrix is (..., 5, 5): cells by income class (rows) and predicted class (columns); the
axes before are draws of the bootstrap. A score that is not defined (no cells, one class alone) is
NaN.
"""

import numpy as np

from urbancam.scoring.bootstrap import divide
from urbancam.scoring.vocabulary import INCOME_CLASSES

DISTANCE = np.abs(INCOME_CLASSES[:, None] - INCOME_CLASSES)  # between classes, (5, 5)


def accuracy(confusion: np.ndarray) -> np.ndarray:
    """Share of cells whose predicted class is the right one."""
    return _mean_over_cells(confusion, DISTANCE == 0)


def accuracy_within_1(confusion: np.ndarray) -> np.ndarray:
    """Share of cells whose predicted class is the right one or next to it."""
    return _mean_over_cells(confusion, DISTANCE <= 1)


def mae_classes(confusion: np.ndarray) -> np.ndarray:
    """Mean distance between predicted and right class."""
    return _mean_over_cells(confusion, DISTANCE)


def _mean_over_cells(confusion: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Mean of a (5, 5) value of each pair of classes over the cells."""
    total = (confusion * value).sum(axis=(-2, -1))
    cells = confusion.sum(axis=(-2, -1))
    return divide(total, cells)


def macro_f1(confusion: np.ndarray) -> np.ndarray:
    """Mean F1 of the classes that occur, observed or predicted."""
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    observed = confusion.sum(axis=-1)
    predicted = confusion.sum(axis=-2)
    f1 = divide(2 * hits, observed + predicted)
    # ASSUME: a class that neither occurs nor is predicted (small fold, draw) has no F1, rather than
    # 0 or 1.
    n_classes = np.isfinite(f1).sum(axis=-1)
    return divide(np.nansum(f1, axis=-1), n_classes)


def quadratic_kappa(confusion: np.ndarray) -> np.ndarray:
    """Agreement beyond chance, disagreements weighted by their squared distance (Cohen 1968)."""
    observed = confusion.sum(axis=-1)
    predicted = confusion.sum(axis=-2)
    by_chance = observed[..., :, None] * predicted[..., None, :]
    disagreement = (confusion * DISTANCE**2).sum(axis=(-2, -1))
    disagreement_by_chance = (by_chance * DISTANCE**2).sum(axis=(-2, -1))
    cells = confusion.sum(axis=(-2, -1))
    return 1 - divide(disagreement * cells, disagreement_by_chance)


# The names are those of the tables, in their order.
CONFUSION_METRICS = {
    "accuracy": accuracy,
    "accuracy_within_1": accuracy_within_1,
    "macro_f1": macro_f1,
    "quadratic_kappa": quadratic_kappa,
    "mae_classes": mae_classes,
}
