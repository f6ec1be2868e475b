"""What the classes are quintiles of: income, or how many people live in a cell."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from urbancam.workflow.errors import InputError


@dataclass(frozen=True)
class Target:
    """A value of a cell whose quintiles of the city are the classes.

    Args:
        column: of `cells.parquet`.
        name: in messages.
        unit: in messages.
        do: what helps where too few values differ.
    """

    column: str
    name: str
    unit: str
    do: str


TARGETS = {
    "income": Target(
        "income_eur", "incomes", "EUR", "take a larger city, or another vintage of the census"
    ),
    "density": Target(
        "ind", "numbers of people", "people", "take a larger city, or census.cell_size_m=1000"
    ),
}


def quintiles(values: pd.Series | np.ndarray) -> np.ndarray:
    """(N,) int64 class 0 (lowest) .. 4 of each value among all of them (published-systems.md, 3.1).

    Thresholds: percentiles 20, 40, 60, 80 (linear interpolation), ASSUME: of test cells too, as published. A
    value equal to one goes up; with ties classes can be empty, with all values equal every cell is of class 4.
    """
    values = np.asarray(values, dtype="float64")
    if not np.isfinite(values).all():
        raise ValueError("values must be finite")
    if not len(values):
        return np.zeros(0, dtype="int64")
    return np.digitize(values, np.percentile(values, [20, 40, 60, 80])).astype("int64")


def add_classes(table: pd.DataFrame, target: Target) -> pd.DataFrame:
    """Adds `income_class`, the quintile of the target among the used cells; null where not used.

    Args:
        table: `used` and the target's column.
        target: of `TARGETS`.

    Raises:
        InputError: so many equal values that a quintile is empty.
    """
    values = table.loc[table["used"], target.column]
    classes = pd.Series(quintiles(values), index=values.index)
    if empty := sorted(set(range(5)) - set(classes)):
        counts = values.value_counts()
        raise InputError(
            f"{target.name} are tied: quintiles {empty} of {len(values):,} cells are empty; "
            f"{counts.iloc[0]:,} cells have {counts.index[0]:,.0f} {target.unit}",
            f"cells.parquet, {target.column}",
            target.do,
        )
    return table.assign(income_class=classes)


def shuffle_classes(samples: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The classes drawn anew among the used cells, as many of each (Adebayo et al. 2018, data randomisation).

    ASSUME: the folds stay those of the true classes, so that a model of shuffled labels and the run's own model
    are trained, validated and tested on the same cells, and differ in the labels alone.
    """
    classes = samples["income_class"].copy()
    classes[samples["used"]] = np.random.default_rng(seed).permutation(
        classes[samples["used"]].to_numpy()
    )
    return samples.assign(income_class=classes)
