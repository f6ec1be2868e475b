"""Trees: woods, parks, gardens, avenues, hedgerows."""

from collections.abc import Iterator

import numpy as np
import shapely

from urbancam.demo.layout import landuse
from urbancam.demo.layout.plan import Plan
from urbancam.demo.rendering.drawing import Sketch
from urbancam.demo.rendering.materials import CROWN_HUES
from urbancam.demo.things.frontage import scatter
from urbancam.demo.things.grounds import resample
from urbancam.demo.things.rectangles import clear_of

WOODS = {  # trees per m2, smallest and largest crown, m
    landuse.FOREST: (0.045, 5.0, 9.5),
    landuse.GREEN: (0.0075, 4.5, 11.0),
    landuse.SPORT: (0.0025, 4.0, 8.0),
    landuse.URBAN_LOW: (0.0085, 2.5, 8.0),
    landuse.URBAN_MEDIUM: (0.0065, 2.0, 6.0),
    landuse.URBAN_HIGH: (0.0075, 2.0, 7.0),
    landuse.URBAN_DENSE: (0.0055, 2.5, 7.0),
    landuse.INDUSTRY: (0.0008, 2.5, 5.0),
    landuse.PASTURE: (0.0003, 5.0, 9.0),
}
TRUNK_M = 0.8  # distance of a trunk from whatever else stands
KERB_OFFSET_M = 8.1  # of the trees of an avenue, from its centre line


def plant_trees(
    sketch: Sketch,
    plan: Plan,
    obstacles: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Plant all trees but where something else stands (`obstacles`, polygons)."""
    tree = shapely.STRtree(shapely.buffer(obstacles, TRUNK_M))
    for code, (per_m2, small_m, large_m) in WOODS.items():
        areas = shapely.buffer(plan.of(code), -1.0)
        density = per_m2 * rng.uniform(0.5, 1.5, len(areas))
        points, owner = scatter(areas, density, rng)
        plant(sketch, points, small_m, large_m, owner, tree, rng)
    for points, small_m, large_m in _rows(plan, rng):
        one_row = np.zeros(len(points), int)
        plant(sketch, points, small_m, large_m, one_row, tree, rng)


def plant(
    sketch: Sketch,
    points: np.ndarray,
    small_m: float,
    large_m: float,
    owner: np.ndarray,
    obstacles: shapely.STRtree,
    rng: np.random.Generator,
) -> None:
    """Plant trees of random size; those of one block tend to be of one kind.

    Args:
        sketch: Receives them.
        points: (N, 2) places, Lambert-93, m.
        small_m: Diameter of the smallest crown, m.
        large_m: Diameter of the largest crown, m.
        owner: (N,) number of the block.
        obstacles: What trees keep off.
        rng: Gives kinds and sizes.
    """
    free = clear_of(obstacles, shapely.points(points))
    count = len(points)
    blocks = owner.max() + 1 if count else 0
    kind = rng.integers(0, CROWN_HUES, blocks)[owner]
    typical = rng.random(count) < 0.55
    other_kind = rng.integers(0, CROWN_HUES, count)
    hue = np.where(typical, kind, other_kind)
    crown_m = small_m + (large_m - small_m) * rng.beta(1.6, 2.4, count)
    sketch.trees(points[free], crown_m[free], hue[free])


def _rows(plan: Plan, rng: np.random.Generator) -> Iterator[tuple[np.ndarray, float, float]]:
    """Trees in a row, row by row: points (N, 2), smallest and largest crown, m."""
    # Avenues along main streets.
    for line in shapely.get_parts(plan.arterials):
        for side_m in (-KERB_OFFSET_M, KERB_OFFSET_M):
            row = resample(shapely.offset_curve(line, side_m), 11.0)
            yield row[rng.random(len(row)) < 0.7], 4.0, 7.0

    # Trees on quays.
    water = shapely.union_all(plan.of(landuse.WATER))
    quays = shapely.get_parts(shapely.boundary(shapely.buffer(water, 2.0)))
    for line in quays:
        row = resample(line, 9.0)
        yield row[rng.random(len(row)) < 0.6], 4.0, 9.0

    # Hedgerows around fields: around some none, around some a few trees, around some many.
    for field in plan.of(landuse.ARABLE, landuse.PASTURE):
        row = resample(shapely.boundary(field), 6.0)
        lottery = rng.random(len(row))
        odds = rng.choice([0.0, 0.15, 0.6])
        yield row[lottery < odds], 3.0, 8.0
