"""The page of a run in a real browser: what a reader sees, clicks, prints and reads on a phone."""

import io
import re
from collections import Counter

import pytest
from PIL import Image, ImageColor

import browser
import other_pages
import page_city
from urbancam.showing.figures import style
from urbancam.showing.report import cities_page, overview

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CITY = "<script>document.title = 'hacked'</script>"
PICTURED = 30
MIDDLE_OF_CELL = """(id) => {
    const cells = readCells(JSON.parse(document.getElementById("map-data").textContent));
    const cell = d3.range(cells.count).find((number) => idOf(cells, number) === id);
    const { width, height } = document.getElementById("map").getBoundingClientRect();
    const side = Math.min(width / (cells.width + 1), height / (cells.height + 1));
    const left = (width - side * cells.width) / 2, top = (height - side * cells.height) / 2;
    const row = cells.height - 1 - cells.columns.north[cell];
    return { x: left + (cells.columns.east[cell] + 0.5) * side, y: top + (row + 0.5) * side };
}"""
CLASS_COLOURS = {ImageColor.getrgb(colour) for colour in style.CLASS_COLOURS}


@pytest.fixture(scope="module")
def chromium():
    with browser.launch() as there:
        yield there


@pytest.fixture(scope="module")
def run():
    return page_city.make_run(CITY)


@pytest.fixture(scope="module")
def pictured():
    predictions = page_city.draw_frames(12, 10)["predictions"]
    return predictions["idINSPIRE"].tolist()[:PICTURED]


@pytest.fixture(scope="module")
def file(tmp_path_factory, pictured):
    run = page_city.make_run(CITY, pictures=set(pictured))
    return page_city.write_page(tmp_path_factory.mktemp("page"), run, pictured)


@pytest.fixture
def page(chromium, file):
    """The page; whatever a test does with it, it must neither complain nor ask for anything but
    what lies beside it."""
    with browser.open_page(chromium, file) as (page, noise):
        page.wait_for_selector("[data-ready]")
        yield page
        assert noise.faults == []
        beside = file.parent.as_uri()
        assert [address for address in noise.requests if not address.startswith(beside)] == []


def colours_of(page) -> Counter:
    """How many pixels of the map, as it is seen, have each colour."""
    picture = Image.open(io.BytesIO(page.locator("#map").screenshot()))
    return Counter(picture.convert("RGB").get_flattened_data())


def click_cell(page, cell: str) -> None:
    page.click("#map", position=page.evaluate(MIDDLE_OF_CELL, cell))


def test_a_city_called_script_is_text(page):
    assert CITY in page.inner_text("h1")
    assert "hacked" not in page.title().split("<")[0]
    assert page.evaluate("document.title").startswith("<script>")


def test_the_map_draws_the_classes_in_their_colours(page):
    counts = colours_of(page)
    assert CLASS_COLOURS <= {colour for colour, count in counts.items() if count > 1000}


def test_switching_layers_changes_colours_and_legend(page):
    observed, legend = colours_of(page), page.inner_text("#legend")
    page.check("input[value=imputed]")
    assert not CLASS_COLOURS & set(colours_of(page)) & set(observed)
    assert page.inner_text("#legend") != legend and "not imputed" in page.inner_text("#legend")


def test_a_click_shows_the_cells_id_pictures_and_numbers(page, pictured):
    frames = page_city.draw_frames(12, 10)
    row = frames["predictions"].set_index("idINSPIRE").loc[pictured[7]]
    click_cell(page, pictured[7])
    page.wait_for_function(
        "[...document.querySelectorAll('#cell img')].every((i) => i.naturalWidth)"
    )
    words = page.inner_text("#cell")
    assert pictured[7] in words and f"{row['value']:,.0f} EUR" in words
    assert f"Predicted class\t{int(row['predicted_class'])}, " in words
    assert page.locator("#cell img").count() == 5
    activation = frames["activation"].set_index(["idINSPIRE", "class"])
    share = activation.loc[(pictured[7], "water"), "area_m2"] / 40_000
    percent = float(re.search(r"Water\t([\d.]+) %", words)[1])
    assert percent == pytest.approx(100 * share, abs=0.1)


def test_a_cell_without_pictures_says_so(chromium, tmp_path):
    run = page_city.make_run(pictures=set())
    cell = page_city.draw_frames(12, 10)["predictions"]["idINSPIRE"].iloc[0]
    with browser.open_page(chromium, page_city.write_page(tmp_path, run, [])) as (page, _):
        click_cell(page, cell)
        assert cell in page.inner_text("#cell") and "page.cell_pictures" in page.inner_text("#cell")


def test_arrows_go_from_cell_to_cell(page, pictured):
    click_cell(page, pictured[2])
    page.press("#map", "ArrowRight")
    first, second = pictured[2], re.search(r"CRS\w+", page.inner_text("#cell h3"))[0]
    assert first.partition("E")[0] == second.partition("E")[0]
    east = [int(cell.rpartition("E")[2]) for cell in (first, second)]
    assert east[1] - east[0] == 200


def test_a_bar_of_the_distribution_selects_its_cells(page):
    page.check("input[value=fold]")
    plain = colours_of(page)
    bar = page.locator("#distribution .bar").nth(1)
    count = int(bar.get_attribute("aria-label").split()[0])
    bar.press("Enter")
    assert f"{count} cells: fold 1" in page.inner_text("#selection")
    assert colours_of(page) != plain
    page.click("#clear")
    assert colours_of(page) == plain


def test_a_stretch_drawn_over_the_distribution_selects_cells(page):
    box = page.locator("#distribution").bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 160, box["y"] + 60, steps=4)
    page.mouse.up()
    words = page.inner_text("#selection")
    got = int(words.split()[0])
    low, high = (float(number.replace(",", "")) for number in re.findall(r"[\d,]{5,}", words))
    incomes = page_city.draw_frames(12, 10)["predictions"]["target"]
    assert got == incomes.between(low, high).sum() > 0


def test_a_class_is_a_click_away_from_example_cells(page):
    page.locator("summary", has_text="Activation ratios").click()
    page.locator("button[data-examples=water]").first.click()
    examples = page.locator("#examples button")
    assert "Water" in page.inner_text("#examples") and examples.count() == 8
    examples.first.click()
    assert page.inner_text("#cell h3").startswith("Cell CRS3035")


def test_a_head_sorts_its_table_by_number_either_way(page):
    page.locator("summary", has_text="Activation ratios").click()
    table = page.locator("table", has=page.locator("button[data-examples]")).first
    head = table.locator("thead button", has_text="ratio").first
    column = table.locator("thead th").all_inner_texts().index(head.inner_text())
    head.click()
    cells = table.locator(f"tbody tr > :nth-child({column + 1})")
    ascending = [float(text.split()[0]) for text in cells.all_inner_texts()]
    assert ascending == sorted(ascending) and len(set(ascending)) > 1
    head.click()
    assert [float(text.split()[0]) for text in cells.all_inner_texts()] == ascending[::-1]
    assert table.locator("th[aria-sort=descending]").count() == 1


def test_a_phone_has_no_sideways_scroll(chromium, file):
    with browser.open_page(chromium, file, browser.NARROW) as (page, noise):
        for summary in page.locator("summary").all():
            summary.click()
        overhang = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overhang == 0 and noise.faults == []


@pytest.mark.parametrize("viewport", [browser.WIDE, browser.NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("name", ["overview", "cities"])
def test_the_other_pages_complain_of_nothing_and_fit(chromium, tmp_path, name, viewport):
    run = other_pages.cities_run(figures={}, sheets={})
    entries = [other_pages.entry(picture=False)]
    html = {
        "overview": overview.render_overview(entries, []),
        "cities": cities_page.render_cities(run),
    }[name]
    (tmp_path / "report.html").write_text(html, encoding="utf-8")
    with browser.open_page(chromium, tmp_path / "report.html", viewport) as (page, noise):
        page.locator("thead button").first.click(force=True)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0
        assert noise.faults == [] and len(noise.requests) == 1


def test_print_shows_the_tables(page):
    table = page.locator("details table").first
    assert not table.is_visible()
    page.emulate_media(media="print")
    assert table.is_visible() and table.bounding_box()["height"] > 20
    assert not page.locator("#zoom-in").is_visible()


def test_dark_and_light_follow_the_reader(chromium, file):
    papers = set()
    for scheme in ("light", "dark"):
        with browser.open_page(chromium, file, color_scheme=scheme) as (page, _):
            papers.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(papers) == 2


def test_a_city_of_68_400_cells_opens_in_seconds(chromium, tmp_path):
    file = page_city.write_page(tmp_path, page_city.make_run(columns=300, rows=228), [])
    with browser.open_page(chromium, file) as (page, noise):
        page.wait_for_selector("[data-ready]", timeout=10_000)
        page.check("input[value=difference]", timeout=3_000)
        assert "+4" in page.inner_text("#legend") and noise.faults == []
