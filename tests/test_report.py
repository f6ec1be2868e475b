"""The report says what the tables say, and is one page that needs nothing else."""

import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from urbancam import report


def metric_row(predictor, metric, value, low, high, subset="all", fold="all", n=200) -> dict:
    return {"subset": subset, "fold": fold, "predictor": predictor, "metric": metric, "value": value,
            "ci_low": low, "ci_high": high, "n": n}  # fmt: skip


def metrics(difference=(0.28, 0.1, 0.4)) -> pd.DataFrame:
    return pd.DataFrame([
        metric_row("model", "spearman", 0.76, 0.7, 0.81),
        metric_row("coordinates", "spearman", 0.48, 0.4, 0.55),
        metric_row("model - coordinates", "spearman", *difference),
        metric_row("model", "accuracy", 0.51, 0.45, 0.57),
        metric_row("model", "accuracy_within_1", 0.86, 0.8, 0.9),
        metric_row("constant", "accuracy", 0.2, 0.1, 0.25),
        metric_row("model", "spearman", 0.5, 0.1, 0.7, subset="imputed", n=50),
        metric_row("model", "spearman", -0.9, None, None, fold="0", n=70),
    ])  # fmt: skip


@pytest.fixture
def ratios() -> pd.DataFrame:
    rows = [
        ("roads", "Other roads", "poor", 40, 1.8, 1.2, 2.4),
        ("roads", "Other roads", "rich", 38, 0.7, 0.5, 0.9),
        ("water", "Water", "poor", 9, 0.6, 0.2, 1.1),
        ("water", "Water", "rich", 7, 1.3, 0.8, 2.0),
    ]
    return pd.DataFrame(rows, columns=["class", "name", "side", "n_cells", "ratio", "ci_low", "ci_high"])


@pytest.fixture
def contrast() -> pd.DataFrame:
    rows = [("roads", "Other roads", 78, -0.94, -1.4, -0.4), ("water", "Water", 16, 0.77, -0.1, 1.6)]
    return pd.DataFrame(rows, columns=["class", "name", "n_cells", "log_ratio", "ci_low", "ci_high"])


@pytest.fixture
def page(ratios, contrast) -> str:
    tables = {"metrics": metrics(), "activation_ratio": ratios, "activation_contrast": contrast}
    record = {"step": "12_evaluate_income", "date": "2026-01-01", "seconds": 3.2, "commit": "abc",
              "counts": {"cells": 200}, "packages": {"numpy": "2.4"}}  # fmt: skip
    return report.render_page("A & B, run <demo>", ["r < 1"], {"scores": b"PNG"}, tables,
                              {"seed": 0}, [record], ["not for persons"])  # fmt: skip


@pytest.mark.parametrize(
    ("difference", "expected"),
    [((0.28, 0.1, 0.4), "tell more than the place"), ((-0.2, -0.3, -0.1), "tell less than the place"),
     ((0.02, -0.1, 0.1), "leaves open"), ((0.02, float("nan"), float("nan")), "leaves open")],
)  # fmt: skip
def test_verdict_follows_the_interval_of_the_difference(difference, expected):
    assert expected in report.summarise_scores(metrics(difference))[0]


def test_sentences_give_the_scores_over_all_cells_and_folds():
    first, second = report.summarise_scores(metrics())
    assert "0.76 [0.70, 0.81] over 200 cells" in first and "reach 0.48" in first
    assert "51%" in second and "86%" in second and "20%" in second


def test_strongest_class_of_each_side_is_named(ratios, contrast):
    poor, rich, _ = report.summarise_land_cover(ratios, contrast)
    assert "other roads: ratio 1.80 [1.20, 2.40], in 40 cells" in poor
    assert "water: ratio 1.30" in rich


def test_a_rare_class_with_a_high_ratio_is_not_the_clearest(ratios, contrast):
    ratios.loc[ratios["class"] == "water", ["ratio", "ci_low", "ci_high"]] = [9.0, 0.1, 80.0]
    assert "other roads" in report.summarise_land_cover(ratios, contrast)[0]


def test_only_classes_whose_interval_leaves_zero_are_told_apart(ratios, contrast):
    last = report.summarise_land_cover(ratios, contrast)[-1]
    assert "above 0: none" in last and "says poor: other roads" in last


def test_a_side_without_cells_is_said(ratios, contrast):
    got = report.summarise_land_cover(ratios[ratios["side"] == "rich"], contrast)
    assert "Too few cells are predicted poor" in got[0]


def test_limits_give_the_share_of_imputed_cells_and_tell_a_rendered_city():
    assert "25%" in report.name_limits(metrics(), rendered=False)[0]
    assert "rendered" in report.name_limits(metrics(), rendered=True)[0]


def test_scores_table_has_a_column_a_metric():
    got = report.tabulate_scores(metrics()).set_index(["subset", "predictor"])
    assert got.loc[("all", "model"), "spearman"] == "0.76 [0.70, 0.81]"
    assert got.loc[("imputed", "model"), "spearman"] == "0.50 [0.10, 0.70]"


def test_page_needs_no_other_file_and_no_script(page):
    assert not re.search(r"<script|<link|https?://|src=\"(?!data:)", page)
    assert 'src="data:image/png;base64,UE5H"' in page


def test_page_is_well_formed_and_escapes_what_it_is_given(page):
    open_tags: list[str] = []

    class Checker(HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag not in ("meta", "img"):
                open_tags.append(tag)

        def handle_endtag(self, tag):
            assert open_tags.pop() == tag

    Checker().feed(page)
    assert not open_tags
    assert "A &amp; B, run &lt;demo&gt;" in page and "r &lt; 1" in page


def test_page_shows_settings_records_and_packages(page):
    for words in ("seed", "12_evaluate_income", "200 cells", "numpy", "not for persons"):
        assert words in page
