"""Which cells can be used, and what is told of the others."""

import numpy as np
import pandas as pd
import pytest

from split_cells import make_cells, with_some_without_income
from urbancam.learning import usable_cells
from urbancam.workflow.errors import InputError


def test_void_and_missing_images_are_not_used():
    cells = make_cells(2)[["idINSPIRE", "group"]].assign(value=[1.0, 2, 3, 4], ind=5.0)
    columns = {
        "idINSPIRE": cells["idINSPIRE"],
        "path": ["a", "b", None, "d"],
        "void_fraction": [0.009, 0.011, 1.0, 0.0],
    }
    images = pd.DataFrame(columns)
    got = usable_cells.choose(cells, images, 0.01)
    assert got["used"].tolist() == [True, False, False, True]
    assert got["reason"].tolist()[1:3] == ["more than 0.01 of the image is void", "no image"]


def test_cells_without_income_are_not_used():
    cells, images = with_some_without_income()
    images["path"] = [None] * 8 + ["a.png"] * 392
    got = usable_cells.choose(cells, images, 0.01)
    assert got.loc[::7, "reason"].eq("no value").all()
    assert got.loc[[1, 6, 8], "reason"].tolist() == ["no image", "no image", ""]


@pytest.mark.parametrize("income", [np.nan, np.inf])
def test_people_without_a_finite_income_are_refused(income):
    cells, images = with_some_without_income()
    cells.loc[[3, 4], "value"] = income
    with pytest.raises(InputError, match="2 cells have no finite value"):
        usable_cells.choose(cells, images, 0.01)
