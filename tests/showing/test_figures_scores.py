"""Confusion matrix and scores: what they draw is read back from the artists."""

import numpy as np

from figure_tables import CONFUSION, metric_rows, metrics, words
from urbancam.showing.figures import scores


def test_confusion_shows_shares_of_rows_and_counts():
    counts = CONFUSION.assign(predicted_1=[4, 3, 0, 0, 0])
    figure = scores.draw_confusion_matrix(counts, metric_rows("model").iloc[:0])
    got = [text.get_text() for text in figure.axes[0].texts]
    assert got[:4] == ["50%", "4", "50%", "4"]
    assert "nan%" not in got


def test_confusion_caption_gives_the_models_scores_over_all_folds():
    got = words(scores.draw_confusion_matrix(CONFUSION, metrics()))
    assert "accuracy 0.50 [0.40, 0.60]" in got


def test_scores_put_each_predictor_on_its_line():
    figure = scores.draw_scores(metrics())
    dots = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert [(dot.get_xdata()[0], dot.get_ydata()[0]) for dot in dots] == [(0.76, 0), (0.48, 1)]
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["image model", "place (the nearest cells)"]


def test_scores_of_a_predictor_without_that_metric_leave_its_line_empty():
    figure = scores.draw_scores(metrics())
    names = [ax.get_title(loc="left") for ax in figure.axes]
    kappa = figure.axes[[name.startswith("quadratic") for name in names].index(True)]
    got = [line.get_xdata()[0] for line in kappa.lines if line.get_marker() == "o"]
    assert got[0] == 0.7
    assert np.isnan(got[1])
