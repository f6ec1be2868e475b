"""The plan of a city: which scripts are called, in which order, with which variants. `run.sh`
carries it out."""

import csv
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from urbancam.workflow import catalogue
from urbancam.workflow.settings import campaigns, variants

if TYPE_CHECKING:  # a plan without variants can be told before anything is installed
    from urbancam.workflow.paths import Paths
    from urbancam.workflow.settings.settings import Settings

BY_HAND = "by-hand"  # what reads files that only the user can put there: before all else
PARTS = {  # as `run.sh` asks for them -> parts of the catalogue
    BY_HAND: (catalogue.DATA,),
    "main": (catalogue.MAKE, catalogue.DATA, catalogue.SCORE, catalogue.EXPLAIN),
    "variants": (),
    "left-out": (),
    "compare": (catalogue.COMPARE,),
    "show": (catalogue.SHOW,),
    "tell": (catalogue.TELL,),
}
CITY_LEFT_OUT = variants.split_name("city")
EXPECT = "expect"  # the part "main" up to the step that says what it would fetch, which says it
EXPORT = "export"  # not a part of a run: it is asked for
NAMES = "names"  # no calls: city and run are looked at, whether there could be such ones


@dataclass(frozen=True)
class Call:
    """One call of a script.

    Attributes:
        entry: The script.
        variant: Variant of the run, "" for the run itself.
        option: A further word, "" for none.
    """

    entry: catalogue.Entry
    variant: str = ""
    option: str = ""


def calls(
    part: str, city: str, run: str, variant_names: list[str], from_insee: bool = True
) -> Iterator[Call]:
    """The calls of one part of the plan, in order.

    Args:
        part: One of `PARTS`, or `EXPECT`, `EXPORT`, `NAMES`.
        city: Name of the city, or of the cities experiment.
        run: Name of the run.
        variant_names: Variants that the part goes through, for the parts "variants" and "left-out".
        from_insee: Whether the city's cells are of INSEE, not from a file.
    """
    for entry in _entries(part, city, run):
        if entry.only_insee and not from_insee:
            continue
        if part == EXPECT and entry.takes_expect:
            yield Call(entry, option="--expect")
            return
        yield Call(entry)
        if entry.expects:
            yield Call(catalogue.find("90_show_status"), option="--expect")
    for name in variant_names:
        for entry in catalogue.steps_of(city, run, *catalogue.parts_of_variant(name)):
            yield Call(entry, name)


def _entries(part: str, city: str, run: str) -> list[catalogue.Entry]:
    """The steps of a part, in order."""
    if part == NAMES:
        return []
    if part == EXPORT:
        return [entry for entry in catalogue.STEPS if entry.part == catalogue.EXPORT]
    entries = catalogue.steps_of(city, run, *PARTS["main" if part == EXPECT else part])
    if city == catalogue.DEMO_CITY:  # whose land cover is rendered first
        return [] if part == BY_HAND else entries
    comes_first = [entry.reads_by_hand for entry in entries]
    wanted = [first == (part == BY_HAND) for first in comes_first]
    return list(itertools.compress(entries, wanted))


def variants_of(part: str, city: str, settings: "Settings", paths: "Paths") -> list[str]:
    """The variants that a part of the plan goes through.

    Args:
        part: One of `PARTS`.
        city: Name of the city, or of the cities experiment.
        settings: Settings of the run.
        paths: Paths of the city and run.

    Returns:
        Names, in the order they are trained: for "variants" what the settings ask for; for
        "left-out" the city left out, where that is asked for and other cities are at hand to learn
        from.
    """
    if part == "variants":
        if catalogue.experiment_of(city) == catalogue.CITIES:
            return variants_of_cities(settings, paths.sites)
        return variants_of_income(settings, paths.images_table)
    if part == "left-out" and catalogue.experiment_of(city) == catalogue.INCOME:
        from urbancam.workflow.settings import other_cities

        wanted = wants_city_left_out(settings)
        return [CITY_LEFT_OUT] if wanted and other_cities.of_same_value(paths) else []
    return []


def wants_city_left_out(settings: "Settings") -> bool:
    """Whether a run compares itself with what networks of the other cities say of its city."""
    return "city" in settings.compare.splits and settings.split.method != "city"


def needs_settings(part: str) -> bool:
    """Whether a part of the plan depends on the settings, which cannot be read before the
    set-up."""
    return part in ("variants", "left-out")


def variants_of_income(settings: "Settings", images_table: Path) -> list[str]:
    """The variants that sections `compare` and `planted` ask for and that can be trained, in the
    order of training.

    Args:
        settings: Settings of the run.
        images_table: As for `compared_variants`.
    """
    plants = map(variants.planted_name, range(1, settings.planted.trained + 1))
    return [*compared_variants(settings, images_table), *plants]


def compared_variants(settings: "Settings", images_table: Path) -> list[str]:
    """Those of them that section `compare` asks for.

    Args:
        settings: Settings of the run.
        images_table: `images.csv`, which says whether there are campaigns to leave out; where it
            is not there yet, all variants are named.
    """
    compare = settings.compare
    # The city left out is a variant of its own, trained where other cities are at hand.
    passed_over = [settings.split.method, "city"]
    if images_table.is_file() and not campaigns.sides(campaigns.count_cells(images_table)):
        passed_over.append("campaign")
    splits = [method for method in compare.splits if method not in passed_over]
    seeds = [seed for seed in compare.seeds if seed != settings.seed]
    draws = [seed for seed in compare.fold_draws if seed != settings.fold_seed]
    shuffled = [variants.SHUFFLED] if compare.shuffled_labels else []
    return [
        *map(variants.split_name, splits),
        *map(variants.seed_name, seeds),
        *map(variants.folds_name, draws),
        *shuffled,
    ]


def variants_of_cities(settings: "Settings", sites: Path) -> list[str]:
    """The variants that `cities.variants` asks for and that can be trained.

    None of a network that was trained elsewhere; the split by acquisition only where two cities
    have two sites on either side of their acquisitions.

    Args:
        settings: Settings of the run.
        sites: `sites.csv`; where it is not there yet, all are named.
    """
    names = [] if settings.cities.checkpoint else settings.cities.variants
    one_acquisition_will_do = [name for name in names if not variants.splits_acquisitions(name)]
    if one_acquisition_will_do == names or not sites.is_file():
        return names
    with sites.open(encoding="utf-8", newline="") as file:
        flights = {
            (row["city"], row["site"], row["acquisition"])
            for row in csv.DictReader(file)
            if row["acquisition"]
        }
    cities = {city for city, _, _ in flights}
    if sum(_has_two_sides(flights, city) for city in cities) > 1:
        return names
    return one_acquisition_will_do


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
