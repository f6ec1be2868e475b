"""Whether the network is as often right as it is sure: the reliability diagram, as trained and after scaling."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from urbancam.scoring.vocabulary import MODEL, SCALED_MODEL
from urbancam.showing.figures import style
from urbancam.showing.wording import interval_of

PREDICTORS = {  # name, colour, marker, line, shift of the dots so that intervals do not cover each other
    MODEL: ("as trained", "#b35806", "o", "-", -0.004),
    SCALED_MODEL: ("temperature scaled", "#3f5fa3", "s", "--", 0.004),
}
CHANCE = 0.2  # five classes


@style.styled
def draw_calibration(
    reliability: pd.DataFrame, calibration: pd.DataFrame, city: str = "", credits: str = ""
) -> Figure:
    """Share of cells told right against the probability given to the class, and the cells in each bin below.

    Dots without an interval, of bins in too few blocks, are pale and not joined.

    Args:
        reliability: `reliability.csv`: `predictor, bin, n, confidence, accuracy, ci_low, ci_high`.
        calibration: `calibration.csv`: `predictor, metric, value, ci_low, ci_high`; its `ece` goes into the legend.
        city: its name.
        credits: the line of data credits.
    """
    figure = style.new_figure(style.ONE_COLUMN_MM, 104, _CAPTION, credits)
    top, below = figure.subplots(2, 1, sharex=True, height_ratios=[3.6, 1])
    top.plot([0, 1], [0, 1], color="black", linewidth=0.6, linestyle="--", zorder=1)
    for name in PREDICTORS:
        rows = reliability[(reliability["predictor"] == name) & (reliability["n"] > 0)].sort_values(
            "confidence"
        )
        if len(rows):
            _draw_curve(top, rows, name, _label(calibration, name))
            _draw_counts(below, rows, name)
    style.set_heading(figure, city, "how often the surest class is right")
    top.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), ylabel="share of cells told right")
    below.set(xlabel="probability given to the predicted class", ylabel="cells")
    below.set_ylim(bottom=0)
    top.axvline(CHANCE, color="0.6", linewidth=0.5, linestyle=":", zorder=1)
    if top.get_legend_handles_labels()[0]:
        top.legend(loc="lower left", bbox_to_anchor=(0, 1), borderpad=0)
    return figure


def _label(calibration: pd.DataFrame, name: str) -> str:
    """The predictor with its expected calibration error."""
    rows = calibration[(calibration["predictor"] == name) & (calibration["metric"] == "ece")]
    label = PREDICTORS[name][0]
    return f"{label}: ECE {interval_of(rows.iloc[0])}" if len(rows) else label


def _draw_curve(ax: Axes, rows: pd.DataFrame, name: str, label: str) -> None:
    _, colour, marker, line, shift = PREDICTORS[name]
    known = rows["ci_low"].notna()
    x, y = rows["confidence"] + shift, rows["accuracy"]
    ax.vlines(x, rows["ci_low"], rows["ci_high"], color=colour, linewidth=1)
    ax.plot(
        x[known], y[known], marker=marker, linestyle=line, color=colour, markersize=3.5, label=label
    )
    ax.plot(x[~known], y[~known], marker, color=colour, alpha=0.35, markersize=3.5)


def _draw_counts(ax: Axes, rows: pd.DataFrame, name: str) -> None:
    _, colour, marker, line, shift = PREDICTORS[name]
    x = (rows["confidence"] + shift).to_numpy()
    ax.vlines(x, np.zeros(len(rows)), rows["n"], color=colour, linewidth=1.2)
    ax.plot(x, rows["n"], marker, color=colour, markersize=3)


_CAPTION = (
    "Cells in bins of the probability that their predicted class is given, out of fold. Dashed: probabilities that "
    "hold what they promise; dotted: five classes by chance. ECE: expected calibration error, the mean distance from "
    "the dashed line. One temperature a fold, fitted on its validation cells. Bars: intervals by bootstrap over "
    "spatial blocks; pale: too few for one."
)
