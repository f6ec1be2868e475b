"""Accuracy of the city classifier with clustered intervals; what cities are taken for."""

import numpy as np
import pandas as pd
import pytest

from city_predictions import CITIES, sample
from urbancam.cities import accuracy, patches
from urbancam.workflow.errors import InputError


def rows_of(
    table: pd.DataFrame, condition: str = "as_is", metric: str = "accuracy"
) -> pd.DataFrame:
    chosen = (table["tested_on"] == condition) & (table["metric"] == metric)
    return table[chosen].set_index(["subset", "name"])


def test_values_are_plain_shares():
    predictions = sample()
    got = rows_of(accuracy.accuracy_table(predictions, 50, 0.95, 0), "grey")
    right = predictions["predicted_city_grey"] == predictions["city"]
    assert got.loc[("all", "all"), "value"] == pytest.approx(right.mean())
    assert got.loc[("city", CITIES[1]), "value"] == pytest.approx(
        right[predictions["city"] == CITIES[1]].mean()
    )
    assert got.loc[("acquisition", "b"), "value"] == pytest.approx(
        right[predictions["acquisition"] == "b"].mean()
    )


def test_patches_of_unknown_acquisition_count():
    got = rows_of(accuracy.accuracy_table(sample().assign(acquisition=np.nan), 50, 0.95, 0))
    assert (
        got.loc[("all", "all"), "n_patches"]
        == got.loc[("acquisition", "unknown"), "n_patches"]
        == 180
    )


def test_sites_of_equal_name_in_two_cities_are_two_sites():
    got = rows_of(accuracy.accuracy_table(sample(), 50, 0.95, 0))
    assert got.loc[("all", "all"), ["n_patches", "n_images", "n_sites"]].tolist() == [180, 36, 12]
    assert got.loc[("city", CITIES[0]), ["n_patches", "n_images", "n_sites"]].tolist() == [
        60,
        12,
        4,
    ]


def test_balanced_accuracy_weighs_cities_alike():
    predictions = sample().iloc[40:]  # the first city has fewer patches
    table = accuracy.accuracy_table(predictions, 50, 0.95, 0)
    got = rows_of(table, metric="balanced_accuracy").loc[("all", "all"), "value"]
    assert got == pytest.approx(rows_of(table).loc["city", "value"].mean())


def test_interval_over_sites_is_the_slow_bootstraps():
    predictions = sample(sites=6)
    got = rows_of(accuracy.accuracy_table(predictions, 2000, 0.9, 1)).loc[
        ("all", "all"), ["ci_low", "ci_high"]
    ]
    random = np.random.default_rng(5)
    groups = [
        g["predicted_city"].eq(g["city"]).to_numpy()
        for _, g in predictions.groupby(["city", "site"])
    ]
    means = [
        np.concatenate([groups[i] for i in random.integers(18, size=18)]).mean()
        for _ in range(2000)
    ]
    assert got.to_numpy(dtype=float) == pytest.approx(np.quantile(means, [0.05, 0.95]), abs=0.01)


def test_interval_over_sites_is_wider_where_a_site_is_told_as_one():
    predictions = sample(sites=6)
    wrong = {city: CITIES[i - 1] for i, city in enumerate(CITIES)}
    odd = predictions["site"].isin(["site1", "site4"])
    predictions["predicted_city"] = predictions["city"].map(wrong).where(odd, predictions["city"])
    row = rows_of(accuracy.accuracy_table(predictions, 500, 0.95, 0)).loc[("all", "all")]
    assert row["ci_high"] - row["ci_low"] > 1.4 * (row["image_ci_high"] - row["image_ci_low"])


def test_one_site_a_city_has_no_interval_over_sites_but_one_over_images():
    row = rows_of(accuracy.accuracy_table(sample(sites=1, images=9), 300, 0.95, 0)).loc[
        ("city", CITIES[0])
    ]
    assert np.isnan(row["ci_low"]) and row["image_ci_low"] < row["value"] < row["image_ci_high"]


def test_a_network_that_only_learns_the_acquisition_is_caught():
    # As in the demo: each light is seen over two towns, first over one, then over the other.
    lights = {city: [f"light {k}", f"light {(k + 1) % 3}"] for k, city in enumerate(CITIES)}
    images = pd.DataFrame(
        [
            (city, f"site{s}", "0.png", lights[city][s % 2], 8, 8)
            for city in CITIES
            for s in range(6)
        ],
        columns=["city", "site", "image", "acquisition", "width_px", "height_px"],
    )
    got = {}
    for method, folds in (("sites", 3), ("acquisition", 2)):
        sites = patches.assign_sites(images, method, folds, 0)
        table = patches.add_roles(
            patches.index_windows(images, 4, 4, halves=False), sites, method, folds, None, 0
        )
        train = table[patches.roles(table, 0) == "train"]
        named = train.groupby("acquisition")["city"].agg(
            lambda cities: cities.mode()[0]
        )  # all that it has learnt
        test = table[patches.roles(table, 0) == "test"]
        got[method] = (test["acquisition"].map(named) == test["city"]).mean()
    assert got["sites"] <= 2 / 3 and got["acquisition"] <= 1 / 3


@pytest.mark.parametrize("spoil", ["missing", "twice", "other city", "other fold"])
def test_predictions_of_other_patches_are_refused(spoil):
    tested = sample().assign(patch_id=[f"p{i:03d}" for i in range(180)])
    accuracy.check_predictions(tested.sample(frac=1, random_state=0), tested, "here")
    bad = {
        "missing": tested.iloc[1:],
        "twice": pd.concat([tested, tested.iloc[:1]]),
        "other city": tested.assign(city=tested["city"].shift(fill_value=CITIES[2])),
        "other fold": tested.assign(fold=1),
    }[spoil]
    with pytest.raises(InputError, match="p000(.|\n)*23_train_cities"):
        accuracy.check_predictions(bad, tested, "here")


def test_confusion_counts_every_patch_whatever_cities_are_named():
    predictions = sample().assign(predicted_city=CITIES[0])  # two cities are never named
    got = accuracy.confusion_matrix(predictions, CITIES)
    assert got["city"].tolist() == CITIES and got[CITIES[0]].tolist() == [60, 60, 60]
    assert got[CITIES[1:]].to_numpy().sum() == 0


def test_patches_taken_for_a_city_that_is_not_tested_count():
    predictions = sample().query("city != @CITIES[2]").assign(predicted_city=CITIES[2])
    got = accuracy.confusion_matrix(predictions, CITIES)
    assert got["city"].tolist() == CITIES[:2] and got[CITIES[2]].tolist() == [60, 60]


def test_most_confused_sorts_numbers_within_each_city():
    # Published: percentages sorted as text, "9.8%" before "85.2%", indices modulo 44 (D-S2-13).
    confusion = pd.DataFrame(
        [[5, 98, 852, 0], [1, 9, 0, 0], [0, 0, 7, 0], [3, 3, 2, 1]], columns=list("abcd")
    )
    confusion.insert(0, "city", list("abcd"))
    got = accuracy.most_confused(confusion, 2)
    assert got[["city", "rank", "taken_for", "n"]].to_numpy().tolist() == [
        ["a", 1, "c", 852],
        ["a", 2, "b", 98],
        ["b", 1, "a", 1],
        ["d", 1, "a", 3],
        ["d", 2, "b", 3],
    ]
    assert got["share"].tolist() == pytest.approx([852 / 955, 98 / 955, 0.1, 3 / 9, 3 / 9])


def test_forty_five_cities():
    names = [f"City {i:02d}" for i in range(45)]
    random = np.random.default_rng(0)
    table = pd.DataFrame(
        {"city": np.repeat(names, 50), "predicted_city": random.choice(names, 2250)}
    )
    confusion = accuracy.confusion_matrix(table, names)
    assert confusion.shape == (45, 46) and confusion[names].to_numpy().sum() == 2250
    assert accuracy.most_confused(confusion).groupby("city").size().eq(5).all()
