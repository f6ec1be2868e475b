"""What stands on the blocks of the demo's towns: each town's houses, yards, gardens and trees.

Every function draws all blocks (B,) of a site into a sketch. Sizes as in `streets`. Most quarters were built of one
of several materials, by lot, so that colour tells a town less than form does.
"""

import numpy as np
import shapely

from urbancam.demo.layout import landuse
from urbancam.demo.rendering.drawing import Layer, Sketch
from urbancam.demo.rendering.materials import MATERIAL
from urbancam.demo.things.buildings import TILES, boxes, detached_houses, flat_roofs, gables
from urbancam.demo.things.frontage import fit, line_up, scatter
from urbancam.demo.things.gardens import draw_detached
from urbancam.demo.things.pitches import draw_car_parks, rows_of_spaces
from urbancam.demo.things.traffic import draw_cars
from urbancam.demo.things.trees import plant

TILED = (
    ("terracotta", "orange", "brick"),
    ("slate", "zinc", "brown"),
    ("pale", "brown", "terracotta"),
)
FLAT = (
    ("roof_white", "roof_grey", "roof_bitumen"),
    ("roof_rust", "roof_gravel", "roof_bitumen"),
    ("roof_gravel", "roof_green", "roof_grey"),
)
EARTH = (
    ("sand", "path", "roof_gravel"),
    ("gravel", "roof_grey", "concrete"),
    ("soil", "roof_rust", "courtyard"),
)
LAWNS = (("lawn", "lawn_mown"), ("lawn_dry", "lawn"), ("meadow", "lawn_dry"))


def flat_commerce(sketch: Sketch, blocks: np.ndarray, rng: np.random.Generator) -> None:
    """Flat roofs of all sizes to the pavement's edge, car parks between."""
    _lay(sketch, blocks, ("concrete", "asphalt", "gravel"), 3.2, rng)
    parked = rng.random(len(blocks)) < 0.18
    plots = line_up(blocks[~parked], rng.uniform(13, 24, (~parked).sum()), start_m=0.5)
    depth = rng.uniform(14, 23.5, len(plots))
    corners = plots.rectangles(depth, 0.5, plots.width_m * rng.uniform(0.8, 0.98, len(plots)))
    kept = fit(corners, blocks[~parked], plots.owner) & (rng.random(len(plots)) < 0.92)
    roofs = rng.choice(_one_of(FLAT, rng), kept.sum())
    flat_roofs(sketch, corners[kept], rng.uniform(7, 18, kept.sum()), roofs)
    boxes(sketch, corners[kept], rng, "vent", each=3, size_m=1.8)
    _park(sketch, blocks[parked], rng, 0.6)
    _kerbside_cars(sketch, blocks, 0.45, rng)
    street = line_up(shapely.buffer(blocks, 1.8, join_style="mitre"), 12.0)
    _plant_at(sketch, street.front[rng.random(len(street)) < 0.4], 3.0, 6.0, [], rng)


def gabled_lanes(sketch: Sketch, blocks: np.ndarray, rng: np.random.Generator) -> None:
    """Narrow gabled houses wall to wall around each block, sheds and a tree in its court."""
    _lay(sketch, blocks, ("courtyard", "courtyard", "gravel"), 0.6, rng)
    plots = line_up(blocks, rng.uniform(5.5, 8.5, len(blocks)), start_m=0.2)
    corners = plots.rectangles(rng.uniform(8, 11, len(plots)), 0.1)
    kept = fit(corners, blocks, plots.owner, margin_m=0.6)
    tiles = np.flatnonzero(np.isin(TILES, _one_of(TILED, rng)))
    gables(
        sketch,
        corners[kept],
        rng.uniform(8, 13, kept.sum()),
        rng,
        rng.choice(tiles, kept.sum()),
        across=True,
    )
    courts = shapely.buffer(blocks, -11.5)
    inner = line_up(courts[~shapely.is_empty(courts)], 6.5)
    sheds = inner.rectangles(4.5, 0.5, inner.width_m * 0.8)
    fitting = fit(sheds, courts[~shapely.is_empty(courts)], inner.owner) & (
        rng.random(len(inner)) < 0.6
    )
    gables(sketch, sheds[fitting], 3.5, rng, rng.choice(tiles, fitting.sum()))
    points, _ = scatter(courts, 0.004, rng)
    _plant_at(sketch, points, 3.0, 6.0, _polygons(corners[kept], sheds[fitting]), rng)


def villas(sketch: Sketch, blocks: np.ndarray, rng: np.random.Generator) -> None:
    """Houses that stand alone in hedged gardens, some with a pool, under many trees."""
    _lay(sketch, blocks, ("lawn",), 1.6, rng)
    low = rng.random() < 0.5
    code = landuse.URBAN_LOW if low else landuse.URBAN_MEDIUM
    pools = draw_detached(sketch, code, blocks, rng)
    houses = detached_houses(sketch, code, blocks, rng)
    points, _ = scatter(shapely.buffer(blocks, -1.0), 0.011, rng)
    _plant_at(sketch, points, 3.0, 9.0, _polygons(pools, *houses), rng)
    _kerbside_cars(sketch, blocks, 0.12, rng)


def slabs_and_towers(sketch: Sketch, blocks: np.ndarray, rng: np.random.Generator) -> None:
    """Tall parallel slabs or point blocks on a common lawn, with car parks and clumps of trees."""
    _lay(sketch, blocks, _one_of(LAWNS, rng), 3.0, rng)
    footprints = [_rows(block, rng) for block in blocks]
    corners = np.concatenate([np.empty((0, 4, 2)), *footprints])
    tall = rng.uniform(24, 38, len(corners))
    flat_roofs(sketch, corners, tall, rng.choice(_one_of(FLAT, rng), len(corners)))
    boxes(sketch, corners, rng, "vent", each=6, size_m=2.6)
    taken = _polygons(corners)
    around = shapely.buffer(shapely.polygons(corners), 5.0, join_style="mitre")
    sketch.shapes(around, "path", Layer.SURFACE)
    sketch.shapes(shapely.buffer(around, -2.2, join_style="mitre"), "lawn", Layer.SURFACE)
    spaces = np.concatenate([np.empty((0, 4, 2)), *(_margin_spaces(block) for block in blocks)])
    _draw_spaces(sketch, spaces[_clear(spaces, taken, 3.0)], rng, 0.6)
    points, _ = scatter(shapely.buffer(blocks, -4.0), 0.0045, rng)
    _plant_at(sketch, points, 4.0, 9.0, [*taken, *_polygons(spaces)], rng)


def court_houses(sketch: Sketch, plots: np.ndarray, rng: np.random.Generator) -> None:
    """Flat-roofed houses around a court, wall to wall, on bare ground; a palm here and there."""
    ground = shapely.box(*shapely.total_bounds(plots))
    earth = _one_of(EARTH, rng)
    sketch.shapes(np.array([ground]), earth[0], Layer.GROUND)
    built = rng.random(len(plots)) < 0.88
    sketch.shapes(plots[~built], "soil", Layer.SURFACE)
    plots = plots[built]
    roofs = shapely.buffer(plots, -0.3, join_style="mitre")
    _shade(sketch, roofs, rng.uniform(4, 9, len(roofs)))
    names = rng.choice([*earth, "roof_white"], len(roofs), p=[0.35, 0.25, 0.25, 0.15])
    sketch.shapes(plots, earth[1], Layer.RAISED)
    sketch.shapes(
        shapely.buffer(roofs, -0.5, join_style="mitre"),
        np.array([MATERIAL[n] for n in names]),
        Layer.RAISED,
    )
    courts = shapely.buffer(plots, -rng.uniform(4.5, 6.5, len(plots)), join_style="mitre")
    shaded = shapely.difference(
        courts, shapely.transform(courts, lambda xy: xy + 2.2 * sketch.sun.heading)
    )
    sketch.shapes(
        courts,
        rng.choice([MATERIAL["soil"], MATERIAL["gravel"], MATERIAL["courtyard"]], len(courts)),
        Layer.DETAIL,
    )
    sketch.shapes(shaded, "sleeper", Layer.DETAIL)
    points, _ = scatter(courts, 0.006, rng)
    _plant_at(sketch, points, 2.0, 4.0, [], rng)


def _one_of(palettes: tuple[tuple[str, ...], ...], rng: np.random.Generator) -> tuple[str, ...]:
    """The materials of one site."""
    return palettes[rng.integers(len(palettes))]


def _lay(
    sketch: Sketch,
    blocks: np.ndarray,
    bases: tuple[str, ...],
    pavement_m: float,
    rng: np.random.Generator,
) -> None:
    """A pavement around each block and a ground on it."""
    sketch.shapes(shapely.buffer(blocks, pavement_m, join_style="mitre"), "pavement", Layer.GROUND)
    grounds = np.array([MATERIAL[name] for name in bases])
    sketch.shapes(blocks, rng.choice(grounds, len(blocks)), Layer.SURFACE)


def _rows(block: shapely.Polygon, rng: np.random.Generator) -> np.ndarray:
    """Footprints (N, 4, 2) of one block: as many parallel slabs, or towers, as it holds."""
    a, b, c, *_ = shapely.get_coordinates(block.minimum_rotated_rectangle)
    sides = [np.hypot(*(b - a)), np.hypot(*(c - b))]
    axes = [(b - a) / sides[0], (c - b) / sides[1]]
    if rng.random() < 0.5:
        sides, axes = sides[::-1], axes[::-1]
    slabs = rng.random() < 0.65
    size = (rng.uniform(52, 62), 12.5) if slabs else (22.0, 22.0)
    gap = (
        (rng.uniform(9, 14), rng.uniform(20, 27))
        if slabs
        else (rng.uniform(18, 26), rng.uniform(18, 26))
    )
    u, v = axes[0] * size[0] / 2, axes[1] * size[1] / 2
    places = [
        _spread(side - 40.0, length, between)
        for side, length, between in zip(sides, size, gap, strict=True)
    ]
    i, j = (values.ravel()[:, None] for values in np.meshgrid(*places))
    middle = (a + c) / 2 + i * axes[0] + j * axes[1]
    return np.stack([middle - u - v, middle + u - v, middle + u + v, middle - u + v], axis=1)


def _spread(room_m: float, length_m: float, gap_m: float) -> np.ndarray:
    """Places, from the middle, of as many things side by side as there is room for, at least one."""
    count = max(int((room_m + gap_m) // (length_m + gap_m)), 1)
    return (np.arange(count) - (count - 1) / 2) * (length_m + gap_m)


def _margin_spaces(block: shapely.Polygon) -> np.ndarray:
    """Parking spaces (N, 4, 2) along one side of a block."""
    a, b, c, *_ = shapely.get_coordinates(block.minimum_rotated_rectangle)
    strip = shapely.intersection(block, shapely.LineString([a, b]).buffer(17.0))
    return (
        rows_of_spaces(strip)
        if strip.geom_type == "Polygon" and not strip.is_empty
        else np.empty((0, 4, 2))
    )


def _park(sketch: Sketch, yards: np.ndarray, rng: np.random.Generator, taken: float) -> None:
    _draw_spaces(
        sketch,
        np.concatenate([np.empty((0, 4, 2)), *(rows_of_spaces(yard) for yard in yards)]),
        rng,
        taken,
    )


def _draw_spaces(
    sketch: Sketch, spaces: np.ndarray, rng: np.random.Generator, taken: float
) -> None:
    """Parking spaces with asphalt below and cars on some."""
    sketch.shapes(shapely.buffer(shapely.polygons(spaces), 2.0), "asphalt_dark", Layer.SURFACE)
    draw_car_parks(sketch, spaces)
    spaces = spaces[rng.random(len(spaces)) < taken]
    along = spaces[:, 3] - spaces[:, 0]
    draw_cars(
        sketch, spaces.mean(axis=1), along / np.linalg.norm(along, axis=1, keepdims=True), rng
    )


def _kerbside_cars(
    sketch: Sketch, blocks: np.ndarray, odds: float, rng: np.random.Generator
) -> None:
    kerbs = line_up(shapely.buffer(blocks, 4.6, join_style="mitre"), 5.8, start_m=9.0)
    parked = rng.random(len(kerbs)) < odds
    draw_cars(sketch, kerbs.front[parked], kerbs.along[parked], rng)


def _shade(sketch: Sketch, areas: np.ndarray, height_m: np.ndarray) -> None:
    """Shadows of upright walls around areas of any form."""
    reach = height_m[:, None] * sketch.sun.shadow_per_height * sketch.sun.heading
    moved = [
        shapely.transform(area, lambda xy, by=by: xy + by)
        for area, by in zip(areas, reach, strict=True)
    ]
    sketch.shapes(
        shapely.convex_hull(shapely.union(areas, np.array(moved))), "shadow", Layer.SHADOW
    )


def _plant_at(
    sketch: Sketch,
    points: np.ndarray,
    small_m: float,
    large_m: float,
    taken: list,
    rng: np.random.Generator,
) -> None:
    """Trees where nothing else stands; those drawn at once are of all kinds."""
    tree = shapely.STRtree(shapely.buffer(np.array(taken, dtype=object), 0.8))
    plant(sketch, points, small_m, large_m, np.arange(len(points)), tree, rng)


def _polygons(*corners: np.ndarray) -> list[shapely.Polygon]:
    return list(shapely.polygons(np.concatenate([np.empty((0, 4, 2)), *corners])))


def _clear(corners: np.ndarray, taken: list, distance_m: float) -> np.ndarray:
    """Which rectangles (N, 4, 2) keep their distance from all that is taken: (N,) bool."""
    tree = shapely.STRtree(shapely.buffer(np.array(taken, dtype=object), distance_m))
    near, _ = tree.query(shapely.polygons(corners), predicate="intersects")
    free = np.ones(len(corners), bool)
    free[near] = False
    return free
