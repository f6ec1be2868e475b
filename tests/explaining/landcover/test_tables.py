"""What all tables of land cover have in common: significance, one block, a city of a large size."""

import string
import time
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from land_cover_cities import TABLES, green_in_two_blocks, make_city, random_city
from urbancam.explaining.landcover.city import LandCover
from urbancam.explaining.landcover.observed import class_income, observed_association
from urbancam.explaining.landcover.ordering import ordering_agreement
from urbancam.explaining.landcover.pairs import coactivation

TESTED = ["coactivation", "observed_association", "observed_coassociation"]
SIGNIFICANCE = ["p_value", "q_value", "significant"]


def ordering_without_surrogates(city: LandCover) -> pd.DataFrame:
    return ordering_agreement(city, np.empty((0, len(city.predictions)), dtype=int))


ALL_TABLES = TABLES | {
    "class_income": class_income,
    "ordering_agreement": ordering_without_surrogates,
}


@pytest.mark.parametrize("name", TESTED)
def test_significance_stands_last_and_agrees_with_the_interval(mixed, name):
    table = TABLES[name](mixed)
    assert list(table)[-3:] == SIGNIFICANCE
    assert table["significant"].dtype == bool
    assert (table["q_value"] >= table["p_value"]).all()
    assert table["p_value"].notna().equals(table["ci_low"].notna())


def test_ratios_have_intervals_and_no_test(city):
    # A map that is bright on one class is dark on the others: 1 is no null (test_local.py).
    for table in (city.activation_ratio(), city.contrast(), city.contribution_by_class()):
        assert not set(SIGNIFICANCE) & set(table)
        assert table["ci_low"].notna().all()


def test_intervals_leave_the_null_where_the_map_does_and_the_inert_class_is_not(city):
    contrast = city.contrast().set_index("class")
    assert contrast.loc["green ua", "ci_low"] > 0 > contrast.loc["comr_indst", "ci_high"]
    assert contrast.loc["roads", "ci_low"] < 0 < contrast.loc["roads", "ci_high"]
    contribution = city.contribution_by_class().set_index("class")
    assert contribution.loc["green ua", "ci_low"] > 0 > contribution.loc["comr_indst", "ci_high"]


def test_map_that_follows_area_pairs_nothing():
    assert (coactivation(make_city(gain=1.0))["p_value"] == 1).all()


def test_q_values_are_those_of_one_side(mixed):
    for _, side in observed_association(mixed).groupby("side"):
        expected = stats.false_discovery_control(side["p_value"])
        assert side["q_value"].to_numpy() == pytest.approx(expected)


def test_class_in_few_blocks_is_not_tested_nor_counted():
    city = make_city(change=green_in_two_blocks)
    table = observed_association(city).set_index(["side", "class"]).loc["rich"]
    green = table.loc["green ua"]
    assert np.isnan(green[["p_value", "q_value"]].astype(float)).all()
    assert not green["significant"]
    others = table.loc[["comr_indst", "roads"]]
    expected = stats.false_discovery_control(others["p_value"])
    assert others["q_value"].to_numpy() == pytest.approx(expected)


@pytest.mark.parametrize("name", ALL_TABLES)
def test_city_of_one_block_has_tables_without_intervals(name):
    table = ALL_TABLES[name](random_city(n=5, min_joint_cells=1))
    assert len(table)
    assert table["ci_low"].isna().all()
    if "p_value" in table:
        assert table["p_value"].isna().all()


@pytest.mark.slow
def test_city_of_the_size_of_paris_within_a_minute_and_2_gb():
    tracemalloc.start()
    start = time.process_time()  # others may use the machine
    city = random_city(70_000, names=string.ascii_lowercase[:20], cells_a_block=35)
    tables = {name: table(city) for name, table in ALL_TABLES.items()}
    seconds = time.process_time() - start
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert city.n_blocks == 2000
    assert len(tables["coactivation"]) == 760
    assert tables["coactivation"]["p_value"].notna().all()
    assert seconds < 60
    assert peak_bytes < 2e9
