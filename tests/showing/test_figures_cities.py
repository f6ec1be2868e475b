"""How well cities are named: what stands in the figures, for two cities and for 45."""

import numpy as np
import pandas as pd
import pytest

from city_predictions import CITIES, sample
from figure_tables import words
from urbancam.cities import accuracy
from urbancam.showing.figures import cities, style
from urbancam.showing.figures.cities import short_name
from urbancam.workflow.settings import settings

STATISTICS = settings.load("default", ["statistics.draws=60"]).statistics


@pytest.fixture(scope="module")
def scores() -> pd.DataFrame:
    """`accuracy.csv` of a run and of one variant, with the same scores."""
    table = accuracy.accuracy_table(sample(sites=8), STATISTICS, 0).assign(n_cities=len(CITIES))
    return pd.concat([table.assign(trained_on=name) for name in ("run", "colour-grey")])


def test_cities_stand_from_best_to_worst_below_all(scores):
    ax = cities.draw_city_accuracy(scores).axes[0]
    got = [label.get_text() for label in ax.get_yticklabels()]
    rows = scores.query("trained_on == 'run' and tested_on == 'as_is' and grouping == 'city'")
    assert got == ["all patches", *rows.sort_values("value", ascending=False)["subset"]]


def test_missing_intervals_draw_a_dot_alone(scores):
    empty = scores.assign(ci_low=np.nan, ci_high=np.nan, image_ci_low=np.nan, image_ci_high=np.nan)
    assert style.render(cities.draw_city_accuracy(empty), "png")
    assert cities.draw_colour_controls(empty)


def test_controls_show_only_what_was_trained(scores):
    text = words(cities.draw_colour_controls(scores))
    assert "this run" in text
    assert "grey patches" in text
    assert "one acquisition" not in text


def test_a_control_of_fewer_cities_has_its_own_chance(scores):
    fewer = scores.assign(n_cities=scores["n_cities"].where(scores["trained_on"] == "run", 2))
    assert "guessing among 2" in words(cities.draw_colour_controls(fewer))
    assert "guessing among" not in words(cities.draw_colour_controls(scores))


def remains(network: float, least_difference: float) -> str:
    """The sentence of a network that reaches so much, and of one that grey levels come close to."""
    values = {
        "network": (network, 0.0, np.nan, np.nan),
        "grey_histogram": (0.3, 0.2, network - 0.3, 0.05),
        "grey_statistics": (0.4, 0.3, network - 0.4, least_difference),
    }
    columns = ["value", "ci_low", "difference", "difference_ci_low"]
    table = pd.DataFrame.from_dict(values, orient="index", columns=columns)
    table = table.rename_axis("predictor").reset_index()
    table = table.assign(ci_high=table["value"] + 0.1, difference_ci_high=table["difference"] + 0.1)
    return cities.what_remains(
        table.assign(
            trained_on="split-acquisition-colour-grey",
            tested_on="as_is",
            grouping="all",
            metric="accuracy",
        )
    )


def test_form_is_claimed_beyond_every_grey_baseline_only():
    assert "texture or form adds" in remains(0.9, least_difference=0.01)
    assert "0.90 [0.00, 1.00]" in remains(0.9, least_difference=0.01)
    assert "is not shown" in remains(0.9, least_difference=0.0)
    assert "is not shown" in remains(0.9, least_difference=-0.1)
    assert "is not shown" in remains(0.9, least_difference=np.nan)


def test_nothing_is_said_of_form_where_no_grey_patches_of_another_acquisition_were_tested(scores):
    assert cities.what_remains(scores).startswith("No grey patches of another acquisition")
    text = words(cities.draw_colour_controls(scores))
    assert "nothing is said of form" in text


@pytest.mark.parametrize("count", [2, 45])
def test_confusion_has_any_number_of_cities(count):
    names = [f"City {i} ({chr(65 + i // 26)}{chr(65 + i % 26)}X)" for i in range(count)]
    counts = np.random.default_rng(0).integers(0, 9, (count, count))
    confusion = pd.DataFrame(counts, columns=names)
    confusion.insert(0, "city", names)
    figure = cities.draw_city_confusion(confusion)
    figure.draw_without_rendering()
    text = words(figure)
    assert all(name in text or short_name(name) in text for name in names)


def test_a_city_without_patches_has_an_empty_row():
    confusion = pd.DataFrame(
        {"city": CITIES, CITIES[0]: [3, 0, 0], CITIES[1]: [1, 0, 0], CITIES[2]: [0, 0, 5]}
    )
    text = words(cities.draw_city_confusion(confusion))
    assert "75%" in text
    assert "100%" in text
    assert "nan" not in text


@pytest.mark.parametrize(
    ("city", "expected"),
    [("Almaty (ALA)", "ALA"), ("Gridton", "Gridton"), ("Bergisch Land", "Bergisch")],
)
def test_short_names(city, expected):
    assert short_name(city) == expected
