"""Gridded incomes: what is usable, and the table on disk."""

import numpy as np
import pandas as pd
import pytest
import shapely

import samples
from samples import cell_id, census_frame, write_census
from small_census import read, refuse
from timing import cpu_seconds
from urbancam.scoring import targets
from urbancam.sources.census import incomes, layouts, selection
from urbancam.tables import grid
from urbancam.workflow.errors import InputError


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


def test_no_usable_income_is_refused(tmp_path):
    refuse(tmp_path, "none of 12 cells", Ind_snv=[None, 0] * 6)


def test_unusable_rows_are_dropped_and_the_first_ids_said(tmp_path, caplog):
    caplog.set_level("INFO")
    people = [0, -1] + [10] * 10
    income = [1e5] * 2 + [None, 0] + [1e5] * 8
    path = write_census(tmp_path, 2015, frame=census_frame().assign(Ind=people, Ind_snv=income))
    assert len(read(path, 2015, tmp_path)) == 8
    assert "drops 2 of 12 rows, 16.7 %, without people: CRS3035" in caplog.text
    assert "drops 2 of 12 rows, 16.7 %, without income" in caplog.text


def test_group_stands_only_where_cells_share_it(tmp_path):
    imputed = [1] * 4 + [0] * 8
    group = [7, 7, 8, 9] + [10] * 8
    frame = census_frame().assign(I_est_cr=imputed, Groupe=group)
    path = write_census(tmp_path, 2015, frame=frame)
    got = read(path, 2015, tmp_path).set_index("idINSPIRE")["group"]
    assert got[[cell_id(0, 0), cell_id(1, 0)]].tolist() == ["7", "7"]
    assert got.notna().sum() == 2


# the table on disk


def test_truncated_parquet_is_refused(tmp_path):
    path = tmp_path / "census_2015.parquet"
    incomes.write_table(read(write_census(tmp_path, 2015), 2015, tmp_path), path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="cannot be read"):
        incomes.read_strip(path, (0, 0, 1e7, 1e7))


def test_strip_holds_the_cells_within_bounds_and_no_other(tmp_path):
    path = tmp_path / "census_2015.parquet"
    source = write_census(tmp_path, 2015, frame=census_frame(2015, 20, 20))
    table = read(source, 2015, tmp_path)
    incomes.write_table(table, path)
    west, south = samples.WEST + 350, samples.SOUTH + 901
    east, north = samples.WEST + 1100, samples.SOUTH + 2900
    got = incomes.read_strip(path, (west, south, east, north))
    x, y = grid.centres(table["idINSPIRE"]).T
    expected = table[(x >= west) & (x <= east) & (y >= south) & (y <= north)]
    pd.testing.assert_frame_equal(got, expected.reset_index(drop=True))


def test_strip_of_the_1km_grid(tmp_path):
    path = tmp_path / "census_2015_1km.parquet"
    source = write_census(tmp_path, 2015, frame=census_frame(2015, 4, 4, 1000), grid="1000m")
    table = layouts.read_source(source, 2015, tmp_path / "scratch", 1000)
    incomes.write_table(incomes.clean(table, "sample", 1000), path)
    west, south = samples.WEST, samples.SOUTH
    got = incomes.read_strip(path, (west + 600, south + 400, west + 1600, south + 1600), 1000)
    assert got["idINSPIRE"].tolist() == [cell_id(1, 0, 1000), cell_id(1, 1, 1000)]


@pytest.mark.slow
def test_city_is_selected_from_all_of_france_within_5_seconds(tmp_path):
    """2.3 million cells in a square of 1516 x 1516, and a city of 90,000 (Paris: 68,000)."""
    side = np.arange(1516)
    south = np.repeat(2_300_000 + 200 * side, len(side))
    west = np.tile(3_300_000 + 200 * side, len(side))
    ids = pd.Series([f"CRS3035RES200mN{n}E{e}" for n, e in zip(south, west, strict=True)])
    rest = {"depcom": "75056", "ind": 10.0, "men": 4.0, "men_pauv": 1.0, "ind_snv": 2e5}
    rest |= {"imputed": False, "group": None}
    incomes.write_table(pd.DataFrame({"idINSPIRE": ids} | rest), tmp_path / "census_2015.parquet")
    outline = shapely.box(3_400_000, 2_400_000, 3_460_000, 2_460_000)
    started = cpu_seconds()
    strip = incomes.read_strip(tmp_path / "census_2015.parquet", outline.bounds)
    cells = selection.select_cells(strip, outline, "Paris")
    seconds = cpu_seconds() - started
    assert len(cells) == 90_000 and seconds < 5, seconds


# the real thing


@pytest.fixture(scope="module")
def bordeaux(tmp_path_factory):
    source = samples.REAL_DATA / "filosofi2015_bordeaux.gpkg"
    if not source.exists():
        pytest.skip("no real samples here")
    table = layouts.read_source(source, 2015, tmp_path_factory.mktemp("scratch"))
    return incomes.clean(table, "bordeaux")


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
