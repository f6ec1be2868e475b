"""Rules planted on the cells of a city, and linear units that learn them on frozen features."""

import numpy as np
import pandas as pd

from urbancam.learning import splits
from urbancam.learning.features.of_places import land_cover_shares
from urbancam.learning.models import linear_unit
from urbancam.scoring import planted
from urbancam.scoring.planted import Plant
from urbancam.tables import grid
from urbancam.workflow.settings.settings import Settings


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
        incomes: `idINSPIRE, value` of the census, of these cells at least.
        fragments: `idINSPIRE, area_m2` and the column `landcover.key`.
        settings: Settings of the run.
        number: Number of the rule, 1, 2, ...
    """
    shares = land_cover_shares(fragments, ids, settings.landcover.key, grid.side_m(ids))
    value = incomes.set_index("idINSPIRE")["value"].reindex(ids)
    return planted.plant(
        shares,
        grid.centres(ids),
        value.to_numpy(dtype=np.float64),
        settings.planted,
        settings.seed,
        number,
    )


def folds_of_plants(samples: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """The used cells with the folds that plants are learned on: the run's own.

    Where the city is left out there is one fold, and nothing of it to learn from: then blocks.
    """
    if settings.split.method != "city":
        return samples
    folds = splits.assign_folds(samples, "block", settings.split.folds, settings.fold_seed)
    return samples.assign(fold=folds)


def fit_units(
    features: np.ndarray, samples: pd.DataFrame, classes: np.ndarray, settings: Settings
) -> tuple[np.ndarray, dict[int, np.ndarray]]:
    """A linear unit for each plant and fold, and what it says of the cells that it never saw.

    Args:
        features: (N, C) of the used cells, mean over positions.
        samples: (N,) used cells, as `splits.roles` takes them.
        classes: (N, P) quintile of each plant's incomes.
        settings: Settings of the run.

    Returns:
        (N, P) logits out of fold, and fold -> (P, C) weights of the units.
    """
    split = settings.split
    method = "block" if split.method == "city" else split.method
    logits = np.full(classes.shape, np.nan)
    weights = {}
    for fold in sorted(samples["fold"].unique()):
        role = splits.roles(samples, fold, method, split.validation_fraction, settings.fold_seed)
        components = linear_unit.find_components(features[role == "train"])
        units = [linear_unit.fit_unit(components, features, own, role) for own in classes.T]
        tested = role == "test"
        logits[tested] = np.column_stack([unit.logits(features[tested]) for unit in units])
        weights[int(fold)] = np.stack([unit.weight for unit in units])
    return logits, weights
