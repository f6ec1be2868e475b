"""One word means one thing in all tables, as results/README.md tells their columns."""

import re

import pytest

import column_dictionary

EXPERIMENTS = ("income", "cities")
TABLES = {
    name: entry.columns | entry.optional
    for experiment in EXPERIMENTS
    for name, entry in column_dictionary.entries(experiment).items()
}
OF_CELLS = {"census_<vintage>.parquet", "cells.parquet", "samples.csv"}  # with INSEE's groups
# Numbers that stand under another name than theirs in columns of the contract
NAMELESS_COUNTS = {"n", "count", "support", "cells"}
BAND = {"null_low", "null_high"}  # what is not told from the null, no interval of an estimate


def tables_with(column: str) -> set[str]:
    return {name for name, columns in TABLES.items() if column in columns}


def test_numbers_say_of_what():
    assert len(TABLES) > 40
    wrong = {name: columns & NAMELESS_COUNTS for name, columns in TABLES.items()}
    assert {name: columns for name, columns in wrong.items() if columns} == {}
    assert tables_with("cells_#") == set()


def test_a_group_is_one_of_insee():
    assert tables_with("group") == OF_CELLS


def test_classes_of_income_have_their_own_name():
    assert "class" not in TABLES["classification_report.csv"]
    assert "income_class" in TABLES["classification_report.csv"]


@pytest.mark.parametrize("end", ["low", "high"])
def test_intervals_are_named_alike_and_after_their_quantity(end):
    for name, columns in TABLES.items():
        ends = {column for column in columns if re.search(rf"_{end}$", column)} - BAND
        assert all(column.endswith(f"ci_{end}") for column in ends), (name, ends)
        quantities = {column.removesuffix(f"ci_{end}").rstrip("_") for column in ends}
        without_image = {re.sub("(^|_)image$", "", quantity) for quantity in quantities}
        assert without_image - {""} <= columns, (name, without_image)


def test_differences_stand_beside_the_scores_with_their_interval():
    scored = {"metrics.csv", "subgroups.csv", "distance.csv", "calibration.csv", "leakage.csv"}
    assert tables_with("difference") == scored | {"transfer.csv", "accuracy.csv", "all_runs.csv"}
    assert tables_with("difference") == tables_with("difference_ci_low")
