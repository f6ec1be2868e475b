"""What stands on the blocks of the demo's towns: each town's houses, yards, gardens and trees.

Every function draws all blocks (B,) of a site into a sketch. Sizes as in `streets`. Most quarters
were built of one of several materials, by lot, so that colour tells a town less than form does.
"""

import numpy as np
import shapely

from urbancam.demo.layout import landuse
from urbancam.demo.rendering.drawing import Layer, Sketch
from urbancam.demo.rendering.materials import material_numbers
from urbancam.demo.things.buildings import detached_houses
from urbancam.demo.things.estates import draw_spaces, estate_footprints, margin_spaces
from urbancam.demo.things.frontage import fit, line_up, scatter
from urbancam.demo.things.gardens import draw_detached
from urbancam.demo.things.rectangles import clear_of, join
from urbancam.demo.things.roofs import TILES, boxes, flat_roofs, gables
from urbancam.demo.things.traffic import draw_cars
from urbancam.demo.things.trees import TRUNK_M, plant
from urbancam.demo.things.yards import rows_of_spaces

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
EARTH_ODDS = (0.35, 0.25, 0.25, 0.15)  # of the three, and of a white roof
COURTS = ("soil", "gravel", "courtyard")
LAWNS = (("lawn", "lawn_mown"), ("lawn_dry", "lawn"), ("meadow", "lawn_dry"))


def flat_commerce(
    sketch: Sketch,
    blocks: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Flat roofs of all sizes to the pavement's edge, car parks between."""
    _lay(sketch, blocks, ("concrete", "asphalt", "gravel"), 3.2, rng)
    car_parks = rng.random(len(blocks)) < 0.18
    shops = blocks[~car_parks]

    width_aim = rng.uniform(13, 24, len(shops))
    plots = line_up(shops, width_aim, start_m=0.5)
    depth = rng.uniform(14, 23.5, len(plots))
    width = plots.width_m * rng.uniform(0.8, 0.98, len(plots))
    corners = plots.rectangles(depth, 0.5, width)
    built = rng.random(len(plots)) < 0.92
    corners = corners[built & fit(corners, shops, plots.owner)]
    names = rng.choice(_one_of(FLAT, rng), len(corners))
    height = rng.uniform(7, 18, len(corners))
    flat_roofs(sketch, corners, height, names)
    boxes(sketch, corners, rng, "vent", each=3, size_m=1.8)

    # Car parks, cars at the kerb and trees along the pavement.
    spaces = join(rows_of_spaces(yard) for yard in blocks[car_parks])
    draw_spaces(sketch, spaces, rng, 0.6)
    _kerbside_cars(sketch, blocks, 0.45, rng)
    kerbs = shapely.buffer(blocks, 1.8, join_style="mitre")
    street = line_up(kerbs, 12.0)
    with_tree = rng.random(len(street)) < 0.4
    _plant_at(sketch, street.front[with_tree], 3.0, 6.0, [], rng)


def gabled_lanes(
    sketch: Sketch,
    blocks: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Narrow gabled houses wall to wall around each block, sheds and a tree in its court."""
    _lay(sketch, blocks, ("courtyard", "courtyard", "gravel"), 0.6, rng)
    width_aim = rng.uniform(5.5, 8.5, len(blocks))
    plots = line_up(blocks, width_aim, start_m=0.2)
    depth = rng.uniform(8, 11, len(plots))
    houses = plots.rectangles(depth, 0.1)
    houses = houses[fit(houses, blocks, plots.owner, margin_m=0.6)]
    tiles = np.flatnonzero(np.isin(TILES, _one_of(TILED, rng)))
    height = rng.uniform(8, 13, len(houses))
    house_tiles = rng.choice(tiles, len(houses))
    gables(sketch, houses, height, rng, house_tiles, across=True)

    # Sheds stand along the edge of the court behind the houses.
    courts = shapely.buffer(blocks, -11.5)
    open_courts = courts[~shapely.is_empty(courts)]
    inner = line_up(open_courts, 6.5)
    sheds = inner.rectangles(4.5, 0.5, inner.width_m * 0.8)
    with_shed = rng.random(len(inner)) < 0.6
    sheds = sheds[with_shed & fit(sheds, open_courts, inner.owner)]
    gables(sketch, sheds, 3.5, rng, rng.choice(tiles, len(sheds)))

    points, _ = scatter(courts, 0.004, rng)
    _plant_at(sketch, points, 3.0, 6.0, _polygons(houses, sheds), rng)


def villas(
    sketch: Sketch,
    blocks: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Houses that stand alone in hedged gardens, some with a pool, under many trees."""
    _lay(sketch, blocks, ("lawn",), 1.6, rng)
    spacious = rng.random() < 0.5
    code = landuse.URBAN_LOW if spacious else landuse.URBAN_MEDIUM
    pools = draw_detached(sketch, code, blocks, rng)
    houses = detached_houses(sketch, code, blocks, rng)
    points, _ = scatter(shapely.buffer(blocks, -1.0), 0.011, rng)
    _plant_at(sketch, points, 3.0, 9.0, _polygons(pools, *houses), rng)
    _kerbside_cars(sketch, blocks, 0.12, rng)


def slabs_and_towers(
    sketch: Sketch,
    blocks: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Tall parallel slabs or point blocks on a common lawn, car parks and clumps of trees."""
    _lay(sketch, blocks, _one_of(LAWNS, rng), 3.0, rng)
    corners = join(estate_footprints(block, rng) for block in blocks)
    height = rng.uniform(24, 38, len(corners))
    names = rng.choice(_one_of(FLAT, rng), len(corners))
    flat_roofs(sketch, corners, height, names)
    boxes(sketch, corners, rng, "vent", each=6, size_m=2.6)

    # A path around each building.
    buildings = _polygons(corners)
    around = shapely.buffer(shapely.polygons(corners), 5.0, join_style="mitre")
    sketch.shapes(around, "path", Layer.SURFACE)
    beside = shapely.buffer(around, -2.2, join_style="mitre")
    sketch.shapes(beside, "lawn", Layer.SURFACE)

    # Car parks along the streets, where no building stands.
    spaces = join(margin_spaces(block) for block in blocks)
    clear = clear_of(_tree_of(buildings, 3.0), shapely.polygons(spaces))
    draw_spaces(sketch, spaces[clear], rng, 0.6)
    points, _ = scatter(shapely.buffer(blocks, -4.0), 0.0045, rng)
    obstacles = buildings + _polygons(spaces)
    _plant_at(sketch, points, 4.0, 9.0, obstacles, rng)


def court_houses(
    sketch: Sketch,
    plots: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Flat-roofed houses around a court, wall to wall, on bare ground; a palm here and there."""
    ground = shapely.box(*shapely.total_bounds(plots))
    earth = _one_of(EARTH, rng)
    sketch.shapes(np.array([ground]), earth[0], Layer.GROUND)
    built = rng.random(len(plots)) < 0.88
    sketch.shapes(plots[~built], "soil", Layer.SURFACE)
    plots = plots[built]

    # Houses: a parapet, a roof and the shadow of their walls.
    walls = shapely.buffer(plots, -0.3, join_style="mitre")
    _shade(sketch, walls, rng.uniform(4, 9, len(walls)))
    names = rng.choice([*earth, "roof_white"], len(walls), p=EARTH_ODDS)
    sketch.shapes(plots, earth[1], Layer.RAISED)
    roofs = shapely.buffer(walls, -0.5, join_style="mitre")
    sketch.shapes(roofs, material_numbers(names), Layer.RAISED)

    # Courts, and the part of them in the shade of the house.
    depth = rng.uniform(4.5, 6.5, len(plots))
    courts = shapely.buffer(plots, -depth, join_style="mitre")
    sunny = shapely.transform(courts, lambda xy: xy + 2.2 * sketch.sun.heading)
    shaded = shapely.difference(courts, sunny)
    grounds = rng.choice(material_numbers(COURTS), len(courts))
    sketch.shapes(courts, grounds, Layer.DETAIL)
    sketch.shapes(shaded, "sleeper", Layer.DETAIL)
    points, _ = scatter(courts, 0.006, rng)
    _plant_at(sketch, points, 2.0, 4.0, [], rng)


def _one_of(
    palettes: tuple[tuple[str, ...], ...],
    rng: np.random.Generator,
) -> tuple[str, ...]:
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
    pavements = shapely.buffer(blocks, pavement_m, join_style="mitre")
    sketch.shapes(pavements, "pavement", Layer.GROUND)
    grounds = rng.choice(material_numbers(bases), len(blocks))
    sketch.shapes(blocks, grounds, Layer.SURFACE)


def _kerbside_cars(
    sketch: Sketch,
    blocks: np.ndarray,
    odds: float,
    rng: np.random.Generator,
) -> None:
    kerbs = shapely.buffer(blocks, 4.6, join_style="mitre")
    places = line_up(kerbs, 5.8, start_m=9.0)
    parked = rng.random(len(places)) < odds
    draw_cars(sketch, places.front[parked], places.along[parked], rng)


def _shade(
    sketch: Sketch,
    areas: np.ndarray,
    height_m: np.ndarray,
) -> None:
    """Shadows of upright walls around areas of any form."""
    length = height_m[:, None] * sketch.sun.shadow_per_height
    reaches = length * sketch.sun.heading
    ends = [
        shapely.transform(area, lambda xy, reach=reach: xy + reach)
        for area, reach in zip(areas, reaches, strict=True)
    ]
    shadows = shapely.convex_hull(shapely.union(areas, np.array(ends)))
    sketch.shapes(shadows, "shadow", Layer.SHADOW)


def _plant_at(
    sketch: Sketch,
    points: np.ndarray,
    small_m: float,
    large_m: float,
    obstacles: list[shapely.Polygon],
    rng: np.random.Generator,
) -> None:
    """Trees of all kinds where nothing else stands."""
    owner = np.arange(len(points))
    tree = _tree_of(obstacles, TRUNK_M)
    plant(sketch, points, small_m, large_m, owner, tree, rng)


def _tree_of(obstacles: list[shapely.Polygon], distance_m: float) -> shapely.STRtree:
    """The surroundings of obstacles up to a distance, to be searched."""
    polygons = np.array(obstacles, dtype=object)  # an empty list is an array of objects too
    return shapely.STRtree(shapely.buffer(polygons, distance_m))


def _polygons(*corners: np.ndarray) -> list[shapely.Polygon]:
    """The polygons of several arrays of rectangles (N, 4, 2)."""
    return list(shapely.polygons(join(corners)))
