"""The long table over cities and runs holds every row of theirs once, under its own words."""

import pandas as pd

from report_tables import activation_contrast, activation_ratios, metrics
from urbancam.showing import all_runs


def joined() -> pd.DataFrame:
    return all_runs.join_runs(
        {
            ("Lyon", "default", "metrics"): metrics(),
            ("Paris", "default", "metrics"): metrics(difference=(0.1, 0.0, 0.2)),
            ("Paris", "paper", "activation_ratio"): activation_ratios(),
            ("Paris", "paper", "activation_contrast"): activation_contrast(),
        }
    )


def test_every_row_of_every_run_is_there_once():
    got = joined()
    assert got.columns.tolist() == all_runs.COLUMNS
    sizes = got.groupby(["city", "run", "table"], sort=False).size()
    expected = [len(metrics()), len(metrics()), len(activation_ratios()), 2]
    assert sizes.tolist() == expected
    assert not got.duplicated(["city", "run", "table", *all_runs.KEYS]).any()


def test_values_and_differences_are_those_of_the_runs_own_tables():
    scores = joined().query("table == 'metrics' and predictor == 'coordinates'")
    assert scores["value"].tolist() == [0.48, 0.48]
    assert scores.set_index("city")["difference"].to_dict() == {"Lyon": 0.28, "Paris": 0.1}
    of_water = joined().query("`class` == 'water'").set_index(["table", "side"])
    assert of_water.loc[("activation_ratio", "poor"), ["value", "n_cells"]].tolist() == [0.6, 9]
    assert joined().query("table == 'activation_contrast'")["value"].tolist() == [-0.94, 0.77]


def test_without_a_run_there_are_the_columns_alone():
    assert all_runs.join_runs({}).columns.tolist() == all_runs.COLUMNS
