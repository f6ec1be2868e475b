"""Index the patches of all sites: windows of their images, and each one's role in each fold.

Reads   results/cities/<run>/sites.csv
Writes  results/cities/<run>/patches.parquet, cities.csv (which cities take part, and why the others
        do not)
Run     python code/22_index_patches.py --run demo
"""

import argparse
import logging
from typing import TYPE_CHECKING

from urbancam.workflow.records.steps import Done, Step
from urbancam.workflow.running import arguments, runner
from urbancam.workflow.running.job import Job, Request

if TYPE_CHECKING:  # a script that only shows its help does not wait for it
    import pandas as pd

    from urbancam.workflow.settings.cities_sections import Cities

log = logging.getLogger(__name__)

KEYS = ("patch_px", "stride_px", "split", "folds", "test_patches")  # of section `cities`


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__file__, __doc__).parse_args(argv)


def declare(request: Request) -> Step:
    paths = request.paths
    return request.step(
        2,
        paths.patches,
        ["seed", *(f"cities.{key}" for key in KEYS)],
        [paths.sites],
        outputs=[paths.cities_used],
    )


def work(job: Job) -> Done:
    from urbancam.cities import patch_windows, patches
    from urbancam.tables import frames

    paths, section, seed = job.paths, job.settings.cities, job.settings.seed
    method, folds = section.split, section.folds_split
    text = dict.fromkeys(("site", "image", "acquisition"), str)
    images = frames.read(paths.sites, dtype=text)
    cities = patches.usable_cities(images, section.patch_px, method)
    images = usable_images(images, cities, section)
    halves = method == "published"
    windows = patch_windows.index_windows(
        images, section.patch_px, section.stride_px, halves=halves
    )
    sites = patches.assign_sites(images, method, folds, seed)
    table = patches.add_roles(windows, sites, method, folds, section.test_patches, seed)
    patches.check_roles(table, folds)
    frames.write(table, paths.patches)
    frames.write(patches.count_roles(table, cities, folds), paths.cities_used)
    counts = {"patches": len(table), "images": len(images), "sites": len(sites)}
    counts["cities"] = int(cities["used"].sum())
    counts["cities left out"] = int((~cities["used"]).sum())
    return Done(counts | {"folds": folds})


def usable_images(
    images: "pd.DataFrame", cities: "pd.DataFrame", section: "Cities"
) -> "pd.DataFrame":
    """The images that hold patches, of known acquisition where that splits, of cities that take
    part; the others are told."""
    from urbancam.cities import patch_windows, patches

    for city in cities[~cities["used"]].itertuples():
        log.info("leaves out %s: %s", city.city, city.reason)
    has_windows = patch_windows.holds_windows(images, section.patch_px, section.split)
    for image in images[~has_windows].itertuples():
        size = f"{image.width_px} x {image.height_px} px"
        log.info("leaves out %s: %s hold no patch", image.path, size)
    unknown = ~patches.is_told_apart(images, section.split)
    if unknown.any():
        log.info("leaves out %d images of unknown acquisition", unknown.sum())
    of_used_city = images["city"].isin(cities.loc[cities["used"], "city"])
    return images[has_windows & ~unknown & of_used_city]


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
