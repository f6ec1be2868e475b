"""Tables of the page: heads in words, values with their intervals, nothing lost."""

import pandas as pd
import pytest

import column_dictionary
from report_tables import activation_ratios, block_size, leakage, metrics
from urbancam.showing import exhibits
from urbancam.showing.report import column_words, tables


def column(table: tables.PageTable, head: str) -> list[str]:
    return [row[table.heads.index(head)] for row in table.rows]


def test_values_stand_with_their_intervals_and_lead_to_their_cells():
    got = tables.tabulate("activation_ratio", activation_ratios(), 0.95, block_size())
    assert column(got, "ratio") == [
        "1.8 [1.2, 2.4]",
        "0.7 [0.5, 0.9]",
        "0.6 [0.2, 1.1]",
        "1.3 [0.8, 2]",
    ]
    assert got.keys == ["roads", "roads", "water", "water"] and "class" not in got.heads
    assert got.note == "In brackets: intervals, 95 %, blocks of 2 km, 80 effective."


def test_each_interval_goes_to_its_own_quantity():
    frame = pd.DataFrame(
        {
            "value": [1.0],
            "ci_low": [0.5],
            "ci_high": [1.5],
            "kept": [0.25],
            "kept_ci_low": [0.1],
            "kept_ci_high": [0.4],
            "null": ["other cell"],
            "null_low": [-1.0],
            "null_high": [1.0],
        }
    )
    got = tables.make_table("", "", frame)
    assert dict(zip(got.heads, got.rows[0], strict=True)) == {
        "value": "1 [0.5, 1.5]",
        "kept": "0.25 [0.1, 0.4]",
        "held against": "other cell",
        "band of the null": "[-1, 1]",
    }


@pytest.mark.parametrize("name", [name for name, heading in exhibits.TABLES.items() if heading])
def test_every_interval_of_a_table_finds_its_quantity(name):
    columns = column_dictionary.entries("income")[f"{name}.csv"].columns
    lows = [text for text in columns if text.endswith("ci_low")]
    found = {low: column_words.value_of(low.removesuffix("_low"), sorted(columns)) for low in lows}
    assert None not in found.values()


def test_leakage_has_a_column_a_metric_and_no_split_is_lost():
    got = tables.tabulate_leakage(leakage())
    assert got["split"].tolist() == ["random", "block", "block", "city"]
    assert got["spearman"].iloc[-1] == "0.40 [0.30, 0.50]"
    assert got.loc[1, "difference"] == "0.20 [0.10, 0.30]"


def test_scores_have_a_column_a_metric_and_what_the_model_is_ahead():
    got = tables.tabulate_scores(metrics()).set_index(["subset", "predictor"])
    assert got.loc[("all", "model"), "spearman"] == "0.76 [0.70, 0.81]"
    assert got.loc[("imputed", "model"), "spearman"] == "0.50 [0.10, 0.70]"
    assert got.loc[("all", "coordinates"), "difference"] == "0.28 [0.10, 0.40]"


def test_seeds_are_shown_where_there_are_several():
    table = pd.DataFrame(
        {"quantity": "metrics", "metric": ["accuracy"], "n_seeds": [1], "sd": None}
    )
    assert tables.tabulate("seeds", table, 0.95, block_size()) is None
    assert len(tables.tabulate("seeds", table.assign(n_seeds=3), 0.95, block_size()).rows) == 1


def test_long_tables_say_what_is_left_out():
    frame = pd.DataFrame({"value": range(tables.MOST_ROWS + 7)})
    got = tables.make_table("claims", "Claims", frame)
    assert (len(got.rows), got.left_out) == (tables.MOST_ROWS, 7)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, "yes"),
        (None, ""),
        (float("nan"), ""),
        (12345.678, "12,346"),
        (0.12345, "0.123"),
        (-0.0004, "-4.0e-04"),
        (-0.0, "0"),
        ("coordinates", "place (the nearest cells)"),
    ],
)
def test_values_are_written_for_people(value, expected):
    frame = pd.DataFrame({"x": pd.Series([value], dtype=object)})
    assert tables.make_table("", "", frame).rows == [[expected]]
