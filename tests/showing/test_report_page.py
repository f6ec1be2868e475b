"""The page of a run: well-formed, escaped, with heads, captions and alternative texts, and nothing
that it would have to fetch."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import get_args

import pandas as pd
import pytest

import page_city
from samples import ROOT
from urbancam.showing import exhibits
from urbancam.showing.report import alt_texts, page, run_page, sections
from urbancam.workflow.settings import sections as settings_sections

VOID = {"meta", "img", "link", "br"}
VENDOR = ROOT / "code" / "urbancam" / "showing" / "report" / "vendor"


@pytest.fixture(scope="module")
def html() -> str:
    return run_page.render_run(page_city.make_run("A & B <demo>"))


class Reader(HTMLParser):
    """Tags with their attributes, and whether each that was opened is closed."""

    def __init__(self, html: str):
        super().__init__()
        self.open_tags: list[str] = []
        self.tags: list[tuple[str, dict]] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open_tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open_tags.pop() == tag

    def of(self, name: str) -> list[dict]:
        return [attributes for tag, attributes in self.tags if tag == name]


def test_page_is_well_formed(html):
    assert Reader(html).open_tags == []


def test_page_names_no_address_that_a_browser_would_fetch(html):
    reader = Reader(html)
    addresses = [
        tag[key] for _, tag in reader.tags for key in ("src", "href", "action") if key in tag
    ]
    assert len(addresses) > 5
    assert [address for address in addresses if re.match(r"\w+:|//", address)] == ["data:,"]
    assert not re.search(r"url\(|@import", re.search("<style>(.*?)</style>", html, re.DOTALL)[1])


def test_only_the_pages_own_scripts_may_run(html):
    policy = next(tag["content"] for tag in Reader(html).of("meta") if "http-equiv" in tag)
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts]
    assert len(hashes) == 2 and all(f"'sha256-{value}'" in policy for value in hashes)
    assert "default-src 'none'" in policy and "unsafe" not in policy.partition("style-src")[0]


def test_page_escapes_what_it_is_given(html):
    assert "A &amp; B &lt;demo&gt;" in html and "<demo>" not in html
    assert "Dots &amp; intervals." in html


def test_figures_have_captions_and_say_what_is_seen(html):
    figure = re.search(r"<figure>(.*?)</figure>", html, re.DOTALL)[1]
    assert f'alt="{alt_texts.ALT_TEXTS["scores"]}"' in figure
    assert "<figcaption><p>Dots" in figure and 'src="figures/scores.png"' in figure


def test_heads_of_tables_have_scope_and_tables_lead_to_their_files(html):
    reader = Reader(html)
    assert {tag.get("scope") for tag in reader.of("th")} == {"col", "row"}
    assert {"href": "tables/metrics.csv"} in reader.of("a")


def test_intervals_stand_with_level_and_blocks(html):
    captions = re.findall(r"<caption>\s*(.*?)\s*<", html, re.DOTALL)
    assert "In brackets: intervals, 95 %, blocks of 4 km, 23 effective." in captions
    assert any("own residuals" in caption for caption in captions)
    assert any("blocks of 2 km, 80 effective" in caption for caption in captions)


def test_what_a_run_has_not_is_said(html):
    absent = re.findall(r'<p class="absent">Not in this run: (.*?)</p>', html)
    assert any(exhibits.TABLES["recovery_summary"] in words for words in absent)


def test_symbols_are_explained_before_they_are_used(html):
    text = re.sub(r"<script.*?</script>|<style.*?</style>", "", html, flags=re.DOTALL)
    explained = text.index("How to read the numbers")
    for symbol in (r"\bp-value", r"\(q\)", "Spearman", "Moran"):
        first = re.search(symbol, text)
        assert first is None or first.start() > explained


def test_page_shows_settings_records_limits_and_the_warning(html):
    for words in ("seed", "12_evaluate_income", "200 cells", "numpy", "not for persons"):
        assert words in html
    assert "Not to be used to judge persons" in html and "abcdef0123" in html


def test_a_rendered_city_is_called_no_real_place():
    run = page_city.make_run()
    assert "no real place" not in run_page.render_run(run)
    rendered = run_page.render_run(replace(run, rendered=True))
    assert "Rendered demo city: no real place" in rendered


def test_a_bare_run_has_a_page_that_says_what_is_not_there():
    run = page_city.make_run()
    kept = ("metrics", "block_size", "confusion_matrix")
    tables = {name: run.tables[name] for name in kept}
    bare = run_page.render_run(replace(run, tables=tables, figures={}))
    assert "was not weighed" in bare and exhibits.TABLES["leakage"] in bare
    assert bare.count("Not in this run") == 3 and "<figure>" not in bare.partition("how-well")[2]


def test_a_run_on_density_speaks_of_people():
    run = page_city.make_run()
    density = replace(run, settings=run.settings | {"samples.target": "density"})
    html = run_page.render_run(density)
    assert '"target_unit": "people per cell"' in html and "by how many people" in html


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("split.method", "block", "never saw it in training, nor its block."),
        ("split.method", "random", "never saw it in training; its neighbours it may have seen."),
        ("samples.thresholds", "national", "a fifth of all cells of the census table by income"),
        ("samples.target", "density", "from 0, fewest people, to 4, most people"),
    ],
)
def test_the_glossary_says_what_holds_for_the_run(setting, value, expected):
    run = page_city.make_run()
    assert expected in run_page.render_run(replace(run, settings=run.settings | {setting: value}))


def test_every_split_and_target_is_in_the_glossary():
    for split in get_args(settings_sections.Split.model_fields["method"].annotation):
        assert sections.glossary("income", "city", split)["Out of fold"]


def test_every_table_and_figure_has_its_place():
    tables = [name for section in sections.SECTIONS for name in section.tables]
    figures = [name for section in sections.SECTIONS for name in section.figures]
    assert sorted(tables) == sorted(name for name, heading in exhibits.TABLES.items() if heading)
    assert sorted(figures) == sorted(exhibits.FIGURES)
    assert set(exhibits.FIGURES) < set(alt_texts.ALT_TEXTS)


def test_classes_go_by_their_names():
    classes = [{"class": "water", "name": "Water"}]
    keys = pd.DataFrame({"side": ["poor"], "class": ["water"], "n_cells": [3]})
    named = run_page.name_classes(keys, classes)
    assert named.columns.tolist() == ["side", "class", "name", "n_cells"]
    assert named["name"].tolist() == ["Water"]
    assert run_page.name_classes(named, classes) is named
    assert run_page.name_classes(keys[["side"]], classes).columns.tolist() == ["side"]


def test_10_000_cells_take_less_than_10_mb():
    run = page_city.make_run(columns=100, rows=100)
    assert len(run_page.render_run(run).encode()) < 4e6


def test_data_of_the_map_closes_no_script():
    run = page_city.make_run()
    run.cells["names"]["reason"] = ["</script><script>alert(1)</script>"]
    html = run_page.render_run(run)
    data = re.search(r'id="map-data">(.*?)</script>', html, re.DOTALL)[1]
    assert json.loads(data)["cells"]["names"]["reason"][0].startswith("</script>")


def test_files_of_others_are_as_their_list_says():
    text = (VENDOR / "README.md").read_text()
    rows = re.findall(r"^\| `(.+?)` .*`([0-9a-f]{64})` \|$", text, re.MULTILINE)
    files = {file: hashlib.sha256((VENDOR / file).read_bytes()).hexdigest() for file, _ in rows}
    assert files == dict(rows) and page.D3 in files
    assert (VENDOR / page.D3).parent.joinpath("LICENSE").is_file()
