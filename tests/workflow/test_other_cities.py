"""Which other cities a city is compared with, and learns from."""

import pytest

from urbancam.workflow.paths import Paths
from urbancam.workflow.settings import other_cities

RENT = "cells: {source: file, file: cells.csv, value_name: rent, value_unit: EUR a month and m2}"
INCOME = "cells: {source: file, file: a.csv, value_name: Income, value_unit: EUR a year and person}"


@pytest.mark.parametrize(
    ("own", "expected"), [("", ["Bonn", "Lyon"]), (INCOME, ["Bonn", "Lyon"]), (RENT, ["Gdynia"])]
)
def test_only_cities_of_the_same_value_are_compared(tmp_path, own, expected):
    """Fifths of rents are not fifths of incomes; an income of a file is one as INSEE's is."""
    for city, text in {"Lyon": "", "Bonn": INCOME, "Gdynia": RENT, "Paris": own}.items():
        paths = Paths(tmp_path / "data", tmp_path / "results", city, "default")
        paths.samples.parent.mkdir(parents=True)
        paths.samples.touch()
        if text:
            paths.city_file.parent.mkdir(parents=True)
            paths.city_file.write_text(text)
    assert [city.city for city in other_cities.of_same_value(paths)] == expected


def test_a_city_that_is_spelt_otherwise_is_not_one_more_to_come(tmp_path):
    city, same, other = (
        Paths(tmp_path / "data", tmp_path / "results", name, "default")
        for name in ("Le Mans", "Le-Mans", "Lyon")
    )
    assert other_cities.to_come(city, [city, same, other]) == [other]


def test_a_city_of_another_run_is_not_one_to_come(tmp_path):
    paris, demo = (
        Paths(tmp_path / "data", tmp_path / "results", city, run)
        for city, run in {"Paris": "default", "Demo": "demo"}.items()
    )
    assert other_cities.to_come(paris, [paris, demo]) == []
