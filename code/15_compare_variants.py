"""Put the run beside its variants: the same model under other splits (what leaks, and what that is
worth) and seeds.

Reads   results/<city>/<run>/samples.csv, predictions.csv, tables/
        results/<city>/<run>/variants/<name>/samples.csv, tables/ of the variants that section
        `compare` asks for
Writes  results/<city>/<run>/tables/leakage.csv, seeds.csv
Run     python code/15_compare_variants.py --city Demo --run demo
"""

import argparse
from typing import TYPE_CHECKING

from urbancam.workflow import arguments, plan, runner, variants
from urbancam.workflow.job import Job, Request
from urbancam.workflow.paths import Paths
from urbancam.workflow.records import Done, Step

if TYPE_CHECKING:  # a script that only shows its help does not wait for it
    from urbancam.workflow.settings import Settings


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__file__, __doc__).parse_args(argv)


SEED_TABLES = ("activation_contrast", "contribution")  # compared between seeds, beside the scores


def declare(request: Request) -> Step:
    settings, paths = request.settings, request.paths
    inputs = [paths.samples, paths.predictions, paths.table("metrics")]
    inputs += map(paths.table, SEED_TABLES)
    splits, seeds = trained_variants(settings, paths)
    for variant in (*splits.values(), *seeds.values()):
        inputs += [variant.samples, variant.table("metrics")]
    for variant in seeds.values():
        inputs += map(variant.table, SEED_TABLES)
    if "city" in (settings.split.method, *splits):
        inputs += [city.samples for city in paths.other_cities()]
    return request.step(
        1,
        paths.table("leakage"),
        ["split", "compare", "statistics", "seed", "census.cell_size_m"],
        dict.fromkeys(inputs),
        outputs=[paths.table("seeds")],
    )


def trained_variants(
    settings: "Settings", paths: Paths
) -> tuple[dict[str, Paths], dict[int, Paths]]:
    """The variants to compare with, by split and by seed.

    A city left out only where it was trained.
    """
    names = [name.partition("-") for name in plan.variants_of_income(settings)]
    splits = {
        value: paths.of_variant(variants.split_name(value))
        for kind, _, value in names
        if kind == "split"
    }
    seeds = {
        int(value): paths.of_variant(variants.seed_name(int(value)))
        for kind, _, value in names
        if kind == "seed"
    }
    left_out = paths.of_variant(variants.split_name("city"))
    if "city" in settings.compare.splits and left_out.table("metrics").is_file():
        splits["city"] = left_out
    return splits, seeds


def work(job: Job) -> Done:
    from urbancam.learning import comparison
    from urbancam.tables import frames

    settings, paths = job.settings, job.paths
    splits, seeds = trained_variants(settings, paths)
    trained_splits = {settings.split.method: paths} | splits
    leakage = comparison.leakage_table(paths, trained_splits, settings)
    seed_spread = comparison.seeds_table({settings.seed: paths} | seeds)
    frames.write(seed_spread, paths.table("seeds"))
    frames.write(leakage, paths.table("leakage"))
    return Done(
        {
            "splits trained": len(trained_splits),
            "splits compared": leakage["split"].nunique(),
        }
    )


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
