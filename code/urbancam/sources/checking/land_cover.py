"""What is found of a city's land cover: its polygons and classes, and what they cover."""

import geopandas as gpd
import numpy as np
import pandas as pd

from urbancam.sources.checking.findings import Findings, require_file
from urbancam.sources.landcover import class_tables, files
from urbancam.sources.landcover.place import EUROPE, Place
from urbancam.sources.urban_atlas import products
from urbancam.tables import frames, geoframes
from urbancam.workflow.files import scratch_folder
from urbancam.workflow.paths import Paths
from urbancam.workflow.settings.settings import Settings


def find_land_cover(
    city: str, settings: Settings, paths: Paths, cells: gpd.GeoDataFrame | None
) -> tuple[Findings, gpd.GeoDataFrame | None, pd.DataFrame]:
    """The land cover as step 02 has it, and what it is.

    Args:
        city: Name of the city.
        settings: Settings of the run.
        paths: The city's paths.
        cells: Its squares, where there are any yet.

    Returns:
        What is found; the polygons with their `class`, None where there are none; the class table.
    """
    findings, land = Findings("land cover"), None
    classes = pd.DataFrame(columns=["class", "name", "colour"])
    with findings.noting_faults():
        is_own = settings.landcover.source == "file"
        if paths.land_cover.is_file() and paths.classes.is_file() and not is_own:
            land, classes = geoframes.read(paths.land_cover), frames.read(paths.classes)
            findings.lines.append(f"{len(land):,} polygons, as step 02 left them")
        else:
            table = class_tables.read(settings.class_table)
            read = _read_file if is_own else _read_urban_atlas
            land, classes = read(city, settings, paths, table, cells), class_tables.as_frame(table)
            findings.lines.append(f"{len(land):,} polygons")
        present = land["class"].nunique()
        findings.lines[-1] += f", {present} of {classes['class'].nunique()} classes"
    return findings, land, classes


def _read_file(
    city: str,
    settings: Settings,
    paths: Paths,
    table: class_tables.ClassTable,
    cells: gpd.GeoDataFrame | None,
) -> gpd.GeoDataFrame:
    """The polygons of the user's own file, by the reader of step 02; errors as its."""
    place = EUROPE
    if cells is not None:
        place = Place(cells.crs.to_string(), tuple(cells.total_bounds.tolist()))
    own = settings.landcover
    file = require_file(own.file, "landcover.file")
    land, _ = files.read_city(file, own.class_column, table, city, place)
    return land


def _read_urban_atlas(
    city: str,
    settings: Settings,
    paths: Paths,
    table: class_tables.ClassTable,
    cells: gpd.GeoDataFrame | None,
) -> gpd.GeoDataFrame:
    """The polygons of Urban Atlas, likewise; its own outline says what the city is."""
    folder, edition = paths.urban_atlas_data, settings.urban_atlas.edition
    folder.mkdir(parents=True, exist_ok=True)
    with scratch_folder(folder) as scratch:
        land, _ = products.read_city(folder, city, edition, table, scratch)
    return land


def covered(picture: np.ndarray, cells: gpd.GeoDataFrame, transform: object) -> float:
    """Share of the cells' pixels in a picture that show some class.

    Args:
        picture: (H, W, 4) uint8, of `overview.map_of_classes`.
        cells: Squares.
        transform: Of the picture, to the cells' coordinates.
    """
    from rasterio.features import geometry_mask

    is_cell = geometry_mask(cells.geometry, picture.shape[:2], transform, invert=True)
    return float((picture[is_cell, 3] > 0).mean()) if is_cell.any() else 0.0
