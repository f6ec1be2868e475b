"""Baselines: their features, their predictions, and that none sees its test fold."""

import numpy as np
import pandas as pd
import pytest

from urbancam.learning import baselines
from urbancam.tables import grid

PROBABILITIES = [f"prob_{k}" for k in range(5)]
WITHOUT_IMAGES = ["constant", "coordinates", "population_density", "land_cover"]


def make_cells(side: int = 10) -> pd.DataFrame:
    """A square of cells, richer eastwards."""
    row, column = np.divmod(np.arange(side**2), side)
    columns = {
        "idINSPIRE": [
            grid.cell_id(200 * x, 200 * y, 200) for x, y in zip(column, row, strict=True)
        ],
        "ind": 100.0,
        "income_class": column * 5 // side,
        "fold": row % 3,
    }
    return pd.DataFrame(columns)


def make_features(seed: int = 0) -> np.ndarray:
    """Three features of the hundred cells, of noise."""
    return np.random.default_rng(seed).normal(size=(100, 3))


def predict(name: str, features: np.ndarray, cells: pd.DataFrame) -> pd.DataFrame:
    baseline = baselines.table(reaches_m=[100, 400])[name]
    classes = cells["income_class"].to_numpy()
    folds = cells["fold"].to_numpy()
    return baselines.out_of_fold(baseline, features, classes, folds)


def make_fragments() -> pd.DataFrame:
    rows = [
        ("a", "roads", 10000.0),
        ("a", "roads", 10000.0),
        ("a", "water", 20000.0),
        ("b", "water", 30000.0),
    ]
    return pd.DataFrame(rows, columns=["idINSPIRE", "class", "area_m2"])


def test_land_cover_shares_are_of_the_whole_cell_in_the_order_asked():
    ids = pd.Series(["b", "a", "c"])
    got = baselines.land_cover_shares(make_fragments(), ids, "class", cell_size_m=200)
    assert list(got) == ["roads", "water"]
    assert got.to_numpy().tolist() == [[0, 0.75], [0.5, 0.5], [0, 0]]


def test_density_is_in_people_per_km2():
    got = baselines.density_terms(pd.Series([4, 400]), cell_size_m=200)
    assert got.ravel().tolist() == pytest.approx([2, 4, 4, 16])


def test_every_baseline_has_its_features():
    cells = make_cells()
    fragments = make_fragments().assign(idINSPIRE=cells["idINSPIRE"].iloc[:4].to_numpy())
    got = baselines.cell_features(cells, fragments, "class", 200, "income")
    of_images = {"colour_histogram", "random_features"}
    assert got.keys() == baselines.table(reaches_m=[200]).keys() - of_images
    assert {len(features) for features in got.values()} == {100}


@pytest.mark.parametrize("name", WITHOUT_IMAGES)
def test_every_baseline_gives_probabilities(name):
    got = predict(name, make_features(), make_cells())
    probabilities = got[PROBABILITIES].to_numpy()
    expected_class = probabilities @ np.arange(5)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(100))
    assert got["p"].to_numpy() == pytest.approx(expected_class / 4)
    assert got["p"].between(0, 1).all()


@pytest.mark.parametrize("name", WITHOUT_IMAGES)
def test_no_baseline_sees_the_classes_of_its_test_fold(name):
    cells = make_cells()
    test = cells["fold"] == 1
    changed = cells.copy()
    changed.loc[test, "income_class"] = 4
    got = predict(name, make_features(), changed)
    expected = predict(name, make_features(), cells)
    pd.testing.assert_frame_equal(got[test], expected[test])
    assert not got[~test].equals(expected[~test])


def test_untested_folds_are_learned_from_but_not_predicted():
    cells = make_cells()
    classes = cells["income_class"].to_numpy()
    folds = cells["fold"].to_numpy()
    got = baselines.out_of_fold(baselines.ridge, make_features(), classes, folds, tested=[1])
    of_all = baselines.out_of_fold(baselines.ridge, make_features(), classes, folds)
    expected = of_all[folds == 1]
    pd.testing.assert_frame_equal(got, expected.reset_index(drop=True))


def test_a_baseline_that_is_the_target_is_left_out():
    people = np.random.default_rng(0).permutation(np.arange(1.0, 101))
    cells = make_cells().assign(ind=people)
    fragments = make_fragments().assign(idINSPIRE=cells["idINSPIRE"].iloc[:4].to_numpy())
    got = baselines.cell_features(cells, fragments, "class", 200, "density")
    assert got.keys() == {"constant", "coordinates", "land_cover"}
    for features in got.values():  # no feature orders the cells as the target does
        for column in np.asarray(features, dtype=float).T:
            order = column.argsort(kind="stable").argsort()
            assert abs(np.corrcoef(order, cells["ind"])[0, 1]) < 0.999


def test_no_class_is_impossible():
    # two classes are seen, and all but one ridge answers lie beyond 0 and 1
    classes = np.array([0, 0, 0, 4, 4, 4] * 10)
    folds = np.arange(60) % 3
    features = np.column_stack([classes * 1e3, np.arange(60.0)])
    unseen = np.array([[-1e6, 0.0], [1e6, 60.0], [2e3, 30.0]])
    for name, baseline in baselines.table(reaches_m=[1, 100]).items():
        probabilities = baseline(features, classes, folds, unseen)
        assert (probabilities > 0).all(), name
        assert probabilities.sum(axis=1) == pytest.approx(np.ones(3)), name


def test_constant_is_the_frequency_outside_the_fold():
    classes = np.array([0, 1, 1, 4])
    got = baselines.class_frequencies(np.zeros((4, 0)), classes, np.zeros(4), np.zeros((2, 0)))
    expected = (np.array([1, 2, 0, 0, 1]) + 0.5) / 6.5
    assert got == pytest.approx(np.tile(expected, (2, 1)))


def test_coordinates_find_a_smooth_pattern():
    cells = make_cells()
    got = predict("coordinates", grid.corners(cells["idINSPIRE"]), cells)
    assert (got["predicted_class"] == cells["income_class"]).mean() > 0.7


def test_ridge_reads_its_answer_as_p_of_a_binomial():
    features = np.linspace(-1, 1, 50)[:, None]
    classes = np.linspace(0, 4, 50)
    got = baselines.ridge(features, classes, np.zeros(50), np.array([[-1.0], [0], [1], [9]]))
    least = 0.5 / (4 * 50 + 1)  # as if one trial more had gone either way by half
    p = np.array([least, 0.5, 1 - least, 1 - least])
    expected = [
        (1 - p) ** 4,
        4 * p * (1 - p) ** 3,
        6 * p**2 * (1 - p) ** 2,
        4 * p**3 * (1 - p),
        p**4,
    ]
    assert got == pytest.approx(np.column_stack(expected), abs=1e-3)


def test_equally_probable_classes_go_to_the_middle_not_to_the_poorest():
    def undecided(features, classes, folds, unseen):
        return np.tile([0.4, 0.0, 0.0, 0.4, 0.2], (len(unseen), 1))  # expected class 2

    classes = np.array([0, 1, 2, 3])
    folds = np.array([0, 0, 1, 1])
    got = baselines.out_of_fold(undecided, np.zeros((4, 1)), classes, folds)
    assert got["predicted_class"].tolist() == [3] * 4
