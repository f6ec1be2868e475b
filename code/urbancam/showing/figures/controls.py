"""What an activation ratio is worth: the same ratios under other methods and controls."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D

from urbancam.scoring.vocabulary import CONTRAST
from urbancam.showing.exhibits import control_name
from urbancam.showing.figures import colour_maps, style
from urbancam.showing.wording import enumeration

KINDS = {"published": "", "method": "methods", "control": "controls"}
MARKERS = {"poor": "s", "rich": "o", CONTRAST: "D"}
OFFSETS = {"poor": -0.22, "rich": 0.22, CONTRAST: 0.0}  # of a column's width
COLOURS = style.SIDE_COLOURS | {CONTRAST: "0.2"}
LINE_MM = 4.0
STRIP_MM = 24
# Room is left for so many, so that few are drawn no larger than many.
FEWEST_COLUMNS = 10
FEWEST_LINES = 8
WIDEST = np.log(4)  # the colour scale ends where one side's ratio is four times the other's


@style.in_house_style
def draw_controls(
    controls: pd.DataFrame, agreement: pd.DataFrame, city: str = "", credits: str = ""
) -> Figure:
    """Contrast of each class (lines) under each control (columns); above, how the order holds.

    Args:
        controls: `attribution_controls.csv`: `control, kind, class, name, side, value, ci_low,
            ci_high`; rows of side `contrast` hold log(rich ratio / poor ratio).
        agreement: `attribution_agreement.csv`: `control, kind, side, rank_correlation, ci_low,
            ci_high, kept, kept_low, kept_high`.
        city: Name of the city.
        credits: Line of data credits.
    """
    contrast = controls[controls["side"] == CONTRAST]
    columns = _sort_controls(contrast)
    order = columns["control"].tolist()
    classes = _sort_classes(contrast)
    lines = max(len(classes), FEWEST_LINES)
    heights_mm = [STRIP_MM, STRIP_MM, LINE_MM * lines]
    figure = style.new_figure(
        style.TWO_COLUMNS_MM, sum(heights_mm) + 48, _caption(columns), credits
    )
    ranks, sizes, ax = figure.subplots(3, 1, sharex=True, height_ratios=heights_mm)

    # Two strips: how much of the published order, and of its size, is left.
    _draw_strip(ranks, agreement, order, ("rank_correlation", "ci_low", "ci_high"))
    ranks.set(ylim=(-1.08, 1.08), yticks=(-1, 0, 1), ylabel="rank correlation")
    style.set_title(ranks, "a", "do the classes keep the published order?")
    _draw_strip(sizes, agreement, order, ("kept", "kept_ci_low", "kept_ci_high"))
    sizes.set(yticks=(0, 1), ylabel="share kept")
    style.set_title(sizes, "b", "how much of the published log ratios is left?")

    # Below them the classes themselves, in the same columns.
    image = _draw_contrasts(ax, contrast, order, classes)
    names = contrast.drop_duplicates("class").set_index("class")["name"]
    ax.set_yticks(range(len(classes)), labels=[names[key] for key in classes])
    ax.set_xticks(
        range(len(order)),
        labels=[control_name(control) for control in order],
        rotation=50,
        ha="right",
        rotation_mode="anchor",
    )
    ax.set(xlim=(-0.5, max(len(order), FEWEST_COLUMNS) - 0.5), ylim=(lines - 0.5, -0.5))
    _separate_kinds((ranks, sizes, ax), columns["kind"].tolist())
    style.set_heading(figure, city, "what destroys the activation ratios", 65)
    _add_keys(figure, ax, image)
    return figure


def _sort_controls(contrast: pd.DataFrame) -> pd.DataFrame:
    """`control, kind`: published map, then methods, then controls, each in the table's order."""
    columns = contrast[["control", "kind"]].drop_duplicates("control")
    return columns.sort_values(
        "kind",
        key=lambda kinds: kinds.map(list(KINDS).index),
        kind="stable",
        ignore_index=True,
    )


def _sort_classes(contrast: pd.DataFrame) -> list:
    """Classes with any value, from rich to poor by the published map; those it lacks come last."""
    published = contrast[contrast["kind"] == "published"].set_index("class")["value"]
    classes = contrast["class"].drop_duplicates().to_numpy()
    measure = pd.Series(published.reindex(classes).to_numpy(float), index=classes)
    order = measure.sort_values(ascending=False, kind="stable").index
    classes_with_value = set(contrast.loc[contrast["value"].notna(), "class"])
    return [key for key in order if key in classes_with_value]


def _draw_strip(
    ax: Axes, agreement: pd.DataFrame, order: list[str], columns: tuple[str, str, str]
) -> None:
    """Agreement with the published ratios: a dot and an interval a side, in each control's column.

    Args:
        ax: Axes to draw on.
        agreement: As for `draw_controls`.
        order: Controls, from left to right.
        columns: Names of the columns of the value and of its interval's ends.
    """
    value, low, high = columns
    # 0: nothing of the published map is left, 1: all of it.
    ax.axhline(0, color="black", linewidth=0.6, linestyle="--", zorder=1)
    ax.axhline(1, color="0.7", linewidth=0.5, zorder=1)
    for side, marker in MARKERS.items():
        rows = agreement[agreement["side"] == side].drop_duplicates("control")
        rows = rows.set_index("control").reindex(order)
        x = np.arange(len(order)) + OFFSETS[side]
        ax.vlines(x, rows[low], rows[high], color=COLOURS[side], linewidth=1)
        ax.plot(x, rows[value], marker, color=COLOURS[side], markersize=3)
    ax.tick_params(axis="x", length=0, labelbottom=False)


def _draw_contrasts(ax: Axes, contrast: pd.DataFrame, order: list[str], classes: list) -> AxesImage:
    """The heat map of the contrasts.

    Args:
        ax: Axes to draw on.
        contrast: Rows of side `contrast`, as of `draw_controls`.
        order: Controls, a column each.
        classes: Classes, a line each.
    """
    values = _matrix(contrast, "value", order, classes)
    pixels = values if values.size else np.full((1, 1), np.nan)  # an image needs a pixel
    image = ax.imshow(
        np.ma.masked_invalid(pixels),
        cmap=colour_maps.diverging_colours(),
        vmin=-WIDEST,
        vmax=WIDEST,
        aspect="auto",
        visible=bool(values.size),
    )
    if not values.size:
        ax.text(0, 0, "no class that both cells read as poor and cells read as rich hold")
    low = _matrix(contrast, "ci_low", order, classes)
    high = _matrix(contrast, "ci_high", order, classes)
    _write_signs(ax, values, low, high)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    style.set_title(ax, "c", "log(rich ratio / poor ratio) of each class")
    return image


def _matrix(contrast: pd.DataFrame, column: str, order: list[str], classes: list) -> np.ndarray:
    """A column's values, a line a class and a column a control, NaN where there is none."""
    table = contrast.pivot(index="class", columns="control", values=column)
    return table.reindex(index=classes, columns=order).to_numpy(float)


def _write_signs(ax: Axes, values: np.ndarray, low: np.ndarray, high: np.ndarray) -> None:
    """A sign where the interval leaves out 0, so that the map is read without colour too."""
    for line, column in np.argwhere((low > 0) | (high < 0)):
        sign = "+" if low[line, column] > 0 else "\N{MINUS SIGN}"
        is_dark = abs(values[line, column]) > 0.7 * WIDEST
        ax.text(
            column,
            line,
            sign,
            ha="center",
            va="center_baseline",
            fontsize=7,
            color="white" if is_dark else "black",
        )


def _separate_kinds(axes: tuple[Axes, ...], kinds: list[str]) -> None:
    """Lines between the kinds of columns, and the kinds' names above.

    Args:
        axes: Axes that share the columns, from top to bottom.
        kinds: Kind of each column.
    """
    for column in range(1, len(kinds)):
        if kinds[column] != kinds[column - 1]:
            for ax in axes:
                ax.axvline(column - 0.5, color="black", linewidth=0.8)
    # One name above the other: a single column is narrow.
    top = axes[0]
    for height, (kind, words) in enumerate(KINDS.items()):
        if words and kind in kinds:
            top.text(
                kinds.index(kind) - 0.4,
                0.15 - 0.12 * (height - 1),
                words,
                transform=top.get_xaxis_transform(),
                va="bottom",
                fontsize=6,
                color="0.35",
            )


def _add_keys(figure: Figure, ax: Axes, image: AxesImage) -> None:
    """The colour bar of the heat map and the legend of the strips."""
    bar = figure.colorbar(image, ax=ax, shrink=0.6, aspect=18, pad=0.01, extend="both")
    bar.set_ticks([-WIDEST, 0, WIDEST], labels=["poor\n4 x", "alike", "rich\n4 x"])
    bar.outline.set_linewidth(0.4)
    handles = []
    for side, marker in MARKERS.items():
        label = "contrast" if side == CONTRAST else f"{side} ratios"
        handle = Line2D([], [], color=COLOURS[side], linewidth=1, label=label)
        handle.set(marker=marker, markersize=3)
        handles.append(handle)
    figure.legend(handles=handles, loc="outside upper right", ncols=3, borderpad=0)


def _caption(columns: pd.DataFrame) -> str:
    """The caption, of the columns that there are: `control, kind`."""
    kinds = set(columns["kind"])
    shown = ["the published map"]
    if "method" in kinds:
        shown.append("other attribution methods on the same cells")
    if "control" in kinds:
        shown.append("controls")
    weights, pale = "", ""
    if columns["control"].astype(str).str.startswith("weights_").any():
        weights = (
            "Random weights: 1, the linear unit is drawn anew, each further number reaches a "
            "stage deeper"
        )
    if "control" in kinds:
        pale = "A control that destroys the signal should be pale and without signs"
    return style.sentences(
        f"Columns: {enumeration(shown)}",
        "a, Spearman r of each column's ratios with the published ones over the classes; "
        "1: the same order, 0 (dashed): none",
        "b, slope of its log ratios (contrasts) on the published ones; "
        "1: all is kept, 0: nothing, whatever the order",
        "c, colour: the map lies on the class rather where the image says rich (red) or poor "
        "(blue); + and \N{MINUS SIGN}: the interval leaves out 0; grey: not defined",
        weights,
        pale,
        "Intervals by bootstrap over spatial blocks",
    )
