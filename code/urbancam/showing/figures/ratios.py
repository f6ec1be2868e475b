"""Which land cover the network reads as poor or rich: activation ratios as dots with intervals."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from urbancam.scoring.vocabulary import SIDES
from urbancam.showing.figures import style

# Of a line's height: the two sides of a class lie one above the other.
OFFSETS = {"rich": -0.17, "poor": 0.17}
MARKERS = {"rich": "o", "poor": "s"}  # the sides also differ in shape, for readers without colour
MARKER_PT = 3.6
ARROW_PT = 2.4  # of an interval that goes on beyond the axis
WIDEST_RATIO = 16.0  # the axis shows at most 1/16 .. 16; what lies beyond is an arrow at its edge
WIDEST_CONTRAST = np.log(WIDEST_RATIO)
SIGNED_COLOUR = "#4a4a4a"
# Title and label of the axis.
CONTRAST_PANEL = ("rich against poor", "log(rich ratio / poor ratio)")
CONTRIBUTION_PANEL = ("contribution", "logit units")


@style.in_house_style
def draw_activation_ratios(
    ratios: pd.DataFrame,
    contrast: pd.DataFrame | None = None,
    contribution: pd.DataFrame | None = None,
    city: str = "",
    credits: str = "",
) -> Figure:
    """Activation ratios of both sides, classes sorted; beside them rich against poor.

    Args:
        ratios: `activation_ratio.csv`: `class, name, side, n_cells, ratio, ci_low, ci_high`.
        contrast: `activation_contrast.csv`: `class, log_ratio, ci_low, ci_high`; None leaves the
            panel out.
        contribution: `contribution.csv`: `class, value, ci_low, ci_high`; None leaves the panel
            out.
        city: Name of the city.
        credits: Line of data credits.
    """
    # A class has a line if any panel has something to draw there.
    classes_with_value = set(ratios.loc[ratios["ratio"].notna(), "class"])
    if contribution is not None:
        classes_with_value |= set(contribution.loc[contribution["value"].notna(), "class"])
    order = [key for key in sort_classes(ratios, contrast) if key in classes_with_value]
    absent = ratios.loc[~ratios["class"].isin(classes_with_value), "name"]
    signed = {}
    if contrast is not None:
        signed[CONTRAST_PANEL] = contrast.rename(columns={"log_ratio": "value"})
    if contribution is not None:
        signed[CONTRIBUTION_PANEL] = contribution

    # The ratios have the widest panel: classes are named beside it.
    caption = _caption(list(signed), absent.drop_duplicates().tolist())
    figure = style.new_figure(style.TWO_COLUMNS_MM, 26 + 5.4 * len(order), caption, credits)
    widths = [1.5] + [1] * len(signed)
    axes = figure.subplots(1, len(widths), sharey=True, width_ratios=widths, squeeze=False)[0]
    _draw_ratios(axes[0], ratios, order)
    style.set_title(axes[0], "a", "activation ratio", 14)
    style.set_heading(figure, city, "which land cover is read as poor or rich")
    for ax, letter, panel in zip(axes[1:], "bc", signed, strict=False):
        title, label = panel
        widest = WIDEST_CONTRAST if panel == CONTRAST_PANEL else np.inf
        _draw_signed(ax, signed[panel].set_index("class").reindex(order), label, widest)
        style.set_title(ax, letter, title, 14)
    for ax in axes:
        _draw_lines(ax, len(order))
    axes[0].set_yticks(range(len(order)), labels=line_labels(ratios, order))
    return figure


def sort_classes(ratios: pd.DataFrame, contrast: pd.DataFrame | None = None) -> list:
    """Classes from the one that speaks most for rich to the one that speaks most for poor.

    The measure is the contrast, log(rich ratio / poor ratio); a class that one side lacks is placed
    as if that side's ratio were 1, and a class without any ratio comes last.
    """
    sides = ratios.pivot(index="class", columns="side", values="ratio").reindex(columns=SIDES)
    with np.errstate(divide="ignore"):
        logs = np.log(sides.astype(float))
    logs = logs.clip(-20, 20)  # a ratio of 0 is very low, and compares with others
    # A lacking side counts as a ratio of 1, whose logarithm is 0.
    difference = logs["rich"].fillna(0) - logs["poor"].fillna(0)
    measure = difference.where(sides.notna().any(axis=1))
    if contrast is not None:
        log_ratio = contrast.set_index("class")["log_ratio"]
        measure = log_ratio.reindex(measure.index).fillna(measure)
    return measure.sort_values(ascending=False, kind="stable").index.tolist()


def line_labels(ratios: pd.DataFrame, order: list) -> list[str]:
    """Each class's name with the cells that hold it, poor and rich sample: "Roads (12 | 34)"."""
    names = ratios.drop_duplicates("class").set_index("class")["name"]
    cells = ratios.pivot(index="class", columns="side", values="n_cells").reindex(columns=SIDES)
    cells = cells.fillna(0).astype(int)
    labels = []
    for key in order:
        poor = cells.loc[key, "poor"]
        rich = cells.loc[key, "rich"]
        labels.append(f"{names[key]} ({poor:,} | {rich:,})")
    return labels


def _draw_ratios(ax: Axes, ratios: pd.DataFrame, order: list) -> None:
    """Dots and intervals of both sides on a logarithmic axis.

    Args:
        ax: Axes to draw on.
        ratios: As for `draw_activation_ratios`.
        order: Classes, a line each.
    """
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_formatter(lambda ratio, _: _ratio_words(ratio))
    ax.set_xlim(_ratio_limits(ratios))
    for side in SIDES:
        rows = ratios[ratios["side"] == side].set_index("class").reindex(order)
        y = np.arange(len(order)) + OFFSETS[side]
        _draw_intervals(ax, rows, "ratio", y, style.SIDE_COLOURS[side], MARKERS[side])
    ax.axvline(1, color="black", linewidth=0.6, zorder=1)
    ax.set_xlabel("share of the activation / share of the area")
    _add_side_legend(ax)


def _ratio_limits(ratios: pd.DataFrame) -> tuple[float, float]:
    """Ends of the axis: around all ratios and their intervals, as far as it may reach."""
    values = ratios[["ratio", "ci_low", "ci_high"]].to_numpy(dtype=float).ravel()
    values = values[values > 0]  # NaN and 0 do not set the limits
    low = max(values.min(initial=0.5), 1 / WIDEST_RATIO)
    high = min(values.max(initial=2.0), WIDEST_RATIO)
    return low / 1.2, high * 1.2


def _ratio_words(ratio: float) -> str:
    """A ratio at its tick: "2", "1/2"."""
    if ratio >= 1:
        return f"{ratio:g}"
    return f"1/{1 / ratio:g}"


def _add_side_legend(ax: Axes) -> None:
    handles = [
        Line2D(
            [],
            [],
            color=style.SIDE_COLOURS[side],
            marker=MARKERS[side],
            label=f"cells predicted {side}",
            markersize=MARKER_PT,
            linewidth=1,
        )
        for side in SIDES
    ]
    legend = ax.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=2,
        borderpad=0.2,
    )
    legend.set_in_layout(False)  # it may reach above the next panel, which has nothing there


def _draw_signed(ax: Axes, rows: pd.DataFrame, label: str, widest: float) -> None:
    """Values on a linear axis symmetrical about 0, that reaches at most so far."""
    sizes = rows[["value", "ci_low", "ci_high"]].abs().to_numpy(dtype=float)
    end = min(sizes[np.isfinite(sizes)].max(initial=0.1) * 1.1, widest)
    ax.set_xlim(-end, end)
    _draw_intervals(ax, rows, "value", np.arange(len(rows)), SIGNED_COLOUR, "D")
    ax.axvline(0, color="black", linewidth=0.6, zorder=1)
    ax.set_xlabel(label)


def _draw_intervals(
    ax: Axes, rows: pd.DataFrame, column: str, y: np.ndarray, colour: str, marker: str
) -> None:
    """A dot and its interval on each line; what lies beyond the axis is an arrow at its edge, small
    where only the interval does.

    Args:
        ax: Axes to draw on, their horizontal limits set.
        rows: `ci_low, ci_high` beside the values, a row a line.
        column: Column of the values.
        y: (N,) places of the lines.
        colour: Colour of dots and intervals.
        marker: Shape of the dots.
    """
    low, high = ax.get_xlim()
    # What lies beyond the axis ends at its edge.
    starts = rows["ci_low"].clip(low, high)
    ends = rows["ci_high"].clip(low, high)
    ax.hlines(y, starts, ends, color=colour, linewidth=1)

    values = rows[column].to_numpy(dtype=float)
    leaves_low = (rows["ci_low"] < low).to_numpy()
    leaves_high = (rows["ci_high"] > high).to_numpy()
    marks = [  # shape, size, place, lines
        (marker, MARKER_PT, values, (values >= low) & (values <= high)),
        ("<", MARKER_PT, values, values < low),
        (">", MARKER_PT, values, values > high),
        ("<", ARROW_PT, starts.to_numpy(), leaves_low & ~(values < low)),
        (">", ARROW_PT, ends.to_numpy(), leaves_high & ~(values > high)),
    ]
    for shape, size_pt, places, lines in marks:
        if lines.any():
            x = places[lines].clip(low, high)
            ax.plot(x, y[lines], shape, color=colour, markersize=size_pt, clip_on=False)


def _draw_lines(ax: Axes, count: int) -> None:
    """A band behind every other line."""
    for line in range(0, count, 2):
        ax.axhspan(line - 0.5, line + 0.5, color="0.955", linewidth=0, zorder=0)
    ax.set_ylim(max(count, 1) - 0.5, -0.5)
    ax.grid(axis="x", color="0.85", linewidth=0.4)
    ax.set_axisbelow(True)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)


def _caption(panels: list[tuple[str, str]], absent: list[str]) -> str:
    """The caption.

    Args:
        panels: Panels beside the ratios, in their order.
        absent: Names of the classes that are in no cell.
    """
    letters = dict(zip(panels, "bc", strict=False))
    contrast = ""
    if CONTRAST_PANEL in letters:
        contrast = (
            f"{letters[CONTRAST_PANEL]}, right of 0: "
            "the map lies on the class rather where the image says rich than poor"
        )
    contribution = ""
    if CONTRIBUTION_PANEL in letters:
        contribution = (
            f"{letters[CONTRIBUTION_PANEL]}, what a cell covered by the class alone would add to "
            "the logit, against the city's mean; right of 0: it says rich"
        )
    return style.sentences(
        "a, 1 (line): the map lies on the class as much as its area would have it; a map that is "
        "bright on one class is dark on all others, so not each distance from 1 is a finding",
        "In brackets: cells of the poor | rich sample that hold the class",
        contrast,
        contribution,
        "Bars: intervals by bootstrap over spatial blocks; small arrows: they go on beyond the "
        "axis; large arrows: the value lies there",
        f"In no cell: {', '.join(absent)}" if absent else "",
    )
