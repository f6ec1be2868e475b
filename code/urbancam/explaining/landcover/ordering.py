"""The question of the paper: does the network order the classes of land cover as their residents' incomes do?

Levy Abitbol & Karsai (2020) say that "the model disregards the spatial correlations between urban class and SES",
from looking at two figures. Here it is a rank correlation over classes with an interval.
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
    """The table `ordering_agreement.csv`: Spearman's r over classes, between what is read and what is observed.

    +1 where the classes stand in the same order (of the poor ratio: -1), 0 where knowing one says nothing of the
    other. Both orders are drawn anew on the same blocks. A class without an interval of either is left out.
    """
    # ASSUME: the classes are all there are, not a sample of classes: the interval is over other neighbourhoods. Draws
    # shuffle classes that are nearly alike, so it leans towards 0 where the classes differ little.
    measures = {
        "activation_contrast": city.log_contrast(),
        "contribution": city.area_contribution(),
        "poor ratio": city.ratio(city.side("poor")),
        "rich ratio": city.ratio(city.side("rich")),
    }
    observed = {"mean income": mean_income(city), "log odds rich/poor": log_odds(city)}
    rows = [
        {"measure": measure, "observed": incomes, **rank_agreement(read, seen, city.statistics)}
        for measure, read in measures.items()
        for incomes, seen in observed.items()
    ]
    table = pd.DataFrame(rows)
    log.info(
        "compares the orders of %d to %d of %d classes; the others lie in fewer than %d blocks",
        table["n_classes"].min(),
        table["n_classes"].max(),
        len(city.classes),
        city.statistics.min_blocks,
    )
    return table


def rank_agreement(read: Estimate, seen: Estimate, statistics: Statistics) -> dict[str, float]:
    """`n_classes, spearman, ci_low, ci_high, p_value` of two statistics of the same classes, on the same draws."""
    known = [
        np.isfinite(estimate.value) & np.isfinite(estimate.interval(statistics)[0])
        for estimate in (read, seen)
    ]
    chosen = known[0] & known[1]
    draws = bootstrap.rank_correlation(read.draws[:, chosen], seen.draws[:, chosen])
    low, high = bootstrap.interval(draws, statistics.confidence)
    p_value = np.nan if np.isnan(low) else float(bootstrap.p_value(draws, 0))
    return {
        "n_classes": int(chosen.sum()),
        "spearman": float(bootstrap.rank_correlation(read.value[chosen], seen.value[chosen])),
        "ci_low": low,
        "ci_high": high,
        "p_value": p_value,
    }
