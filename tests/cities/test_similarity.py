"""Which cities look alike: centroids, confusions, the tree and the map, against slow and obvious ways."""

import numpy as np
import pandas as pd
import pytest

from urbancam.cities import similarity

CITIES = list("abcde")


def sample(sites: int = 4, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Sites in two folds; cities a and b, and c and d, lie near each other in both."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(5, 16))
    centres[1], centres[3] = centres[0] + 0.2, centres[2] - 0.2
    table = pd.DataFrame(
        [(c, f"site{s}", s % 2) for c in CITIES for s in range(sites)],
        columns=["city", "site", "fold"],
    )
    turns = [
        np.linalg.qr(random.normal(size=(16, 16)))[0] for _ in range(2)
    ]  # each fold has its own space
    where = [
        centres[CITIES.index(c)] @ turns[f]
        for c, f in zip(table["city"], table["fold"], strict=True)
    ]
    return table, np.array(where) + random.normal(size=(len(table), 16)) * 0.3 + 2


def slow_cosines(table: pd.DataFrame, embeddings: np.ndarray) -> np.ndarray:
    folds = []
    for fold in table["fold"].unique():
        chosen = table["fold"] == fold
        centroids = np.stack(
            [embeddings[chosen & (table["city"] == city)].mean(axis=0) for city in CITIES]
        )
        about = centroids - centroids.mean(axis=0)
        about = about / np.linalg.norm(about, axis=1, keepdims=True)
        folds.append(about @ about.T)
    return np.mean(folds, axis=0)


def test_embedding_similarity_is_the_mean_cosine_of_centroids_within_folds():
    table, embeddings = sample()
    got = similarity.by_embedding(table, embeddings, CITIES, 20, 0.95, 0)
    assert np.allclose(got.value, slow_cosines(table, embeddings)) and np.allclose(
        np.diag(got.value), 1
    )


def test_pairs_tell_who_is_alike():
    table, embeddings = sample()
    pairs = similarity.by_embedding(table, embeddings, CITIES, 200, 0.95, 0).pairs()
    assert {tuple(pair) for pair in pairs[["city", "other"]].to_numpy()[:2]} == {
        ("a", "b"),
        ("c", "d"),
    }
    assert len(pairs) == 10 and (pairs["ci_low"] <= pairs["ci_high"]).all()


def test_turning_the_space_of_a_fold_changes_nothing():
    table, embeddings = sample()
    turn = np.linalg.qr(np.random.default_rng(9).normal(size=(16, 16)))[0]
    turned = np.where((table["fold"] == 1).to_numpy()[:, None], embeddings @ turn, embeddings)
    before, after = (
        similarity.by_embedding(table, e, CITIES, 30, 0.95, 0) for e in (embeddings, turned)
    )
    assert np.allclose(before.value, after.value) and np.allclose(before.low, after.low)


def test_a_city_of_one_site_has_a_value_but_no_interval():
    table, embeddings = sample()
    keep = ~((table["city"] == "a") & (table["site"] != "site0")).to_numpy()
    got = similarity.by_embedding(
        table[keep].reset_index(drop=True), embeddings[keep], CITIES, 50, 0.95, 0
    )
    assert np.isfinite(got.value).all()
    assert np.isnan(got.low[0]).all() and np.isfinite(got.low[1:, 1:]).any()


def test_sites_are_drawn_within_their_city():
    cities = np.repeat(CITIES, [1, 2, 3, 4, 5])
    counts = similarity.draw_sites(cities, 40, 0)
    assert all(
        (counts[:, cities == city].sum(axis=1) == n).all()
        for city, n in zip(CITIES, range(1, 6), strict=True)
    )
    assert counts.max() > 1


def test_confusion_similarity_is_symmetric_and_counts_shares():
    predictions = pd.DataFrame(
        {"city": list("aaaabb"), "site": list("xxyyxy"), "predicted_city": list("abaaab")}
    )
    got = similarity.by_confusion(predictions, ["a", "b"], 20, 0.95, 0).value
    assert got.tolist() == [[0.75, (1 / 4 + 1 / 2) / 2], [(1 / 4 + 1 / 2) / 2, 0.5]]


def test_patches_taken_for_a_city_that_is_not_tested_count_in_the_shares():
    predictions = pd.DataFrame(
        {"city": list("aabb"), "site": list("xyxy"), "predicted_city": list("bcbb")}
    )
    got = similarity.by_confusion(predictions, ["a", "b"], 20, 0.95, 0).value
    assert got.tolist() == [[0, 0.25], [0.25, 1]]


def test_cities_that_no_fold_tests_together_have_a_place_all_the_same():
    table, embeddings = sample(sites=2)
    keep = np.where(
        table["city"] == "a", table["fold"] == 0, (table["city"] != "b") | (table["fold"] == 1)
    )
    got = similarity.by_embedding(
        table[keep].reset_index(drop=True), embeddings[keep], CITIES, 20, 0.95, 0
    )
    assert np.isnan(got.value[0, 1]) and np.isfinite(got.distances).all()
    assert (
        len(similarity.merge_tree(got)) == 4
        and similarity.place_cities(got, 0).notna().to_numpy().all()
    )


def test_tree_joins_the_nearest_first():
    table, embeddings = sample()
    tree = similarity.merge_tree(similarity.by_embedding(table, embeddings, CITIES, 20, 0.95, 0))
    first = tree[["left", "right"]].to_numpy()[:2]
    assert {frozenset(pair) for pair in first} == {frozenset({0, 1}), frozenset({2, 3})}
    assert tree["n_cities"].iloc[-1] == 5 and tree["distance"].is_monotonic_increasing


def test_map_keeps_distances_that_fit_the_plane():
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1], [0.5, 0.2]])
    expected = np.linalg.norm(corners[:, None] - corners[None], axis=2)
    made = similarity.Similarity("embedding", CITIES, 1 - expected, expected, expected)
    got = similarity.place_cities(made, seed=0)
    places = got[["x", "y"]].to_numpy()
    assert np.linalg.norm(places[:, None] - places[None], axis=2) == pytest.approx(
        expected, abs=0.02
    )
    assert got["stress"].iloc[0] < 0.02


@pytest.mark.parametrize("count", [2, 45])
def test_any_number_of_cities(count):
    names = [f"city {i:02d}" for i in range(count)]
    table = pd.DataFrame(
        {"city": np.repeat(names, 4), "site": 4 * count * ["s"], "fold": np.tile([0, 1], 2 * count)}
    )
    table["site"] = np.arange(4 * count).astype(str)
    got = similarity.by_embedding(
        table, np.random.default_rng(0).random((4 * count, 8)), names, 60, 0.95, 0
    )
    assert got.matrix().shape == (count, count + 1) and len(got.pairs()) == count * (count - 1) // 2
    assert (
        len(similarity.merge_tree(got)) == count - 1
        and len(similarity.place_cities(got, 0)) == count
    )


def test_a_draw_without_a_fold_has_no_cosine():
    assert np.isnan(
        similarity.centred_cosines(np.zeros((1, 2, 2)), np.zeros((1, 2), dtype=bool))
    ).all()
