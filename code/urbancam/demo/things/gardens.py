"""Gardens behind houses: plots with hedges, drives, terraces and pools."""

from dataclasses import dataclass

import numpy as np
import shapely

from urbancam.demo.layout import landuse
from urbancam.demo.layout.plan import Plan
from urbancam.demo.rendering.drawing import Layer, Sketch
from urbancam.demo.rendering.materials import material_numbers
from urbancam.demo.things.frontage import Plots, fit, line_up

COURTS = ("courtyard", "courtyard", "gravel", "terrace", "asphalt", "lawn", "lawn_dry", "shrubs")
LAWNS = ("lawn", "lawn", "lawn_mown", "lawn_dry", "lawn_dry", "vegetables", "gravel")
HEDGE_M = 0.45
DEEPEST_M = 36


@dataclass(frozen=True)
class Garden:
    """Plots and houses of one kind of quarter.

    Args:
        plot_m: Width of a plot, m.
        house_m: Width and depth of a house, m.
        setback_m: Distance of a house from the street, m.
        pools: Share of the plots with a pool.
    """

    plot_m: float
    house_m: tuple[float, float]
    setback_m: float
    pools: float

    @property
    def behind_m(self) -> float:
        """Distance of the garden side of a house from the street, m."""
        return self.setback_m + self.house_m[1]


GARDENS = {
    landuse.URBAN_MEDIUM: Garden(17.0, (10.5, 9.0), 5.5, 0.10),
    landuse.URBAN_LOW: Garden(27.0, (13.5, 10.0), 9.0, 0.35),
}


def garden_plots(code: int, blocks: np.ndarray) -> Plots:
    """The plots of detached houses; blocks differ a little in width, by their area."""
    garden = GARDENS[code]
    lottery = shapely.area(blocks) % 1
    width_m = garden.plot_m * (0.85 + 0.3 * lottery)
    return line_up(blocks, width_m, start_m=garden.setback_m)


def with_slabs(blocks: np.ndarray) -> np.ndarray:
    """Which blocks of the denser quarters hold apartment slabs: (B,) bool, three in ten."""
    return shapely.area(blocks) % 1 < 0.3


def draw_gardens(
    sketch: Sketch,
    plan: Plan,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draw all gardens and courts; returns the pools (N,), so that no tree stands in one."""
    courts = plan.of(landuse.URBAN_DENSE)
    draw_plots(sketch, line_up(courts, 13.0, 12.0), courts, COURTS, rng)
    terraced = plan.of(landuse.URBAN_HIGH)
    terraced = terraced[~with_slabs(terraced)]
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
    variation = rng.uniform(0.85, 1.1, len(plots))
    depth = np.minimum(2.2 * plots.width_m + 8, DEEPEST_M) * variation
    outer = shapely.polygons(plots.rectangles(depth))
    hedged = shapely.intersection(outer, blocks[plots.owner])
    sketch.shapes(hedged, "hedge", Layer.SURFACE)

    # What the hedge leaves is the garden.
    width = plots.width_m - 2 * HEDGE_M
    corners = plots.rectangles(depth - 2 * HEDGE_M, HEDGE_M, width)
    areas = shapely.buffer(blocks, -0.4)[plots.owner]
    inner = shapely.intersection(shapely.polygons(corners), areas)
    grounds = rng.choice(material_numbers(names), len(plots))
    sketch.shapes(inner, grounds, Layer.SURFACE)


def draw_detached(
    sketch: Sketch,
    code: int,
    blocks: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Gardens of detached houses: a drive, a terrace and a pool on some; returns the pools."""
    garden = GARDENS[code]
    plots = garden_plots(code, blocks)
    draw_plots(sketch, plots, blocks, LAWNS, rng)

    # A drive on one side of the house, a terrace and a pool behind it.
    side = rng.choice([-0.36, 0.36], len(plots)) * plots.width_m
    drives = plots.rectangles(garden.setback_m + 3, -0.3, 3.0, side)
    with_drive = rng.random(len(plots)) < 0.8
    sketch.quads(drives[with_drive], "gravel", Layer.SURFACE)

    terraces = plots.rectangles(5.0, garden.behind_m - 1, garden.house_m[0] * 0.7)
    with_terrace = rng.random(len(plots)) < 0.7
    with_terrace &= fit(terraces, blocks, plots.owner)
    sketch.quads(terraces[with_terrace], "terrace", Layer.SURFACE)
    return _draw_pools(sketch, plots, blocks, garden, rng)


def _draw_pools(
    sketch: Sketch,
    plots: Plots,
    blocks: np.ndarray,
    garden: Garden,
    rng: np.random.Generator,
) -> np.ndarray:
    """Pools with stone around them; returns the corners (N, 4, 2) of the stone."""
    shift = rng.uniform(-0.15, 0.15, len(plots)) * plots.width_m
    setback = garden.behind_m + rng.uniform(5, 7, len(plots))
    around = plots.rectangles(6.5, setback, 11.0, shift)
    pools = plots.rectangles(4.0, setback + 1.2, 8.4, shift)
    with_pool = rng.random(len(plots)) < garden.pools
    with_pool &= fit(around, blocks, plots.owner)
    sketch.quads(around[with_pool], "terrace", Layer.SURFACE)
    sketch.quads(pools[with_pool], "pool", Layer.MARKING)
    return around[with_pool]
