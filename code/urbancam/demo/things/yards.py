"""Yards of industry and commerce: car parks, containers and lorries."""

import numpy as np
import shapely

from urbancam.demo.layout import landuse
from urbancam.demo.layout.curves import left_of, unit
from urbancam.demo.layout.plan import Plan
from urbancam.demo.rendering.drawing import Layer, Sketch
from urbancam.demo.rendering.materials import material_numbers
from urbancam.demo.things.frontage import scatter
from urbancam.demo.things.rectangles import clear_of, frame_of, join, rectangles

SPACE_M = (2.5, 5.0)  # a parking space
ROW_SPACING_M = 16.5  # of double rows of spaces, with the lane between
STORES = ("container", "roof_white", "car_blue", "roof_green", "car_red", "car_silver")


def parking_spaces(
    plan: Plan,
    buildings: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Parking spaces in most yards: corners (N, 4, 2), and which have a car (N,)."""
    yards = [yard for yard in plan.of(landuse.INDUSTRY) if rng.random() < 0.85]
    corners = join(rows_of_spaces(yard) for yard in yards)
    walls = shapely.STRtree(shapely.buffer(buildings, 2.0))
    corners = corners[clear_of(walls, shapely.polygons(corners))]
    lottery = rng.random(len(corners))
    return corners, lottery < rng.choice([0.3, 0.6, 0.8])


def rows_of_spaces(yard: shapely.Polygon) -> np.ndarray:
    """Double rows of spaces with lanes between, as far as they lie in the yard: (N, 4, 2)."""
    frame = frame_of(yard)
    width, depth = SPACE_M
    extent = np.ptp(np.array(yard.exterior.coords), axis=0)
    reach = int(np.hypot(*extent) / 2)

    # Middles of all spaces, along and across the yard.
    first_rows = np.arange(-reach, reach, ROW_SPACING_M)
    rows = [row + side for row in first_rows for side in (0.0, depth)]
    grid = np.meshgrid(np.arange(-reach, reach, width), rows)
    along, across = (values.ravel()[:, None] for values in grid)
    middle = frame.middle + along * frame.along + across * frame.across

    half_u = frame.along * width / 2
    half_v = frame.across * depth / 2
    corners = rectangles(middle, half_u, half_v)
    inside = shapely.contains(yard.buffer(-2.5), shapely.polygons(corners))
    return corners[inside]


def draw_car_parks(sketch: Sketch, corners: np.ndarray) -> None:
    """White lines between spaces (N, 4, 2)."""
    near = corners[:, 0]
    far = corners[:, 3]
    half = unit(corners[:, 1] - near) * 0.07
    lines = [near - half, near + half, far + half, far - half]
    sketch.quads(np.stack(lines, axis=1), "paint", Layer.MARKING)


def draw_stores(
    sketch: Sketch,
    plan: Plan,
    obstacles: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Containers and lorries in the corners of yards, where nothing else stands."""
    yards = shapely.buffer(plan.of(landuse.INDUSTRY), -6.0)
    points, owner = scatter(yards, 0.0022, rng)
    headings = [frame_of(yard).along if yard.area else (1.0, 0.0) for yard in yards]
    along = np.array(headings)[owner]

    # About as large as a container of 40 feet, parallel to the yard.
    corners = rectangles(points, along * 6.1, left_of(along) * 1.3)
    clear = clear_of(shapely.STRtree(obstacles), shapely.polygons(corners))
    corners = corners[clear]
    sketch.shadows(corners, 3.0)
    names = rng.choice(STORES, len(corners))
    sketch.quads(corners, material_numbers(names), Layer.RAISED)
