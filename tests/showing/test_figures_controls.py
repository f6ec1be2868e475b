"""Figures of controls, deletion and co-activation: what they draw is read back from the artists."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import PathPatch

from figure_tables import texts
from urban_atlas_classes import class_table
from urbancam.showing.figures import chords, coactivation, style
from urbancam.showing.figures.controls import draw_controls
from urbancam.showing.figures.deletion import draw_deletion

CLASSES = class_table()
BY_CLASS = CLASSES.set_index("class")
SECTORS = chords.sectors_of(BY_CLASS, [])
SECTOR = 2 * np.pi / len(SECTORS)  # rad
CONTROLS = {"published": ("published", 1.0), "edges": ("control", 0.0), "hirescam": ("method", 0.9)}


@pytest.fixture
def controls() -> pd.DataFrame:
    """Three classes under three controls, sides left out: one rich, one poor, one without value."""
    rows = [
        (control, kind, key, key.title(), value * share)
        for control, (kind, share) in CONTROLS.items()
        for key, value in {"water": -1.0, "roads": 1.0, "port": np.nan}.items()
    ]
    table = pd.DataFrame(rows, columns=["control", "kind", "class", "name", "value"])
    return table.assign(
        side="contrast",
        ci_low=table["value"] - 0.5,
        ci_high=table["value"] + 0.5,
    )


@pytest.fixture
def agreement() -> pd.DataFrame:
    rows = [
        (control, kind, side, share)
        for control, (kind, share) in CONTROLS.items()
        for side in ("poor", "rich", "contrast")
    ]
    table = pd.DataFrame(rows, columns=["control", "kind", "side", "rank_correlation"])
    share = table["rank_correlation"]
    return table.assign(
        ci_low=share - 0.1,
        ci_high=share + 0.1,
        kept=share / 2,
        kept_ci_low=share - 0.1,
        kept_ci_high=share + 0.1,
    )


@pytest.fixture
def deletion() -> pd.DataFrame:
    points = pd.DataFrame({"fraction": np.linspace(0, 1, 5), "n_cells": 60})
    curves = []
    for order, power in {"published": 0.5, "random": 1}.items():
        for curve, sign in {"deletion": -1, "insertion": 1}.items():
            value = sign * points["fraction"] ** power
            curves.append(points.assign(order=order, curve=curve, value=value))
    table = pd.concat(curves, ignore_index=True)
    return table.assign(ci_low=table["value"] - 0.1, ci_high=table["value"] + 0.1)


@pytest.fixture
def area() -> pd.DataFrame:
    rows = [("published", "deletion", -0.17, -0.2, -0.1), ("random", "deletion", 0.0, 0.0, 0.0)]
    columns = ["order", "curve", "above_random", "above_random_ci_low", "above_random_ci_high"]
    return pd.DataFrame(rows, columns=columns)


# controls


def test_columns_are_the_published_map_then_methods_then_controls(controls, agreement):
    ax = draw_controls(controls, agreement).axes[2]
    labels = [label.get_text() for label in ax.get_xticklabels()]
    assert labels == ["published map", "HiResCAM", "image edges"]


def test_lines_are_classes_from_rich_to_poor_none_without_value(controls, agreement):
    ax = draw_controls(controls, agreement).axes[2]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["Roads", "Water"]
    got = ax.get_images()[0].get_array()
    assert got.tolist() == [[1.0, 0.9, 0.0], [-1.0, -0.9, 0.0]]


def test_a_sign_stands_where_the_interval_leaves_out_zero(controls, agreement):
    ax = draw_controls(controls, agreement).axes[2]
    signs = {text.get_position(): text.get_text() for text in ax.texts if len(text.get_text()) == 1}
    assert signs == {(0, 0): "+", (1, 0): "+", (0, 1): "\N{MINUS SIGN}", (1, 1): "\N{MINUS SIGN}"}


def test_strip_shows_each_sides_rank_correlation(controls, agreement):
    strip = draw_controls(controls, agreement).axes[0]
    diamonds = next(line for line in strip.lines if line.get_marker() == "D")
    assert diamonds.get_ydata().tolist() == [1.0, 0.9, 0.0]


def test_second_strip_shows_how_much_each_side_keeps(controls, agreement):
    strip = draw_controls(controls, agreement).axes[1]
    diamonds = next(line for line in strip.lines if line.get_marker() == "D")
    assert diamonds.get_ydata().tolist() == [0.5, 0.45, 0.0]


@pytest.mark.slow
@pytest.mark.parametrize("rows", [slice(0, 0), slice(0, 1), slice(2, 3)])
def test_few_or_no_controls_are_drawn_without_warning(controls, agreement, rows):
    figure = draw_controls(controls.iloc[rows], agreement.iloc[rows])
    assert len(style.render(figure, "png")) > 1000
    assert ("no class that both" in " ".join(texts(figure))) == (rows != slice(0, 1))


# deletion


def test_curves_start_at_zero_and_the_legend_gives_the_area_beyond_random(deletion, area):
    ax = draw_deletion(deletion, area).axes[0]
    curves = [line for line in ax.lines if len(line.get_xdata()) == 5]
    assert [curve.get_ydata()[0] for curve in curves] == [0, 0]
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["published map -0.17 [-0.20, -0.10]", "at random"]


def test_axes_say_what_is_done_to_the_cell(deletion, area):
    axes = draw_deletion(deletion, area).axes
    labels = [ax.get_xlabel() for ax in axes]
    assert labels == ["share of the cell blurred", "share of the cell put back"]


def test_no_deletion_is_drawn_without_warning(deletion, area):
    assert len(style.render(draw_deletion(deletion[:0], area[:0]), "png")) > 1000


# chords


def pairs(values: dict[tuple[str, str], float], side: str = "poor") -> pd.DataFrame:
    rows = [(side, *pair, 1.5, 1.1, 1.9, value) for pair, value in values.items()]
    columns = ["side", "object", "neighbour", "value", "ci_low", "ci_high", "published_value"]
    return pd.DataFrame(rows, columns=columns)


def test_selected_pairs_are_above_the_threshold_and_have_urban_fabric_as_object():
    table = pairs(
        {
            ("hd_uf", "water"): 1.5,
            ("water", "hd_uf"): 3.0,
            ("ld_uf", "roads"): 1.2,
            ("md_uf", "airports"): 9,
            ("vld_uf", "water"): np.nan,
            ("vhd_uf", "port"): 2.0,
        }
    )
    got = chords.select_pairs(table, BY_CLASS)
    selected = list(zip(got["object"], got["neighbour"], strict=True))
    assert selected == [("vhd_uf", "port"), ("hd_uf", "water")]


def test_at_most_ten_pairs_are_selected():
    values = {}
    for number, neighbour in enumerate(SECTORS[:13]):
        values["hd_uf", neighbour] = 2 + number / 100
        values["ld_uf", neighbour] = 2 + number / 100
    many = pairs(values)
    got = chords.select_pairs(many, BY_CLASS)["published_value"]
    assert got.tolist() == many["published_value"].nlargest(10).tolist()


def test_chords_of_a_sector_stand_side_by_side_inside_it():
    table = pairs({("hd_uf", "water"): 1.5, ("hd_uf", "roads"): 2.5, ("ld_uf", "hd_uf"): 1.3})
    first, second, third = chords.place_chords(
        table, chords.chord_unit([table], len(SECTORS)), SECTORS
    )
    # The object's end of two chords, and the neighbour's end of the third.
    ends = [(first[1], first[2]), (second[1], second[2]), (third[0], third[2])]
    spans = sorted((middle - width / 2, middle + width / 2) for middle, width in ends)
    low, high = zip(*spans, strict=True)
    middle = SECTORS.index("hd_uf") + 0.5
    assert low[0] == pytest.approx((middle - chords.FILLED / 2) * SECTOR)
    assert high[-1] == pytest.approx((middle + chords.FILLED / 2) * SECTOR)
    assert high[:-1] == pytest.approx(low[1:])


def test_an_arrow_begins_at_the_neighbour_and_ends_at_the_object():
    start, end = SECTOR * 0.5, SECTOR * 10.5
    path = chords.chord_path(start, end, 0.1)
    assert path.vertices[1] == pytest.approx(np.array([np.sin(start), np.cos(start)]))
    tip = path.vertices[np.argmax(np.isclose(np.hypot(*path.vertices.T), chords.TIP))]
    assert tip == pytest.approx(chords.TIP * np.array([np.sin(end), np.cos(end)]))


def diagrams(figure) -> list:
    """The axes of the chords, below those of the matrices."""
    return [ax for ax in figure.axes if not ax.axison]


def test_four_diagrams_one_says_that_nothing_passes():
    activation = pairs({("hd_uf", "water"): 1.5})
    observed = pairs({("hd_uf", "roads"): 1.1}, "rich")
    figure = coactivation.draw_coactivation(activation, observed, CLASSES)
    arrows = [
        [patch for patch in ax.patches if isinstance(patch, PathPatch)] for ax in diagrams(figure)
    ]
    assert [len(patches) for patches in arrows] == [1, 0, 0, 0]
    assert texts(figure).count("no pair above 1.2") == 3


def test_an_arrow_whose_interval_covers_one_is_only_outlined_and_a_legend_says_so():
    table = pairs({("hd_uf", "water"): 1.5, ("hd_uf", "roads"): 1.6}).assign(ci_low=[0.9, 1.1])
    figure = coactivation.draw_coactivation(table, table[:0], CLASSES)
    patches = diagrams(figure)[0].patches
    arrows = [patch for patch in patches if isinstance(patch, PathPatch)]
    is_filled = [patch.get_fill() and patch.get_facecolor()[3] > 0 for patch in arrows]
    assert is_filled == [True, False]
    legend = {
        text.get_text(): patch
        for text, patch in zip(
            figure.legends[0].get_texts(), figure.legends[0].legend_handles, strict=True
        )
    }
    dashed = legend["it does not, or is not known"]
    assert dashed.get_facecolor()[3] == 0
    assert legend["arrow: it does"].get_facecolor()[3] == 1


@pytest.mark.slow
def test_matrices_hold_all_pairs_with_dots_where_the_interval_leaves_out_one():
    table = pairs({("hd_uf", "water"): 1.5, ("water", "roads"): 0.4}).assign(ci_low=[0.9, 1.1])
    figure = coactivation.draw_coactivation(table, table[:0], CLASSES)
    ax = figure.axes[0]
    numbers = [label.get_text() for label in ax.get_yticklabels()]
    assert numbers == ["7", "10", "17"]  # roads, water, dense fabric, as in every figure
    logarithms = ax.get_images()[0].get_array()
    assert logarithms.count() == 2
    assert logarithms[2, 1] == pytest.approx(np.log2(1.5))  # object a line, neighbour a column
    dots = next(line for line in ax.lines if line.get_marker() == "o")
    assert (dots.get_xdata().tolist(), dots.get_ydata().tolist()) == ([0], [1])


def test_no_pair_at_all_is_drawn_without_warning():
    table = pairs({})
    figure = coactivation.draw_coactivation(table, table, CLASSES)
    assert len(style.render(figure, "png")) > 1000


def test_sectors_are_all_classes_but_airports():
    assert set(SECTORS) == set(CLASSES["class"]) - {"airports"}


def test_of_many_classes_those_of_pairs_have_sectors():
    keys = [f"class_{number}" for number in range(44)]
    many = pd.DataFrame({"chord_sector": range(1, 45)}, index=keys)
    table = pairs({("class_40", "class_2"): 1.5, ("class_7", "class_2"): 1.5})
    assert chords.sectors_of(many, [table]) == ["class_2", "class_7", "class_40"]


def test_caption_names_the_objects_where_they_are_not_all_classes():
    table = pairs({})
    everywhere = CLASSES.assign(is_chord_object=True)
    captions = [
        coactivation.draw_coactivation(table, table, classes).caption[0]
        for classes in (CLASSES, everywhere)
    ]
    assert "to the object, if urban fabric is the object: the 20" in captions[0]
    assert "to the object: the 20" in captions[1]
