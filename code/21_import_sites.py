"""List the images of all cities: dropped in, fetched from the hub, or cut from the income
experiment's tiles.

Reads   data/cities_data/<City (IATA)>/<site>/*.jpg|png|tif|jp2, acquisitions.csv (cities.source
        files, hub); or results/<City>/cells.parquet, tiles.parquet, boundary.parquet and the tiles
        (cities.source ign)
Writes  results/cities/<run>/sites.csv, skipped.csv; with ign results/cities/images/<City>_<side>px/
Run     python code/21_import_sites.py --run demo
"""

import argparse
from typing import TYPE_CHECKING

from urbancam.workflow.files import digest
from urbancam.workflow.paths import display_path
from urbancam.workflow.records.steps import Done, Step
from urbancam.workflow.running import arguments, runner
from urbancam.workflow.running.job import Job, Request

if TYPE_CHECKING:  # a script that only shows its help does not wait for it
    import pandas as pd

SETTINGS = {  # of section `cities` that each source depends on
    "files": ["source"],
    "hub": ["source", "hub_dataset", "hub_revision"],
    "ign": ["source", "ign_cities", "ign_sites", "site_m", "pixel_size_m"],
}


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__file__, __doc__).parse_args(argv)


def declare(request: Request) -> Step:
    paths, source = request.paths, request.settings.cities.source
    keys = [f"cities.{key}" for key in SETTINGS[source]]
    inputs = []
    if source == "ign":
        keys.append("samples.max_void_fraction")
        names = request.settings.cities.ign_cities or paths.cities_with_tiles()
        cities = map(paths.of_city, names)
        for city in (city for city in cities if city.tiles.is_file()):  # the work names the others
            inputs += [city.tiles, city.cells, city.boundary]
    return request.step(
        3,
        paths.sites,
        keys,
        inputs,
        listings=[] if source == "ign" else [paths.cities_data],
        outputs=[paths.skipped],
        fills_listings=source == "hub",
        may_be_copied=True,
    )


def work(job: Job) -> Done:
    from urbancam.cities import sites
    from urbancam.tables import frames

    gather = cut_from_tiles if job.settings.cities.source == "ign" else list_folder
    images, skipped = gather(job)
    sites.report_skipped(skipped)
    frames.write(skipped, job.paths.skipped)
    frames.write(images[sites.COLUMNS], job.paths.sites)
    return Done(
        {
            "images": len(images),
            "sites": len(images.drop_duplicates(["city", "site"])),
            "cities": images["city"].nunique(),
            "skipped": len(skipped),
        }
    )


def list_folder(job: Job) -> "tuple[pd.DataFrame, pd.DataFrame]":
    """The images in the drop folder, and what lies there that is none.

    With `cities.source: hub` they are fetched first.
    """
    import pandas as pd

    from urbancam.cities import hub, sites
    from urbancam.tables import frames

    paths, cities = job.paths, job.settings.cities
    if cities.source == "hub":
        hub.fetch(cities.hub_dataset, cities.hub_revision, paths.cities_data)
    files, stray = sites.find_images(paths.cities_data)
    table_before = frames.read(paths.sites) if is_as_left(job) else None
    images, unfit = sites.inspect_images(files, paths.cities_data, table_before, job.workers)
    skipped = pd.concat([stray, unfit], ignore_index=True)
    sites.check_any(images, skipped, paths.cities_data)
    images = sites.add_acquisitions(images, paths.acquisitions)
    return images.assign(source=cities.source), skipped


def is_as_left(job: Job) -> bool:
    """Whether the result is, byte for byte, what this version of the step left: what it tells
    need not be looked up."""
    record = job.step.record
    hash_then = record.get("sha256", {}).get(display_path(job.result))
    same_version = record.get("version") == job.step.version
    return job.result.is_file() and same_version and digest(job.result) == hash_then


def cut_from_tiles(job: Job) -> "tuple[pd.DataFrame, pd.DataFrame]":
    """Squares cut from the tiles of the income experiment, and those that were left out."""
    import pandas as pd

    from urbancam.cities import tile_sites

    paths, section = job.paths, job.settings.cities
    image_px = round(section.site_m / section.pixel_size_m)
    max_void_fraction = job.settings.samples.max_void_fraction
    cities = tile_sites.cities_with_tiles(paths, section.ign_cities)
    parts = [
        tile_sites.cut_sites(
            paths, city, section.site_m, image_px, section.ign_sites, max_void_fraction, job.workers
        )
        for city in cities
    ]
    images, skipped = (pd.concat(tables, ignore_index=True) for tables in zip(*parts, strict=True))
    tile_sites.check_any(images, skipped, section.site_m, cities)
    return images, skipped


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
