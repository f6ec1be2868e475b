"""Surrogate incomes: as smooth over the city as its own, and drawn without looking at land cover.

Incomes and land cover are both smooth, so two maps that have nothing to do with each other agree
more often than cells dealt at random would. Each surrogate deals the city's own incomes out by the
ranks of a Gaussian field with their correlogram (Viladomat et al. 2014, "Assessing the significance
of global and local correlations under spatial autocorrelation", with the field drawn from the
fitted correlogram).
"""

import numpy as np

from urbancam.explaining.landcover.city import LandCover
from urbancam.scoring import fields
from urbancam.scoring.bootstrap import divide
from urbancam.scoring.vocabulary import SIDES

SURROGATES = 199  # so that p may fall to 1 / 200
WAVES = 200  # of a field
FEWEST_CELLS = 10  # ASSUME: fewer have no correlogram to speak of


def draw_surrogates(centres: np.ndarray, incomes: np.ndarray, seed: int) -> np.ndarray:
    """Which cell's income each cell is given, in every surrogate.

    Args:
        centres: (N, 2) centres of the cells, m.
        incomes: (N,) their incomes.
        seed: Seed of the fields.

    Returns:
        (199, N) cells; (0, N) for fewer than ten cells.
    """
    if len(incomes) < FEWEST_CELLS:
        return np.empty((0, len(incomes)), dtype=int)
    by_income = np.argsort(incomes, kind="stable")
    ranks = _ranks(incomes)
    correlogram = fields.fit_correlogram(centres, ranks, seed)
    random = np.random.default_rng(seed)
    smooth, own = np.sqrt([correlogram.smooth_share, 1 - correlogram.smooth_share])
    surrogates = np.empty((SURROGATES, len(incomes)), dtype=int)
    for number in range(SURROGATES):
        field = fields.draw_field(centres, correlogram.range_m, random, WAVES)
        noise = random.standard_normal(len(field))
        surrogates[number] = by_income[_ranks(smooth * field + own * noise)]
    return surrogates


def _ranks(values: np.ndarray) -> np.ndarray:
    """(N,) 0 for the smallest; ties in the order they come in."""
    ranks = np.empty(len(values), dtype=int)
    ranks[np.argsort(values, kind="stable")] = np.arange(len(values))
    return ranks


def mean_incomes(city: LandCover, surrogates: np.ndarray) -> np.ndarray:
    """(S, U) mean income of each class's area, by surrogate incomes."""
    incomes = city.predictions["value"].to_numpy(float)[surrogates]
    return divide(incomes @ city.area, city.area.sum(0))


def log_odds(city: LandCover, surrogates: np.ndarray) -> np.ndarray:
    """(S, U) log(cells rich / cells poor) among the cells that hold each class, by surrogates."""
    classes = city.predictions["income_class"]
    present = city.present.astype(float)
    poor, rich = (
        classes.isin(city.income_classes(side)).to_numpy(float)[surrogates] @ present
        for side in SIDES
    )
    odds = divide(rich, poor)
    return np.log(np.where(odds > 0, odds, np.nan))
