"""Files of gridded incomes: which is which."""

import pytest

from urbancam.sources.census import vintages
from urbancam.workflow.errors import InputError


@pytest.mark.parametrize(
    ("year", "tail"),
    [
        (2015, "4176293/Filosofi2015_carreaux_1000m_csv.zip"),
        (2021, "8735171/Filosofi2021_carreaux_1km_csv.zip"),
    ],
)
def test_addresses_name_the_grid(year, tail):
    first, *_ = vintages.VINTAGES[year, 1000].addresses(year)
    assert first.endswith(tail)


@pytest.mark.parametrize(
    "name",
    [
        "Filosofi2017_carreaux_200m_csv.zip",
        "2017/carreaux_200m_met.csv",
        "x/INSEE 2017/200M_MET.GPKG",
        "f2017.7z.001",
    ],
)
def test_file_in_place_is_found_by_its_year(tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    assert vintages.find_source(tmp_path, 2017) == path
    assert vintages.find_source(tmp_path, 2019) is None


@pytest.mark.parametrize(
    "name",
    [
        "Filosofi2015_carreaux_1000m_metropole.shp",
        "2015/.hidden/a_200m.csv",
        "2015_200m.txt",
        "census_2015.parquet",
        "Filosofi2015_carreaux_200m_reunion.shp",
        "Filosofi2015_carreaux_200m_shp.zip.part",
    ],
)
def test_other_files_are_left_alone(tmp_path, name):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).touch()
    assert vintages.find_source(tmp_path, 2015) is None


def test_table_is_preferred_to_the_archive_it_came_from(tmp_path):
    for name in ("a2015.zip", "b2015.shp", "c2015.csv"):
        (tmp_path / name).touch()
    assert vintages.find_source(tmp_path, 2015).name == "c2015.csv"


def test_file_that_hides_its_year_is_named(tmp_path):
    (tmp_path / "carreaux_200m_met.csv").touch()
    with pytest.raises(InputError, match="does not say which year"):
        vintages.find_source(tmp_path, 2021)


def test_metropolitan_table_is_chosen_among_those_of_an_archive(tmp_path):
    names = ["carreaux_200m_reun.csv", "carreaux_200m_met.csv", "carreaux_1km_met.csv"]
    tables = [tmp_path / name for name in names]
    got = vintages.choose_table(tables, tmp_path / "a.zip")
    assert got.name == "carreaux_200m_met.csv"


def test_no_telling_which_table_is_said(tmp_path):
    tables = [tmp_path / "a.csv", tmp_path / "b.csv"]
    with pytest.raises(InputError, match="no telling which"):
        vintages.choose_table(tables, tmp_path / "a.zip")
