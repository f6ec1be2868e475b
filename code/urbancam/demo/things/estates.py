"""Estates of the towns: slabs and towers side by side on a block, car parks at its edge."""

import numpy as np
import shapely

from urbancam.demo.layout.curves import length_m
from urbancam.demo.rendering.drawing import Layer, Sketch
from urbancam.demo.things.rectangles import rectangles
from urbancam.demo.things.traffic import draw_parked
from urbancam.demo.things.yards import draw_car_parks, rows_of_spaces

MARGIN_M = 40.0  # of a block without buildings, both sides together
TOWER_M = 22.0
SLAB_DEPTH_M = 12.5
CAR_PARK_M = 17.0  # depth


def estate_footprints(block: shapely.Polygon, rng: np.random.Generator) -> np.ndarray:
    """As many parallel slabs, or towers, as a block holds: (N, 4, 2)."""
    a, b, c, *_ = shapely.get_coordinates(block.minimum_rotated_rectangle)
    sides = [length_m(b - a), length_m(c - b)]
    axes = [(b - a) / sides[0], (c - b) / sides[1]]
    if rng.random() < 0.5:
        sides.reverse()
        axes.reverse()

    # Length and depth of the buildings, and the gaps between them, along the two sides.
    if rng.random() < 0.65:
        length, depth = rng.uniform(52, 62), SLAB_DEPTH_M
        gap_u = rng.uniform(9, 14)
        gap_v = rng.uniform(20, 27)
    else:
        length, depth = TOWER_M, TOWER_M
        gap_u = rng.uniform(18, 26)
        gap_v = rng.uniform(18, 26)
    first = _spread(sides[0] - MARGIN_M, length, gap_u)
    second = _spread(sides[1] - MARGIN_M, depth, gap_v)

    grid = np.meshgrid(first, second)
    along, across = (places.ravel()[:, None] for places in grid)
    middle = (a + c) / 2 + along * axes[0] + across * axes[1]
    half_u = axes[0] * length / 2
    half_v = axes[1] * depth / 2
    return rectangles(middle, half_u, half_v)


def _spread(
    room_m: float,
    length_m: float,
    gap_m: float,
) -> np.ndarray:
    """Places, from the middle, of as many things as there is room for, at least one."""
    step_m = length_m + gap_m
    count = max(int((room_m + gap_m) // step_m), 1)
    return (np.arange(count) - (count - 1) / 2) * step_m


def margin_spaces(block: shapely.Polygon) -> np.ndarray:
    """Parking spaces (N, 4, 2) along one side of a block."""
    a, b, *_ = shapely.get_coordinates(block.minimum_rotated_rectangle)
    edge = shapely.LineString([a, b])
    margin = shapely.intersection(block, edge.buffer(CAR_PARK_M))
    if margin.geom_type != "Polygon" or margin.is_empty:
        return np.empty((0, 4, 2))
    return rows_of_spaces(margin)


def draw_spaces(
    sketch: Sketch,
    spaces: np.ndarray,
    rng: np.random.Generator,
    odds: float,
) -> None:
    """Parking spaces with asphalt below and cars on some."""
    asphalt = shapely.buffer(shapely.polygons(spaces), 2.0)
    sketch.shapes(asphalt, "asphalt_dark", Layer.SURFACE)
    draw_car_parks(sketch, spaces)
    with_car = rng.random(len(spaces)) < odds
    draw_parked(sketch, spaces[with_car], rng)
