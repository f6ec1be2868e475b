"""How numbers and lists are said in words, the same in figures, sentences and closing lines."""

import math
from collections.abc import Mapping, Sequence
from typing import Any


def interval(value: float, low: float, high: float, between: str = " ") -> str:
    """A value with its interval: "0.71 [0.62, 0.78]".

    Args:
        value: NaN is said to be undefined.
        low: lower end of the interval, NaN where there is no interval; the value then stands alone.
        high: upper end.
        between: what stands between the value and its interval.
    """
    if math.isnan(low):
        return "undefined" if math.isnan(value) else f"{value:z.2f}"
    return f"{value:z.2f}{between}[{low:z.2f}, {high:z.2f}]"


def interval_of(row: Mapping[str, Any], column: str = "value") -> str:
    """The same of a row of a table, with `ci_low` and `ci_high` beside its `column`."""
    return interval(row[column], row["ci_low"], row["ci_high"])


def enumeration(words: Sequence[str]) -> str:
    """ "a, b and c"."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"
