"""Data of a city as plain files of no provider, for tests."""

from pathlib import Path

import geopandas as gpd
import rasterio
import rasterio.features


def write_class_raster(land: gpd.GeoDataFrame, path: Path, pixel_m: float) -> None:
    """Land cover as pixels, 0 where there is none."""
    west, south, east, north = land.total_bounds
    transform = rasterio.Affine(pixel_m, 0, west, 0, -pixel_m, north)
    shape = round((north - south) / pixel_m), round((east - west) / pixel_m)
    pixels = rasterio.features.rasterize(
        zip(land.geometry, land["code"], strict=True), shape, transform=transform, dtype="uint16"
    )
    profile = {"height": shape[0], "width": shape[1], "count": 1, "dtype": "uint16", "nodata": 0}
    with rasterio.open(path, "w", "GTiff", crs=land.crs, transform=transform, **profile) as raster:
        raster.write(pixels, 1)
