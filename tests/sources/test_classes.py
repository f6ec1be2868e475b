"""The classes of Urban Atlas."""

import pandas as pd
import pytest

from urbancam.sources.urban_atlas import classes
from urbancam.workflow.errors import InputError


def test_classes_are_the_published_18_in_the_order_of_f1_then_ports_and_airports():
    table = classes.class_table()
    assert table["class"].tolist() == [
        "agri_wetland",
        "green_ua",
        "comr_indst",
        "leis_fac",
        "const_dmp",
        "no_use",
        "roads",
        "railway",
        "motorways",
        "water",
        "op_sp_beach",
        "natural_areas",
        "isoltd_rsdnt",
        "vld_uf",
        "ld_uf",
        "md_uf",
        "hd_uf",
        "vhd_uf",
        "port",
        "airports",
    ]
    assert table["in_polar_figure"].tolist() == [True] * 18 + [False] * 2


def test_classes_hold_the_27_codes_once():
    codes = [code for entry in classes.LAND_COVER_CLASSES for code in entry.codes]
    assert len(codes) == len(set(codes)) == 27
    assert list(classes.class_names("code")) == codes
    assert set(classes.class_table()["super_class"]) == {
        "urban fabric",
        "functional area",
        "infrastructure",
        "nature",
        "no use",
    }


def test_no_data_codes_are_no_class():
    assert not set(classes.NO_DATA) & set(classes.class_names("code"))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (21000, "agri_wetland"),
        (40000, "agri_wetland"),
        (13300, "const_dmp"),
        (14120, "green_ua"),
        (11240, "vld_uf"),
        (32000, "natural_areas"),
    ],
)
def test_codes_fall_into_their_class(code, expected):
    assert classes.classify(pd.Series([code]), "x").tolist() == [expected]


@pytest.mark.parametrize("code", [11250, 99999, 0, 60000])
def test_unknown_code_is_named(code):
    with pytest.raises(InputError, match=str(code)):
        classes.classify(pd.Series([11100, code]), "x")
