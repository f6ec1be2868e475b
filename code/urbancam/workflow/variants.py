"""Variants of a run: the same run with one thing changed, trained beside it for comparison.

A variant lives in `results/<city>/<run>/variants/<name>/`, with the same files as a run, made by
the same scripts (10 to 14) with `--variant NAME`. Names: `split-<method>`, `seed-<number>`,
`shuffled-labels`. Of the cities experiment (22 and 23): `split-acquisition`, `colour-grey`,
`colour-jitter`.
"""

import csv
import re
from pathlib import Path
from typing import Any

from urbancam.workflow.errors import InputError

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
        name: of the variant; "" for the run itself.
        folds: how many folds of a variant are trained (`compare.folds`), null for as many as in the
            run.
        cities_folds: the same for the cities experiment (`cities.variant_folds`).

    Raises:
        InputError: there is no such variant.
    """
    if not name:
        return {}
    changed = {"split": {"trained_folds": folds}} if folds else {}
    if name == SHUFFLED:
        return changed | {"samples": {"shuffle_labels": True}}
    if found := re.fullmatch(r"split-(block|group|random|city)", name):
        return {"split": changed.get("split", {}) | {"method": found[1]}}
    if found := re.fullmatch(r"seed-(\d+)", name):
        return changed | {"seed": int(found[1])}
    if name in OF_CITIES:
        key, value = OF_CITIES[name]
        return {"cities": {key: value} | ({"trained_folds": cities_folds} if cities_folds else {})}
    raise InputError(
        f"there is no variant {name!r}",
        "--variant",
        f"name split-block, split-group, split-random, split-city, seed-N or {SHUFFLED}; "
        f"of the cities experiment {', '.join(OF_CITIES)}",
    )


def names(settings) -> list[str]:
    """The variants that section `compare` of a run's settings asks for, in the order they are
    trained."""
    compare = settings.compare
    made = [
        split_name(method)
        for method in compare.splits
        if method not in (settings.split.method, "city")
    ]
    made += [seed_name(seed) for seed in compare.seeds if seed != settings.seed]
    return made + ([SHUFFLED] if compare.shuffled_labels else [])


def names_of_cities(settings, sites: Path) -> list[str]:
    """The variants that `cities.variants` asks for and that can be trained.

    None of a network that was trained elsewhere; the split by acquisition only where two cities
    have two sites on either side of their acquisitions.

    Args:
        settings: of the run.
        sites: `sites.csv`; where it is not there yet, all are named.
    """
    asked = [] if settings.cities.checkpoint else settings.cities.variants
    if "split-acquisition" not in asked or not sites.is_file():
        return asked
    with sites.open(encoding="utf-8", newline="") as file:
        flown = {
            (row["city"], row["site"], row["acquisition"])
            for row in csv.DictReader(file)
            if row["acquisition"]
        }
    fit = [city for city in {city for city, _, _ in flown} if _has_two_sides(flown, city)]
    return asked if len(fit) > 1 else [name for name in asked if name != "split-acquisition"]


def _has_two_sides(flown: set[tuple[str, str, str]], city: str) -> bool:
    """Whether the acquisitions of a city, every other of them, have two sites on either side
    (`cities/patches.py`)."""
    own = [(site, acquisition) for name, site, acquisition in flown if name == city]
    names = sorted({acquisition for _, acquisition in own})
    sides = [
        len({site for site, acquisition in own if acquisition in names[first::2]})
        for first in (0, 1)
    ]
    return min(sides) >= 2
