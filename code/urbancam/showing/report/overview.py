"""The page over all cities and runs at hand: what each says, beside the others."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from urbancam.scoring.vocabulary import DIFFERENCE, MODEL, VALUE
from urbancam.showing.report import page
from urbancam.showing.report.answer import PLACE
from urbancam.showing.wording import ends_of, interval_of


@dataclass(frozen=True)
class Entry:
    """A run that has a page.

    Attributes:
        folder: Of the run, relative to the overview.
        name: Of the city; of a run of the cities experiment "".
        run: Name of the run.
        facts: What the record of its page tells: `answer, credits, intervals, rendered`.
        date: When its page was made.
        commit: Beginning of the commit.
        table: `metrics.csv`, or of the cities experiment `accuracy.csv`.
        claims: `claims.csv`; empty where there is none.
        picture: Whether it has a picture of its maps.
    """

    folder: str
    name: str
    run: str
    facts: Mapping[str, Any]
    date: str
    commit: str
    table: pd.DataFrame
    claims: pd.DataFrame
    picture: bool


@dataclass(frozen=True)
class Strip:
    """A value with its interval on a scale, in hundredths of its length."""

    words: str
    value: float
    low: float
    high: float


def render_overview(runs: list[Entry], cities: list[Entry]) -> str:
    """The page as HTML.

    Args:
        runs: Runs of the income experiment.
        cities: Runs of the cities experiment.
    """
    scores = {entry.folder: score_row(entry, MODEL) for entry in runs}
    places = {entry.folder: score_row(entry, PLACE) for entry in runs}
    return page.render(
        "overview.html",
        runs=runs,
        cities=cities,
        scores=strips(scores),
        gains=strips(places, DIFFERENCE),
        accuracies=strips({entry.folder: accuracy_of(entry.table) for entry in cities}),
        claims={entry.folder: claim_words(entry.claims) for entry in runs},
    )


def score_row(entry: Entry, predictor: str) -> pd.Series | None:
    """The rank correlation of a predictor over all cells and folds; None where it has none."""
    rows = entry.table
    pooled = (rows["subset"] == "all") & (rows["fold"].astype(str) == "all")
    wanted = pooled & (rows["metric"] == "spearman") & (rows["predictor"] == predictor)
    return rows[wanted].iloc[0] if wanted.any() else None


def accuracy_of(accuracy: pd.DataFrame) -> pd.Series | None:
    """The row of `accuracy.csv` of the network on all patches; None where there is none."""
    wanted = (accuracy["trained_on"] == "run") & (accuracy["predictor"] == "network")
    wanted &= (accuracy["tested_on"] == "as_is") & (accuracy["subset"] == "all")
    wanted &= accuracy["metric"] == "accuracy"
    return accuracy[wanted].iloc[0] if wanted.any() else None


def strips(rows: Mapping[str, pd.Series | None], column: str = VALUE) -> dict[str, Strip]:
    """Values with intervals on one scale for all, from -1 or 0 to 1.

    Args:
        rows: Name -> a row with the value and its interval; None where there is none.
        column: Column of the value.
    """
    there = {name: row for name, row in rows.items() if row is not None and pd.notna(row[column])}
    ends = {name: ends_of(row, column) for name, row in there.items()}
    lowest = [low for name, row in there.items() for low in (row[column], ends[name][0])]
    left = -1.0 if any(low < 0 for low in lowest) else 0.0

    def place(value: float, otherwise: float) -> float:
        value = otherwise if pd.isna(value) else value
        return round(100 * (min(max(value, left), 1) - left) / (1 - left), 1)

    return {
        name: Strip(
            interval_of(row, column),
            *(place(number, row[column]) for number in (row[column], *ends[name])),
        )
        for name, row in there.items()
    }


def claim_words(claims: pd.DataFrame) -> str:
    """How many claims survive: "12 of 78"."""
    if claims.empty:
        return "not weighed"
    return f"{int(claims['survives'].sum()):,} of {len(claims):,}"
