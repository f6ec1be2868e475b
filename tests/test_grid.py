"""INSPIRE ids and INSEE's grid."""

import pandas as pd
import pytest

from urbancam import grid
from urbancam.errors import InputError

CELL = "CRS3035RES200mN2887400E3760600"


def test_id_names_the_lower_left_corner():
    assert grid.corners(pd.Series([CELL])).tolist() == [[3_760_600, 2_887_400]]
    assert grid.bounds(CELL) == (3_760_600, 2_887_400, 3_760_800, 2_887_600)


def test_block_is_the_square_that_holds_the_corner():
    assert grid.blocks(pd.Series([CELL]), 1000).tolist() == ["N2887000E3760000"]


@pytest.mark.parametrize("bad", ["", "CRS3035RES200mN28874E", "E3760600N2887400", CELL + "x", None])
def test_malformed_ids_are_named(bad):
    with pytest.raises(InputError, match="1 ids are not INSPIRE ids"):
        grid.corners(pd.Series([CELL, bad]))
