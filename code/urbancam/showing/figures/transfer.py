"""Models of one city tested on another: the transfer matrix."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from urbancam.showing.figures import style
from urbancam.showing.wording import interval

COLUMN_MM = 20


@style.styled
def draw_transfer(transfer: pd.DataFrame, credits: str = "") -> Figure:
    """Spearman r of each city's model (lines) on each city's cells (columns), with its interval.

    Args:
        transfer: `transfer.csv` of the cities, one below the other: `trained_on, tested_on, metric, value, ci_low,
            ci_high`; rows of differences between models are left out.
        credits: the line of data credits.
    """
    cities = sorted(set(transfer["tested_on"]))
    trained = cities + sorted(
        {name for name in transfer["trained_on"] if " - " not in name} - set(cities)
    )
    rows = transfer[(transfer["metric"] == "spearman") & transfer["trained_on"].isin(trained)]
    tables = [
        rows.pivot(index="trained_on", columns="tested_on", values=column)
        .reindex(index=trained, columns=cities)
        .to_numpy(float)
        for column in ("value", "ci_low", "ci_high")
    ]
    width_mm = min(max(style.ONE_COLUMN_MM, 30 + COLUMN_MM * len(cities)), style.TWO_COLUMNS_MM)
    figure = style.new_figure(width_mm, 24 + 9 * len(trained), _CAPTION, credits)
    ax = figure.subplots()
    grid = np.ma.masked_invalid(tables[0])
    ax.imshow(grid, cmap="Greys", vmin=0, vmax=1, aspect="auto")
    for line, column in np.argwhere(~np.isnan(tables[0])):
        value, low, high = (table[line, column] for table in tables)
        own = trained[line] == cities[column]
        words = interval(value, low, high, between="\n")
        ax.text(
            column,
            line,
            words,
            ha="center",
            va="center",
            color="white" if value > 0.5 else "black",
            fontsize=6,
            weight="bold" if own else "normal",
        )
    ax.set_xticks(range(len(cities)), labels=cities)
    ax.set_yticks(range(len(trained)), labels=trained)
    ax.set(xlabel="tested on", ylabel="trained on")
    ax.tick_params(length=0)
    style.set_heading(figure, "", "each city's model on each city (Spearman r)")
    return figure


_CAPTION = (
    "Spearman r of p with income. Bold: the city's own model, out of fold; else the mean of all folds' models of the "
    "other city, none of which saw the city. 0: no better than chance. In brackets: intervals by bootstrap over "
    "spatial blocks."
)
