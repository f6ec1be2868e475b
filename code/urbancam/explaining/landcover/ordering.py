"""The question of the paper: does the network order the classes as their residents' incomes do?

Levy Abitbol & Karsai (2020) say that "the model disregards the spatial correlations between urban
class and SES", from looking at two figures. Here it is a rank correlation over classes of land
cover with an interval.
"""

import logging

import numpy as np
import pandas as pd

from urbancam.explaining.landcover.city import LandCover
from urbancam.explaining.landcover.observed import log_odds, mean_income
from urbancam.scoring import bootstrap
from urbancam.scoring.bootstrap import Estimate
from urbancam.workflow.sections import Statistics

log = logging.getLogger(__name__)


def ordering_agreement(city: LandCover) -> pd.DataFrame:
    """The table `ordering_agreement.csv`: Spearman's r over classes, of what is read and observed.

    +1 where the classes stand in the same order (of the poor ratio: -1), 0 where knowing one says
    nothing of the other. Both orders are drawn anew on the same blocks. A class without an
    interval of either is left out.
    """
    # ASSUME: the classes are all there are, not a sample of classes: the interval is over other
    # neighbourhoods. Draws shuffle classes that are nearly alike, so it leans towards 0 where the
    # classes differ little.
    measures = {
        "activation_contrast": city.log_contrast(),
        "contribution": city.area_contribution(),
        "poor ratio": city.ratio(city.side("poor")),
        "rich ratio": city.ratio(city.side("rich")),
    }
    incomes = {"mean income": mean_income(city), "log odds rich/poor": log_odds(city)}
    # Every order that is read against every order that is observed.
    rows = []
    for measure, read in measures.items():
        for observed, income in incomes.items():
            agreement = rank_agreement(read, income, city.statistics)
            rows.append({"measure": measure, "observed": observed, **agreement})
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
        `n_classes, spearman, ci_low, ci_high, p_value`, of the classes with an interval of both.
    """
    classes = _is_estimated(first, statistics) & _is_estimated(second, statistics)
    draws = bootstrap.rank_correlation(first.draws[:, classes], second.draws[:, classes])
    low, high = bootstrap.interval(draws, statistics.confidence)
    p_value = np.nan if np.isnan(low) else float(bootstrap.p_value(draws, 0))
    spearman = bootstrap.rank_correlation(first.value[classes], second.value[classes])
    return {
        "n_classes": int(classes.sum()),
        "spearman": float(spearman),
        "ci_low": low,
        "ci_high": high,
        "p_value": p_value,
    }


def _is_estimated(estimate: Estimate, statistics: Statistics) -> np.ndarray:
    """Which classes have a value and an interval, (U,) bool."""
    low, _ = estimate.interval(statistics)
    return np.isfinite(estimate.value) & np.isfinite(low)
