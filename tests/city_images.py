"""Images of the cities experiment as rows of `sites.csv`, for tests."""

import pandas as pd

COLUMNS = ["city", "site", "image", "acquisition", "width_px", "height_px"]


def make_images(
    sites: int = 6,
    per_site: int = 2,
    cities: int = 3,
    size_px: int = 40,
) -> pd.DataFrame:
    """A row per image; the sites of a city lie alternately in two acquisitions."""
    rows = []
    for city in range(cities):
        for site in range(sites):
            for image in range(per_site):
                place = (f"city {city}", f"site{site}", f"{image}.jpg")
                rows.append((*place, "AB"[site % 2], size_px, size_px))
    return pd.DataFrame(rows, columns=COLUMNS)
