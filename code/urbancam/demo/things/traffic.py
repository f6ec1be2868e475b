"""Cars at the kerb, on the road and in car parks, and a train."""

import numpy as np
import shapely

from urbancam.demo.layout import landuse
from urbancam.demo.layout.curves import left_of, tangents
from urbancam.demo.layout.plan import Plan
from urbancam.demo.rendering.drawing import Layer, Sketch
from urbancam.demo.rendering.materials import MATERIAL, material_numbers
from urbancam.demo.things.frontage import line_up
from urbancam.demo.things.grounds import PAVEMENT_M, near_plan, resample, strip, track_offsets
from urbancam.demo.things.rectangles import headings, rectangles

CAR_M = (4.3, 1.8)
VAN_M = (5.6, 2.1)
PAINTS = ("car_white", "car_silver", "car_black", "car_blue", "car_red", "glass")
PAINT_ODDS = (0.30, 0.27, 0.18, 0.10, 0.07, 0.08)
STREET_LANES_M = (-2.6, 2.6)  # offsets from the centre line
MOTORWAY_LANES_M = (-9.8, -5.2, 5.2, 9.8)
COACHES = 5


def draw_traffic(
    sketch: Sketch,
    plan: Plan,
    spaces: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Draw all cars and the train; `spaces` are the parking spaces with a car (N, 4, 2)."""
    draw_parked(sketch, spaces, rng)
    draw_cars(sketch, *_at_kerbs(plan, rng), rng)
    for line in shapely.get_parts(plan.arterials):
        for lane_m in STREET_LANES_M:
            street = resample(line, 7.0)
            draw_cars(sketch, *_on_lane(street, lane_m, 0.16, rng), rng)
    centre_line, _ = plan.ribbons[landuse.MOTORWAY]
    motorway = resample(near_plan(plan, centre_line), 12.0)
    for lane_m in MOTORWAY_LANES_M:
        draw_cars(sketch, *_on_lane(motorway, lane_m, 0.2, rng), rng)
    _draw_train(sketch, plan)


def draw_parked(
    sketch: Sketch,
    spaces: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """A car in each parking space (N, 4, 2)."""
    draw_cars(sketch, spaces.mean(axis=1), headings(spaces), rng)


def _at_kerbs(plan: Plan, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Cars at the kerbs around blocks of the town: middles and headings (N, 2)."""
    blocks = plan.of(
        landuse.URBAN_DENSE,
        landuse.URBAN_HIGH,
        landuse.URBAN_MEDIUM,
        landuse.URBAN_LOW,
        landuse.INDUSTRY,
        landuse.GREEN,
        landuse.SPORT,
    )
    kerbs = shapely.buffer(blocks, PAVEMENT_M + 1.1, join_style="mitre")
    places = line_up(kerbs, 5.6, start_m=9.0)
    lottery = rng.random(len(places))
    odds = rng.choice([0.1, 0.25, 0.5, 0.7], len(blocks))
    parked = lottery < odds[places.owner]

    # Kerbs at a river or a railway have no cars.
    streets = shapely.STRtree(plan.of(landuse.ROAD))
    on_street, _ = streets.query(shapely.points(places.front), predicate="within")
    parked[np.setdiff1d(np.arange(len(places)), on_street)] = False
    return places.front[parked], places.along[parked]


def _on_lane(
    line: np.ndarray,
    lane_m: float,
    odds: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Cars on a lane to the left of a line (M, 2): middles and headings (N, 2)."""
    if len(line) < 3:
        return np.empty((0, 2)), np.empty((0, 2))
    along = tangents(line)
    lane = line + left_of(along) * lane_m
    driving = rng.random(len(line)) < odds
    return lane[driving], along[driving]


def draw_cars(
    sketch: Sketch,
    middle: np.ndarray,
    along: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """A body, its windows and its roof; every tenth is a van.

    Args:
        sketch: Receives them.
        middle: (N, 2), Lambert-93, m.
        along: (N, 2) unit vectors.
        rng: Gives kinds and paints.
    """
    across = left_of(along)
    van = rng.random(len(middle)) < 0.1
    car = ~van
    size = np.where(van[:, None], VAN_M, CAR_M)
    paint = rng.choice(material_numbers(PAINTS), len(middle), p=PAINT_ODDS)
    paint[van] = MATERIAL["car_white"]

    def part(
        length: float,
        width: float,
        ahead_m: float = 0.0,
    ) -> np.ndarray:
        """A rectangle on each car, length and width as shares of the body's."""
        half_u = along * size[:, :1] * length / 2
        half_v = across * size[:, 1:] * width / 2
        return rectangles(middle + along * ahead_m, half_u, half_v)

    body = part(1, 1)
    sketch.quads(body + 0.8 * sketch.sun.heading, "shadow", Layer.SHADOW)
    sketch.quads(body, paint, Layer.DETAIL)
    windows = part(0.62, 0.86, -0.15)
    roof = part(0.36, 0.8, -0.2)
    sketch.quads(windows[car], "glass", Layer.DETAIL)
    sketch.quads(roof[car], paint[car], Layer.DETAIL)


def _draw_train(sketch: Sketch, plan: Plan) -> None:
    """Platforms at the station, and a train beside one."""
    line, width = plan.ribbons[landuse.RAILWAY]
    offsets = [offset for offset, room in track_offsets(width) if room.any()]
    station = near_plan(plan, line[width > 0.8 * width.max()])
    if len(station) < 3 or len(offsets) < 4:
        return
    station = resample(station, 2.0)
    # The platform lies between the second and the third track, the train on the third.
    between = (offsets[1] + offsets[2]) / 2
    platform = strip(station[5:130], between, 1.1)
    sketch.quads(platform, "platform", Layer.RAISED)
    for coach in range(COACHES):
        front = 20 + 13 * coach
        body = strip(station[front : front + 13], offsets[2], 1.4)
        paint = "car_silver" if coach else "car_blue"
        sketch.quads(body + 3.0 * sketch.sun.heading, "shadow", Layer.SHADOW)
        sketch.quads(body[:-1], paint, Layer.RAISED)
