"""Gridded incomes: every layout of every vintage, what is refused, squares."""

import time

import numpy as np
import pandas as pd
import pytest
import shapely

import samples
from samples import cell_id, census_frame, write_census
from urbancam.scoring import targets
from urbancam.sources.census import incomes, layouts, selection, vintages
from urbancam.tables import grid
from urbancam.workflow.errors import InputError


def read(path, year, tmp_path):
    return incomes.clean(layouts.read_source(path, year, tmp_path / "scratch"), "sample")


# layouts


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
    frame, grid_name = census_frame(year, size_m=1000), "1000m" if year == 2015 else "1km"
    path = write_census(tmp_path, year, kind, packed, frame, grid_name)
    assert (
        vintages.find_source(tmp_path, year, 1000) == path
        and vintages.find_source(tmp_path, year) is None
    )
    got = incomes.clean(layouts.read_source(path, year, tmp_path / "scratch", 1000), "sample", 1000)
    assert (
        list(got.columns) == incomes.COLUMNS
        and got["idINSPIRE"].str.startswith("CRS3035RES1000m").all()
    )
    assert len(got) == 12 and got["imputed"].sum() == 2 and got["group"].isna().all()


def test_few_households_by_rounding_are_no_imputation_at_1km(tmp_path):
    path = write_census(
        tmp_path,
        2015,
        frame=census_frame(size_m=1000).assign(I_est_1km=[0, 1, 2] * 4),
        grid="1000m",
    )
    got = layouts.read_source(path, 2015, tmp_path / "scratch", 1000)
    assert got["imputed"].tolist() == [False, True, False] * 4


@pytest.mark.parametrize("asked", [200, 1000])
def test_file_of_the_other_grid_is_refused(tmp_path, asked):
    path = write_census(
        tmp_path, 2021, "csv", "bare", census_frame(2021, size_m=1200 - asked), "some"
    )
    with pytest.raises(
        InputError, match=f"grid that census.vintage|table is metropolitan France at {asked} m"
    ):
        layouts.read_source(path, 2021, tmp_path / "scratch", asked)


def test_addresses_name_the_grid():
    assert (
        vintages.VINTAGES[2015, 1000]
        .addresses(2015)[0]
        .endswith("4176293/Filosofi2015_carreaux_1000m_csv.zip")
    )
    assert (
        vintages.VINTAGES[2021, 1000]
        .addresses(2021)[0]
        .endswith("8735171/Filosofi2021_carreaux_1km_csv.zip")
    )


@pytest.mark.parametrize("change", [str.upper, str.lower, str.title])
def test_case_of_the_columns_does_not_matter(tmp_path, change):
    frame = census_frame(2021).rename(
        columns=lambda name: name if name == "geometry" else change(name)
    )
    assert len(read(write_census(tmp_path, 2021, "csv", frame=frame), 2021, tmp_path)) == 12


def test_csv_with_semicolons_quotes_and_a_byte_order_mark(tmp_path):
    path = tmp_path / "filosofi_2021_200m.csv"
    census_frame(2021).drop(columns="geometry").to_csv(
        path, index=False, sep=";", encoding="utf-8-sig", quoting=1
    )
    assert len(read(path, 2021, tmp_path)) == 12


def test_metropolitan_table_is_chosen_among_those_of_an_archive(tmp_path):
    tables = [
        tmp_path / name
        for name in ("carreaux_200m_reun.csv", "carreaux_200m_met.csv", "carreaux_1km_met.csv")
    ]
    assert vintages.choose_table(tables, tmp_path / "a.zip").name == "carreaux_200m_met.csv"


def test_no_telling_which_table_is_said(tmp_path):
    tables = [tmp_path / "a.csv", tmp_path / "b.csv"]
    with pytest.raises(InputError, match="no telling which"):
        vintages.choose_table(tables, tmp_path / "a.zip")


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


# which file


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


# what is refused


def refuse(tmp_path, match, year=2015, **change):
    frame = census_frame(year).assign(**change)
    with pytest.raises(InputError, match=match):
        read(write_census(tmp_path, year, "csv", frame=frame), year, tmp_path)


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


def test_infinite_value_is_refused(tmp_path):
    refuse(tmp_path, "1 cells with infinite values", Ind_snv=[np.inf] + [1e5] * 11)


@pytest.mark.parametrize(
    "bad", ["", "N2888000E3760000", "CRS3035RES1000mN2888000E3760000", "CRS3035RES200mN28880E3760"]
)
def test_malformed_id_is_refused(tmp_path, bad):
    refuse(tmp_path, "1 malformed ids", IdINSPIRE=[bad] + census_frame()["IdINSPIRE"].tolist()[1:])


def test_duplicate_id_is_refused(tmp_path):
    ids = census_frame()["IdINSPIRE"].tolist()
    refuse(tmp_path, f"1 duplicate ids: '{ids[0]}'", IdINSPIRE=[ids[0], ids[0], *ids[2:]])


def test_imputation_flag_other_than_0_or_1_is_refused(tmp_path):
    refuse(tmp_path, "imputation flag is 2", I_est_cr=[2] + [0] * 11)


def test_no_usable_income_is_refused(tmp_path):
    refuse(tmp_path, "none of 12 cells", Ind_snv=[None, 0] * 6)


def test_unusable_rows_are_dropped_and_the_first_ids_said(tmp_path, caplog):
    caplog.set_level("INFO")
    people, income = [0, -1] + [10] * 10, [1e5] * 2 + [None, 0] + [1e5] * 8
    path = write_census(tmp_path, 2015, frame=census_frame().assign(Ind=people, Ind_snv=income))
    assert len(read(path, 2015, tmp_path)) == 8
    assert "drops 2 of 12 rows, 16.7 %, without people: CRS3035" in caplog.text
    assert "drops 2 of 12 rows, 16.7 %, without income" in caplog.text


@pytest.mark.parametrize("kind", ["shp", "gpkg"])
def test_file_that_names_another_coordinate_system_is_refused(tmp_path, kind):
    """Squares of EPSG:3035 in a file that says Lambert-93: both extents are told."""
    frame = census_frame().to_crs(samples.LAEA).set_crs(samples.LAMBERT_93, allow_override=True)
    with pytest.raises(InputError, match=r"says RGF93.*longitude.*3,760,000.*would lie at"):
        read(write_census(tmp_path, 2015, kind, frame=frame), 2015, tmp_path)


def test_squares_that_lie_elsewhere_than_their_ids_say_are_refused(tmp_path):
    frame = census_frame()
    frame["geometry"] = frame.geometry.translate(400, 0)
    with pytest.raises(InputError, match=r"lies 400 m from where its id says"):
        read(write_census(tmp_path, 2015, "gpkg", frame=frame), 2015, tmp_path)


@pytest.mark.parametrize("kind", ["shp", "gpkg", "csv"])
@pytest.mark.parametrize("left", [0, 100])
def test_truncated_table_is_refused(tmp_path, kind, left):
    path = write_census(tmp_path, 2015, kind, "bare")
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(InputError):
        read(path, 2015, tmp_path)


def test_truncated_parquet_is_refused(tmp_path):
    path = tmp_path / "census_2015.parquet"
    incomes.write_table(read(write_census(tmp_path, 2015), 2015, tmp_path), path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="cannot be read"):
        incomes.read_strip(path, (0, 0, 1e7, 1e7))


# groups


def test_group_stands_only_where_cells_share_it(tmp_path):
    frame = census_frame().assign(I_est_cr=[1] * 4 + [0] * 8, Groupe=[7, 7, 8, 9] + [10] * 8)
    got = read(write_census(tmp_path, 2015, frame=frame), 2015, tmp_path).set_index("idINSPIRE")[
        "group"
    ]
    assert got[[cell_id(0, 0), cell_id(1, 0)]].tolist() == ["7", "7"]
    assert got.notna().sum() == 2


# selection


def test_strip_holds_the_cells_within_bounds_and_no_other(tmp_path):
    path = tmp_path / "census_2015.parquet"
    table = read(write_census(tmp_path, 2015, frame=census_frame(2015, 20, 20)), 2015, tmp_path)
    incomes.write_table(table, path)
    bounds = (samples.WEST + 350, samples.SOUTH + 901, samples.WEST + 1100, samples.SOUTH + 2900)
    x, y = grid.centres(table["idINSPIRE"]).T
    expected = table[(x >= bounds[0]) & (x <= bounds[2]) & (y >= bounds[1]) & (y <= bounds[3])]
    pd.testing.assert_frame_equal(incomes.read_strip(path, bounds), expected.reset_index(drop=True))


def test_strip_of_the_1km_grid(tmp_path):
    path = tmp_path / "census_2015_1km.parquet"
    source = write_census(tmp_path, 2015, frame=census_frame(2015, 4, 4, 1000), grid="1000m")
    incomes.write_table(
        incomes.clean(
            layouts.read_source(source, 2015, tmp_path / "scratch", 1000), "sample", 1000
        ),
        path,
    )
    west, south = samples.WEST, samples.SOUTH
    got = incomes.read_strip(path, (west + 600, south + 400, west + 1600, south + 1600), 1000)
    assert got["idINSPIRE"].tolist() == [cell_id(1, 0, 1000), cell_id(1, 1, 1000)]


@pytest.mark.slow
def test_city_is_selected_from_all_of_france_within_5_seconds(tmp_path):
    """2.3 million cells in a square of 1516 x 1516, and a city of 90,000 (Paris: 68,000)."""
    side = np.arange(1516)
    south, west = (
        np.repeat(2_300_000 + 200 * side, len(side)),
        np.tile(3_300_000 + 200 * side, len(side)),
    )
    ids = pd.Series([f"CRS3035RES200mN{n}E{e}" for n, e in zip(south, west, strict=True)])
    rest = {"depcom": "75056", "ind": 10.0, "men": 4.0, "men_pauv": 1.0, "ind_snv": 2e5}
    rest |= {"imputed": False, "group": None}
    incomes.write_table(pd.DataFrame({"idINSPIRE": ids} | rest), tmp_path / "census_2015.parquet")
    outline = shapely.box(3_400_000, 2_400_000, 3_460_000, 2_460_000)
    started = time.perf_counter()
    strip = incomes.read_strip(tmp_path / "census_2015.parquet", outline.bounds)
    cells = selection.select_cells(strip, outline, "Paris")
    seconds = time.perf_counter() - started
    assert len(cells) == 90_000 and seconds < 5, seconds


# the real thing


@pytest.fixture(scope="module")
def bordeaux(tmp_path_factory):
    source = samples.REAL_DATA / "filosofi2015_bordeaux.gpkg"
    if not source.exists():
        pytest.skip("no real samples here")
    return incomes.clean(
        layouts.read_source(source, 2015, tmp_path_factory.mktemp("scratch")), "bordeaux"
    )


@pytest.mark.real_data
def test_bordeaux_has_its_cells_and_quintiles(bordeaux):
    assert len(bordeaux) == 6735 and (~bordeaux["imputed"]).sum() == 4576
    classes = targets.quintiles(bordeaux["ind_snv"] / bordeaux["ind"])
    assert np.bincount(classes).tolist() == [1347] * 5


@pytest.mark.real_data
def test_imputed_cells_of_a_group_share_one_income(bordeaux):
    income = (bordeaux["ind_snv"] / bordeaux["ind"]).groupby(bordeaux["group"])
    assert bordeaux["group"].nunique() == 395
    assert (income.max() - income.min()).max() < 0.1  # EUR: rounding of the sums
