"""The picture of a check: arrays and lines, which are drawn elsewhere."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from urbancam.sources.checking.overview import Canvas, map_of_classes, photograph
from urbancam.sources.imagery.tile import TileFile

FILES_OUTLINED = 2000  # more are no lines but a field


@dataclass(frozen=True)
class Picture:
    """What is drawn.

    Args:
        images: (H, W, 4) uint8 RGBA, row 0 in the north.
        land_cover: Likewise.
        extent: (west, south, east, north), m.
        cells: Outline of the cells, each line (N, 2).
        footprints: Outlines of the images' files, likewise.
        classes: Colour of each class of land cover that is drawn, by its name.
        caption: What it shows.
    """

    images: np.ndarray
    land_cover: np.ndarray
    extent: tuple[float, float, float, float]
    cells: list[np.ndarray]
    footprints: list[np.ndarray]
    classes: dict[str, str]
    caption: str


def picture_of(
    canvas: Canvas,
    cells: gpd.GeoDataFrame,
    tiles: gpd.GeoDataFrame | None,
    files: list[TileFile],
    land: gpd.GeoDataFrame | None,
    class_table: pd.DataFrame,
) -> Picture:
    """The picture of a city's cells, images and land cover, as far as there are any.

    Args:
        canvas: Its grid.
        cells: Squares.
        tiles: Outlines of the images' files.
        files: Those in place, first those that win.
        land: Polygons with their `class`.
        class_table: `class, name, colour`.
    """
    images, drawn = photograph(files, canvas)
    table = class_table.drop_duplicates("class").set_index("class")
    land_cover, classes = np.zeros_like(images), {}
    if land is not None:
        land = land.to_crs(canvas.crs)
        land_cover = map_of_classes(land, table["colour"].to_dict(), canvas)
        present = table[table.index.isin(land["class"])]
        classes = dict(zip(present["name"], present["colour"], strict=True))
    west, _, east, _ = canvas.bounds
    caption = f"{(east - west) / 1000:.3g} km from west to east, {canvas.crs}."
    if drawn < len(files):
        caption += f" Of {len(files):,} files of images {drawn:,} are drawn, all are outlined."
    return Picture(
        images,
        land_cover,
        canvas.bounds,
        _lines(shapely.union_all(cells.geometry.to_numpy())),
        _outlines(tiles, canvas),
        classes,
        caption,
    )


def _outlines(tiles: gpd.GeoDataFrame | None, canvas: Canvas) -> list[np.ndarray]:
    """The outlines of tiles on a canvas."""
    if tiles is None:
        return []
    outlines = tiles.geometry.head(FILES_OUTLINED).to_crs(canvas.crs)
    return [line for outline in outlines for line in _lines(outline)]


def _lines(area: shapely.Geometry) -> list[np.ndarray]:
    """The edges of an area, each (N, 2)."""
    return [shapely.get_coordinates(line) for line in shapely.get_parts(shapely.boundary(area))]
