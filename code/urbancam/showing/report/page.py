"""The report of one city and run as one HTML page that needs no other file."""

import base64
import html
from typing import Any

import pandas as pd

from urbancam.showing import exhibits
from urbancam.showing.wording import interval_of
from urbancam.workflow.messages import join_counts

# Figures have 300 pixels an inch; so their text is as large on the page as its small print.
SCREEN_PX_PER_PX = 0.45


def tabulate_scores(metrics: pd.DataFrame) -> pd.DataFrame:
    """`metrics.csv` over all folds with a column a metric: "0.71 [0.62, 0.78]"."""
    rows = metrics[metrics["fold"].astype(str) == "all"]
    return _spread_metrics(rows, ["subset", "predictor"])


def tabulate_leakage(leakage: pd.DataFrame) -> pd.DataFrame:
    """`leakage.csv` with a column a metric, and what each split leaks."""
    leaks = ["leaks_cell", "leaks_group", "leaks_block", "trained_neighbours"]
    known = (
        leakage[leaks].astype(object).where(leakage[leaks].notna(), "")
    )  # a city left out has none: keep its rows
    return _spread_metrics(leakage.assign(**known), ["split", "predictor", "folds", *leaks])


def tabulate_calibration(calibration: pd.DataFrame) -> pd.DataFrame:
    """`calibration.csv` with a column a metric."""
    return _spread_metrics(
        calibration, [key for key in ("subset", "predictor") if key in calibration]
    )


def tabulate_seeds(seeds: pd.DataFrame) -> pd.DataFrame:
    """`seeds.csv` where there are several: one seed has no spread."""
    return seeds[seeds["n_seeds"] > 1]


def _spread_metrics(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    rows = rows.assign(words=[interval_of(row) for _, row in rows.iterrows()])
    table = rows.pivot_table(
        index=keys, columns="metric", values="words", aggfunc="first", sort=False
    )
    return table.rename_axis(None, axis=1).reset_index()


TABULATED = {
    "metrics": tabulate_scores,
    "leakage": tabulate_leakage,
    "calibration": tabulate_calibration,
    "seeds": tabulate_seeds,
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
    """The page.

    Args:
        title: city and run.
        sentences: topic -> what the tables say.
        figures: name as in `exhibits.FIGURES` -> PNG; what is missing is left out.
        tables: name as in `exhibits.TABLES` -> frame; those without heading are not shown.
        settings: flat `{"section.key": value}`.
        records: of every step, as `records.Step.finish` writes them.
        limits: what must be kept in mind.
    """
    shown = tables | {
        name: make(tables[name]) for name, make in TABULATED.items() if name in tables
    }
    parts = [
        f"<h1>{html.escape(title)}</h1>",
        *(
            f"<h2>{html.escape(topic)}</h2>{_bullets(said)}"
            for topic, said in sentences.items()
            if said
        ),
        *(
            _figure(exhibit.heading, figures[name])
            for name, exhibit in exhibits.FIGURES.items()
            if name in figures
        ),
        "<h2>Limits</h2>",
        _bullets(limits),
        "<h2>Tables</h2>",
        *(
            _table(exhibit.heading, shown[name])
            for name, exhibit in exhibits.TABLES.items()
            if exhibit.heading and len(shown.get(name, ()))
        ),
        "<h2>How it was made</h2>",
        _table("Steps", pd.DataFrame([_flatten_record(record) for record in records])),
        _table(
            "Settings",
            pd.DataFrame({"setting": settings.keys(), "value": map(str, settings.values())}),
        ),
        _table("Packages", _packages(records)),
    ]
    body = "\n".join(parts)
    return _PAGE.format(title=html.escape(title), style=_STYLE, body=body)


def _bullets(sentences: list[str]) -> str:
    return "<ul>" + "".join(f"<li>{html.escape(sentence)}</li>" for sentence in sentences) + "</ul>"


def _figure(heading: str, png: bytes) -> str:
    data = base64.b64encode(png).decode()
    width_px = (
        int.from_bytes(png[16:20], "big") * SCREEN_PX_PER_PX
    )  # a PNG's header holds its width there
    name = html.escape(heading)
    return f'<h2>{name}</h2>\n<img alt="{name}" width="{width_px:.0f}" src="data:image/png;base64,{data}">'


def _table(heading: str, table: pd.DataFrame) -> str:
    body = table.to_html(index=False, border=0, float_format="{:.3g}".format, na_rep="")
    return f"<details><summary>{html.escape(heading)}</summary>\n<div>{body}</div></details>"


def _flatten_record(record: dict[str, Any]) -> dict[str, Any]:
    row = {key: record.get(key) for key in ("step", "date", "seconds")}
    commit, changes, _ = (record.get("commit") or "").partition("+")
    return row | {"commit": commit[:10] + changes, "counts": join_counts(record.get("counts", {}))}


def _packages(records: list[dict[str, Any]]) -> pd.DataFrame:
    """Every package version that any step ran with."""
    pairs = {pair for record in records for pair in record.get("packages", {}).items()}
    return pd.DataFrame(sorted(pairs), columns=["package", "version"])


_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; }
body { max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
img { max-width: 100%; height: auto; }
details { margin: .4rem 0; } summary { cursor: pointer; } details > div { overflow-x: auto; }
table { border-collapse: collapse; font-size: .8rem; font-variant-numeric: tabular-nums; margin: .5rem 0; }
th, td { text-align: left; padding: .15rem .7rem .15rem 0; border-bottom: 1px solid #ddd; }
td { white-space: nowrap; vertical-align: top; }
"""
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>{style}</style></head>
<body>
{body}
</body>
</html>
"""
