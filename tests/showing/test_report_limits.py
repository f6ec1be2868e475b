"""The limits say what must be kept in mind of this run."""

from report_tables import metrics
from urbancam.showing.report import limits


def test_limits_give_the_share_of_imputed_cells():
    assert "25%" in limits.name_limits(metrics(), rendered=False)[0]


def test_a_rendered_city_is_told_first():
    assert "rendered" in limits.name_limits(metrics(), rendered=True)[0]


def test_a_target_that_is_no_income_is_told_first():
    got = limits.name_limits(metrics(), rendered=False, target="density")
    assert "quintiles of people" in got[0]
