"""A rule planted on the cells of a city, from the tables that the steps before have left."""

import numpy as np
import pandas as pd

from urbancam.learning.baselines import land_cover_shares
from urbancam.scoring import planted
from urbancam.scoring.planted import Plant
from urbancam.tables import grid
from urbancam.workflow.settings import Settings


def plant_city(
    ids: pd.Series,
    incomes: pd.DataFrame,
    fragments: pd.DataFrame,
    settings: Settings,
    number: int,
) -> Plant:
    """Rule `number` of section `planted`, and the incomes of a city's used cells by it.

    Args:
        ids: (N,) used cells.
        incomes: `idINSPIRE, income_eur` of the census, of these cells at least.
        fragments: `idINSPIRE, area_m2` and the column `landcover.key`.
        settings: Settings of the run.
        number: Number of the rule, 1, 2, ...
    """
    key, cell_size_m = settings.landcover.key, settings.census.cell_size_m
    shares = land_cover_shares(fragments, ids, key, cell_size_m)
    income_eur = incomes.set_index("idINSPIRE")["income_eur"].reindex(ids)
    return planted.plant(
        shares,
        grid.centres(ids),
        income_eur.to_numpy(dtype=np.float64),
        settings.planted,
        settings.seed,
        number,
    )
