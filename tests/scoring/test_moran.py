"""Moran's I against the double loop of its definition, and its permutation test."""

import numpy as np
import pandas as pd
import pytest

from urbancam.scoring import moran


def ids_at(places, size_m: int = 200) -> pd.Series:
    """Ids of cells at (column, row) of a grid."""
    ids = []
    for x, y in places:
        east = 3_000_000 + size_m * x
        north = 2_000_000 + size_m * y
        ids.append(f"CRS3035RES{size_m}mN{north}E{east}")
    return pd.Series(ids)


def square(side: int) -> np.ndarray:
    return np.array([(x, y) for y in range(side) for x in range(side)])


def slow_moran_i(values, places) -> float:
    """The definition, pair by pair, over cells that have a neighbour."""

    def near(a, b):
        return max(abs(a[0] - b[0]), abs(a[1] - b[1])) == 1

    cells = [i for i, place in enumerate(places) if any(near(place, other) for other in places)]
    mean = sum(values[i] for i in cells) / len(cells)
    products = squares = weights = 0.0
    for i in cells:
        neighbours = [k for k in cells if near(places[i], places[k])]
        for k in neighbours:
            weight = 1 / len(neighbours)
            products += weight * (values[i] - mean) * (values[k] - mean)
            weights += weight
        squares += (values[i] - mean) ** 2
    return len(cells) / weights * products / squares


def holes(side: int = 9, seed: int = 0) -> np.ndarray:
    """A city with holes, in no order, and one cell far off."""
    random = np.random.default_rng(seed)
    places = square(side)[random.random(side**2) < 0.6]
    return np.vstack([random.permutation(places), [[50, 50]]])


@pytest.mark.parametrize("size_m", [200, 1000])
def test_weights_are_those_of_the_cells_around(size_m):
    places = holes()
    got = moran.queen_weights(ids_at(places, size_m)).toarray()
    distance = np.abs(places[:, None] - places).max(axis=2)
    expected = (distance == 1).astype(float)
    has_neighbours = expected.any(axis=1)
    expected[has_neighbours] /= expected[has_neighbours].sum(axis=1, keepdims=True)
    assert got == pytest.approx(expected)


def test_moran_i_agrees_with_the_double_loop():
    places = holes()
    values = np.random.default_rng(1).normal(size=len(places))
    predictions = make_predictions(places).assign(income_class=values)
    got = table(predictions).query("subset == 'all' and variable == 'observed_class'")
    assert got["moran_i"].item() == pytest.approx(slow_moran_i(values, places.tolist()))
    assert got["n_cells"].item() == len(places) - 1


def test_moran_i_by_hand():
    weights = moran.queen_weights(ids_at([(0, 0), (1, 0), (2, 0)]))
    # z = -1, 0, 1: only the middle has two neighbours, and it is at the mean
    assert moran.moran_i(np.array([1.0, 2, 3]), weights) == pytest.approx(0)
    assert moran.moran_i(np.array([1.0, -2, 1]), weights) == pytest.approx((-2 - 2 - 2) / 6)


def test_p_values_of_noise_are_uniform():
    places = square(12)
    weights = moran.queen_weights(ids_at(places))
    noise = np.random.default_rng(0).normal(size=(144, 200))
    observed, p_value = moran.permutation_test(noise, weights, 199, seed=0)
    assert observed.mean() == pytest.approx(-1 / 143, abs=0.01)
    assert 0.4 < p_value.mean() < 0.6
    assert 0.01 <= (p_value <= 0.05).mean() <= 0.1


def test_p_values_of_a_gradient_are_small():
    places = square(12)
    weights = moran.queen_weights(ids_at(places))
    observed, p_value = moran.permutation_test(places.astype(float), weights, 199, seed=0)
    assert (observed > 0.8).all()
    assert p_value.tolist() == [1 / 200, 1 / 200]


def test_p_value_counts_permutations_as_large_one_by_one():
    places = square(3)
    weights = moran.queen_weights(ids_at(places))
    values = np.random.default_rng(2).integers(0, 3, size=(9, 2)).astype(float)
    _, got = moran.permutation_test(values, weights, 99, seed=5)
    random = np.random.default_rng(5)
    orders = [random.permutation(9) for _ in range(99)]
    for column, p_value in zip(values.T, got, strict=True):
        observed = slow_moran_i(column, places.tolist())
        by_chance = [slow_moran_i(column[order], places.tolist()) for order in orders]
        as_large = sum(i >= observed - 1e-9 for i in by_chance)
        assert p_value == (1 + as_large) / 100


def make_predictions(places) -> pd.DataFrame:
    """A city richer eastwards, which the model knows but for noise."""
    x = places[:, 0] / max(1, places[:, 0].max())
    noise = np.random.default_rng(3).normal(0, 0.05, len(x))
    p = (x + noise).clip(0, 1)
    columns = {
        "idINSPIRE": ids_at(places),
        "fold": 0,
        "p": p,
        "income_class": np.floor(4.99 * x),
        "target": 1e4 + 1e4 * x,
    }
    return pd.DataFrame(columns)


def table(predictions: pd.DataFrame, imputed=None) -> pd.DataFrame:
    imputed = np.zeros(len(predictions), dtype=bool) if imputed is None else imputed
    return moran.autocorrelation_table(predictions, imputed, seed=0)


def test_what_a_good_model_leaves_is_less_alike_than_what_is_observed():
    got = table(make_predictions(square(15))).query("subset == 'all'").set_index("variable")
    assert list(got.index) == ["observed_class", "residual_class", "observed_rank", "residual_rank"]
    assert got.loc["observed_rank", "moran_i"] > 0.9
    assert got.loc["observed_rank", "p_value"] == 0.001
    assert got.loc["residual_rank", "moran_i"] < 0.3


def test_neighbours_are_the_mean_number_of_a_cell():
    got = table(make_predictions(square(15)))
    inner, edge, corner = 13**2, 4 * 13, 4
    expected = (8 * inner + 5 * edge + 3 * corner) / 15**2
    assert got["neighbours"].unique() == pytest.approx(expected)


def test_imputed_cells_are_left_out_of_their_subset():
    places = square(6)
    got = table(make_predictions(places), places[:, 0] < 2).groupby("subset")["n_cells"].first()
    assert got.to_dict() == {"all": 36, "not_imputed": 24}


@pytest.mark.parametrize("places", [np.zeros((0, 2), dtype=int), np.array([[0, 0], [7, 7]])])
def test_cells_without_neighbours_have_no_autocorrelation(places):
    if len(places):
        predictions = make_predictions(places)
    else:
        predictions = make_predictions(square(1)).iloc[:0]
    got = table(predictions)
    assert (got["n_cells"] == 0).all()
    assert got[["moran_i", "p_value", "expected"]].isna().all(axis=None)


def test_equal_values_have_none_either():
    got = table(make_predictions(square(4)).assign(target=1.0)).query("variable == 'observed_rank'")
    assert got[["moran_i", "p_value"]].isna().all(axis=None)


@pytest.mark.slow
def test_offsets_between_folds_are_no_neighbourhood(monkeypatch):
    monkeypatch.setattr(moran, "PERMUTATIONS", 99)
    # Noise alone, but each fold's model says a little more or less everywhere: .1 of its sd.
    places = square(20)
    folds = places[:, 0] // 5 + 4 * (places[:, 1] // 5)  # 16 blocks, a fold each
    random = np.random.default_rng(0)
    found = []
    for _ in range(100):
        noise = random.normal(size=400) + 0.5 * random.normal(size=16)[folds]
        predictions = make_predictions(places).assign(
            fold=folds, p=0.5 + 0.05 * noise, target=random.normal(size=400), income_class=2
        )
        got = table(predictions).query("subset == 'all'").set_index("variable")["p_value"]
        found.append(got[["residual_class", "residual_rank"]] <= 0.05)
    assert (np.mean(found, axis=0) <= 0.05 + 0.044).all()  # two standard errors
