"""Deletion and insertion: how fast the logit goes when what a map marks most is taken away, or put back."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from urbancam.showing.figures import style
from urbancam.showing.wording import interval_of

ORDERS = {  # who says what goes first: name, colour, line, marker
    "published": ("published map", "#00695c", "-", "o"),
    "contribution": ("contribution", "#b35806", "-.", "D"),
    "edges": ("edges", "#7f6aa8", ":", "^"),
    "random": ("at random", "0.35", "--", "s"),
}
RANDOM = "random"
CURVES = {  # title, axis
    "deletion": ("deletion: a fast fall is good", "share of the cell blurred"),
    "insertion": ("insertion: a fast rise is good", "share of the cell put back"),
}


@style.styled
def draw_deletion(
    deletion: pd.DataFrame, area: pd.DataFrame, city: str = "", credits: str = ""
) -> Figure:
    """Change of the logit towards the predicted side over the share of a cell's patches deleted, or inserted.

    Args:
        deletion: `deletion.csv`: `order, curve, fraction, n_cells, value, ci_low, ci_high`, logit units.
        area: `deletion_area.csv`: `order, curve, above_random, above_random_low, above_random_high`, for the legends.
        city: its name.
        credits: the line of data credits.
    """
    figure = style.new_figure(style.TWO_COLUMNS_MM, 84, _caption(deletion), credits)
    axes = figure.subplots(1, 2)
    for letter, ax, (curve, (title, label)) in zip("ab", axes, CURVES.items(), strict=True):
        rows = deletion[deletion["curve"] == curve]
        for order in [name for name in ORDERS if name in set(rows["order"])]:
            name = f"{ORDERS[order][0]}{_above_random(area, order, curve)}"
            _draw_curve(ax, rows[rows["order"] == order].sort_values("fraction"), order, name)
        ax.axhline(0, color="black", linewidth=0.5, zorder=1)
        ax.set(xlabel=label, xlim=(0, 1))
        if len(rows):
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
        style.set_title(ax, letter, title)
    axes[0].set_ylabel("mean change of the logit\ntowards the predicted side")
    style.set_heading(figure, city, "what the logit hangs on")
    return figure


def _above_random(area: pd.DataFrame, order: str, curve: str) -> str:
    """How far a curve lies above that of the random order on average, with its interval; "" for that order itself."""
    rows = area[(area["order"] == order) & (area["curve"] == curve)]
    if order == RANDOM or rows.empty:
        return ""
    row = rows.iloc[0][["above_random", "above_random_low", "above_random_high"]]
    return f" {interval_of(row.set_axis(['value', 'ci_low', 'ci_high']))}"


def _draw_curve(ax: Axes, rows: pd.DataFrame, order: str, label: str) -> None:
    _, colour, line, marker = ORDERS[order]
    ax.fill_between(
        rows["fraction"], rows["ci_low"], rows["ci_high"], color=colour, alpha=0.15, linewidth=0
    )
    ax.plot(
        rows["fraction"],
        rows["value"],
        color=colour,
        linestyle=line,
        marker=marker,
        markersize=2.5,
        label=label,
    )


def _caption(deletion: pd.DataFrame) -> str:
    cells = int(deletion["n_cells"].max()) if len(deletion) else 0
    return style.sentences(
        "Patches of a cell blurred (a), or put back into the blurred image (b), those first that a map marks most "
        "(Petsiuk et al. 2018)",
        "Dashed: the same patches in random order, the null; the legends say by how much the others lie above it on "
        "average",
        f"{cells:,} cells predicted poor or rich, each by the model that never saw it",
        "Bands: intervals by bootstrap over spatial blocks",
    )
