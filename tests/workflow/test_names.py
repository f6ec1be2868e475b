"""Which cities and runs the words of a call name."""

import pytest

from urbancam.workflow import names
from urbancam.workflow.errors import InputError


def test_cities_come_from_words_and_a_file_each_once(tmp_path):
    table = tmp_path / "cities.csv"
    table.write_text("city,n_cells\nParis,3\nLe Mans,4\n")
    assert names.listed_cities(["Lyon", "Paris"], table) == ["Lyon", "Paris", "Le Mans"]
    table.write_text("name\nParis\n")
    for named, file, message in (([], None, "no city"), ([], table, "column city")):
        with pytest.raises(InputError, match=message):
            names.listed_cities(named, file)


def test_a_file_of_cities_as_people_write_it(tmp_path):
    """A mark of its encoding in front, rows that are empty or end early, one city in spellings."""
    table = tmp_path / "cities.csv"
    rows = ["n_cells,city", "3, Paris", ",", "7", "", "4,Orléans", "4,Orleans", "3,Paris "]
    table.write_text("\n".join(rows), encoding="utf-8-sig")
    assert names.listed_cities([], table) == ["Paris", "Orléans"]
    table.write_text("n_cells,city\n")
    with pytest.raises(InputError, match="no city"):
        names.listed_cities([], table)


@pytest.mark.parametrize("content", [b"", b"city\n\xff\xfe\n", b"city;n_cells\nParis;3\n"])
def test_a_file_without_a_column_of_cities_is_told_what_it_needs(tmp_path, content):
    table = tmp_path / "cities.csv"
    table.write_bytes(content)
    with pytest.raises(InputError, match="column city"):
        names.listed_cities([], table)


def test_all_are_the_cities_of_the_study_each_once():
    assert names.listed_cities(["Metz", "all", "Paris"], None) == ["Metz", *names.STUDY]
