"""Maps of classes: colours, places, scale and north are read back from the artists."""

import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba
from PIL import Image

from figure_tables import cell_id, four_cells, texts, three_predictions, words
from urbancam.showing.figures import maps, style
from urbancam.tables import grid


@pytest.fixture
def samples() -> pd.DataFrame:
    return four_cells()


@pytest.fixture
def predictions() -> pd.DataFrame:
    return three_predictions()


def test_each_cell_has_the_colour_of_its_class(samples, predictions):
    figure = maps.draw_class_maps(samples, predictions, "Demo")
    for ax, lower_right in zip(figure.axes[:2], (4, 3), strict=True):
        image = ax.get_images()[0]
        got = image.to_rgba(image.get_array())
        poorest = style.CLASS_COLOURS[0]
        assert got[2, 0] == pytest.approx(to_rgba(poorest), abs=0.01)
        expected = style.CLASS_COLOURS[lower_right]
        assert got[2, 2] == pytest.approx(to_rgba(expected), abs=0.01)
        assert got[1, 1] == pytest.approx(to_rgba(style.UNUSED_COLOUR), abs=0.01)
        assert got[0, 2] == pytest.approx(to_rgba("white"))  # no cell there


def test_the_map_lies_where_the_ids_say(samples, predictions):
    figure = maps.draw_class_maps(samples, predictions, "Demo")
    expected = [2_889_000, 2_889_600, 3_760_000, 3_760_600]
    assert [list(ax.get_images()[0].get_extent()) for ax in figure.axes[:2]] == [expected, expected]


def test_the_third_map_is_of_the_differences(samples, predictions):
    figure = maps.draw_class_maps(samples, predictions, "Demo")
    image = figure.axes[2].get_images()[0]
    values = image.get_array()
    assert [values[2, 0], values[2, 2], values[0, 0]] == [0, -1, 0]
    got = image.to_rgba(values)
    assert got[2, 2] == pytest.approx(to_rgba(style.DIFFERENCE_COLOURS[3]), abs=0.01)
    assert got[1, 1] == pytest.approx(to_rgba(style.UNUSED_COLOUR), abs=0.01)
    assert "3 cells: 2 alike, 3 at most one class apart" in words(figure)


def test_a_cell_of_a_class_outside_used_is_drawn_as_unused(samples, predictions):
    samples["income_class"] = samples["income_class"].fillna(3)
    image = maps.draw_class_maps(samples, predictions, "Demo").axes[0].get_images()[0]
    assert image.get_array()[1, 1] == maps.NO_VALUE


def test_cells_without_income_stand_among_the_predicted_and_are_grey_elsewhere(
    samples, predictions
):
    lacking = pd.DataFrame({"idINSPIRE": [cell_id(1, 1)], "predicted_class": [4]})
    figure = maps.draw_class_maps(samples, predictions, "Demo", without_income=lacking)
    observed, predicted, error = (ax.get_images()[0].get_array() for ax in figure.axes[:3])
    assert predicted[1, 1] == 4
    assert observed[1, 1] == error[1, 1] == maps.NO_VALUE
    assert "1 cells without a known income" in words(figure)


def test_grey_means_one_thing_and_has_a_key(samples, predictions):
    figure = maps.draw_class_maps(samples, predictions, "Demo")
    assert "no value" in texts(figure)
    assert "Grey in every map: a cell without that value; 1 cells are not used." in words(figure)


def test_a_long_name_is_folded_above_the_maps(samples, predictions):
    name = "Saint-Remy-en-Bouzemont-Saint-Genest-et-Isson " * 4
    figure = maps.draw_class_maps(samples, predictions, name)
    figure.canvas.draw()
    heading = next(text for text in figure.texts if text.get_text().startswith("Saint"))
    box = heading.get_window_extent()
    assert box.x1 < figure.bbox.width
    assert box.y0 > figure.axes[0].title.get_window_extent().y1 - 30


@pytest.mark.parametrize(
    ("width_m", "expected"), [(200, 100), (800, 200), (3_400, 1_000), (150_000, 50_000)]
)
def test_scale_bar_takes_at_most_a_third(width_m, expected):
    assert maps.scale_length_m(width_m) == expected


@pytest.mark.slow
def test_scale_bar_is_as_long_as_it_says(samples, predictions):
    ax = maps.draw_class_maps(samples, predictions, "Demo").axes[0]
    assert np.ptp(ax.lines[0].get_xdata()) == 200
    assert "200 m" in [text.get_text() for text in ax.texts]


def test_true_north_is_up_on_the_central_meridian_and_leans_east_in_france():
    assert maps.north_direction(4_321_000, 3_210_000, grid.CRS) == pytest.approx((0, 1), abs=1e-6)
    # Paris, 7.7 degrees west of the meridian.
    east, north = maps.north_direction(3_760_000, 2_889_000, grid.CRS)
    assert np.degrees(np.arctan2(east, north)) == pytest.approx(5.8, abs=0.3)


@pytest.mark.parametrize("caption_inside", [False, True])
def test_the_arrow_to_the_north_stays_in_its_place_above_a_caption(
    samples, predictions, caption_inside
):
    figure = maps.draw_class_maps(samples, predictions, "Demo")
    north = next(text for text in figure.texts if text.get_text() == "N")
    x, y = north.get_position()
    width_px, height_px = figure.canvas.get_width_height()
    png = io.BytesIO(style.render(figure, "png", caption_inside=caption_inside))
    with Image.open(png) as picture:
        # Right of the letter, from its foot upwards: the arrow and nothing else.
        left, foot = x * width_px + 2, (1 - y) * height_px
        box = picture.convert("L").crop((int(left), int(foot) - 55, int(left) + 40, int(foot)))
    assert (np.asarray(box) < 100).sum() > 100


@pytest.mark.slow
def test_seventy_thousand_cells_are_drawn():
    ids = pd.Series([cell_id(column, row) for row in range(265) for column in range(265)])
    samples = pd.DataFrame(
        {"idINSPIRE": ids, "used": True, "income_class": np.arange(len(ids)) % 5}
    )
    predictions = samples.rename(columns={"income_class": "predicted_class"})
    figure = maps.draw_class_maps(samples, predictions, "Paris")
    assert figure.axes[0].get_images()[0].get_array().count() == len(ids)
