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


def log_coverage(share: np.ndarray) -> None:
    """Say how many cells have imagery.

    Args:
        share: (N,) `covered_share` of the cells.
    """
    is_whole, is_bare = share > WHOLE_SHARE, share < BARE_SHARE
    log.info(
        "imagery covers %s of %s cells wholly, %s in part, %s not at all",
        f"{is_whole.sum():,}",
        f"{len(share):,}",
        f"{(~is_whole & ~is_bare).sum():,}",
        f"{is_bare.sum():,}",
    )
