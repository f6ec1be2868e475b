"""The page of one city and run: what the templates take, from tables, records and settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from urbancam.showing import exhibits
from urbancam.showing.figures.style import CLASS_COLOURS, CLASS_LABELS, UNUSED_COLOUR
from urbancam.showing.report import answer, page, provenance_tables, sections, sentences
from urbancam.showing.report.pictures import Picture, page_figure
from urbancam.showing.report.tables import PageTable, tabulate
from urbancam.showing.wording import CHOSEN, resampling

TARGET_WORDS = {
    "income": ("income", "EUR per person and year"),
    "density": ("people", "people per cell"),
}


@dataclass(frozen=True)
class Run:
    """What a page is made from.

    Attributes:
        city: Name of the city.
        run: Name of the run.
        tables: Name as in `exhibits.TABLES` -> frame, of those that there are.
        figures: Name as in `exhibits.FIGURES` -> picture, of those that there are.
        settings: Flat `{"section.key": value}`.
        records: Records of every step.
        limits: What must be kept in mind.
        credits: Whose data it shows.
        rendered: Whether the city is the rendered demo.
        cells: Columns of the cells (`cell_columns.pack_cells`).
        cover: Their land cover (`cell_columns.pack_cover`).
        pictures: How many cells have small pictures beside the page.
    """

    city: str
    run: str
    tables: Mapping[str, pd.DataFrame]
    figures: Mapping[str, Picture]
    settings: Mapping[str, Any]
    records: list[dict[str, Any]]
    limits: list[str]
    credits: str
    rendered: bool
    cells: dict[str, Any]
    cover: dict[str, Any]
    pictures: int


def render_run(run: Run) -> str:
    """The page of a run as HTML."""
    confidence = run.settings["statistics.confidence"]
    return page.render(
        "run.html",
        city=run.city,
        run=run.run,
        rendered=run.rendered,
        credits=run.credits,
        facts=facts(run),
        answer=answer_of(run),
        map=map_data(run),
        pictures=run.pictures,
        glossary=sections.glossary(
            *map(run.settings.get, ("samples.target", "samples.thresholds", "split.method"))
        ),
        sections=[fill(section, run, confidence) for section in sections.SECTIONS],
        limits=run.limits,
        provenance=provenance_tables.of_run(run.records, run.settings),
    )


def answer_of(run: Run) -> str:
    """The answer in one sentence."""
    return answer.answer(
        run.tables["metrics"],
        table_of(run.tables, "claims"),
        run.settings["samples.target"],
        intervals_of(run),
    )


def intervals_of(run: Run, blocks: str = CHOSEN) -> str:
    """What the run's intervals are: by default those of its scores."""
    return resampling(run.settings["statistics.confidence"], run.tables["block_size"], blocks)


def record_facts(run: Run) -> dict[str, Any]:
    """What the page's record keeps for the page over all runs."""
    return {
        "city": run.city,
        "answer": answer_of(run),
        "intervals": intervals_of(run),
        "credits": run.credits,
        "rendered": run.rendered,
    }


def table_of(tables: Mapping[str, pd.DataFrame], name: str) -> pd.DataFrame:
    """A table; empty where the run has none of that name."""
    return tables.get(name, pd.DataFrame())


def facts(run: Run) -> dict[str, str]:
    """What a reader must know of the run before its answer, by what it is."""
    used = int(sum(run.tables["confusion_matrix"].filter(like="predicted_").sum()))
    record = max(run.records, key=lambda record: record.get("date") or "", default={})
    return {
        "City": run.city,
        "Run": run.run,
        "Cells": f"{used:,} predicted of {run.cells['count']:,}, {run.cells['side_m']} m wide",
        "Date": (record.get("date") or "unknown")[:10],
        "Commit": provenance_tables.commit_words(record) or "unknown",
    }


def fill(section: sections.Section, run: Run, confidence: float) -> dict[str, Any]:
    """What stands in a section: sentences, figures, tables, and what of them this run has not."""
    topics = sentences.summarise(run.tables, confidence)
    block_size = table_of(run.tables, "block_size")
    tables: list[PageTable] = []
    absent: list[str] = []
    for name in section.tables:
        frame = name_classes(table_of(run.tables, name), run.cover["classes"])
        table = None if frame.empty else tabulate(name, frame, confidence, block_size)
        if table is None:
            absent.append(exhibits.TABLES[name])
        else:
            tables.append(table)
    return {
        "section": section,
        "topics": [
            {"heading": topic, "note": topic_note(topic, run), "sentences": topics[topic]}
            for topic in section.topics
            if topics[topic]
        ],
        "figures": [
            page_figure(run.figures[name], exhibits.FIGURES[name].heading)
            for name in section.figures
            if name in run.figures
        ],
        "tables": tables,
        "absent": absent,
    }


def name_classes(table: pd.DataFrame, classes: list[dict[str, str]]) -> pd.DataFrame:
    """A table of land cover with the classes' names, where it has only their keys.

    Args:
        table: Any table.
        classes: `class, name` of each.
    """
    if "class" not in table or "name" in table:
        return table
    names = {row["class"]: row["name"] for row in classes}
    named = table.copy()
    named.insert(table.columns.get_loc("class") + 1, "name", table["class"].replace(names))
    return named


def topic_note(topic: str, run: Run) -> str:
    """What the intervals of a topic's sentences are; "" where they say it, or have none."""
    if topic not in sentences.TOPIC_BLOCKS:
        return ""
    return f"In brackets: intervals, {intervals_of(run, sentences.TOPIC_BLOCKS[topic])}."


def map_data(run: Run) -> dict[str, Any]:
    """What the page's script takes: cells, land cover, colours and words."""
    target = run.settings["samples.target"]
    word, unit = TARGET_WORDS[target]
    if target == "income":  # of a city of one's own another value
        word = run.settings.get("cells.value_name") or word
        unit = run.settings.get("cells.value_unit") or unit
    return {
        "cells": run.cells,
        "cover": run.cover,
        "class_colours": CLASS_COLOURS,
        "class_labels": CLASS_LABELS if target == "income" else [f"fifth {k}" for k in range(1, 6)],
        "unused_colour": UNUSED_COLOUR,
        "target": word,
        "target_unit": unit,
    }
