"""Bring a city's land cover into one table of polygons, its outline and its table of classes: Urban
Atlas, in whatever layout it came, or a file of one's own.

Reads   data/UA_data/ (2012 shapefiles, GeoPackages, FlatGeobuf; zipped or not, at any depth), or
        the file of `landcover.file`; the class table that `landcover.classes` names; where the
        cells are of a file too, where they lie
Writes  results/<city>/land_cover.parquet (polygons with code and class), boundary.parquet,
        classes.csv
Run     python code/02_import_urban_atlas.py --city Demo --run demo
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from urbancam.workflow.files import parts_of_table, scratch_folder
from urbancam.workflow.paths import ROOT
from urbancam.workflow.records.steps import Done, Step
from urbancam.workflow.running import arguments, runner
from urbancam.workflow.running.job import Job, Request

if TYPE_CHECKING:  # a script that only shows its help does not wait for it
    import geopandas as gpd

    from urbancam.sources.landcover.class_tables import ClassTable
    from urbancam.sources.landcover.place import Place

OF_FILE = ("landcover.source", "landcover.class_column", "landcover.classes")
# Of section `cells`: where they lie; columns of texts, which a CSV does not tell from numbers.
OF_CELLS = ("crs", "side_m", "x_column", "y_column")
OF_CELLS += ("id_column", "group_column", "department_column")
OF_URBAN_ATLAS = ("landcover.source", "urban_atlas", "landcover.classes")


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__file__, __doc__).parse_args(argv)


def declare(request: Request) -> Step:
    settings, paths = request.settings, request.paths
    files, keys, listings = [], OF_URBAN_ATLAS, [paths.urban_atlas_data]
    if settings.landcover.source == "file":
        files, keys, listings = parts_of_table(ROOT / settings.landcover.file), OF_FILE, []
    cells = []
    if settings.cells.source == "file":
        cells = [ROOT / settings.cells.file]
        keys = (*keys, *(f"cells.{key}" for key in OF_CELLS))
    return request.step(
        2,
        paths.land_cover,
        ["cells.source", *keys],
        by_hand=[settings.class_table, *cells, *files],
        listings=listings,
        outputs=[paths.boundary, paths.classes],
    )


def work(job: Job) -> Done:
    from urbancam.sources.landcover import class_tables, place
    from urbancam.tables import frames, geoframes

    paths = job.paths
    class_table, *files = job.inputs
    table = class_tables.read(class_table)
    has_cells = job.settings.cells.source == "file"
    cells_place = place.of_cells(files.pop(0), job.settings.cells) if has_cells else place.EUROPE
    read = read_file if files else read_urban_atlas
    land_cover, boundary = read(files, table, cells_place, job)
    frames.write(class_tables.as_frame(table), paths.classes)
    geoframes.write(boundary, paths.boundary)
    geoframes.write(land_cover, paths.land_cover)
    return Done(
        {
            "polygons": len(land_cover),
            "classes": land_cover["class"].nunique(),
            "km2 in the city": float(boundary.area.sum() / 1e6),
        }
    )


def read_file(
    files: list[Path], table: "ClassTable", place: "Place", job: Job
) -> "tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]":
    """Land cover and outline of a file of the user's own; the first of `files`."""
    from urbancam.sources.landcover import files as land_cover_files

    column = job.settings.landcover.class_column
    return land_cover_files.read_city(files[0], column, table, job.city, place)


def read_urban_atlas(
    files: list[Path], table: "ClassTable", place: "Place", job: Job
) -> "tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]":
    """Land cover and outline of the product: its drop folder is looked through."""
    from urbancam.sources.urban_atlas import products

    folder, edition = job.paths.urban_atlas_data, job.settings.urban_atlas.edition
    with scratch_folder(folder) as scratch:
        return products.read_city(folder, job.city, edition, table, scratch, place)


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
