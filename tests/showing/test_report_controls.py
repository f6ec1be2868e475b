"""Sentences on controls say what an activation ratio is worth."""

import pandas as pd
import pytest

from urbancam.showing.report import controls


def agreement(rows: dict[str, tuple]) -> pd.DataFrame:
    columns = ["kind", "rank_correlation", "ci_low", "ci_high"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    return table.rename_axis("control").reset_index().assign(side="contrast")


def test_controls_that_keep_the_order_are_named():
    table = agreement(
        {
            "published": ("published", 1.0, 1.0, 1.0),
            "hirescam": ("method", 0.9, 0.8, 1.0),
            "edges": ("control", 0.5, 0.2, 0.7),
            "weights_1": ("control", 0.9, 0.8, 1.0),
            "weights_2": ("control", 0.0, -0.3, 0.3),
            "shifted": ("control", 0.8, 0.7, 0.9),
        }
    )
    methods, blind = controls.summarise_controls(table)
    assert "0.90 [0.80, 1.00] (HiResCAM)" in methods
    assert "image edges keep" in blind
    assert "(all weights random)" in blind
    assert "weights 1" not in blind
    assert "shifted" not in blind


def test_size_that_is_kept_without_what_was_learnt_is_said():
    table = agreement(
        {
            "edges": ("control", 0.9, 0.8, 1.0),
            "shuffled_labels": ("control", None, None, None),
            "weights_1": ("control", 0.9, 0.8, 1.0),
            "weights_2": ("control", 0.0, -0.3, 0.3),
        }
    )
    table = table.assign(
        kept=[0.01, 0.03, 0.5, 0.04],
        kept_ci_low=[0, -0.12, 0.4, None],
        kept_ci_high=0.6,
        n_classes=7,
    )
    last = controls.summarise_controls(table)[-1]
    labels = "(labels shuffled, 7 classes)"
    network = "(all weights random, 7 classes)"
    assert f"3% [-12%, 60%] {labels} and 4% {network}" in last
    assert "50%" not in last


def test_without_controls_nothing_is_said_of_them():
    table = agreement({"published": ("published", 1.0, 1.0, 1.0)})
    assert controls.summarise_controls(table) == []


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (-0.5, -0.1, "marks what the logit hangs on."),
        (0.1, 0.5, "less than chance"),
        (-0.1, 0.1, "leaves that open"),
    ],
)
def test_deletion_below_random_is_what_the_map_promises(low, high, expected):
    area = pd.DataFrame(
        {
            "order": ["published"],
            "curve": ["deletion"],
            "area": [-1.0],
            "ci_low": [-1.2],
            "ci_high": [-0.8],
            "above_random": [(low + high) / 2],
            "above_random_ci_low": [low],
            "above_random_ci_high": [high],
        }
    )
    assert expected in controls.summarise_deletion(area)[0]
    assert controls.summarise_deletion(area[:0]) == []


def test_best_shift_is_said_beside_the_map_as_it_is_laid():
    shifts = pd.DataFrame(
        {
            "east_m": [0.0, -6.25],
            "north_m": [0.0, 0.0],
            "explained": [0.2, 0.25],
            "best": [False, True],
            "best_share": [0.1, 0.9],
        }
    )
    (got,) = controls.summarise_shift(shifts)
    assert "-6.2 m east and 0.0 m north (in 90% of the draws): 0.250" in got
    assert "0.200 where it is laid" in got
    assert controls.summarise_shift(shifts.head(0)) == []


def test_each_null_is_named_with_what_its_map_lacks():
    nulls = pd.DataFrame(
        {
            "side": ["contrast", "contrast", "rich", "contrast", "contrast"],
            "null": ["other_cell", "other_cell", "other_cell", "other_cell", "shuffled_labels"],
            "value": [0.5, 0.0, 3.0, 0.7, 0.1],
            "null_low": [-0.1, -0.1, 0.9, None, -0.2],
            "null_high": [0.1, 0.1, 1.1, None, 0.2],
        }
    )
    shuffled, other_cell = controls.summarise_nulls(nulls)
    assert "nothing to find: 0 of 1 contrasts" in shuffled
    assert "the map of another cell" in other_cell and ": 1 of 2 contrasts" in other_cell
    assert controls.summarise_nulls(nulls.head(0)) == []
