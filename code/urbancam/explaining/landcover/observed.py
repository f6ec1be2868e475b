"""What the incomes themselves say of the classes of land cover, without the network."""

import numpy as np
import pandas as pd

from urbancam.explaining.landcover.city import LandCover
from urbancam.scoring import significance
from urbancam.scoring.bootstrap import Estimate, log_quotient
from urbancam.scoring.targets import quintiles
from urbancam.scoring.vocabulary import SIDES


def observed_association(city: LandCover) -> pd.DataFrame:
    """The table `observed_association.csv`: how often what holds a class is observed poor, or rich.

    Once by presence (share of the cells that hold the class, the published one), once by area
    (share of the class's area that lies in such cells), each beside its base rate: that of all
    cells, and of all the city's area.
    """
    tables = [_association_of_side(city, side) for side in SIDES]
    return pd.concat(tables, ignore_index=True)


def _association_of_side(city: LandCover, side: str) -> pd.DataFrame:
    """A row per class: how often it is observed on one side."""
    # By presence: every cell that holds the class weighs alike.
    probability = frequency(city, side)
    low, high = probability.interval(city.statistics)
    one_a_cell = np.ones((len(city.area), 1))
    base_rate = _base_rate(city, side, one_a_cell)

    # By area: a cell weighs as much as it holds of the class.
    by_area = _share_of_side(city, side, city.area, city.present)
    area_low, area_high = by_area.interval(city.statistics)
    area_of_cell = city.area.sum(1, keepdims=True)
    base_rate_by_area = _base_rate(city, side, area_of_cell)

    table = pd.DataFrame(
        {
            "class": city.classes,
            "side": side,
            "n_cells": city.present.sum(0),
            "probability": probability.value,
            "base_rate": base_rate.value.item(),
            "ci_low": low,
            "ci_high": high,
            "probability_by_area": by_area.value,
            "base_rate_by_area": base_rate_by_area.value.item(),
            "probability_by_area_ci_low": area_low,
            "probability_by_area_ci_high": area_high,
        }
    )
    above = _difference(probability, base_rate)
    p_value = above.p_value(0, city.statistics)
    return significance.add_significance(table, p_value, city.statistics)


def _difference(probability: Estimate, base_rate: Estimate) -> Estimate:
    """How much a class's probability is above the base rate."""
    # The base rate is drawn along, since it too varies with the blocks that come up.
    value = probability.value - base_rate.value
    draws = probability.draws - base_rate.draws
    return Estimate(value, draws, probability.blocks)


def frequency(city: LandCover, side: str) -> Estimate:
    """Share of the cells that hold each class which are observed poor, or rich."""
    return _share_of_side(city, side, city.present, city.present)


def _base_rate(city: LandCover, side: str, weights: np.ndarray) -> Estimate:
    """Share of the weights (N, 1) of whole cells that lies in cells observed poor, or rich."""
    return _share_of_side(city, side, weights, weights > 0)


def _share_of_side(
    city: LandCover, side: str, weights: np.ndarray, present: np.ndarray
) -> Estimate:
    """Share of the weights that lies in cells observed poor, or rich.

    Arguments as in `_weighted_mean`.
    """
    is_side = city.predictions["income_class"].isin(city.income_classes(side))
    return _weighted_mean(city, is_side, weights, present)


def _weighted_mean(
    city: LandCover, values: pd.Series, weights: np.ndarray, present: np.ndarray
) -> Estimate:
    """Mean over cells of the values, weighted by each column of the weights.

    Args:
        city: Statistics of the city, for its blocks and draws.
        values: (N,).
        weights: (N, m).
        present: (N, m) bool: which cells hold what the column is about.
    """
    weighted = weights * values.to_numpy(float)[:, None]
    return city.ratio_of_sums(weighted, weights, present, city.block_numbers)


def mean_income(city: LandCover) -> Estimate:
    """Mean income of the cells, weighted by the area of each class in them.

    EUR per year and person.
    """
    return _weighted_mean(city, city.predictions["value"], city.area, city.present)


def log_odds(city: LandCover) -> Estimate:
    """log(cells observed rich / cells observed poor) among the cells that hold each class."""
    return log_quotient(frequency(city, "rich"), frequency(city, "poor"))


def class_income(city: LandCover) -> pd.DataFrame:
    """The table `class_income.csv`: mean income of each class's area."""
    income = mean_income(city)
    low, high = income.interval(city.statistics)
    return pd.DataFrame(
        {
            "class": city.classes,
            "name": city.names,
            "n_cells": city.present.sum(0),
            "area_m2": city.area.sum(0) * city.cell_area_m2,
            "mean_value": income.value,
            "ci_low": low,
            "ci_high": high,
        }
    )


def class_by_quintile(city: LandCover) -> pd.DataFrame:
    """The table `class_by_quintile.csv`: how the cells that hold a class divide over incomes.

    The quintiles are those of income over the cells of this table, whatever the run's target.
    """
    quintile_of_cell = pd.Series(quintiles(city.predictions["value"]))
    parts = []
    for quintile in range(5):
        is_quintile = quintile_of_cell == quintile
        share = _weighted_mean(city, is_quintile, city.present, city.present)
        low, high = share.interval(city.statistics)
        columns = {
            "class": city.classes,
            "name": city.names,
            "quintile": quintile,
            "n_cells": city.present[is_quintile.to_numpy()].sum(0),
            "share": share.value,
            "ci_low": low,
            "ci_high": high,
        }
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)
