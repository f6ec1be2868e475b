"""Street plans of the demo's towns: the blocks that each leaves between its streets.

Every function takes the side of a square, m, and gives polygons in it, origin in the south-west
corner. All sizes
# ASSUME: what such towns measure on maps, rounded; only the difference in form matters.
"""

from itertools import pairwise

import numpy as np
import shapely

from urbancam.demo.layout.blocks import split, split_all
from urbancam.demo.layout.curves import rotation

MARGIN_M = 60.0  # drawn beyond the square, so that turned blocks fill its corners
SMALLEST_BLOCK_M2 = 250


def straight_grid(side_m: float, rng: np.random.Generator) -> np.ndarray:
    """Equal rectangles between straight streets, every third one broad, turned by some degrees."""
    reach = 0.8 * side_m
    avenues = _parallel_streets(range(-8, 24), 100.0, 112.0)
    avenues = avenues + rng.uniform(0, 100)
    streets = _parallel_streets(range(-8, 36), 62.0, 72.0)
    streets = streets + rng.uniform(0, 62)
    near_avenues = avenues[np.abs(avenues) < reach]
    near_streets = streets[np.abs(streets) < reach]
    west, south = _grid(near_avenues, near_streets)

    # A block is what a street of 14 m leaves.
    blocks = shapely.box(west, south, west + 86, south + 48)
    turned = _turn(blocks, rng.uniform(-12, 12))
    return _move(turned, side_m / 2)


def old_town(side_m: float, rng: np.random.Generator) -> np.ndarray:
    """Small crooked blocks between narrow lanes, around a square."""
    # Blocks are the land nearest to each point of a disturbed grid.
    spacing = 44.0
    steps = np.arange(-2 * spacing, side_m + 2 * spacing, spacing)
    points = np.column_stack(_grid(steps, steps))
    points = points + rng.uniform(-0.42, 0.42, points.shape) * spacing
    voronoi = shapely.voronoi_polygons(shapely.multipoints(points))
    blocks = shapely.get_parts(voronoi)

    # The block at the heart is left out: the square.
    heart = shapely.Point(rng.uniform(0.35, 0.65, 2) * side_m)
    blocks = blocks[shapely.distance(blocks, heart) > 0.5]
    half_lanes = rng.choice([1.5, 1.5, 2.0, 3.0], len(blocks))
    return _parts(shapely.buffer(blocks, -half_lanes, join_style="mitre"))


def winding_drives(side_m: float, rng: np.random.Generator) -> np.ndarray:
    """Long bent blocks between streets that swing to and fro, with a cross street now and then."""
    x = np.linspace(-MARGIN_M, side_m + MARGIN_M, 120)
    swing = rng.uniform(22, 34)
    wavelength = rng.uniform(150, 230)
    phase = rng.uniform(0, 6)

    # A long wave and a short one.
    long = 2 * np.pi * x / wavelength
    short = 2 * np.pi * x / 90
    bend = swing * np.sin(long + phase) + 10 * np.sin(short + 2 * phase)

    drives = []
    starts = np.arange(-120, side_m + 120, 72.0)
    for start in starts + rng.uniform(0, 72):
        y = start + bend * rng.uniform(0.85, 1.15)
        drives.append(np.column_stack([x, y]))

    # Two cross streets, a little askew, between each pair of drives.
    crossings = []
    for lower, upper in pairwise(drives):
        for place in rng.choice(len(x) - 4, 2, replace=False):
            ends = [lower[place], upper[place + 3]]
            crossings.append(np.array(ends))

    streets = shapely.buffer(shapely.linestrings(np.array(drives)), 4.5)
    lanes = shapely.buffer(shapely.linestrings(np.array(crossings)), 4.0)
    ways = shapely.union_all([*streets, *lanes])
    land = shapely.difference(_ground(side_m), ways)
    return _turn_about_middle(_parts(land), side_m, rng.uniform(0, 90))


def superblocks(side_m: float, rng: np.random.Generator) -> np.ndarray:
    """Few large blocks between broad roads."""
    number = np.arange(-2, 4)
    x = number * 210.0 + rng.uniform(0, 210.0)
    y = number * 170.0 + rng.uniform(0, 170.0)
    west, south = _grid(x, y)
    blocks = shapely.box(west, south, west + 186, south + 146)
    return _turn_about_middle(blocks, side_m, rng.uniform(-25, 25))


def compounds(side_m: float, rng: np.random.Generator) -> np.ndarray:
    """Walled plots of a few hundred square metres, one beside the other, off narrow lanes."""
    grounds = np.array([_ground(side_m)])
    turned = _turn_about_middle(grounds, side_m, rng.uniform(0, 45))

    def cut(part: shapely.Polygon, depth: int) -> list[shapely.Polygon] | None:
        size_m2 = rng.uniform(380, 720)
        lane_m = _lane_m(depth)
        return split(part, size_m2, lane_m, rng, shortest_m=18.0, smallest_m2=60.0)

    return split_all([turned[0]], cut)


def _lane_m(depth: int) -> float:
    """Width of the lane, m, that splits a part after so many splits; the last ones are walls."""
    if depth < 2:
        return 12.0
    return 5.0 if depth < 7 else 0.7


def _ground(side_m: float) -> shapely.Polygon:
    """The square and its margin."""
    return shapely.box(-MARGIN_M, -MARGIN_M, side_m + MARGIN_M, side_m + MARGIN_M)


def _parallel_streets(numbers: range, spacing_m: float, broad_m: float) -> np.ndarray:
    """Places of parallel streets, the middle one at 0; every third is followed by a broad gap."""
    steps = np.where(np.array(numbers) % 3, spacing_m, broad_m)
    places = np.cumsum(steps)
    return places - places[len(places) // 2]


def _grid(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every pair of places in x and y: two arrays (N,)."""
    columns, rows = np.meshgrid(x, y)
    return columns.ravel(), rows.ravel()


def _parts(geometries) -> np.ndarray:
    """The polygons of geometries, but for scraps."""
    parts = shapely.get_parts(np.atleast_1d(geometries))
    large = shapely.area(parts) > SMALLEST_BLOCK_M2
    return parts[large & ~shapely.is_empty(parts)]


def _turn(blocks: np.ndarray, degrees: float) -> np.ndarray:
    matrix = rotation(np.radians(degrees))
    return shapely.transform(blocks, lambda xy: xy @ matrix)


def _move(blocks: np.ndarray, by_m: float) -> np.ndarray:
    return shapely.transform(blocks, lambda xy: xy + by_m)


def _turn_about_middle(
    blocks: np.ndarray,
    side_m: float,
    degrees: float,
) -> np.ndarray:
    """Blocks turned about the middle of the square."""
    centred = _move(blocks, -side_m / 2)
    return _move(_turn(centred, degrees), side_m / 2)
