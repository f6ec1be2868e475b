"""Local effects: a regression within cells; what is read is found, what lies beside it is not."""

import tracemalloc
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from small_maps import CLASSES, draw_city, quadrants, reads_green, smooth_noise
from urbancam.explaining.landcover.city import LandCover
from urbancam.explaining.landcover.local import local_effect, local_effects
from urbancam.explaining.local_moments import square_means
from urbancam.workflow.errors import InputError

INERT = ["port", "water", "comr_indst"]


def test_network_that_follows_shares_gives_back_its_rule():
    effect = np.array([2.0, 0, -1, 0, 0.5])
    city, moments, class_of_code = draw_city(1, lambda classes, random: effect[classes])
    got = local_effects(city, moments, class_of_code)
    in_order = [CLASSES.index(name) for name in city.classes]
    assert got.value / 24**2 == pytest.approx(effect[in_order])  # of a whole cell, not a pixel
    assert np.nanmax(np.abs(got.draws - got.value)) < 1e-6 * 24**2


def test_effect_is_least_squares_with_an_intercept_for_every_cell():
    city, moments, class_of_code = draw_city(2, reads_green, cells=12)
    random = np.random.default_rng(2)
    design, outcome = [], []
    for cell in range(12):
        classes = quadrants(random)
        contribution = reads_green(classes, random)
        cover = [square_means(classes == u, 6).ravel() for u in (0, 2, 3, 4)]
        intercepts = np.tile(np.eye(12)[cell], (36, 1))
        design.append(np.column_stack([*cover, intercepts]))
        outcome.append(square_means(contribution, 6).ravel() * 24**2)
    expected, *_ = np.linalg.lstsq(np.concatenate(design), np.concatenate(outcome), rcond=None)
    sharp = moments[moments["width"] == 0]
    got = pd.Series(local_effects(city, sharp, class_of_code).value, city.classes)
    assert got[["green ua", *INERT]].to_numpy() == pytest.approx(expected[:4])


def test_moments_of_a_large_city_are_not_copied_as_a_whole():
    city, moments, class_of_code = draw_city(2, reads_green, cells=12)
    many = pd.concat([moments.astype({"idINSPIRE": "category"})] * 300, ignore_index=True)
    size = many.memory_usage().sum()
    tracemalloc.start()
    try:
        local_effects(city, many, class_of_code)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1.3 * size  # numbers of the cells, and the rows of one width at a time


def test_what_is_read_is_found_against_the_reference():
    table = local_effect(*draw_city(0, reads_green)).set_index("class")
    assert table.loc["green ua", "significant"]
    assert table.loc["green ua", "ci_low"] > 0
    assert (table["reference"] == "roads").all()
    assert table.loc["roads", "value"] == 0
    assert np.isnan(table.loc["roads", "p_value"])


def test_reference_is_the_class_that_most_cells_hold_or_a_named_one():
    city, _, _ = draw_city(0, smooth_noise, cells=6)

    def find(reference: str | None) -> int:
        asked = city.settings.model_copy(update={"reference": reference})
        holder = SimpleNamespace(settings=asked, classes=city.classes, present=city.present)
        return LandCover.reference.func(holder)

    assert city.classes[find(None)] == "roads"
    assert city.classes[find("water")] == "water"
    with pytest.raises(InputError, match="airports"):
        find("airports")


def called(read, repetitions: int) -> tuple[pd.Series, float]:
    """How often a class is called at p <= .05; how often an inert class's ratio leaves 1."""
    tables, ratios = [], []
    for seed in range(repetitions):
        city, *moments = draw_city(seed, read, cells=60)
        tables.append(local_effect(city, *moments))
        ratio = city.activation_ratio()
        ratios.append(ratio[(ratio["side"] == "rich") & ratio["class"].isin(INERT)])
    table = pd.concat(tables).dropna(subset="p_value")
    is_called = table["p_value"] <= 0.05
    ratio = pd.concat(ratios).dropna(subset="ci_low")
    leaves = (ratio["ci_low"] > 1) | (ratio["ci_high"] < 1)
    return is_called.groupby(table["class"]).mean(), leaves.mean()


@pytest.mark.slow
def test_map_that_knows_nothing_is_rarely_called():
    rates, _ = called(smooth_noise, 60)
    assert rates.mean() <= 0.09  # of 240 tests; standard error of .05: .014


@pytest.mark.slow
def test_inert_classes_beside_one_that_is_read_are_rarely_called():
    rates, ratio_rate = called(reads_green, 60)
    assert rates["green ua"] == 1
    assert rates[INERT].mean() <= 0.1  # of 180 tests; the map is blurred over neighbours
    assert ratio_rate > 0.8  # nearly every inert class has a ratio whose interval is not at 1
