"""Predictions of the city classifier as its evaluation gets them, for tests."""

import numpy as np
import pandas as pd

from urbancam.cities import accuracy

CITIES = ["Ahaus (AAA)", "Borken (BBB)", "Coesfeld (CCC)"]


def sample(seed: int = 0, sites: int = 4, images: int = 3, patches: int = 5) -> pd.DataFrame:
    """Patches of three cities whose sites share one name each ("site0" ..), half named rightly."""
    keys = []
    for city in CITIES:
        for site in range(sites):
            for image in range(images):
                key = (city, f"site{site}", f"{image}.jpg", "ab"[site % 2], site % 2)
                keys += patches * [key]
    table = pd.DataFrame(keys, columns=["city", "site", "image", "acquisition", "fold"])

    random = np.random.default_rng(seed)
    for column in accuracy.CONDITIONS.values():
        guess = random.choice(CITIES, len(table))
        right = random.random(len(table)) < 0.5
        table[column] = np.where(right, table["city"], guess)
    return table
