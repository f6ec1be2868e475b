"""What the place alone tells: near cells count more; how far they reach is chosen in training."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from urbancam.learning import baselines, place
from urbancam.scoring import metrics

pytestmark = pytest.mark.slow

REACHES_M = [100, 200, 500, 1000, 2000, 4000]


def smooth_field(range_m: float, nugget: float, side: int = 36, seed: int = 0):
    """Cells of 200 m with a Gaussian field: coordinates (n, 2) and classes (n,)."""
    column, row = np.meshgrid(np.arange(side), np.arange(side))
    coordinates = 200.0 * np.column_stack([column.ravel(), row.ravel()])
    covariance = (1 - nugget) * np.exp(-cdist(coordinates, coordinates) / range_m)
    covariance += nugget * np.eye(len(coordinates))
    normal = np.random.default_rng(seed).normal(size=len(coordinates))
    values = np.linalg.cholesky(covariance) @ normal
    classes = values.argsort().argsort() * 5 // len(values)
    return coordinates, classes


def block_folds(coordinates: np.ndarray, block_m: float = 1200.0) -> np.ndarray:
    """Blocks dealt out at random to five folds."""
    column, row = (coordinates // block_m).astype(int).T
    block = column * 100 + row
    _, numbers = np.unique(block, return_inverse=True)
    return np.random.default_rng(1).integers(0, 5, numbers.max() + 1)[numbers]


def scores_of(coordinates, classes, folds, reaches_m) -> np.ndarray:
    """Ranked probability scores of the baseline, out of fold."""
    baseline = baselines.find("coordinates", reaches_m)
    predictions = baselines.out_of_fold(baseline, coordinates, classes, folds)
    probabilities = predictions[[f"prob_{k}" for k in range(5)]].to_numpy()
    return metrics.ranked_probability_score(probabilities, classes)


def test_weights_by_hand():
    distances_m = np.array([[200.0, 300.0, 500.0]])
    got = place.weigh_neighbours(distances_m, np.array([[1, 4, 1]]), reach_m=100)
    seen = [0, 1 + np.exp(-3), 0, 0, np.exp(-1)]
    expected = (np.array(seen) + 0.5) / (sum(seen) + 2.5)
    assert got[0] == pytest.approx(expected)


def test_far_from_all_cells_the_nearest_still_speaks_as_one():
    got = place.weigh_neighbours(np.array([[1e9]]), np.array([[2]]), reach_m=100)
    assert got[0] == pytest.approx(np.array([0.5, 0.5, 1.5, 0.5, 0.5]) / 3.5)


@pytest.mark.parametrize("cells", [1, 3])
def test_fewer_cells_than_neighbours_are_all_cells(cells):
    coordinates = 200.0 * np.arange(2 * cells).reshape(cells, 2)
    classes = np.arange(cells)
    got = place.nearby_classes(coordinates, classes, np.zeros(cells), coordinates[:1], REACHES_M)
    assert got.sum() == pytest.approx(1)
    assert got.argmax() == 0


@pytest.mark.parametrize(("range_m", "nugget"), [(1000.0, 0.0), (3000.0, 0.6)])
def test_the_reach_that_is_chosen_is_as_good_as_the_best_one(range_m, nugget):
    coordinates, classes = smooth_field(range_m, nugget)
    folds = block_folds(coordinates)
    chosen = scores_of(coordinates, classes, folds, REACHES_M).mean()
    alone = [scores_of(coordinates, classes, folds, [reach]).mean() for reach in REACHES_M]
    assert chosen < min(alone) + 0.25 * (max(alone) - min(alone))


def test_the_reach_follows_the_field():
    coordinates, clean = smooth_field(1000.0, nugget=0.0)
    _, noisy = smooth_field(3000.0, nugget=0.8)
    folds = block_folds(coordinates)
    assert place.choose_reach(coordinates, clean, folds, REACHES_M) <= 200
    assert place.choose_reach(coordinates, noisy, folds, REACHES_M) >= 500


def test_a_reach_that_ranks_nothing_is_not_chosen_for_its_mild_probabilities():
    """Small cities of a field that reaches 400 m: by ranked probability scores 4 km were chosen."""
    for seed in range(6):
        coordinates, classes = smooth_field(400.0, nugget=0.5, side=18, seed=seed)
        folds = block_folds(coordinates, 400.0) % 3
        reaches = place.chosen_reaches(coordinates, classes, folds, range(3), REACHES_M)
        assert max(reaches.values()) <= 2000


def test_no_reach_is_chosen_by_the_cells_it_is_tested_on():
    coordinates, classes = smooth_field(1000.0, 0.3)
    folds = block_folds(coordinates)
    shuffled = classes.copy()
    tested = folds == 0
    shuffled[tested] = np.random.default_rng(0).permutation(classes[tested])
    arguments = (folds, [0], REACHES_M)
    got = place.chosen_reaches(coordinates, shuffled, *arguments)
    assert got == place.chosen_reaches(coordinates, classes, *arguments)
    assert set(got) == {0}


def test_units_are_left_out_in_ten_parts_so_that_most_neighbours_stay():
    """Two folds leave one of two neighbours out; many units hardly any."""
    random = np.random.default_rng(0)
    coordinates = 200.0 * np.stack(np.divmod(np.arange(900), 30), axis=1)
    # Classes that reach two cells far.
    classes = (coordinates // 600).astype(int).sum(axis=1) % 5
    halves = random.integers(2, size=900)
    by_cell = place.choose_reach(coordinates, classes, np.arange(900), REACHES_M)
    assert by_cell <= place.choose_reach(coordinates, classes, halves, REACHES_M)
