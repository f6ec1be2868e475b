"""Figures of splits, calibration, incomes by class and transfer, read back from the artists."""

import numpy as np
import pandas as pd
import pytest

from figure_tables import texts, words
from urban_atlas_classes import class_numbers
from urbancam.showing.figures import quintiles, style, transfer
from urbancam.showing.figures.calibration import draw_calibration
from urbancam.showing.figures.leakage import draw_leakage

SCORES = ["value", "ci_low", "ci_high"]
NUMBERS = class_numbers()


@pytest.fixture
def leakage() -> pd.DataFrame:
    """Two splits; the second was not trained, so only the coordinates are scored."""
    rows = [
        ("block", "model", "spearman", 0.7, 0.6, 0.8),
        ("block", "coordinates", "spearman", 0.5, 0.4, 0.6),
        ("block", "model", "accuracy", 0.4, 0.3, 0.5),
        ("random", "coordinates", "spearman", 0.6, 0.5, 0.7),
    ]
    table = pd.DataFrame(rows, columns=["split", "predictor", "metric", *SCORES])
    is_random = table["split"] == "random"
    table[["difference", "difference_ci_low", "difference_ci_high"]] = np.nan
    table.loc[1, ["difference", "difference_ci_low", "difference_ci_high"]] = (0.2, 0.1, 0.3)
    return table.assign(
        n_cells=100,
        folds=3,
        leaks_cell=0,
        leaks_group=is_random * 12,
        leaks_block=is_random * 1234,
        trained_neighbours=is_random * 0.9,
    )


@pytest.fixture
def reliability() -> pd.DataFrame:
    rows = [
        ("model", 5, 10, 0.4, 0.3),
        ("model", 6, 0, np.nan, np.nan),
        ("model", 9, 20, 0.6, 0.5),
        ("model, temperature scaled", 5, 30, 0.4, 0.4),
        ("land_cover", 5, 30, 0.4, 0.1),
    ]
    table = pd.DataFrame(rows, columns=["predictor", "bin", "n_cells", "confidence", "accuracy"])
    return table.assign(ci_low=table["accuracy"] - 0.1, ci_high=table["accuracy"] + 0.1)


@pytest.fixture
def calibration() -> pd.DataFrame:
    rows = [
        ("all", "model", "ece", 0.1, 0.05, 0.2),
        ("all", "model, temperature scaled", "ece", 0.02, 0.01, 0.04),
        ("imputed", "model", "ece", 0.9, 0.8, 1.0),
    ]
    return pd.DataFrame(rows, columns=["subset", "predictor", "metric", *SCORES])


@pytest.fixture
def class_income() -> pd.DataFrame:
    rows = [
        ("water", "Water", 6, 25e3, 24e3, 26e3),
        ("roads", "Other roads", 30, 20e3, 19e3, 21e3),
        ("port", "Ports", 0, np.nan, np.nan, np.nan),
    ]
    columns = ["class", "name", "n_cells", "mean_value", "ci_low", "ci_high"]
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture
def class_by_quintile() -> pd.DataFrame:
    """Water in too few blocks for an interval, roads, and ports that no cell has."""
    rows = [("water", "Water", k, n, n / 6) for k, n in enumerate((0, 1, 0, 2, 3))]
    rows += [("roads", "Other roads", k, n, n / 30) for k, n in enumerate((10, 8, 6, 4, 2))]
    rows += [("port", "Ports", k, 0, np.nan) for k in range(5)]
    table = pd.DataFrame(rows, columns=["class", "name", "quintile", "n_cells", "share"])
    centre = table["share"].where(table["class"] == "roads")
    return table.assign(ci_low=centre - 0.05, ci_high=centre + 0.05)


@pytest.fixture
def contrast() -> pd.DataFrame:
    rows = [
        ("water", "Water", 0.5, 0.1, 0.9),
        ("roads", "Other roads", -0.3, np.nan, np.nan),
        ("port", "Ports", np.nan, np.nan, np.nan),
    ]
    table = pd.DataFrame(rows, columns=["class", "name", "log_ratio", "ci_low", "ci_high"])
    return table.assign(n_cells=5)


# leakage


def test_splits_stand_in_order_with_what_they_leak(leakage):
    is_random = leakage["split"] == "random"
    both = pd.concat([leakage, leakage[is_random].assign(predictor="model")])
    ax = draw_leakage(both).axes[0]
    random, block = [label.get_text() for label in ax.get_yticklabels()]
    assert random == "random cells\nleaks 12 groups, 1,234 blocks\n90% of neighbours"
    assert block.startswith("spatial blocks\nleaks 0 groups, 0 blocks")
    assert "trained and tested under each split" in words(draw_leakage(both))


def test_a_split_that_was_not_trained_is_neither_shown_nor_told(leakage):
    figure = draw_leakage(leakage)
    assert [label.get_text()[:14] for label in figure.axes[0].get_yticklabels()] == [
        "spatial blocks"
    ]
    dots = {
        line.get_marker(): line.get_xdata().tolist()
        for line in figure.axes[0].lines
        if line.get_marker() in "os"
    }
    assert dots == {"o": [0.7], "s": [0.5]}
    assert "random" not in words(figure)
    assert "the one split that was trained" in words(figure)


def test_the_last_panel_is_what_the_image_adds(leakage):
    ax = draw_leakage(leakage).axes[2]
    diamonds = next(line for line in ax.lines if line.get_marker() == "D")
    assert diamonds.get_xdata().tolist() == [0.2]


def test_a_city_left_out_leaks_nothing_that_could_be_counted(leakage):
    left_out = leakage[:1].assign(
        split="city", leaks_group=np.nan, leaks_block=np.nan, trained_neighbours=np.nan
    )
    ax = draw_leakage(left_out).axes[0]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a city left out"]


# calibration


def test_reliability_leaves_out_empty_bins_and_other_predictors(reliability, calibration):
    top = draw_calibration(reliability, calibration).axes[0]
    dotted = [line for line in top.lines if line.get_marker() in ("o", "s")]
    curves = [line for line in dotted if line.get_linestyle() != "None"]
    assert [curve.get_ydata().tolist() for curve in curves] == [[0.3, 0.5], [0.4]]


def test_legend_gives_the_calibration_error_over_all_cells(reliability, calibration):
    legend = draw_calibration(reliability, calibration).axes[0].get_legend()
    got = [text.get_text() for text in legend.get_texts()]
    assert got == ["as trained: ECE 0.10 [0.05, 0.20]", "temperature scaled: ECE 0.02 [0.01, 0.04]"]


@pytest.mark.slow
def test_bins_without_interval_are_pale_and_not_joined(reliability, calibration):
    reliability.loc[2, ["ci_low", "ci_high"]] = np.nan
    top = draw_calibration(reliability, calibration).axes[0]
    curves = [line for line in top.lines if line.get_marker() == "o"]
    got = [(curve.get_ydata().tolist(), curve.get_alpha()) for curve in curves]
    assert got == [([0.3], None), ([0.5], 0.35)]


def test_the_same_figure_is_laid_out_twice(reliability, calibration):
    figure = draw_calibration(reliability[:1], calibration)
    style.render(figure, "png")
    assert len(style.render(figure, "pdf")) > 1000
    assert figure.axes[0].get_position().height > 0.4


def test_diagonal_is_dashed(reliability, calibration):
    diagonal = draw_calibration(reliability, calibration).axes[0].lines[0]
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata()) == [0, 1]
    assert diagonal.get_linestyle() == "--"


# incomes by class


def test_dots_are_shares_by_quintile_and_pale_without_interval(class_by_quintile):
    ax = quintiles.draw_class_by_quintile(class_by_quintile).axes[0]
    dots = [line for line in ax.lines if line.get_marker() == "o" and len(line.get_xdata())]
    shares = {1: [], 0.35: []}
    for line in dots:
        shares[line.get_alpha()] += line.get_xdata().tolist()
    assert shares[1] == pytest.approx([10 / 30, 8 / 30, 6 / 30, 4 / 30, 2 / 30])
    assert shares[0.35] == pytest.approx([0, 1 / 6, 0, 2 / 6, 3 / 6])
    assert ax.get_xlim()[0] == 0
    assert [label.get_text() for label in ax.get_yticklabels()] == ["Water (6)", "Other roads (30)"]


def test_ordering_numbers_classes_as_all_figures_do_and_says_spearman(class_income, contrast):
    agreement = pd.DataFrame(
        {
            "measure": ["activation_contrast"],
            "observed": ["mean income"],
            "n_classes": [2],
            "spearman": [1.0],
            "ci_low": [0.2],
            "ci_high": [1.0],
        }
    )
    figure = quintiles.draw_ordering(contrast, class_income, agreement, NUMBERS)
    incomes = {text.get_text(): text.get_position()[0] for text in figure.axes[0].texts}
    assert incomes == {"7": 20e3, "10": 25e3}
    assert "Spearman r 1.00 [0.20, 1.00] over 2 classes" in figure.get_suptitle()
    assert "Other roads" in texts(figure.axes[1])
    assert "Ports" not in texts(figure)


def test_ordering_dots_without_interval_are_pale(class_income, contrast):
    nothing = pd.DataFrame(columns=["measure", "observed"])
    ax = quintiles.draw_ordering(contrast, class_income, nothing, NUMBERS).axes[0]
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    edges = {line.get_markeredgecolor(): line.get_xdata().tolist() for line in dots}
    assert edges == {"black": [25e3], "0.75": [20e3]}


# transfer


def test_transfer_matrix_has_the_own_city_bold_and_no_ensembles():
    rows = [
        ("Lyon", "Lyon", 0.7),
        ("Paris", "Lyon", 0.4),
        ("Paris", "Paris", 0.8),
    ]
    table = pd.DataFrame(rows, columns=["trained_on", "tested_on", "value"])
    table = table.assign(metric="spearman", ci_low=np.nan, ci_high=0.9, models="single")
    table["sd_models"] = [np.nan, 0.05, np.nan]
    ensemble = table.assign(models="ensemble", value=0.9)[1:2]
    table = pd.concat([table, ensemble])
    ax = transfer.draw_transfer(table).axes[0]
    got = {(text.get_position(), text.get_text(), text.get_weight()) for text in ax.texts}
    assert got == {
        ((0, 0), "0.70", "bold"),
        ((0, 1), "0.40\n± 0.05", "normal"),
        ((1, 1), "0.80", "bold"),
    }


def test_a_long_name_keeps_clear_of_the_legend(leakage, class_by_quintile):
    name = "Saint-Remy-en-Bouzemont-Saint-Genest-et-Isson et environs du Nord-Est " * 2
    for figure in (
        draw_leakage(leakage, name),
        quintiles.draw_class_by_quintile(class_by_quintile, name),
    ):
        figure.canvas.draw()
        heading = figure._suptitle.get_window_extent()
        assert heading.x1 < figure.legends[0].get_window_extent().x0
        assert heading.y0 > figure.axes[0].get_window_extent().y1


def test_empty_tables_are_drawn_without_warning(
    leakage, reliability, calibration, class_income, class_by_quintile, contrast
):
    nothing = pd.DataFrame(columns=["measure", "observed"])
    for figure in (
        draw_leakage(leakage[:0]),
        draw_calibration(reliability[:0], calibration[:0]),
        quintiles.draw_class_by_quintile(class_by_quintile[:0]),
        quintiles.draw_ordering(contrast[:0], class_income, nothing, NUMBERS),
    ):
        assert len(style.render(figure, "png")) > 1000
