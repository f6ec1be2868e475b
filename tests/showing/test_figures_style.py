"""What all figures share: credits, bytes, sizes of page and text."""

import io
import re

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import shapely
from PIL import Image

from figure_tables import (
    CONFUSION,
    SOUTH,
    WEST,
    cell_id,
    four_cells,
    metric_rows,
    metrics,
    picture,
    texts,
    three_predictions,
)
from urban_atlas_classes import class_numbers, class_table
from urbancam.showing import wording
from urbancam.showing.figures import (
    cells,
    coactivation,
    credits,
    maps,
    polar,
    quintiles,
    ratios,
    scores,
    style,
)
from urbancam.showing.figures.cell_panels import CellPicture
from urbancam.showing.figures.controls import draw_controls
from urbancam.workflow.settings import settings

CITY = "Saint-Etienne"
CITY_NAMES = (
    "東京", "重庆", "深水埗", "서울", "Санкт-Петербург", "Қарағанды", "Αθήνα", "ירושלים", "القاهرة",
    "لاہور", "თბილისი", "Երևան", "दिल्ली", "ঢাকা", "சென்னை", "హైదరాబాదు", "กรุงเทพ", 
    "ရန်ကုန်", "ភ្នំពេញ", "አዲስ አበባ", "Đà Nẵng", "Łódź", "İstanbul", "Ọ̀yọ́",
)  # fmt: skip


def crowded_controls(contrast: pd.DataFrame) -> list:
    """Many controls of every class, and their agreement."""
    controls = ["published", *(f"weights_{number}" for number in range(1, 8)), *"abcdefghij"]
    tables = [
        contrast.assign(control=name, kind="control" if name != "published" else name)
        for name in controls
    ]
    table = pd.concat(tables).rename(columns={"log_ratio": "value"}).assign(side="contrast")
    return [table, table.assign(rank_correlation=1.0, kept=1.0, kept_ci_low=0.9, kept_ci_high=1.1)]


def crowded_pairs() -> pd.DataFrame:
    """Water changes every class, on both sides."""
    pairs = class_table().rename(columns={"class": "object"})
    pairs = pairs.assign(neighbour="water", value=2.5, published_value=2.5, ci_low=1.1, ci_high=3.0)
    return pd.concat([pairs.assign(side=side) for side in ("poor", "rich")])


def crowded_cell() -> CellPicture:
    """A cell that holds every class."""
    classes = class_table()["class"]
    south = SOUTH + np.arange(20) * 10
    strips = shapely.box(WEST, south, WEST + 200, south + 10)
    return picture(0, fragments=pd.DataFrame({"class": classes, "geometry": strips}))


def figures_of_land_cover() -> list:
    """Each figure of land cover once, with every class in it."""
    classes = class_table()
    sides = pd.DataFrame(
        {"side": ["poor", "rich"], "ratio": [1.5, 0.7], "ci_low": [1.2, 0.3], "ci_high": [9.0, 1.1]}
    )
    ratio_table = classes.merge(sides, how="cross").assign(n_cells=12_345)
    contrast = classes.assign(log_ratio=0.3, ci_low=-0.1, ci_high=0.5)
    contribution = contrast.rename(columns={"log_ratio": "value"})
    incomes = contrast.assign(n_cells=11_111, mean_value=np.arange(20) * 1e3)
    shares = [incomes.assign(quintile=k, share=k / 10, ci_low=0, ci_high=1) for k in range(5)]
    shares = pd.concat(shares)
    agreement = pd.DataFrame(
        {
            "measure": ["activation_contrast"],
            "observed": ["mean income"],
            "n_classes": [20],
            "spearman": [-0.5],
            "ci_low": [-0.9],
            "ci_high": [-0.1],
        }
    )
    pairs = crowded_pairs()
    groups = {"poorest": [crowded_cell()], "richest": [picture(1)]}
    return [
        coactivation.draw_coactivation(pairs, pairs, classes, CITY),
        quintiles.draw_ordering(contrast, incomes, agreement, class_numbers(), CITY),
        quintiles.draw_class_by_quintile(shares, CITY),
        draw_controls(*crowded_controls(contrast), CITY),
        ratios.draw_activation_ratios(ratio_table, contrast, contribution, CITY),
        polar.draw_polar_ratios(ratio_table, classes[classes["in_polar_figure"]], CITY),
        cells.draw_cell_sheet(groups, classes, CITY),
    ]


@pytest.fixture
def all_figures() -> list:
    """Each figure once, as full as it can be."""
    samples = four_cells()
    predictions = three_predictions()
    lacking = predictions.iloc[:1].assign(idINSPIRE=cell_id(3, 3))
    all_metrics = dict.fromkeys(scores.METRICS, 0.5)
    all_scores = pd.concat([metric_rows(name, **all_metrics) for name in wording.PREDICTORS])
    return [
        *figures_of_land_cover(),
        maps.draw_class_maps(samples, predictions, CITY, without_income=lacking),
        maps.draw_class_maps(samples, predictions, "Demo"),
        scores.draw_confusion_matrix(CONFUSION, metrics()),
        scores.draw_scores(all_scores),
    ]


ATLAS = settings.load("default").land_cover_credit


def test_credits_name_the_providers_and_their_years():
    got = credits.credit_line("INSEE, Filosofi 2015", ATLAS, [2014, 2017], rendered=False)
    assert "IGN, BD ORTHO 2014-2017" in got
    assert "Filosofi 2015" in got
    assert "land cover Copernicus Land Monitoring Service, Urban Atlas 2012, © European" in got
    assert "BD ORTHO;" in credits.credit_line("INSEE, Filosofi 2015", ATLAS, [], rendered=False)
    own = credits.credit_line("INSEE, Filosofi 2015", ATLAS, [2019], rendered=False, images="GUGiK")
    assert "images GUGiK 2019;" in own and "IGN" not in own
    twice = credits.credit_line("a.csv", ATLAS, [2019], rendered=False, images="GUGiK 2019")
    assert "images GUGiK 2019;" in twice


def test_credits_name_whose_file_the_land_cover_is():
    of_file = ["landcover.source=file", "landcover.file=data/cities/Town/land.gpkg"]
    assert settings.load("default", of_file).land_cover_credit == "land.gpkg"
    named = settings.load("default", [*of_file, "landcover.credit=GUGiK"]).land_cover_credit
    assert "land cover GUGiK." in credits.credit_line(
        "INSEE, Filosofi 2015", named, [], rendered=False
    )


def test_a_target_that_is_no_income_is_said_below_every_figure():
    for rendered in (True, False):
        density = credits.credit_line("INSEE, Filosofi 2015", ATLAS, [], rendered, "density")
        assert density.startswith("Classes are quintiles of people")
        assert "quintiles" not in credits.credit_line(
            "INSEE, Filosofi 2015", ATLAS, [], rendered, "income"
        )


def test_credits_of_the_demo_name_no_provider():
    got = credits.credit_line("INSEE, Filosofi 2015", ATLAS, [2014], rendered=True)
    assert "rendered demo city" in got
    assert "IGN" not in got


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["png", "pdf", "svg"])
def test_the_same_frames_give_the_same_bytes(kind):
    first, second = (
        style.render(maps.draw_class_maps(four_cells(), three_predictions(), "Demo"), kind)
        for _ in range(2)
    )
    assert first == second
    assert not re.search(rb"CreationDate|Creation Time|dc:date", first)


@pytest.mark.parametrize("kind", ["png", "pdf", "svg"])
def test_files_say_of_which_figure_run_and_commit_they_are(kind):
    figure = scores.draw_confusion_matrix(CONFUSION, metrics())
    got = style.render(figure, kind, "confusion_matrix", "Demo, run demo, commit 0123")
    assert b"confusion_matrix" in got
    assert b"Demo, run demo, commit 0123" in got


def test_texts_of_an_svg_stay_texts_in_a_face_like_helvetica():
    got = style.render(scores.draw_confusion_matrix(CONFUSION, metrics()), "svg").decode()
    assert ">predicted class</text>" in got
    assert "'Liberation Sans', Arimo, Arial, Helvetica" in got


def test_signs_of_any_script_are_drawn(caplog):
    figure = maps.draw_class_maps(four_cells(), three_predictions(), " ".join(CITY_NAMES))
    assert len(style.render(figure, "svg")) > 1000
    assert caplog.text == ""


def test_a_sign_that_no_face_has_is_told(caplog):
    figure = maps.draw_class_maps(four_cells(), three_predictions(), "\U00020bb7")
    assert len(style.render(figure, "png", "class_maps")) > 1000
    assert "class_maps: Glyph 134071" in caplog.text


def test_dollars_in_a_name_are_no_formula():
    figure = maps.draw_class_maps(four_cells(), three_predictions(), r"$\frac$")
    assert r"$\frac$" in texts(figure)
    assert len(style.render(figure, "png")) > 1000


def test_a_caption_stands_below_the_picture_where_it_is_asked_for():
    figure = scores.draw_confusion_matrix(CONFUSION, metrics())
    beside = Image.open(io.BytesIO(style.render(figure, "png")))
    inside = Image.open(io.BytesIO(style.render(figure, "png", caption_inside=True)))
    assert inside.width == beside.width
    assert inside.height > beside.height
    below = inside.convert("L").crop((0, beside.height, *inside.size))
    assert below.getextrema()[0] < 128


@pytest.mark.slow
def test_png_is_as_wide_as_the_journal_asks():
    figure = scores.draw_confusion_matrix(CONFUSION, metrics())
    png = Image.open(io.BytesIO(style.render(figure, "png")))
    assert png.width == pytest.approx(89 / 25.4 * 300, abs=1)


@pytest.mark.slow
def test_texts_have_five_to_seven_points(all_figures):
    got = [text.get_fontsize() for figure in all_figures for text in figure.findobj(mpl.text.Text)]
    assert min(got) >= 5
    assert max(got) <= 7


def test_figures_are_as_wide_as_one_column_or_two(all_figures):
    assert {round(figure.get_figwidth() * 25.4) for figure in all_figures} <= {89, 183}


@pytest.mark.slow
def test_nothing_leaves_the_page(all_figures):
    for figure in all_figures:
        figure.canvas.draw()
        box = figure.get_tightbbox()
        width, height = figure.get_size_inches()
        assert box.x0 > -0.01
        assert box.y0 > -0.01
        assert box.x1 < width + 0.01
        assert box.y1 < height + 0.01


def test_matplotlib_is_left_as_it_was():
    before = dict(mpl.rcParams)
    style.render(scores.draw_scores(metrics()), "pdf")
    assert dict(mpl.rcParams) == before
