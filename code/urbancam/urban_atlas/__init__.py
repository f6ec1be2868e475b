"""Copernicus Urban Atlas: readers for each layout, the class table, boundaries, fragments."""

from urbancam.urban_atlas.cities import read_city
from urbancam.urban_atlas.classes import CLASSES, LandCoverClass, class_names, class_table, classify
from urbancam.urban_atlas.fragments import by_cell, check_areas, cut_by_cells, describe_cover, label_raster
from urbancam.urban_atlas.names import same_city

__all__ = [
    "CLASSES",
    "LandCoverClass",
    "by_cell",
    "check_areas",
    "class_names",
    "class_table",
    "classify",
    "cut_by_cells",
    "describe_cover",
    "label_raster",
    "read_city",
    "same_city",
]
