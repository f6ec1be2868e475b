"""Land cover of patches: Urban Atlas polygons cut by the windows of georeferenced sites."""

from collections.abc import Iterable
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from urbancam.cities import relevance_by_class
from urbancam.sources.urban_atlas.fragments import label_raster
from urbancam.tables import grid
from urbancam.tables.crs import Bounds

PLACE = ["city", "site", "image"]


def patch_bounds(patches: pd.DataFrame, sites: pd.DataFrame, patch_px: int) -> np.ndarray:
    """Where patches lie on the ground.

    Args:
        patches: (n,) `x_px, y_px`, the north-west corner in the site's image.
        sites: (n,) the image of each patch: `west, south, east, north, width_px, height_px`; north is up.
        patch_px: side of a patch, px of the image.

    Returns:
        (n, 4) west, south, east, north in the site's coordinate system.
    """
    pixel_x = ((sites["east"] - sites["west"]) / sites["width_px"]).to_numpy(float)
    pixel_y = ((sites["north"] - sites["south"]) / sites["height_px"]).to_numpy(float)
    west = sites["west"].to_numpy(float) + patches["x_px"].to_numpy() * pixel_x
    north = sites["north"].to_numpy(float) - patches["y_px"].to_numpy() * pixel_y
    return np.column_stack([west, north - patch_px * pixel_y, west + patch_px * pixel_x, north])


def cut_site(land_cover: gpd.GeoDataFrame, bounds: Bounds, crs: str) -> gpd.GeoDataFrame:
    """The land cover of a site, in the site's coordinate system: polygons that touch it, cut by its square.

    Cut once for the site, a street network of a whole city is not walked through again for each of its patches.

    Args:
        land_cover: `code, class`, polygons.
        bounds: of the site.
        crs: of the bounds, e.g. "EPSG:2154".
    """
    square = gpd.GeoSeries([shapely.box(*bounds)], crs=crs)
    near = land_cover.iloc[
        land_cover.sindex.query(square.to_crs(land_cover.crs).iloc[0], "intersects", sort=True)
    ]
    return cut_patch(near.to_crs(crs), bounds)


def cut_patch(site_cover: gpd.GeoDataFrame, bounds: Bounds) -> gpd.GeoDataFrame:
    """Fragments of a patch.

    Args:
        site_cover: from `cut_site`.
        bounds: of the patch, in the same coordinate system.

    Returns:
        `code, class, area_m2` (in EPSG:3035, which keeps areas) with the geometry cut by the patch; pieces without
        area are left out.
    """
    near = site_cover.iloc[site_cover.sindex.query(shapely.box(*bounds), "intersects", sort=True)]
    pieces = near.geometry.intersection(shapely.box(*bounds))
    fragments = (
        near[["code", "class"]].set_geometry(pieces).assign(area_m2=pieces.to_crs(grid.CRS).area)
    )
    return fragments[fragments["area_m2"] > 0].reset_index(drop=True)


def project_patches(
    mapped: Iterable[tuple[Any, dict[str, np.ndarray]]],
    patches: pd.DataFrame,
    sites: pd.DataFrame,
    land_cover: gpd.GeoDataFrame,
    patch_px: int,
) -> pd.DataFrame:
    """The rows of `relevance_fragments.parquet` of a city's patches.

    Args:
        mapped: index of a patch, and layer -> (H, H) its signed maps.
        patches: the patches by that index: `patch_id, city, site, image, x_px, y_px`.
        sites: rows of `sites.csv` with `epsg` and bounds.
        land_cover: of the city, `code, class`, polygons.
        patch_px: side of a patch, px of the raw image.
    """
    image = patches[PLACE].merge(sites, "left", PLACE, validate="m:1").set_index(patches.index)
    bounds = dict(zip(patches.index, patch_bounds(patches, image, patch_px).tolist(), strict=True))
    covers, rows = {}, [pd.DataFrame(columns=relevance_by_class.COLUMNS)]
    for index, maps in mapped:
        site, place = image.loc[index], tuple(image.loc[index, PLACE])
        if place not in covers:
            extent = tuple(site[["west", "south", "east", "north"]])
            covers[place] = cut_site(land_cover, extent, f"EPSG:{int(site['epsg'])}")
        fragments = cut_patch(covers[place], bounds[index])
        labels = label_raster(fragments.geometry, bounds[index], len(next(iter(maps.values()))))
        named = patches.loc[index, relevance_by_class.PATCH].to_dict()
        rows.append(relevance_by_class.project_patch(named, fragments, labels, maps))
    return pd.concat(rows[1:] or rows, ignore_index=True)
