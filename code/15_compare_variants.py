"""Put the run beside its variants: the same model under other splits (what leaks, and what that is
worth), seeds and draws of the folds.

Reads   results/<city>/<run>/samples.csv, predictions.csv, tables/
        results/<city>/<run>/variants/<name>/samples.csv, tables/ of the variants that section
        `compare` asks for
Writes  results/<city>/<run>/tables/leakage.csv, seeds.csv, variance.csv
Run     python code/15_compare_variants.py --city Demo --run demo
"""

import argparse
from typing import TYPE_CHECKING

from urbancam.workflow.paths import Paths
from urbancam.workflow.planning import plan
from urbancam.workflow.records.steps import Done, Step
from urbancam.workflow.running import arguments, runner
from urbancam.workflow.running.job import Job, Request
from urbancam.workflow.settings import other_cities, variants

if TYPE_CHECKING:  # a script that only shows its help does not wait for it
    import pandas as pd

    from urbancam.workflow.settings.settings import Settings


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__file__, __doc__).parse_args(argv)


SEED_TABLES = ("activation_contrast", "contribution")  # compared between seeds, beside the scores


def declare(request: Request) -> Step:
    settings, paths = request.settings, request.paths
    inputs = [paths.samples, paths.predictions, paths.table("metrics")]
    inputs += map(paths.table, SEED_TABLES)
    splits, seeds, draws = trained_variants(settings, paths)
    for variant in (*splits.values(), *seeds.values(), *draws.values()):
        inputs += [variant.samples, variant.table("metrics")]
    for variant in seeds.values():
        inputs += map(variant.table, SEED_TABLES)
    if "city" in (settings.split.method, *splits):
        inputs += [city.samples for city in other_cities.of_same_value(paths)]
    return request.step(
        9,
        paths.table("leakage"),
        ["split", "compare", "statistics", "baselines.reaches_m", "seed"],
        dict.fromkeys(inputs),
        outputs=[paths.table("seeds"), paths.table("variance")],
    )


def trained_variants(settings: "Settings", paths: Paths) -> tuple[dict[str, Paths], ...]:
    """The variants to compare with: by split, by seed, by draw of the folds.

    A city left out only where it was trained.
    """
    of_kind: dict[str, dict[str, Paths]] = {"split": {}, "seed": {}, "folds": {}}
    for name in plan.compared_variants(settings, paths.images_table):
        kind, _, value = name.partition("-")
        if kind in of_kind:
            of_kind[kind][value] = paths.of_variant(name)
    left_out = paths.of_variant(variants.split_name("city"))
    if "city" in settings.compare.splits and left_out.table("metrics").is_file():
        of_kind["split"]["city"] = left_out
    return tuple(of_kind.values())


def work(job: Job) -> Done:
    from urbancam.learning import comparison
    from urbancam.scoring import variance
    from urbancam.tables import frames

    settings, paths = job.settings, job.paths
    splits, seeds, draws = trained_variants(settings, paths)
    trained_splits = {settings.split.method: paths} | splits
    leakage = comparison.leakage_table(paths, trained_splits, settings)
    frames.write(comparison.seeds_table([paths, *seeds.values()]), paths.table("seeds"))
    of_variants = [[scores_of(variant) for variant in kind.values()] for kind in (seeds, draws)]
    spread = variance.variance_table(scores_of(paths), *of_variants, settings.statistics.confidence)
    frames.write(spread, paths.table("variance"))
    frames.write(leakage, paths.table("leakage"))
    return Done(
        {
            "splits trained": len(trained_splits),
            "splits compared": leakage["split"].nunique(),
        }
    )


def scores_of(paths: Paths) -> "pd.DataFrame":
    from urbancam.tables import frames

    return frames.read(paths.table("metrics"))


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
