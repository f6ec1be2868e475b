"""The published polar figure: what it draws is read back from the artists."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba

from figure_tables import CLASSES, activation_ratios, texts, words
from urbancam.showing.figures import polar, style


@pytest.fixture
def ratio_table() -> pd.DataFrame:
    return activation_ratios()


def test_polar_bars_end_at_the_cap_with_their_value(ratio_table):
    ax = polar.draw_polar_ratios(ratio_table, CLASSES).axes[0]
    rich = [patch for patch in ax.patches if patch.get_facecolor() == to_rgba("#c64737", 1)]
    heights = [patch.get_height() for patch in rich]
    assert heights == [2.0, 0.9]
    assert [text.get_text() for text in ax.texts if text.get_gid() == "cap"] == ["2.6"]


def test_polar_capped_bar_has_no_interval_others_have(ratio_table):
    ax = polar.draw_polar_ratios(ratio_table, CLASSES).axes[0]
    lines = [line for line in ax.lines if line.get_color() == "black"]
    spans = [tuple(line.get_ydata()) for line in lines if len(line.get_ydata()) == 2]
    assert sorted(spans) == [(0.3, 0.8), (0.7, 1.1), (1.2, 1.9)]


def test_polar_sector_and_bars_in_too_few_blocks_are_faded(ratio_table):
    lacks = ratio_table["class"] == "roads"
    table = ratio_table.assign(
        ci_low=ratio_table["ci_low"].mask(lacks), ci_high=ratio_table["ci_high"].mask(lacks)
    )
    ax = polar.draw_polar_ratios(table, CLASSES).axes[0]
    sectors = [patch.get_facecolor()[3] for patch in ax.patches[:4]]
    full, faded = polar.SECTOR_ALPHA, polar.FADED_ALPHA
    assert sectors == [full, faded, faded, faded]  # roads, and the classes without a ratio
    bars = [patch.get_facecolor()[3] for patch in ax.patches[8:]]
    assert bars == [1, polar.FADED_BAR_ALPHA] * 2  # of each side green areas, then roads


def test_polar_class_without_ratio_says_so(ratio_table):
    ax = polar.draw_polar_ratios(ratio_table, CLASSES).axes[0]
    got = words(ax)
    assert "10 Water (NA)" in got
    assert "17 Dense urban fabric (50-80\N{NO-BREAK SPACE}%) (NA)" in got


def test_shares_stay_in_one_line(ratio_table):
    classes = CLASSES.assign(name="Continuous urban fabric (> 80 %)")
    got = words(polar.draw_polar_ratios(ratio_table, classes).axes[0])
    assert "(>\N{NO-BREAK SPACE}80\N{NO-BREAK SPACE}%)" in got and "> 80" not in got


def test_a_long_name_stays_in_the_hole(ratio_table):
    figure = polar.draw_polar_ratios(ratio_table, CLASSES, "Saint-Remy-en-Bouzemont-Saint-Genest")
    figure.canvas.draw()
    ax = figure.axes[0]
    name = next(text for text in ax.texts if "Saint-Remy" in text.get_text())
    box = name.get_window_extent()
    middle = ax.transData.transform((0, -polar.INNER))
    radius = ax.transData.transform((0, 0))[1] - middle[1]
    corners = [(x, y) for x in (box.x0, box.x1) for y in (box.y0, box.y1)]
    assert max(np.hypot(*(corner - middle)) for corner in corners) < radius


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


def many_classes() -> pd.DataFrame:
    """More classes than have room around the circle; the sample's four are among them."""
    keys = [*CLASSES["class"], *(f"class_{number}" for number in range(40))]
    return pd.DataFrame(
        {
            "class": keys,
            "number": range(1, 45),
            "name": [f"Class {key}" for key in keys],
            "super_class": "all",
            "super_class_colour": "#aeaeb8",
        }
    )


def test_of_many_classes_those_with_a_ratio_have_sectors(ratio_table):
    figure = polar.draw_polar_ratios(ratio_table, many_classes())
    named = [word for word in texts(figure) if "Class" in word.replace("\n", " ")]
    assert len(named) == ratio_table.dropna(subset="ratio")["class"].nunique()


def test_no_ratio_of_many_classes_is_drawn_without_warning(ratio_table):
    table = ratio_table.assign(ratio=np.nan, ci_low=np.nan, ci_high=np.nan)
    assert len(style.render(polar.draw_polar_ratios(table, many_classes()), "png")) > 1000
