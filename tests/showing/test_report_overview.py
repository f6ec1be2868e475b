"""The page over all runs, and the page of the cities experiment."""

import pandas as pd
import pytest

from other_pages import accuracy, cities_run, entry
from urbancam.showing.report import cities_page, overview
from urbancam.showing.report.pictures import collect_pictures


def test_each_run_stands_beside_the_others_with_its_scores():
    html = overview.render_overview([entry(), entry("Nice/default")], [])
    assert html.count("0.76 [0.70, 0.81]") == html.count("0.28 [0.10, 0.40]") == 2
    assert 'href="all_runs.csv"' in html
    assert 'href="Nice/default/report.html"' in html and "1 of 3" in html
    assert "95 %, blocks of 4 km" in html


def test_what_runs_say_is_escaped():
    html = overview.render_overview([entry()], [])
    assert "It &lt;does&gt;." in html and "A &lt;b&gt;city" in html and "<b>city" not in html


def test_nothing_at_hand_is_said():
    html = overview.render_overview([], [])
    assert "No run has a page yet" in html and "cities experiment has no page yet" in html


def test_strips_share_one_scale():
    rows = {
        "a": pd.Series({"value": 0.5, "ci_low": 0.25, "ci_high": 1.0}),
        "b": pd.Series({"value": 0.25, "ci_low": None, "ci_high": None}, dtype=float),
        "none": None,
    }
    got = overview.strips(rows)
    assert (got["a"].value, got["a"].low, got["a"].high) == (50, 25, 100)
    assert (got["b"].value, got["b"].low, got["b"].high) == (25, 25, 25)
    assert set(got) == {"a", "b"}
    below = rows | {"b": pd.Series({"value": -1.0, "ci_low": -1.0, "ci_high": 0.0})}
    assert overview.strips(below)["a"].value == 75


def test_cities_page_answers_with_interval_and_what_guessing_reaches():
    html = cities_page.render_cities(cities_run())
    assert "5 cities for a share of 0.80 [0.60, 0.90]" in html
    assert "guessing reaches 0.20: more than guessing" in html
    unsure = cities_run(tables={"accuracy": accuracy(0.3, 0.1)})
    assert "not shown to be more than guessing" in cities_page.render_cities(unsure)


def test_cities_page_has_sheets_figures_and_tables_and_says_what_it_has_not():
    html = cities_page.render_cities(cities_run())
    assert 'src="relevance/Altmark/sheet_1.png"' in html and "A tree." in html
    assert 'href="tables/accuracy.csv"' in html
    assert "no relevance sheets" in cities_page.render_cities(cities_run(sheets={}))
    assert "has nothing of it" in cities_page.render_cities(cities_run(figures={}))


@pytest.mark.parametrize("width", [1051, 2161])
def test_figures_have_the_captions_beside_them(width):
    png = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + width.to_bytes(4, "big") + bytes(4)
    got = collect_pictures({"scores": png}, "# Figures of x\n\n## scores\n\nOne.\n\nTwo.\n")
    assert got["scores"].width_px == width and got["scores"].caption == ("One.", "Two.")
