"""A city of the income experiment small enough to cut sites from its one tile, for tests."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
import shapely

from urbancam.sources.imagery.tile import affine_of

# m, EPSG:3035, a corner of 2 km squares.
WEST = 3_760_000
SOUTH = 2_888_000


def squares(*corners: tuple[int, int], side_m: int = 200) -> gpd.GeoDataFrame:
    """Cells by their south-west corners."""
    west, south = np.array(corners).T
    ids = [f"CRS3035RES{side_m}mN{y}E{x}" for x, y in corners]
    geometry = shapely.box(west, south, west + side_m, south + side_m)
    return gpd.GeoDataFrame({"idINSPIRE": ids}, geometry=geometry, crs="EPSG:3035")


def write_town(results: Path, data: Path) -> None:
    """The city Town: one tile of 600 m, two inhabited cells of 200 m, its boundary."""
    extent = (WEST, SOUTH, WEST + 600, SOUTH + 600)
    (data / "aerial_data").mkdir(parents=True)
    _write_tile(data / "aerial_data" / "t.tif", extent)

    folder = results / "Town"
    folder.mkdir(parents=True)
    outline = gpd.GeoDataFrame({"city": ["Town"]}, geometry=[shapely.box(*extent)], crs="EPSG:3035")
    outline.to_parquet(folder / "boundary.parquet")
    cells = squares((WEST, SOUTH), (WEST + 200, SOUTH + 200)).assign(ind=[7.0, 9.0])
    cells.to_parquet(folder / "cells.parquet")
    tile = outline.assign(name="69-t.tif", path="aerial_data/t.tif", campaign_year=2017)
    tile.to_parquet(folder / "tiles.parquet")


def _write_tile(path: Path, extent: tuple[float, float, float, float]) -> None:
    """200 x 200 pixels of 3 m, whose red grows eastwards from 40 to 239."""
    red = np.broadcast_to(np.arange(40, 240, dtype=np.uint8), (200, 200))
    green = np.full_like(red, 90)
    blue = np.full_like(red, 120)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=200,
        height=200,
        count=3,
        dtype="uint8",
        crs="EPSG:3035",
        transform=affine_of(extent, 200, 200),
    ) as file:
        file.write(np.stack([red, green, blue]))
