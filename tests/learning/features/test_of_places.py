"""Features of cells that need no image."""

import numpy as np
import pandas as pd
import pytest

from samples import SOUTH, WEST, cell_id
from urbancam.learning.features import of_places


def make_fragments() -> pd.DataFrame:
    rows = [
        ("a", "roads", 10000.0),
        ("a", "roads", 10000.0),
        ("a", "water", 20000.0),
        ("b", "water", 30000.0),
    ]
    return pd.DataFrame(rows, columns=["idINSPIRE", "class", "area_m2"])


def test_land_cover_shares_are_of_the_whole_cell_in_the_order_asked():
    ids = pd.Series(["b", "a", "c"])
    got = of_places.land_cover_shares(make_fragments(), ids, "class", cell_size_m=200)
    assert list(got) == ["roads", "water"]
    assert got.to_numpy().tolist() == [[0, 0.75], [0.5, 0.5], [0, 0]]


def test_density_is_in_people_per_km2_and_unknown_where_nobody_lives():
    got = of_places.density_terms(pd.Series([4, 400, 0]), cell_size_m=200).to_numpy()
    assert got[:2].ravel().tolist() == pytest.approx([2, 4, 4, 16])
    assert np.isnan(got[2]).all()


def test_coordinates_are_the_corner_of_the_cell():
    got = of_places.coordinates(pd.Series([cell_id(1, 0), cell_id(0, 2)]))
    assert got["east_m"].tolist() == [WEST + 200, WEST]
    assert got["north_m"].tolist() == [SOUTH, SOUTH + 400]
