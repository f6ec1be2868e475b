"""The sheet of cells: what it draws is read back from the artists."""

import io

import numpy as np
import pandas as pd
import pytest
import shapely
from matplotlib.colors import to_rgba
from PIL import Image

from figure_tables import CLASSES, cell_id, picture, texts
from urbancam.showing.figures import cell_panels, cells, colour_maps, style
from urbancam.showing.report.pictures import collect_pictures


def test_signed_map_values():
    got = cell_panels.signed_values(np.array([0, 1, 128, 255], np.uint8))
    assert got.tolist() == [-1, -1, 0, 1]


def test_signed_colours_are_clear_at_zero_blue_for_poor_red_for_rich():
    poor, zero, rich = colour_maps.signed_colours()([0.0, 0.5, 1.0])
    assert zero[3] == pytest.approx(0, abs=0.01)
    assert poor[2] > poor[0]
    assert rich[0] > rich[2]


def test_chosen_cells_are_half_hits_half_misses_and_the_same_every_time():
    table = pd.DataFrame(
        {"income_class": [0, 0, 4, 4, 2] * 20, "predicted_class": [0, 1, 4, 0, 2] * 20}
    )
    classes = table["income_class"].astype(str) + table["predicted_class"].astype(str)
    table["idINSPIRE"] = classes + "-" + table.index.astype(str)
    poorest, richest = cells.choose_cells(table, 4, seed=3).values()
    assert [name[:2] for name in poorest] == ["00", "00", "01", "01"]
    assert [name[:2] for name in richest] == ["44", "44", "40", "40"]
    assert cells.choose_cells(table, 4, seed=3) == cells.choose_cells(table, 4, seed=3)


def test_no_cell_of_a_class_gives_an_empty_group():
    table = pd.DataFrame({"idINSPIRE": ["a"], "income_class": [2], "predicted_class": [2]})
    groups = cells.choose_cells(table, 4, seed=0)
    assert list(groups.values()) == [[], []]
    figure = cells.draw_cell_sheet(groups, CLASSES)
    assert texts(figure).count("no such cell") == 2


def test_sheet_numbers_each_class_once_per_cell():
    figure = cells.draw_cell_sheet({"poorest": [picture(0)], "richest": [picture(1)]}, CLASSES)
    numbers = [[text.get_text() for text in figure.axes[k].texts] for k in (2, 5)]
    assert [sorted(panel) for panel in numbers] == [["10", "2"], ["10", "2"]]
    assert {"2 Green urban areas", "10 Water"} <= set(texts(figure))
    assert "17 Dense urban fabric (50-80 %)" not in texts(figure)


def test_sheet_names_each_cell_and_has_a_scale_in_its_image():
    figure = cells.draw_cell_sheet({"poorest": [picture(0)], "richest": []}, CLASSES)
    bar = next(line for line in figure.axes[0].lines if line.get_gid() == "scale")
    assert np.ptp(bar.get_xdata()) == 50
    assert "50 m" in texts(figure.axes[0])
    assert f"{cell_id(0, 0)}, 15,000 EUR, predicted poorest" in texts(figure)


@pytest.mark.slow
def test_a_sheet_of_photographs_is_a_small_file():
    random = np.random.default_rng(0)
    images = random.integers(80, 180, (8, 400, 400, 3), dtype=np.uint8)  # nothing packs worse
    pictures = [picture(number, image=image) for number, image in enumerate(images)]
    figure = cells.draw_cell_sheet({"poorest": pictures[:4], "richest": pictures[4:]}, CLASSES)
    png = style.render(figure, "png", "cell_sheet", "Demo, run demo")
    assert len(png) < 470_000
    with Image.open(io.BytesIO(png)) as image:
        assert image.text["Source"] == "Demo, run demo"
    # On a page it is as wide as every figure of two columns.
    width_px = collect_pictures({"cell_sheet": png}, "")["cell_sheet"].width_px
    assert width_px == pytest.approx(183 / 25.4 * 300, abs=5)


@pytest.mark.slow
def test_few_colours_keep_those_of_the_legend():
    ramp = np.linspace(60, 200, 400 * 400).reshape(400, 400)
    photograph = np.stack([ramp, ramp.T, ramp[::-1]], 2).astype(np.uint8)
    groups = {side: [picture(0, image=photograph)] * 4 for side in ("poorest", "richest")}
    figure = cells.draw_cell_sheet(groups, CLASSES)
    pixels = []
    for colours in (figure.png_colours, None):
        figure.png_colours = colours
        with Image.open(io.BytesIO(style.render(figure, "png"))) as image:
            pixels.append(np.asarray(image.convert("RGB"), int))
    legend = slice(-70, None)  # the lowest rows
    assert np.abs(pixels[0] - pixels[1])[legend].max() < 45


def test_sheet_polygons_have_the_colour_of_their_class():
    ax = cells.draw_cell_sheet({"poorest": [picture(0)], "richest": []}, CLASSES).axes[2]
    got = [patch.get_facecolor()[:3] for patch in ax.patches if patch.get_fill()]
    expected = [to_rgba(colour)[:3] for colour in ("#8cdc00", "#80f2e6", "#8cdc00")]
    assert got == expected


def test_sheet_says_where_image_or_map_is_missing():
    cell = picture(0, image=None, activation=None)
    got = texts(cells.draw_cell_sheet({"poorest": [cell], "richest": [picture(1)]}, CLASSES))
    assert got.count("no image") == 1
    assert got.count("no map") == 1


def test_outline_keeps_holes_empty():
    ring = shapely.Point(0, 0).buffer(10).difference(shapely.Point(0, 0).buffer(5))
    path = cell_panels._outline(shapely.MultiPolygon([ring, shapely.box(20, 20, 30, 30)]))
    rings = [shapely.Polygon(polygon).exterior for polygon in path.to_polygons()]
    assert len(rings) == 3
    assert sum(ring.is_ccw for ring in rings) == 2
