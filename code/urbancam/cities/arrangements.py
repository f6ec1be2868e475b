"""Cities arranged by their similarity: a tree, and a map in two dimensions.

Both stand on distances, 1 - similarity: the tree by average linkage, the map by multidimensional
scaling.
"""

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import squareform

from urbancam.cities.similarity import Similarity
from urbancam.scoring.bootstrap import divide


def merge_tree(similarity: Similarity) -> pd.DataFrame:
    """The tree of cities, as scipy's linkage tells it.

    Returns:
        `measure, left, right` (numbers of cities in their order, then of earlier merges),
        `distance`, `n_cities`.
    """
    # ASSUME: average linkage; distance 1 - similarity.
    merges = linkage(squareform(similarity.distances), "average")
    table = pd.DataFrame(merges, columns=["left", "right", "distance", "n_cities"])
    table.insert(0, "measure", similarity.measure)
    return table.astype({"left": int, "right": int, "n_cities": int})


def place_cities(similarity: Similarity, seed: int) -> pd.DataFrame:
    """A place in the plane for each city, distances as near as can be to 1 - similarity.

    Metric scaling by SMACOF.

    Args:
        similarity: Measure over the cities.
        seed: Seed of the places that the scaling starts from.

    Returns:
        `measure, city, x, y`, and `stress` (Kruskal's stress-1 of the map: 0.05 good, 0.2 poor).
    """
    from sklearn.manifold import MDS

    scaling = MDS(
        2,
        metric="precomputed",
        n_init=8,
        init="random",
        random_state=seed,
        normalized_stress=False,
    )
    distances = similarity.distances
    places = scaling.fit_transform(distances)

    # Kruskal 1964: the misfit of the map's own distances, relative to them.
    steps = places[:, None] - places[None]
    apart = np.linalg.norm(steps, axis=2)
    misfit = ((apart - distances) ** 2).sum()
    stress = float(np.sqrt(divide(misfit, (apart**2).sum())))
    return pd.DataFrame(
        {
            "measure": similarity.measure,
            "city": similarity.cities,
            "x": places[:, 0],
            "y": places[:, 1],
            "stress": stress,
        }
    )
