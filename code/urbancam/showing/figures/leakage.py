"""What each way to split the cells lets leak: scores of the model and of the coordinates alone."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from urbancam.scoring.vocabulary import DIFFERENCE, MODEL, VALUE
from urbancam.showing.exhibits import SPLITS
from urbancam.showing.figures import style
from urbancam.showing.figures.scores import BASELINE_COLOUR, MODEL_COLOUR
from urbancam.showing.wording import ends_of


@dataclass(frozen=True)
class Panel:
    """A panel of scores.

    Attributes:
        predictors: Predictors drawn in it, as in the table.
        quantity: What is drawn of them, their scores or the model's less theirs.
        metric: Metric of the scores, as in the table.
        title: Title above the panel.
        label: Label of the horizontal axis.
        chance: Value by chance.
    """

    predictors: tuple[str, ...]
    quantity: str
    metric: str
    title: str
    label: str
    chance: float


@dataclass(frozen=True)
class Look:
    """How a predictor is drawn.

    Attributes:
        name: Name for people.
        colour: Colour of dots and intervals.
        marker: Shape of the dots.
        offset: Place within a split's line.
    """

    name: str
    colour: str
    marker: str
    offset: float


LOOKS = {
    "model": Look("image model", MODEL_COLOUR, "o", -0.14),
    "coordinates": Look("coordinates alone", BASELINE_COLOUR, "s", 0.14),
}
COMPARED = ("model", "coordinates")
OF_DIFFERENCE = Look("difference", MODEL_COLOUR, "D", 0)
PANELS = (
    Panel(COMPARED, VALUE, "spearman", "order of the incomes", "Spearman r", 0.0),
    Panel(COMPARED, VALUE, "accuracy", "right one of five classes", "accuracy", 0.2),
    Panel(
        ("coordinates",),
        DIFFERENCE,
        "spearman",
        "what the image adds to the place",
        "difference in Spearman r",
        0.0,
    ),
)


@style.in_house_style
def draw_leakage(leakage: pd.DataFrame, city: str = "", credits: str = "") -> Figure:
    """Scores under each split, of the model and of the coordinates, and their difference.

    Args:
        leakage: `leakage.csv`: `split, predictor, metric, value, ci_low, ci_high, difference,
            difference_ci_low, difference_ci_high, n_cells, folds, leaks_cell, leaks_group,
            leaks_block, trained_neighbours`; a split that was not trained has
            no rows of the model, and is not shown.
        city: Name of the city.
        credits: Line of data credits.
    """
    trained = set(leakage.loc[leakage["predictor"] == MODEL, "split"])
    leakage = leakage[leakage["split"].isin(trained)]
    splits = [name for name in SPLITS if name in trained]
    lines = max(len(splits), 1)
    figure = style.new_figure(style.TWO_COLUMNS_MM, 22 + 11 * lines, _caption(leakage), credits)
    axes = figure.subplots(1, len(PANELS), sharey=True)
    for ax, letter, panel in zip(axes, "abc", PANELS, strict=True):
        _draw_panel(ax, panel, leakage, splits)
        style.set_title(ax, letter, panel.title)
    # Lines run from the split that leaks most, at the top, to the one that leaks least.
    axes[0].set_yticks(range(len(splits)), labels=[_label(leakage, split) for split in splits])
    axes[0].set_ylim(lines - 0.5, -0.5)
    style.set_heading(figure, city, "scores under each split", 55)
    _add_legend(figure)
    return figure


def _draw_panel(ax: Axes, panel: Panel, leakage: pd.DataFrame, splits: list[str]) -> None:
    for predictor in panel.predictors:
        chosen = (leakage["metric"] == panel.metric) & (leakage["predictor"] == predictor)
        look = OF_DIFFERENCE if panel.quantity == DIFFERENCE else LOOKS[predictor]
        _draw_dots(ax, leakage[chosen], splits, panel.quantity, look)
    ax.axvline(panel.chance, color="black", linewidth=0.6, linestyle="--", zorder=1)
    ax.set_xlabel(panel.label)
    ax.xaxis.set_major_locator(MaxNLocator(4))
    ax.grid(axis="x", color="0.9", linewidth=0.4)
    ax.set_axisbelow(True)
    ax.tick_params(axis="y", length=0)
    ax.margins(x=0.08)


def _draw_dots(ax: Axes, rows: pd.DataFrame, splits: list[str], quantity: str, look: Look) -> None:
    rows = rows.drop_duplicates("split").set_index("split").reindex(splits)
    y = np.arange(len(splits)) + look.offset
    ax.hlines(y, *ends_of(rows, quantity), color=look.colour, linewidth=1.2)
    ax.plot(rows[quantity], y, look.marker, color=look.colour, markersize=4)


def _label(leakage: pd.DataFrame, split: str) -> str:
    """The split's name; below it the groups, blocks and share of neighbours that it leaks."""
    row = leakage[leakage["split"] == split].iloc[0]
    leaks = []
    for unit in ("group", "block"):
        count = row[f"leaks_{unit}"]
        if pd.notna(count):
            leaks.append(f"{int(count):,} {unit}s")
    neighbours = row["trained_neighbours"]

    lines = [SPLITS[split]]
    if leaks:
        lines.append(f"leaks {', '.join(leaks)}")
    if pd.notna(neighbours):
        lines.append(f"{neighbours:.0%} of neighbours")
    return "\n".join(lines)


def _add_legend(figure: Figure) -> None:
    handles = []
    for predictor in COMPARED:
        look = LOOKS[predictor]
        handle = Line2D([], [], color=look.colour, linewidth=1.2, label=look.name)
        handle.set(marker=look.marker, markersize=4)
        handles.append(handle)
    figure.legend(handles=handles, loc="outside upper right", ncols=2, borderpad=0)


def _caption(leakage: pd.DataFrame) -> str:
    tested = leakage[(leakage["predictor"] == "model") & (leakage["metric"] == "spearman")]
    cells = dict(zip(tested["split"], tested["n_cells"], strict=True))
    counts = [f"{SPLITS.get(split, split)} {int(n):,}" for split, n in cells.items()]
    if not counts:
        return style.sentences("No split was trained")
    compared = "The same model trained and tested under each split"
    if len(counts) == 1:
        compared = "The model under the one split that was trained"
    return style.sentences(
        f"{compared}; beside it, the classes of the nearest cells",
        "Leaks: groups and blocks with cells on both sides of a split in any fold, "
        "and what share of a test cell's neighbours the model has seen",
        "Dashed: chance, and in c nothing. Bars: intervals by bootstrap over spatial blocks",
        f"Cells tested: {', '.join(counts)}",
    )
