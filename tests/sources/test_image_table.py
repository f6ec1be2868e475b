"""`images.csv`: years from incomes and land cover, what is counted, and what was void before."""

import pandas as pd
import pytest

from urbancam.sources.imagery import image_table


def images(**columns):
    """Three cells: one with an image, one with an image of some void, one without."""
    rows = {
        "path": ["a.png", "b.png", None],
        "void_fraction": [0.0, 0.2, 1.0],
        "plain_corner_fraction": [None, None, None],
        "campaign_year": pd.array([2014, 2021, None], dtype="Int64"),
        "fingerprint": ["fa", "fb", "fc"],
        "reason": [None, None, image_table.ALL_VOID],
    }
    return pd.DataFrame(rows | columns).astype({"plain_corner_fraction": "float64"})


def test_years_are_counted_from_incomes_and_land_cover():
    got = image_table.with_years(images(), 2015, 2012)
    assert got["years_from_income"].tolist() == [-1, 6, pd.NA]
    assert got["years_from_land_cover"].tolist() == [2, 9, pd.NA]


def test_plain_corners_are_counted_of_images_from_a_wms_only():
    assert list(image_table.count_images(images()).values()) == [2, 1, 1]
    got = image_table.count_images(images(plain_corner_fraction=[0.0, 0.1, None]))
    assert got["cells with a white or black corner taken for ground"] == 1


def test_cells_that_were_nothing_but_void_are_known(tmp_path):
    images().to_csv(tmp_path / "images.csv")
    assert image_table.void_fingerprints(tmp_path / "images.csv") == {"fc"}


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", "fingerprint,reason\n1,2,3,4\n5\n\0", None])
def test_damaged_table_knows_none(tmp_path, content):
    path = tmp_path / "images.csv"
    if content is not None:
        path.write_text(content)
    assert image_table.void_fingerprints(path) == frozenset()


def test_land_cover_of_no_known_year_leaves_its_column_empty():
    got = image_table.with_years(images(), 2015, None)
    assert got["years_from_land_cover"].isna().all()
