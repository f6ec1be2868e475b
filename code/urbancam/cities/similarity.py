"""Which cities look alike to the network: by what it sees in them, and by what it takes them for.

Two measures, each a symmetric matrix over cities:

- embedding: cosine of the cities' centroids in the space of the last features, within each fold
  (networks of different folds have different spaces), averaged over folds;
- confusion: mean of both directions of the share of a city's patches that are taken for the other.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from urbancam.scoring.bootstrap import Estimate, block_draws, divide
from urbancam.workflow.settings.sections import Statistics

DRAWS_AT_A_TIME = 50  # of the bootstrap: arrays of draws x cities x sites


@dataclass(frozen=True)
class Similarity:
    """A measure over K cities: (K, K) `value`, and the ends of its interval, NaN where none is."""

    measure: str
    cities: list[str]
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def matrix(self) -> pd.DataFrame:
        """Column `city`, then one column per city."""
        table = pd.DataFrame(self.value, columns=self.cities)
        table = table.assign(city=self.cities)
        return table[["city", *self.cities]]

    def pairs(self) -> pd.DataFrame:
        """Each pair once: `measure, city, other, value, ci_low, ci_high`, the most alike first."""
        first, second = np.triu_indices(len(self.cities), 1)
        names = np.array(self.cities, dtype=object)
        table = pd.DataFrame(
            {
                "measure": self.measure,
                "city": names[first],
                "other": names[second],
                "value": self.value[first, second],
                "ci_low": self.low[first, second],
                "ci_high": self.high[first, second],
            }
        )
        return table.sort_values("value", ascending=False, kind="stable", ignore_index=True)

    @property
    def distances(self) -> np.ndarray:
        """(K, K) 1 - similarity, exactly symmetric, 0 on the diagonal."""
        symmetric = (self.value + self.value.T) / 2
        distances = np.clip(1 - symmetric, 0, None)
        undefined = np.isnan(distances)
        # ASSUME: cities that no trained fold tests together are as far apart as the others are on
        # average.
        diagonal = np.eye(len(distances), dtype=bool)
        others = distances[~undefined & ~diagonal]
        distances[undefined] = others.mean() if others.size else 1.0
        np.fill_diagonal(distances, 0)
        return distances


def _counts_of_sites(
    cities: np.ndarray,
    draws: int,
    seed: int,
) -> np.ndarray:
    """(1 + draws, S): every site once, for the value itself, then the draws within each city."""
    once = np.ones((1, len(cities)))
    sites = np.arange(len(cities))
    return np.vstack([once, block_draws(sites, draws, seed, strata=cities)])


def _add_interval(
    measure: str,
    cities: list[str],
    values: np.ndarray,
    n_sites: np.ndarray,
    statistics: Statistics,
) -> Similarity:
    """The measure of (1 + draws, K, K) `values`: the first is the value, the draws its interval."""
    # A pair is as uncertain as its city of fewer sites makes it.
    fewer_sites = np.minimum(n_sites[:, None], n_sites[None])
    low, high = Estimate(values[0], values[1:], fewer_sites).interval(statistics)
    return Similarity(measure, cities, values[0], low, high)


def by_embedding(
    sites: pd.DataFrame,
    embeddings: np.ndarray,
    cities: list[str],
    statistics: Statistics,
    seed: int,
) -> Similarity:
    """Cosine similarity of city centroids, with intervals over sites.

    Args:
        sites: `city, site, fold`, S rows: a test site and the fold whose network embedded it.
        embeddings: (S, E) mean embedding of each site's patches.
        cities: K names, the order of the matrix.
        statistics: Section `statistics`.
        seed: Seed of the draws.
    """
    # ASSUME: every site counts alike in its city's centroid, however many images it has; centroids
    # are taken from their mean over cities, since features after a ReLU are positive and all
    # cosines would be near 1.
    names = np.array(cities, dtype=object)
    homes = sites["city"].to_numpy()
    counts = _counts_of_sites(homes, statistics.draws, seed)

    # Networks of different folds have different spaces: cosines are taken within a fold.
    folds = []
    for fold in sites["fold"].unique():
        tested = (sites["fold"] == fold).to_numpy()
        members = homes[tested] == names[:, None]
        folds.append(_cosines(embeddings[tested], members, counts[:, tested]))

    values = _mean_of_defined(folds)
    n_sites = sites["city"].value_counts().reindex(cities, fill_value=0)
    return _add_interval("embedding", cities, values, n_sites.to_numpy(), statistics)


def _cosines(
    embeddings: np.ndarray,
    members: np.ndarray,
    counts: np.ndarray,
) -> np.ndarray:
    """Cosines of the cities' centroids in the space of one network.

    Args:
        embeddings: (S, E) of the sites of a fold.
        members: (K, S) bool, which sites are a city's.
        counts: (D, S) how often each site came up in each draw.

    Returns:
        (D, K, K), NaN where a city has no site in the draw.
    """
    vectors = embeddings.astype(float)
    gram = vectors @ vectors.T  # (S, S), all that cosines of centroids need
    members = members.astype(float)
    parts = []
    # Centroids are weighted means, so their inner products are weighted sums of the gram matrix.
    for start in range(0, len(counts), DRAWS_AT_A_TIME):
        draws = counts[start : start + DRAWS_AT_A_TIME]
        weights = draws[:, None] * members  # (D, K, S)
        n_sites = weights.sum(axis=2, keepdims=True)
        weights = np.nan_to_num(divide(weights, n_sites))
        inner = weights @ gram @ weights.transpose(0, 2, 1)
        parts.append(centred_cosines(inner, weights.any(axis=2)))
    return np.concatenate(parts)


def centred_cosines(inner: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Cosines of vectors about their mean, from their inner products.

    With m the mean of the vectors, (a - m)(b - m) = ab - am - bm + mm.

    Args:
        inner: (D, K, K) inner products, zero where a vector is absent.
        present: (D, K) bool.

    Returns:
        (D, K, K), NaN where either vector is absent or equals the mean.
    """
    n_present = present.sum(axis=1, keepdims=True)
    # (D, K): every vector that is present weighs alike in the mean.
    share = np.nan_to_num(divide(present, n_present))
    with_mean = np.einsum("dk,dkl->dl", share, inner)
    mean_squared = np.einsum("dl,dl->d", share, with_mean)
    inner = inner - with_mean[:, :, None] - with_mean[:, None, :] + mean_squared[:, None, None]

    squares = np.diagonal(inner, axis1=1, axis2=2)
    lengths = np.sqrt(np.clip(squares, 0, None))
    cosines = divide(inner, lengths[:, :, None] * lengths[:, None, :])
    both_present = present[:, :, None] & present[:, None, :]
    cosines[~both_present] = np.nan
    return np.clip(cosines, -1, 1)


def _mean_of_defined(parts: list[np.ndarray]) -> np.ndarray:
    """Mean over the parts, leaving out NaN; NaN where all are."""
    stacked = np.stack(parts)
    n_defined = np.isfinite(stacked).sum(axis=0)
    return divide(np.nansum(stacked, axis=0), n_defined)


def by_confusion(
    predictions: pd.DataFrame,
    cities: list[str],
    statistics: Statistics,
    seed: int,
) -> Similarity:
    """Mean of the two shares of patches that are taken for the other city.

    Args:
        predictions: `city, site, predicted_city`, a row per patch.
        cities: K names, the order of the matrix.
        statistics: Section `statistics`.
        seed: Seed of the draws.
    """
    # Rows are sites; the last column counts all their patches, whatever they are taken for.
    sites = [predictions["city"], predictions["site"]]
    table = pd.crosstab(sites, predictions["predicted_city"])
    n_patches = table.sum(axis=1)
    table = table.reindex(columns=cities, fill_value=0)
    table = table.assign(patches=n_patches)
    homes = table.index.get_level_values("city").to_numpy()
    counts = _counts_of_sites(homes, statistics.draws, seed)

    numbers = table.to_numpy()
    # Patches of each city in each draw, by what they are taken for.
    sums = []
    n_sites = []
    for city in cities:
        own = homes == city
        sums.append(counts[:, own] @ numbers[own])
        n_sites.append(own.sum())
    sums = np.stack(sums, axis=1)
    shares = divide(sums[:, :, :-1], sums[:, :, -1:])  # (1 + draws, K, K)
    values = (shares + shares.transpose(0, 2, 1)) / 2
    return _add_interval("confusion", cities, values, np.array(n_sites), statistics)
