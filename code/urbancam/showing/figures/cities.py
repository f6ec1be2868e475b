"""The cities experiment: how well cities are named, and what they are taken for."""

import re

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from urbancam.scoring.vocabulary import DIFFERENCE, VALUE
from urbancam.showing.figures import style
from urbancam.showing.figures.scores import BASELINE_COLOUR, MODEL_COLOUR, row_shares
from urbancam.showing.wording import ends_of, interval_of

TRAINED = {
    "run": "this run",
    "split-acquisition": "trained on one acquisition,\ntested on the other",
    "colour-grey": "trained on grey patches\n(always shown grey)",
    "split-acquisition-colour-grey": "grey patches of one acquisition,\ntested on the other",
    "colour-jitter": "trained on jittered colours",
    "split-acquisition-colour-jitter": "jittered colours of one acquisition,\ntested on the other",
}
# Predictor and patches -> name, marker, colour; crosses see no form.
MARKS = {
    ("network", "as_is"): ("patches as they are", "o", MODEL_COLOUR),
    ("network", "jitter"): ("colours jittered", "s", "#8d6e00"),
    ("network", "grey"): ("grey", "^", "0.45"),
    ("colour_histogram", "as_is"): ("colours alone", "+", "#8d6e00"),
    ("grey_histogram", "as_is"): ("grey levels alone", "x", "0.45"),
    ("grey_statistics", "as_is"): ("twelve statistics of them", "1", "0.45"),
}
GREY_ELSEWHERE = "split-acquisition-colour-grey"  # the variant that is asked about form
GREY_BASELINES = {  # of the same patches
    "grey_histogram": "the histogram of grey levels",
    "grey_statistics": "twelve statistics of grey levels",
}
NUMBERS_UP_TO = 12  # cities whose confusion matrix has room for numbers


def short_name(city: str) -> str:
    """The airport's code of "Almaty (ALA)", else the first letters."""
    airport = re.search(r"\((\w{3})\)\s*$", city)
    if airport is None:
        return city[:8]
    return airport[1]


@style.in_house_style
def draw_city_accuracy(accuracy: pd.DataFrame, credits: str = "") -> Figure:
    """A line a city, from the best named to the worst, and all together on top.

    Args:
        accuracy: `accuracy.csv`.
        credits: Line of data credits.
    """
    of_network = accuracy["predictor"] == "network"
    rows = accuracy[of_network & (accuracy["trained_on"] == "run")]
    rows = rows[rows["tested_on"] == "as_is"]
    overall = rows[(rows["grouping"] == "all") & (rows["metric"] == "accuracy")]
    overall = overall.assign(subset="all patches")
    cities = rows[rows["grouping"] == "city"].sort_values(
        ["value", "subset"], ascending=[False, True]
    )
    # Line 0 is of all patches, the others are cities.
    lines = pd.concat([overall, cities], ignore_index=True)

    caption = _accuracy_caption(overall.iloc[0])
    figure = style.new_figure(style.ONE_COLUMN_MM, 22 + 3.4 * len(lines), caption, credits)
    ax = figure.subplots()
    for place, row in lines.iterrows():
        _draw_accuracy(ax, place, row, MODEL_COLOUR if place == 0 else "0.2")
    _mark_chance(ax, overall["n_cities"].iloc[0])
    ax.set_yticks(range(len(lines)), labels=lines["subset"])
    ax.set(
        ylim=(len(lines) - 0.5, -0.5),
        xlim=(-0.02, 1.02),
        xlabel="share of patches whose city is named",
    )
    ax.set_title("How well each city is named", loc="left", pad=10)
    return figure


def _draw_accuracy(ax: Axes, place: int, row: pd.Series, colour: str) -> None:
    """A dot, a line for sites resampled, a wide band for images resampled."""
    ax.hlines(place, row["ci_low"], row["ci_high"], color=colour, linewidth=1.2)
    ax.hlines(
        place,
        row["image_ci_low"],
        row["image_ci_high"],
        color=colour,
        linewidth=3,
        alpha=0.25,
    )
    ax.plot(row["value"], place, "o", color=colour, markersize=3.5)


def _mark_chance(ax: Axes, cities: int) -> None:
    """A line at what guessing among so many cities would reach.

    Args:
        ax: Axes to draw on.
        cities: Number of cities.
    """
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
    patches = f"{int(row['n_patches']):,} patches"
    images = f"{int(row['n_images']):,} images"
    sites = f"{int(row['n_sites']):,} sites"
    return style.sentences(
        f"{patches} of {images} at {sites}, each by a network that never saw its site or, "
        "in the published split, its half of it",
        "Lines: 95 % intervals with sites resampled, wide bands with images resampled; "
        "one site cannot be resampled",
    )


@style.in_house_style
def draw_city_confusion(confusion: pd.DataFrame, credits: str = "") -> Figure:
    """Cities against what they are taken for, as shares of the city; numbers where there is room.

    Args:
        confusion: `confusion_matrix.csv`: `city`, then a column per city; a row per tested one.
        credits: Line of data credits.
    """
    cities = confusion["city"].tolist()
    guesses = confusion.columns.drop("city").tolist()
    counts = confusion[guesses].to_numpy(dtype=float)
    shares = row_shares(counts)
    caption = f"Share of a city's patches; {int(counts.sum()):,} patches, out of fold."
    # Few cities have room for numbers, many need the wider page.
    has_numbers = len(guesses) <= NUMBERS_UP_TO
    if has_numbers:
        figure = style.new_figure(style.ONE_COLUMN_MM, 68, caption, credits)
        font_pt = 6.5
    else:
        figure = style.new_figure(style.TWO_COLUMNS_MM, 165, caption, credits)
        font_pt = 5

    ax = figure.subplots()
    image = ax.imshow(shares, cmap="Greys", vmin=0, vmax=1)
    if has_numbers:
        _write_shares(ax, shares)
    codes = [short_name(city) for city in guesses]
    ax.set_xticks(range(len(codes)), labels=codes, rotation=90, fontsize=font_pt)
    ax.set_yticks(range(len(cities)), labels=cities, fontsize=font_pt)
    ax.set(xlabel="taken for", ylabel="city")
    ax.set_title("What each city is taken for", loc="left")
    figure.colorbar(image, ax=ax, shrink=0.6, label="share of the city's patches")
    return figure


def _write_shares(ax: Axes, shares: np.ndarray) -> None:
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


@style.in_house_style
def draw_colour_controls(accuracy: pd.DataFrame, credits: str = "") -> Figure:
    """How much of the accuracy is acquisition: the run and its variants under changed colours,
    beside baselines that see no form.

    Args:
        accuracy: `accuracy.csv`.
        credits: Line of data credits.
    """
    rows = accuracy[(accuracy["grouping"] == "all") & (accuracy["metric"] == "accuracy")]
    variants = [name for name in TRAINED if name in set(rows["trained_on"])]
    height_mm = 34 + 15 * len(variants)
    caption = style.sentences(_COLOUR_CAPTION, what_remains(accuracy))
    figure = style.new_figure(style.ONE_COLUMN_MM, height_mm, caption, credits)
    ax = figure.subplots()
    for number, (key, (label, marker, colour)) in enumerate(MARKS.items()):
        scores = rows[(rows["predictor"] == key[0]) & (rows["tested_on"] == key[1])]
        scores = scores.set_index("trained_on").reindex(variants)
        places = np.arange(len(scores)) + 0.13 * (number - (len(MARKS) - 1) / 2)
        ax.hlines(places, scores["ci_low"], scores["ci_high"], color=colour, linewidth=1.2)
        ax.plot(scores["value"], places, marker, color=colour, markersize=4, label=label)

    # The line of chance is the run's; a variant of other cities has its own.
    city_counts = rows.groupby("trained_on")["n_cities"].first().reindex(variants)
    _mark_chance(ax, city_counts.iloc[0])
    for place, cities in enumerate(city_counts):
        if cities != city_counts.iloc[0]:
            _mark_own_chance(ax, place, cities)
    ax.set_yticks(range(len(variants)), labels=[TRAINED[name] for name in variants])
    ax.set(
        ylim=(len(variants) - 0.4, -0.6),
        xlim=(-0.02, 1.02),
        xlabel="share of patches whose city is named",
    )
    figure.suptitle("How much of it is acquisition", fontsize=style.HEADING_PT, x=0.02, ha="left")
    ax.legend(
        loc="lower right",
        bbox_to_anchor=(1.02, 1.03),
        ncols=len(MARKS) // 2,
        columnspacing=0.8,
        handletextpad=0.1,
    )
    return figure


def _mark_own_chance(ax: Axes, place: int, cities: int) -> None:
    """What guessing reaches for one line: a variant of fewer cities is an easier question.

    Args:
        ax: Axes to draw on.
        place: Place of the line.
        cities: Number of cities of the variant.
    """
    ax.vlines(1 / cities, place - 0.4, place + 0.4, color=BASELINE_COLOUR, linewidth=0.9)
    ax.annotate(
        f"guessing among {cities}",
        (1 / cities, place - 0.4),
        xytext=(2, 1),
        textcoords="offset points",
        fontsize=6,
        color=BASELINE_COLOUR,
    )


def what_remains(accuracy: pd.DataFrame) -> str:
    """What the accuracies say of form: what a network of grey patches reaches, on an acquisition
    that it never saw, beyond the grey levels of the same patches.

    Args:
        accuracy: `accuracy.csv`.
    """
    rows = accuracy[(accuracy["trained_on"] == GREY_ELSEWHERE) & (accuracy["tested_on"] == "as_is")]
    rows = rows[(rows["grouping"] == "all") & (rows["metric"] == "accuracy")].set_index("predictor")
    if not {"network", *GREY_BASELINES} <= set(rows.index):
        return "No grey patches of another acquisition were tested: nothing is said of form"

    network = (
        f"On grey patches of another acquisition the network reaches {_score(rows, 'network')}"
    )
    levels = [f"{words} {_score(rows, name)}" for name, words in GREY_BASELINES.items()]
    beyond = [_score(rows, name, DIFFERENCE) for name in GREY_BASELINES]
    sentence = f"{network}, {' and '.join(levels)}; differences {' and '.join(beyond)}"
    # An interval that is not known is above nothing.
    if all(ends_of(rows.loc[name], DIFFERENCE)[0] > 0 for name in GREY_BASELINES):
        return f"{sentence}: texture or form adds to what grey levels tell"
    return f"{sentence}: that it reads form is not shown"


def _score(rows: pd.DataFrame, predictor: str, quantity: str = VALUE) -> str:
    return interval_of(rows.loc[predictor], quantity)


_COLOUR_CAPTION = (
    "Tested on an acquisition that it never saw, a network that knows cities by sensor, light or "
    "season falls to guessing or below; changed colours also cost one that knows form but never "
    "saw such colours. Crosses: logistic regression on what a patch holds of each colour or grey "
    "level, wherever it lies. Lines: 95 % intervals, sites resampled"
)
