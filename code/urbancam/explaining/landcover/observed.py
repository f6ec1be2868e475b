"""What the incomes themselves say of the classes of land cover, without the network."""

import numpy as np
import pandas as pd

from urbancam.explaining.landcover.city import LandCover, log_quotient
from urbancam.scoring import bootstrap
from urbancam.scoring.bootstrap import Estimate
from urbancam.scoring.targets import quintiles
from urbancam.scoring.vocabulary import SIDES


def observed_association(city: LandCover) -> pd.DataFrame:
    """The table `observed_association.csv`: how often what holds a class is observed poor, or rich.

    Once by presence (share of the cells that hold the class, the published one), once by area (share of the class's
    area that lies in such cells), each beside its base rate: that of all cells, and of all the city's area.
    """
    return pd.concat([_association_of_side(city, side) for side in SIDES], ignore_index=True)


def _association_of_side(city: LandCover, side: str) -> pd.DataFrame:
    probability, by_area = (
        frequency(city, side),
        _share_of_side(city, side, city.area, city.present),
    )
    cell, area = np.ones((len(city.area), 1)), city.area.sum(1, keepdims=True)
    base_rate, base_rate_by_area = (
        _share_of_side(city, side, whole, whole > 0) for whole in (cell, area)
    )
    # The base rate is drawn along, since it too varies with the blocks that come up.
    above = Estimate(
        probability.value - base_rate.value, probability.draws - base_rate.draws, probability.blocks
    )
    low, high = probability.interval(city.statistics)
    area_low, area_high = by_area.interval(city.statistics)
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
            "area_ci_low": area_low,
            "area_ci_high": area_high,
        }
    )
    return bootstrap.add_significance(table, above.p_value(0, city.statistics), city.statistics)


def frequency(city: LandCover, side: str) -> Estimate:
    """Share of the cells that hold each class which are observed poor, or rich."""
    return _share_of_side(city, side, city.present, city.present)


def _share_of_side(
    city: LandCover, side: str, weights: np.ndarray, present: np.ndarray
) -> Estimate:
    """Share of the weights that lies in cells observed poor, or rich; arguments as in `_weighted_mean`."""
    is_side = city.predictions["income_class"].isin(city.income_classes(side))
    return _weighted_mean(city, is_side, weights, present)


def _weighted_mean(
    city: LandCover, values: pd.Series, weights: np.ndarray, present: np.ndarray
) -> Estimate:
    """Mean over cells of the values (N,) by each column of the weights (N, m), held where present (N, m)."""
    weighted = weights * values.to_numpy(float)[:, None]
    return city.ratio_of_sums(weighted, weights, present, city.block_numbers)


def mean_income(city: LandCover) -> Estimate:
    """Mean income of the cells, EUR per year and person, weighted by the area of each class in them."""
    return _weighted_mean(city, city.predictions["income_eur"], city.area, city.present)


def log_odds(city: LandCover) -> Estimate:
    """log(cells observed rich / cells observed poor) among the cells that hold each class."""
    return log_quotient(frequency(city, "rich"), frequency(city, "poor"))


def class_income(city: LandCover) -> pd.DataFrame:
    """The table `class_income.csv`: mean income of each class's area, and its cells by quintile of income.

    The quintiles are those of income over the cells of this table, whatever the run's target.
    """
    income = mean_income(city)
    low, high = income.interval(city.statistics)
    is_quintile = np.eye(5, dtype=int)[quintiles(city.predictions["income_eur"])]
    cells = city.present.T.astype(int) @ is_quintile
    table = pd.DataFrame(
        {
            "class": city.classes,
            "name": city.names,
            "n_cells": city.present.sum(0),
            "area_m2": city.area.sum(0) * city.cell_area_m2,
            "mean_income_eur": income.value,
            "ci_low": low,
            "ci_high": high,
        }
    )
    return table.assign(**{f"cells_{quintile}": cells[:, quintile] for quintile in range(5)})
