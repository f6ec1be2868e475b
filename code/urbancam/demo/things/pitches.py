"""Sports grounds and yards: pitches with markings, tennis courts, car parks."""

import numpy as np
import shapely

from urbancam.demo.layout import landuse
from urbancam.demo.layout.plan import Plan
from urbancam.demo.rendering.drawing import Layer, Sketch
from urbancam.demo.rendering.materials import MATERIAL
from urbancam.demo.things.frontage import scatter

FOOTBALL_M = (100.0, 62.0)  # played between 90-120 and 45-90 m (FIFA, Laws of the Game, law 1)
TENNIS_M = (23.77, 10.97)  # ITF, Rules of Tennis, rule 1
SPACE_M = (2.5, 5.0)  # a parking space


def draw_sports(sketch: Sketch, plan: Plan) -> np.ndarray:
    """Draw a pitch, or tennis courts, into each sports ground; returns the places (N,)."""
    places = []
    for ground in plan.of(landuse.SPORT):
        frame = _frame(ground)
        scale = next(
            (
                s
                for s in (1.0, 0.85, 0.7, 0.55)
                if ground.contains(_place(frame, *FOOTBALL_M, s * 1.12))
            ),
            None,
        )
        if scale is not None:
            _draw_football(sketch, frame, scale)
            places.append(_place(frame, *FOOTBALL_M, scale * 1.12))
        else:
            places += _draw_tennis(sketch, frame, ground)
    return np.array(places, dtype=object)


def _frame(polygon: shapely.Polygon) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Middle of a polygon, and unit vectors along and across it."""
    a, b, c, *_ = shapely.get_coordinates(polygon.minimum_rotated_rectangle)
    along = b - a if np.hypot(*(b - a)) > np.hypot(*(c - b)) else c - b
    along = along / np.hypot(*along)
    return (a + c) / 2, along, np.array([-along[1], along[0]])


def _corners(
    frame: tuple, length_m: float, width_m: float, at: tuple[float, float] = (0.0, 0.0)
) -> np.ndarray:
    """Corners (4, 2) of a rectangle in a frame, its middle at (along, across), m."""
    middle, along, across = frame
    middle = middle + at[0] * along + at[1] * across
    u, v = along * length_m / 2, across * width_m / 2
    return np.stack([middle - u - v, middle + u - v, middle + u + v, middle - u + v])


def _place(frame: tuple, length_m: float, width_m: float, scale: float) -> shapely.Polygon:
    return shapely.Polygon(_corners(frame, length_m * scale, width_m * scale))


def _draw_football(sketch: Sketch, frame: tuple, scale: float) -> None:
    """Turf in mown bands with white lines; a running track around a full-sized one."""
    length, width = FOOTBALL_M[0] * scale, FOOTBALL_M[1] * scale
    if scale > 0.6:
        track = shapely.Polygon(_corners(frame, length * 0.72, width * 0.5)).buffer(width * 0.34)
        sketch.shapes(track, "track_red", Layer.SURFACE)
        for lane_m in (1.2, 2.4, 3.6, 4.8):
            _outline(sketch, track.buffer(-lane_m))
        length, width = length * 0.9, width * 0.86
    bands = 10
    for band in range(bands):
        turf = _corners(
            frame, length / bands, width, ((band + 0.5) / bands * length - length / 2, 0)
        )
        sketch.quads(turf[None], "turf_a" if band % 2 else "turf_b", Layer.SURFACE)
    _outline(sketch, shapely.Polygon(_corners(frame, length - 4, width - 4)))
    _outline(sketch, shapely.Point(frame[0]).buffer(9.15 * scale))
    sketch.quads(_corners(frame, 0.2, width - 4)[None], "paint", Layer.MARKING)
    for end in (-1, 1):
        _outline(
            sketch,
            shapely.Polygon(
                _corners(
                    frame, 16.5 * scale, 40.3 * scale, (end * (length / 2 - 2 - 8.25 * scale), 0)
                )
            ),
        )


def _outline(sketch: Sketch, polygon: shapely.Polygon, half_width_m: float = 0.1) -> None:
    """White lines along the edge of a polygon."""
    for part in shapely.get_parts(polygon):
        ring = shapely.get_coordinates(part.exterior)
        if len(ring) > 3:
            sides = shapely.linestrings(np.stack([ring[:-1], ring[1:]], axis=1))
            sketch.shapes(shapely.buffer(sides, half_width_m), "paint", Layer.MARKING)


def _draw_tennis(sketch: Sketch, frame: tuple, ground: shapely.Polygon) -> list[shapely.Polygon]:
    """Courts side by side, as many as fit."""
    surface = ("clay", "court_green", "court_blue")[int(ground.area) % 3]
    places = []
    for across in (-19.0, 0.0, 19.0):
        for along in (-38.0, 0.0, 38.0):
            surround = shapely.Polygon(_corners(frame, 35, 17.5, (along, across)))
            if ground.contains(surround):
                places.append(surround)
                sketch.shapes(
                    surround, "court_green" if surface == "court_blue" else surface, Layer.SURFACE
                )
                court = _corners(frame, *TENNIS_M, (along, across))
                sketch.quads(court[None], surface, Layer.SURFACE)
                _outline(sketch, shapely.Polygon(court), 0.07)
                _outline(
                    sketch, shapely.Polygon(_corners(frame, 12.8, 8.23, (along, across))), 0.07
                )
                sketch.quads(
                    _corners(frame, 0.15, 11, (along, across))[None], "paint", Layer.MARKING
                )
    return places


def parking_spaces(
    plan: Plan, buildings: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Parking spaces in the yards of industry and commerce: corners (N, 4, 2), and which are taken."""
    found = [rows_of_spaces(yard) for yard in plan.of(landuse.INDUSTRY) if rng.random() < 0.85]
    corners = np.concatenate([np.empty((0, 4, 2)), *found])
    near, _ = shapely.STRtree(shapely.buffer(buildings, 2.0)).query(
        shapely.polygons(corners), predicate="intersects"
    )
    free = np.ones(len(corners), bool)
    free[near] = False
    return corners[free], rng.random(free.sum()) < rng.choice([0.3, 0.6, 0.8])


def rows_of_spaces(yard: shapely.Polygon) -> np.ndarray:
    """Double rows of spaces with lanes between, as far as they lie in the yard."""
    frame = _frame(yard)
    reach = int(np.hypot(*np.ptp(np.array(yard.exterior.coords), axis=0)) / 2)
    rows = [row + side for row in np.arange(-reach, reach, 16.5) for side in (0.0, SPACE_M[1])]
    along, across = (
        values.ravel() for values in np.meshgrid(np.arange(-reach, reach, SPACE_M[0]), rows)
    )
    middle = frame[0] + along[:, None] * frame[1] + across[:, None] * frame[2]
    u, v = frame[1] * SPACE_M[0] / 2, frame[2] * SPACE_M[1] / 2
    corners = np.stack([middle - u - v, middle + u - v, middle + u + v, middle - u + v], axis=1)
    return corners[shapely.contains(yard.buffer(-2.5), shapely.polygons(corners))]


def draw_car_parks(sketch: Sketch, corners: np.ndarray) -> None:
    """White lines between spaces."""
    near, far = corners[:, 0], corners[:, 3]
    along = corners[:, 1] - corners[:, 0]
    line = along / np.linalg.norm(along, axis=1, keepdims=True) * 0.07
    sketch.quads(
        np.stack([near - line, near + line, far + line, far - line], axis=1), "paint", Layer.MARKING
    )


def draw_stores(sketch: Sketch, plan: Plan, taken: np.ndarray, rng: np.random.Generator) -> None:
    """Containers and lorries in the corners of yards."""
    yards = shapely.buffer(plan.of(landuse.INDUSTRY), -6.0)
    points, owner = scatter(yards, 0.0022, rng)
    along = np.array([_frame(yard)[1] if yard.area else (1.0, 0.0) for yard in yards])[owner]
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    u, v = along * 6.1, across * 1.3
    corners = np.stack([points - u - v, points + u - v, points + u + v, points - u + v], axis=1)
    near, _ = shapely.STRtree(taken).query(shapely.polygons(corners), predicate="intersects")
    corners = np.delete(corners, near, axis=0)
    sketch.shadows(corners, 3.0)
    names = rng.choice(
        ["container", "roof_white", "car_blue", "roof_green", "car_red", "car_silver"], len(corners)
    )
    sketch.quads(corners, np.array([MATERIAL[name] for name in names], int), Layer.RAISED)
