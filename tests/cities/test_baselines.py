"""Baselines of the network that names cities: colours and grey levels, and no form."""

import numpy as np
import pandas as pd
import pytest

from urbancam.cities import baselines

BINS = 4


def noise(seed: int = 0, side: int = 64) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


# ---- features


def test_histograms_are_shares_of_the_pixels():
    image = np.zeros((64, 64, 3), dtype=np.uint8)
    image[:16] = [255, 128, 63]
    got = baselines.describe(image, BINS)
    red, green, blue = got["colour_histogram"].reshape(3, BINS)
    assert red.tolist() == [0.75, 0, 0, 0.25]
    assert green.tolist() == [0.75, 0, 0.25, 0]
    assert blue.tolist() == [1, 0, 0, 0]
    grey = int(0.299 * 255 + 0.587 * 128 + 0.114 * 63)  # luma, ITU-R BT.601
    expected = np.zeros(3 * BINS)
    expected[[0, grey * 3 * BINS // 256]] = [0.75, 0.25]
    assert got["grey_histogram"] == pytest.approx(expected)


def test_grey_statistics_by_hand():
    grey = np.array([[0, 0], [0, 100]], dtype=np.uint8)
    got = baselines.grey_statistics(grey)
    sd = np.sqrt(0.75 * 25**2 + 0.25 * 75**2)
    assert got[:3] == pytest.approx([25, sd, (0.25 * 75**3 - 0.75 * 25**3) / sd**3])
    assert got[3:] == pytest.approx(np.percentile([0, 0, 0, 100], baselines.PERCENTILES))
    assert len(got) == 12


def test_a_patch_of_one_level_has_no_skewness():
    got = baselines.grey_statistics(np.full((8, 8), 7, dtype=np.uint8))
    assert got.tolist() == [7, 0, 0, *[7] * 9]


def test_no_feature_knows_where_a_pixel_lies():
    image = noise()
    mixed = np.random.default_rng(1).permutation(image.reshape(-1, 3)).reshape(image.shape)
    got = baselines.describe(mixed, BINS)
    for name, expected in baselines.describe(image, BINS).items():
        assert got[name] == pytest.approx(expected)


def test_grey_baselines_see_no_colour():
    image = noise()
    grey = np.repeat(baselines.colour.grey(image, None)[..., :1], 3, axis=2)
    got, expected = baselines.describe(grey, BINS), baselines.describe(image, BINS)
    # grey of grey is a level less for rounding
    assert got["grey_statistics"] == pytest.approx(expected["grey_statistics"], abs=1.01)
    assert "colour_histogram" not in baselines.names_of("grey")
    assert "colour_histogram" in baselines.names_of("as_is")


def test_large_patches_are_thinned_not_averaged():
    checks = np.kron([[0, 255], [255, 0]], np.ones((96, 96))).astype(np.uint8)
    image = np.repeat(checks[..., None], 3, axis=2)
    got = baselines.describe(image, BINS)["grey_histogram"]
    assert got[[0, -1]].tolist() == [0.5, 0.5]


# ---- answers


def make_index(per_city: int = 30) -> pd.DataFrame:
    """Three cities in two folds; what does not test validates for a third of the patches."""
    city = np.repeat(["a", "b", "10"], per_city)
    number = np.tile(np.arange(per_city), 3)
    table = pd.DataFrame({"patch_id": [f"{c}#{n}" for c, n in zip(city, number, strict=True)]})
    table["city"] = city
    for fold in (0, 1):
        learns = np.where(number % 3 == 0, "validation", "train")
        table[f"role_{fold}"] = np.where(number % 2 == fold, "test", learns)
    return table


def make_features(index: pd.DataFrame, seed: int = 0) -> np.ndarray:
    """Two numbers that tell the cities apart, and a third of noise."""
    places = index["city"].map({"a": 0.0, "b": 3.0, "10": 6.0}).to_numpy()
    random = np.random.default_rng(seed).normal(size=(len(index), 3))
    return random + places[:, None] * [1, -1, 0]


def test_every_tested_patch_is_named_once():
    index = make_index()
    got = baselines.out_of_fold(make_features(index), index, 2, 0)
    assert sorted(got.index) == sorted(index["patch_id"])
    truth = index.set_index("patch_id")["city"].loc[got.index]
    assert (got == truth).mean() > 0.9
    assert len(baselines.out_of_fold(make_features(index), index, 1, 0)) == 45


def test_features_without_a_city_in_them_guess():
    index = make_index(300)
    random = np.random.default_rng(1).normal(size=(len(index), 3))
    got = baselines.out_of_fold(random, index, 2, 0)
    truth = index.set_index("patch_id")["city"].loc[got.index]
    # a third of 900, four standard deviations
    assert (got == truth).mean() == pytest.approx(1 / 3, abs=4 * np.sqrt(2 / 9 / 900))


def test_no_answer_sees_the_city_of_a_tested_patch():
    index = make_index()
    features = make_features(index)
    tested = index["role_0"] == "test"
    changed = index.assign(city=index["city"].where(~tested, "a"))
    got = baselines.out_of_fold(features, changed, 1, 0)
    pd.testing.assert_series_equal(got, baselines.out_of_fold(features, index, 1, 0))


def test_each_city_is_thinned_by_lot(monkeypatch):
    monkeypatch.setattr(baselines, "MOST_PATCHES", 5)
    rows = np.arange(100, 130)
    city = pd.Series(["a"] * 3 + ["b"] * 27)
    got = baselines._thin(city, rows, 0)
    assert len(got) == len(set(got)) == 8
    assert {100, 101, 102} <= set(got)
    assert set(got) != set(baselines._thin(city, rows, 1))
