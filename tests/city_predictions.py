"""Predictions of the city classifier as its evaluation gets them, for tests."""

import numpy as np
import pandas as pd

from urbancam.cities import accuracy

CITIES = ["Ahaus (AAA)", "Borken (BBB)", "Coesfeld (CCC)"]


def sample(seed: int = 0, sites: int = 4, images: int = 3, patches: int = 5) -> pd.DataFrame:
    """Patches of three cities whose sites share one name each ("site0" ..), half of them told rightly."""
    random = np.random.default_rng(seed)
    keys = [
        (c, f"site{s}", f"{i}.jpg", "ab"[s % 2], s % 2)
        for c in CITIES
        for s in range(sites)
        for i in range(images)
        for _ in range(patches)
    ]
    table = pd.DataFrame(keys, columns=["city", "site", "image", "acquisition", "fold"])
    for column in accuracy.CONDITIONS.values():
        guess = random.choice(CITIES, len(table))
        table[column] = np.where(random.random(len(table)) < 0.5, table["city"], guess)
    return table
