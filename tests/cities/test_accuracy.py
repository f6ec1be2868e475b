"""Accuracy of the city classifier with clustered intervals; what cities are taken for."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from city_predictions import CITIES, sample
from urbancam.cities import accuracy, patch_windows, patches
from urbancam.workflow.errors import InputError
from urbancam.workflow.settings import settings

# Few sites in these small samples: an interval from 2 on
STATISTICS = settings.load(
    "default", ["statistics.draws=500", "statistics.min_blocks=2"]
).statistics

ALL = ("all", "all")
SIZES = ["n_patches", "n_images", "n_sites"]


def rows_of(
    table: pd.DataFrame,
    condition: str = "as_is",
    metric: str = "accuracy",
) -> pd.DataFrame:
    rows = table[(table["tested_on"] == condition) & (table["metric"] == metric)]
    return rows.set_index(["grouping", "subset"])


# ---- values and sizes


def test_values_are_plain_shares():
    predictions = sample()
    got = rows_of(accuracy.accuracy_table(predictions, STATISTICS, 0), "grey")["value"]
    right = predictions["predicted_city_grey"] == predictions["city"]
    of_city = right[predictions["city"] == CITIES[1]]
    of_acquisition = right[predictions["acquisition"] == "b"]
    assert got[ALL] == pytest.approx(right.mean())
    assert got["city", CITIES[1]] == pytest.approx(of_city.mean())
    assert got["acquisition", "b"] == pytest.approx(of_acquisition.mean())


def test_patches_of_unknown_acquisition_count():
    predictions = sample().assign(acquisition=np.nan)
    got = rows_of(accuracy.accuracy_table(predictions, STATISTICS, 0))["n_patches"]
    assert got[ALL] == 180
    assert got["acquisition", "unknown"] == 180


def test_sites_of_equal_name_in_two_cities_are_two_sites():
    got = rows_of(accuracy.accuracy_table(sample(), STATISTICS, 0))
    assert got.loc[ALL, SIZES].tolist() == [180, 36, 12]
    assert got.loc[("city", CITIES[0]), SIZES].tolist() == [60, 12, 4]


def test_balanced_accuracy_weighs_cities_alike():
    predictions = sample().iloc[40:]  # the first city has fewer patches
    table = accuracy.accuracy_table(predictions, STATISTICS, 0)
    got = rows_of(table, metric="balanced_accuracy").loc[ALL, "value"]
    assert got == pytest.approx(rows_of(table).loc["city", "value"].mean())


# ---- intervals


@pytest.mark.slow
def test_interval_over_sites_is_the_slow_bootstraps():
    predictions = sample(sites=6)
    row = rows_of(accuracy.accuracy_table(predictions, STATISTICS, 1)).loc[ALL]
    got = row[["ci_low", "ci_high"]].to_numpy(dtype=float)

    right = predictions["predicted_city"] == predictions["city"]
    random = np.random.default_rng(5)
    means = []
    for _ in range(2000):
        draw = [draw_slowly(right[predictions["city"] == city], random) for city in CITIES]
        means.append(np.concatenate(draw).mean())
    tail = stats.norm.cdf(-2.131)  # t of 3 x 5 degrees of freedom, from a table
    expected = np.quantile(means, [tail, 1 - tail])
    assert got == pytest.approx(expected, abs=0.012)  # a patch is 0.006


def draw_slowly(right: pd.Series, random: np.random.Generator) -> np.ndarray:
    """Slow oracle: the patches of five of a city's six sites, one drawn after the other."""
    sites = right.to_numpy().reshape(6, -1)
    return np.concatenate([sites[random.integers(6)] for _ in range(5)])


@pytest.mark.slow
def test_balanced_accuracy_of_45_cities_with_3_to_6_sites_holds_the_truth():
    # Each city has a true accuracy, each of its sites one about it: their mean is the truth.
    random = np.random.default_rng(0)
    covered = []
    for _ in range(60):
        cities = np.repeat(np.arange(45), random.integers(3, 7, 45))
        truth = random.uniform(0.5, 0.9, 45)
        of_site = np.clip(truth[cities] + random.uniform(-0.3, 0.3, len(cities)), 0, 1)
        table = sites_of_cities(cities, random.binomial(20, of_site))
        row = rows_of(accuracy.accuracy_table(table, STATISTICS, 0), metric="balanced_accuracy")
        expected = np.mean([np.clip(t + np.linspace(-0.3, 0.3, 601), 0, 1).mean() for t in truth])
        covered.append(row.loc[ALL, "ci_low"] <= expected <= row.loc[ALL, "ci_high"])
    assert np.mean(covered) >= 0.95 - 0.056  # two standard errors


def sites_of_cities(cities: np.ndarray, hits: np.ndarray) -> pd.DataFrame:
    """Predictions of 20 patches of each site, so many of them right."""
    site = np.repeat(np.arange(len(cities)), 20)
    city = cities[site].astype(str)
    right = np.tile(np.arange(20), len(cities)) < hits[site]
    named = np.where(right, city, "nowhere")
    columns = dict.fromkeys(accuracy.CONDITIONS.values(), named)
    return pd.DataFrame({"city": city, "site": site, **columns}).assign(
        image="0", acquisition="a", fold=0
    )


def test_city_of_three_sites_is_too_small_to_say():
    statistics = settings.load("default").statistics
    table = rows_of(accuracy.accuracy_table(sample(sites=3), statistics, 0))
    assert np.isnan(table.loc[("city", CITIES[0]), "ci_low"])
    assert np.isfinite(table.loc[ALL, "ci_low"])  # three cities: 3 x 2 + 1


def test_interval_over_sites_is_wider_where_a_site_is_told_as_one():
    predictions = sample(sites=6)
    wrong = {city: CITIES[i - 1] for i, city in enumerate(CITIES)}
    odd = predictions["site"].isin(["site1", "site4"])
    predictions["predicted_city"] = predictions["city"].map(wrong).where(odd, predictions["city"])
    row = rows_of(accuracy.accuracy_table(predictions, STATISTICS, 0)).loc[ALL]
    over_sites = row["ci_high"] - row["ci_low"]
    over_images = row["image_ci_high"] - row["image_ci_low"]
    assert over_sites > 1.4 * over_images


def test_one_site_a_city_has_no_interval_over_sites_but_one_over_images():
    predictions = sample(sites=1, images=9)
    table = rows_of(accuracy.accuracy_table(predictions, STATISTICS, 0))
    row = table.loc[("city", CITIES[0])]
    assert np.isnan(row["ci_low"])
    assert row["image_ci_low"] < row["value"] < row["image_ci_high"]


# ---- baselines


def predictor_rows(table: pd.DataFrame, predictor: str) -> pd.DataFrame:
    return rows_of(table[table["predictor"] == predictor])


def test_baselines_stand_beside_the_network_on_the_same_patches():
    predictions = sample()
    answers = {"always": np.full(len(predictions), CITIES[0])}
    table = accuracy.accuracy_table(predictions, STATISTICS, 0, answers)
    network = predictor_rows(table, "network")
    always = predictor_rows(table, "always")
    assert always.loc[ALL, "value"] == pytest.approx(1 / 3)
    assert always.loc[("city", CITIES[0]), "value"] == 1
    expected = network["value"] - always["value"]
    pd.testing.assert_series_equal(always["difference"], expected, check_names=False)
    assert network["difference"].isna().all()
    assert always.loc[ALL, SIZES].tolist() == network.loc[ALL, SIZES].tolist()


def test_a_difference_is_of_the_same_draws_of_sites():
    predictions = sample(sites=6)
    network = predictions["predicted_city"].to_numpy()
    table = accuracy.accuracy_table(predictions, STATISTICS, 0, {"itself": network})
    row = predictor_rows(table, "itself").loc[ALL]
    ends = [f"difference_{name}" for name in ("ci_low", "ci_high", "image_ci_low", "image_ci_high")]
    assert row[["difference", *ends]].tolist() == [0] * 5


# ---- splits


def images_under_two_lights() -> pd.DataFrame:
    """As in the demo: each light shines on two towns, first on one, then on the other."""
    rows = []
    for k, city in enumerate(CITIES):
        lights = [f"light {k}", f"light {(k + 1) % 3}"]
        rows += [(city, f"site{s}", "0.png", lights[s % 2], 8, 8) for s in range(6)]
    columns = ["city", "site", "image", "acquisition", "width_px", "height_px"]
    return pd.DataFrame(rows, columns=columns)


@pytest.mark.parametrize(
    ("method", "folds", "most"),
    [("sites", 3, 2 / 3), ("acquisition", 2, 1 / 3)],
)
def test_a_network_that_only_learns_the_acquisition_is_caught(method, folds, most):
    images = images_under_two_lights()
    sites = patches.assign_sites(images, method, folds, 0)
    windows = patch_windows.index_windows(images, 4, 4, halves=False)
    table = patches.add_roles(windows, sites, method, folds, None, 0)

    # All that it has learnt: the most frequent city of each acquisition.
    train = table[patches.roles(table, 0) == "train"]
    learnt = train.groupby("acquisition")["city"].agg(lambda cities: cities.mode()[0])
    test = table[patches.roles(table, 0) == "test"]
    assert (test["acquisition"].map(learnt) == test["city"]).mean() <= most


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
