"""Figures are functions of frames: what they draw is read back from the artists, not from pixels."""

import io
import re

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import shapely
from matplotlib.colors import to_rgba
from PIL import Image

from urbancam.showing.figures import cells, chords, maps, polar, quintiles, ratios, scores, style
from urbancam.showing.figures.controls import draw_controls
from urbancam.showing.wording import interval_of
from urbancam.sources.urban_atlas.classes import class_table

CLASSES = (
    class_table().set_index("class").loc[["green_ua", "roads", "water", "hd_uf"]].reset_index()
)
CONFUSION = pd.DataFrame(np.diag([4, 3, 2, 1, 0]), columns=[f"predicted_{k}" for k in range(5)])
CONFUSION.insert(0, "income_class", range(5))


def cell_id(column: int, row: int) -> str:
    return f"CRS3035RES200mN{3_760_000 + 200 * row}E{2_889_000 + 200 * column}"


@pytest.fixture
def samples() -> pd.DataFrame:
    """Four cells in a 3 x 3 square, the last not used."""
    ids = [cell_id(0, 0), cell_id(2, 0), cell_id(0, 2), cell_id(1, 1)]
    return pd.DataFrame(
        {
            "idINSPIRE": ids,
            "used": [True, True, True, False],
            "income_class": [0.0, 4.0, 2.0, np.nan],
        }
    )


@pytest.fixture
def predictions(samples) -> pd.DataFrame:
    used = samples[samples["used"]]
    return used.assign(predicted_class=[0, 3, 2], income_eur=[11000.0, 29000.0, 20000.0], fold=0)


@pytest.fixture
def ratio_table() -> pd.DataFrame:
    rows = [
        ("green_ua", "poor", 12, 0.5, 0.3, 0.8),
        ("green_ua", "rich", 30, 2.6, 1.9, 3.5),
        ("roads", "poor", 40, 1.5, 1.2, 1.9),
        ("roads", "rich", 38, 0.9, 0.7, 1.1),
        ("hd_uf", "poor", 0, np.nan, np.nan, np.nan),
        ("hd_uf", "rich", 0, np.nan, np.nan, np.nan),
    ]
    table = pd.DataFrame(rows, columns=["class", "side", "n_cells", "ratio", "ci_low", "ci_high"])
    return table.merge(CLASSES[["class", "name"]])


def metric_rows(predictor: str, **values: float) -> pd.DataFrame:
    rows = pd.DataFrame({"metric": values.keys(), "value": values.values()})
    rows = rows.assign(ci_low=rows["value"] - 0.1, ci_high=rows["value"] + 0.1, n=10)
    return rows.assign(subset="all", fold="all", predictor=predictor)


@pytest.fixture
def metrics() -> pd.DataFrame:
    return pd.concat(
        [
            metric_rows(
                "model", spearman=0.76, accuracy=0.5, accuracy_within_1=0.85, quadratic_kappa=0.7
            ),
            metric_rows("coordinates", spearman=0.48, accuracy=0.4),
            metric_rows("model - coordinates", spearman=0.28),
            metric_rows("model", spearman=-1.0).assign(subset="imputed"),
            metric_rows("model", spearman=-1.0).assign(fold="0"),
        ]
    )


def picture(number: int, **changes) -> cells.CellPicture:
    west, south = 2_889_000 + 200 * number, 3_760_000
    fragments = pd.DataFrame(
        {
            "class": ["green_ua", "water", "green_ua"],
            "geometry": [
                shapely.box(west, south, west + 200, south + 100),
                shapely.box(west, south + 100, west + 150, south + 200),
                shapely.box(west + 150, south + 100, west + 200, south + 200),
            ],
        }
    )
    image = np.full((20, 20, 3), (200, 0, 0), np.uint8)
    activation = np.full((4, 4), 128, np.uint8)
    content = {"image": image, "activation": activation, "fragments": fragments} | changes
    return cells.CellPicture(cell_id(number, 0), 15000.0, 0, **content)


def texts(figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(mpl.text.Text) if text.get_text()]


# maps


def test_each_cell_has_the_colour_of_its_class(samples, predictions):
    figure = maps.draw_class_maps(samples, predictions, "Demo")
    for ax, lower_right in zip(figure.axes, (4, 3), strict=False):
        image = ax.get_images()[0]
        got = image.to_rgba(image.get_array())
        assert got[2, 0] == pytest.approx(to_rgba(style.CLASS_COLOURS[0]), abs=0.01)
        assert got[2, 2] == pytest.approx(to_rgba(style.CLASS_COLOURS[lower_right]), abs=0.01)
        assert got[1, 1] == pytest.approx(to_rgba(style.UNUSED_COLOUR), abs=0.01)
        assert got[0, 2] == pytest.approx(to_rgba("white"))  # no cell there


def test_the_map_lies_where_the_ids_say(samples, predictions):
    figure = maps.draw_class_maps(samples, predictions, "Demo")
    expected = [2_889_000, 2_889_600, 3_760_000, 3_760_600]
    assert [list(ax.get_images()[0].get_extent()) for ax in figure.axes[:2]] == [expected, expected]


def test_a_cell_of_a_class_outside_used_is_drawn_as_unused(samples, predictions):
    samples["income_class"] = samples["income_class"].fillna(3)
    image = maps.draw_class_maps(samples, predictions, "Demo").axes[0].get_images()[0]
    assert image.get_array()[1, 1] == maps.UNUSED


def test_cells_without_income_have_a_panel_of_their_own(samples, predictions):
    lacking = pd.DataFrame({"idINSPIRE": [cell_id(1, 1)], "predicted_class": [4]})
    figure = maps.draw_class_maps(samples, predictions, "Demo", without_income=lacking)
    observed, predicted, alone = (ax.get_images()[0].get_array() for ax in figure.axes[:3])
    assert observed[1, 1] == predicted[1, 1] == maps.UNUSED
    assert alone[1, 1] == 4 and (alone.compressed() == 4).sum() == 1
    assert "1 cells without a published income" in " ".join(texts(figure)).replace("\n", " ")


def test_no_cell_without_income_adds_no_panel(samples, predictions):
    figure = maps.draw_class_maps(samples, predictions, "Demo", without_income=predictions[:0])
    assert len(figure.axes) == 3  # two maps and the colour bar


@pytest.mark.parametrize(
    ("width_m", "expected"), [(200, 100), (800, 200), (3_400, 1_000), (150_000, 50_000)]
)
def test_scale_bar_takes_at_most_a_third(width_m, expected):
    assert maps.scale_length_m(width_m) == expected


def test_scale_bar_is_as_long_as_it_says(samples, predictions):
    ax = maps.draw_class_maps(samples, predictions, "Demo").axes[0]
    assert np.ptp(ax.lines[0].get_xdata()) == 200
    assert "200 m" in [text.get_text() for text in ax.texts]


def test_true_north_is_up_on_the_central_meridian_and_leans_east_in_france():
    assert maps.north_direction(4_321_000, 3_210_000) == pytest.approx((0, 1), abs=1e-6)
    east, north = maps.north_direction(
        3_760_000, 2_889_000
    )  # Paris, 7.7 degrees west of the meridian
    assert np.degrees(np.arctan2(east, north)) == pytest.approx(5.8, abs=0.3)


def test_seventy_thousand_cells_are_drawn():
    ids = pd.Series([cell_id(column, row) for row in range(265) for column in range(265)])
    samples = pd.DataFrame(
        {"idINSPIRE": ids, "used": True, "income_class": np.arange(len(ids)) % 5}
    )
    predictions = samples.rename(columns={"income_class": "predicted_class"})
    figure = maps.draw_class_maps(samples, predictions, "Paris")
    assert figure.axes[0].get_images()[0].get_array().count() == len(ids)


# scores


def test_confusion_shows_shares_of_rows_and_counts():
    counts = CONFUSION.assign(predicted_1=[4, 3, 0, 0, 0])
    got = [
        text.get_text() for text in scores.draw_confusion_matrix(counts, no_metrics()).axes[0].texts
    ]
    assert got[:4] == ["50%", "4", "50%", "4"]
    assert "nan%" not in got


def no_metrics() -> pd.DataFrame:
    return metric_rows("model").iloc[:0]


def test_confusion_caption_gives_the_models_scores_over_all_folds(metrics):
    got = " ".join(texts(scores.draw_confusion_matrix(CONFUSION, metrics)))
    assert "accuracy 0.50 [0.40, 0.60]" in got.replace("\n", " ")


def test_scores_put_each_predictor_on_its_line(metrics):
    figure = scores.draw_scores(metrics)
    dots = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert [(dot.get_xdata()[0], dot.get_ydata()[0]) for dot in dots] == [(0.76, 0), (0.48, 1)]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == [
        "image model",
        "coordinates",
    ]


def test_scores_of_a_predictor_without_that_metric_leave_its_line_empty(metrics):
    figure = scores.draw_scores(metrics)
    names = [ax.get_title(loc="left") for ax in figure.axes]
    kappa = figure.axes[[name.startswith("quadratic") for name in names].index(True)]
    got = [line.get_xdata()[0] for line in kappa.lines if line.get_marker() == "o"]
    assert got[0] == 0.7 and np.isnan(got[1])


def test_interval_is_left_out_where_there_is_none():
    row = pd.Series({"value": 0.123, "ci_low": np.nan, "ci_high": np.nan})
    assert interval_of(row) == "0.12"


# activation ratios


def test_classes_are_sorted_from_rich_to_poor(ratio_table):
    assert ratios.sort_classes(ratio_table) == ["green_ua", "roads", "hd_uf"]
    contrast = pd.DataFrame({"class": ["green_ua", "roads"], "log_ratio": [-1.0, 2.0]})
    assert ratios.sort_classes(ratio_table, contrast) == ["roads", "green_ua", "hd_uf"]


def test_a_ratio_of_zero_is_an_arrow_at_the_edge(ratio_table):
    ratio_table.loc[0, ["ratio", "ci_low"]] = 0.0
    ax = ratios.draw_activation_ratios(ratio_table).axes[0]
    arrows = [line for line in ax.lines if line.get_marker() == "<"]
    assert [arrow.get_xdata()[0] for arrow in arrows] == [ax.get_xlim()[0]]


def test_a_class_without_ratio_is_named_below_and_has_no_line(ratio_table):
    figure = ratios.draw_activation_ratios(ratio_table)
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["Green urban areas (12 | 30)", "Other roads (40 | 38)"]
    assert "In no cell: Dense urban fabric (50-80 %)." in figure.texts[0].get_text().replace(
        "\n", " "
    )


def test_classes_may_be_raw_codes(ratio_table):
    table = ratio_table.assign(
        **{"class": ratio_table["class"].map({"green_ua": 14100, "roads": 12220, "hd_uf": 11210})}
    )
    labels = ratios.draw_activation_ratios(table).axes[0].get_yticklabels()
    assert [label.get_text() for label in labels] == [
        "Green urban areas (12 | 30)",
        "Other roads (40 | 38)",
    ]


@pytest.mark.parametrize("side", ["poor", "rich"])
def test_an_empty_side_is_drawn_without_warning(ratio_table, side):
    table = ratio_table[ratio_table["side"] == side]
    for figure in (ratios.draw_activation_ratios(table), polar.draw_polar_ratios(table, CLASSES)):
        assert len(style.render(figure, "png")) > 1000


def test_no_ratio_at_all_is_drawn_without_warning(ratio_table):
    table = ratio_table.assign(ratio=np.nan, ci_low=np.nan, ci_high=np.nan)
    for figure in (ratios.draw_activation_ratios(table), polar.draw_polar_ratios(table, CLASSES)):
        assert len(style.render(figure, "png")) > 1000


def test_contrast_and_contribution_have_a_panel_each(ratio_table):
    contrast = pd.DataFrame(
        {"class": ["green_ua"], "log_ratio": [1.2], "ci_low": [0.3], "ci_high": [2.0]}
    )
    contribution = contrast.rename(columns={"log_ratio": "value"})
    figure = ratios.draw_activation_ratios(ratio_table, contrast, contribution)
    assert len(figure.axes) == 3
    diamonds = [line for ax in figure.axes for line in ax.lines if line.get_marker() == "D"]
    assert [diamond.get_xdata()[0] for diamond in diamonds] == [1.2, 1.2]


def test_a_class_with_a_contribution_only_keeps_its_line(ratio_table):
    contribution = pd.DataFrame(
        {"class": ["hd_uf"], "value": [-0.4], "ci_low": [-0.6], "ci_high": [-0.2]}
    )
    figure = ratios.draw_activation_ratios(ratio_table, None, contribution)
    assert len(figure.axes[0].get_yticklabels()) == 3
    assert "In no cell" not in figure.texts[0].get_text()


def test_polar_bars_end_at_the_cap_with_their_value(ratio_table):
    ax = polar.draw_polar_ratios(ratio_table, CLASSES).axes[0]
    heights = [
        patch.get_height() for patch in ax.patches if patch.get_facecolor() == to_rgba("#c64737")
    ]
    assert heights == [2.0, 0.9]
    assert [text.get_text() for text in ax.texts if text.get_gid() == "cap"] == ["2.6"]


def test_polar_capped_bar_has_no_interval_others_have(ratio_table):
    ax = polar.draw_polar_ratios(ratio_table, CLASSES).axes[0]
    spans = [tuple(line.get_ydata()) for line in ax.lines if len(line.get_ydata()) == 2]
    assert sorted(spans) == [(0.3, 0.8), (0.7, 1.1), (1.2, 1.9)]


def test_polar_sector_of_a_class_without_ratio_is_grey_and_says_so(ratio_table):
    ax = polar.draw_polar_ratios(ratio_table, CLASSES).axes[0]
    grey = [
        to_rgba(patch.get_facecolor(), 1) == to_rgba(style.UNUSED_COLOUR)
        for patch in ax.patches[:4]
    ]
    assert grey == [False, False, True, True]
    assert {"Water (NA)", "Dense urban\nfabric (50-80\N{NO-BREAK SPACE}%)\n(NA)"} <= {
        text.get_text() for text in ax.texts
    }


def test_polar_has_one_blank_sector_at_the_top(ratio_table):
    ax = polar.draw_polar_ratios(ratio_table, CLASSES).axes[0]
    middles = [patch.get_x() + patch.get_width() / 2 for patch in ax.patches[:4]]
    assert middles == pytest.approx(2 * np.pi / 5 * np.arange(1, 5))


# cells


def test_signed_map_values():
    got = cells.signed_values(np.array([0, 1, 128, 255], np.uint8))
    assert got.tolist() == [-1, -1, 0, 1]


def test_signed_colours_are_clear_at_zero_blue_for_poor_red_for_rich():
    poor, zero, rich = style.signed_colours()([0.0, 0.5, 1.0])
    assert zero[3] == pytest.approx(0, abs=0.01)
    assert poor[2] > poor[0] and rich[0] > rich[2]


def test_chosen_cells_are_told_right_and_the_same_every_time():
    table = pd.DataFrame(
        {"income_class": [0, 0, 4, 4, 2] * 20, "predicted_class": [0, 1, 4, 0, 2] * 20}
    )
    table["idINSPIRE"] = [
        f"{row.income_class}{row.predicted_class}-{row.Index}" for row in table.itertuples()
    ]
    poorest, richest = cells.choose_cells(table, 4, seed=3).values()
    assert {name[:2] for name in poorest} == {"00"} and {name[:2] for name in richest} == {"44"}
    assert len(poorest) == len(richest) == 4
    assert cells.choose_cells(table, 4, seed=3) == cells.choose_cells(table, 4, seed=3)


def test_no_cell_told_right_gives_an_empty_group():
    table = pd.DataFrame({"idINSPIRE": ["a"], "income_class": [2], "predicted_class": [2]})
    groups = cells.choose_cells(table, 4, seed=0)
    assert list(groups.values()) == [[], []]
    figure = cells.draw_cell_sheet(groups, CLASSES)
    assert texts(figure).count("no such cell") == 2


def test_sheet_numbers_each_class_once_per_cell():
    figure = cells.draw_cell_sheet({"poorest": [picture(0)], "richest": [picture(1)]}, CLASSES)
    numbers = [[text.get_text() for text in figure.axes[k].texts] for k in (2, 5)]
    assert [sorted(found) for found in numbers] == [["1", "3"], ["1", "3"]]
    assert {"1 Green urban areas", "3 Water"} <= set(texts(figure))
    assert "4 Dense urban fabric (50-80 %)" not in texts(figure)


def test_sheet_polygons_have_the_colour_of_their_class():
    ax = cells.draw_cell_sheet({"poorest": [picture(0)], "richest": []}, CLASSES).axes[2]
    got = [patch.get_facecolor()[:3] for patch in ax.patches if patch.get_fill()]
    expected = [to_rgba(colour)[:3] for colour in ("#8cdc00", "#80f2e6", "#8cdc00")]
    assert got == expected


def test_sheet_says_where_image_or_map_is_missing():
    cell = picture(0, image=None, activation=None)
    got = texts(cells.draw_cell_sheet({"poorest": [cell], "richest": [picture(1)]}, CLASSES))
    assert got.count("no image") == 1 and got.count("no map") == 1


def test_outline_keeps_holes_empty():
    ring = shapely.Point(0, 0).buffer(10).difference(shapely.Point(0, 0).buffer(5))
    path = cells._outline(shapely.MultiPolygon([ring, shapely.box(20, 20, 30, 30)]))
    area = sum(shapely.Polygon(polygon).exterior.is_ccw for polygon in path.to_polygons())
    assert len(path.to_polygons()) == 3 and area == 2


# style


def test_credits_name_the_providers_and_their_years():
    got = style.credit_line(2015, 2012, [2014, 2017], rendered=False)
    assert all(
        words in got for words in ("IGN, BD ORTHO 2014-2017", "Filosofi 2015", "Urban Atlas 2012")
    )
    assert "BD ORTHO;" in style.credit_line(2015, 2012, [], rendered=False)


def test_a_target_that_is_no_income_is_said_below_every_figure():
    for rendered in (True, False):
        assert style.credit_line(2015, 2012, [], rendered, "density").startswith(
            "Classes are quintiles of people"
        )
        assert "quintiles" not in style.credit_line(2015, 2012, [], rendered, "income")


def test_credits_of_the_demo_name_no_provider():
    got = style.credit_line(2015, 2012, [2014], rendered=True)
    assert "rendered demo city" in got and "IGN" not in got


@pytest.mark.parametrize("kind", ["png", "pdf"])
def test_the_same_frames_give_the_same_bytes(samples, predictions, kind):
    first, second = (
        style.render(maps.draw_class_maps(samples, predictions, "Demo"), kind) for _ in range(2)
    )
    assert first == second
    assert not re.search(rb"CreationDate|Creation Time", first)


def test_png_is_as_wide_as_the_journal_asks(metrics):
    png = Image.open(
        io.BytesIO(style.render(scores.draw_confusion_matrix(CONFUSION, metrics), "png"))
    )
    assert png.width == pytest.approx(89 / 25.4 * 300, abs=1)


@pytest.fixture
def all_figures(samples, predictions, metrics) -> list:
    """Each figure once, with every class of the land cover in it."""
    classes = class_table()
    sides = pd.DataFrame(
        {"side": ["poor", "rich"], "ratio": [1.5, 0.7], "ci_low": [1.2, 0.3], "ci_high": [9.0, 1.1]}
    )
    ratio_table = classes.merge(sides, how="cross").assign(n_cells=12_345)
    shares = shapely.box(0, np.arange(20) * 10, 200, np.arange(20) * 10 + 10)
    moved = shapely.transform(shares, lambda xy: xy + (2_889_000, 3_760_000))
    full = picture(0, fragments=pd.DataFrame({"class": classes["class"], "geometry": moved}))
    contrast = classes.assign(log_ratio=0.3, ci_low=-0.1, ci_high=0.5)
    contribution = contrast.rename(columns={"log_ratio": "value"})
    pairs = classes.assign(
        object=classes["class"], neighbour="water", value=2.5, ci_low=1.1, ci_high=3.0
    )
    pairs = pd.concat([pairs.assign(side=side, published_value=2.5) for side in ("poor", "rich")])
    incomes = contrast.assign(n_cells=11_111, mean_income_eur=np.arange(20) * 1e3)
    incomes = incomes.assign(**{f"cells_{k}": 10**k for k in range(5)})
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
    many = ["published", *(f"weights_{number}" for number in range(1, 8)), *"abcdefghij"]
    controls = (
        pd.concat(
            [
                contrast.assign(control=name, kind="control" if name != "published" else name)
                for name in many
            ]
        )
        .rename(columns={"log_ratio": "ratio"})
        .assign(side="contrast")
    )
    agreed = controls.assign(rank_correlation=1.0, kept=1.0, kept_low=0.9, kept_high=1.1)
    every = pd.concat(
        [metric_rows(name, **dict.fromkeys(scores.METRICS, 0.5)) for name in scores.PREDICTORS]
    )
    lacking = predictions.iloc[:1].assign(idINSPIRE=cell_id(3, 3))
    return [
        maps.draw_class_maps(samples, predictions, "Saint-Etienne", without_income=lacking),
        chords.draw_chords(pairs, pairs, classes, "Saint-Etienne"),
        quintiles.draw_ordering(contrast, incomes, agreement, "Saint-Etienne"),
        quintiles.draw_class_by_quintile(incomes, "Saint-Etienne"),
        draw_controls(controls, agreed, "Saint-Etienne"),
        maps.draw_class_maps(samples, predictions, "Demo"),
        scores.draw_confusion_matrix(CONFUSION, metrics),
        scores.draw_scores(every),
        ratios.draw_activation_ratios(ratio_table, contrast, contribution, "Saint-Etienne"),
        polar.draw_polar_ratios(ratio_table, classes[classes["in_polar_figure"]], "Saint-Etienne"),
        cells.draw_cell_sheet(
            {"poorest": [full], "richest": [picture(1)]}, classes, "Saint-Etienne"
        ),
    ]


def test_no_text_is_smaller_than_six_points(all_figures):
    got = [text.get_fontsize() for figure in all_figures for text in figure.findobj(mpl.text.Text)]
    assert min(got) >= 6


def test_nothing_leaves_the_page(all_figures):
    for figure in all_figures:
        figure.canvas.draw()
        drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
        assert drawn.x0 > -0.01 and drawn.y0 > -0.01
        assert drawn.x1 < width + 0.01 and drawn.y1 < height + 0.01


def test_matplotlib_is_left_as_it_was(metrics):
    before = dict(mpl.rcParams)
    style.render(scores.draw_scores(metrics), "pdf")
    assert dict(mpl.rcParams) == before
