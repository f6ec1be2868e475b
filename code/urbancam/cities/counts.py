"""How many patches a run of the cities experiment trains, validates and tests, and what of them
is not cached yet."""

import csv

from urbancam.cities import pixels
from urbancam.workflow.paths import Paths
from urbancam.workflow.planning import costs, plan
from urbancam.workflow.settings.settings import Settings


def expected_costs(settings: Settings, paths: Paths) -> costs.Costs:
    """The costs of a run and its variants; steps 21 and 22 have been done.

    Args:
        settings: Settings of the run.
        paths: Paths of the run.
    """
    cities = settings.cities
    counts = _count_patches(paths)
    folds = cities.folds_split  # counts are sums over the folds that the split has
    sizes = costs.FoldSizes(*(counts[role] / folds for role in ("train", "validation", "test")))
    names = plan.variants_of_cities(settings, paths.sites)
    cache_bytes = pixels.missing_cache_bytes(paths, cities.patch_px, cities.image)
    return costs.of_cities(settings, paths, counts["patches"], sizes, names, cache_bytes)


def _count_patches(paths: Paths) -> dict[str, int]:
    """All patches; those that train, validate and test, summed over folds."""
    with paths.cities_used.open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    columns = ("patches", "train", "validation", "test")
    return {column: sum(int(row[column]) for row in rows) for column in columns}
