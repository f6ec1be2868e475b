"""The published polar figure: activation ratios as bars around a circle, classes in a fixed order.

The layout is that of Levy Abitbol & Karsai 2020 (after Burtin's diagram): a sector a class and a
blank one for the scale, radius linear in the ratio from 0 to 2, a circle at 1, sectors coloured by
super-class.
"""

import textwrap

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.projections.polar import PolarAxes

from urbancam.scoring.vocabulary import SIDES
from urbancam.showing.figures import style

CAP = 2.0  # ratio; longer bars end here, marked with their value and without interval, as published
# Radius of the hole, in units of the ratio: inner radius 80 and outer radius 303, as published.
INNER = 80 / (303 - 80) * CAP
MOST_SECTORS = 24  # whose names have room around the circle
RINGS = (0.5, 1.0, 1.5, 2.0)
BAR_WIDTH = 0.32  # of a sector
BAR_OFFSETS = {"poor": -0.18, "rich": 0.18}  # of a sector
# Colours of the super-classes, in the sectors and in the band around them; paler where too few
# cells of either side hold the class to say anything.
SECTOR_ALPHA, BAND_ALPHA, FADED_ALPHA = 0.22, 1.0, 0.06
FADED_BAR_ALPHA = 0.35
BAND = 0.05  # of the ratio's units, beyond the cap
RING_COLOUR, RING_AT_ONE_COLOUR = "0.75", "black"


@style.in_house_style
def draw_polar_ratios(
    ratios: pd.DataFrame, classes: pd.DataFrame, city: str = "", credits: str = ""
) -> Figure:
    """Activation ratios of both sides around the circle.

    A class without a ratio has a grey sector and "NA".

    Args:
        ratios: `activation_ratio.csv`: `class, side, ratio, ci_low, ci_high`.
        classes: `class, number, name, super_class, super_class_colour`, in the order of the sectors
            (clockwise from the top).
        city: Name of the city, written in the hole.
        credits: Line of data credits.
    """
    classes = _sectors_with_room(classes, ratios)
    figure = style.new_figure(style.TWO_COLUMNS_MM, 116, _CAPTION, credits, layout=None)
    ax = style.add_axes_mm(figure, 36, 14, 88, 88, projection="polar")
    _prepare(ax)

    # One sector more than classes: the one at the top is blank.
    sector = 2 * np.pi / (len(classes) + 1)  # rad
    middles = sector * np.arange(1, len(classes) + 1)
    has_ratio = classes["class"].isin(_classes_with(ratios, "ratio")).to_numpy()
    has_interval = classes["class"].isin(_classes_with(ratios, "ci_low")).to_numpy()
    _draw_sectors(ax, middles, sector, classes["super_class_colour"], has_interval)
    _draw_rings(ax, sector)
    # Both bars of a class stand in its sector, poor before rich.
    for side in SIDES:
        rows = ratios[ratios["side"] == side].set_index("class").reindex(classes["class"])
        angles = middles + BAR_OFFSETS[side] * sector
        _draw_bars(ax, rows, angles, BAR_WIDTH * sector, side)

    names = classes["number"].astype(str) + " " + classes["name"]
    names = names.where(has_ratio, names + " (NA)")
    for angle, name, tells in zip(middles, names, has_interval, strict=True):
        _write_name(ax, angle, name, "black" if tells else "0.55")
    words = textwrap.fill(city, 13, max_lines=4)
    ax.text(0, -INNER, words, ha="center", va="center", fontsize=7, weight="bold")
    _add_legends(figure, classes)
    return figure


def _sectors_with_room(classes: pd.DataFrame, ratios: pd.DataFrame) -> pd.DataFrame:
    """All classes; of more than have room around the circle those with a ratio."""
    if len(classes) <= MOST_SECTORS:
        return classes
    return classes[classes["class"].isin(_classes_with(ratios, "ratio"))]


def _classes_with(ratios: pd.DataFrame, column: str) -> pd.Series:
    """The classes that have a value in a column, on one side at least."""
    return ratios.loc[ratios[column].notna(), "class"]


def _prepare(ax: PolarAxes) -> None:
    """Angles run clockwise from the top; a hole in the middle, no ticks and no frame."""
    ax.set_theta_zero_location("N")
    ax.set_theta_direction(-1)
    ax.set_rlim(0, CAP + BAND)
    ax.set_rorigin(-INNER)
    ax.grid(False)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)


def _draw_sectors(
    ax: PolarAxes,
    middles: np.ndarray,
    sector: float,
    colours: pd.Series,
    has_interval: np.ndarray,
) -> None:
    """Sectors in the colour of their super-class with a band of it around them; faded where
    neither side has an interval."""
    width = sector * 0.97
    alphas = np.where(has_interval, SECTOR_ALPHA, FADED_ALPHA)
    _draw_ring_of_bars(ax, middles, CAP, width, colours, alphas, bottom=0)
    alphas = np.where(has_interval, BAND_ALPHA, SECTOR_ALPHA)
    _draw_ring_of_bars(ax, middles, BAND, width, colours, alphas, bottom=CAP)


def _draw_ring_of_bars(
    ax: PolarAxes,
    middles: np.ndarray,
    height: float,
    width: float,
    colours: pd.Series,
    alphas: np.ndarray,
    bottom: float,
) -> None:
    faces = list(zip(colours, alphas, strict=True))
    ax.bar(middles, height, width, bottom, color=faces, linewidth=0, zorder=1)


def _draw_rings(ax: PolarAxes, sector: float) -> None:
    """Circles over all sectors but the blank one, where their values stand."""
    around = np.linspace(sector / 2, 2 * np.pi - sector / 2, 361)
    for ring in RINGS:
        colour = RING_AT_ONE_COLOUR if ring == 1 else RING_COLOUR
        width_pt = 0.7 if ring == 1 else 0.3
        ax.plot(around, np.full(361, ring), color=colour, linewidth=width_pt, zorder=2)
        ax.text(0, ring, f"{ring:g}", ha="center", va="center", fontsize=style.SMALL_PT)


def _draw_bars(
    ax: PolarAxes, rows: pd.DataFrame, angles: np.ndarray, width: float, side: str
) -> None:
    """Bars from the hole to the ratio with their intervals; longer ones end at the cap, with value.

    A bar without an interval rests on too few blocks for one, and is faded.

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
    alphas = np.where(rows["ci_low"].notna(), 1, FADED_BAR_ALPHA)[finite]
    faces = [(colour, alpha) for alpha in alphas]
    ax.bar(angles[finite], heights[finite], width, color=faces, linewidth=0, zorder=3)
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
    # White below black, to be seen on bars and beside them.
    for colour, width_pt in (("white", 1.4), ("black", 0.6)):
        ax.plot([angle, angle], [low, high], color=colour, linewidth=width_pt, zorder=5)


def _write_name(ax: PolarAxes, angle: float, name: str, colour: str) -> None:
    """The class's name outside its sector, horizontal, growing away from the circle."""
    horizontal = _alignment(np.sin(angle), 0.17, "left", "right")
    vertical = _alignment(np.cos(angle), 0.6, "bottom", "top")
    # No break within "< 10 %", nor "> 80 %".
    for sign in "<>":
        name = name.replace(f"{sign} ", f"{sign}\N{NO-BREAK SPACE}")
    name = name.replace(" %", "\N{NO-BREAK SPACE}%")
    lines = textwrap.fill(name, 18)
    ax.text(
        angle,
        CAP + 0.27,
        lines,
        ha=horizontal,
        va=vertical,
        color=colour,
        fontsize=style.SMALL_PT,
        linespacing=1.1,
    )


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
    faded = Patch(color=(style.SIDE_COLOURS["poor"], FADED_BAR_ALPHA), label="in too few blocks")
    super_classes = [
        Patch(color=row.super_class_colour, label=row.super_class)
        for row in classes.drop_duplicates("super_class").itertuples()
    ]
    figure.legend(handles=[*sides, faded], loc="upper right", handlelength=1)
    figure.legend(handles=super_classes, loc="lower right", handlelength=1)


_CAPTION = (
    "Share of the activation over share of the area of each class, over the cells predicted poor "
    "and rich; dark circle: 1. Bars end at 2, the value of longer ones is written. "
    "Lines: intervals by bootstrap over spatial blocks; pale: in too few blocks for one."
)
