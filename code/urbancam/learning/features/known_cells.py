"""The cells whose class is known, with their features: what baselines learn from and predict."""

import logging
from dataclasses import dataclass

import pandas as pd

from urbancam.scoring import samples as samples_table
from urbancam.scoring.predictions import rows_of
from urbancam.tables import frames
from urbancam.workflow.paths import Paths
from urbancam.workflow.settings.feature_sets import LAND_COVER, FeatureSet

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class KnownCells:
    """The known cells of a city, and those of other cities as one more fold.

    Attributes:
        samples: (n,) `idINSPIRE, income_class, block, group, fold`.
        features: Name of the set -> (n, number of features), in the order of the samples; empty
            where a number is not known.
    """

    samples: pd.DataFrame
    features: dict[str, pd.DataFrame]


def read(cities: list[Paths], sampled: pd.DataFrame, sets: list[FeatureSet]) -> KnownCells:
    """The known cells of a city and of the others that it learns from.

    Args:
        cities: Paths of the city and run; behind it those of the cities that it also learns from:
            cells that both have are the first's own.
        sampled: `samples.csv` of the city.
        sets: Sets of features to read.
    """
    used = sampled[sampled["used"]]
    samples = [used]
    for city in cities[1:]:
        theirs = samples_table.read_used(city.samples)
        theirs = theirs[~theirs["idINSPIRE"].isin(used["idINSPIRE"])]
        samples.append(theirs.assign(fold=used["fold"].max() + 1))
    cells = list(zip(cities, samples, strict=True))
    features = {one.name: _read_features(cells, one) for one in sets}
    return KnownCells(pd.concat(samples, ignore_index=True), features)


def _read_features(cells: list[tuple[Paths, pd.DataFrame]], wanted: FeatureSet) -> pd.DataFrame:
    """One set of features of the samples of each city, one below the other."""
    parts = []
    for city, samples in cells:
        path = city.features(wanted.name)
        parts.append(rows_of(samples["idINSPIRE"], frames.read(path), f"features/{path.name}"))
    features = pd.concat(parts, ignore_index=True).drop(columns="idINSPIRE")
    lacking = int(features.isna().all(axis=1).sum())
    if lacking:
        log.info("%s: no numbers of %d of %d cells", wanted.name, lacking, len(features))
    # A kind of land cover that a city does not have covers nothing there.
    return features.fillna(0) if wanted.kind == LAND_COVER else features
