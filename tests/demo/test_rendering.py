"""The pixels of the tiny city: no seams, shade as shade looks, colours that tell classes apart."""

import numpy as np
import pytest
import shapely

from urbancam.demo.layout import landuse
from urbancam.demo.rendering.materials import LEVELS, MATERIAL, SHADED, colour_table
from urbancam.demo.rendering.render import Renderer
from urbancam.demo.rendering.tiles import make_renderer
from urbancam.demo.town import draw_town


@pytest.fixture(scope="module")
def renderer(tiny, site, plan) -> Renderer:
    return make_renderer(site, draw_town(site, plan), tiny.imagery.pixel_size_m)


def test_windows_join_without_a_seam(renderer):
    whole = renderer.window(250, 250, 80, 64)
    parts = [renderer.window(250, 250, 33, 64), renderer.window(283, 250, 47, 64)]
    assert whole.shape == (3, 64, 80)
    assert whole.dtype == np.uint8
    assert np.array_equal(np.concatenate(parts, axis=2), whole)


def test_shade_is_darker_and_bluer():
    table = colour_table().view("uint8").reshape(2 * SHADED, LEVELS, 4).astype(float)
    lit = table[MATERIAL["pavement"]]
    shaded = table[MATERIAL["pavement"] + SHADED]
    assert (shaded[:, :3] < lit[:, :3]).all()
    assert (shaded[:, 2] / shaded[:, 0] > lit[:, 2] / lit[:, 0]).all()


def test_parks_are_greener_than_yards(plan, site, renderer):
    got = {}
    for code in (landuse.GREEN, landuse.INDUSTRY):
        largest = max(plan.of(code), key=shapely.area)
        x, y = largest.centroid.coords[0]
        column = int((x - site.west) / 3.125)
        row = int((site.north - y) / 3.125)
        red, green, blue = renderer.window(column - 6, row - 6, 12, 12).mean(axis=(1, 2))
        got[code] = green - (red + blue) / 2
    assert got[landuse.GREEN] > got[landuse.INDUSTRY] + 5
