"""Which cities look alike to the network: by what it sees in them, and by what it takes them for.

Two measures, each a symmetric matrix over cities:

- embedding: cosine of the cities' centroids in the space of the last features, within each fold (networks of
  different folds have different spaces), averaged over folds;
- confusion: mean of both directions of the share of a city's patches that are taken for the other.

From either, a tree (average linkage) and a map in two dimensions (multidimensional scaling) on 1 - similarity.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import squareform

from urbancam.scoring.bootstrap import divide, interval

DRAWS_AT_A_TIME = 50  # of the bootstrap: arrays of draws x cities x sites


@dataclass(frozen=True)
class Similarity:
    """A measure over K cities: (K, K) `value`, and the ends of its interval, NaN where there is none."""

    measure: str
    cities: list[str]
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def matrix(self) -> pd.DataFrame:
        """Column `city`, then one column per city."""
        return pd.DataFrame(self.value, columns=self.cities).assign(city=self.cities)[
            ["city", *self.cities]
        ]

    def pairs(self) -> pd.DataFrame:
        """Each pair once: `measure, city, other, value, ci_low, ci_high`, the most alike first."""
        first, second = np.triu_indices(len(self.cities), 1)
        names = np.array(self.cities, dtype=object)
        table = pd.DataFrame(
            {"measure": self.measure, "city": names[first], "other": names[second]}
        )
        for column, values in (("value", self.value), ("ci_low", self.low), ("ci_high", self.high)):
            table[column] = values[first, second]
        return table.sort_values("value", ascending=False, kind="stable", ignore_index=True)

    @property
    def distances(self) -> np.ndarray:
        """(K, K) 1 - similarity, exactly symmetric, 0 on the diagonal."""
        distances = np.clip(1 - (self.value + self.value.T) / 2, 0, None)
        # ASSUME: cities that no trained fold tests together are as far apart as the others are on average.
        known = distances[~np.isnan(distances) & ~np.eye(len(distances), dtype=bool)]
        distances[np.isnan(distances)] = known.mean() if known.size else 1.0
        np.fill_diagonal(distances, 0)
        return distances


def draw_sites(cities: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """Resample sites with replacement within each city; (draws, S) how often each came up.

    Args:
        cities: (S,) city of each site.
        draws: how many.
        seed: of the random numbers.
    """
    random = np.random.default_rng(seed)
    counts = np.zeros((draws, len(cities)), dtype=np.int64)
    for city in np.unique(cities):
        members = np.flatnonzero(cities == city)
        counts[:, members] = random.multinomial(
            len(members), np.full(len(members), 1 / len(members)), size=draws
        )
    return counts


def by_embedding(
    sites: pd.DataFrame,
    embeddings: np.ndarray,
    cities: list[str],
    draws: int,
    confidence: float,
    seed: int,
) -> Similarity:
    """Cosine similarity of city centroids, with intervals over sites.

    Args:
        sites: `city, site, fold`, S rows: a test site and the fold whose network embedded it.
        embeddings: (S, E) mean embedding of each site's patches.
        cities: K names, the order of the matrix.
        draws: of the bootstrap.
        confidence: of the intervals, 0..1.
        seed: of the draws.
    """
    # ASSUME: every site counts alike in its city's centroid, however many images it has; centroids are taken from
    # their mean over cities, since features after a ReLU are positive and all cosines would be near 1.
    counts = draw_sites(sites["city"].to_numpy(), draws, seed)
    counts = np.vstack([np.ones((1, len(sites)), dtype=np.int64), counts])
    folds = [
        _cosines_of_fold(sites, embeddings, cities, counts, fold) for fold in sites["fold"].unique()
    ]
    drawn = _mean_of_known(folds)
    low, high = interval(drawn[1:], confidence)
    few = (sites["city"].value_counts().reindex(cities, fill_value=0) < 2).to_numpy()
    unknown = few[:, None] | few[None]  # one site cannot be resampled
    low[unknown], high[unknown] = np.nan, np.nan
    return Similarity("embedding", cities, drawn[0], low, high)


def _cosines_of_fold(sites, embeddings, cities: list[str], counts: np.ndarray, fold) -> np.ndarray:
    """(draws, K, K), NaN where a city has no site in the draw's fold."""
    chosen = (sites["fold"] == fold).to_numpy()
    vectors = embeddings[chosen].astype(float)
    gram = vectors @ vectors.T  # S, S: all that cosines of centroids need
    member = (sites["city"].to_numpy()[chosen] == np.array(cities, dtype=object)[:, None]).astype(
        float
    )  # K, S
    parts = []
    for start in range(0, len(counts), DRAWS_AT_A_TIME):
        weight = counts[start : start + DRAWS_AT_A_TIME, None, chosen] * member
        weight = np.nan_to_num(divide(weight, weight.sum(axis=2, keepdims=True)))
        parts.append(centred_cosines(weight @ gram @ weight.transpose(0, 2, 1), weight.any(axis=2)))
    return np.concatenate(parts)


def centred_cosines(inner: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Cosines of vectors about their mean, from their inner products.

    Args:
        inner: (D, K, K) inner products, zero where a vector is absent.
        present: (D, K) bool.

    Returns:
        (D, K, K), NaN where either vector is absent or equals the mean.
    """
    share = np.nan_to_num(divide(present, present.sum(axis=1, keepdims=True)))
    rows = np.einsum("dk,dkl->dl", share, inner)
    centre = np.einsum("dl,dl->d", share, rows)
    inner = inner - rows[:, :, None] - rows[:, None, :] + centre[:, None, None]
    lengths = np.sqrt(np.clip(np.diagonal(inner, axis1=1, axis2=2), 0, None))
    cosines = divide(inner, lengths[:, :, None] * lengths[:, None, :])
    cosines[~(present[:, :, None] & present[:, None, :])] = np.nan
    return np.clip(cosines, -1, 1)


def _mean_of_known(parts: list[np.ndarray]) -> np.ndarray:
    """Mean over the parts, leaving out NaN; NaN where all are."""
    stacked = np.stack(parts)
    return divide(np.nansum(stacked, axis=0), np.isfinite(stacked).sum(axis=0))


def by_confusion(
    predictions: pd.DataFrame, cities: list[str], draws: int, confidence: float, seed: int
) -> Similarity:
    """Mean of the two shares of patches that are taken for the other city, with intervals over sites.

    Args:
        predictions: `city, site, predicted_city`, a row per patch.
        cities: K names, the order of the matrix.
        draws: of the bootstrap.
        confidence: of the intervals, 0..1.
        seed: of the draws.
    """
    table = pd.crosstab([predictions["city"], predictions["site"]], predictions["predicted_city"])
    table = table.reindex(columns=cities, fill_value=0).assign(
        patches=table.sum(axis=1)
    )  # whatever they are taken for
    homes = table.index.get_level_values("city").to_numpy()
    counts = np.vstack([np.ones((1, len(table)), dtype=np.int64), draw_sites(homes, draws, seed)])
    sums = np.stack(
        [counts[:, homes == city] @ table.to_numpy()[homes == city] for city in cities], axis=1
    )
    shares = divide(sums[:, :, :-1], sums[:, :, -1:])  # draws, K, K
    drawn = (shares + shares.transpose(0, 2, 1)) / 2
    low, high = interval(drawn[1:], confidence)
    few = np.array([(homes == city).sum() < 2 for city in cities])
    unknown = few[:, None] | few[None]
    low[unknown], high[unknown] = np.nan, np.nan
    return Similarity("confusion", cities, drawn[0], low, high)


def merge_tree(similarity: Similarity) -> pd.DataFrame:
    """The tree of cities, as scipy's linkage tells it.

    Returns:
        `measure, left, right` (numbers of cities in their order, then of earlier merges), `distance`, `n_cities`.
    """
    # ASSUME: average linkage; distance 1 - similarity.
    merged = linkage(squareform(similarity.distances), "average")
    table = pd.DataFrame(merged, columns=["left", "right", "distance", "n_cities"])
    table.insert(0, "measure", similarity.measure)
    return table.astype({"left": int, "right": int, "n_cities": int})


def place_cities(similarity: Similarity, seed: int) -> pd.DataFrame:
    """A place in the plane for each city, distances as near as can be to 1 - similarity (metric scaling by SMACOF).

    Returns:
        `measure, city, x, y`, and `stress` (Kruskal's stress-1 of the whole map: 0.05 good, 0.2 poor).
    """
    from sklearn.manifold import MDS

    distances = similarity.distances
    scaling = MDS(
        2, metric="precomputed", n_init=8, init="random", random_state=seed, normalized_stress=False
    )
    places = scaling.fit_transform(distances)
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    stress = float(np.sqrt(divide(((apart - distances) ** 2).sum(), (apart**2).sum())))
    table = pd.DataFrame({"measure": similarity.measure, "city": similarity.cities})
    return table.assign(x=places[:, 0], y=places[:, 1], stress=stress)
