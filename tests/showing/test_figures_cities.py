"""Figures of the cities experiment: what stands in them, for two cities and for 45, with intervals missing."""

import numpy as np
import pandas as pd
import pytest

from city_predictions import CITIES, sample
from urbancam.cities import accuracy, arrangements, similarity
from urbancam.showing.figures import cities, style
from urbancam.showing.figures.cities import short_name


@pytest.fixture(scope="module")
def scores() -> pd.DataFrame:
    made = accuracy.accuracy_table(sample(), 60, 0.95, 0)
    return pd.concat(
        [made.assign(trained_on=name, n_cities=len(CITIES)) for name in ("run", "colour-grey")]
    )


def texts(figure) -> str:
    return " ".join(
        text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))
    )


def alike(names: list[str]) -> list[similarity.Similarity]:
    places = np.random.default_rng(0).normal(size=(len(names), 2))
    value = np.exp(-np.linalg.norm(places[:, None] - places[None], axis=2))
    return [
        similarity.Similarity(measure, names, value, value, value)
        for measure in ("embedding", "confusion")
    ]


def test_cities_stand_from_best_to_worst_below_all(scores):
    ax = cities.draw_city_accuracy(scores).axes[0]
    got = [label.get_text() for label in ax.get_yticklabels()]
    rows = scores.query("trained_on == 'run' and tested_on == 'as_is' and subset == 'city'")
    assert got == ["all patches", *rows.sort_values("value", ascending=False)["name"]]


def test_missing_intervals_draw_a_dot_alone(scores):
    empty = scores.assign(ci_low=np.nan, ci_high=np.nan, image_ci_low=np.nan, image_ci_high=np.nan)
    assert style.render(cities.draw_city_accuracy(empty), "png") and cities.draw_colour_controls(
        empty
    )


def test_controls_show_only_what_was_trained(scores):
    words = texts(cities.draw_colour_controls(scores))
    assert "this run" in words and "grey patches" in words and "one acquisition" not in words


def test_a_control_of_fewer_cities_has_its_own_chance(scores):
    fewer = scores.assign(n_cities=scores["n_cities"].where(scores["trained_on"] == "run", 2))
    assert "guessing among 2" in texts(cities.draw_colour_controls(fewer))
    assert "guessing among" not in texts(cities.draw_colour_controls(scores))


@pytest.mark.parametrize("count", [2, 45])
def test_any_number_of_cities(count):
    names = [f"City {i} ({chr(65 + i // 26)}{chr(65 + i % 26)}X)" for i in range(count)]
    confusion = pd.DataFrame(np.random.default_rng(0).integers(0, 9, (count, count)), columns=names)
    confusion.insert(0, "city", names)
    tree = pd.concat([arrangements.merge_tree(one) for one in alike(names)])
    places = pd.concat([arrangements.place_cities(one, 0) for one in alike(names)])
    for figure in (
        cities.draw_city_confusion(confusion),
        cities.draw_city_tree(tree, names),
        cities.draw_city_map(places),
    ):
        figure.draw_without_rendering()
        words = texts(figure)
        assert all(name in words or short_name(name) in words for name in names)


def test_a_city_without_patches_has_an_empty_row():
    confusion = pd.DataFrame(
        {"city": CITIES, CITIES[0]: [3, 0, 0], CITIES[1]: [1, 0, 0], CITIES[2]: [0, 0, 5]}
    )
    words = texts(cities.draw_city_confusion(confusion))
    assert "75%" in words and "100%" in words and "nan" not in words


def test_the_nearest_cities_stand_side_by_side_in_the_tree():
    value = np.eye(4)
    value[0, 2] = value[2, 0] = 0.9
    made = [
        similarity.Similarity(measure, list("abcd"), value, value, value)
        for measure in ("embedding", "confusion")
    ]
    ax = cities.draw_city_tree(pd.concat(map(arrangements.merge_tree, made)), list("abcd")).axes[0]
    order = [label.get_text() for label in ax.get_yticklabels()]
    assert abs(order.index("a") - order.index("c")) == 1


def test_short_names():
    assert [short_name(n) for n in ("Almaty (ALA)", "Gridton", "Bergisch Land")] == [
        "ALA",
        "Gridton",
        "Bergisch",
    ]
