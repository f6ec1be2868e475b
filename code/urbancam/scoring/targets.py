"""What the classes are quintiles of: income, or how many people live in a cell."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from urbancam.scoring.vocabulary import INCOME_CLASSES
from urbancam.workflow.errors import InputError

THRESHOLDS = [20, 40, 60, 80]  # between the classes, percentiles (published-systems.md, 3.1)


@dataclass(frozen=True)
class Target:
    """A value of a cell whose quintiles of the city are the classes.

    Args:
        column: Column of `cells.parquet`.
        name: Name in messages.
        unit: Unit in messages.
        do: What helps where too few values differ.
    """

    column: str
    name: str
    unit: str
    do: str


TARGETS = {
    "income": Target(
        column="income_eur",
        name="incomes",
        unit="EUR",
        do="take a larger city, or another vintage of the census",
    ),
    "density": Target(
        column="ind",
        name="numbers of people",
        unit="people",
        do="take a larger city, or census.cell_size_m=1000",
    ),
}


def quintiles(values: pd.Series | np.ndarray) -> np.ndarray:
    """(N,) int64 class 0 (lowest) .. 4 of each value among all of them (published-systems.md, 3.1).

    Thresholds: percentiles 20, 40, 60, 80 (linear interpolation), ASSUME: of test cells too, as
    published. A value equal to one goes up; with ties classes can be empty, with all values equal
    every cell is of class 4.

    Raises:
        ValueError: A value is not finite.
    """
    values = np.asarray(values, dtype="float64")
    if not np.isfinite(values).all():
        raise ValueError("values must be finite")
    if not len(values):
        return np.zeros(0, dtype="int64")
    thresholds = np.percentile(values, THRESHOLDS)
    return np.digitize(values, thresholds).astype("int64")


def add_classes(table: pd.DataFrame, target: Target) -> pd.DataFrame:
    """Add `income_class`, the quintile of the target among the used cells; null where not used.

    Args:
        table: `used` and the target's column.
        target: One of `TARGETS`.

    Raises:
        InputError: So many values are equal that a quintile is empty.
    """
    values = table.loc[table["used"], target.column]
    classes = pd.Series(quintiles(values), index=values.index)
    empty = sorted(set(INCOME_CLASSES.tolist()) - set(classes))
    if empty:
        counts = values.value_counts()
        raise InputError(
            f"{target.name} are tied: quintiles {empty} of {len(values):,} cells are empty; "
            f"{counts.iloc[0]:,} cells have {counts.index[0]:,.0f} {target.unit}",
            f"cells.parquet, {target.column}",
            target.do,
        )
    return table.assign(income_class=classes)


def shuffle_classes(samples: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The classes drawn anew among the used cells, as many of each.

    Adebayo et al. 2018, data randomisation.

    ASSUME: the folds stay those of the true classes, so that a model of shuffled labels and the
    run's own model are trained, validated and tested on the same cells, and differ in the labels
    alone.

    Args:
        samples: `used, income_class` and others, which stay as they are.
        seed: Seed of the draw.
    """
    used = samples["used"]
    classes = samples["income_class"].copy()
    random = np.random.default_rng(seed)
    classes[used] = random.permutation(classes[used].to_numpy())
    return samples.assign(income_class=classes)
