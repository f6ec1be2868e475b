"""Whether the network is as often right as it is sure: the reliability diagram."""

from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from urbancam.scoring.vocabulary import MODEL, SCALED, SCALED_MODEL
from urbancam.showing.figures import style
from urbancam.showing.wording import interval_of


@dataclass(frozen=True)
class Look:
    """How a predictor is drawn.

    Attributes:
        name: Name for people.
        colour: Colour of dots, intervals and lines.
        marker: Shape of the dots.
        line: Style of the line between dots.
        shift: Shift of the dots to the right, so that intervals do not cover each other.
    """

    name: str
    colour: str
    marker: str
    line: str
    shift: float


LOOKS = {
    MODEL: Look("as trained", "#b35806", "o", "-", -0.004),
    SCALED_MODEL: Look(SCALED, "#3f5fa3", "s", "--", 0.004),
}
CHANCE = 0.2  # five classes


@style.in_house_style
def draw_calibration(
    reliability: pd.DataFrame, calibration: pd.DataFrame, city: str = "", credits: str = ""
) -> Figure:
    """Share of cells told right against the probability given to the class, in bins as full.

    Dots without an interval, of bins in too few blocks, are pale and not joined.

    Args:
        reliability: `reliability.csv`: `predictor, bin, n_cells, confidence, accuracy, ci_low,
            ci_high`.
        calibration: `calibration.csv`: `predictor, metric, value, ci_low, ci_high`; its `ece` goes
            into the legend.
        city: Name of the city.
        credits: Line of data credits.
    """
    figure = style.new_figure(style.ONE_COLUMN_MM, 92, _caption(reliability), credits)
    ax = figure.subplots()
    # The diagonal: as often right as sure.
    ax.plot([0, 1], [0, 1], color="black", linewidth=0.6, linestyle="--", zorder=1)
    for predictor, look in LOOKS.items():
        rows = reliability[(reliability["predictor"] == predictor) & (reliability["n_cells"] > 0)]
        rows = rows.sort_values("confidence")
        if len(rows):
            _draw_curve(ax, rows, look, _label(calibration, predictor))
    style.set_heading(figure, city, "how often the surest class is right")
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    ax.set(xlabel="probability given to the predicted class", ylabel="share of cells told right")
    ax.axvline(CHANCE, color="0.6", linewidth=0.5, linestyle=":", zorder=1)
    # No curve, no legend: matplotlib would warn of an empty one.
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), borderpad=0)
    return figure


def _label(calibration: pd.DataFrame, predictor: str) -> str:
    """The predictor with its calibration error."""
    name = LOOKS[predictor].name
    rows = calibration[(calibration["predictor"] == predictor) & (calibration["metric"] == "ece")]
    if rows.empty:
        return name
    return f"{name}: ECE {interval_of(rows.iloc[0])}"


def _draw_curve(ax: Axes, rows: pd.DataFrame, look: Look, label: str) -> None:
    x = rows["confidence"] + look.shift
    y = rows["accuracy"]
    ax.vlines(x, rows["ci_low"], rows["ci_high"], color=look.colour, linewidth=1)

    has_interval = rows["ci_low"].notna()
    ax.plot(
        x[has_interval],
        y[has_interval],
        marker=look.marker,
        linestyle=look.line,
        color=look.colour,
        markersize=3.5,
        label=label,
    )
    ax.plot(
        x[~has_interval],
        y[~has_interval],
        look.marker,
        color=look.colour,
        alpha=0.35,
        markersize=3.5,
    )


def _caption(reliability: pd.DataFrame) -> str:
    cells = reliability.loc[reliability["n_cells"] > 0, "n_cells"]
    counts = f"{cells.min():,} to {cells.max():,}" if len(cells) else "no"
    return style.sentences(
        f"Cells in bins of nearly the same number ({counts} cells each), by the probability that "
        "their predicted class is given, out of fold",
        "Dashed: probabilities that hold what they promise; dotted: five classes by chance",
        "ECE: root mean square distance from the dashed line, chance taken off",
        "One temperature a fold, fitted on its validation cells",
        "Bars: intervals by bootstrap over spatial blocks; pale: too few blocks for one",
    )
