"""The table of a city's images, `images.csv`."""

from pathlib import Path

import numpy as np
import pandas as pd

ALL_VOID = "all of it is void"  # why a cell has no image
COLUMNS = [
    "idINSPIRE",
    "path",
    "void_fraction",
    "tiles",
    "campaign_year",
    "fingerprint",
    "source",
    "plain_corner_fraction",
    "reason",
]


def void_fingerprints(path: Path) -> frozenset[str]:
    """Fingerprints of the cells that were nothing but void, out of an earlier `images.csv`.

    None of a table that is not there or damaged, which is about to be made again.
    """
    if not path.is_file():
        return frozenset()
    try:
        table = pd.read_csv(path, usecols=["fingerprint", "reason"])
    except ValueError:  # what pandas raises on damaged tables and missing columns
        return frozenset()
    return frozenset(table["fingerprint"][table["reason"] == ALL_VOID])


def with_years(
    images: pd.DataFrame, income_year: int | None, land_cover_year: int | None
) -> pd.DataFrame:
    """The table with the years from the incomes, and from the land cover, to each image.

    Args:
        images: `campaign_year`, empty where unknown.
        income_year: Of the incomes or other values; None where it is not known.
        land_cover_year: Of the land cover, likewise.
    """
    place = images.columns.get_loc("campaign_year") + 1
    table = images.copy()
    years = {"years_from_income": income_year, "years_from_land_cover": land_cover_year}
    for name, year in reversed(years.items()):
        table.insert(place, name, images["campaign_year"] - (np.nan if year is None else year))
    return table


def count_images(images: pd.DataFrame) -> dict[str, int]:
    """Counts for the summary line of step 05."""
    has_image = images["path"].notna()
    counts = {
        "images": int(has_image.sum()),
        "cells without imagery": int((~has_image).sum()),
        "cells with some void": int((has_image & (images["void_fraction"] > 0)).sum()),
    }
    if images["plain_corner_fraction"].notna().any():
        has_corner = images["plain_corner_fraction"] > 0
        counts["cells with a white or black corner taken for ground"] = int(has_corner.sum())
    return counts
