"""Relevance by land cover: shares of a patch by hand, ratios against a slow route, sites resampled."""

import numpy as np
import pandas as pd
import pytest

from urbancam.cities import relevance_by_class as by_class
from urbancam.workflow import settings

NAMES = {"water": "Water", "green_ua": "Green", "roads": "Roads"}
STATISTICS = settings.load(
    "default", ["statistics.draws=200", "statistics.min_blocks=3"]
).statistics


def fragment_rows(sites: int = 12, seed: int = 0) -> pd.DataFrame:
    """Two patches a site, two cities; water holds twice its share of relevance in each."""
    random = np.random.default_rng(seed)
    parts = []
    for site in range(sites):
        for patch in range(2):
            area = random.dirichlet((2, 3, 4)) * 40_000
            share = area / 40_000 * (2, 1, 0.5) * random.uniform(0.8, 1.2, 3)
            parts.append(
                pd.DataFrame(
                    {
                        "patch_id": f"s{site}_p{patch}",
                        "city": "AB"[site % 2],
                        "site": f"s{site}",
                        "layer": "layer4",
                        "class": list(NAMES),
                        "code": [50000, 14100, 12220],
                        "area_m2": area,
                        "pixel_count": 10,
                        "positive_share": share / share.sum(),
                        "relevance": random.normal(size=3),
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)


def table_of_two_folds() -> pd.DataFrame:
    """Two cities of 20 patches; sites of fold 0 are tested in role_0, the others in role_1."""
    fold = np.arange(40) % 2
    role = {f"role_{k}": np.where(fold == k, "test", "train").astype(object) for k in range(2)}
    ids = [f"p{number:02d}" for number in range(40)]
    return pd.DataFrame(
        {"patch_id": ids, "city": ["A", "B"] * 10 + ["B", "A"] * 10, "fold": fold} | role
    )


def test_patches_are_drawn_by_seed_from_the_tested_ones_of_trained_folds():
    drawn = by_class.draw_tested(table_of_two_folds(), 1, 4, seed=3)
    assert drawn.groupby("city").size().to_dict() == {"A": 4, "B": 4}
    assert (drawn["role_0"] == "test").all() and (drawn["fold"] == 0).all()
    pd.testing.assert_frame_equal(drawn, by_class.draw_tested(table_of_two_folds(), 1, 4, seed=3))
    assert (
        drawn["patch_id"].tolist()
        != by_class.draw_tested(table_of_two_folds(), 1, 4, seed=4)["patch_id"].tolist()
    )


def test_city_with_few_tested_patches_gives_them_all():
    drawn = by_class.draw_tested(table_of_two_folds(), 2, 1000, seed=0)
    assert len(drawn) == 40 and (drawn["role_0"] == "test").equals(drawn["fold"] == 0)


def test_shares_of_a_patch_by_hand():
    labels = np.repeat([[1, 1, 2, 0]], 4, axis=0)
    values = np.repeat([[3.0, -1, 1, 9]], 4, axis=0)
    fragments = pd.DataFrame(
        {"class": ["water", "roads"], "code": [50000, 12220], "area_m2": [200.0, 100.0]}
    )
    patch = {"patch_id": "p", "city": "A", "site": "s"}
    got = by_class.project_patch(patch, fragments, labels, {"layer1": values, "layer2": -values})
    assert got["layer"].tolist() == ["layer1", "layer1", "layer2", "layer2"]
    assert got["positive_share"].tolist()[:3] == [0.75, 0.25, 1.0]
    assert got["relevance"].tolist()[:2] == pytest.approx([1 / 3.5, 1 / 3.5])
    assert got["pixel_count"].tolist() == [8, 4, 8, 4]


def test_patch_without_positive_relevance_has_no_shares():
    fragments = pd.DataFrame({"class": ["water"], "code": [50000], "area_m2": [100.0]})
    patch = {"patch_id": "p", "city": "A", "site": "s"}
    got = by_class.project_patch(
        patch, fragments, np.ones((2, 2), int), {"layer1": np.full((2, 2), -1.0)}
    )
    assert got["positive_share"].isna().all()
    assert by_class.relevance_by_class(got, NAMES, "class", STATISTICS, 0).empty


def test_ratio_equals_the_slow_route():
    rows = fragment_rows()
    table = by_class.relevance_by_class(rows, NAMES, "class", STATISTICS, 0)
    for _, got in table[table["city"] != by_class.ALL].iterrows():
        activation = area = 0.0
        for _, patch in rows[rows["city"] == got["city"]].groupby("patch_id"):
            mine = patch[patch["class"] == got["class"]]
            activation += mine["positive_share"].sum()
            area += mine["area_m2"].sum() / patch["area_m2"].sum()
        assert got["ratio"] == pytest.approx(activation / area)


def test_t5_area_shares_times_ratios_add_up_to_one():
    table = by_class.relevance_by_class(fragment_rows(), NAMES, "class", STATISTICS, 0)
    assert set(table["city"]) == {"A", "B", by_class.ALL}
    sums = (table["area_share"] * table["ratio"]).groupby([table["city"], table["layer"]]).sum()
    np.testing.assert_allclose(sums, 1)


def test_intervals_hold_what_was_planted_and_need_enough_sites():
    table = by_class.relevance_by_class(fragment_rows(), NAMES, "class", STATISTICS, 0)
    whole = table[table["city"] == by_class.ALL].set_index("class")
    assert whole["ci_low"]["water"] > 1 > whole["ci_high"]["roads"]
    assert (whole["ci_low"] < whole["ratio"]).all() and (whole["ratio"] < whole["ci_high"]).all()
    few = by_class.relevance_by_class(fragment_rows(sites=2), NAMES, "class", STATISTICS, 0)
    assert few[["ci_low", "ci_high"]].isna().all(axis=None) and few["ratio"].notna().all()


def test_classes_stand_in_the_order_of_the_names_and_codes_may_be_the_key():
    table = by_class.relevance_by_class(fragment_rows(), NAMES, "class", STATISTICS, 0)
    assert table["class"].tolist() == 3 * list(NAMES)
    codes = by_class.relevance_by_class(
        fragment_rows(), {12220: "Roads", 50000: "Water"}, "code", STATISTICS, 0
    )
    assert codes["name"].tolist() == 3 * [
        "Roads",
        "Water",
        "14100",
    ]  # a code without a name comes last


def test_no_land_cover_gives_an_empty_table_with_its_columns():
    rows = pd.DataFrame(columns=by_class.COLUMNS)
    table = by_class.relevance_by_class(rows, NAMES, "class", STATISTICS, 0)
    assert table.empty and list(table.columns) == by_class.TABLE
