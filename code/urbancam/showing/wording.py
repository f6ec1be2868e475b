"""How numbers, lists and verdicts are put in words, alike in figures and sentences."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from urbancam.workflow.settings import feature_sets

if TYPE_CHECKING:  # a script that only shows its help does not wait for it
    import pandas as pd


# Which blocks are resampled, of `resampling`.
CHOSEN, SPLIT, BOTH, OWN = "chosen", "split", "both", "own"
PREDICTORS = {  # in figures, tables and lists; others by their plain name
    feature_sets.MODEL: "image model",
    feature_sets.CONSTANT: "always the commonest class",
    feature_sets.COORDINATES: "place (the nearest cells)",
    feature_sets.POPULATION_DENSITY: "population density",
    feature_sets.LAND_COVER: "land cover",
    feature_sets.COLOUR_HISTOGRAM: "colours of the image",
    feature_sets.RANDOM_FEATURES: "random features of the image",
}
RIDGES = ("land_cover", "colour_histogram", "random_features")  # that are told of first


def predictor_words(predictor: str) -> str:
    """A predictor's name for people."""
    return PREDICTORS.get(predictor) or feature_sets.plain_name(predictor)


def told_ridges(predictors: Iterable[str]) -> list[str]:
    """The ridge regressions among some predictors that are told of in sentences."""
    names = list(dict.fromkeys(predictors))
    return [name for name in RIDGES if name in names] + feature_sets.asked_for(names)


def number(value: float) -> str:
    """Two places behind the point; none, and thousands parted, of what is larger."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:z.2f}"


def brackets(low: float, high: float, words: Callable[[float], str] = number) -> str:
    """An interval alone, its ends in words: "[0.62, 0.78]"; "" where one of them is NaN."""
    if math.isnan(low) or math.isnan(high):
        return ""
    return f"[{words(low)}, {words(high)}]"


def interval(
    value: float,
    low: float,
    high: float,
    between: str = " ",
    words: Callable[[float], str] = number,
) -> str:
    """A value with its interval: "0.71 [0.62, 0.78]".

    Args:
        value: The value; NaN reads "undefined".
        low: Lower end of the interval, NaN where there is no interval: the value then stands alone.
        high: Upper end of the interval.
        between: What stands between the value and its interval.
        words: A number in words.
    """
    if not math.isnan(low):
        return f"{words(value)}{between}{brackets(low, high, words)}"
    if math.isnan(value):
        return "undefined"
    return words(value)


def value_words(value: float) -> str:
    """A cell's value, in three digits or in whole units: "8.65", "12,345"."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def interval_of(
    row: Mapping[str, Any],
    column: str = "value",
    between: str = " ",
    words: Callable[[float], str] = number,
) -> str:
    """The value in a `column` of a table's row, with its interval (`ends_of`)."""
    return interval(row[column], *ends_of(row, column), between, words)


def ends_of(row: Mapping[str, Any], column: str = "value") -> tuple[float, float]:
    """The ends of a column's interval: `<column>_ci_low`, `<column>_ci_high`, or `ci_low`,
    `ci_high` where the table has none of that name."""
    prefix = f"{column}_" if f"{column}_ci_low" in row else ""
    return row[f"{prefix}ci_low"], row[f"{prefix}ci_high"]


def resampling(confidence: float, block_size: "pd.DataFrame", blocks: str = CHOSEN) -> str:
    """What the intervals of a run are: "95 %, blocks of 4 km, 23 effective".

    Args:
        confidence: Level of the intervals, 0..1.
        block_size: `block_size.csv`: `side_m, n_blocks, chosen`; the split's blocks first.
        blocks: `CHOSEN`, of the side that is chosen for scores; `SPLIT`, of the split; `BOTH`,
            of scores the one and of land cover the other; `OWN`, of several variants or cities,
            each with a side of its own.
    """
    level = f"{100 * confidence:g} %"
    if blocks == OWN:
        return f"{level}, blocks of the side that each one's own residuals ask for"
    if blocks == SPLIT:
        return f"{level}, {_block_words(block_size)}"
    of_scores = _block_words(block_size[block_size["chosen"]])
    of_land_cover = _block_words(block_size)
    if blocks == BOTH and of_scores != of_land_cover:
        return f"{level}, of scores {of_scores}; of land cover {of_land_cover}"
    return f"{level}, {of_scores}"


def _block_words(sides: "pd.DataFrame") -> str:
    """The first side of some, and how many blocks it gives."""
    side = sides.iloc[0]
    return f"blocks of {length(side['side_m'])}, {side['n_blocks']:.0f} effective"


def length(metres: float) -> str:
    """A length in whole kilometres where it is one: "4 km", "400 m"."""
    return f"{metres / 1000:g} km" if metres % 1000 == 0 else f"{metres:g} m"


def verdict(
    row: Mapping[str, Any],
    above: str,
    below: str,
    undecided: str = "its interval leaves that open",
    column: str = "value",
) -> str:
    """What an interval tells: above 0, below 0, or nothing for sure.

    Args:
        row: A row with the two ends of an interval, NaN where there is none.
        above: Words for an interval above 0.
        below: Words for an interval below 0.
        undecided: Words for an interval that covers 0, or that is not known.
        column: Column whose interval it is.
    """
    low, high = ends_of(row, column)
    if low > 0:
        return above
    if high < 0:
        return below
    return undecided


def enumeration(words: Sequence[str]) -> str:
    """The words as a list: "a, b and c"."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"
