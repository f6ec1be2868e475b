"""Sites as the networks of two folds embed them, for tests."""

import numpy as np
import pandas as pd

CITIES = list("abcde")


def embed_sites(sites: int = 4, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Sites in two folds; cities a and b, and c and d, lie near each other in both."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(5, 16))
    centres[1] = centres[0] + 0.2
    centres[3] = centres[2] - 0.2
    rows = [(city, f"site{s}", s % 2) for city in CITIES for s in range(sites)]
    table = pd.DataFrame(rows, columns=["city", "site", "fold"])

    # Each fold has its own space.
    turns = [np.linalg.qr(random.normal(size=(16, 16)))[0] for _ in range(2)]
    places = [centres[CITIES.index(city)] @ turns[fold] for city, _, fold in rows]
    noise = random.normal(size=(len(table), 16)) * 0.3
    return table, np.array(places) + noise + 2


def embed_cities(count: int) -> tuple[pd.DataFrame, np.ndarray, list[str]]:
    """Four sites of each city, embedded at random, and the names of the cities."""
    names = [f"city {i:02d}" for i in range(count)]
    table = pd.DataFrame(
        {
            "city": np.repeat(names, 4),
            "site": np.arange(4 * count).astype(str),
            "fold": np.tile([0, 1], 2 * count),
        }
    )
    embeddings = np.random.default_rng(0).random((4 * count, 8))
    return table, embeddings, names
