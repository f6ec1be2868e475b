"""Which cities patches are taken for: every patch counts, numbers are sorted as numbers."""

import numpy as np
import pandas as pd
import pytest

from city_predictions import CITIES, sample
from urbancam.cities import confusions


def test_confusion_counts_every_patch_whatever_cities_are_named():
    predictions = sample().assign(predicted_city=CITIES[0])  # two cities are never named
    got = confusions.confusion_matrix(predictions, CITIES)
    assert got["city"].tolist() == CITIES
    assert got[CITIES[0]].tolist() == [60, 60, 60]
    assert got[CITIES[1:]].to_numpy().sum() == 0


def test_patches_taken_for_a_city_that_is_not_tested_count():
    predictions = sample().query("city != @CITIES[2]").assign(predicted_city=CITIES[2])
    got = confusions.confusion_matrix(predictions, CITIES)
    assert got["city"].tolist() == CITIES[:2]
    assert got[CITIES[2]].tolist() == [60, 60]


def test_most_confused_sorts_numbers_within_each_city():
    # Published: percentages sorted as text, "9.8%" before "85.2%", indices modulo 44 (D-S2-13).
    counts = [[5, 98, 852, 0], [1, 9, 0, 0], [0, 0, 7, 0], [3, 3, 2, 1]]
    confusion = pd.DataFrame(counts, columns=list("abcd"))
    confusion.insert(0, "city", list("abcd"))
    got = confusions.most_confused(confusion, 2)
    assert got[["city", "rank", "taken_for", "n_patches"]].to_numpy().tolist() == [
        ["a", 1, "c", 852],
        ["a", 2, "b", 98],
        ["b", 1, "a", 1],
        ["d", 1, "a", 3],
        ["d", 2, "b", 3],
    ]
    assert got["share"].tolist() == pytest.approx([852 / 955, 98 / 955, 0.1, 3 / 9, 3 / 9])


def test_forty_five_cities():
    names = [f"City {i:02d}" for i in range(45)]
    predicted = np.random.default_rng(0).choice(names, 2250)
    table = pd.DataFrame({"city": np.repeat(names, 50), "predicted_city": predicted})
    confusion = confusions.confusion_matrix(table, names)
    assert confusion.shape == (45, 46)
    assert confusion[names].to_numpy().sum() == 2250
    assert confusions.most_confused(confusion).groupby("city").size().eq(5).all()
