"""Trees and maps of cities: what stands in them, for two cities and for 45."""

import numpy as np
import pandas as pd
import pytest

from figure_tables import words
from urbancam.cities.arrangements import merge_tree, place_cities
from urbancam.cities.similarity import Similarity
from urbancam.showing.figures import arrangements
from urbancam.showing.figures.cities import short_name


def by_both_measures(names: list[str], value: np.ndarray) -> list[Similarity]:
    """The same similarity of cities, (N, N), by both measures."""
    return [
        Similarity(measure, names, value, value, value) for measure in ("embedding", "confusion")
    ]


@pytest.fixture(params=[2, 45])
def similarities(request) -> list[Similarity]:
    """Cities at random places: the nearer, the more alike."""
    names = [f"City {i} ({chr(65 + i // 26)}{chr(65 + i % 26)}X)" for i in range(request.param)]
    places = np.random.default_rng(0).normal(size=(len(names), 2))
    distances = np.linalg.norm(places[:, None] - places[None], axis=2)
    return by_both_measures(names, np.exp(-distances))


def has_all(figure, names: list[str]) -> bool:
    """Whether each city stands in the figure, with its name or its code."""
    figure.draw_without_rendering()
    text = words(figure)
    return all(name in text or short_name(name) in text for name in names)


def test_a_tree_has_any_number_of_cities(similarities):
    names = similarities[0].cities
    tree = pd.concat([merge_tree(similarity) for similarity in similarities])
    assert has_all(arrangements.draw_city_tree(tree, names), names)


def test_a_map_has_any_number_of_cities(similarities):
    names = similarities[0].cities
    places = pd.concat([place_cities(similarity, 0) for similarity in similarities])
    assert has_all(arrangements.draw_city_map(places), names)


def test_the_nearest_cities_stand_side_by_side_in_the_tree():
    value = np.eye(4)
    value[0, 2] = value[2, 0] = 0.9
    names = list("abcd")
    tree = pd.concat(map(merge_tree, by_both_measures(names, value)))
    ax = arrangements.draw_city_tree(tree, names).axes[0]
    order = [label.get_text() for label in ax.get_yticklabels()]
    assert abs(order.index("a") - order.index("c")) == 1
