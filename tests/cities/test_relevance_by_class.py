"""Relevance by land cover: shares by hand, ratios against a slow route, sites resampled."""

import numpy as np
import pandas as pd
import pytest

from urbancam.cities import relevance_by_class as by_class
from urbancam.workflow.settings import settings

NAMES = {"water": "Water", "green_ua": "Green", "roads": "Roads"}
FEW_DRAWS = ["statistics.draws=200", "statistics.min_blocks=3"]
STATISTICS = settings.load("default", FEW_DRAWS).statistics
PATCH = {"patch_id": "p", "city": "A", "site": "s"}


def patch_rows(site: int, patch: int, random: np.random.Generator) -> pd.DataFrame:
    """A patch of three classes; water holds about twice its share of relevance."""
    area_share = random.dirichlet((2, 3, 4))
    relevance = area_share * (2, 1, 0.5) * random.uniform(0.8, 1.2, 3)
    return pd.DataFrame(
        {
            "patch_id": f"s{site}_p{patch}",
            "city": "AB"[site % 2],
            "site": f"s{site}",
            "layer": "layer4",
            "class": list(NAMES),
            "code": [50000, 14100, 12220],
            "area_m2": area_share * 40_000,
            "pixel_count": 10,
            "positive_share": relevance / relevance.sum(),
            "relevance": random.normal(size=3),
        }
    )


def fragment_rows(sites: int = 12, seed: int = 0) -> pd.DataFrame:
    """Two patches a site, two cities."""
    random = np.random.default_rng(seed)
    parts = []
    for site in range(sites):
        parts += [patch_rows(site, patch, random) for patch in range(2)]
    return pd.concat(parts, ignore_index=True)


def classes_of(rows: pd.DataFrame, names: dict = NAMES, key: str = "class") -> pd.DataFrame:
    """The table of these rows."""
    return by_class.relevance_by_class(rows, names, key, STATISTICS, 0)


# ---- patches by lot


def table_of_two_folds() -> pd.DataFrame:
    """Two cities of 20 patches; sites of fold 0 are tested in role_0, the others in role_1."""
    fold = np.arange(40) % 2
    return pd.DataFrame(
        {
            "patch_id": [f"p{number:02d}" for number in range(40)],
            "city": 10 * ["A", "B"] + 10 * ["B", "A"],
            "fold": fold,
            "role_0": np.where(fold == 0, "test", "train").astype(object),
            "role_1": np.where(fold == 1, "test", "train").astype(object),
        }
    )


def test_patches_are_drawn_by_seed_from_the_tested_ones_of_trained_folds():
    table = table_of_two_folds()
    got = by_class.draw_tested(table, 1, 4, seed=3)
    assert got.groupby("city").size().to_dict() == {"A": 4, "B": 4}
    assert (got["role_0"] == "test").all()
    assert (got["fold"] == 0).all()
    pd.testing.assert_frame_equal(got, by_class.draw_tested(table, 1, 4, seed=3))
    other = by_class.draw_tested(table, 1, 4, seed=4)
    assert got["patch_id"].tolist() != other["patch_id"].tolist()


def test_city_with_few_tested_patches_gives_them_all():
    got = by_class.draw_tested(table_of_two_folds(), 2, 1000, seed=0)
    assert len(got) == 40
    assert (got["role_0"] == "test").equals(got["fold"] == 0)


# ---- shares of a patch


def test_shares_of_a_patch_by_hand():
    labels = np.repeat([[1, 1, 2, 0]], 4, axis=0)
    values = np.repeat([[3.0, -1, 1, 9]], 4, axis=0)
    classes = {"class": ["water", "roads"], "code": [50000, 12220]}
    fragments = pd.DataFrame(classes | {"area_m2": [200.0, 100.0]})
    maps = {"layer1": values, "layer2": -values}
    got = by_class.project_patch(PATCH, fragments, labels, maps)
    assert got["layer"].tolist() == ["layer1", "layer1", "layer2", "layer2"]
    assert got["positive_share"].tolist()[:3] == [0.75, 0.25, 1.0]
    assert got["relevance"].tolist()[:2] == pytest.approx([1 / 3.5, 1 / 3.5])
    assert got["pixel_count"].tolist() == [8, 4, 8, 4]


def test_patch_without_positive_relevance_has_no_shares():
    fragments = pd.DataFrame({"class": ["water"], "code": [50000], "area_m2": [100.0]})
    maps = {"layer1": np.full((2, 2), -1.0)}
    got = by_class.project_patch(PATCH, fragments, np.ones((2, 2), int), maps)
    assert got["positive_share"].isna().all()
    assert classes_of(got).empty


# ---- the table


def test_ratio_equals_the_slow_route():
    rows = fragment_rows()
    table = classes_of(rows)
    for _, got in table[table["city"] != by_class.ALL].iterrows():
        activation = area = 0.0
        for _, patch in rows[rows["city"] == got["city"]].groupby("patch_id"):
            mine = patch[patch["class"] == got["class"]]
            activation += mine["positive_share"].sum()
            area += mine["area_m2"].sum() / patch["area_m2"].sum()
        assert got["ratio"] == pytest.approx(activation / area)


def test_t5_area_shares_times_ratios_add_up_to_one():
    table = classes_of(fragment_rows())
    assert set(table["city"]) == {"A", "B", by_class.ALL}
    sums = (table["area_share"] * table["ratio"]).groupby([table["city"], table["layer"]]).sum()
    np.testing.assert_allclose(sums, 1)


def test_intervals_hold_what_was_planted():
    table = classes_of(fragment_rows())
    whole = table[table["city"] == by_class.ALL].set_index("class")
    assert whole["ci_low"]["water"] > 1 > whole["ci_high"]["roads"]
    assert (whole["ci_low"] < whole["ratio"]).all()
    assert (whole["ratio"] < whole["ci_high"]).all()


def test_few_sites_give_ratios_without_intervals():
    few = classes_of(fragment_rows(sites=2))
    assert few[["ci_low", "ci_high"]].isna().all(axis=None)
    assert few["ratio"].notna().all()


def test_classes_stand_in_the_order_of_the_names():
    table = classes_of(fragment_rows())
    assert table["class"].tolist() == 3 * list(NAMES)


def test_codes_may_be_the_key_and_one_without_a_name_comes_last():
    names = {12220: "Roads", 50000: "Water"}
    codes = classes_of(fragment_rows(), names, "code")
    assert codes["name"].tolist() == 3 * ["Roads", "Water", "14100"]


def test_no_land_cover_gives_an_empty_table_with_its_columns():
    rows = pd.DataFrame(columns=by_class.COLUMNS)
    table = classes_of(rows)
    assert table.empty
    assert list(table.columns) == by_class.TABLE
