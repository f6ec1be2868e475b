"""Models of one city tested on another: the transfer matrix."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from urbancam.showing.figures import style
from urbancam.showing.wording import interval_of

COLUMN_MM = 20


@style.in_house_style
def draw_transfer(transfer: pd.DataFrame, credits: str = "") -> Figure:
    """Spearman r of each city's model (lines) on each city's cells (columns), with its interval.

    Args:
        transfer: `transfer.csv` of the cities, one below the other: `trained_on, tested_on,
            models, metric, value, ci_low, ci_high, sd_models`; rows of ensembles are left out.
        credits: Line of data credits.
    """
    cities = sorted(set(transfer["tested_on"]))
    # Models in the order of the columns, so that own ones lie on the diagonal; others below.
    models = cities + sorted(set(transfer["trained_on"]) - set(cities))

    width_mm = max(style.ONE_COLUMN_MM, 30 + COLUMN_MM * len(cities))
    width_mm = min(width_mm, style.TWO_COLUMNS_MM)
    figure = style.new_figure(width_mm, 24 + 9 * len(models), _CAPTION, credits)
    ax = figure.subplots()
    rows = transfer[(transfer["metric"] == "spearman") & (transfer["models"] == "single")]
    _draw_matrix(ax, rows, models, cities)
    ax.set_xticks(range(len(cities)), labels=cities)
    ax.set_yticks(range(len(models)), labels=models)
    ax.set(xlabel="tested on", ylabel="trained on")
    ax.tick_params(length=0)
    style.set_heading(figure, "", "each city's model on each city (Spearman r)")
    return figure


def _draw_matrix(ax: Axes, rows: pd.DataFrame, models: list[str], cities: list[str]) -> None:
    """Shades of the correlations with their values; a city's own model is in bold.

    Args:
        ax: Axes to draw on.
        rows: `trained_on, tested_on, value, ci_low, ci_high, sd_models`.
        models: Cities of the models, a line each.
        cities: Cities of the cells, a column each.
    """
    rows = rows.set_index(["trained_on", "tested_on"])
    values = rows["value"].unstack().reindex(index=models, columns=cities).to_numpy(float)
    ax.imshow(np.ma.masked_invalid(values), cmap="Greys", vmin=0, vmax=1, aspect="auto")
    for line, column in np.argwhere(~np.isnan(values)):
        model = models[line]
        city = cities[column]
        row = rows.loc[(model, city)]
        ax.text(
            column,
            line,
            _words(row),
            ha="center",
            va="center",
            color="white" if row["value"] > 0.5 else "black",
            fontsize=6,
            weight="bold" if model == city else "normal",
        )


def _words(row: pd.Series) -> str:
    """The value with its interval, and the spread between models where there are several."""
    words = interval_of(row, between="\n")
    return (
        words
        if pd.isna(row["sd_models"])
        else f"{words}\n\N{PLUS-MINUS SIGN} {row['sd_models']:.2f}"
    )


_CAPTION = (
    "Spearman r of p with income. Bold: the city's own models, each cell by the one that never saw "
    "it; else the mean score of the other city's models, each alone on all cells, none of which "
    "saw the city. 0: no better than chance. In brackets: intervals by bootstrap over spatial "
    "blocks; \N{PLUS-MINUS SIGN}: standard deviation between models."
)
