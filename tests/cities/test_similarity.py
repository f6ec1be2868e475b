"""Which cities look alike: centroids and confusions, against slow and obvious ways."""

import numpy as np
import pandas as pd
import pytest

from city_embeddings import CITIES, embed_cities, embed_sites
from urbancam.cities import similarity
from urbancam.workflow.settings import settings

STATISTICS = settings.load(
    "default", ["statistics.draws=100", "statistics.min_blocks=2"]
).statistics


def slow_cosines(table: pd.DataFrame, embeddings: np.ndarray) -> np.ndarray:
    folds = []
    for fold in table["fold"].unique():
        centroids = []
        for city in CITIES:
            own = (table["fold"] == fold) & (table["city"] == city)
            centroids.append(embeddings[own].mean(axis=0))
        about = np.stack(centroids) - np.mean(centroids, axis=0)
        about = about / np.linalg.norm(about, axis=1, keepdims=True)
        folds.append(about @ about.T)
    return np.mean(folds, axis=0)


# ---- embeddings


def test_embedding_similarity_is_the_mean_cosine_of_centroids_within_folds():
    table, embeddings = embed_sites()
    got = similarity.by_embedding(table, embeddings, CITIES, STATISTICS, 0)
    assert np.allclose(got.value, slow_cosines(table, embeddings))
    assert np.allclose(np.diag(got.value), 1)


def test_pairs_tell_who_is_alike():
    table, embeddings = embed_sites(sites=8)
    pairs = similarity.by_embedding(table, embeddings, CITIES, STATISTICS, 0).pairs()
    first = pairs[["city", "other"]].to_numpy()[:2]
    assert {tuple(pair) for pair in first} == {("a", "b"), ("c", "d")}
    assert len(pairs) == 10
    assert (pairs["ci_low"] <= pairs["ci_high"]).all()


def test_turning_the_space_of_a_fold_changes_nothing():
    table, embeddings = embed_sites()
    turn = np.linalg.qr(np.random.default_rng(9).normal(size=(16, 16)))[0]
    of_fold = (table["fold"] == 1).to_numpy()[:, None]
    turned = np.where(of_fold, embeddings @ turn, embeddings)
    before = similarity.by_embedding(table, embeddings, CITIES, STATISTICS, 0)
    after = similarity.by_embedding(table, turned, CITIES, STATISTICS, 0)
    assert np.allclose(before.value, after.value)
    assert np.allclose(before.low, after.low, equal_nan=True)


def test_a_city_of_one_site_has_a_value_but_no_interval():
    table, embeddings = embed_sites()
    rest = ((table["city"] != "a") | (table["site"] == "site0")).to_numpy()
    table = table[rest].reset_index(drop=True)
    got = similarity.by_embedding(table, embeddings[rest], CITIES, STATISTICS, 0)
    assert np.isfinite(got.value).all()
    assert np.isnan(got.low[0]).all()
    assert np.isfinite(got.low[1:, 1:]).any()


def test_a_draw_without_a_fold_has_no_cosine():
    absent = np.zeros((1, 2), dtype=bool)
    got = similarity.centred_cosines(np.zeros((1, 2, 2)), absent)
    assert np.isnan(got).all()


# ---- confusions


def test_confusion_similarity_is_symmetric_and_counts_shares():
    predictions = pd.DataFrame(
        {
            "city": list("aaaabb"),
            "site": list("xxyyxy"),
            "predicted_city": list("abaaab"),
        }
    )
    got = similarity.by_confusion(predictions, ["a", "b"], STATISTICS, 0).value
    between = (1 / 4 + 1 / 2) / 2
    assert got.tolist() == [[0.75, between], [between, 0.5]]


def test_patches_taken_for_a_city_that_is_not_tested_count_in_the_shares():
    predictions = pd.DataFrame(
        {
            "city": list("aabb"),
            "site": list("xyxy"),
            "predicted_city": list("bcbb"),
        }
    )
    got = similarity.by_confusion(predictions, ["a", "b"], STATISTICS, 0).value
    assert got.tolist() == [[0, 0.25], [0.25, 1]]


# ---- any number of cities


@pytest.mark.parametrize("count", [2, 45])
def test_any_number_of_cities(count):
    table, embeddings, names = embed_cities(count)
    got = similarity.by_embedding(table, embeddings, names, STATISTICS, 0)
    assert got.matrix().shape == (count, count + 1)
    assert len(got.pairs()) == count * (count - 1) // 2
