"""The limits say what must be kept in mind of this run."""

import pandas as pd
import pytest

from report_tables import metrics
from urbancam.showing.report import limits


def images(*years, column="years_from_income"):
    """Rows of `images.csv` with these years in a column, and one without an image."""
    years = years or (-1, 3)
    paths = [*["a.png"] * len(years), None]
    return pd.DataFrame({"path": paths, "void_fraction": 0.0, column: [*years, None]})


def test_shares_of_void_are_said():
    void = images(1, 1, 1).assign(void_fraction=[0.004, 0.5, 0.0, 1.0])
    (got,) = [words for words in limits.name_limits(metrics(), void, False) if "oid" in words]
    assert "more than 0.01 of the image of 1 of 3 cells, which are not used" in got
    assert "of the others' images 0.20% is void on average" in got
    (none,) = [words for words in limits.name_limits(metrics(), images(), False) if "oid" in words]
    assert "of 0 of 2 cells, which are not used; no other has any" in none


def test_limits_give_the_share_of_imputed_cells():
    assert "25%" in limits.name_limits(metrics(), images(), rendered=False)[0]


def test_a_rendered_city_is_told_first():
    assert "rendered" in limits.name_limits(metrics(), images(), rendered=True)[0]


def test_tokens_are_told_for_what_they_are():
    got = limits.name_limits(metrics(), images(), rendered=False, has_tokens=True)
    assert "attended to the whole image" in got[0]
    assert not any("token" in words for words in limits.name_limits(metrics(), images(), False))


def test_a_target_that_is_no_income_is_told_first():
    got = limits.name_limits(metrics(), images(), rendered=False, target="density")
    assert "quintiles of people" in got[0]
    assert "is no baseline here" in got[0]


@pytest.mark.parametrize(
    ("column", "source"),
    [("years_from_income", "the incomes"), ("years_from_land_cover", "the land cover")],
)
@pytest.mark.parametrize(
    ("years", "expected"),
    [
        ((-1, 3, 3), "-1 to +3 years from {} (median +3). Above"),
        ((2, 2), "taken +2 years from {}. Above"),
        ((2, None), "+2 years from {}; of 50% of the cells the year is not known"),
        ((None,), "between the images and {} is not known"),
    ],
)
def test_years_to_the_images_are_said(column, source, years, expected):
    got = limits.name_limits(metrics(), images(*years, column=column), rendered=False)
    assert any(expected.format(source) in limit for limit in got)


def test_images_of_an_older_step_leave_the_years_out():
    old = images().drop(columns="years_from_income")
    got = limits.name_limits(metrics(), old, rendered=False)
    assert not any("years from" in limit or "is not known" in limit for limit in got)


def test_cells_of_a_file_are_not_of_the_census():
    of_insee = " ".join(limits.name_limits(metrics(), images(), False))
    assert "imputed by INSEE" in of_insee and "inhabited" in of_insee
    of_file = " ".join(limits.name_limits(metrics(), images(), False, of_insee=False))
    assert "25% of the cells is an estimate" in of_file
    assert "INSEE" not in of_file and "inhabited" not in of_file
    table = metrics()
    table.loc[table["subset"] == "imputed", "n_cells"] = 0
    none = " ".join(limits.name_limits(table, images(), False, of_insee=False))
    assert "estimate" not in none


def test_years_that_are_the_same_are_not_called_different():
    words = "taken in different years"
    assert words in " ".join(limits.name_limits(metrics(), images(0, 1), False))
    assert words not in " ".join(limits.name_limits(metrics(), images(0, 0), False))
