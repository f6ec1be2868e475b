"""The other cities that a city's run is compared with, or learns from: those of the same value."""

from collections.abc import Iterable
from pathlib import Path

from urbancam.workflow import catalogue
from urbancam.workflow.paths import Paths
from urbancam.workflow.settings import layers
from urbancam.workflow.settings.city_facts import INCOME, INCOME_UNIT


def of_same_value(paths: Paths) -> list[Paths]:
    """The paths of all other cities with samples of the same run and of the same value, by name.

    The classes of a city are fifths of its value: one of rents is no class of incomes.

    Raises:
        InputError: The city.yaml of a city cannot be read.
    """
    value = value_of(paths.city_file)
    return [city for city in paths.other_cities() if value_of(city.city_file) == value]


def to_come(paths: Paths, called: Iterable[Paths]) -> list[Paths]:
    """Those of the same run and of the same value that are not at hand yet.

    Args:
        paths: The city's paths.
        called: Of all cities of the same call.
    """
    value = value_of(paths.city_file)
    return [
        city
        for city in called
        if catalogue.experiment_of(city.city) == catalogue.INCOME
        and city.city_folder != paths.city_folder
        and city.run == paths.run
        and not city.samples.is_file()
        and value_of(city.city_file) == value
    ]


def value_of(city_file: Path) -> tuple[str, str]:
    """Name and unit of a city's value, as its city.yaml tells them; without one INSEE's income."""
    cells = layers.read(city_file).get("cells") if city_file.is_file() else None
    told = cells if isinstance(cells, dict) else {}
    name, unit = told.get("value_name"), told.get("value_unit")
    return str(name or INCOME).casefold(), str(INCOME_UNIT if unit is None else unit).casefold()
