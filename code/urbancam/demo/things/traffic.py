"""Cars at the kerb, on the road and in car parks, and a train."""

import numpy as np
import shapely

from urbancam.demo.layout import landuse
from urbancam.demo.layout.plan import Plan
from urbancam.demo.rendering.drawing import Layer, Sketch
from urbancam.demo.rendering.materials import MATERIAL
from urbancam.demo.things.frontage import line_up
from urbancam.demo.things.grounds import PAVEMENT_M, resample, strip, track_offsets, within

CAR_M = (4.3, 1.8)
PAINTS = ("car_white", "car_silver", "car_black", "car_blue", "car_red", "glass")
PAINT_ODDS = (0.30, 0.27, 0.18, 0.10, 0.07, 0.08)


def draw_traffic(sketch: Sketch, plan: Plan, spaces: np.ndarray, rng: np.random.Generator) -> None:
    """Draw all cars and the train; `spaces` are the taken parking spaces (N, 4, 2)."""
    along = spaces[:, 3] - spaces[:, 0]
    draw_cars(
        sketch, spaces.mean(axis=1), along / np.linalg.norm(along, axis=1, keepdims=True), rng
    )
    draw_cars(sketch, *_parked(plan, rng), rng)
    for line in shapely.get_parts(plan.arterials):
        for lane_m in (-2.6, 2.6):
            draw_cars(sketch, *_driving(resample(line, 7.0), lane_m, 0.16, rng), rng)
    motorway = resample(within(plan, plan.ribbons[landuse.MOTORWAY][0]), 12.0)
    for lane_m in (-9.8, -5.2, 5.2, 9.8):
        draw_cars(sketch, *_driving(motorway, lane_m, 0.2, rng), rng)
    _draw_train(sketch, plan)


def _parked(plan: Plan, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Cars at the kerbs around blocks of the town."""
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
    plots = line_up(kerbs, 5.6, start_m=9.0)
    taken = rng.random(len(plots)) < rng.choice([0.1, 0.25, 0.5, 0.7], len(blocks))[plots.owner]
    on_street, _ = shapely.STRtree(plan.of(landuse.ROAD)).query(
        shapely.points(plots.front), predicate="within"
    )
    taken[np.setdiff1d(np.arange(len(plots)), on_street)] = False
    return plots.front[taken], plots.along[taken]


def _driving(
    line: np.ndarray, lane_m: float, odds: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    if len(line) < 3:
        return np.empty((0, 2)), np.empty((0, 2))
    along = np.gradient(line, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    taken = rng.random(len(line)) < odds
    side = np.stack([-along[:, 1], along[:, 0]], axis=1)
    return (line + side * lane_m)[taken], along[taken]


def draw_cars(
    sketch: Sketch, middle: np.ndarray, along: np.ndarray, rng: np.random.Generator
) -> None:
    """A body, its windows and its roof; every tenth is a van."""
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    van = rng.random(len(middle)) < 0.1
    size = np.where(van[:, None], (5.6, 2.1), CAR_M)

    def box(length: float, width: float, ahead: float = 0.0) -> np.ndarray:
        u, v = along * size[:, :1] * length / 2, across * size[:, 1:] * width / 2
        at = middle + along * ahead
        return np.stack([at - u - v, at + u - v, at + u + v, at - u + v], axis=1)

    body = rng.choice([MATERIAL[name] for name in PAINTS], len(middle), p=PAINT_ODDS)
    body[van] = MATERIAL["car_white"]
    sketch.quads(box(1, 1) + 0.8 * sketch.sun.heading, "shadow", Layer.SHADOW)
    sketch.quads(box(1, 1), body, Layer.DETAIL)
    sketch.quads(box(0.62, 0.86, -0.15)[~van], "glass", Layer.DETAIL)
    sketch.quads(box(0.36, 0.8, -0.2)[~van], body[~van], Layer.DETAIL)


def _draw_train(sketch: Sketch, plan: Plan) -> None:
    """Platforms at the station, and a train beside one."""
    line, width = plan.ribbons[landuse.RAILWAY]
    offsets = [offset for offset, room in track_offsets(width) if room.any()]
    middle = within(plan, line[width > 0.8 * width.max()])
    if len(middle) < 3 or len(offsets) < 4:
        return
    middle = resample(middle, 2.0)
    platform = strip(middle[5:130], (offsets[1] + offsets[2]) / 2, 1.1)
    sketch.quads(platform, "platform", Layer.RAISED)
    for coach in range(5):
        body = strip(middle[20 + 13 * coach : 33 + 13 * coach], offsets[2], 1.4)
        sketch.quads(body + 3.0 * sketch.sun.heading, "shadow", Layer.SHADOW)
        sketch.quads(body[:-1], "car_silver" if coach else "car_blue", Layer.RAISED)
