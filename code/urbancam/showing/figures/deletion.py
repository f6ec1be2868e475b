"""Deletion and insertion: how the logit moves when what a map marks is taken away, or put back."""

from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from urbancam.showing.figures import style
from urbancam.showing.wording import interval_of

RANDOM = "random"
CURVES = {  # title, label of the axis
    "deletion": ("deletion: a fast fall is good", "share of the cell blurred"),
    "insertion": ("insertion: a fast rise is good", "share of the cell put back"),
}


@dataclass(frozen=True)
class Look:
    """How an order of patches is drawn.

    Attributes:
        name: Name for people.
        colour: Colour of line, dots and band.
        line: Style of the line.
        marker: Shape of the dots.
    """

    name: str
    colour: str
    line: str
    marker: str


LOOKS = {  # who says which patches go first
    "published": Look("published map", "#00695c", "-", "o"),
    "contribution": Look("contribution", "#b35806", "-.", "D"),
    "edges": Look("edges", "#7f6aa8", ":", "^"),
    RANDOM: Look("at random", "0.35", "--", "s"),
}


@style.in_house_style
def draw_deletion(
    deletion: pd.DataFrame, area: pd.DataFrame, city: str = "", credits: str = ""
) -> Figure:
    """Change of the logit to the predicted side over the share of patches blurred, or put back.

    Args:
        deletion: `deletion.csv`: `order, curve, fraction, n_cells, value, ci_low, ci_high`, logit
            units.
        area: `deletion_area.csv`: `order, curve, above_random, above_random_ci_low,
            above_random_ci_high`, for the legends.
        city: Name of the city.
        credits: Line of data credits.
    """
    figure = style.new_figure(style.TWO_COLUMNS_MM, 84, _caption(deletion), credits)
    axes = figure.subplots(1, 2)
    for ax, letter, curve in zip(axes, "ab", CURVES, strict=True):
        title, label = CURVES[curve]
        _draw_panel(
            ax,
            deletion[deletion["curve"] == curve],
            area[area["curve"] == curve],
            label,
        )
        style.set_title(ax, letter, title)
    axes[0].set_ylabel("mean change of the logit\ntowards the predicted side")
    style.set_heading(figure, city, "what the logit hangs on")
    return figure


def _draw_panel(ax: Axes, deletion: pd.DataFrame, area: pd.DataFrame, label: str) -> None:
    """The curves of all orders.

    Args:
        ax: Axes to draw on.
        deletion: Rows of one curve, as of `draw_deletion`.
        area: Rows of the same curve, as of `draw_deletion`.
        label: Label of the horizontal axis.
    """
    for order, look in LOOKS.items():
        rows = deletion[deletion["order"] == order]
        if len(rows):
            _draw_curve(ax, rows.sort_values("fraction"), look, _above_random(area, order))
    # Nothing blurred, nothing moved: all curves start on this line.
    ax.axhline(0, color="black", linewidth=0.5, zorder=1)
    ax.set(xlabel=label, xlim=(0, 1))
    if len(deletion):
        ax.legend(
            loc="best",
            frameon=True,
            framealpha=0.85,
            edgecolor="none",
            handlelength=3,
            title="area above random",
            alignment="left",
        )
    ax.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")


def _above_random(area: pd.DataFrame, order: str) -> str:
    """How far an order's curve lies above the random one on average; "" for the random one itself.

    Args:
        area: Rows of one curve, as of `draw_deletion`.
        order: Order of the curve.
    """
    rows = area[area["order"] == order]
    if order == RANDOM or rows.empty:
        return ""
    row = rows.iloc[0]
    return f" {interval_of(row, 'above_random')}"


def _draw_curve(ax: Axes, rows: pd.DataFrame, look: Look, note: str) -> None:
    """A line with dots, and the band of its intervals; the note stands behind its name."""
    ax.fill_between(
        rows["fraction"],
        rows["ci_low"],
        rows["ci_high"],
        color=look.colour,
        alpha=0.15,
        linewidth=0,
    )
    ax.plot(
        rows["fraction"],
        rows["value"],
        color=look.colour,
        linestyle=look.line,
        marker=look.marker,
        markersize=2.5,
        label=f"{look.name}{note}",
    )


def _caption(deletion: pd.DataFrame) -> str:
    cells = int(deletion["n_cells"].max()) if len(deletion) else 0
    return style.sentences(
        "Patches of a cell blurred (a), or put back into the blurred image (b), "
        "those first that a map marks most (Petsiuk et al. 2018)",
        "Dashed: the same patches in random order, the null; "
        "the legends say by how much the others lie above it on average",
        f"{cells:,} cells predicted poor or rich, each by the model that never saw it",
        "Bands: intervals by bootstrap over spatial blocks",
    )
