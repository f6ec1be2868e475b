"""Deletion curves over all cells: straight lines, and none at all."""

import numpy as np
import pandas as pd
import pytest

from urbancam.explaining.deletion_curves import deletion_tables
from urbancam.workflow.settings import settings

STATISTICS = settings.load("default").statistics
IDS = [f"cell{i:03d}" for i in range(40)]
BLOCKS = pd.Series([f"block{i // 3}" for i in range(40)], index=IDS)


def make_curves(slopes: dict[str, float]) -> pd.DataFrame:
    """Straight deletion curves of all cells but the last, each cell's slope a little different."""
    rows = []
    for order, slope in slopes.items():
        for i, cell in enumerate(IDS[:39]):
            slope_of_cell = slope + 0.01 * (i % 3 - 1)
            for fraction in np.linspace(0, 1, 5):
                row = {
                    "idINSPIRE": cell,
                    "order": order,
                    "curve": "deletion",
                    "fraction": fraction,
                    "value": slope_of_cell * fraction,
                }
                rows.append(row)
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    curves = make_curves({"published": -2.0, "random": -1.0})
    return deletion_tables(curves, BLOCKS, STATISTICS, 0)


def test_deletion_curve_of_straight_lines(tables):
    rows = tables[0].set_index(["order", "fraction"])
    assert rows.loc["published", "value"].tolist() == pytest.approx([0, -0.5, -1, -1.5, -2])
    assert rows["n_cells"].eq(39).all()
    assert (rows["ci_low"] <= rows["value"]).all()


def test_deletion_area_of_straight_lines(tables):
    areas = tables[1].set_index("order")
    published = areas.loc["published"]
    assert published[["area", "above_random"]].tolist() == pytest.approx([-1, -0.5])
    assert published["above_random_ci_high"] < 0
    assert areas.loc["random", "above_random"] == 0


def test_no_curves_give_empty_tables_with_their_columns():
    no_curves = make_curves({"random": 1}).iloc[:0]
    curve_table, area_table = deletion_tables(no_curves, BLOCKS, STATISTICS, 0)
    key = ["order", "curve"]
    interval = ["ci_low", "ci_high"]
    assert curve_table.empty
    assert list(curve_table) == [*key, "fraction", "n_cells", "value", *interval]
    assert area_table.empty
    assert list(area_table)[:6] == [*key, "n_cells", "area", *interval]
