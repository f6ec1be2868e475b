"""Index the patches of all sites: windows of their images, and each one's role in each fold.

Reads   results/cities/<run>/sites.csv
Writes  results/cities/<run>/patches.parquet, cities.csv (which cities take part, and why the others do not)
Run     python code/22_index_patches.py --run demo
"""

import argparse
import logging

from urbancam.workflow import arguments, runner
from urbancam.workflow.records import Step

log = logging.getLogger(__name__)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__doc__, experiment="cities", variant=True).parse_args(argv)


def declare(settings, paths, args) -> Step:
    keys = ("patch_px", "stride_px", "split", "folds", "test_patches")
    return Step(
        "22_index_patches",
        2,
        paths.patches,
        "run",
        settings.pick("seed", *(f"cities.{key}" for key in keys)),
        {paths.sites: "21_import_sites"},
        outputs=[paths.cities_used],
    )


def work(step, settings, paths, args) -> dict:
    from urbancam.cities import patches
    from urbancam.tables import frames

    asked, method, folds = settings.cities, settings.cities.split, settings.cities.folds_split
    images = frames.read(paths.sites, dtype={"site": str, "image": str, "acquisition": str})
    cities = patches.usable_cities(images, asked.patch_px, method)
    for city in cities[~cities["used"]].itertuples():
        log.info("leaves out %s: %s", city.city, city.reason)
    holds = patches.holds_windows(images, asked.patch_px, method)
    for image in images[~holds].itertuples():
        log.info(
            "leaves out %s: %d x %d px hold no patch", image.path, image.width_px, image.height_px
        )
    if (unknown := ~patches.is_told_apart(images, method)).any():
        log.info("leaves out %d images of unknown acquisition", unknown.sum())
    images = images[holds & ~unknown & images["city"].isin(cities.loc[cities["used"], "city"])]
    windows = patches.index_windows(
        images, asked.patch_px, asked.stride_px, halves=method == "published"
    )
    sites = patches.assign_sites(images, method, folds, settings.seed)
    table = patches.add_roles(windows, sites, method, folds, asked.test_patches, settings.seed)
    patches.check_roles(table, folds)
    frames.write(table, paths.patches)
    frames.write(patches.count_roles(table, cities, folds), paths.cities_used)
    return {
        "patches": len(table),
        "images": len(images),
        "sites": len(sites),
        "cities": int(cities["used"].sum()),
        "cities left out": int((~cities["used"]).sum()),
        "folds": folds,
    }


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
