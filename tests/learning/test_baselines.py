"""Baselines: their predictions, and that none sees its test fold."""

import numpy as np
import pandas as pd
import pytest

from urbancam.learning import baselines
from urbancam.learning.features.known_cells import KnownCells
from urbancam.tables import grid

PROBABILITIES = [f"prob_{k}" for k in range(5)]
NAMES = ["constant", "coordinates", "land_cover"]  # the third is a ridge, as are all others


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
    baseline = baselines.find(name, reaches_m=[100, 400])
    classes = cells["income_class"].to_numpy()
    folds = cells["fold"].to_numpy()
    return baselines.out_of_fold(baseline, features, classes, folds)


@pytest.mark.parametrize("name", NAMES)
def test_every_baseline_gives_probabilities(name):
    got = predict(name, make_features(), make_cells())
    probabilities = got[PROBABILITIES].to_numpy()
    expected_class = probabilities @ np.arange(5)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(100))
    assert got["p"].to_numpy() == pytest.approx(expected_class / 4)
    assert got["p"].between(0, 1).all()


@pytest.mark.parametrize("name", NAMES)
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


def test_no_class_is_impossible():
    # two classes are seen, and all but one ridge answers lie beyond 0 and 1
    classes = np.array([0, 0, 0, 4, 4, 4] * 10)
    folds = np.arange(60) % 3
    features = np.column_stack([classes * 1e3, np.arange(60.0)])
    unseen = np.array([[-1e6, 0.0], [1e6, 60.0], [2e3, 30.0]])
    for name in NAMES:
        baseline = baselines.find(name, reaches_m=[1, 100])
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


def known_cells(features: dict[str, np.ndarray], cells: pd.DataFrame) -> KnownCells:
    cells = cells.assign(block=cells["fold"].astype(str), group=None)
    return KnownCells(cells, {name: pd.DataFrame(table) for name, table in features.items()})


def answers_to(features: dict[str, np.ndarray], cells: pd.DataFrame) -> dict[str, pd.DataFrame]:
    asked = cells[["idINSPIRE", "fold", "income_class"]]
    known = known_cells(features, cells)
    return baselines.predict(asked, known, [100, 400], range(3), "block")


def test_every_set_of_features_has_its_baseline():
    cells = make_cells()
    got = answers_to(
        {"coordinates": grid.corners(cells["idINSPIRE"]), "mine": make_features()}, cells
    )
    assert list(got) == ["constant", "coordinates", "mine"]
    for table in got.values():
        assert table["idINSPIRE"].tolist() == cells["idINSPIRE"].tolist()
    expected = predict("mine", make_features(), cells)
    pd.testing.assert_frame_equal(got["mine"][list(expected)], expected)
    reaches = baselines.chosen_reaches(got)["reach_m"]
    assert reaches.keys() == {"0", "1", "2"} and set(reaches.values()) <= {100, 400}


def test_cells_without_numbers_are_predicted_as_average_ones():
    cells = make_cells()
    features = cells[["income_class"]].to_numpy(float, copy=True)
    lacking = np.arange(100) % 4 == 1
    features[lacking] = np.nan
    got = answers_to({"mine": features}, cells)["mine"]
    means = got.loc[lacking].groupby("fold")["p"]
    assert (means.nunique() == 1).all()
    for fold, p in means.first().items():
        in_training = (cells["fold"] != fold).to_numpy()
        assert p == pytest.approx(cells.loc[in_training, "income_class"].mean() / 4, abs=0.02)
    known = got.loc[~lacking, "p"]
    assert np.corrcoef(known, cells.loc[~lacking, "income_class"])[0, 1] > 0.95


def test_no_baseline_where_nothing_else_is_known():
    cells = make_cells().assign(fold=0)
    assert answers_to({"mine": make_features()}, cells) == {}
