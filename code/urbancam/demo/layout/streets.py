"""Street plans of the demo's towns: the blocks that each leaves between its streets.

Every function takes the side of a square, m, and gives polygons in it, origin in the south-west corner. All sizes
# ASSUME: what such towns measure on maps, rounded; only the difference in form matters.
"""

import numpy as np
import shapely

from urbancam.demo.layout.plan import split


def straight_grid(side_m: float, rng: np.random.Generator) -> np.ndarray:
    """Equal rectangles between straight streets, every third one broad, turned by some degrees."""
    reach = 0.8 * side_m
    x = np.cumsum(np.where(np.arange(-8, 24) % 3, 100.0, 112.0))
    y = np.cumsum(np.where(np.arange(-8, 36) % 3, 62.0, 72.0))
    x, y = x - x[len(x) // 2] + rng.uniform(0, 100), y - y[len(y) // 2] + rng.uniform(0, 62)
    west, south = (
        values.ravel() for values in np.meshgrid(x[np.abs(x) < reach], y[np.abs(y) < reach])
    )
    blocks = shapely.box(west, south, west + 86, south + 48)
    turned = _turn(blocks, rng.uniform(-12, 12))
    return _move(turned, side_m / 2)


def old_town(side_m: float, rng: np.random.Generator) -> np.ndarray:
    """Small crooked blocks between narrow lanes, around a square."""
    spacing = 44.0
    steps = np.arange(-2 * spacing, side_m + 2 * spacing, spacing)
    points = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    points = points + rng.uniform(-0.42, 0.42, points.shape) * spacing
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(points)))
    heart = shapely.Point(rng.uniform(0.35, 0.65, 2) * side_m)
    cells = cells[shapely.distance(cells, heart) > 0.5]  # the square
    lanes = rng.choice([1.5, 1.5, 2.0, 3.0], len(cells))
    return _parts(shapely.buffer(cells, -lanes, join_style="mitre"))


def winding_drives(side_m: float, rng: np.random.Generator) -> np.ndarray:
    """Long bent blocks between streets that swing to and fro, with a cross street here and there."""
    x = np.linspace(-60, side_m + 60, 120)
    swing, waves, phase = rng.uniform(22, 34), rng.uniform(150, 230), rng.uniform(0, 6)
    bend = swing * np.sin(2 * np.pi * x / waves + phase) + 10 * np.sin(
        2 * np.pi * x / 90 + 2 * phase
    )
    starts = np.arange(-120, side_m + 120, 72.0) + rng.uniform(0, 72)
    drives = [np.column_stack([x, y + bend * rng.uniform(0.85, 1.15)]) for y in starts]
    crossings = []
    for lower, upper in zip(drives[:-1], drives[1:], strict=True):
        for at in rng.choice(len(x) - 4, 2, replace=False):
            crossings.append(np.array([lower[at], upper[at + 3]]))
    streets = shapely.buffer(shapely.linestrings(np.array(drives)), 4.5)
    lanes = shapely.buffer(shapely.linestrings(np.array(crossings)), 4.0)
    ground = shapely.box(-60, -60, side_m + 60, side_m + 60)
    blocks = _parts(shapely.difference(ground, shapely.union_all([*streets, *lanes])))
    return _turned_about(blocks, side_m, rng.uniform(0, 90))


def superblocks(side_m: float, rng: np.random.Generator) -> np.ndarray:
    """Few large blocks between broad roads."""
    x, y = (np.arange(-2, 4) * step + rng.uniform(0, step) for step in (210.0, 170.0))
    west, south = (values.ravel() for values in np.meshgrid(x, y))
    return _turned_about(
        shapely.box(west, south, west + 186, south + 146), side_m, rng.uniform(-25, 25)
    )


def compounds(side_m: float, rng: np.random.Generator) -> np.ndarray:
    """Walled plots of a few hundred square metres, one beside the other, off narrow lanes."""
    ground = shapely.box(-60, -60, side_m + 60, side_m + 60)
    queue, plots = [(_turned_about(np.array([ground]), side_m, rng.uniform(0, 45))[0], 0)], []
    while queue:
        part, depth = queue.pop()
        lane_m = 12.0 if depth < 2 else 5.0 if depth < 7 else 0.7
        pieces = split(part, rng.uniform(380, 720), lane_m, rng, shortest_m=18.0, smallest_m2=60.0)
        if pieces is None:
            plots.append(part)
        else:
            queue += [(piece, depth + 1) for piece in pieces]
    return np.array(plots)


def _parts(geometries) -> np.ndarray:
    parts = shapely.get_parts(np.atleast_1d(geometries))
    return parts[~shapely.is_empty(parts) & (shapely.area(parts) > 250)]


def _turn(blocks: np.ndarray, degrees: float) -> np.ndarray:
    angle = np.radians(degrees)
    matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return shapely.transform(blocks, lambda xy: xy @ matrix)


def _move(blocks: np.ndarray, by_m: float) -> np.ndarray:
    return shapely.transform(blocks, lambda xy: xy + by_m)


def _turned_about(blocks: np.ndarray, side_m: float, degrees: float) -> np.ndarray:
    """Blocks turned about the middle of the square."""
    return _move(_turn(_move(blocks, -side_m / 2), degrees), side_m / 2)
