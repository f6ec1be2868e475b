"""Incomes by a known rule, planted on a city's own cells: what a method ought to find there.

    log income = mean + spread * (sqrt(a) visible + sqrt(b) smooth + sqrt(c) unseen),  a + b + c = 1

Mean and spread are those of the city's own log incomes, and each part has mean 0 and variance 1
over the cells. `visible` is a sum over a few classes of land cover of effect times share of the
cell; all other classes are inert. `smooth` is a Gaussian field with the range of the city's own
incomes (scoring/fields.py), `unseen` is each cell's own.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from urbancam.scoring.fields import draw_field, fit_correlogram
from urbancam.scoring.targets import quintiles
from urbancam.workflow.errors import InputError
from urbancam.workflow.settings.planted_section import Planted

# ASSUME: of what less than a twentieth of the cells hold nobody could tell a rule; it stays inert
HELD_SHARE = 0.05
# ASSUME: effects of classes are of one size, give or take: a class's part of the rule is one to
# two times another's, in standard deviations
SIZES = (1.0, 2.0)
# Draws of classes and effects, of which the one that balances best is taken: a rare class against
# a common one would need an effect that no income can have.
CANDIDATES = 5
PARTS = ["visible", "smooth", "unseen"]


@dataclass(frozen=True)
class Plant:
    """A planted rule and the incomes that follow it.

    Attributes:
        incomes: `idINSPIRE, value, visible, smooth, unseen`, a row per cell; the parts add up
            to the logarithm of income less its mean.
        effects: `class, effect, variance_share`, a row per class: by how much log income rises
            where a whole cell of the city's mean land cover becomes one of the class, and the
            class's part of the variance of log income. Both 0 of inert classes.
        range_m: Range of the smooth part.
    """

    incomes: pd.DataFrame
    effects: pd.DataFrame
    range_m: float


def plant(
    shares: pd.DataFrame,
    centres: np.ndarray,
    value: np.ndarray,
    settings: Planted,
    seed: int,
    number: int,
) -> Plant:
    """Draw a rule and the incomes of a city's cells by it.

    Args:
        shares: (N, U) share of each cell under each class, index idINSPIRE; rows sum to at most 1.
        centres: (N, 2) centres of the cells, m.
        value: (N,) the city's own incomes.
        settings: Section `planted`.
        seed: Seed of the run.
        number: Number of the rule; each has its own classes, field and noise.

    Raises:
        InputError: There is too little land cover for a rule, or the incomes do not differ.
    """
    random = np.random.default_rng([seed, number])
    area = shares.to_numpy(float)
    if not np.ptp(value) > 0:
        raise InputError(
            f"the incomes of {len(area):,} cells do not differ: there is no size to plant",
            "cells.parquet, value",
            "take a larger city, or planted.plants=0",
        )
    # ASSUME: values that have no logarithm are moved so that the least is one standard deviation.
    log_income = np.log(value if value.min() > 0 else value - value.min() + value.std())
    spread = log_income.std()
    effects = draw_effects(area, settings.classes, random)
    range_m = fit_correlogram(centres, log_income, seed).range_m
    smooth = draw_field(centres, range_m, random)
    unseen = random.standard_normal(len(area))

    sizes = spread * np.sqrt([settings.visible_share, settings.smooth_share, settings.unseen_share])
    visible = area @ effects
    parts = np.column_stack([standardise(part) for part in (visible, smooth, unseen)]) * sizes
    incomes = pd.DataFrame(parts, columns=PARTS)
    incomes.insert(0, "idINSPIRE", shares.index.to_numpy())
    incomes.insert(1, "value", np.exp(log_income.mean() + parts.sum(axis=1)))
    truth = pd.DataFrame(
        {
            "class": shares.columns,
            "effect": effects * sizes[0] / visible.std(),
            "variance_share": settings.visible_share * _parts_of_variance(area, effects),
        }
    )
    return Plant(incomes, truth, range_m)


def draw_effects(area: np.ndarray, classes: int, random: np.random.Generator) -> np.ndarray:
    """(U,) effect of each class, 0 of all but a few; half of these raise income, half lower it.

    Effects add up to nothing over the city's area, so that an inert square metre is worth as much
    as the city's mean, which contributions are told against.

    Args:
        area: (N, U) share of each cell under each class.
        classes: Number of classes with an effect; fewer where the city has fewer.
        random: Source of the classes and effects.

    Raises:
        InputError: Fewer than two classes can have an effect.
    """
    spread = area.std(axis=0)
    held = (area > 0).mean(axis=0)
    eligible = np.flatnonzero((held >= HELD_SHARE) & (spread > 0))
    if len(eligible) < 2:
        raise InputError(
            f"{len(eligible)} classes of land cover differ among the {len(area):,} cells: "
            "a rule needs two",
            "fragments.parquet",
            "see what 06 says: is this the city's land cover? or planted.plants=0",
        )
    draws = [_draw_balanced(area, eligible, classes, spread, random) for _ in range(CANDIDATES)]
    return min(draws, key=lambda draw: draw[0])[1]


def _draw_balanced(
    area: np.ndarray,
    eligible: np.ndarray,
    classes: int,
    spread: np.ndarray,
    random: np.random.Generator,
) -> tuple[float, np.ndarray]:
    """Effects that balance, and by which factor (its logarithm) that changed those of one sign."""
    chosen = random.permutation(eligible)[:classes]
    sign = np.where(np.arange(len(chosen)) % 2, -1, 1) * random.choice([-1, 1])
    effects = np.zeros(area.shape[1])
    effects[chosen] = sign * random.uniform(*SIZES, len(chosen)) / spread[chosen]
    weight = effects * area.mean(axis=0)
    balance = weight[effects > 0].sum() / -weight[effects < 0].sum()
    # Both signs change alike, so that neither outgrows the other.
    effects[effects < 0] *= np.sqrt(balance)
    effects[effects > 0] /= np.sqrt(balance)
    return abs(np.log(balance)), effects


def _parts_of_variance(area: np.ndarray, effects: np.ndarray) -> np.ndarray:
    """(U,) part of each class in the variance of what is visible; they add up to 1.

    The covariance of a class's term with the sum of all.
    """
    terms = area * effects
    total = terms.sum(axis=1)
    centred_total = total - total.mean()
    return (terms.T @ centred_total) / (centred_total @ centred_total)


def standardise(values: np.ndarray) -> np.ndarray:
    """(N,) values with mean 0 and variance 1."""
    return (values - values.mean()) / values.std()


def planted_classes(samples: pd.DataFrame, incomes: pd.DataFrame) -> pd.DataFrame:
    """The samples of a city with the quintiles of planted incomes as classes.

    ASSUME: the folds stay those of the true classes, as of shuffled labels, so that the run and its
    plants are trained, validated and tested on the same cells.

    Args:
        samples: `idINSPIRE, used, income_class` and others, which stay as they are.
        incomes: `idINSPIRE, value` of the used cells, in their order.
    """
    classes = samples["income_class"].copy()
    classes[samples["used"]] = quintiles(incomes["value"])
    return samples.assign(income_class=classes)
