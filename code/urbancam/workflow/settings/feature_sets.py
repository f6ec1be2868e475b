"""The sets of features of cells that a run asks for: step 07 measures each, and step 12 predicts
from each by a baseline of the same name."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import ROOT, Paths

if TYPE_CHECKING:  # the settings know this list, not the other way round
    from urbancam.workflow.settings.settings import Settings

MODEL = "model"  # the network itself among the predictors
CONSTANT = "constant"  # the baseline that needs no features
COORDINATES = "coordinates"
POPULATION_DENSITY = "population_density"
LAND_COVER = "land_cover"
COLOUR_HISTOGRAM = "colour_histogram"
RANDOM_FEATURES = "random_features"
NETWORK = "network"
TABLE = "table"
FROZEN = "frozen_"  # what the names of features of networks begin with
OWN = "own"  # in `baselines.networks`: the run's own backbone

IMAGES = ("image.size_px", "image.resample")
ALWAYS = {  # kind -> settings that its numbers depend on
    COORDINATES: (),
    POPULATION_DENSITY: (),
    LAND_COVER: ("landcover.key",),
    COLOUR_HISTOGRAM: (*IMAGES, "baselines.histogram_bins", "baselines.features_px"),
    RANDOM_FEATURES: (
        *IMAGES,
        "baselines.patches",
        "baselines.patch_px",
        "baselines.features_px",
        "seed",
    ),
}
# What the features of a run are told by
SETTINGS = (
    "baselines.networks",
    "baselines.tables",
    "samples.target",
    "cells.source",
    "cells.people_column",
    "model.backbone",
    "model.weights",
)
# Places mean nothing between cities, and random patches are each city's own.
OF_ONE_CITY = (COORDINATES, RANDOM_FEATURES)


@dataclass(frozen=True)
class FeatureSet:
    """Numbers that are known of every cell without its income.

    Attributes:
        name: Of the table, and of the baseline that learns from it.
        kind: What measures it, one of the names above.
        source: Name of the network, or file of the table; "" of the others.
        settings: Keys of the settings that it depends on.
    """

    name: str
    kind: str
    source: str = ""
    settings: tuple[str, ...] = ()

    @property
    def serves_all_cities(self) -> bool:
        """Whether its numbers mean the same in every city."""
        return self.kind not in OF_ONE_CITY

    @property
    def file(self) -> Path:
        """The user's file, of a table."""
        return ROOT / self.source


def of_run(settings: "Settings") -> list[FeatureSet]:
    """The sets of features of a run, in the order that tables have them.

    What the classes are quintiles of is no feature: it would know the answer. Nor is the density of
    people who are not counted.

    Raises:
        InputError: Two of them would have the same name.
    """
    sets = [FeatureSet(kind, kind, settings=keys) for kind, keys in ALWAYS.items()]
    counted = settings.cells.source == "insee" or settings.cells.people_column
    if settings.samples.target == "density" or not counted:
        sets = [one for one in sets if one.kind != POPULATION_DENSITY]
    sets += [_of_network(name) for name in _networks(settings)]
    sets += [FeatureSet(Path(file).stem, TABLE, file) for file in settings.baselines.tables]
    _refuse_same_names(sets)
    return sets


def asked_for(predictors: Iterable[str]) -> list[str]:
    """Those of some predictors that the settings name: by networks, and by tables of the user's."""
    known = {MODEL, CONSTANT, *ALWAYS}
    return [name for name in predictors if name not in known]


def plain_name(predictor: str) -> str:
    """A predictor's name within a sentence: "random features", "frozen features of resnet18"."""
    if predictor.startswith(FROZEN):
        return f"frozen features of {predictor.removeprefix(FROZEN)}"
    return predictor.replace("_", " ")


def of_cities(settings: "Settings", cities: list[Paths]) -> list[FeatureSet]:
    """The sets of a run that a baseline can learn from in several cities at once.

    Args:
        settings: Settings of the run.
        cities: Paths of the city; behind it those of the cities that it also learns from.
    """
    sets = of_run(settings)
    if settings.split.leaves_city_out:
        sets = [one for one in sets if one.serves_all_cities]
    own, *others = cities
    return [one for one in sets if all(_is_shared(one, own, city) for city in others)]


def _is_shared(wanted: FeatureSet, own: Paths, city: Paths) -> bool:
    """Whether another city has a set that means the same there, or must have it."""
    if wanted.kind == LAND_COVER and own.classes.is_file() and city.classes.is_file():
        return own.classes.read_bytes() == city.classes.read_bytes()
    # Files are a city's own; and a city of a file may not have counted its people.
    own_business = wanted.kind == TABLE
    own_business |= wanted.kind == POPULATION_DENSITY and city.city_file.is_file()
    return not own_business or city.features(wanted.name).is_file()


def _networks(settings: "Settings") -> list[str]:
    """Names of the networks, each once; the run's own only where it starts from learned weights."""
    names = []
    for name in settings.baselines.networks:
        if name == OWN:
            name = "" if settings.model.weights == "random" else settings.model.backbone
        names.append(name)
    return list(dict.fromkeys(filter(None, names)))


def _of_network(name: str) -> FeatureSet:
    keys = (*IMAGES, "image.normalise", "model")
    return FeatureSet(f"{FROZEN}{name.replace('/', '_')}", NETWORK, name, keys)


def _refuse_same_names(sets: list[FeatureSet]) -> None:
    """Raise if a user's file is called as another set, or as what scores are told of."""
    names = [one.name for one in sets] + [CONSTANT, MODEL, POPULATION_DENSITY]
    for one in sets:
        if one.kind == TABLE and (names.count(one.name) > 1 or not one.name):
            raise InputError(
                f"{one.source!r}: another predictor is called {one.name!r} already",
                "baselines.tables",
                "give the file another name: its predictor is called as the file is",
            )
