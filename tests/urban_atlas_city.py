"""A small city of Urban Atlas and a real one, for tests."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import samples
from urban_atlas_classes import TABLE, classify
from urbancam.sources.census import selection
from urbancam.sources.urban_atlas import products
from urbancam.tables import grid

POZNAN = samples.REAL_DATA / "PL005L2_POZNAN_UA2018_subset.gpkg"
TRIPTYCH = [11210, 12220, 31000]  # codes of the three polygons of the sample city


def read(folder, city="Paris", edition=2012):
    """Land cover and boundary out of a drop folder."""
    return products.read_city(folder, city, edition, TABLE, folder / ".scratch")


def as_cells(*ids):
    """Cells with their squares."""
    ids = pd.Series(ids, dtype="str")
    return gpd.GeoDataFrame({"idINSPIRE": ids}, geometry=selection.squares(ids), crs=grid.CRS)


def as_land(polygons, codes=None):
    """Polygons as land cover, all of one class unless codes say otherwise."""
    codes = pd.Series([11100] * len(polygons) if codes is None else codes)
    columns = {
        "polygon_id": np.arange(len(polygons)),
        "code": codes,
        "class": classify(codes),
    }
    return gpd.GeoDataFrame(columns, geometry=list(polygons), crs=grid.CRS)


def read_poznan(scratch):
    """Land cover and boundary of the real sample."""
    if not POZNAN.exists():
        pytest.skip("no real samples here")
    return products.read_city(samples.REAL_DATA, "Poznań", 2018, TABLE, scratch)
