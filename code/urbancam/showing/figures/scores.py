"""How well the classes are told: confusion matrix, and scores of the model and its baselines."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from urbancam.showing.figures import style
from urbancam.showing.wording import interval_of, predictor_words

# Metrics in the order of the panels: words, and whether more is better.
METRICS = {
    "spearman": ("Spearman r", True),
    "accuracy": ("accuracy", True),
    "accuracy_within_1": ("accuracy within one class", True),
    "macro_f1": ("macro F1", True),
    "quadratic_kappa": ("quadratic kappa", True),
    "rps": ("ranked probability score", False),
}
CAPTION_METRICS = ("accuracy", "accuracy_within_1", "quadratic_kappa")
MODEL_COLOUR = "#00695c"
BASELINE_COLOUR = "0.45"


def overall(metrics: pd.DataFrame) -> pd.DataFrame:
    """The rows of `metrics.csv` over all folds and all cells."""
    return metrics[(metrics["subset"] == "all") & (metrics["fold"].astype(str) == "all")]


@style.in_house_style
def draw_confusion_matrix(
    confusion: pd.DataFrame, metrics: pd.DataFrame, city: str = "", credits: str = ""
) -> Figure:
    """Observed against predicted class: share of the observed class in each box, count below it.

    Args:
        confusion: `income_class, predicted_0 .. predicted_4`, counts of cells.
        metrics: `metrics.csv`; the model's scores over all folds go into the caption.
        city: Name of the city.
        credits: Line of data credits.
    """
    # Shares say how good, counts below them of how many.
    counts = confusion.set_index("income_class").filter(regex=r"^predicted_\d+$").to_numpy()
    shares = row_shares(counts)
    caption = _confusion_caption(metrics, city, int(counts.sum()))
    figure = style.new_figure(style.ONE_COLUMN_MM, 74, caption, credits)
    ax = figure.subplots()
    ax.imshow(shares, cmap="Greys", vmin=0, vmax=1)
    for (row, column), share in np.ndenumerate(shares):
        words = {"ha": "center", "color": "white" if share > 0.5 else "black"}
        ax.text(column, row, f"{share:.0%}", va="bottom", fontsize=7, **words)
        ax.text(column, row + 0.08, f"{counts[row, column]:,}", va="top", fontsize=6, **words)
    _label_classes(ax, len(shares))
    return figure


def row_shares(counts: np.ndarray) -> np.ndarray:
    """(N, M) counts as shares of their row; a row without counts has shares of 0."""
    totals = counts.sum(axis=1, keepdims=True)
    return np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)


def _label_classes(ax: Axes, count: int) -> None:
    labels = style.CLASS_LABELS[:count]
    ax.set_xticks(range(count), labels=labels)
    ax.set_yticks(range(count), labels=labels)
    ax.set(xlabel="predicted class", ylabel="observed class")
    ax.tick_params(length=0)
    ax.spines[["top", "right"]].set_visible(True)

    # Minor ticks stand between the boxes: their grid is the lines between them.
    ax.set_xticks(np.arange(count - 1) + 0.5, minor=True)
    ax.set_yticks(np.arange(count - 1) + 0.5, minor=True)
    ax.grid(which="minor", color="0.8", linewidth=0.4)
    ax.tick_params(which="minor", length=0)


def _confusion_caption(metrics: pd.DataFrame, city: str, cells: int) -> str:
    rows = overall(metrics).query("predictor == 'model'").set_index("metric")
    scores = [
        f"{METRICS[name][0]} {interval_of(rows.loc[name])}"
        for name in CAPTION_METRICS
        if name in rows.index
    ]
    words = [
        "Share of the observed class, number of cells below it",
        f"{cells:,} cells, out of fold",
        *scores,
    ]
    return style.sentences(city, "; ".join(words))


@style.in_house_style
def draw_scores(metrics: pd.DataFrame, city: str = "", credits: str = "") -> Figure:
    """The model beside the baselines: a panel a metric, a line a predictor, a dot and its interval.

    Args:
        metrics: `metrics.csv`: `subset, fold, predictor, metric, value, ci_low, ci_high, n_cells`.
        city: Name of the city.
        credits: Line of data credits.
    """
    rows = overall(metrics)
    # The model first, then what sees the more.
    model, *baselines = rows["predictor"].unique()
    predictors = [model, *reversed(baselines)]
    names = [name for name in METRICS if name in set(rows["metric"])]
    # Panels in up to three columns; what is left of the last line stays blank.
    columns = min(3, max(1, len(names)))
    lines = -(-len(names) // columns)  # rounded up
    height_mm = lines * (15 + 4.5 * len(predictors))
    caption = _scores_caption(rows, city)
    figure = style.new_figure(style.TWO_COLUMNS_MM, height_mm, caption, credits)
    figure.get_layout_engine().set(hspace=0.1)
    axes = figure.subplots(lines, columns, sharey=True, squeeze=False).ravel()
    for ax, name in zip(axes, names, strict=False):
        scores = rows[rows["metric"] == name].set_index("predictor").reindex(predictors)
        _draw_panel(ax, scores)
        ax.set_title(_panel_title(name), loc="left", fontsize=7)
    for ax in axes[len(names) :]:
        ax.set_axis_off()
    axes[0].set_yticks(range(len(predictors)), labels=list(map(predictor_words, predictors)))
    axes[0].set_ylim(len(predictors) - 0.5, -0.5)
    return figure


def _panel_title(metric: str) -> str:
    label, more_is_better = METRICS[metric]
    direction = "more" if more_is_better else "less"
    return f"{label} ({direction} is better)"


def _draw_panel(ax: Axes, rows: pd.DataFrame) -> None:
    """A dot and its interval a predictor; a dotted line goes down from the model's.

    Args:
        ax: Axes of the panel.
        rows: `value, ci_low, ci_high`, by predictor, in the order of the lines.
    """
    for line, (predictor, row) in enumerate(rows.iterrows()):
        colour = MODEL_COLOUR if predictor == "model" else BASELINE_COLOUR
        ax.hlines(line, row["ci_low"], row["ci_high"], color=colour, linewidth=1.2)
        ax.plot(row["value"], line, "o", color=colour, markersize=4)
    if "model" in rows.index:
        ax.axvline(rows.loc["model", "value"], color=MODEL_COLOUR, linewidth=0.5, linestyle=":")
    ax.grid(axis="x", color="0.9", linewidth=0.4)
    ax.set_axisbelow(True)
    ax.tick_params(axis="y", length=0)
    ax.margins(x=0.08)


def _scores_caption(rows: pd.DataFrame, city: str) -> str:
    cells = int(rows["n_cells"].max()) if len(rows) else 0
    return style.sentences(
        city,
        f"{cells:,} cells, each predicted by the one model that never saw it; "
        "baselines on the same folds",
        "Bars: intervals by bootstrap over spatial blocks, conditional on the trained models",
    )
