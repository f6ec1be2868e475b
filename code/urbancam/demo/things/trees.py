"""Trees: woods, parks, gardens, avenues, hedgerows."""

import numpy as np
import shapely

from urbancam.demo.layout import landuse
from urbancam.demo.layout.plan import Plan
from urbancam.demo.rendering.drawing import Sketch
from urbancam.demo.rendering.materials import CROWN_HUES
from urbancam.demo.things.frontage import scatter
from urbancam.demo.things.grounds import resample

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


def plant_trees(sketch: Sketch, plan: Plan, taken: np.ndarray, rng: np.random.Generator) -> None:
    """Plant all trees but where something else stands (`taken`, polygons)."""
    tree = shapely.STRtree(shapely.buffer(taken, 0.8))
    for code, (per_m2, small, large) in WOODS.items():
        points, owner = scatter(
            shapely.buffer(plan.of(code), -1.0), _clumped(per_m2, len(plan.of(code)), rng), rng
        )
        plant(sketch, points, small, large, owner, tree, rng)
    for points, small, large in _rows(plan, rng):
        plant(sketch, points, small, large, np.zeros(len(points), int), tree, rng)


def _clumped(per_m2: float, count: int, rng: np.random.Generator) -> np.ndarray:
    return per_m2 * rng.uniform(0.5, 1.5, count)


def plant(
    sketch: Sketch,
    points: np.ndarray,
    small: float,
    large: float,
    owner: np.ndarray,
    tree: shapely.STRtree,
    rng: np.random.Generator,
) -> None:
    """Plant trees of random size; those of one block tend to be of one kind."""
    covered, _ = tree.query(shapely.points(points), predicate="intersects")
    free = np.ones(len(points), bool)
    free[covered] = False
    kind = rng.integers(0, CROWN_HUES, owner.max() + 1 if len(owner) else 0)[owner]
    hue = np.where(rng.random(len(points)) < 0.55, kind, rng.integers(0, CROWN_HUES, len(points)))
    crown = small + (large - small) * rng.beta(1.6, 2.4, len(points))
    sketch.trees(points[free], crown[free], hue[free])


def _rows(plan: Plan, rng: np.random.Generator):
    """Avenues along main streets, trees on quays, hedgerows around fields: points and crown sizes, m."""
    for line in shapely.get_parts(plan.arterials):
        for side in (-8.1, 8.1):
            row = resample(shapely.offset_curve(line, side), 11.0)
            yield row[rng.random(len(row)) < 0.7], 4.0, 7.0
    quay = shapely.boundary(shapely.buffer(shapely.union_all(plan.of(landuse.WATER)), 2.0))
    for line in shapely.get_parts(shapely.get_parts(quay)):
        row = resample(line, 9.0)
        yield row[rng.random(len(row)) < 0.6], 4.0, 9.0
    for field in plan.of(landuse.ARABLE, landuse.PASTURE):
        row = resample(shapely.boundary(field), 6.0)
        yield row[rng.random(len(row)) < rng.choice([0.0, 0.15, 0.6])], 3.0, 8.0
