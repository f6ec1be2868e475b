"""Variants of a run: the same run with one thing changed, trained beside it for comparison.

A variant lives in `results/<city>/<run>/variants/<name>/`, with the same files as a run, made by
the same scripts (10 to 14) with `--variant NAME`. Names: `split-<method>`, `seed-<number>`,
`shuffled-labels`. Of the cities experiment (22 and 23): `split-acquisition`, `colour-grey`,
`colour-jitter`.
"""

import csv
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbancam.workflow.errors import InputError

if TYPE_CHECKING:  # nothing but the standard library is loaded
    from urbancam.workflow.settings import Settings

SHUFFLED = "shuffled-labels"
OF_CITIES = {  # of the cities experiment: the key of section `cities` that differs, and its value
    "split-acquisition": ("split", "acquisition"),
    "colour-grey": ("colour", "grey"),
    "colour-jitter": ("colour", "jitter"),
}


def split_name(method: str) -> str:
    return f"split-{method}"


def seed_name(seed: int) -> str:
    return f"seed-{seed}"


def overlay(name: str, folds: int | None, cities_folds: int | None = None) -> dict[str, Any]:
    """What a variant changes in the settings of its run.

    Args:
        name: Name of the variant; "" for the run itself.
        folds: How many folds of a variant are trained (`compare.folds`), None for as many as in
            the run.
        cities_folds: The same for the cities experiment (`cities.variant_folds`).

    Raises:
        InputError: There is no such variant.
    """
    if not name:
        return {}
    if name in OF_CITIES:
        key, value = OF_CITIES[name]
        fewer_folds = {"trained_folds": cities_folds} if cities_folds else {}
        return {"cities": {key: value} | fewer_folds}
    fewer_folds = {"trained_folds": folds} if folds else {}
    if method := re.fullmatch(r"split-(block|group|random|city)", name):
        return {"split": fewer_folds | {"method": method[1]}}
    changes = {"split": fewer_folds} if fewer_folds else {}
    if name == SHUFFLED:
        return changes | {"samples": {"shuffle_labels": True}}
    if seed := re.fullmatch(r"seed-(\d+)", name):
        return changes | {"seed": int(seed[1])}
    raise InputError(
        f"there is no variant {name!r}",
        "--variant",
        f"name split-block, split-group, split-random, split-city, seed-N or {SHUFFLED}; "
        f"of the cities experiment {', '.join(OF_CITIES)}",
    )


def names(settings: "Settings") -> list[str]:
    """The variants that section `compare` of the settings asks for, in the order of training."""
    compare = settings.compare
    # The city left out is a variant of its own, trained where other cities are at hand.
    own_or_left_out = (settings.split.method, "city")
    splits = [method for method in compare.splits if method not in own_or_left_out]
    seeds = [seed for seed in compare.seeds if seed != settings.seed]
    shuffled = [SHUFFLED] if compare.shuffled_labels else []
    return [*map(split_name, splits), *map(seed_name, seeds), *shuffled]


def names_of_cities(settings: "Settings", sites: Path) -> list[str]:
    """The variants that `cities.variants` asks for and that can be trained.

    None of a network that was trained elsewhere; the split by acquisition only where two cities
    have two sites on either side of their acquisitions.

    Args:
        settings: Of the run.
        sites: `sites.csv`; where it is not there yet, all are named.
    """
    variants = [] if settings.cities.checkpoint else settings.cities.variants
    if "split-acquisition" not in variants or not sites.is_file():
        return variants
    with sites.open(encoding="utf-8", newline="") as file:
        flights = {
            (row["city"], row["site"], row["acquisition"])
            for row in csv.DictReader(file)
            if row["acquisition"]
        }
    cities = {city for city, _, _ in flights}
    if sum(_has_two_sides(flights, city) for city in cities) > 1:
        return variants
    return [name for name in variants if name != "split-acquisition"]


def _has_two_sides(flights: set[tuple[str, str, str]], city: str) -> bool:
    """Whether the acquisitions of a city have two sites on either side.

    Every other acquisition is on the one side, the rest on the other, as `cities/patches.py` has
    it.

    Args:
        flights: City, site and acquisition of each image whose acquisition is known.
        city: Name of the city.
    """
    own = [(site, acquisition) for name, site, acquisition in flights if name == city]
    acquisitions = sorted({acquisition for _, acquisition in own})
    for first in (0, 1):
        side = acquisitions[first::2]
        if len({site for site, acquisition in own if acquisition in side}) < 2:
            return False
    return True
