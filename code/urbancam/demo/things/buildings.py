"""Houses, apartment slabs and industrial halls: roofs with ridges, eaves, chimneys and shadows."""

import numpy as np
import shapely

from urbancam.demo.layout import landuse
from urbancam.demo.layout.plan import Plan
from urbancam.demo.rendering.drawing import Layer, Sketch
from urbancam.demo.rendering.materials import FACINGS, MATERIAL
from urbancam.demo.things.frontage import Plots, fit, line_up
from urbancam.demo.things.gardens import GARDENS, garden_plots, with_slabs

TILES = np.array(["terracotta", "orange", "brick", "brown", "pale", "slate", "zinc"])
TILE_ODDS = np.array([0.32, 0.22, 0.15, 0.08, 0.13, 0.07, 0.03])
HALL_ROOFS = np.array(
    ["roof_white", "roof_grey", "roof_bitumen", "roof_blue", "roof_green", "roof_rust"]
)
HALL_ODDS = np.array([0.30, 0.34, 0.12, 0.10, 0.08, 0.06])


def raise_buildings(sketch: Sketch, plan: Plan, rng: np.random.Generator) -> np.ndarray:
    """Draw all buildings; returns their footprints (N,) polygons, so that no tree grows through a roof."""
    footprints = [
        *_perimeter_houses(sketch, plan.of(landuse.URBAN_DENSE), rng),
        *_terraces(sketch, plan.of(landuse.URBAN_HIGH), rng),
        *(
            corners
            for code in GARDENS
            for corners in detached_houses(sketch, code, plan.of(code), rng)
        ),
        *_halls(sketch, plan.of(landuse.INDUSTRY), rng),
    ]
    return shapely.polygons(np.concatenate([corners for corners in footprints if len(corners)]))


def _perimeter_houses(
    sketch: Sketch, blocks: np.ndarray, rng: np.random.Generator
) -> list[np.ndarray]:
    """A closed front of town houses around each block, with sheds and annexes in the courtyard."""
    plots = line_up(blocks, rng.uniform(9, 14, len(blocks)), start_m=12.0)
    depth = rng.uniform(10.0, 13.5, len(plots))
    corners = plots.rectangles(depth, 0.3)
    kept = fit(corners, blocks, plots.owner)
    gables(sketch, corners[kept], rng.uniform(9, 15, kept.sum()), rng)
    wings = plots.pick(kept & (rng.random(len(plots)) < 0.55))
    width, shift = (
        wings.width_m * rng.uniform(0.35, 0.6, len(wings)),
        wings.width_m * rng.uniform(-0.2, 0.2, len(wings)),
    )
    annexes = wings.rectangles(rng.uniform(6, 13, len(wings)), 12.0, width, shift)
    fitting = fit(annexes, blocks, wings.owner)
    gables(sketch, annexes[fitting], 4.0, rng, across=True)
    sheds = plots.rectangles(
        rng.uniform(5, 9, len(plots)),
        rng.uniform(24, 34, len(plots)),
        plots.width_m * rng.uniform(0.5, 1.0, len(plots)),
    )
    fitting_sheds = fit(sheds, blocks, plots.owner) & (rng.random(len(plots)) < 0.5)
    gables(sketch, sheds[fitting_sheds], 3.5, rng)
    return [corners[kept], annexes[fitting], sheds[fitting_sheds]]


def _terraces(sketch: Sketch, blocks: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Rows of terraced houses; some blocks hold apartment slabs instead."""
    slabs = with_slabs(blocks)
    plots = line_up(blocks[~slabs], rng.uniform(7, 9.5, (~slabs).sum()), start_m=11.0)
    row = plots.place // 6
    setback = 2.5 + (row % 2) * 1.5 + (plots.owner % 3) * 0.5
    corners = plots.rectangles(9.5, setback)
    gap = (plots.place % 6 == 5) & (rng.random(len(plots)) < 0.8)
    kept = fit(corners, blocks[~slabs], plots.owner) & ~gap
    gables(sketch, corners[kept], 7.0, rng, tile=_rows_of_tiles(plots.pick(kept), rng))
    return [corners[kept], *_slabs(sketch, blocks[slabs], rng)]


def _rows_of_tiles(plots: Plots, rng: np.random.Generator) -> np.ndarray:
    """Most houses of a row share their tiles."""
    row = plots.owner * 100 + plots.place // 6
    names, number = np.unique(row, return_inverse=True)
    shared = rng.choice(len(TILES), len(names), p=TILE_ODDS)[number]
    return np.where(
        rng.random(len(plots)) < 0.75, shared, rng.choice(len(TILES), len(plots), p=TILE_ODDS)
    )


def _slabs(sketch: Sketch, blocks: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Apartment slabs with flat roofs, in parallel, some way from the street."""
    plots = line_up(blocks, 46.0, start_m=14.0)
    corners = plots.rectangles(12.5, 9.0, plots.width_m - 10)
    kept = fit(corners, blocks, plots.owner)
    roofs = np.array(["roof_gravel", "roof_grey", "roof_bitumen"])
    flat_roofs(sketch, corners[kept], 16.0, rng.choice(roofs, kept.sum()))
    boxes(sketch, corners[kept], rng, "vent", each=5, size_m=1.8)
    return [corners[kept]]


def detached_houses(
    sketch: Sketch, code: int, blocks: np.ndarray, rng: np.random.Generator
) -> list[np.ndarray]:
    """Houses standing alone in their gardens, some with a wing."""
    garden, plots = GARDENS[code], garden_plots(code, blocks)
    count = len(plots)
    setback = garden.setback_m + rng.uniform(-1.5, 2.5, count)
    width = garden.house_m[0] * rng.uniform(0.8, 1.15, count)
    depth = garden.house_m[1] * rng.uniform(0.85, 1.15, count)
    shift = rng.uniform(-0.5, 0.5, count) * np.maximum(plots.width_m - width - 2, 0)
    corners = plots.rectangles(depth, setback, width, shift)
    kept = fit(corners, blocks, plots.owner)
    tile = rng.choice(len(TILES), count, p=TILE_ODDS)
    winged = kept & (rng.random(count) < 0.4)
    wings = plots.rectangles(
        depth * 0.75, setback + depth * 0.7, width * 0.45, shift + width * 0.27
    )
    winged[winged] = fit(wings[winged], blocks, plots.owner[winged])
    gables(sketch, wings[winged], 4.5, rng, tile=tile[winged], across=True)
    gables(sketch, corners[kept], 5.5, rng, tile=tile[kept])
    return [corners[kept], wings[winged]]


def _halls(sketch: Sketch, blocks: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Big flat halls along the longest sides of a block; what is left is yard."""
    plots = line_up(blocks, rng.choice([36.0, 48.0, 64.0], len(blocks)), start_m=8.0)
    count = len(plots)
    depth = rng.uniform(20, 44, count)
    corners = plots.rectangles(depth, 6.0, plots.width_m - rng.uniform(2, 12, count))
    order = np.argsort(-depth * plots.width_m, kind="stable")
    kept = np.zeros(count, bool)
    kept[order] = fit(corners[order], blocks, plots.owner[order])
    corners = corners[kept]
    flat_roofs(
        sketch,
        corners,
        rng.uniform(6, 10, len(corners)),
        rng.choice(HALL_ROOFS, len(corners), p=HALL_ODDS),
    )
    _skylights(sketch, corners[rng.random(len(corners)) < 0.6])
    boxes(sketch, corners, rng, "vent", each=4, size_m=2.4)
    return [corners]


def flat_roofs(
    sketch: Sketch, corners: np.ndarray, height_m: float | np.ndarray, names: np.ndarray
) -> None:
    """Flat roofs with a light parapet."""
    sketch.shadows(corners, height_m)
    sketch.quads(corners, "vent", Layer.RAISED)
    middle = corners.mean(axis=1, keepdims=True)
    reach = np.linalg.norm(corners - middle, axis=2, keepdims=True)
    inner = middle + (corners - middle) * (1 - 0.7 / reach)
    sketch.quads(inner, np.array([MATERIAL[name] for name in names], int), Layer.RAISED)


def _skylights(sketch: Sketch, corners: np.ndarray) -> None:
    """Bands of glass across a hall."""
    for place in (0.15, 0.32, 0.49, 0.66, 0.83):
        sketch.quads(_within(corners, place, 0.5, 0.025, 0.38), "skylight", Layer.DETAIL)


def boxes(
    sketch: Sketch,
    corners: np.ndarray,
    rng: np.random.Generator,
    name: str,
    each: int,
    size_m: float,
) -> None:
    """Ventilators, lift heads or chimneys: small boxes with shadows on a roof."""
    side = (
        np.linalg.norm(corners[:, 1] - corners[:, 0], axis=1),
        np.linalg.norm(corners[:, 2] - corners[:, 1], axis=1),
    )
    for _ in range(each):
        u, v = rng.uniform(0.12, 0.88, (2, len(corners)))
        box = _within(corners, u, v, size_m / 2 / side[0], size_m / 2 / side[1])
        sketch.quads(box + 0.8 * sketch.sun.heading, "roof_bitumen", Layer.DETAIL)
        sketch.quads(box, name, Layer.DETAIL)


def _within(corners: np.ndarray, u, v, half_u, half_v) -> np.ndarray:
    """Rectangles inside rectangles: centre (u, v) and half sizes as shares of the sides."""
    side_u, side_v = corners[:, 1] - corners[:, 0], corners[:, 3] - corners[:, 0]
    steps = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    shares = [(u + a * half_u, v + b * half_v) for a, b in steps]
    return np.stack(
        [corners[:, 0] + _column(s) * side_u + _column(t) * side_v for s, t in shares], axis=1
    )


def _column(values) -> np.ndarray:
    return np.atleast_1d(values)[:, None]


def gables(
    sketch: Sketch,
    corners: np.ndarray,
    height_m: float | np.ndarray,
    rng: np.random.Generator,
    tile: np.ndarray | None = None,
    across: bool = False,
) -> None:
    """Two slopes and a ridge; the slope that looks at the sun is the brighter one.

    The ridge runs along the first side of the footprints (N, 4, 2), or across it; `height_m` is that of the
    eaves, `tile` (N,) a number in TILES.
    """
    if across:
        corners = np.roll(corners, 1, axis=1)
    tile = rng.choice(len(TILES), len(corners), p=TILE_ODDS) if tile is None else tile
    sketch.shadows(corners, height_m)
    a, b, c, d = np.moveaxis(corners, 1, 0)
    left, right = (a + d) / 2, (b + c) / 2
    for slope, outward in (
        (np.stack([a, b, right, left], 1), a - d),
        (np.stack([d, c, right, left], 1), d - a),
    ):
        sketch.quads(slope, _tile_numbers(tile, outward, sketch.sun.heading), Layer.RAISED)
    _ridges(sketch, left, right)
    chimneys = corners[rng.random(len(corners)) < 0.5]
    boxes(sketch, chimneys, rng, "chimney", each=1, size_m=0.9)


def _tile_numbers(tile: np.ndarray, outward: np.ndarray, heading: np.ndarray) -> np.ndarray:
    towards_sun = -(outward / np.linalg.norm(outward, axis=1, keepdims=True)) @ heading
    facing = np.clip(np.round((towards_sun + 1) / 2 * (FACINGS - 1)), 0, FACINGS - 1).astype(int)
    first = np.array([MATERIAL[f"{name}_0"] for name in TILES])
    return first[tile] + facing


def _ridges(sketch: Sketch, left: np.ndarray, right: np.ndarray) -> None:
    """A pale line along the ridge."""
    along = right - left
    side = (
        np.stack([-along[:, 1], along[:, 0]], axis=1)
        / np.linalg.norm(along, axis=1, keepdims=True)
        * 0.15
    )
    sketch.quads(
        np.stack([left - side, right - side, right + side, left + side], 1), "pale_1", Layer.DETAIL
    )
