"""The question of the paper: does the network order the classes as their residents' incomes do?

Levy Abitbol & Karsai (2020) say that "the model disregards the spatial correlations between urban
class and SES", from looking at two figures. Here it is a rank correlation over classes of land
cover. Its interval is over other neighbourhoods and the same classes: it says how well the two
orders of these classes are known, not whether one has to do with the other. That is what the two
nulls are for: classes that trade places, and incomes that know nothing of land cover.
"""

import logging
from itertools import permutations

import numpy as np
import pandas as pd

from urbancam.explaining.landcover import observed, surrogates
from urbancam.explaining.landcover.city import LandCover
from urbancam.scoring import bootstrap, correlations
from urbancam.scoring.bootstrap import Estimate
from urbancam.workflow.settings.sections import Statistics

log = logging.getLogger(__name__)

EXACT_UP_TO = 8  # classes: all 40,320 orders of them; of more, some are drawn
DRAWN_ORDERS = 9999


def ordering_agreement(city: LandCover, incomes_by_chance: np.ndarray) -> pd.DataFrame:
    """The table `ordering_agreement.csv`: Spearman's r over classes, of what is read and observed.

    +1 where the classes stand in the same order (of the poor ratio: -1), 0 where knowing one says
    nothing of the other. A class without an interval of either is left out.

    Args:
        city: Statistics of the city.
        incomes_by_chance: (S, N) of `surrogates.draw_surrogates`.
    """
    measures = {
        "activation_contrast": city.log_contrast(),
        "contribution": city.area_contribution(),
        "poor ratio": city.ratio(city.side("poor")),
        "rich ratio": city.ratio(city.side("rich")),
    }
    incomes = {
        "mean income": observed.mean_income(city),
        "log odds rich/poor": observed.log_odds(city),
    }
    by_chance = {
        "mean income": surrogates.mean_incomes(city, incomes_by_chance),
        "log odds rich/poor": surrogates.log_odds(city, incomes_by_chance),
    }
    # Every order that is read against every order that is observed.
    rows = []
    for measure, read in measures.items():
        for name, income in incomes.items():
            agreement = rank_agreement(read, income, city.statistics)
            p_surrogate = surrogate_p_value(read, income, by_chance[name], city.statistics)
            names = {"measure": measure, "observed": name}
            rows.append(names | agreement | {"p_value_surrogate": p_surrogate})
    table = pd.DataFrame(rows)
    log.info(
        "compares the orders of %d to %d of %d classes; the others lie in fewer than %d blocks",
        table["n_classes"].min(),
        table["n_classes"].max(),
        len(city.classes),
        city.statistics.min_blocks,
    )
    return table


def rank_agreement(
    first: Estimate, second: Estimate, statistics: Statistics
) -> dict[str, int | float]:
    """Rank correlation of two statistics of the same classes, on the same draws.

    Args:
        first: Statistic of each class.
        second: The other statistic of each class.
        statistics: Section `statistics`.

    Returns:
        `n_classes, spearman, ci_low, ci_high` (other neighbourhoods, the same classes), `p_value`
        (classes permuted), of the classes with an interval of both.
    """
    classes = _are_estimated(first, second, statistics)
    x = first.value[classes]
    y = second.value[classes]
    draws = correlations.rank_correlation(first.draws[:, classes], second.draws[:, classes])
    # ASSUME: an order of classes rests on as many blocks as its rarest class.
    blocks = np.minimum(first.blocks, second.blocks)[classes]
    fewest = blocks.min() if len(blocks) else 0
    low, high = bootstrap.interval(draws, statistics.confidence, fewest)
    return {
        "n_classes": int(classes.sum()),
        "spearman": float(correlations.rank_correlation(x, y)),
        "ci_low": low,
        "ci_high": high,
        "p_value": permutation_p_value(x, y),
    }


def _are_estimated(first: Estimate, second: Estimate, statistics: Statistics) -> np.ndarray:
    """Which classes have a value and an interval of both, (U,) bool."""
    both = np.ones(len(first.value), dtype=bool)
    for estimate in (first, second):
        low, _ = estimate.interval(statistics)
        both &= np.isfinite(estimate.value) & np.isfinite(low)
    return both


def permutation_p_value(x: np.ndarray, y: np.ndarray) -> float:
    """Two-sided p-value of Spearman's r where any class might have had any other's value.

    All orders up to 8 classes (so p is exact), else 9,999 that are drawn, and the order itself
    (Phipson & Smyth 2010).

    Args:
        x: (U,) statistic of each class.
        y: (U,) the other statistic.

    Returns:
        At most 1; NaN where r is undefined.
    """
    # ASSUME: classes are exchangeable where nothing is there, though some are known more exactly.
    r = correlations.rank_correlation(x, y)
    if np.isnan(r):
        return np.nan
    if len(x) <= EXACT_UP_TO:
        orders = np.array(list(permutations(range(len(x)))))
    else:
        random = np.random.default_rng(0)
        drawn = random.permuted(np.tile(np.arange(len(x)), (DRAWN_ORDERS, 1)), axis=1)
        orders = np.vstack([np.arange(len(x)), drawn])
    by_chance = correlations.rank_correlation(x[orders], np.broadcast_to(y, orders.shape))
    return float(_is_as_far(by_chance, r).mean())


def surrogate_p_value(
    read: Estimate, income: Estimate, by_chance: np.ndarray, statistics: Statistics
) -> float:
    """Two-sided p-value of Spearman's r where incomes know nothing of land cover.

    Args:
        read: Statistic of each class.
        income: Observed order of the classes.
        by_chance: (S, U) that order, by incomes that are as smooth as the city's own but drawn
            without looking at land cover.
        statistics: Section `statistics`.

    Returns:
        (1 + surrogates as far from 0) / (1 + surrogates); NaN where r is undefined.
    """
    classes = _are_estimated(read, income, statistics)
    x = read.value[classes]
    r = correlations.rank_correlation(x, income.value[classes])
    if np.isnan(r) or not len(by_chance):
        return np.nan
    y = by_chance[:, classes]
    r_by_chance = correlations.rank_correlation(np.broadcast_to(x, y.shape), y)
    as_far = _is_as_far(r_by_chance, r).sum()
    return float((1 + as_far) / (1 + len(by_chance)))


def _is_as_far(by_chance: np.ndarray, r: float) -> np.ndarray:
    """Whether a correlation is as far from 0 as r is, up to rounding; NaN is not."""
    return np.abs(by_chance) >= abs(r) - bootstrap.ROUNDING
