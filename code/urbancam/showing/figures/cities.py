"""The cities experiment: how well cities are named, what they are taken for, by what acquisition, who looks alike."""

import re

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.cluster.hierarchy import dendrogram

from urbancam.showing.figures import style
from urbancam.showing.figures.scores import BASELINE_COLOUR, MODEL_COLOUR

MEASURES = {
    "embedding": "By what the network sees: 1 - cosine of centroids",
    "confusion": "By what it takes them for: 1 - share confused",
}
TRAINED = {
    "run": "this run",
    "split-acquisition": "trained on one acquisition,\ntested on the other",
    "colour-grey": "trained on grey patches\n(always shown grey)",
    "colour-jitter": "trained on jittered colours",
}
TESTED = {
    "as_is": ("patches as they are", "o"),
    "jitter": ("colours jittered", "s"),
    "grey": ("grey", "^"),
}
NUMBERS_UP_TO = 12  # cities whose confusion matrix has room for numbers


def short_name(city: str) -> str:
    """The airport's code of "Almaty (ALA)", else the first letters."""
    found = re.search(r"\((\w{3})\)\s*$", city)
    return found[1] if found else city[:8]


@style.styled
def draw_city_accuracy(accuracy: pd.DataFrame, credits: str = "") -> Figure:
    """A line a city, from the best named to the worst, and all together on top.

    Args:
        accuracy: `accuracy.csv`.
        credits: the line of data credits.
    """
    rows = accuracy[(accuracy["trained_on"] == "run") & (accuracy["tested_on"] == "as_is")]
    cities = rows[rows["subset"] == "city"].sort_values(["value", "name"], ascending=[False, True])
    overall = rows[(rows["subset"] == "all") & (rows["metric"] == "accuracy")].assign(
        name="all patches"
    )
    lines = pd.concat([overall, cities], ignore_index=True)
    figure = style.new_figure(
        style.ONE_COLUMN_MM, 22 + 3.4 * len(lines), _accuracy_caption(overall.iloc[0]), credits
    )
    ax = figure.subplots()
    for place, row in lines.iterrows():
        colour = MODEL_COLOUR if place == 0 else "0.2"
        ax.hlines(place, row["ci_low"], row["ci_high"], color=colour, linewidth=1.2)
        ax.hlines(
            place, row["image_ci_low"], row["image_ci_high"], color=colour, linewidth=3, alpha=0.25
        )
        ax.plot(row["value"], place, "o", color=colour, markersize=3.5)
    _mark_chance(ax, overall["n_cities"].iloc[0])
    ax.set_yticks(range(len(lines)), labels=lines["name"])
    ax.set(
        ylim=(len(lines) - 0.5, -0.5),
        xlim=(-0.02, 1.02),
        xlabel="share of patches whose city is named",
    )
    ax.set_title("How well each city is named", loc="left", pad=10)
    return figure


def _mark_chance(ax: Axes, cities: int) -> None:
    ax.axvline(1 / cities, color=BASELINE_COLOUR, linewidth=0.7, linestyle="--", zorder=0)
    ax.annotate(
        "guessing",
        (1 / cities, 1),
        xycoords=("data", "axes fraction"),
        xytext=(2, 2),
        textcoords="offset points",
        fontsize=6,
        color=BASELINE_COLOUR,
    )
    ax.grid(axis="x", color="0.9", linewidth=0.4)
    ax.set_axisbelow(True)


def _accuracy_caption(row: pd.Series) -> str:
    return style.sentences(
        f"{int(row['n_patches']):,} patches of {int(row['n_images']):,} images at {int(row['n_sites']):,} sites, each "
        "by a network that never saw its site or, in the published split, its half of it",
        "Lines: 95 % intervals with sites resampled, wide bands with images resampled; one site cannot be resampled",
    )


@style.styled
def draw_city_confusion(confusion: pd.DataFrame, credits: str = "") -> Figure:
    """Cities against what they are taken for, as shares of the city; numbers where there is room.

    Args:
        confusion: `confusion_matrix.csv`: `city`, then a column per city; a row per tested one.
        credits: the line of data credits.
    """
    names, named = confusion["city"].tolist(), confusion.columns.drop("city").tolist()
    counts = confusion[named].to_numpy(dtype=float)
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    wide = len(named) > NUMBERS_UP_TO
    figure = style.new_figure(
        style.TWO_COLUMNS_MM if wide else style.ONE_COLUMN_MM,
        165 if wide else 68,
        f"Share of a city's patches; {int(totals.sum()):,} patches, out of fold.",
        credits,
    )
    ax = figure.subplots()
    image = ax.imshow(shares, cmap="Greys", vmin=0, vmax=1)
    if not wide:
        for (row, column), share in np.ndenumerate(shares):
            ax.text(
                column,
                row,
                f"{share:.0%}",
                ha="center",
                va="center",
                fontsize=6,
                color="white" if share > 0.5 else "black",
            )
    size = 5 if wide else 6.5
    ax.set_xticks(
        range(len(named)), labels=[short_name(name) for name in named], rotation=90, fontsize=size
    )
    ax.set_yticks(range(len(names)), labels=names, fontsize=size)
    ax.set(xlabel="taken for", ylabel="city")
    ax.set_title("What each city is taken for", loc="left")
    figure.colorbar(image, ax=ax, shrink=0.6, label="share of the city's patches")
    return figure


@style.styled
def draw_colour_controls(accuracy: pd.DataFrame, credits: str = "") -> Figure:
    """How much of the accuracy is acquisition: the run and its variants, tested as they are, jittered and grey.

    Args:
        accuracy: `accuracy.csv`.
        credits: the line of data credits.
    """
    rows = accuracy[(accuracy["subset"] == "all") & (accuracy["metric"] == "accuracy")]
    trained = [name for name in TRAINED if name in set(rows["trained_on"])]
    cities = rows.groupby("trained_on")["n_cities"].first().reindex(trained)
    figure = style.new_figure(
        style.ONE_COLUMN_MM,
        30 + 12 * len(trained),
        "Tested on an acquisition that it never saw, a network that knows cities by sensor, light or season falls to "
        "guessing or below. Changed colours also cost one that knows form but never saw such colours; what a network "
        "of grey patches reaches needs no colour at all. Lines: 95 % intervals, sites resampled.",
        credits,
    )
    ax = figure.subplots()
    for step, (tested, (label, marker)) in enumerate(TESTED.items()):
        own = rows[rows["tested_on"] == tested].set_index("trained_on").reindex(trained)
        places = np.arange(len(own)) + 0.22 * (step - 1)
        colour = (MODEL_COLOUR, "#8d6e00", "0.45")[step]
        ax.hlines(places, own["ci_low"], own["ci_high"], color=colour, linewidth=1.2)
        ax.plot(own["value"], places, marker, color=colour, markersize=4, label=label)
    _mark_chance(ax, cities.iloc[0])
    for place, count in enumerate(cities):
        if count != cities.iloc[0]:  # a variant of fewer cities is an easier question
            ax.vlines(1 / count, place - 0.4, place + 0.4, color=BASELINE_COLOUR, linewidth=0.9)
            ax.annotate(
                f"guessing among {count}",
                (1 / count, place - 0.4),
                xytext=(2, 1),
                textcoords="offset points",
                fontsize=6,
                color=BASELINE_COLOUR,
            )
    ax.set_yticks(range(len(trained)), labels=[TRAINED[name] for name in trained])
    ax.set(
        ylim=(len(trained) - 0.4, -0.6),
        xlim=(-0.02, 1.02),
        xlabel="share of patches whose city is named",
    )
    figure.suptitle("How much of it is acquisition", fontsize=7.5, x=0.02, ha="left")
    ax.legend(
        loc="lower right",
        bbox_to_anchor=(1.02, 1.03),
        ncols=len(TESTED),
        columnspacing=0.8,
        handletextpad=0.1,
    )
    return figure


@style.styled
def draw_city_tree(tree: pd.DataFrame, cities: list[str], credits: str = "") -> Figure:
    """A tree of cities for each measure: the further left two branches meet, the more alike.

    Args:
        tree: `city_tree.csv`.
        cities: names in the order that the tree numbers them.
        credits: the line of data credits.
    """
    caption = "Average linkage. Distances of the two trees are not comparable with each other."
    figure = style.new_figure(style.TWO_COLUMNS_MM, 18 + 3.6 * len(cities), caption, credits)
    for ax, letter, measure in zip(figure.subplots(1, 2), "ab", MEASURES, strict=True):
        merges = tree.loc[tree["measure"] == measure, ["left", "right", "distance", "n_cities"]]
        drawn = dendrogram(merges.to_numpy(dtype=float), labels=cities, no_plot=True)
        for places, distances in zip(drawn["icoord"], drawn["dcoord"], strict=True):
            ax.plot(distances, places, color=MODEL_COLOUR, linewidth=0.9)
        ax.set_yticks(
            np.arange(len(cities)) * 10 + 5, labels=drawn["ivl"]
        )  # scipy puts leaves at 5, 15, ...
        first, last = merges["distance"].min(), merges["distance"].max()
        left = max(0, 1.4 * first - 0.4 * last) if first < last else 0
        right = last + 0.05 * (last - left) or 1  # cities that are all alike
        ax.set(ylim=(10 * len(cities), 0), xlim=(left, right), xlabel="distance")
        ax.tick_params(axis="y", length=0)
        style.set_title(ax, letter, MEASURES[measure])
    return figure


@style.styled
def draw_city_map(places: pd.DataFrame, credits: str = "") -> Figure:
    """Cities in the plane, near where they look alike.

    Args:
        places: `city_map.csv`.
        credits: the line of data credits.
    """
    caption = (
        "Multidimensional scaling of the distances; directions mean nothing. Stress: 0.05 is a good map, 0.2 a "
        "poor one."
    )
    figure = style.new_figure(style.TWO_COLUMNS_MM, 92, caption, credits)
    for ax, letter, measure in zip(figure.subplots(1, 2), "ab", MEASURES, strict=True):
        own = places[places["measure"] == measure]
        ax.plot(own["x"], own["y"], "o", color=MODEL_COLOUR, markersize=3)
        for row in own.itertuples():
            name = row.city if len(own) <= NUMBERS_UP_TO else short_name(row.city)
            side = (
                "right" if row.x > own["x"].mean() else "left"
            )  # towards the middle: no name leaves the frame
            ax.annotate(
                name, (row.x, row.y), xytext=(0, 4), textcoords="offset points", fontsize=6, ha=side
            )
        ax.set_aspect("equal", adjustable="datalim")
        ax.margins(0.2)
        ax.set(xticks=[], yticks=[], xlabel=f"stress {own['stress'].max():.2f}" if len(own) else "")
        ax.spines[["top", "right"]].set_visible(True)
        style.set_title(ax, letter, MEASURES[measure])
    return figure
