"""What the place alone tells of a cell's class: the classes of the cells around it.

How far "around" reaches is chosen within the training cells, leaving out what the split does not
divide, as the test asks: from other blocks where blocks are tested, from the next cell where cells
are.
"""

from collections.abc import Collection, Sequence

import numpy as np
from scipy.spatial import KDTree

from urbancam.scoring.correlations import rank_correlation
from urbancam.scoring.vocabulary import INCOME_CLASSES

# ASSUME: farther cells add nothing; of 200 m cells these are those within 1.3 km.
MOST_NEIGHBOURS = 128
# Counts added to each class, or each outcome of a trial (Krichevsky & Trofimov 1981).
PRIOR_COUNT = 0.5
# ASSUME: parts that the training units are left out by; fewer would leave out more neighbours than
# the test does, and choose too far a reach.
PARTS = 10


def class_probabilities(counts: np.ndarray) -> np.ndarray:
    """Probabilities of counts, none of them 0 (Krichevsky & Trofimov 1981).

    Args:
        counts: (m, 5), how often each class was seen; weights need not be whole.

    Returns:
        (m, 5).
    """
    counts = counts + PRIOR_COUNT
    return counts / counts.sum(axis=1, keepdims=True)


def nearby_classes(
    features: np.ndarray,
    classes: np.ndarray,
    units: np.ndarray,
    unseen: np.ndarray,
    reaches_m: Sequence[float],
) -> np.ndarray:
    """How frequent the classes are among the nearest training cells, near ones counting more.

    Args:
        features: (n, 2) coordinates of the training cells, m.
        classes: (n,) income class of the training cells.
        units: (n,) what the split does not divide: block, group or cell of the training cells.
        unseen: (m, 2) coordinates of the cells to predict, m.
        reaches_m: Reaches to choose from, m.

    Returns:
        (m, 5) probabilities.
    """
    reach_m = choose_reach(features, classes, units, reaches_m)
    return weigh_neighbours(*_neighbours(features, classes, unseen), reach_m)


def choose_reach(
    coordinates: np.ndarray,
    classes: np.ndarray,
    units: np.ndarray,
    reaches_m: Sequence[float],
) -> float:
    """The reach that ranks the cells best where each part is predicted by the others.

    By Spearman's r of the expected class, which is the score that is told of it. The ranked
    probability score would like probabilities that say little, whatever they rank.

    Args:
        coordinates: (n, 2) of the training cells, m.
        classes: (n,) income class of the training cells.
        units: (n,) what the split does not divide; a part holds whole units, in turn.
        reaches_m: Reaches to choose from, m.
    """
    _, number_of_unit = np.unique(units, return_inverse=True)
    parts = number_of_unit % PARTS
    expected = np.zeros((len(reaches_m), len(classes)))
    for part in np.unique(parts):
        left_out = parts == part
        if left_out.all():
            continue
        neighbours = _neighbours(coordinates[~left_out], classes[~left_out], coordinates[left_out])
        for row, reach_m in enumerate(reaches_m):
            expected[row, left_out] = weigh_neighbours(*neighbours, reach_m) @ INCOME_CLASSES
    scores = rank_correlation(expected, np.broadcast_to(classes, expected.shape))
    # Where nothing can be ranked, the shortest reach is as good as any.
    return reaches_m[np.nan_to_num(scores, nan=-1).argmax()]


def _neighbours(
    coordinates: np.ndarray, classes: np.ndarray, unseen: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(m, k) distances to the nearest training cells, from near to far, and their classes."""
    ranks = np.arange(1, min(MOST_NEIGHBOURS, len(classes)) + 1)
    distances_m, rows = KDTree(coordinates).query(unseen, k=ranks)
    return distances_m, classes[rows]


def weigh_neighbours(
    distances_m: np.ndarray,
    classes: np.ndarray,
    reach_m: float,
) -> np.ndarray:
    """Probabilities of the classes of neighbours, each weighted with exp(-(d - d_1) / reach).

    d_1 is the distance to the nearest: far from all training cells they still speak as one cell
    at least (Nadaraya 1964; Watson 1964, with an exponential kernel).

    Args:
        distances_m: (m, k) from near to far, m.
        classes: (m, k) of the neighbours.
        reach_m: Distance at which a weight falls to 1 / e of the nearest's, m.

    Returns:
        (m, 5) probabilities.
    """
    weights = np.exp(-(distances_m - distances_m[:, :1]) / reach_m)
    counts = [np.where(classes == k, weights, 0).sum(axis=1) for k in INCOME_CLASSES]
    return class_probabilities(np.column_stack(counts))


def chosen_reaches(
    coordinates: np.ndarray,
    classes: np.ndarray,
    folds: np.ndarray,
    tested: Collection[int],
    reaches_m: Sequence[float],
    units: np.ndarray | None = None,
) -> dict[int, float]:
    """The reach that is chosen for each tested fold, m, from the cells of all other folds.

    Args:
        coordinates: (n, 2), m.
        classes: (n,) income class.
        folds: (n,) test fold of each cell.
        tested: The tested folds.
        reaches_m: Reaches to choose from, m.
        units: (n,) what the split does not divide; null: the folds.
    """
    units = folds if units is None else np.asarray(units)
    reaches = {}
    for fold in tested:
        others = folds != fold
        reaches[fold] = choose_reach(coordinates[others], classes[others], units[others], reaches_m)
    return reaches
