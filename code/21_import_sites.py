"""List the images of all cities: dropped in, fetched from the hub, or cut from the income experiment's tiles.

Reads   data/cities_data/<City (IATA)>/<site>/*.jpg|png|tif|jp2, acquisitions.csv (cities.source files, hub); or
        results/<City>/cells.parquet, tiles.parquet, boundary.parquet and the tiles (cities.source ign)
Writes  results/cities/<run>/sites.csv, skipped.csv; with ign results/cities/images/<City>_<side>px/
Run     python code/21_import_sites.py --run demo
"""

import argparse
import logging

from urbancam.workflow import arguments, runner
from urbancam.workflow.files import digest
from urbancam.workflow.paths import shown
from urbancam.workflow.records import Step

log = logging.getLogger(__name__)

USED = {
    "files": ["source"],
    "hub": ["source", "hub_dataset", "hub_revision"],
    "ign": ["source", "ign_cities", "ign_sites", "site_m", "pixel_size_m"],
}  # settings of section cities that each source depends on


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__doc__, experiment="cities").parse_args(argv)


def declare(settings, paths, args) -> Step:
    source = settings.cities.source
    keys = [f"cities.{key}" for key in USED[source]] + (
        ["samples.max_void_fraction"] if source == "ign" else []
    )
    named = settings.cities.ign_cities or sorted(
        path.parent.name for path in paths.results.glob("*/tiles.parquet")
    )
    cities = [paths.of_city(city) for city in named if source == "ign"]
    inputs = {}
    for own in (own for own in cities if own.tiles.is_file()):  # the others are named by the work
        inputs |= {
            own.tiles: "04_download_aerial",
            own.cells: "03_select_cells",
            own.boundary: "02_import_urban_atlas",
        }
    return Step(
        "21_import_sites",
        2,
        paths.sites,
        "run",
        settings.pick(*keys),
        inputs,
        [] if source == "ign" else [paths.cities_data],
        outputs=[paths.skipped],
    )


def work(step, settings, paths, args) -> dict:
    from urbancam.cities import sites
    from urbancam.tables import frames
    from urbancam.workflow import reuse

    known = None if args.force else reuse.take_over(step, paths.in_other_runs(step.result))
    if known is not None:
        return known
    gather = cut if settings.cities.source == "ign" else list_folder
    images, skipped = gather(step, settings, paths, args.workers)
    sites.report_skipped(skipped)
    frames.write(skipped, paths.skipped)
    frames.write(images[sites.COLUMNS], paths.sites)
    return {
        "images": len(images),
        "sites": len(images.drop_duplicates(["city", "site"])),
        "cities": images["city"].nunique(),
        "skipped": len(skipped),
    }


def list_folder(step, settings, paths, workers: int) -> tuple:
    import pandas as pd

    from urbancam.cities import hub, sites
    from urbancam.tables import frames

    if settings.cities.source == "hub":
        hub.fetch(settings.cities.hub_dataset, settings.cities.hub_revision, paths.cities_data)
        vars(step).pop(
            "current", None
        )  # so that the record holds the drop folder with what was just put there
    found, stray = sites.find_images(paths.cities_data)
    known = frames.read(paths.sites) if is_as_left(step, paths.sites) else None
    images, unfit = sites.inspect_images(found, paths.cities_data, known, workers)
    skipped = pd.concat([stray, unfit], ignore_index=True)
    sites.check_any(images, skipped, paths.cities_data)
    return sites.add_acquisitions(images, paths.acquisitions).assign(
        source=settings.cities.source
    ), skipped


def is_as_left(step, path) -> bool:
    """Whether a table is, byte for byte, what this version of the step left: what it knows need not be looked up."""
    left = step.record.get("sha256", {}).get(shown(path))
    return path.is_file() and step.record.get("version") == step.version and digest(path) == left


def cut(step, settings, paths, workers: int) -> tuple:
    import pandas as pd

    from urbancam.cities import tile_sites

    asked = settings.cities
    image_px = round(asked.site_m / asked.pixel_size_m)
    cities = tile_sites.cities_with_tiles(paths, asked.ign_cities)
    parts = [
        tile_sites.cut_sites(
            paths,
            city,
            asked.site_m,
            image_px,
            asked.ign_sites,
            settings.samples.max_void_fraction,
            workers,
        )
        for city in cities
    ]
    images, skipped = (pd.concat(tables, ignore_index=True) for tables in zip(*parts, strict=True))
    tile_sites.check_any(images, asked.site_m, cities)
    return images, skipped


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
