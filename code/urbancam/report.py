"""The report of one city and run: what the tables say in sentences, figures, tables, settings, limits.

All are functions of frames, bytes and dictionaries; the result is one HTML page that needs no other file.
"""

import base64
import html
from typing import Any

import pandas as pd

from urbancam.command import join_counts

FIGURES = {  # name of the figure -> heading
    "class_maps": "Observed and predicted income class",
    "scores": "The image model beside the baselines",
    "confusion_matrix": "Observed against predicted class",
    "activation_ratios": "Which land cover the network reads as poor or rich",
    "polar_ratios": "The same as published",
    "cell_sheet": "Single cells",
}
TABLES = {  # name of the table -> heading
    "metrics": "Scores over all folds, for all, not imputed and imputed cells",
    "confusion_matrix": "Confusion matrix (rows observed, columns predicted)",
    "activation_ratio": "Activation ratios",
    "activation_contrast": "Contrast: log(rich ratio / poor ratio)",
    "contribution": "Contribution, logit units a cell, against the city's mean",
    "observed_association": "What the incomes say: how often a cell that holds a class is poor, or rich",
}
# Figures have 300 pixels an inch; so their text is as large on the page as its small print.
SCREEN_PX_PER_PX = 0.45
LIMITS = (
    "Everything here is about cells and their mean income, nothing about the people in them. Do not use it "
    "to judge persons or households, or to decide about them.",
    "Classes are quintiles of this city: the same class is another income elsewhere.",
    "Only inhabited cells are in the data.",
    "Images, incomes and land cover were taken in different years.",
    "The intervals come from resampling blocks of this city with the models as they were trained: they say "
    "how the scores would vary over other neighbourhoods, not over other trainings or other cities.",
    "An activation ratio says where the network looks, not what makes a place poor or rich. The published "
    "map is a product of a coarse map and an edge-seeking gradient, and its zero is a convention; the "
    "contribution adds up to the logit exactly, at the resolution of the network's last layer, which is "
    "wider than most roads.",
    "Ratios of different cities come from different models.",
)


def summarise_scores(metrics: pd.DataFrame) -> list[str]:
    """What `metrics.csv` says, in sentences."""
    rows = metrics[(metrics["subset"] == "all") & (metrics["fold"].astype(str) == "all")]
    rows = rows.set_index(["predictor", "metric"])
    model, difference = rows.loc[("model", "spearman")], rows.loc[("model - coordinates", "spearman")]
    place = rows.loc[("coordinates", "spearman"), "value"]
    verdict = (
        "so the images tell more than the place does" if difference["ci_low"] > 0
        else "so the images tell less than the place does" if difference["ci_high"] < 0
        else "which leaves open whether the images tell more than the place does"
    )  # fmt: skip
    accuracy = rows.loc[("model", "accuracy")]
    near = rows.loc[("model", "accuracy_within_1")]
    constant = rows.loc[("constant", "accuracy"), "value"]
    return [
        f"Out of fold, p correlates with income with a Spearman r of {_interval(model)} over "
        f"{int(model['n']):,} cells; the nearest neighbours' classes alone (coordinates) reach {place:.2f}. "
        f"The difference is {_interval(difference)}, {verdict}.",
        f"{accuracy['value']:.0%} of the cells get the right one of five classes, {near['value']:.0%} the "
        f"right one or its neighbour; always the most frequent class would get {constant:.0%} right.",
    ]


def summarise_land_cover(ratios: pd.DataFrame, contrast: pd.DataFrame) -> list[str]:
    """What `activation_ratio.csv` and `activation_contrast.csv` say, in sentences."""
    sentences = []
    for side in ("poor", "rich"):
        rows = ratios[(ratios["side"] == side) & ratios["ci_low"].notna()]
        if rows.empty:
            sentences.append(
                f"Too few cells are predicted {side} to say which land cover the map lies on there."
            )
            continue
        top = rows.loc[
            rows["ci_low"].idxmax()
        ]  # by its lower bound: a rare class may have a high ratio by chance
        sentences.append(
            f"In cells predicted {side}, the map lies most clearly on {_low(top['name'])}: ratio "
            f"{_interval(top, 'ratio')}, in {int(top['n_cells']):,} cells."
        )
    rich = contrast.loc[contrast["ci_low"] > 0].sort_values("log_ratio", ascending=False)["name"]
    poor = contrast.loc[contrast["ci_high"] < 0].sort_values("log_ratio")["name"]
    sentences.append(
        f"Classes on which the map lies rather where the image says rich, the interval above 0: "
        f"{_list(rich)}; rather where it says poor: {_list(poor)}."
    )
    return sentences


def name_limits(metrics: pd.DataFrame, rendered: bool) -> list[str]:
    """What must be kept in mind: `LIMITS`, the share of imputed cells, and whether the city is a real one."""
    rows = metrics[metrics["fold"].astype(str) == "all"].drop_duplicates("subset").set_index("subset")["n"]
    imputed = (
        f"The income of {rows['imputed'] / rows['all']:.0%} of the cells is imputed by INSEE: cells with few "
        "households get the mean of a group of cells, so neighbours share one value. The table of scores has "
        "a part without them."
    )
    drawn = ["This city is rendered: what is found here is true of the renderer's rule and of no real place."]
    return drawn * rendered + [imputed, *LIMITS]


def tabulate_scores(metrics: pd.DataFrame) -> pd.DataFrame:
    """`metrics.csv` over all folds with a column a metric: "0.71 [0.62, 0.78]"."""
    rows = metrics[metrics["fold"].astype(str) == "all"]
    rows = rows.assign(words=[_interval(row) for _, row in rows.iterrows()])
    keys = ["subset", "predictor"]
    table = rows.pivot_table(index=keys, columns="metric", values="words", aggfunc="first", sort=False)
    return table.rename_axis(None, axis=1).reset_index()


def _interval(row: pd.Series, column: str = "value") -> str:
    if pd.isna(row["ci_low"]):
        return "undefined" if pd.isna(row[column]) else f"{row[column]:.2f}"
    return f"{row[column]:.2f} [{row['ci_low']:.2f}, {row['ci_high']:.2f}]"


def _low(name: str) -> str:
    """A class's name inside a sentence."""
    return name[:1].lower() + name[1:]


def _list(names: pd.Series) -> str:
    return ", ".join(_low(name) for name in names) or "none"


def render_page(
    title: str,
    sentences: list[str],
    figures: dict[str, bytes],
    tables: dict[str, pd.DataFrame],
    settings: dict[str, Any],
    records: list[dict[str, Any]],
    limits: list[str],
) -> str:
    """The page.

    Args:
        title: city and run.
        sentences: what the tables say.
        figures: name as in `FIGURES` -> PNG; what is missing is left out.
        tables: name as in `TABLES` -> frame.
        settings: flat `{"section.key": value}`.
        records: of every step, as `records.Step.finish` writes them.
        limits: what must be kept in mind.
    """
    shown = tables | {"metrics": tabulate_scores(tables["metrics"])}
    parts = [
        f"<h1>{html.escape(title)}</h1>",
        _bullets(sentences),
        *(_figure(heading, figures[name]) for name, heading in FIGURES.items() if name in figures),
        "<h2>Limits</h2>",
        _bullets(limits),
        "<h2>Tables</h2>",
        *(_table(heading, shown[name]) for name, heading in TABLES.items() if name in shown),
        "<h2>How it was made</h2>",
        _table("Steps", pd.DataFrame([_flatten_record(record) for record in records])),
        _table("Settings", pd.DataFrame({"setting": settings.keys(), "value": map(str, settings.values())})),
        _table("Packages", _packages(records)),
    ]
    body = "\n".join(parts)
    return _PAGE.format(title=html.escape(title), style=_STYLE, body=body)


def _bullets(sentences: list[str]) -> str:
    return "<ul>" + "".join(f"<li>{html.escape(sentence)}</li>" for sentence in sentences) + "</ul>"


def _figure(heading: str, png: bytes) -> str:
    data = base64.b64encode(png).decode()
    width_px = int.from_bytes(png[16:20], "big") * SCREEN_PX_PER_PX  # a PNG's header holds its width there
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
