"""Class tables: those that are shipped, and faults of anyone's own."""

import pandas as pd
import pytest

from urban_atlas_classes import CODES, TABLE, class_table, classify
from urbancam.sources.landcover import class_tables, classification
from urbancam.tables import cover_classes
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import CLASS_TABLES, CONFIG


def test_classes_are_the_published_18_in_the_order_of_f1_then_ports_and_airports():
    table = class_table()
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
    assert len(CODES) == CODES["code"].nunique() == 27
    assert list(cover_classes.names(CODES, "code")) == CODES["code"].tolist()
    assert set(class_table()["super_class"]) == {
        "urban fabric",
        "functional area",
        "infrastructure",
        "nature",
        "no use",
    }


def test_no_data_codes_are_no_class():
    got = classification.classify(pd.Series([91000, 11100, 92000]), TABLE, "x")
    assert got["is_no_data"].tolist() == [True, False, True]


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
    assert classify(pd.Series([code])).tolist() == [expected]


@pytest.mark.parametrize("code", [11250, 99999, 0, 60000])
def test_unknown_code_is_named(code):
    with pytest.raises(InputError, match=str(code)):
        classify(pd.Series([11100, code]))


ROOMS = ("scoring", "learning", "explaining", "cities", "showing")
PACKAGE = CONFIG.parent / "urbancam"


@pytest.mark.parametrize("name", ["urban_atlas", "worldcover", "corine"])
def test_no_module_after_the_sources_knows_a_class_of_a_table(name):
    table = class_tables.read(CLASS_TABLES / f"{name}.yaml")
    # Keys that are words of the language may stand anywhere.
    keys = {key for key in table.classes if "_" in key}
    names = {entry.name for entry in table.classes.values() if " " in entry.name}
    texts = [
        path.read_text(encoding="utf-8")
        for room in ROOMS
        for path in (PACKAGE / room).rglob("*")
        if path.suffix in (".py", ".html", ".js") and "vendor" not in path.parts
    ]
    assert len(texts) > 100
    words = {*keys, *names, "Urban Atlas", "urban_atlas"}
    assert [word for word in sorted(words) if any(word in text for text in texts)] == []


def test_unknown_codes_are_counted_the_most_frequent_first():
    values = pd.Series([60000, "wood", "wood", None, 11100], dtype="object")
    with pytest.raises(InputError) as caught:
        classification.classify(values, TABLE, "land.gpkg")
    assert "wood (2), 60000 (1), (empty) (1)" in caught.value.what
    assert "urban_atlas.yaml" in caught.value.do


@pytest.mark.parametrize(
    "values",
    [
        ["11100", " 12220 ", "50000.0"],
        [11100, 12220, 50000],
        [11100.0, 12220.0, 50000.0],
    ],
)
def test_codes_come_as_text_or_number(values):
    got = classification.classify(pd.Series(values), TABLE, "x")
    assert got["code"].tolist() == [11100, 12220, 50000]
    assert got["class"].tolist() == ["vhd_uf", "roads", "water"]


@pytest.mark.parametrize("bad", ["forest", "", None, "11100.5", "nan"])
def test_value_that_is_no_code_is_refused(bad):
    with pytest.raises(InputError, match="codes that the class table does not have"):
        classify(pd.Series(["11100", bad], dtype="object"))


SMALL = """\
classes:
  wood: {name: Wood, super_class: nature, colour: "#006400", codes: W}
  built:
    name: Built-up
    super_class: town
    colour: "#fa0000"
    codes: {B1: Dense, B2: Loose}
"""


def read(tmp_path, text: str) -> class_tables.ClassTable:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return class_tables.read(path)


def test_words_are_numbered_in_the_order_of_the_table(tmp_path):
    table = read(tmp_path, SMALL)
    frame = class_tables.as_frame(table)
    assert frame["code"].tolist() == [1, 2, 3]
    assert frame["label"].tolist() == ["Wood", "Dense", "Loose"]
    got = classification.classify(pd.Series(["B2", "W"]), table, "x")
    assert (got["code"].tolist(), got["class"].tolist()) == ([3, 1], ["built", "wood"])


def test_numbers_below_one_are_numbered_anew(tmp_path):
    table = read(tmp_path, SMALL.replace("codes: W", "codes: 0"))
    assert class_tables.as_frame(table)["code"].tolist() == [1, 2, 3]
    assert classification.classify(pd.Series([0]), table, "x")["code"].tolist() == [1]


def test_what_is_not_said_follows_from_the_classes(tmp_path):
    frame = class_tables.as_frame(read(tmp_path, SMALL))
    classes = cover_classes.of_classes(frame)
    assert classes["super_class_colour"].tolist() == ["#006400", "#fa0000"]
    assert classes["chord_sector"].tolist() == [1, 2]
    assert classes["is_chord_object"].all() and classes["in_polar_figure"].all()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("#006400", "dark green", "wood.colour"),
        ("codes: W", "codes: B1", "codes that stand there twice: B1"),
        ("codes: {B1", "codes: {B2: Dense, B1", "'B2' stands there twice"),
        ("  built:", "  wood:", "'wood' stands there twice"),
        ("Built-up", "Wood", "names that stand there twice: Wood"),
        ("Built-up", "Built-up " + "and so on " * 5, "built.name"),
        ("super_class: town", "supper_class: town", "built.supper_class"),
        ("codes: W", "codes: {}", "wood.codes"),
        (", codes: W", "", "wood.codes"),
        ("classes:", "no_data: [B1]\nclasses:", "codes of a class that are also no data: B1"),
        ("classes:", "super_classes: {sea: '#0000ff'}\nclasses:", "super-classes of no class: sea"),
        ("classes:", "chords: {sectors: [sea]}\nclasses:", "chords of no class: sea"),
        ("classes:", "leading_digits: 2\nclasses:", "leading_digits is for codes that are whole"),
        ("classes:", "klasses:", "classes: Field required"),
        ("  wood: {", "  1: {", "classes.1"),
        ("wood: {", "wood: [", "not readable as YAML"),
    ],
)
def test_fault_of_a_class_table_is_one_message(tmp_path, old, new, message):
    assert old in SMALL
    with pytest.raises(InputError) as caught:
        read(tmp_path, SMALL.replace(old, new, 1))
    assert message in caught.value.what
    assert "mine.yaml" in caught.value.where


def test_faults_of_a_class_table_are_told_all_at_once(tmp_path):
    with pytest.raises(InputError) as caught:
        read(tmp_path, SMALL.replace("codes: W", "codes: B1").replace("Built-up", "Wood"))
    assert "names that stand there twice: Wood; codes that stand there twice: B1" in str(caught)
    with pytest.raises(InputError) as caught:
        read(tmp_path, SMALL.replace("#006400", "green").replace("#fa0000", "red"))
    assert "wood.colour" in caught.value.what and "built.colour" in caught.value.what


def test_missing_class_table_is_named(tmp_path):
    with pytest.raises(InputError, match="the class table is missing"):
        class_tables.read(tmp_path / "mine.yaml")


@pytest.mark.parametrize(
    ("name", "classes", "in_file"), [("worldcover", 11, 11), ("corine", 44, 88)]
)
def test_shipped_tables_have_the_products_classes(name, classes, in_file):
    frame = class_tables.as_frame(class_tables.read(CLASS_TABLES / f"{name}.yaml"))
    assert frame["class"].nunique() == frame["name"].nunique() == classes
    assert len(frame) == frame["code"].nunique() == in_file
    assert frame.groupby("class")["colour"].nunique().eq(1).all()


def test_corine_has_one_class_for_a_code_of_the_polygons_and_the_number_of_the_raster():
    table = class_tables.read(CLASS_TABLES / "corine.yaml")
    got = classification.classify(pd.Series(["112", 2, "523", 44, "999"]), table, "x")
    assert got["class"].tolist() == ["discontinuous_urban"] * 2 + ["sea_ocean"] * 2 + [""]
    super_classes = class_tables.as_frame(table).set_index("class")["super_class"]
    assert super_classes["sea_ocean"].iloc[0] == "water bodies"
