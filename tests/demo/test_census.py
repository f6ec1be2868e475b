"""The census of the demo city: INSEE's columns, its useless rows and its imputed groups."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from urbancam.demo import package
from urbancam.demo.people import households


@pytest.fixture(scope="module")
def census(packed) -> gpd.GeoDataFrame:
    return gpd.read_file(packed.census_data / f"{package.CENSUS}_shp.zip")


def test_cells_of_the_city_lie_on_tile_and_pack_borders(census, site):
    x, y = site.centre
    border = shapely.LineString([(x, y), (x, y - 1000)])
    squares = census.geometry[census["Depcom"].str.endswith("01")]
    assert squares.intersects(border).sum() >= 2
    assert site.domain.contains(shapely.union_all(squares.to_numpy()))


def test_census_has_insees_columns(census):
    assert list(census.columns.drop("geometry")) == households.COLUMNS
    assert len(households.COLUMNS) == 37
    assert census.crs.to_epsg() == 2154
    assert census["IdINSPIRE"].is_unique


def test_census_has_rows_of_no_use(census):
    assert (census["Ind"] == 0).any()
    assert census["Ind_snv"].isna().any()


def test_imputed_cells_of_a_group_share_one_income_within_400_m(full_table):
    table = full_table[full_table["I_est_cr"] == 1]
    per_person = (table["Ind_snv"] / table["Ind"]).groupby(table["Groupe"])
    assert (per_person.max() - per_person.min()).max() < 0.1
    assert per_person.size().min() >= 2
    block = table["IdINSPIRE"].str.extract(r"N(\d+)E(\d+)").astype(int) // households.GROUP_M
    assert (block.groupby(table["Groupe"]).nunique() == 1).all(axis=None)


def test_imputed_groups_have_as_many_households_as_may_be_published(full_table):
    table = full_table[full_table["I_est_cr"] == 1]
    of_group = table.groupby("Groupe")["Men"].sum()
    assert of_group.min() >= households.SECRECY_HOUSEHOLDS > table["Men"].max()


def test_counts_of_one_whole_add_up_to_it(full_table):
    table = full_table.query("I_est_cr == 0")
    assert np.allclose(table[list(households.AGES)].sum(axis=1), table["Ind"])
    assert np.allclose(table[list(households.BUILT)].sum(axis=1), table["Men"])
    assert np.allclose(table["Men_coll"] + table["Men_mais"], table["Men"])
