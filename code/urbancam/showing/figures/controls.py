"""What an activation ratio is worth: the same ratios under controls, and deletion and insertion of what maps mark."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D

from urbancam.scoring.vocabulary import CONTRAST
from urbancam.showing.exhibits import control_name
from urbancam.showing.figures import style

KINDS = {"published": "", "method": "methods", "control": "controls"}
MARKERS = {
    "poor": ("s", -0.22),
    "rich": ("o", 0.22),
    CONTRAST: ("D", 0.0),
}  # marker, place in the column
COLOURS = style.SIDE_COLOURS | {CONTRAST: "0.2"}
LINE_MM, STRIP_MM = 4.0, 24
FEWEST_COLUMNS, FEWEST_LINES = (
    10,
    8,
)  # room is left for so many, so that few are drawn no larger than many
WIDEST = np.log(4)  # the colour scale ends where one side's ratio is four times the other's


@style.styled
def draw_controls(
    controls: pd.DataFrame, agreement: pd.DataFrame, city: str = "", credits: str = ""
) -> Figure:
    """Contrast of each class (lines) under each control (columns); above them, how well the published order holds.

    Args:
        controls: `attribution_controls.csv`: `control, kind, class, name, side, ratio, ci_low, ci_high`; rows of side
            `contrast` hold log(rich ratio / poor ratio) in `ratio`.
        agreement: `attribution_agreement.csv`: `control, kind, side, rank_correlation, ci_low, ci_high, kept,
            kept_low, kept_high`.
        city: its name.
        credits: the line of data credits.
    """
    contrast = controls[controls["side"] == CONTRAST]
    order = _sort_controls(contrast)
    classes = _sort_classes(contrast)
    names = contrast.drop_duplicates("class").set_index("class")["name"]
    lines = max(len(classes), FEWEST_LINES)
    figure = style.new_figure(
        style.TWO_COLUMNS_MM, 2 * STRIP_MM + LINE_MM * lines + 48, _CAPTION, credits
    )
    strip, kept, ax = figure.subplots(
        3, 1, sharex=True, height_ratios=[STRIP_MM, STRIP_MM, LINE_MM * lines]
    )
    _draw_strip(
        strip, agreement, order["control"].tolist(), ("rank_correlation", "ci_low", "ci_high")
    )
    _draw_strip(kept, agreement, order["control"].tolist(), ("kept", "kept_low", "kept_high"))
    strip.set(ylim=(-1.08, 1.08), yticks=(-1, 0, 1), ylabel="rank correlation")
    kept.set(yticks=(0, 1), ylabel="share kept")
    style.set_title(strip, "a", "do the classes keep the published order?")
    style.set_title(kept, "b", "how much of the published log ratios is left?")
    image = _draw_contrasts(ax, contrast, order["control"].tolist(), classes)
    ax.set_yticks(range(len(classes)), labels=[names[key] for key in classes])
    ax.set_xticks(
        range(len(order)),
        labels=[control_name(name) for name in order["control"]],
        rotation=50,
        ha="right",
        rotation_mode="anchor",
    )
    ax.set(xlim=(-0.5, max(len(order), FEWEST_COLUMNS) - 0.5), ylim=(lines - 0.5, -0.5))
    _separate_kinds((strip, kept, ax), order["kind"].tolist())
    style.set_heading(figure, city, "what destroys the activation ratios")
    _add_keys(figure, ax, image)
    return figure


def _sort_controls(contrast: pd.DataFrame) -> pd.DataFrame:
    """`control, kind`: the published map, then the other methods, then the controls, each in the table's order."""
    order = contrast[["control", "kind"]].drop_duplicates("control")
    return order.sort_values(
        "kind", key=lambda kind: kind.map(list(KINDS).index), kind="stable", ignore_index=True
    )


def _sort_classes(contrast: pd.DataFrame) -> list:
    """Classes from the richest to the poorest by the published map; those it does not know come last."""
    published = contrast[contrast["kind"] == "published"].set_index("class")["ratio"]
    classes = contrast["class"].drop_duplicates()
    known = contrast.loc[contrast["ratio"].notna(), "class"]
    measure = pd.Series(published.reindex(classes).to_numpy(float), index=classes.to_numpy())
    return [
        key
        for key in measure.sort_values(ascending=False, kind="stable").index
        if key in set(known)
    ]


def _draw_strip(
    ax: Axes, agreement: pd.DataFrame, order: list[str], columns: tuple[str, str, str]
) -> None:
    """Agreement with the published ratios: a dot and an interval a side, in each control's column.

    Args:
        ax: to be drawn on.
        agreement: as of `draw_controls`.
        order: the controls, from left to right.
        columns: value and ends of its interval.
    """
    value, low, high = columns
    ax.axhline(0, color="black", linewidth=0.6, linestyle="--", zorder=1)
    ax.axhline(1, color="0.7", linewidth=0.5, zorder=1)
    for side, (marker, offset) in MARKERS.items():
        rows = (
            agreement[agreement["side"] == side]
            .drop_duplicates("control")
            .set_index("control")
            .reindex(order)
        )
        x = np.arange(len(order)) + offset
        ax.vlines(x, rows[low], rows[high], color=COLOURS[side], linewidth=1)
        ax.plot(x, rows[value], marker, color=COLOURS[side], markersize=3)
    ax.tick_params(axis="x", length=0, labelbottom=False)


def _draw_contrasts(ax: Axes, contrast: pd.DataFrame, order: list[str], classes: list) -> AxesImage:
    """The heat map; a sign stands where the interval leaves out 0, so that it is read without colour too."""
    values, low, high = (
        contrast.pivot(index="class", columns="control", values=column)
        .reindex(index=classes, columns=order)
        .to_numpy(float)
        for column in ("ratio", "ci_low", "ci_high")
    )
    grid = np.ma.masked_invalid(values if values.size else np.full((1, 1), np.nan))
    colours = style.diverging_colours()
    image = ax.imshow(
        grid, cmap=colours, vmin=-WIDEST, vmax=WIDEST, aspect="auto", visible=bool(values.size)
    )
    if not values.size:
        ax.text(0, 0, "no class that both cells read as poor and cells read as rich hold")
    for line, column in zip(*np.nonzero((low > 0) | (high < 0)), strict=True):
        sign, colour = "+" if low[line, column] > 0 else "\N{MINUS SIGN}", "black"
        if abs(values[line, column]) > 0.7 * WIDEST:
            colour = "white"
        ax.text(column, line, sign, ha="center", va="center_baseline", fontsize=7.5, color=colour)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    style.set_title(ax, "c", "log(rich ratio / poor ratio) of each class")
    return image


def _separate_kinds(axes: tuple[Axes, ...], kinds: list[str]) -> None:
    for column in range(1, len(kinds)):
        if kinds[column] != kinds[column - 1]:
            for ax in axes:
                ax.axvline(column - 0.5, color="black", linewidth=0.8)
    for height, (kind, words) in enumerate(
        KINDS.items()
    ):  # one above the other: a single column is narrow
        if words and kind in kinds:
            axes[0].text(
                kinds.index(kind) - 0.4,
                0.15 - 0.12 * (height - 1),
                words,
                transform=axes[0].get_xaxis_transform(),
                va="bottom",
                fontsize=6,
                color="0.35",
            )


def _add_keys(figure: Figure, ax: Axes, image: AxesImage) -> None:
    bar = figure.colorbar(image, ax=ax, shrink=0.6, aspect=18, pad=0.01, extend="both")
    bar.set_ticks([-WIDEST, 0, WIDEST], labels=["poor\n4 x", "alike", "rich\n4 x"])
    bar.outline.set_linewidth(0.4)
    handles = [
        Line2D(
            [],
            [],
            color=COLOURS[side],
            marker=marker,
            markersize=3,
            linewidth=1,
            label=f"{side} ratios",
        )
        for side, (marker, _) in MARKERS.items()
        if side != CONTRAST
    ]
    handles.append(
        Line2D(
            [], [], color=COLOURS[CONTRAST], marker="D", markersize=3, linewidth=1, label="contrast"
        )
    )
    figure.legend(handles=handles, loc="outside upper right", ncols=3, borderpad=0)


_CAPTION = (
    "Columns: the published map, other attribution methods on the same cells, and controls. a, Spearman r of each "
    "column's ratios with the published ones over the classes; 1: the same order, 0 (dashed): none. b, slope of its "
    "log ratios (contrasts) on the published ones; 1: all is kept, 0: nothing, whatever the order. c, colour: the "
    "map lies on the class rather where the image says rich (red) or poor (blue); + and \N{MINUS SIGN}: the interval "
    "leaves out 0; grey: not defined. Random weights: 1, the linear unit is drawn anew, each further number reaches a "
    "stage deeper. A control that destroys the signal should be pale and without signs. "
    "Intervals by bootstrap over spatial blocks."
)
