"""Which share of each cell some tiles cover."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from urbancam.sources.ign.loose_tiles import LAMBERT_93

# Covered shares of a cell above which it counts as whole, below which as bare: but for rounding.
WHOLE_SHARE = 1 - 1e-6
BARE_SHARE = 1e-6


def in_one_table(tables: list[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    """The tiles of several packs in the CRS of the first pack that has any."""
    tables = [table for table in tables if len(table)]
    if not tables:
        return gpd.GeoDataFrame(geometry=[], crs=LAMBERT_93)
    crs = tables[0].crs
    return gpd.GeoDataFrame(pd.concat([table.to_crs(crs) for table in tables]), crs=crs)


def covered_share(cells: gpd.GeoDataFrame, tiles: gpd.GeoDataFrame) -> np.ndarray:
    """(N,) share of each cell's area that lies in some tile's footprint, 0..1."""
    squares = cells.to_crs(tiles.crs).geometry.to_numpy()
    footprints = shapely.union_all(tiles.geometry.to_numpy())
    covered_m2 = shapely.area(shapely.intersection(squares, footprints))
    return covered_m2 / shapely.area(squares)
