"""Every layout of every vintage of gridded incomes, and what is refused."""

import csv

import pandas as pd
import pytest

import samples
from samples import census_frame, write_census
from small_census import read, refuse
from urbancam.sources.census import incomes, layouts, vintages
from urbancam.workflow.errors import InputError


@pytest.mark.parametrize("year", [2015, 2017, 2019, 2021])
@pytest.mark.parametrize(
    ("kind", "packed"), [("csv", "zip"), ("gpkg", "zip7z"), ("shp", "zip"), ("shp", "bare")]
)
def test_every_layout_of_every_vintage_gives_one_table(tmp_path, year, kind, packed):
    got = read(write_census(tmp_path, year, kind, packed), year, tmp_path)
    assert list(got.columns) == incomes.COLUMNS
    assert got["idINSPIRE"].tolist() == sorted(got["idINSPIRE"]) and len(got) == 12
    assert got["depcom"].eq("75101").all() and got["imputed"].sum() == 2
    assert got["group"].notna().tolist() == got["imputed"].tolist()
    assert got.loc[11, "ind_snv"] == pytest.approx(21 * 21_100)


@pytest.mark.parametrize("year", [2015, 2017, 2019, 2021])
@pytest.mark.parametrize(("kind", "packed"), [("csv", "zip"), ("gpkg", "zip7z"), ("shp", "zip")])
def test_every_layout_of_the_1km_grid_gives_the_same_table(tmp_path, year, kind, packed):
    frame = census_frame(year, size_m=1000)
    grid_name = "1000m" if year == 2015 else "1km"
    path = write_census(tmp_path, year, kind, packed, frame, grid_name)
    assert vintages.find_source(tmp_path, year, 1000) == path
    assert vintages.find_source(tmp_path, year) is None
    table = layouts.read_source(path, year, tmp_path / "scratch", 1000)
    got = incomes.clean(table, "sample", 1000)
    assert list(got.columns) == incomes.COLUMNS
    assert got["idINSPIRE"].str.startswith("CRS3035RES1000m").all()
    assert len(got) == 12 and got["imputed"].sum() == 2 and got["group"].isna().all()


def test_few_households_by_rounding_are_no_imputation_at_1km(tmp_path):
    frame = census_frame(size_m=1000).assign(I_est_1km=[0, 1, 2] * 4)
    path = write_census(tmp_path, 2015, frame=frame, grid="1000m")
    got = layouts.read_source(path, 2015, tmp_path / "scratch", 1000)
    assert got["imputed"].tolist() == [False, True, False] * 4


@pytest.mark.parametrize(("size_m", "other_m"), [(200, 1000), (1000, 200)])
def test_file_of_the_other_grid_is_refused(tmp_path, size_m, other_m):
    frame = census_frame(2021, size_m=other_m)
    path = write_census(tmp_path, 2021, "csv", "bare", frame, "some")
    message = f"grid that census.vintage|table is metropolitan France at {size_m} m"
    with pytest.raises(InputError, match=message):
        layouts.read_source(path, 2021, tmp_path / "scratch", size_m)


@pytest.mark.parametrize("change", [str.upper, str.lower, str.title])
def test_case_of_the_columns_does_not_matter(tmp_path, change):
    frame = census_frame(2021)
    frame = frame.rename(columns=lambda name: name if name == "geometry" else change(name))
    path = write_census(tmp_path, 2021, "csv", frame=frame)
    assert len(read(path, 2021, tmp_path)) == 12


def test_csv_with_semicolons_quotes_and_a_byte_order_mark(tmp_path):
    path = tmp_path / "filosofi_2021_200m.csv"
    table = census_frame(2021).drop(columns="geometry")
    table.to_csv(path, index=False, sep=";", encoding="utf-8-sig", quoting=csv.QUOTE_ALL)
    assert len(read(path, 2021, tmp_path)) == 12


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("75101", "75101"),
        ("7510175102", "75101"),
        ("2A0042B033", "2A004"),
        ("1004", "01004"),
        ("01004, 01005", "01004"),
        ("97101", "97101"),
    ],
)
def test_first_commune_of_a_field_that_names_several(code, expected):
    assert layouts.first_commune(pd.Series([code])).tolist() == [expected]


# what is refused


def test_missing_column_is_named_with_those_found(tmp_path):
    path = write_census(tmp_path, 2015, frame=census_frame().drop(columns="Ind_snv"))
    with pytest.raises(InputError, match=r"columns are missing: ind_snv \(found: IdINSPIRE"):
        read(path, 2015, tmp_path)


def test_another_vintages_file_is_refused(tmp_path):
    path = write_census(tmp_path, 2019)
    with pytest.raises(InputError, match="columns are missing"):
        layouts.read_source(path, 2015, tmp_path / "scratch")


def test_wrong_type_is_refused(tmp_path):
    refuse(tmp_path, "1 values are no numbers, the first 'many'", Ind=["many"] + ["10"] * 11)


def test_imputation_flag_other_than_0_or_1_is_refused(tmp_path):
    refuse(tmp_path, "imputation flag is 2", I_est_cr=[2] + [0] * 11)


@pytest.mark.parametrize("kind", ["shp", "gpkg"])
def test_file_that_names_another_coordinate_system_is_refused(tmp_path, kind):
    """Squares of EPSG:3035 in a file that says Lambert-93: both extents are in the message."""
    frame = census_frame().to_crs(samples.LAEA)
    frame = frame.set_crs(samples.LAMBERT_93, allow_override=True)
    path = write_census(tmp_path, 2015, kind, frame=frame)
    with pytest.raises(InputError, match=r"says RGF93.*longitude.*3,760,000.*would lie at"):
        read(path, 2015, tmp_path)


def test_squares_that_lie_elsewhere_than_their_ids_say_are_refused(tmp_path):
    frame = census_frame()
    frame["geometry"] = frame.geometry.translate(400, 0)
    with pytest.raises(InputError, match=r"lies 400 m from where its id says"):
        read(write_census(tmp_path, 2015, "gpkg", frame=frame), 2015, tmp_path)


@pytest.mark.parametrize("kind", ["shp", "gpkg", "csv"])
@pytest.mark.parametrize("size_bytes", [0, 100])
def test_truncated_table_is_refused(tmp_path, kind, size_bytes):
    path = write_census(tmp_path, 2015, kind, "bare")
    path.write_bytes(path.read_bytes()[:size_bytes])
    with pytest.raises(InputError):
        read(path, 2015, tmp_path)
