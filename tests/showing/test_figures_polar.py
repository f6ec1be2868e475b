"""The published polar figure: what it draws is read back from the artists."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba

from figure_tables import CLASSES, activation_ratios
from urbancam.showing.figures import polar, style


@pytest.fixture
def ratio_table() -> pd.DataFrame:
    return activation_ratios()


def test_polar_bars_end_at_the_cap_with_their_value(ratio_table):
    ax = polar.draw_polar_ratios(ratio_table, CLASSES).axes[0]
    rich = [patch for patch in ax.patches if patch.get_facecolor() == to_rgba("#c64737")]
    heights = [patch.get_height() for patch in rich]
    assert heights == [2.0, 0.9]
    assert [text.get_text() for text in ax.texts if text.get_gid() == "cap"] == ["2.6"]


def test_polar_capped_bar_has_no_interval_others_have(ratio_table):
    ax = polar.draw_polar_ratios(ratio_table, CLASSES).axes[0]
    spans = [tuple(line.get_ydata()) for line in ax.lines if len(line.get_ydata()) == 2]
    assert sorted(spans) == [(0.3, 0.8), (0.7, 1.1), (1.2, 1.9)]


def test_polar_sector_of_a_class_without_ratio_is_grey_and_says_so(ratio_table):
    ax = polar.draw_polar_ratios(ratio_table, CLASSES).axes[0]
    grey = to_rgba(style.UNUSED_COLOUR)
    is_grey = [to_rgba(patch.get_facecolor(), 1) == grey for patch in ax.patches[:4]]
    assert is_grey == [False, False, True, True]
    names = {text.get_text() for text in ax.texts}
    assert "Water (NA)" in names
    assert "Dense urban\nfabric (50-80\N{NO-BREAK SPACE}%)\n(NA)" in names


def test_polar_has_one_blank_sector_at_the_top(ratio_table):
    ax = polar.draw_polar_ratios(ratio_table, CLASSES).axes[0]
    middles = [patch.get_x() + patch.get_width() / 2 for patch in ax.patches[:4]]
    assert middles == pytest.approx(2 * np.pi / 5 * np.arange(1, 5))


@pytest.mark.parametrize("side", ["poor", "rich"])
def test_an_empty_side_is_drawn_without_warning(ratio_table, side):
    figure = polar.draw_polar_ratios(ratio_table[ratio_table["side"] == side], CLASSES)
    assert len(style.render(figure, "png")) > 1000


def test_no_ratio_at_all_is_drawn_without_warning(ratio_table):
    table = ratio_table.assign(ratio=np.nan, ci_low=np.nan, ci_high=np.nan)
    assert len(style.render(polar.draw_polar_ratios(table, CLASSES), "png")) > 1000
