"""Land cover by income: how many cells hold a class, by income quintile, and the order of classes.

The first is the published F7.
"""

from collections.abc import Hashable, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from urbancam.showing.figures import style
from urbancam.showing.wording import interval_of

# Of a class's line: five dots a class, one above the other.
DOT_STEP = 0.15
EVEN = 0.2  # of the cells, were a class spread evenly over the quintiles
MEASURE = "activation_contrast"
OBSERVED = "mean income"
# Room is left for so many names: few stand no further apart than many.
FEWEST_NAMES = 16


@style.in_house_style
def draw_class_by_quintile(
    class_by_quintile: pd.DataFrame, city: str = "", credits: str = ""
) -> Figure:
    """How the cells that hold each class of land cover divide over the quintiles of income.

    Args:
        class_by_quintile: `class_by_quintile.csv`: `class, name, quintile, n_cells, share, ci_low,
            ci_high`.
        city: Name of the city.
        credits: Line of data credits.
    """
    totals = class_by_quintile.groupby("class", sort=False)["n_cells"].sum()
    totals = totals[totals > 0]
    names = class_by_quintile.drop_duplicates("class").set_index("class")["name"]
    lines = max(len(totals), 1)
    height_mm = 20 + 6 * lines
    figure = style.new_figure(style.TWO_COLUMNS_MM, height_mm, _QUINTILE_CAPTION, credits)
    ax = figure.subplots()
    _draw_quintiles(ax, class_by_quintile, totals.index)
    labels = [f"{names[key]} ({cells:,})" for key, cells in totals.items()]
    ax.set_yticks(np.arange(len(totals)), labels=labels)
    ax.set_ylim(lines - 0.5, -0.5)
    ax.set_xlim(left=0)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", color="0.9", linewidth=0.4)
    ax.set_axisbelow(True)
    ax.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    ax.set_xlabel("share of the cells that hold the class")
    style.set_heading(figure, city, "land cover by income quintile", 75)
    _add_quintile_legend(figure)
    return figure


def _draw_quintiles(ax: Axes, shares: pd.DataFrame, classes: pd.Index) -> None:
    """Five dots a class with their intervals, pale without one, and where all would be alike.

    Args:
        ax: Axes to draw on.
        shares: As for `draw_class_by_quintile`.
        classes: Classes, a line each.
    """
    for line in range(0, len(classes), 2):
        ax.axhspan(line - 0.5, line + 0.5, color="0.955", linewidth=0, zorder=0)
    ax.axvline(EVEN, color="black", linewidth=0.6, linestyle="--", zorder=1)
    for quintile, colour in enumerate(style.CLASS_COLOURS):
        rows = shares[shares["quintile"] == quintile].set_index("class").reindex(classes)
        # The middle quintile lies on the line, two above it and two below.
        y = np.arange(len(classes)) + (quintile - 2) * DOT_STEP
        ax.hlines(y, rows["ci_low"], rows["ci_high"], color="0.45", linewidth=0.7, zorder=2)
        has_interval = rows["ci_low"].notna().to_numpy()
        for drawn, alpha in ((has_interval, 1), (~has_interval, 0.35)):
            look = {"color": colour, "markeredgecolor": "0.25", "markeredgewidth": 0.4}
            ax.plot(rows["share"][drawn], y[drawn], "o", markersize=3.4, alpha=alpha, **look)


def _add_quintile_legend(figure: Figure) -> None:
    handles = [
        Line2D(
            [],
            [],
            linestyle="",
            marker="o",
            markersize=3.4,
            color=colour,
            markeredgecolor="0.25",
            markeredgewidth=0.4,
            label=label,
        )
        for colour, label in zip(style.CLASS_COLOURS, style.CLASS_LABELS, strict=True)
    ]
    figure.legend(
        handles=handles,
        loc="outside upper right",
        ncols=5,
        handletextpad=0.1,
        columnspacing=1,
        borderpad=0,
    )


@style.in_house_style
def draw_ordering(
    contrast: pd.DataFrame,
    class_income: pd.DataFrame,
    agreement: pd.DataFrame,
    numbers: Mapping[Hashable, int],
    city: str = "",
    credits: str = "",
) -> Figure:
    """Where the map lies against who lives there: each class's contrast over its mean income.

    Args:
        contrast: `activation_contrast.csv`: `class, name, log_ratio, ci_low, ci_high`.
        class_income: `class_income.csv`: `class, name, mean_value, ci_low, ci_high`.
        agreement: `ordering_agreement.csv`: `measure, observed, n_classes, spearman, ci_low,
            ci_high`.
        numbers: Class -> its number in all figures.
        city: Name of the city.
        credits: Line of data credits.
    """
    classes = _order_classes(contrast, class_income)
    classes["number"] = classes["class"].map(numbers)
    height_mm = max(78, 12 + 4 * len(classes))
    figure = style.new_figure(style.TWO_COLUMNS_MM, height_mm, _ORDERING_CAPTION, credits)
    ax, legend = figure.subplots(1, 2, width_ratios=[1.7, 1])
    ax.axhline(0, color="black", linewidth=0.6, linestyle="--", zorder=1)
    _draw_points(ax, classes)
    if classes.empty:
        # Without points, ticks would name incomes that nobody has.
        ax.set(xticks=[], yticks=[])
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
    ax.set_xlabel(
        "mean income of the cells, weighted by the class's area (EUR per year and person)"
    )
    ax.set_ylabel("log(rich ratio / poor ratio)")
    ax.margins(x=0.06, y=0.08)
    style.set_heading(figure, city, _agreement_words(agreement))
    _list_classes(legend, classes.sort_values("number"))
    return figure


def _order_classes(contrast: pd.DataFrame, class_income: pd.DataFrame) -> pd.DataFrame:
    """The classes that have both a contrast and an income, from the poorest to the richest.

    Args:
        contrast: As for `draw_ordering`.
        class_income: As for `draw_ordering`.

    Returns:
        `class, name, mean_value, ci_low_value, ci_high_value, log_ratio, ci_low, ci_high`.
    """
    incomes = class_income[["class", "name", "mean_value", "ci_low", "ci_high"]]
    contrast = contrast.drop(columns="name")
    classes = incomes.merge(contrast, on="class", suffixes=("_value", ""))
    complete = classes["log_ratio"].notna() & classes["mean_value"].notna()
    return classes[complete].sort_values("mean_value")


def _draw_points(ax: Axes, classes: pd.DataFrame) -> None:
    """A numbered dot a class, its intervals pale; the dot pale too where an interval is lacking."""
    x = classes["mean_value"]
    y = classes["log_ratio"]
    line = {"color": "0.65", "linewidth": 0.8, "zorder": 2}
    ax.hlines(y, classes["ci_low_value"], classes["ci_high_value"], **line)
    ax.vlines(x, classes["ci_low"], classes["ci_high"], **line)

    has_intervals = classes["ci_low"].notna() & classes["ci_low_value"].notna()
    dot = {"color": "white", "markersize": 9, "zorder": 3}
    ax.plot(x[has_intervals], y[has_intervals], "o", markeredgecolor="black", **dot)
    ax.plot(x[~has_intervals], y[~has_intervals], "o", markeredgecolor="0.75", **dot)
    words = {"ha": "center", "va": "center_baseline", "fontsize": 5.5, "zorder": 4}
    for income, log_ratio, number in zip(x, y, classes["number"], strict=True):
        ax.text(income, log_ratio, str(number), **words)


def _agreement_words(agreement: pd.DataFrame) -> str:
    """Whether activation and income order the classes alike, where the table says."""
    observed = agreement["observed"].astype(str)
    rows = agreement[agreement["measure"].eq(MEASURE) & observed.str.startswith(OBSERVED)]
    if rows.empty:
        return "order of the classes by activation and by income"
    row = rows.iloc[0].rename({"spearman": "value"})
    correlation = "undefined" if pd.isna(row["value"]) else interval_of(row)
    return (
        "activation and income order the classes alike? "
        f"Spearman r {correlation} over {int(row['n_classes'])} classes"
    )


def _list_classes(ax: Axes, classes: pd.DataFrame) -> None:
    """Number and name of each class, from the top down."""
    ax.set_axis_off()
    ax.set_ylim(max(len(classes), FEWEST_NAMES) + 0.5, 0)
    words = {"va": "center", "transform": ax.get_yaxis_transform()}
    for line, row in enumerate(classes.itertuples(), 1):
        ax.text(0.03, line, f"{row.number}", ha="right", **words)
        ax.text(0.06, line, row.name, **words)


_QUINTILE_CAPTION = (
    "Cells with at least the smallest area of the class that counts, by quintile of the city's "
    "observed income; in brackets: how many they are. A cell counts for every class it holds. "
    "Dashed: a class spread evenly over the quintiles. Lines: intervals by bootstrap over spatial "
    "blocks; pale dots: in too few blocks for one."
)
_ORDERING_CAPTION = (
    "Each dot a class of land cover, numbered as in all figures. Above 0 (dashed): the map lies on "
    "the class rather where the image says rich. If the network only repeated who lives where, the "
    "dots would rise from left to right. Lines: intervals by bootstrap over spatial blocks; pale "
    "dots: in too few blocks to be counted."
)
