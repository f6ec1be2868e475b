"""Which cities patches are taken for."""

import pandas as pd

from urbancam.scoring import metrics
from urbancam.scoring.bootstrap import divide


def confusion_matrix(predictions: pd.DataFrame, cities: list[str]) -> pd.DataFrame:
    """Patches by tested city (rows) and predicted city: column `city`, then one per city."""
    tested = sorted(predictions["city"].unique())
    return metrics.count_pairs(predictions, "city", "predicted_city", tested, cities)


def most_confused(confusion: pd.DataFrame, count: int = 5) -> pd.DataFrame:
    """For each city those it is most often taken for, sorted as numbers.

    Never itself, never one with no patch.

    Args:
        confusion: Table from `confusion_matrix`.
        count: Number of cities at most.

    Returns:
        `city, rank` (1 ..), `taken_for, n_patches, share` (of the city's patches).
    """
    counts = confusion.set_index("city")
    pairs = counts.rename_axis("taken_for", axis=1).stack()
    pairs = pairs.rename("n_patches").reset_index()
    n_patches = counts.sum(axis=1).loc[pairs["city"]]
    pairs["share"] = divide(pairs["n_patches"].to_numpy(), n_patches.to_numpy())

    is_other = pairs["city"] != pairs["taken_for"]
    pairs = pairs[is_other & (pairs["n_patches"] > 0)]
    pairs = pairs.sort_values(["city", "n_patches", "taken_for"], ascending=[True, False, True])
    rank = pairs.groupby("city").cumcount() + 1
    pairs.insert(1, "rank", rank)
    return pairs[pairs["rank"] <= count].reset_index(drop=True)
