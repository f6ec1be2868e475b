"""What each way to split the cells lets leak: the model's scores under it, with the coordinates' beside them."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from urbancam.showing.exhibits import SPLITS
from urbancam.showing.figures import style
from urbancam.showing.figures.scores import BASELINE_COLOUR, MODEL_COLOUR

PANELS = {  # title, axis, value by chance
    "spearman": ("order of the incomes", "Spearman r", 0.0),
    "accuracy": ("right one of five classes", "accuracy", 0.2),
}
DIFFERENCE = "model - coordinates"
PREDICTORS = {  # name, colour, marker, place on the line
    "model": ("image model", MODEL_COLOUR, "o", -0.14),
    "coordinates": ("coordinates alone", BASELINE_COLOUR, "s", 0.14),
}


@style.styled
def draw_leakage(leakage: pd.DataFrame, city: str = "", credits: str = "") -> Figure:
    """Scores under each split, of the model and of the coordinates; the last panel is their difference.

    Args:
        leakage: `leakage.csv`: `split, predictor, metric, value, ci_low, ci_high, n, folds, leaks_cell,
            leaks_group, leaks_block, trained_neighbours`; a split that was not trained has no rows of the model.
        city: its name.
        credits: the line of data credits.
    """
    splits = [name for name in SPLITS if name in set(leakage["split"])]
    height_mm = 22 + 11 * max(len(splits), 1)
    figure = style.new_figure(style.TWO_COLUMNS_MM, height_mm, _caption(leakage), credits)
    axes = figure.subplots(1, len(PANELS) + 1, sharey=True)
    for number, (metric, (title, label, chance)) in enumerate(PANELS.items()):
        rows = leakage[leakage["metric"] == metric]
        for name, (_, colour, marker, offset) in PREDICTORS.items():
            _draw_dots(
                axes[number], rows[rows["predictor"] == name], splits, colour, marker, offset
            )
        _finish(axes[number], label, chance)
        style.set_title(axes[number], "ab"[number], title)
    beyond = leakage[(leakage["predictor"] == DIFFERENCE) & (leakage["metric"] == "spearman")]
    _draw_dots(axes[-1], beyond, splits, MODEL_COLOUR, "D", 0)
    _finish(axes[-1], "difference in Spearman r", 0.0)
    style.set_title(axes[-1], "c", "what the image adds to the place")
    axes[0].set_yticks(range(len(splits)), labels=[_label(leakage, split) for split in splits])
    axes[0].set_ylim(max(len(splits), 1) - 0.5, -0.5)
    style.set_heading(figure, city, "scores under each split")
    _add_legend(figure)
    return figure


def _draw_dots(
    ax: Axes, rows: pd.DataFrame, splits: list[str], colour: str, marker: str, offset: float
) -> None:
    rows = rows.drop_duplicates("split").set_index("split").reindex(splits)
    y = np.arange(len(splits)) + offset
    ax.hlines(y, rows["ci_low"], rows["ci_high"], color=colour, linewidth=1.2)
    ax.plot(rows["value"], y, marker, color=colour, markersize=4)


def _finish(ax: Axes, label: str, chance: float) -> None:
    ax.axvline(chance, color="black", linewidth=0.6, linestyle="--", zorder=1)
    ax.set_xlabel(label)
    ax.grid(axis="x", color="0.9", linewidth=0.4)
    ax.set_axisbelow(True)
    ax.tick_params(axis="y", length=0)
    ax.margins(x=0.08)


def _label(leakage: pd.DataFrame, split: str) -> str:
    """The split's name; below it how many groups and blocks, and what share of neighbours, it leaks."""
    row = leakage[leakage["split"] == split].iloc[0]
    leaks = [
        f"{int(row[f'leaks_{unit}']):,} {unit}s"
        for unit in ("group", "block")
        if pd.notna(row[f"leaks_{unit}"])
    ]
    known = row["trained_neighbours"]
    lines = [
        SPLITS[split],
        f"leaks {', '.join(leaks)}" * bool(leaks),
        f"{known:.0%} of neighbours" * pd.notna(known),
    ]
    return "\n".join(line for line in lines if line)


def _add_legend(figure: Figure) -> None:
    handles = [
        Line2D([], [], color=colour, marker=marker, markersize=4, linewidth=1.2, label=name)
        for name, colour, marker, _ in PREDICTORS.values()
    ]
    figure.legend(handles=handles, loc="outside upper right", ncols=2, borderpad=0)


def _caption(leakage: pd.DataFrame) -> str:
    tested = leakage[(leakage["predictor"] == "model") & (leakage["metric"] == "spearman")]
    cells = {
        SPLITS.get(split, split): f"{int(n):,}"
        for split, n in zip(tested["split"], tested["n"], strict=True)
    }
    return style.sentences(
        "The same model trained and tested under several splits; beside it, the classes of the nearest cells",
        "Leaks: INSEE groups and blocks with cells on both sides of a split in any fold, and what share of a test "
        "cell's neighbours the model has seen",
        "Dashed: chance, and in c nothing. Bars: intervals by bootstrap over spatial blocks",
        f"Cells tested: {', '.join(f'{name} {n}' for name, n in cells.items())}" if cells else "",
    )
