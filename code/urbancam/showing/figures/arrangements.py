"""The cities experiment: who looks alike, as trees and as maps."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.cluster.hierarchy import dendrogram

from urbancam.showing.figures import style
from urbancam.showing.figures.cities import short_name
from urbancam.showing.figures.scores import MODEL_COLOUR

MEASURES = {
    "embedding": "By what the network sees: 1 - cosine of centroids",
    "confusion": "By what it takes them for: 1 - share confused",
}
NAMES_UP_TO = 12  # cities whose whole names have room in the map


@style.in_house_style
def draw_city_tree(tree: pd.DataFrame, cities: list[str], credits: str = "") -> Figure:
    """A tree of cities for each measure: the further left two branches meet, the more alike.

    Args:
        tree: `city_tree.csv`.
        cities: Names of the cities in the order in which the tree numbers them.
        credits: Line of data credits.
    """
    caption = "Average linkage. Distances of the two trees are not comparable with each other."
    figure = style.new_figure(style.TWO_COLUMNS_MM, 18 + 3.6 * len(cities), caption, credits)
    axes = figure.subplots(1, 2)
    for ax, letter, (measure, title) in zip(axes, "ab", MEASURES.items(), strict=True):
        _draw_tree(ax, tree[tree["measure"] == measure], cities)
        style.set_title(ax, letter, title)
    return figure


def _draw_tree(ax: Axes, tree: pd.DataFrame, cities: list[str]) -> None:
    """A tree that grows from the left.

    Args:
        ax: Axes to draw on.
        tree: `left, right, distance, n_cities` of one measure.
        cities: Names of the cities in the order in which the tree numbers them.
    """
    merges = tree[["left", "right", "distance", "n_cities"]].to_numpy(dtype=float)
    branches = dendrogram(merges, labels=cities, no_plot=True)
    for places, distances in zip(branches["icoord"], branches["dcoord"], strict=True):
        ax.plot(distances, places, color=MODEL_COLOUR, linewidth=0.9)
    # scipy puts the leaves at 5, 15, ...
    ax.set_yticks(np.arange(len(cities)) * 10 + 5, labels=branches["ivl"])
    limits = _tree_limits(tree["distance"].min(), tree["distance"].max())
    ax.set(ylim=(10 * len(cities), 0), xlim=limits, xlabel="distance")
    ax.tick_params(axis="y", length=0)


def _tree_limits(least: float, largest: float) -> tuple[float, float]:
    """Ends of a tree's axis, so that its distances fill it.

    Args:
        least: Least distance at which two branches meet.
        largest: Largest distance at which two branches meet.
    """
    # Distances rarely reach down to 0: begin a little before the first two branches meet.
    start = 0
    if least < largest:
        start = max(0, 1.4 * least - 0.4 * largest)
    end = largest + 0.05 * (largest - start)
    return start, end or 1  # cities that are all alike meet at 0


@style.in_house_style
def draw_city_map(places: pd.DataFrame, credits: str = "") -> Figure:
    """Cities in the plane, near where they look alike.

    Args:
        places: `city_map.csv`.
        credits: Line of data credits.
    """
    figure = style.new_figure(style.TWO_COLUMNS_MM, 92, _MAP_CAPTION, credits)
    axes = figure.subplots(1, 2)
    for ax, letter, (measure, title) in zip(axes, "ab", MEASURES.items(), strict=True):
        _draw_places(ax, places[places["measure"] == measure])
        style.set_title(ax, letter, title)
    return figure


def _draw_places(ax: Axes, places: pd.DataFrame) -> None:
    """A dot and a name a city.

    Args:
        ax: Axes to draw on.
        places: `city, x, y, stress` of one measure.
    """
    ax.plot(places["x"], places["y"], "o", color=MODEL_COLOUR, markersize=3)
    middle = places["x"].mean()
    for row in places.itertuples():
        ax.annotate(
            row.city if len(places) <= NAMES_UP_TO else short_name(row.city),
            (row.x, row.y),
            xytext=(0, 4),
            textcoords="offset points",
            fontsize=6,
            # Towards the middle: no name leaves the frame.
            ha="right" if row.x > middle else "left",
        )
    # Distances are what the map tells: they are to scale.
    ax.set_aspect("equal", adjustable="datalim")
    ax.margins(0.2)
    ax.set(xticks=[], yticks=[])
    if len(places):
        ax.set_xlabel(f"stress {places['stress'].max():.2f}")
    ax.spines[["top", "right"]].set_visible(True)


_MAP_CAPTION = (
    "Multidimensional scaling of the distances; directions mean nothing. "
    "Stress: 0.05 is a good map, 0.2 a poor one."
)
