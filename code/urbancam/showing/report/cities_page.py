"""The page of a run of the cities experiment: what the template takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from urbancam.showing.report import page, provenance_tables
from urbancam.showing.report.overview import accuracy_of
from urbancam.showing.report.pictures import Picture, page_figure
from urbancam.showing.report.tables import PageTable, make_table
from urbancam.showing.wording import interval_of

SITES = "whole sites resampled"
FIGURES = {  # section -> figures with their headings
    "how-well": {
        "city_accuracy": "How many patches of each city are named",
        "city_confusion": "Which city is taken for which",
        "colour_controls": "What is left without colours",
    },
    "alike": {
        "city_tree": "Which cities are the most alike",
        "city_map": "The same as a map",
    },
}
TABLES = {  # section -> tables with their headings, and whether they have intervals
    "how-well": {
        "accuracy": "Accuracy",
        "confusion_matrix": "Confusion (rows true, columns named)",
    },
    "alike": {
        "most_confused": "What each city is taken for",
        "city_similarity": "How alike each pair of cities is",
    },
    "by-what": {
        "relevance": "Relevance of the drawn patches",
        "relevance_by_class": "Relevance by land cover",
    },
}


@dataclass(frozen=True)
class CitiesRun:
    """What a page of the cities experiment is made from.

    Attributes:
        run: Name of the run.
        tables: Name -> frame, of those that there are.
        figures: Name -> picture, of those that there are.
        sheets: City -> its relevance sheets, relative to the page.
        settings: Flat `{"section.key": value}`.
        records: Records of every step.
        credits: Whose images it shows.
        rendered: Whether the towns are rendered.
    """

    run: str
    tables: Mapping[str, pd.DataFrame]
    figures: Mapping[str, Picture]
    sheets: Mapping[str, list[str]]
    settings: Mapping[str, Any]
    records: list[dict[str, Any]]
    credits: str
    rendered: bool


def render_cities(run: CitiesRun) -> str:
    """The page as HTML."""
    note = f"In brackets: intervals, {intervals_of(run)}."
    return page.render(
        "cities.html",
        run=run.run,
        rendered=run.rendered,
        credits=run.credits,
        facts=facts(run),
        answer=answer(run),
        note=note,
        tables={
            section: [
                page_table(name, heading, run.tables[name], note)
                for name, heading in headings.items()
                if name in run.tables and len(run.tables[name])
            ]
            for section, headings in TABLES.items()
        },
        figures={
            section: [
                page_figure(run.figures[name], heading)
                for name, heading in headings.items()
                if name in run.figures
            ]
            for section, headings in FIGURES.items()
        },
        sheets=run.sheets,
        provenance=provenance_tables.of_run(run.records, run.settings),
    )


def page_table(name: str, heading: str, table: pd.DataFrame, note: str) -> PageTable:
    """A table of the experiment as the page shows it."""
    return make_table(name, heading, table, note if "ci_low" in table else "")


def intervals_of(run: CitiesRun) -> str:
    """What the run's intervals are."""
    return f"{100 * run.settings['statistics.confidence']:g} %, {SITES}"


def facts(run: CitiesRun) -> dict[str, str]:
    """What a reader must know of the run before its answer, by what it is."""
    record = max(run.records, key=lambda record: record.get("date") or "", default={})
    row = accuracy_of(run.tables["accuracy"])
    counts = {} if row is None else {"Cities": f"{int(row['n_cities'])}"}
    if row is not None:
        counts["Patches"] = f"{int(row['n_patches']):,} of {int(row['n_sites']):,} sites, tested"
    return {
        "Run": run.run,
        **counts,
        "Date": (record.get("date") or "unknown")[:10],
        "Commit": provenance_tables.commit_words(record) or "unknown",
    }


def answer(run: CitiesRun) -> str:
    """How often the network names the city, in one sentence."""
    row = accuracy_of(run.tables["accuracy"])
    if row is None:
        return "This run has not scored how often the city of a patch is named."
    cities = int(row["n_cities"])
    words = f"{interval_of(row)} (in brackets the interval: {intervals_of(run)})"
    beaten = row["ci_low"] > 1 / cities
    conclusion = "more than guessing" if beaten else "which is not shown to be more than guessing"
    return (
        "Of patches of sites that it never saw, the network names the right one of "
        f"{cities} cities for a share of {words}; guessing reaches {1 / cities:.2f}: {conclusion}."
    )


def record_facts(run: CitiesRun) -> dict[str, Any]:
    """What the page's record keeps for the page over all runs."""
    return {
        "answer": answer(run),
        "intervals": intervals_of(run),
        "credits": run.credits,
        "rendered": run.rendered,
    }
