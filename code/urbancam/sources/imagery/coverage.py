"""Which share of each cell some tiles cover."""

import logging

import geopandas as gpd
import numpy as np
import shapely

log = logging.getLogger(__name__)

# Covered shares of a cell above which it counts as whole, below which as bare: but for rounding.
WHOLE_SHARE = 1 - 1e-6
BARE_SHARE = 1e-6


def covered_share(cells: gpd.GeoDataFrame, tiles: gpd.GeoDataFrame) -> np.ndarray:
    """(N,) share of each cell's area that lies in some tile's footprint, 0..1."""
    squares = cells.to_crs(tiles.crs).geometry.to_numpy()
    footprints = shapely.union_all(tiles.geometry.to_numpy())
    covered_m2 = shapely.area(shapely.intersection(squares, footprints))
    return covered_m2 / shapely.area(squares)


def in_words(share: np.ndarray) -> str:
    """How many cells are covered.

    Args:
        share: (N,) `covered_share` of the cells.
    """
    is_whole, is_bare = share > WHOLE_SHARE, share < BARE_SHARE
    is_partial = ~is_whole & ~is_bare
    return (
        f"{is_whole.sum():,} of {len(share):,} cells wholly, {is_partial.sum():,} in part, "
        f"{is_bare.sum():,} not at all"
    )


def log_coverage(share: np.ndarray) -> None:
    """Say how many cells have imagery; `share` as of `in_words`."""
    log.info("imagery covers %s", in_words(share))
