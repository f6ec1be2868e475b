"""The published polar figure: activation ratios as bars around a circle, the land cover in a fixed order.

The layout is that of Levy Abitbol & Karsai 2020 (after Burtin's diagram): 18 classes and a blank sector for
the scale, radius linear in the ratio from 0 to 2, a circle at 1, sectors coloured by super-class.
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
INNER = (
    80 / (303 - 80) * CAP
)  # the hole, in units of the ratio: inner radius 80 and outer radius 303, as published
RINGS = (0.5, 1.0, 1.5, 2.0)
BAR_WIDTH = 0.32  # of a sector
BAR_OFFSETS = {"poor": -0.18, "rich": 0.18}  # of a sector
BACKGROUND_ALPHA = 0.55
RING_AT_ONE_COLOUR = "#ffd500"


@style.styled
def draw_polar_ratios(
    ratios: pd.DataFrame, classes: pd.DataFrame, city: str = "", credits: str = ""
) -> Figure:
    """Activation ratios of both sides around the circle; a class without a ratio has a grey sector and "NA".

    Args:
        ratios: `activation_ratio.csv`: `class, side, ratio, ci_low, ci_high`.
        classes: `class, name, super_class`, in the order of the sectors (clockwise from the top).
        city: its name, written in the hole.
        credits: the line of data credits.
    """
    figure = style.new_figure(150, 116, _CAPTION, credits, layout=None)
    ax = style.add_axes_mm(figure, 31, 14, 88, 88, projection="polar")
    sector = 2 * np.pi / (len(classes) + 1)
    middles = sector * np.arange(1, len(classes) + 1)
    _prepare(ax)
    known = classes["class"].isin(ratios.loc[ratios["ratio"].notna(), "class"]).to_numpy()
    colours = (
        classes["super_class"].map(style.SUPER_CLASS_COLOURS).where(known, style.UNUSED_COLOUR)
    )
    sectors = ax.bar(
        middles, CAP, sector * 0.97, color=colours, alpha=BACKGROUND_ALPHA, linewidth=0, zorder=1
    )
    for patch in np.array(sectors.patches)[~known]:
        patch.set(hatch="////", edgecolor="white")
    _draw_rings(ax, sector)
    for side in SIDES:
        rows = ratios[ratios["side"] == side].set_index("class").reindex(classes["class"])
        _draw_bars(ax, rows, middles + BAR_OFFSETS[side] * sector, BAR_WIDTH * sector, side)
    for angle, name, is_known in zip(middles, classes["name"], known, strict=True):
        _write_name(ax, angle, name if is_known else f"{name} (NA)")
    ax.text(0, -INNER, city, ha="center", va="center", fontsize=7.5, weight="bold")
    _add_legends(figure, classes)
    return figure


def _prepare(ax: PolarAxes) -> None:
    ax.set_theta_zero_location("N")
    ax.set_theta_direction(-1)
    ax.set_rlim(0, CAP)
    ax.set_rorigin(-INNER)
    ax.grid(False)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)


def _draw_rings(ax: PolarAxes, sector: float) -> None:
    """Circles over all sectors but the blank one, where their values stand."""
    around = np.linspace(sector / 2, 2 * np.pi - sector / 2, 361)
    for ring in RINGS:
        if ring == 1:
            ax.plot(around, np.full(361, ring), color="0.25", linewidth=1.8, zorder=4)
            ax.plot(around, np.full(361, ring), color=RING_AT_ONE_COLOUR, linewidth=1.2, zorder=4)
        else:
            ax.plot(around, np.full(361, ring), color="white", linewidth=0.6, zorder=2)
        ax.text(0, ring, f"{ring:g}", ha="center", va="center", fontsize=6)


def _draw_bars(
    ax: PolarAxes, rows: pd.DataFrame, angles: np.ndarray, width: float, side: str
) -> None:
    """Bars from the hole to the ratio, with intervals; longer ones end at the cap, with their value."""
    ratio = rows["ratio"].to_numpy(dtype=float)
    drawn = np.isfinite(ratio)
    colour = style.SIDE_COLOURS[side]
    ax.bar(angles[drawn], np.minimum(ratio[drawn], CAP), width, color=colour, linewidth=0, zorder=3)
    for angle, value, low, high in zip(angles, ratio, rows["ci_low"], rows["ci_high"], strict=True):
        if value > CAP:
            ax.text(
                angle,
                CAP + 0.13,
                f"{value:.1f}",
                color=colour,
                ha="center",
                va="center",
                fontsize=6,
                weight="bold",
                gid="cap",
            )
        elif np.isfinite(value) and np.isfinite(low):
            ax.plot(
                [angle, angle],
                [low, min(high, CAP)],
                color="black",
                linewidth=0.7,
                zorder=5,
                path_effects=[withStroke(linewidth=1.6, foreground="white")],
            )


def _write_name(ax: PolarAxes, angle: float, name: str) -> None:
    """The class's name outside its sector, horizontal, growing away from the circle."""
    right, up = np.sin(angle), np.cos(angle)
    horizontal = "left" if right > 0.17 else "right" if right < -0.17 else "center"
    vertical = "bottom" if up > 0.6 else "top" if up < -0.6 else "center"
    kept = name.replace("< ", "<\N{NO-BREAK SPACE}").replace(
        " %", "\N{NO-BREAK SPACE}%"
    )  # no break within "< 10 %"
    ax.text(angle, CAP + 0.27, textwrap.fill(kept, 16), ha=horizontal, va=vertical, linespacing=1.1)


def _add_legends(figure: Figure, classes: pd.DataFrame) -> None:
    sides = [
        Patch(color=style.SIDE_COLOURS[side], label=f"cells predicted {side}") for side in SIDES
    ]
    supers = [
        Patch(color=style.SUPER_CLASS_COLOURS[name], alpha=BACKGROUND_ALPHA, label=name)
        for name in classes["super_class"].drop_duplicates()
    ]
    bottom = figure.texts[0].get_window_extent().y1 / figure.bbox.height  # the footer's upper edge
    figure.legend(handles=sides, loc="upper left", handlelength=1)
    figure.legend(handles=supers, loc="lower left", bbox_to_anchor=(0, bottom), handlelength=1)


_CAPTION = (
    "Share of the activation over share of the area of each class, over the cells predicted poor and rich; "
    "yellow circle: 1. Bars end at 2, the value of longer ones is written. Lines: intervals by bootstrap "
    "over spatial blocks."
)
