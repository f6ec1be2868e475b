"""The report of one city and run as one HTML page that needs no other file."""

import base64
import html
from typing import Any

import pandas as pd

from urbancam.scoring.vocabulary import MODEL
from urbancam.showing import exhibits
from urbancam.showing.report.claims import summarise_claims
from urbancam.showing.wording import interval_of, resampling
from urbancam.workflow.messages import join_counts

# Figures have 300 pixels an inch; so their text is as large on the page as its small print.
SCREEN_PX_PER_PX = 0.45


def tabulate_scores(metrics: pd.DataFrame) -> pd.DataFrame:
    """`metrics.csv` over all folds with a column a metric: "0.71 [0.62, 0.78]"."""
    # Folds are read as numbers where no row says "all".
    rows = metrics[metrics["fold"].astype(str) == "all"]
    return _spread_metrics(rows, ["subset", "predictor"])


def tabulate_block_size(block_size: pd.DataFrame) -> pd.DataFrame:
    """`block_size.csv` with a column a metric."""
    return _spread_metrics(block_size, ["side_m", "n_blocks", "reach_m", "chosen"])


def tabulate_subgroups(subgroups: pd.DataFrame) -> pd.DataFrame:
    """`subgroups.csv` of the model alone, with a column a metric."""
    rows = subgroups[subgroups["predictor"] == MODEL]
    return _spread_metrics(rows, ["grouping", "subset", "weighting", "n_cells", "n_blocks"])


def tabulate_distance(distance: pd.DataFrame) -> pd.DataFrame:
    """`distance.csv` of the model alone, with a column a metric."""
    rows = distance[distance["predictor"] == MODEL]
    return _spread_metrics(rows, ["from_m", "to_m", "n_cells", "n_blocks"])


def tabulate_leakage(leakage: pd.DataFrame) -> pd.DataFrame:
    """`leakage.csv` with a column a metric, and what each split leaks."""
    columns = ["leaks_cell", "leaks_group", "leaks_block", "trained_neighbours"]
    leaks = leakage[columns]
    # A city left out leaks nothing countable; a pivot would drop its rows.
    leaks = leaks.astype(object).where(leaks.notna(), "")
    return _spread_metrics(leakage.assign(**leaks), ["split", "predictor", "folds", *columns])


def tabulate_calibration(calibration: pd.DataFrame) -> pd.DataFrame:
    """`calibration.csv` with a column a metric."""
    keys = [key for key in ("subset", "predictor") if key in calibration]
    return _spread_metrics(calibration, keys)


def tabulate_seeds(seeds: pd.DataFrame) -> pd.DataFrame:
    """`seeds.csv` where there are several: one seed has no spread."""
    return seeds[seeds["n_seeds"] > 1]


def tabulate_variance(variance: pd.DataFrame) -> pd.DataFrame:
    """`variance.csv` where seeds or draws of the folds were tried."""
    return variance if (variance["n_scores"] > 1).any() else variance.iloc[:0]


def tabulate_shift(shifts: pd.DataFrame) -> pd.DataFrame:
    """`map_shift.csv` as the map is laid, and where it agrees best."""
    is_laid = (shifts["east_m"] == 0) & (shifts["north_m"] == 0)
    return shifts[is_laid | shifts["best"].astype(bool)]


def _spread_metrics(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """A column a metric, with the values in words.

    Args:
        rows: `metric, value, ci_low, ci_high` beside the keys.
        keys: Columns that stay columns.
    """
    words = [interval_of(row) for _, row in rows.iterrows()]
    table = rows.assign(words=words).pivot_table(
        index=keys,
        columns="metric",
        values="words",
        aggfunc="first",
        sort=False,
    )
    return table.rename_axis(None, axis=1).reset_index()


TABULATIONS = {  # name as in `exhibits.TABLES` -> the table as people read it
    "metrics": tabulate_scores,
    "block_size": tabulate_block_size,
    "subgroups": tabulate_subgroups,
    "distance": tabulate_distance,
    "leakage": tabulate_leakage,
    "calibration": tabulate_calibration,
    "seeds": tabulate_seeds,
    "variance": tabulate_variance,
    "map_shift": tabulate_shift,
}


def render_page(
    title: str,
    sentences: dict[str, list[str]],
    figures: dict[str, bytes],
    tables: dict[str, pd.DataFrame],
    settings: dict[str, Any],
    records: list[dict[str, Any]],
    limits: list[str],
) -> str:
    """The report as an HTML page.

    Args:
        title: City and run.
        sentences: Topic -> what the tables say.
        figures: Name as in `exhibits.FIGURES` -> PNG; a figure without one is left out.
        tables: Name as in `exhibits.TABLES` -> frame; a table without heading is left out.
        settings: Flat `{"section.key": value}`.
        records: Records of every step, as `records.Step.finish` writes them.
        limits: What must be kept in mind.
    """
    title = html.escape(title)
    parts = [
        f"<h1>{title}</h1>",
        *_topics(sentences),
        *_figures(figures),
        "<h2>Limits</h2>",
        _bullets(limits),
        "<h2>Tables</h2>",
        *_tables(tables, settings["statistics.confidence"]),
        *_topics({"Which claims survive all of it": summarise_claims(tables["claims"])}),
        "<h2>How it was made</h2>",
        _table("Steps", _steps(records)),
        _table("Settings", _settings(settings)),
        _table("Packages", _packages(records)),
    ]
    return _PAGE.format(title=title, style=_STYLE, body="\n".join(parts))


def _topics(sentences: dict[str, list[str]]) -> list[str]:
    """Each topic with its sentences; a topic without any is left out."""
    return [
        f"<h2>{html.escape(topic)}</h2>{_bullets(topic_sentences)}"
        for topic, topic_sentences in sentences.items()
        if topic_sentences
    ]


def _bullets(sentences: list[str]) -> str:
    items = [f"<li>{html.escape(sentence)}</li>" for sentence in sentences]
    return f"<ul>{''.join(items)}</ul>"


def _figures(figures: dict[str, bytes]) -> list[str]:
    return [
        _figure(exhibit.heading, figures[name])
        for name, exhibit in exhibits.FIGURES.items()
        if name in figures
    ]


def _figure(heading: str, png: bytes) -> str:
    name = html.escape(heading)
    data = base64.b64encode(png).decode()
    width_px = int.from_bytes(png[16:20], "big")  # a PNG's header holds its width there
    width = f"{width_px * SCREEN_PX_PER_PX:.0f}"
    image = f'<img alt="{name}" width="{width}" src="data:image/png;base64,{data}">'
    return f"<h2>{name}</h2>\n{image}"


def _tables(tables: dict[str, pd.DataFrame], confidence: float) -> list[str]:
    """The tables that have a heading and rows, each in the form in which people read it."""
    block_size = tables["block_size"]
    parts = []
    for name, heading in exhibits.TABLES.items():
        if not heading or name not in tables:
            continue
        table = tables[name]
        # Each side of the block has a line of its own in its own table.
        if "ci_low" in table and name != "block_size":
            words = resampling(confidence, block_size, exhibits.blocks_of(name))
            heading = f"{heading} (intervals: {words})"
        if name in TABULATIONS:
            table = TABULATIONS[name](table)
        if len(table):
            parts.append(_table(heading, table))
    return parts


def _table(heading: str, table: pd.DataFrame) -> str:
    summary = f"<summary>{html.escape(heading)}</summary>"
    body = table.to_html(index=False, border=0, float_format="{:.3g}".format, na_rep="")
    return f"<details>{summary}\n<div>{body}</div></details>"


def _steps(records: list[dict[str, Any]]) -> pd.DataFrame:
    """A row a step: when it ran, how long, by which commit, and what it counted."""
    return pd.DataFrame([_flatten_record(record) for record in records])


def _flatten_record(record: dict[str, Any]) -> dict[str, Any]:
    row = {key: record.get(key) for key in ("step", "date", "seconds")}
    commit, changes, _ = (record.get("commit") or "").partition("+")
    # A "+" behind the commit says that files were changed since.
    row["commit"] = commit[:10] + changes
    row["counts"] = join_counts(record.get("counts", {}))
    return row


def _settings(settings: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame({"setting": settings.keys(), "value": map(str, settings.values())})


def _packages(records: list[dict[str, Any]]) -> pd.DataFrame:
    """Every package version that any step ran with."""
    versions = {pair for record in records for pair in record.get("packages", {}).items()}
    return pd.DataFrame(sorted(versions), columns=["package", "version"])


# A backslash joins a line to the next: the page has it as one.
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; }
body { max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
img { max-width: 100%; height: auto; }
details { margin: .4rem 0; } summary { cursor: pointer; } details > div { overflow-x: auto; }
table { border-collapse: collapse; font-size: .8rem; \
font-variant-numeric: tabular-nums; margin: .5rem 0; }
th, td { text-align: left; padding: .15rem .7rem .15rem 0; \
border-bottom: 1px solid #ddd; }
td { white-space: nowrap; vertical-align: top; }
"""
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">\
<title>{title}</title>
<style>{style}</style></head>
<body>
{body}
</body>
</html>
"""
