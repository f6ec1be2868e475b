"""Relevance as pictures: published colours, overlay and mask, and the sheet's layout."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from urbancam.showing.figures import credits, relevance

IMAGE = np.full((8, 8, 3), 200, np.uint8)


@pytest.fixture
def slope() -> np.ndarray:
    return np.linspace(0, 1, 64).reshape(8, 8)


def test_heat_map_goes_from_dark_blue_to_dark_red(slope):
    got = relevance.heat_map(slope)
    assert got.dtype == np.uint8
    assert got.shape == (8, 8, 3)
    assert got[0, 0].tolist() == [0, 0, 76]
    assert got[-1, -1].tolist() == [127, 0, 0]


def test_overlay_is_half_image_half_heat(slope):
    got = relevance.overlay(IMAGE, slope)
    assert got[0, 0].tolist() == [100, 100, 138]
    assert got[-1, -1].tolist() == [164, 100, 100]


def test_mask_keeps_what_is_above_mean_and_one_deviation(slope):
    got = relevance.masked(IMAGE, slope)
    is_high = slope > slope.mean() + slope.std()
    assert 0 < is_high.sum() < 20
    assert (got[is_high] == 200).all()
    assert (got[~is_high] == 0).all()


def test_flat_map_keeps_nothing():
    assert relevance.masked(IMAGE, np.zeros((8, 8))).max() == 0


@pytest.fixture(params=[1, 12])
def sheet(slope, request) -> tuple[int, Figure]:
    """Number of patches, and their sheet."""
    maps = {"layer1": slope, "layer4": slope[::-1]}
    patch = relevance.PatchPicture("s1_0 as Anytown", IMAGE, maps)
    patches = [patch] * request.param
    return len(patches), relevance.draw_relevance_sheet(patches, "Anytown", "rendered")


def test_sheet_has_a_row_a_patch_and_two_pictures_a_layer(sheet, slope):
    patches, figure = sheet
    assert len(figure.axes) == patches * (1 + 2 * 2)
    got = figure.axes[2].get_images()[0].get_array()
    np.testing.assert_array_equal(got, relevance.overlay(IMAGE, slope[::-1]))


def test_no_picture_leaves_the_sheet(sheet):
    _, figure = sheet
    boxes = [ax.get_position() for ax in figure.axes]
    assert min(box.x0 for box in boxes) >= 0
    assert max(box.x1 for box in boxes) <= 1
    assert min(box.y0 for box in boxes) > 0


def test_credits_name_every_source_once_or_say_that_nothing_is_real():
    got = credits.site_credit_line({"ign", "files"}, rendered=False)
    assert got == "Data: images as dropped into data/cities_data; images © IGN, BD ORTHO."
    assert "no real places" in credits.site_credit_line({"files"}, rendered=True)
