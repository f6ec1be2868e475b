"""The figure and sentences of planted rules: what they say is read back."""

import pandas as pd
import pytest

from figure_tables import words
from urbancam.showing.figures import recovery as figures
from urbancam.showing.report.plants import summarise_plants

RECOVERY = pd.DataFrame(
    [
        ("frozen", "contribution", 0.5, 0.4, 0.01, True),
        ("frozen", "contribution", 0.5, -0.4, 0.01, True),
        ("frozen", "contribution", 0.0, 0.3, 0.01, True),
        ("frozen", "contribution", 0.0, 0.1, 0.60, False),
        ("trained", "contribution", -0.5, -0.2, 0.01, True),
        ("frozen", "adjusted_income", 0.5, 0.4, float("nan"), False),
    ],
    columns=["kind", "attribution", "true_effect", "value", "p_value", "significant"],
)
SUMMARY = pd.DataFrame(
    {
        "kind": ["frozen"],
        "attribution": ["contribution"],
        "n_plants": 20,
        "spearman": 0.43,
        "n_planted": 80,
        "power": 0.25,
        "wrong_sign": 0.05,
        "n_inert": 180,
        "false_positives": 0.1,
    }
)


def test_dots_are_coloured_by_what_is_said_of_a_class():
    figure = figures.draw_recovery(RECOVERY, SUMMARY, "Demo", "INSEE")
    panels = figure.axes
    assert len(panels) == 2 and "power 0.25, false positives 0.10" in words(panels[0])
    colours = {
        tuple(point): dots.get_facecolor()[0].tolist()
        for dots in panels[0].collections
        for point in dots.get_offsets().tolist()
    }
    right, wrong = colours[(0.5, 0.4)], colours[(0.5, -0.4)]
    assert colours[(0.0, 0.3)] == wrong != right == colours[(-0.5, -0.2)]
    assert colours[(0.0, 0.1)] not in (right, wrong)
    assert not any(len(dots.get_offsets()) for dots in panels[1].collections)


def test_sentence_counts_classes():
    (sentence,) = summarise_plants(SUMMARY)
    assert "20 planted rules" in sentence and "Spearman r 0.43" in sentence
    assert "finds 20 of 80 classes with an effect" in sentence
    assert "wrong sign: 4" in sentence and "18 of 180 inert ones" in sentence


@pytest.mark.parametrize("changes", [{"n_planted": 0}, {"n_inert": 0}])
def test_nothing_tested_is_nothing_said(changes):
    assert summarise_plants(SUMMARY.assign(**changes)) == []
