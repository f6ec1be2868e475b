"""Land cover by income: cells that hold a class, by income quintile (the published F7), and the order of classes."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from urbancam.showing.figures import style
from urbancam.showing.wording import interval_of

BAR_HEIGHT = 0.16  # of a class's line: five bars a class
COUNTS = [f"cells_{quintile}" for quintile in range(5)]
MEASURE, OBSERVED = "activation_contrast", "mean income"


@style.styled
def draw_class_by_quintile(class_income: pd.DataFrame, city: str = "", credits: str = "") -> Figure:
    """Cells that hold each class of land cover by income quintile, on a log scale, as published.

    Args:
        class_income: `class_income.csv`: `class, name, n_cells, cells_0 .. cells_4`.
        city: its name.
        credits: the line of data credits.
    """
    table = class_income[class_income["n_cells"] > 0]
    counts = table[COUNTS].to_numpy(float)
    figure = style.new_figure(
        style.TWO_COLUMNS_MM, 24 + 6.2 * max(len(table), 1), _QUINTILE_CAPTION, credits
    )
    ax = figure.subplots()
    ax.set_xscale("log")
    lines = np.arange(len(table))
    for quintile, colour in enumerate(style.CLASS_COLOURS):
        y = lines + (quintile - 2) * BAR_HEIGHT
        ax.barh(y, counts[:, quintile], BAR_HEIGHT, color=colour, edgecolor="0.3", linewidth=0.3)
    even = counts.sum(axis=1) / 5
    ax.vlines(even, lines - 0.45, lines + 0.45, color="black", linewidth=0.7, linestyle="--")
    ax.set_xlim(0.8, max(counts.max(initial=0), 10) * 1.3)
    ax.xaxis.set_major_formatter(lambda cells, _: f"{cells:,.0f}")
    ax.set_yticks(
        lines, labels=[f"{row.name} ({row.n_cells:,})" for row in table.itertuples(index=False)]
    )
    ax.set_ylim(max(len(table), 1) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("cells that hold the class (log scale)")
    style.set_heading(figure, city, "land cover by income quintile")
    handles = [
        Patch(facecolor=colour, edgecolor="0.3", linewidth=0.3, label=label)
        for colour, label in zip(style.CLASS_COLOURS, style.CLASS_LABELS, strict=True)
    ]
    figure.legend(
        handles=handles,
        loc="outside upper right",
        ncols=5,
        handlelength=1,
        columnspacing=1,
        borderpad=0,
    )
    return figure


@style.styled
def draw_ordering(
    contrast: pd.DataFrame,
    class_income: pd.DataFrame,
    agreement: pd.DataFrame,
    city: str = "",
    credits: str = "",
) -> Figure:
    """Where the map lies against who lives there: each class's contrast over its cells' mean income.

    Args:
        contrast: `activation_contrast.csv`: `class, name, log_ratio, ci_low, ci_high`.
        class_income: `class_income.csv`: `class, name, mean_income_eur, ci_low, ci_high`.
        agreement: `ordering_agreement.csv`: `measure, observed, n_classes, spearman, ci_low, ci_high`.
        city: its name.
        credits: the line of data credits.
    """
    columns = ["class", "name", "mean_income_eur", "ci_low", "ci_high"]
    table = class_income[columns].merge(
        contrast.drop(columns="name"), on="class", suffixes=("_eur", "")
    )
    table = table[table["log_ratio"].notna() & table["mean_income_eur"].notna()].sort_values(
        "mean_income_eur"
    )
    figure = style.new_figure(
        style.TWO_COLUMNS_MM, max(78, 12 + 4 * len(table)), _ORDERING_CAPTION, credits
    )
    ax, legend = figure.subplots(1, 2, width_ratios=[1.7, 1])
    ax.axhline(0, color="black", linewidth=0.6, linestyle="--", zorder=1)
    _draw_points(ax, table)
    if table.empty:
        ax.set(xticks=[], yticks=[])
    ax.xaxis.set_major_formatter(lambda eur, _: f"{eur:,.0f}")
    ax.set_xlabel(
        "mean income of the cells, weighted by the class's area (EUR per year and person)"
    )
    ax.set_ylabel("log(rich ratio / poor ratio)")
    ax.margins(x=0.06, y=0.08)
    style.set_heading(figure, city, _agreement_words(agreement))
    _list_classes(legend, table)
    return figure


def _draw_points(ax: Axes, table: pd.DataFrame) -> None:
    """A numbered dot a class, its intervals pale; the dot pale too where an interval is lacking."""
    x, y = table["mean_income_eur"], table["log_ratio"]
    known = table["ci_low"].notna() & table["ci_low_eur"].notna()
    ax.hlines(y, table["ci_low_eur"], table["ci_high_eur"], color="0.65", linewidth=0.8, zorder=2)
    ax.vlines(x, table["ci_low"], table["ci_high"], color="0.65", linewidth=0.8, zorder=2)
    for edge, chosen in {"black": known, "0.75": ~known}.items():
        ax.plot(
            x[chosen], y[chosen], "o", color="white", markeredgecolor=edge, markersize=9, zorder=3
        )
    for number, (income, value) in enumerate(zip(x, y, strict=True), 1):
        ax.text(income, value, str(number), ha="center", va="center_baseline", fontsize=6, zorder=4)


def _agreement_words(agreement: pd.DataFrame) -> str:
    chosen = agreement["measure"].eq(MEASURE) & agreement["observed"].astype(str).str.startswith(
        OBSERVED
    )
    if not chosen.any():
        return "order of the classes by activation and by income"
    row = agreement[chosen].iloc[0].rename({"spearman": "value"})
    words = "undefined" if pd.isna(row["value"]) else interval_of(row)
    return f"activation and income order the classes alike? Spearman r {words} over {int(row['n_classes'])} classes"


def _list_classes(ax: Axes, table: pd.DataFrame) -> None:
    ax.set_axis_off()
    ax.set_ylim(max(len(table), 16) + 0.5, 0)
    for number, name in enumerate(table["name"], 1):
        ax.text(
            0.03, number, f"{number}", ha="right", va="center", transform=ax.get_yaxis_transform()
        )
        ax.text(0.06, number, name, va="center", transform=ax.get_yaxis_transform())


_QUINTILE_CAPTION = (
    "Cells with at least the smallest area of the class that counts, by quintile of the city's observed income; in "
    "brackets: all of them. A cell counts for every class it holds. Dashed: what each quintile would have if the "
    "class were spread evenly over them."
)
_ORDERING_CAPTION = (
    "Each dot a class of land cover, numbered by income. Above 0 (dashed): the map lies on the class rather where the "
    "image says rich. If the network only repeated who lives where, the dots would rise from left to right. "
    "Lines: intervals by bootstrap over spatial blocks; pale dots: in too few blocks to be counted."
)
