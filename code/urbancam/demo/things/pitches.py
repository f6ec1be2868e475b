"""Sports grounds: football pitches with markings, tennis courts."""

import numpy as np
import shapely

from urbancam.demo.layout import landuse
from urbancam.demo.layout.plan import Plan
from urbancam.demo.rendering.drawing import Layer, Sketch
from urbancam.demo.things.rectangles import Frame, frame_of, rectangles

FOOTBALL_M = (100.0, 62.0)  # played between 90-120 and 45-90 m (FIFA, Laws of the Game, law 1)
PENALTY_AREA_M = (16.5, 40.3)  # FIFA, law 1
CENTRE_CIRCLE_M = 9.15  # radius; FIFA, law 1
TENNIS_M = (23.77, 10.97)  # ITF, Rules of Tennis, rule 1
SERVICE_M = (12.8, 8.23)  # both service courts; ITF, rule 1
SCALES = (1.0, 0.85, 0.7, 0.55)  # of pitches: the largest that fits
CLEARANCE = 1.12  # length and width of a pitch with the ground around it, over its own
BANDS = 10  # of mown turf


def draw_sports(sketch: Sketch, plan: Plan) -> np.ndarray:
    """Draw a pitch, or tennis courts, into each sports ground; returns the places (N,)."""
    places = []
    for ground in plan.of(landuse.SPORT):
        frame = frame_of(ground)
        scale = _football_scale(ground, frame)
        if scale is not None:
            _draw_football(sketch, frame, scale)
            places.append(_football_place(frame, scale))
        else:
            places += _draw_tennis(sketch, frame, ground)
    return np.array(places, dtype=object)


def _football_scale(ground: shapely.Polygon, frame: Frame) -> float | None:
    """Scale of the largest pitch that lies in a ground; None where none does."""
    for scale in SCALES:
        if ground.contains(_football_place(frame, scale)):
            return scale
    return None


def _football_place(frame: Frame, scale: float) -> shapely.Polygon:
    """A pitch with the ground around it."""
    length, width = FOOTBALL_M
    larger = scale * CLEARANCE
    return _rectangle(frame, length * larger, width * larger)


def _corners(
    frame: Frame,
    length_m: float,
    width_m: float,
    along_m: float = 0.0,
    across_m: float = 0.0,
) -> np.ndarray:
    """Corners (4, 2) of a rectangle in a frame, its middle at (along, across), m."""
    middle = frame.middle + along_m * frame.along + across_m * frame.across
    half_u = frame.along * length_m / 2
    half_v = frame.across * width_m / 2
    return rectangles(middle, half_u, half_v)


def _rectangle(
    frame: Frame,
    length_m: float,
    width_m: float,
    along_m: float = 0.0,
    across_m: float = 0.0,
) -> shapely.Polygon:
    return shapely.Polygon(_corners(frame, length_m, width_m, along_m, across_m))


def _draw_football(
    sketch: Sketch,
    frame: Frame,
    scale: float,
) -> None:
    """Turf in mown bands with white lines; a running track around a full-sized one."""
    length = FOOTBALL_M[0] * scale
    width = FOOTBALL_M[1] * scale
    if scale > 0.6:
        _draw_track(sketch, frame, length, width)
        length = length * 0.9
        width = width * 0.86
    for band in range(BANDS):
        along = (band + 0.5) / BANDS * length - length / 2
        turf = _corners(frame, length / BANDS, width, along)
        material = "turf_a" if band % 2 else "turf_b"
        sketch.quads(turf[None], material, Layer.SURFACE)

    # Lines: around, centre circle, half-way line, penalty areas.
    _outline(sketch, _rectangle(frame, length - 4, width - 4))
    _outline(sketch, shapely.Point(frame.middle).buffer(CENTRE_CIRCLE_M * scale))
    half_way = _corners(frame, 0.2, width - 4)
    sketch.quads(half_way[None], "paint", Layer.MARKING)
    depth_m, width_m = PENALTY_AREA_M
    for end in (-1, 1):
        along = end * (length / 2 - 2 - depth_m / 2 * scale)
        _outline(sketch, _rectangle(frame, depth_m * scale, width_m * scale, along))


def _draw_track(
    sketch: Sketch,
    frame: Frame,
    length_m: float,
    width_m: float,
) -> None:
    """A running track with white lanes around a pitch."""
    core = _rectangle(frame, length_m * 0.72, width_m * 0.5)
    track = core.buffer(width_m * 0.34)
    sketch.shapes(track, "track_red", Layer.SURFACE)
    for lane_m in (1.2, 2.4, 3.6, 4.8):
        _outline(sketch, track.buffer(-lane_m))


def _outline(
    sketch: Sketch,
    polygon: shapely.Polygon,
    half_width_m: float = 0.1,
) -> None:
    """White lines along the edge of a polygon."""
    for part in shapely.get_parts(polygon):
        ring = shapely.get_coordinates(part.exterior)
        if len(ring) > 3:
            ends = np.stack([ring[:-1], ring[1:]], axis=1)
            sides = shapely.linestrings(ends)
            sketch.shapes(shapely.buffer(sides, half_width_m), "paint", Layer.MARKING)


def _draw_tennis(
    sketch: Sketch,
    frame: Frame,
    ground: shapely.Polygon,
) -> list[shapely.Polygon]:
    """Courts side by side, as many as fit; returns their surrounds."""
    surface = ("clay", "court_green", "court_blue")[int(ground.area) % 3]
    surrounds = []
    for across in (-19.0, 0.0, 19.0):
        for along in (-38.0, 0.0, 38.0):
            surround = _rectangle(frame, 35, 17.5, along, across)
            if ground.contains(surround):
                surrounds.append(surround)
                _draw_court(sketch, frame, surface, surround, (along, across))
    return surrounds


def _draw_court(
    sketch: Sketch,
    frame: Frame,
    surface: str,
    surround: shapely.Polygon,
    place: tuple[float, float],
) -> None:
    """A tennis court with its lines and its net, on a surround."""
    around = "court_green" if surface == "court_blue" else surface
    sketch.shapes(surround, around, Layer.SURFACE)
    court = _corners(frame, *TENNIS_M, *place)
    sketch.quads(court[None], surface, Layer.SURFACE)
    _outline(sketch, shapely.Polygon(court), 0.07)
    _outline(sketch, _rectangle(frame, *SERVICE_M, *place), 0.07)
    net = _corners(frame, 0.15, 11, *place)
    sketch.quads(net[None], "paint", Layer.MARKING)
