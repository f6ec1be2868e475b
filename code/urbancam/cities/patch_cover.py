"""Land cover of patches: polygons cut by the windows of georeferenced sites."""

from collections.abc import Iterable
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from urbancam.cities import relevance_by_class
from urbancam.sources.landcover.fragments import label_raster
from urbancam.tables import grid
from urbancam.tables.crs import Bounds

KEYS = ["city", "site", "image"]
EXTENT = ["west", "south", "east", "north"]


def patch_bounds(
    patches: pd.DataFrame,
    sites: pd.DataFrame,
    patch_px: int,
) -> np.ndarray:
    """Where patches lie on the ground.

    Args:
        patches: (n,) `x_px, y_px`, the north-west corner in the site's image.
        sites: (n,) the image of each patch: `west, south, east, north, width_px, height_px`;
            north is up.
        patch_px: Side of a patch, px of the image.

    Returns:
        (n, 4) west, south, east, north in the site's coordinate system.
    """
    # Sizes of a site and of its pixels, in units of its coordinate system.
    width = sites["east"] - sites["west"]
    height = sites["north"] - sites["south"]
    pixel_x = (width / sites["width_px"]).to_numpy(float)
    pixel_y = (height / sites["height_px"]).to_numpy(float)

    # Rows of an image run southwards.
    eastwards = patches["x_px"].to_numpy() * pixel_x
    southwards = patches["y_px"].to_numpy() * pixel_y
    west = sites["west"].to_numpy(float) + eastwards
    north = sites["north"].to_numpy(float) - southwards
    east = west + patch_px * pixel_x
    south = north - patch_px * pixel_y
    return np.column_stack([west, south, east, north])


def cut_site(
    land_cover: gpd.GeoDataFrame,
    bounds: Bounds,
    crs: str,
) -> gpd.GeoDataFrame:
    """The land cover of a site, in the site's coordinate system: polygons cut by its square.

    Cut once for the site, a street network of a whole city is not walked through again for each of
    its patches.

    Args:
        land_cover: `code, class`, polygons.
        bounds: Bounds of the site.
        crs: Coordinate system of the bounds, e.g. "EPSG:2154".
    """
    square = gpd.GeoSeries([shapely.box(*bounds)], crs=crs)
    square = square.to_crs(land_cover.crs).iloc[0]
    rows = land_cover.sindex.query(square, "intersects", sort=True)
    polygons = land_cover.iloc[rows].to_crs(crs)
    return cut_patch(polygons, bounds)


def cut_patch(site_cover: gpd.GeoDataFrame, bounds: Bounds) -> gpd.GeoDataFrame:
    """Fragments of a patch.

    Args:
        site_cover: Land cover of the site, from `cut_site`.
        bounds: Bounds of the patch, in the same coordinate system.

    Returns:
        `code, class, area_m2` (in EPSG:3035, which keeps areas) with the geometry cut by the patch;
        pieces without area are left out.
    """
    square = shapely.box(*bounds)
    rows = site_cover.sindex.query(square, "intersects", sort=True)
    polygons = site_cover.iloc[rows]
    pieces = polygons.geometry.intersection(square)
    area_m2 = pieces.to_crs(grid.CRS).area
    fragments = polygons[["code", "class"]].set_geometry(pieces)
    fragments = fragments.assign(area_m2=area_m2)
    return fragments[area_m2 > 0].reset_index(drop=True)


def project_patches(
    mapped: Iterable[tuple[Any, dict[str, np.ndarray]]],
    patches: pd.DataFrame,
    sites: pd.DataFrame,
    land_cover: gpd.GeoDataFrame,
    patch_px: int,
) -> pd.DataFrame:
    """The rows of `relevance_fragments.parquet` of a city's patches.

    Args:
        mapped: Index of a patch, and layer -> (H, H) its signed maps.
        patches: The patches by that index: `patch_id, city, site, image, x_px, y_px`.
        sites: Rows of `sites.csv` with `epsg` and bounds.
        land_cover: Land cover of the city, `code, class`, polygons.
        patch_px: Side of a patch, px of the raw image.
    """
    site_of_patch = patches[KEYS].merge(sites, "left", KEYS, validate="m:1")
    site_of_patch = site_of_patch.set_index(patches.index)
    corners = patch_bounds(patches, site_of_patch, patch_px).tolist()
    bounds_of_patch = dict(zip(patches.index, corners, strict=True))

    site_covers = {}
    tables = []
    for index, maps in mapped:
        site = site_of_patch.loc[index]
        place = tuple(site[KEYS])
        if place not in site_covers:
            crs = f"EPSG:{int(site['epsg'])}"
            site_covers[place] = cut_site(land_cover, tuple(site[EXTENT]), crs)

        bounds = bounds_of_patch[index]
        fragments = cut_patch(site_covers[place], bounds)
        size_px = len(next(iter(maps.values())))
        labels = label_raster(fragments.geometry, bounds, size_px)
        patch = patches.loc[index, relevance_by_class.PATCH].to_dict()
        tables.append(relevance_by_class.project_patch(patch, fragments, labels, maps))

    if not tables:
        return pd.DataFrame(columns=relevance_by_class.COLUMNS)
    return pd.concat(tables, ignore_index=True)
