"""Bring a city's Urban Atlas, in whatever layout it came, into one land-cover table and one
outline, and write down its classes.

Reads   data/UA_data/ (2012 shapefiles, GeoPackages, FlatGeobuf; zipped or not, at any depth), the
        class table that `landcover.classes` names
Writes  results/<city>/land_cover.parquet (polygons with code and class), boundary.parquet,
        classes.csv
Run     python code/02_import_urban_atlas.py --city Demo --run demo
"""

import argparse

from urbancam.workflow import arguments, runner
from urbancam.workflow.files import scratch_folder
from urbancam.workflow.job import Job, Request
from urbancam.workflow.records import Done, Step


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__file__, __doc__).parse_args(argv)


def declare(request: Request) -> Step:
    paths = request.paths
    return request.step(
        2,
        paths.land_cover,
        ["urban_atlas", "landcover.classes"],
        by_hand=[request.settings.class_table],
        listings=[paths.urban_atlas_data],
        outputs=[paths.boundary, paths.classes],
    )


def work(job: Job) -> Done:
    from urbancam.sources.landcover import class_tables
    from urbancam.sources.urban_atlas import products
    from urbancam.tables import frames, geoframes

    paths, edition = job.paths, job.settings.urban_atlas.edition
    folder, table = paths.urban_atlas_data, class_tables.read(job.inputs[0])
    with scratch_folder(folder) as scratch:
        land_cover, boundary = products.read_city(folder, job.city, edition, table, scratch)
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


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
