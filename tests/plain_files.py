"""Data of a city as plain files of no provider, for tests."""

from pathlib import Path

import geopandas as gpd
import pandas as pd
import rasterio
import rasterio.features

from samples import LAMBERT_93
from urbancam.workflow.settings.city_facts import INCOME, INCOME_UNIT

CITY = """
cells: {{source: file, file: cells.gpkg, id_column: id, value_column: value, people_column: people,
  imputed_column: imputed, group_column: group, department_column: department,
  value_name: "{value[0]}", value_unit: "{value[1]}", year: 2015}}
imagery: {{source: rasters, files: "*.tif", pixel_size_m: 3.125}}
landcover: {{source: file, file: land_cover.gpkg, class_column: code}}
"""
INCOMES, RENTS = (INCOME, INCOME_UNIT), ("rent", "EUR a month")


def export_city(
    results: Path, data: Path, city: Path, value: tuple[str, str], north_m: float = 0
) -> None:
    """The cells, tiles and land cover of a city as one of one's own, in plain files.

    Args:
        results: Of the city, `results/<city>`.
        data: What its tiles lie below.
        city: Folder of the new one, `data/cities/<city>`.
        value: What its value is called, and its unit.
        north_m: How far from the old one it lies, since two cities may share no cell.
    """
    city.mkdir(parents=True)
    (city / "city.yaml").write_text(CITY.format(value=value))
    cells = gpd.read_parquet(results / "cells.parquet").drop(columns="city")
    cells = cells.rename(columns={"idINSPIRE": "id", "ind": "people"})
    land = gpd.read_parquet(results / "land_cover.parquet")
    for table, name in ((cells, "cells.gpkg"), (land, "land_cover.gpkg")):
        moved = table.translate(yoff=north_m)
        table.set_geometry(moved).to_file(city / name)
    old, new = cells.geometry.iloc[:1], cells.geometry.iloc[:1].translate(yoff=north_m)
    old, new = (table.centroid.to_crs(LAMBERT_93).iloc[0] for table in (old, new))
    move = rasterio.Affine.translation(new.x - old.x, new.y - old.y)
    tiles = pd.read_parquet(results / "tiles.parquet")
    for path, year in zip(tiles["path"], tiles["campaign_year"], strict=True):
        with rasterio.open(data / path) as tile:
            facts, pixels = tile.profile, tile.read()
        name = (city / Path(path).name).with_suffix(".tif")
        facts = {key: facts[key] for key in ("width", "height", "count", "dtype", "transform")}
        facts["transform"] = move @ facts["transform"]
        with rasterio.open(name, "w", driver="GTiff", crs=LAMBERT_93, **facts) as tile:
            tile.write(pixels)
            tile.update_tags(TIFFTAG_DATETIME=f"{year}:06:01 12:00:00")


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
