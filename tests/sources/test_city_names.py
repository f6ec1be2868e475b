"""Cities however they are spelt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import samples
from urbancam.sources.urban_atlas import names


@pytest.mark.parametrize(
    ("city", "label"),
    [
        ("Le Havre", "LE_HAVRE"),
        ("le-havre", "Havre (Le)"),
        ("Saint-Etienne", "Saint-Étienne"),
        ("FR001", "FR001L1"),
        ("saint etienne", "SAINT-ETIENNE"),
        ("Saint-Étienne", "Saint-Ã‰tienne"),
        ("fr001l1", "FR001L1"),
        ("Poznan", "Poznań"),
        ("L'Isle-d’Abeau", "l isle d abeau"),
        ("Nœux", "NOEUX"),
    ],
)
def test_spellings_of_one_city(city, label):
    assert names.same_city(city, "x", label)


@pytest.mark.parametrize(
    ("city", "label"),
    [
        ("Lens", "Douai - Lens"),
        ("Paris", "Parisot"),
        ("FR001", "FR0011"),
        ("FR001L1", "FR001L2"),
        ("Nice", ""),
    ],
)
def test_other_cities_are_not_taken(city, label):
    assert not names.same_city(city, label)


@pytest.mark.parametrize(
    "path",
    [
        "FR001L1_PARIS.zip",
        "FR001L1_PARIS/Shapefiles/FR001L1_PARIS_UA2012.shp",
        "a/FR001L1_PARIS_UA2012_revised_v021.zip",
        "FR001L1_PARIS_UA2018_v013/Data/x.gpkg",
        "CLMS_UA_LCU_S2021_V025ha_FR001L1_PARIS_03035_V01_R00_20241025.fgb",
    ],
)
@pytest.mark.parametrize(
    ("city", "expected"), [("Paris", True), ("FR001", True), ("Lyon", False), ("FR003L2", False)]
)
def test_paths_of_the_products_say_their_city(path, city, expected):
    assert names.path_says(samples.Path(path), city) is expected


def test_path_with_a_code_alone_is_silent_about_the_name():
    path = samples.Path("CLMS_UA_LCU_S2018_V025ha_FR001L1_03035_V01_R00_20240101.fgb")
    assert names.path_says(path, "Paris") is None
    assert names.path_says(path, "FR001L1") is True
    assert names.path_says(path, "FR002") is False


@given(st.text(max_size=30))
def test_any_name_is_read_the_same_twice(name):
    assert names.plain(names.plain(name)) == names.plain(name)
    assert names.same_city(name, name)
