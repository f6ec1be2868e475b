"""What the classes are quintiles of: income, or how many people live in a cell."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from urbancam.scoring.vocabulary import INCOME_CLASSES
from urbancam.workflow.errors import InputError

PERCENTILES = [20, 40, 60, 80]  # between the classes, percentiles (published-systems.md, 3.1)


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
        column="value",
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

    A value equal to a threshold goes up; with ties classes can be empty, with all values equal
    every cell is of class 4.

    Raises:
        ValueError: A value is not finite.
    """
    if not len(values):
        return np.zeros(0, dtype="int64")
    return classify(values, quintile_thresholds(values))


def quintile_thresholds(values: pd.Series | np.ndarray) -> np.ndarray:
    """(4,) percentiles 20, 40, 60, 80 (linear interpolation), ASSUME: of test cells too, as
    published.

    Raises:
        ValueError: A value is not finite.
    """
    values = np.asarray(values, dtype="float64")
    if not np.isfinite(values).all():
        raise ValueError("values must be finite")
    return np.percentile(values, PERCENTILES)


def classify(values: pd.Series | np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """(N,) int64 class 0 .. 4 of each value between the thresholds (4,)."""
    return np.digitize(np.asarray(values, dtype="float64"), thresholds).astype("int64")


def national_thresholds(census: pd.DataFrame, target: Target) -> np.ndarray:
    """(4,) quintile thresholds of the target over all cells of the census table.

    Args:
        census: `ind, ind_snv` of all cells with an income, of the whole country.
        target: One of `TARGETS`.
    """
    # ASSUME: each cell counts once, as in a city; people would weigh dense cells more.
    values = census.assign(value=census["ind_snv"] / census["ind"])[target.column]
    return quintile_thresholds(values)


def add_classes(
    table: pd.DataFrame, target: Target, thresholds: np.ndarray | None = None
) -> pd.DataFrame:
    """Add `income_class`, the class of the target of the used cells; null where not used.

    Args:
        table: `used` and the target's column.
        target: One of `TARGETS`.
        thresholds: (4,) between the classes; None: quintiles of the used cells.

    Raises:
        InputError: So many values are equal that a quintile is empty; or, between given
            thresholds, where a city may lack a class, all cells are of one.
    """
    values = table.loc[table["used"], target.column]
    own = thresholds is None
    classes = quintiles(values) if own else classify(values, thresholds)
    classes = pd.Series(classes, index=values.index)
    if not own:
        _refuse_one_class(classes, thresholds, target)
        return table.assign(income_class=classes)
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


def _refuse_one_class(classes: pd.Series, thresholds: np.ndarray, target: Target) -> None:
    """Raise if all cells are of one class: nothing can be learned."""
    if classes.nunique() > 1:
        return
    steps = ", ".join(f"{value:,.0f}" for value in thresholds)
    raise InputError(
        f"all {len(classes):,} cells are of class {classes.iloc[0]} between the national "
        f"thresholds {steps} {target.unit}",
        f"cells.parquet, {target.column}",
        "take the city's own: samples.thresholds=city",
    )


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
