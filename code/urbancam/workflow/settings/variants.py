"""Variants of a run: the same run with one thing changed, trained beside it for comparison.

A variant lives in `results/<city>/<run>/variants/<name>/`, with the same files as a run, made by
the same scripts (10 to 14) with `--variant NAME`. Names: `split-<method>`, `seed-<number>` (the
same folds, other weights and batches), `folds-<number>` (other folds of the same method),
`shuffled-labels`, `planted-<number>`. Of the cities experiment (22 and 23): `split-acquisition`,
`colour-grey`, `colour-jitter`, and the split together with either, as in
`split-acquisition-colour-grey`.
"""

import itertools
import re
from typing import Any

from urbancam.workflow.errors import InputError

SHUFFLED = "shuffled-labels"
# Of the cities experiment: the keys of section `cities` that differ, and their values.
ONE_CHANGE = {
    "split-acquisition": {"split": "acquisition"},
    "colour-grey": {"colour": "grey"},
    "colour-jitter": {"colour": "jitter"},
}
# A variant may combine two changes of different keys; its name joins theirs.
TWO_CHANGES = {
    f"{first}-{second}": ONE_CHANGE[first] | ONE_CHANGE[second]
    for first, second in itertools.combinations(ONE_CHANGE, 2)
    if ONE_CHANGE[first].keys() != ONE_CHANGE[second].keys()
}
OF_CITIES = ONE_CHANGE | TWO_CHANGES


def split_name(method: str) -> str:
    return f"split-{method}"


def seed_name(seed: int) -> str:
    return f"seed-{seed}"


def folds_name(seed: int) -> str:
    return f"folds-{seed}"


def planted_name(number: int) -> str:
    return f"planted-{number}"


def splits_acquisitions(name: str) -> bool:
    """Whether a variant of the cities experiment tests on another acquisition than it trains on."""
    return OF_CITIES[name].get("split") == "acquisition"


def overlay(
    name: str,
    folds: int | None,
    cities_folds: int | None = None,
    fold_seed: int | None = None,
) -> dict[str, Any]:
    """What a variant changes in the settings of its run.

    Args:
        name: Name of the variant; "" for the run itself.
        folds: How many folds of a variant are trained (`compare.folds`), None for as many as in
            the run.
        cities_folds: The same for the cities experiment (`cities.variant_folds`).
        fold_seed: Seed of the run's folds, which another seed of the network leaves as they are.

    Raises:
        InputError: There is no such variant.
    """
    if not name:
        return {}
    if name in OF_CITIES:
        fewer_folds = {"trained_folds": cities_folds} if cities_folds else {}
        return {"cities": OF_CITIES[name] | fewer_folds}
    fewer_folds = {"trained_folds": folds} if folds else {}
    if method := re.fullmatch(r"split-(block|group|random|campaign|city)", name):
        return {"split": fewer_folds | {"method": method[1]}}
    if draw := re.fullmatch(r"folds-(\d+)", name):
        return {"split": fewer_folds | {"seed": int(draw[1])}}
    if seed := re.fullmatch(r"seed-(\d+)", name):
        return {"seed": int(seed[1]), "split": fewer_folds | {"seed": fold_seed}}
    changes = {"split": fewer_folds} if fewer_folds else {}
    if name == SHUFFLED:
        return changes | {"samples": {"shuffle_labels": True}}
    if planted := re.fullmatch(r"planted-([1-9]\d*)", name):
        return changes | {"samples": {"planted": int(planted[1])}}
    raise InputError(
        f"there is no variant {name!r}",
        "--variant",
        "name split-block, split-group, split-random, split-campaign, split-city, seed-N, folds-N, "
        f"planted-N or {SHUFFLED}; of the cities experiment {', '.join(OF_CITIES)}",
    )
