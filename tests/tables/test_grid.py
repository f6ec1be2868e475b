"""INSPIRE ids and INSEE's grid."""

import pandas as pd
import pytest

from urbancam.tables import grid
from urbancam.workflow.errors import InputError

CELL = "CRS3035RES200mN2887400E3760600"
KILOMETRE = "CRS3035RES1000mN2887000E3760000"


def test_id_names_the_lower_left_corner():
    assert grid.corners(pd.Series([CELL])).tolist() == [[3_760_600, 2_887_400]]
    assert grid.bounds(CELL) == (3_760_600, 2_887_400, 3_760_800, 2_887_600)


def test_id_names_its_size_and_centre():
    ids = pd.Series([CELL, KILOMETRE])
    assert grid.sizes_m(ids).tolist() == [200, 1000]
    assert grid.centres(ids).tolist() == [[3_760_700, 2_887_500], [3_760_500, 2_887_500]]
    assert grid.bounds(KILOMETRE) == (3_760_000, 2_887_000, 3_761_000, 2_888_000)
    assert grid.cell_id(3_760_000, 2_887_000, 1000) == KILOMETRE


def test_block_is_the_square_that_holds_the_corner():
    assert grid.blocks(pd.Series([CELL]), 1000).tolist() == ["N2887000E3760000"]


@pytest.mark.parametrize("bad", ["", "CRS3035RES200mN28874E", "E3760600N2887400", CELL + "x", None])
def test_malformed_ids_are_named(bad):
    with pytest.raises(InputError, match="1 ids are not INSPIRE ids"):
        grid.corners(pd.Series([CELL, bad]))
