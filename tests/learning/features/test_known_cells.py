"""The cells that baselines learn from: a city's own, and those of other cities as one more fold."""

import numpy as np
import pandas as pd
import pytest

from samples import cell_id
from urbancam.learning.features import known_cells
from urbancam.scoring import samples as samples_table
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import Paths
from urbancam.workflow.settings.feature_sets import LAND_COVER, TABLE, FeatureSet

SETS = [FeatureSet(LAND_COVER, LAND_COVER), FeatureSet("mine", TABLE, "mine.csv")]


def write_city(paths: Paths, ids: list[str], cover: str, number: float) -> Paths:
    """A city of cells under one class of land cover, the last not used; one number is not known."""
    columns = {
        "idINSPIRE": ids,
        "used": [True] * (len(ids) - 1) + [False],
        "income_class": 2,
        "block": "N1E1",
        "group": None,
        "fold": 0,
    }
    paths.features("mine").parent.mkdir(parents=True)
    pd.DataFrame(columns).to_csv(paths.samples, index=False)
    features = pd.DataFrame({"idINSPIRE": ids[::-1], cover: 1.0})
    features.to_parquet(paths.features(LAND_COVER))
    numbers = pd.DataFrame({"idINSPIRE": ids, "a": number})
    numbers.loc[0, "a"] = np.nan
    numbers.to_parquet(paths.features("mine"))
    return paths


@pytest.fixture
def cities(tmp_path) -> list[Paths]:
    """Two cities that share a cell."""
    own = Paths(tmp_path, tmp_path, "Paris", "default")
    ids = [cell_id(column, 0) for column in range(6)]
    write_city(own, ids[:3], "roads", 1)
    return [own, write_city(own.of_city("Lyon"), ids[1:], "water", 2)]


def test_cells_of_other_cities_are_one_more_fold_and_shared_ones_the_first_citys(cities):
    known = known_cells.read(cities, samples_table.read(cities[0].samples), SETS)
    assert known.samples["idINSPIRE"].tolist() == [cell_id(column, 0) for column in range(5)]
    assert known.samples["fold"].tolist() == [0, 0, 1, 1, 1]
    cover = known.features[LAND_COVER]  # what a city does not have covers nothing there
    assert cover.to_dict("list") == {"roads": [1, 1, 0, 0, 0], "water": [0, 0, 1, 1, 1]}
    mine = known.features["mine"]["a"]
    assert mine.isna().tolist() == [True, False, False, False, False]
    assert mine[1:].tolist() == [1, 2, 2, 2]


def test_a_used_cell_without_a_row_is_named(cities):
    path = cities[0].features(LAND_COVER)
    pd.read_parquet(path).iloc[:1].to_parquet(path)
    with pytest.raises(InputError, match="2 predicted cells are not there") as caught:
        known_cells.read(cities[:1], samples_table.read(cities[0].samples), SETS)
    assert "features/land_cover.parquet" in caught.value.where
