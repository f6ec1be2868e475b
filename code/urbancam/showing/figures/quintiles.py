"""Land cover by income: how many cells hold a class, by income quintile, and the order of classes.

The first is the published F7.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from urbancam.showing.figures import style
from urbancam.showing.wording import interval_of

BAR_HEIGHT = 0.16  # of a class's line: five bars a class
COUNTS = [f"n_cells_{quintile}" for quintile in range(5)]
MEASURE = "activation_contrast"
OBSERVED = "mean income"
# Room is left for so many names: few stand no further apart than many.
FEWEST_NAMES = 16


@style.in_house_style
def draw_class_by_quintile(class_income: pd.DataFrame, city: str = "", credits: str = "") -> Figure:
    """Cells that hold each class of land cover by income quintile, on a log scale, as published.

    Args:
        class_income: `class_income.csv`: `class, name, n_cells, n_cells_0 .. n_cells_4`.
        city: Name of the city.
        credits: Line of data credits.
    """
    classes = class_income[class_income["n_cells"] > 0]
    lines = max(len(classes), 1)
    height_mm = 24 + 6.2 * lines
    figure = style.new_figure(style.TWO_COLUMNS_MM, height_mm, _QUINTILE_CAPTION, credits)
    ax = figure.subplots()
    ax.set_xscale("log")
    _draw_quintiles(ax, classes[COUNTS].to_numpy(float))
    ax.xaxis.set_major_formatter(lambda cells, _: f"{cells:,.0f}")
    names = [f"{row.name} ({row.n_cells:,})" for row in classes.itertuples(index=False)]
    ax.set_yticks(np.arange(len(classes)), labels=names)
    ax.set_ylim(lines - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("cells that hold the class (log scale)")
    style.set_heading(figure, city, "land cover by income quintile")
    _add_quintile_legend(figure)
    return figure


def _draw_quintiles(ax: Axes, counts: np.ndarray) -> None:
    """Five bars a class, and what each would be if the class were spread evenly.

    Args:
        ax: Axes to draw on.
        counts: (classes, 5) cells that hold the class, by quintile.
    """
    lines = np.arange(len(counts))
    # The middle quintile lies on the line, two above it and two below.
    for quintile, colour in enumerate(style.CLASS_COLOURS):
        y = lines + (quintile - 2) * BAR_HEIGHT
        ax.barh(y, counts[:, quintile], BAR_HEIGHT, color=colour, edgecolor="0.3", linewidth=0.3)
    # A cell counts for one quintile: spread evenly, each would have a fifth.
    even = counts.sum(axis=1) / 5
    ax.vlines(even, lines - 0.45, lines + 0.45, color="black", linewidth=0.7, linestyle="--")
    ax.set_xlim(0.8, max(counts.max(initial=0), 10) * 1.3)


def _add_quintile_legend(figure: Figure) -> None:
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


@style.in_house_style
def draw_ordering(
    contrast: pd.DataFrame,
    class_income: pd.DataFrame,
    agreement: pd.DataFrame,
    city: str = "",
    credits: str = "",
) -> Figure:
    """Where the map lies against who lives there: each class's contrast over its mean income.

    Args:
        contrast: `activation_contrast.csv`: `class, name, log_ratio, ci_low, ci_high`.
        class_income: `class_income.csv`: `class, name, mean_income_eur, ci_low, ci_high`.
        agreement: `ordering_agreement.csv`: `measure, observed, n_classes, spearman, ci_low,
            ci_high`.
        city: Name of the city.
        credits: Line of data credits.
    """
    classes = _order_classes(contrast, class_income)
    height_mm = max(78, 12 + 4 * len(classes))
    figure = style.new_figure(style.TWO_COLUMNS_MM, height_mm, _ORDERING_CAPTION, credits)
    ax, legend = figure.subplots(1, 2, width_ratios=[1.7, 1])
    ax.axhline(0, color="black", linewidth=0.6, linestyle="--", zorder=1)
    _draw_points(ax, classes)
    if classes.empty:
        # Without points, ticks would name incomes that nobody has.
        ax.set(xticks=[], yticks=[])
    ax.xaxis.set_major_formatter(lambda eur, _: f"{eur:,.0f}")
    ax.set_xlabel(
        "mean income of the cells, weighted by the class's area (EUR per year and person)"
    )
    ax.set_ylabel("log(rich ratio / poor ratio)")
    ax.margins(x=0.06, y=0.08)
    style.set_heading(figure, city, _agreement_words(agreement))
    _list_classes(legend, classes["name"])
    return figure


def _order_classes(contrast: pd.DataFrame, class_income: pd.DataFrame) -> pd.DataFrame:
    """The classes that have both a contrast and an income, from the poorest to the richest.

    Args:
        contrast: As of `draw_ordering`.
        class_income: As of `draw_ordering`.

    Returns:
        `class, name, mean_income_eur, ci_low_eur, ci_high_eur, log_ratio, ci_low, ci_high`.
    """
    incomes = class_income[["class", "name", "mean_income_eur", "ci_low", "ci_high"]]
    contrast = contrast.drop(columns="name")
    classes = incomes.merge(contrast, on="class", suffixes=("_eur", ""))
    complete = classes["log_ratio"].notna() & classes["mean_income_eur"].notna()
    return classes[complete].sort_values("mean_income_eur")


def _draw_points(ax: Axes, classes: pd.DataFrame) -> None:
    """A numbered dot a class, its intervals pale; the dot pale too where an interval is lacking."""
    x = classes["mean_income_eur"]
    y = classes["log_ratio"]
    line = {"color": "0.65", "linewidth": 0.8, "zorder": 2}
    ax.hlines(y, classes["ci_low_eur"], classes["ci_high_eur"], **line)
    ax.vlines(x, classes["ci_low"], classes["ci_high"], **line)

    has_intervals = classes["ci_low"].notna() & classes["ci_low_eur"].notna()
    dot = {"color": "white", "markersize": 9, "zorder": 3}
    ax.plot(x[has_intervals], y[has_intervals], "o", markeredgecolor="black", **dot)
    ax.plot(x[~has_intervals], y[~has_intervals], "o", markeredgecolor="0.75", **dot)
    words = {"ha": "center", "va": "center_baseline", "fontsize": 6, "zorder": 4}
    for number, (income, log_ratio) in enumerate(zip(x, y, strict=True), 1):
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


def _list_classes(ax: Axes, names: pd.Series) -> None:
    ax.set_axis_off()
    ax.set_ylim(max(len(names), FEWEST_NAMES) + 0.5, 0)
    words = {"va": "center", "transform": ax.get_yaxis_transform()}
    for number, name in enumerate(names, 1):
        ax.text(0.03, number, f"{number}", ha="right", **words)
        ax.text(0.06, number, name, **words)


_QUINTILE_CAPTION = (
    "Cells with at least the smallest area of the class that counts, by quintile of the city's "
    "observed income; in brackets: all of them. A cell counts for every class it holds. Dashed: "
    "what each quintile would have if the class were spread evenly over them."
)
_ORDERING_CAPTION = (
    "Each dot a class of land cover, numbered by income. Above 0 (dashed): the map lies on the "
    "class rather where the image says rich. If the network only repeated who lives where, the "
    "dots would rise from left to right. Lines: intervals by bootstrap over spatial blocks; pale "
    "dots: in too few blocks to be counted."
)
