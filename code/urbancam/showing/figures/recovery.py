"""What attributions find of planted rules: their answers against the true effects of classes."""

import textwrap

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from urbancam.showing.exhibits import ATTRIBUTIONS
from urbancam.showing.figures import style

TITLE_CHARACTERS = 20  # of a line above a panel
FOUND_COLOUR = "#00695c"
FALSE_COLOUR = "#c64737"
SILENT_COLOUR = "0.7"
MARKERS = {"frozen": "o", "trained": "^"}
LOOKS = {  # what is said of a class -> colour
    "significant, right sign": FOUND_COLOUR,
    "significant, wrong sign or inert": FALSE_COLOUR,
    "not significant": SILENT_COLOUR,
}


@style.in_house_style
def draw_recovery(
    recovery: pd.DataFrame, summary: pd.DataFrame, city: str = "", credits: str = ""
) -> Figure:
    """A panel for each attribution: a dot for each class of each planted rule.

    Args:
        recovery: `recovery.csv`: `kind, attribution, true_effect, value, p_value, significant`;
            a class that too few blocks hold has no p-value and is left out.
        summary: `recovery_summary.csv`: `kind, attribution, power, false_positives`.
        city: Name of the city, for the heading.
        credits: Line of data credits.
    """
    tested = recovery[recovery["p_value"].notna()]
    drawn = [name for name in ATTRIBUTIONS if name in set(recovery["attribution"])]
    figure = style.new_figure(style.TWO_COLUMNS_MM, 66, _CAPTION, credits)
    panels = figure.subplots(1, len(drawn), squeeze=False)[0]
    for letter, ax, name in zip("abcde", panels, drawn, strict=False):
        _draw_panel(ax, tested[tested["attribution"] == name])
        style.set_title(ax, letter, textwrap.fill(ATTRIBUTIONS[name], TITLE_CHARACTERS))
        rates = summary[summary["attribution"] == name]
        ax.set_xlabel("\n".join(["true effect", *map(_rates, rates.to_dict("records"))]))
    panels[0].set_ylabel("answer")
    handles = _handles(set(recovery["kind"]))
    figure.legend(handles=handles, loc="outside upper right", ncols=len(handles), fontsize=5)
    style.set_heading(figure, city, "what is found where the rule is known", 100)
    return figure


def _draw_panel(ax: Axes, rows: pd.DataFrame) -> None:
    """The classes of all plants under one attribution."""
    ax.axhline(0, color="0.8", lw=0.5)
    ax.axvline(0, color="0.8", lw=0.5)
    said = _said(rows)
    for kind, marker in MARKERS.items():
        for look, colour in LOOKS.items():
            dots = rows[(rows["kind"] == kind) & (said == look)]
            ax.scatter(dots["true_effect"], dots["value"], s=9, marker=marker, color=colour, lw=0)


def _said(rows: pd.DataFrame) -> pd.Series:
    """What is said of each class, one of `LOOKS`."""
    right, wrong, silent = LOOKS
    same_sign = rows["true_effect"] * rows["value"] > 0
    said = same_sign.map({True: right, False: wrong})
    return said.where(rows["significant"].astype(bool), silent)


def _rates(row: dict) -> str:
    return f"{row['kind']}: power {row['power']:.2f},\nfalse positives {row['false_positives']:.2f}"


def _handles(kinds: set[str]) -> list[Line2D]:
    """Entries of the legend: colours, and the kinds of plants where there are two."""
    handles = [
        Line2D([], [], marker="o", ls="", ms=3, color=colour, label=look)
        for look, colour in LOOKS.items()
    ]
    if len(kinds) > 1:
        names = {"frozen": "linear unit on frozen features", "trained": "network trained on it"}
        handles += [
            Line2D([], [], marker=MARKERS[kind], ls="", ms=3, color="0.3", label=name)
            for kind, name in names.items()
        ]
    return handles


_CAPTION = (
    "Incomes by planted rules: a few classes of land cover with effects drawn at random, a smooth "
    "field and noise. Each dot: a class under one rule; at a true effect of 0 it is inert. Power: "
    "share of the classes with an effect that are significant with the right sign. False "
    "positives: share of the inert classes with p at the nominal level."
)
