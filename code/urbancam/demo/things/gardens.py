"""Gardens behind houses: plots with hedges, drives, terraces and pools."""

from dataclasses import dataclass

import numpy as np
import shapely

from urbancam.demo.layout import landuse
from urbancam.demo.layout.plan import Plan
from urbancam.demo.rendering.drawing import Layer, Sketch
from urbancam.demo.rendering.materials import MATERIAL
from urbancam.demo.things.frontage import Plots, fit, line_up

COURTS = ("courtyard", "courtyard", "gravel", "terrace", "asphalt", "lawn", "lawn_dry", "shrubs")
LAWNS = ("lawn", "lawn", "lawn_mown", "lawn_dry", "lawn_dry", "vegetables", "gravel")


@dataclass(frozen=True)
class Garden:
    """Sizes of plots and houses, m, and how many plots have a pool."""

    plot_m: float
    house_m: tuple[float, float]
    setback_m: float
    pools: float


GARDENS = {
    landuse.URBAN_MEDIUM: Garden(17.0, (10.5, 9.0), 5.5, 0.10),
    landuse.URBAN_LOW: Garden(27.0, (13.5, 10.0), 9.0, 0.35),
}


def garden_plots(code: int, blocks: np.ndarray) -> Plots:
    """The plots of detached houses; blocks differ a little in width, by their area."""
    garden = GARDENS[code]
    return line_up(
        blocks, garden.plot_m * (0.85 + 0.3 * (shapely.area(blocks) % 1)), start_m=garden.setback_m
    )


def with_slabs(blocks: np.ndarray) -> np.ndarray:
    """Which blocks of the denser quarters hold apartment slabs on a common lawn: (N,) bool, three in ten."""
    return shapely.area(blocks) % 1 < 0.3


def draw_gardens(sketch: Sketch, plan: Plan, rng: np.random.Generator) -> np.ndarray:
    """Draw all gardens and courts; returns the pools (N,) polygons, so that no tree stands in one."""
    courts, terraced = plan.of(landuse.URBAN_DENSE), plan.of(landuse.URBAN_HIGH)
    terraced = terraced[~with_slabs(terraced)]
    draw_plots(sketch, line_up(courts, 13.0, 12.0), courts, COURTS, rng)
    draw_plots(sketch, line_up(terraced, 8.0, 11.0), terraced, LAWNS, rng)
    pools = [draw_detached(sketch, code, plan.of(code), rng) for code in GARDENS]
    return shapely.polygons(np.concatenate(pools))


def draw_plots(
    sketch: Sketch,
    plots: Plots,
    blocks: np.ndarray,
    names: tuple[str, ...],
    rng: np.random.Generator,
) -> None:
    """Each plot a ground of its own, with a hedge around it."""
    depth = np.minimum(2.2 * plots.width_m + 8, 36) * rng.uniform(0.85, 1.1, len(plots))
    hedged = shapely.intersection(shapely.polygons(plots.rectangles(depth)), blocks[plots.owner])
    inner = plots.rectangles(depth - 0.9, 0.45, plots.width_m - 0.9)
    inner = shapely.intersection(shapely.polygons(inner), shapely.buffer(blocks, -0.4)[plots.owner])
    grounds = np.array([MATERIAL[name] for name in names])
    sketch.shapes(hedged, "hedge", Layer.SURFACE)
    sketch.shapes(inner, rng.choice(grounds, len(plots)), Layer.SURFACE)


def draw_detached(
    sketch: Sketch, code: int, blocks: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    garden, plots = GARDENS[code], garden_plots(code, blocks)
    draw_plots(sketch, plots, blocks, LAWNS, rng)
    side = rng.choice([-0.36, 0.36], len(plots)) * plots.width_m
    drives = plots.rectangles(garden.setback_m + 3, -0.3, 3.0, side)
    sketch.quads(drives[rng.random(len(plots)) < 0.8], "gravel", Layer.SURFACE)
    behind = garden.setback_m + garden.house_m[1]
    terraces = plots.rectangles(5.0, behind - 1, garden.house_m[0] * 0.7)
    fitting = fit(terraces, blocks, plots.owner)
    sketch.quads(terraces[fitting & (rng.random(len(plots)) < 0.7)], "terrace", Layer.SURFACE)
    return _draw_pools(sketch, plots, blocks, behind, garden.pools, rng)


def _draw_pools(
    sketch: Sketch,
    plots: Plots,
    blocks: np.ndarray,
    behind_m: float,
    odds: float,
    rng: np.random.Generator,
) -> np.ndarray:
    shift = rng.uniform(-0.15, 0.15, len(plots)) * plots.width_m
    setback = behind_m + rng.uniform(5, 7, len(plots))
    around = plots.rectangles(6.5, setback, 11.0, shift)
    kept = (rng.random(len(plots)) < odds) & fit(around, blocks, plots.owner)
    sketch.quads(around[kept], "terrace", Layer.SURFACE)
    sketch.quads(plots.rectangles(4.0, setback + 1.2, 8.4, shift)[kept], "pool", Layer.MARKING)
    return around[kept]
