"""The published polar figure: activation ratios as bars around a circle, classes in a fixed order.

The layout is that of Levy Abitbol & Karsai 2020 (after Burtin's diagram): 18 classes and a blank
sector for the scale, radius linear in the ratio from 0 to 2, a circle at 1, sectors coloured by
super-class.
"""

import textwrap

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.projections.polar import PolarAxes

from urbancam.scoring.vocabulary import SIDES
from urbancam.showing.figures import style

CAP = 2.0  # ratio; longer bars end here, marked with their value and without interval, as published
# Radius of the hole, in units of the ratio: inner radius 80 and outer radius 303, as published.
INNER = 80 / (303 - 80) * CAP
RINGS = (0.5, 1.0, 1.5, 2.0)
BAR_WIDTH = 0.32  # of a sector
BAR_OFFSETS = {"poor": -0.18, "rich": 0.18}  # of a sector
BACKGROUND_ALPHA = 0.55
RING_AT_ONE_COLOUR = "#ffd500"


@style.in_house_style
def draw_polar_ratios(
    ratios: pd.DataFrame, classes: pd.DataFrame, city: str = "", credits: str = ""
) -> Figure:
    """Activation ratios of both sides around the circle.

    A class without a ratio has a grey sector and "NA".

    Args:
        ratios: `activation_ratio.csv`: `class, side, ratio, ci_low, ci_high`.
        classes: `class, name, super_class`, in the order of the sectors (clockwise from the top).
        city: Name of the city, written in the hole.
        credits: Line of data credits.
    """
    figure = style.new_figure(150, 116, _CAPTION, credits, layout=None)
    ax = style.add_axes_mm(figure, 31, 14, 88, 88, projection="polar")
    _prepare(ax)

    # One sector more than classes: the one at the top is blank.
    sector = 2 * np.pi / (len(classes) + 1)  # rad
    middles = sector * np.arange(1, len(classes) + 1)
    classes_with_ratio = ratios.loc[ratios["ratio"].notna(), "class"]
    has_ratio = classes["class"].isin(classes_with_ratio).to_numpy()
    _draw_sectors(ax, middles, sector, classes["super_class"], has_ratio)
    _draw_rings(ax, sector)
    # Both bars of a class stand in its sector, poor before rich.
    for side in SIDES:
        rows = ratios[ratios["side"] == side].set_index("class").reindex(classes["class"])
        angles = middles + BAR_OFFSETS[side] * sector
        _draw_bars(ax, rows, angles, BAR_WIDTH * sector, side)

    names = classes["name"].where(has_ratio, classes["name"] + " (NA)")
    for angle, name in zip(middles, names, strict=True):
        _write_name(ax, angle, name)
    ax.text(0, -INNER, city, ha="center", va="center", fontsize=7.5, weight="bold")
    _add_legends(figure, classes)
    return figure


def _prepare(ax: PolarAxes) -> None:
    """Angles run clockwise from the top; a hole in the middle, no ticks and no frame."""
    ax.set_theta_zero_location("N")
    ax.set_theta_direction(-1)
    ax.set_rlim(0, CAP)
    ax.set_rorigin(-INNER)
    ax.grid(False)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)


def _draw_sectors(
    ax: PolarAxes,
    middles: np.ndarray,
    sector: float,
    super_classes: pd.Series,
    has_ratio: np.ndarray,
) -> None:
    """Sectors in the colour of their super-class, grey and hatched where there is no ratio."""
    colours = super_classes.map(style.SUPER_CLASS_COLOURS).where(has_ratio, style.UNUSED_COLOUR)
    bars = ax.bar(
        middles,
        CAP,
        sector * 0.97,
        color=colours,
        alpha=BACKGROUND_ALPHA,
        linewidth=0,
        zorder=1,
    )
    for patch in np.array(bars.patches)[~has_ratio]:
        patch.set(hatch="////", edgecolor="white")


def _draw_rings(ax: PolarAxes, sector: float) -> None:
    """Circles over all sectors but the blank one, where their values stand."""
    around = np.linspace(sector / 2, 2 * np.pi - sector / 2, 361)
    for ring in RINGS:
        radius = np.full(361, ring)
        if ring == 1:
            # Yellow on a dark edge, to be seen on every sector.
            ax.plot(around, radius, color="0.25", linewidth=1.8, zorder=4)
            ax.plot(around, radius, color=RING_AT_ONE_COLOUR, linewidth=1.2, zorder=4)
        else:
            ax.plot(around, radius, color="white", linewidth=0.6, zorder=2)
        ax.text(0, ring, f"{ring:g}", ha="center", va="center", fontsize=6)


def _draw_bars(
    ax: PolarAxes, rows: pd.DataFrame, angles: np.ndarray, width: float, side: str
) -> None:
    """Bars from the hole to the ratio with their intervals; longer ones end at the cap, with value.

    Args:
        ax: Axes to draw on.
        rows: `ratio, ci_low, ci_high` of one side, a row a class.
        angles: (N,) angles of the bars' middles, rad.
        width: Width of a bar, rad.
        side: Side of the rows.
    """
    ratios = rows["ratio"].to_numpy(dtype=float)
    heights = np.minimum(ratios, CAP)
    finite = np.isfinite(ratios)
    colour = style.SIDE_COLOURS[side]
    ax.bar(angles[finite], heights[finite], width, color=colour, linewidth=0, zorder=3)
    for angle, ratio, low, high in zip(
        angles,
        ratios,
        rows["ci_low"],
        rows["ci_high"],
        strict=True,
    ):
        if ratio > CAP:
            _write_value(ax, angle, ratio, colour)
        elif np.isfinite(ratio) and np.isfinite(low):
            _draw_interval(ax, angle, low, min(high, CAP))


def _write_value(ax: PolarAxes, angle: float, ratio: float, colour: str) -> None:
    ax.text(
        angle,
        CAP + 0.13,
        f"{ratio:.1f}",
        color=colour,
        ha="center",
        va="center",
        fontsize=6,
        weight="bold",
        gid="cap",
    )


def _draw_interval(ax: PolarAxes, angle: float, low: float, high: float) -> None:
    ax.plot(
        [angle, angle],
        [low, high],
        color="black",
        linewidth=0.7,
        zorder=5,
        path_effects=[withStroke(linewidth=1.6, foreground="white")],
    )


def _write_name(ax: PolarAxes, angle: float, name: str) -> None:
    """The class's name outside its sector, horizontal, growing away from the circle."""
    horizontal = _alignment(np.sin(angle), 0.17, "left", "right")
    vertical = _alignment(np.cos(angle), 0.6, "bottom", "top")
    # No break within "< 10 %".
    name = name.replace("< ", "<\N{NO-BREAK SPACE}")
    name = name.replace(" %", "\N{NO-BREAK SPACE}%")
    lines = textwrap.fill(name, 16)
    ax.text(angle, CAP + 0.27, lines, ha=horizontal, va=vertical, linespacing=1.1)


def _alignment(direction: float, threshold: float, ahead: str, behind: str) -> str:
    """The side of a text that stands at its place: its middle where the direction is near 0."""
    if direction > threshold:
        return ahead
    if direction < -threshold:
        return behind
    return "center"


def _add_legends(figure: Figure, classes: pd.DataFrame) -> None:
    sides = [
        Patch(color=style.SIDE_COLOURS[side], label=f"cells predicted {side}") for side in SIDES
    ]
    super_classes = [
        Patch(color=style.SUPER_CLASS_COLOURS[name], alpha=BACKGROUND_ALPHA, label=name)
        for name in classes["super_class"].drop_duplicates()
    ]
    # The lower legend stands on the footer.
    footer = figure.texts[0].get_window_extent()
    bottom = (0, footer.y1 / figure.bbox.height)
    figure.legend(handles=sides, loc="upper left", handlelength=1)
    figure.legend(handles=super_classes, loc="lower left", bbox_to_anchor=bottom, handlelength=1)


_CAPTION = (
    "Share of the activation over share of the area of each class, over the cells predicted poor "
    "and rich; yellow circle: 1. Bars end at 2, the value of longer ones is written. "
    "Lines: intervals by bootstrap over spatial blocks."
)
