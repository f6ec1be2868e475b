"""The tree and the map of cities."""

import numpy as np
import pytest

from city_embeddings import CITIES, embed_cities, embed_sites
from urbancam.cities import arrangements, similarity
from urbancam.workflow.settings import settings

STATISTICS = settings.load(
    "default", ["statistics.draws=100", "statistics.min_blocks=2"]
).statistics


def test_tree_joins_the_nearest_first():
    table, embeddings = embed_sites()
    measure = similarity.by_embedding(table, embeddings, CITIES, STATISTICS, 0)
    tree = arrangements.merge_tree(measure)
    first = tree[["left", "right"]].to_numpy()[:2]
    assert {frozenset(pair) for pair in first} == {frozenset({0, 1}), frozenset({2, 3})}
    assert tree["n_cities"].iloc[-1] == 5
    assert tree["distance"].is_monotonic_increasing


def test_map_keeps_distances_that_fit_the_plane():
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1], [0.5, 0.2]])
    expected = np.linalg.norm(corners[:, None] - corners[None], axis=2)
    measure = similarity.Similarity("embedding", CITIES, 1 - expected, expected, expected)
    got = arrangements.place_cities(measure, seed=0)
    places = got[["x", "y"]].to_numpy()
    distances = np.linalg.norm(places[:, None] - places[None], axis=2)
    assert distances == pytest.approx(expected, abs=0.02)
    assert got["stress"].iloc[0] < 0.02


def test_cities_that_no_fold_tests_together_have_a_place_all_the_same():
    table, embeddings = embed_sites(sites=2)
    only_first = (table["city"] == "a") & (table["fold"] == 1)
    only_second = (table["city"] == "b") & (table["fold"] == 0)
    rest = ~(only_first | only_second).to_numpy()
    table = table[rest].reset_index(drop=True)
    got = similarity.by_embedding(table, embeddings[rest], CITIES, STATISTICS, 0)
    assert np.isnan(got.value[0, 1])
    assert np.isfinite(got.distances).all()
    assert len(arrangements.merge_tree(got)) == 4
    assert arrangements.place_cities(got, 0).notna().to_numpy().all()


@pytest.mark.parametrize("count", [2, 45])
def test_any_number_of_cities(count):
    table, embeddings, names = embed_cities(count)
    measure = similarity.by_embedding(table, embeddings, names, STATISTICS, 0)
    assert len(arrangements.merge_tree(measure)) == count - 1
    assert len(arrangements.place_cities(measure, 0)) == count
