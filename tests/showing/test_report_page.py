"""The report is one page that needs nothing else."""

import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from report_tables import (
    activation_contrast,
    activation_ratios,
    block_size,
    claims,
    leakage,
    metrics,
)
from urbancam.showing.report import page

RECORD = {
    "step": "12_evaluate_income",
    "date": "2026-01-01",
    "seconds": 3.2,
    "commit": "abc",
    "counts": {"cells": 200},
    "packages": {"numpy": "2.4"},
}


@pytest.fixture(scope="module")
def report() -> str:
    return page.render_page(
        title="A & B, run <demo>",
        sentences={"Scores & more": ["r < 1"], "nothing": []},
        figures={"scores": b"PNG"},
        tables={
            "metrics": metrics(),
            "block_size": block_size(),
            "leakage": leakage(),
            "activation_ratio": activation_ratios(),
            "activation_contrast": activation_contrast(),
            "claims": claims(),
        },
        settings={"seed": 0, "statistics.confidence": 0.95},
        records=[RECORD],
        limits=["not for persons"],
    )


def test_tables_with_intervals_say_what_was_resampled(report):
    headings = re.findall("<summary>(.*?)</summary>", report)
    of_scores = next(heading for heading in headings if heading.startswith("Scores over all"))
    assert of_scores.endswith("(intervals: 95 %, blocks of 4 km, 23 effective)")
    of_splits = next(heading for heading in headings if heading.startswith("Scores under each"))
    assert "own residuals" in of_splits and "4 km" not in of_splits
    assert "How wide intervals are, by the side of the blocks that are resampled" in headings


def test_leakage_table_has_a_column_a_metric_and_no_split_is_lost():
    got = page.tabulate_leakage(leakage())
    assert got["split"].tolist() == ["random", "block", "block", "city"]
    assert got["spearman"].iloc[-1] == "0.40 [0.30, 0.50]"


def test_scores_table_has_a_column_a_metric():
    got = page.tabulate_scores(metrics()).set_index(["subset", "predictor"])
    assert got.loc[("all", "model"), "spearman"] == "0.76 [0.70, 0.81]"
    assert got.loc[("imputed", "model"), "spearman"] == "0.50 [0.10, 0.70]"


def test_seeds_are_shown_where_there_are_several():
    table = pd.DataFrame(
        {"quantity": "metrics", "name": ["accuracy"], "n_seeds": [1], "sd": [None]}
    )
    assert page.tabulate_seeds(table).empty
    assert len(page.tabulate_seeds(table.assign(n_seeds=3))) == 1


def test_page_needs_no_other_file_and_no_script(report):
    assert not re.search(r"<script|<link|https?://|src=\"(?!data:)", report)
    assert 'src="data:image/png;base64,UE5H"' in report


def test_page_is_well_formed(report):
    open_tags: list[str] = []

    class Checker(HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag not in ("meta", "img"):
                open_tags.append(tag)

        def handle_endtag(self, tag):
            assert open_tags.pop() == tag

    Checker().feed(report)
    assert not open_tags


def test_page_escapes_what_it_is_given(report):
    assert "A &amp; B, run &lt;demo&gt;" in report
    assert "r &lt; 1" in report
    assert "Scores &amp; more" in report


def test_a_topic_without_sentences_is_left_out(report):
    assert "nothing" not in report


def test_page_shows_settings_records_and_packages(report):
    for words in ("seed", "12_evaluate_income", "200 cells", "numpy", "not for persons"):
        assert words in report
