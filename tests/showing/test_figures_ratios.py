"""Activation ratios as dots: what the figure draws is read back from the artists."""

import numpy as np
import pandas as pd
import pytest

from figure_tables import activation_ratios, words
from urbancam.showing.figures import ratios, style


@pytest.fixture
def ratio_table() -> pd.DataFrame:
    return activation_ratios()


def test_classes_are_sorted_from_rich_to_poor(ratio_table):
    assert ratios.sort_classes(ratio_table) == ["green_ua", "roads", "hd_uf"]


def test_classes_are_sorted_by_the_contrast_where_there_is_one(ratio_table):
    contrast = pd.DataFrame({"class": ["green_ua", "roads"], "log_ratio": [-1.0, 2.0]})
    assert ratios.sort_classes(ratio_table, contrast) == ["roads", "green_ua", "hd_uf"]


def test_a_ratio_of_zero_is_an_arrow_at_the_edge(ratio_table):
    ratio_table.loc[0, ["ratio", "ci_low"]] = 0.0
    ax = ratios.draw_activation_ratios(ratio_table).axes[0]
    arrows = [line for line in ax.lines if line.get_marker() == "<"]
    assert [arrow.get_xdata()[0] for arrow in arrows] == [ax.get_xlim()[0]]


def test_an_interval_that_leaves_the_axis_ends_in_an_arrow(ratio_table):
    ratio_table.loc[0, "ci_low"] = 0.001
    ratio_table.loc[1, "ci_high"] = 99.0
    ax = ratios.draw_activation_ratios(ratio_table).axes[0]
    arrows = {line.get_marker(): line for line in ax.lines if line.get_marker() in "<>"}
    assert arrows["<"].get_xdata().tolist() == [ax.get_xlim()[0]]
    assert arrows[">"].get_xdata().tolist() == [ax.get_xlim()[1]]
    assert {arrow.get_markersize() for arrow in arrows.values()} == {ratios.ARROW_PT}
    dots = [line.get_xdata()[0] for line in ax.lines if line.get_marker() in "os"]
    assert {0.5, 2.6} <= set(dots)  # the ratios themselves stay dots


def test_a_wide_contrast_does_not_squeeze_all_others(ratio_table):
    contrast = pd.DataFrame({"class": ["green_ua"], "log_ratio": [1.0]})
    contrast = contrast.assign(ci_low=-9.0, ci_high=9.0)
    ax = ratios.draw_activation_ratios(ratio_table, contrast).axes[1]
    assert ax.get_xlim() == pytest.approx((-np.log(16), np.log(16)))
    assert {"<", ">"} <= {line.get_marker() for line in ax.lines}


def test_a_class_without_ratio_is_named_below_and_has_no_line(ratio_table):
    figure = ratios.draw_activation_ratios(ratio_table)
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["Green urban areas (12 | 30)", "Other roads (40 | 38)"]
    assert "In no cell: Dense urban fabric (50-80 %)." in words(figure)


def test_classes_may_be_raw_codes(ratio_table):
    codes = ratio_table["class"].map({"green_ua": 14100, "roads": 12220, "hd_uf": 11210})
    figure = ratios.draw_activation_ratios(ratio_table.assign(**{"class": codes}))
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["Green urban areas (12 | 30)", "Other roads (40 | 38)"]


@pytest.mark.parametrize("side", ["poor", "rich"])
def test_an_empty_side_is_drawn_without_warning(ratio_table, side):
    figure = ratios.draw_activation_ratios(ratio_table[ratio_table["side"] == side])
    assert len(style.render(figure, "png")) > 1000


def test_no_ratio_at_all_is_drawn_without_warning(ratio_table):
    table = ratio_table.assign(ratio=np.nan, ci_low=np.nan, ci_high=np.nan)
    assert len(style.render(ratios.draw_activation_ratios(table), "png")) > 1000


def test_contrast_and_contribution_have_a_panel_each(ratio_table):
    contrast = pd.DataFrame(
        {"class": ["green_ua"], "log_ratio": [1.2], "ci_low": [0.3], "ci_high": [2.0]}
    )
    contribution = contrast.rename(columns={"log_ratio": "value"})
    figure = ratios.draw_activation_ratios(ratio_table, contrast, contribution)
    assert len(figure.axes) == 3
    diamonds = [line for ax in figure.axes for line in ax.lines if line.get_marker() == "D"]
    assert [diamond.get_xdata()[0] for diamond in diamonds] == [1.2, 1.2]


def test_a_class_with_a_contribution_only_keeps_its_line(ratio_table):
    contribution = pd.DataFrame(
        {"class": ["hd_uf"], "value": [-0.4], "ci_low": [-0.6], "ci_high": [-0.2]}
    )
    figure = ratios.draw_activation_ratios(ratio_table, None, contribution)
    assert len(figure.axes[0].get_yticklabels()) == 3
    assert "In no cell" not in words(figure)
