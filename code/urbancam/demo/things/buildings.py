"""The buildings of the plan: town houses, terraces, slabs, detached houses and halls."""

import numpy as np
import shapely

from urbancam.demo.layout import landuse
from urbancam.demo.layout.plan import Plan
from urbancam.demo.rendering.drawing import Layer, Sketch
from urbancam.demo.things.frontage import Plots, fit, line_up
from urbancam.demo.things.gardens import GARDENS, garden_plots, with_slabs
from urbancam.demo.things.roofs import boxes, draw_tiles, flat_roofs, gables, inset

HALL_ROOFS = ("roof_white", "roof_grey", "roof_bitumen", "roof_blue", "roof_green", "roof_rust")
HALL_ODDS = (0.30, 0.34, 0.12, 0.10, 0.08, 0.06)
SLAB_ROOFS = ("roof_gravel", "roof_grey", "roof_bitumen")
ROW_HOUSES = 6  # places of a row of terraced houses, the last of them mostly a gap


def raise_buildings(
    sketch: Sketch,
    plan: Plan,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draw all buildings; returns their footprints (N,), so that no tree grows through a roof."""
    footprints = _perimeter_houses(sketch, plan.of(landuse.URBAN_DENSE), rng)
    footprints += _terraces(sketch, plan.of(landuse.URBAN_HIGH), rng)
    for code in GARDENS:
        footprints += detached_houses(sketch, code, plan.of(code), rng)
    footprints += _halls(sketch, plan.of(landuse.INDUSTRY), rng)
    corners = np.concatenate([part for part in footprints if len(part)])
    return shapely.polygons(corners)


def _perimeter_houses(
    sketch: Sketch,
    blocks: np.ndarray,
    rng: np.random.Generator,
) -> list[np.ndarray]:
    """A closed front of town houses around each block, with sheds and annexes in the courtyard."""
    width = rng.uniform(9, 14, len(blocks))
    plots = line_up(blocks, width, start_m=12.0)
    depth = rng.uniform(10.0, 13.5, len(plots))
    houses = plots.rectangles(depth, 0.3)
    standing = fit(houses, blocks, plots.owner)
    height = rng.uniform(9, 15, standing.sum())
    gables(sketch, houses[standing], height, rng)

    # Behind every other house or so an annex, farther behind sheds.
    with_annex = standing & (rng.random(len(plots)) < 0.55)
    annexes = _annexes(sketch, plots.pick(with_annex), blocks, rng)
    return [houses[standing], annexes, _sheds(sketch, plots, blocks, rng)]


def _annexes(
    sketch: Sketch,
    plots: Plots,
    blocks: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Wings behind town houses."""
    width = plots.width_m * rng.uniform(0.35, 0.6, len(plots))
    shift = plots.width_m * rng.uniform(-0.2, 0.2, len(plots))
    depth = rng.uniform(6, 13, len(plots))
    corners = plots.rectangles(depth, 12.0, width, shift)
    corners = corners[fit(corners, blocks, plots.owner)]
    gables(sketch, corners, 4.0, rng, across=True)
    return corners


def _sheds(
    sketch: Sketch,
    plots: Plots,
    blocks: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Sheds at the far end of courtyards, on every other plot."""
    depth = rng.uniform(5, 9, len(plots))
    setback = rng.uniform(24, 34, len(plots))
    width = plots.width_m * rng.uniform(0.5, 1.0, len(plots))
    corners = plots.rectangles(depth, setback, width)
    with_shed = rng.random(len(plots)) < 0.5
    corners = corners[with_shed & fit(corners, blocks, plots.owner)]
    gables(sketch, corners, 3.5, rng)
    return corners


def _terraces(
    sketch: Sketch,
    blocks: np.ndarray,
    rng: np.random.Generator,
) -> list[np.ndarray]:
    """Rows of terraced houses; some blocks hold apartment slabs instead."""
    slabs = with_slabs(blocks)
    terraced = blocks[~slabs]
    width = rng.uniform(7, 9.5, len(terraced))
    plots = line_up(terraced, width, start_m=11.0)

    # Rows stand at different distances from the street.
    row = plots.place // ROW_HOUSES
    setback = 2.5 + (row % 2) * 1.5 + (plots.owner % 3) * 0.5
    corners = plots.rectangles(9.5, setback)

    # Most rows end with a gap, the passage to the gardens.
    last_of_row = plots.place % ROW_HOUSES == ROW_HOUSES - 1
    gap = last_of_row & (rng.random(len(plots)) < 0.8)
    standing = fit(corners, terraced, plots.owner) & ~gap
    tiles = _tiles_by_row(plots.pick(standing), rng)
    gables(sketch, corners[standing], 7.0, rng, tile=tiles)
    return [corners[standing], _slabs(sketch, blocks[slabs], rng)]


def _tiles_by_row(plots: Plots, rng: np.random.Generator) -> np.ndarray:
    """Tiles of each house (N,); most houses of a row share theirs."""
    row = plots.owner * 100 + plots.place // ROW_HOUSES
    rows, number = np.unique(row, return_inverse=True)
    shared = draw_tiles(len(rows), rng)[number]
    sharing = rng.random(len(plots)) < 0.75
    return np.where(sharing, shared, draw_tiles(len(plots), rng))


def _slabs(
    sketch: Sketch,
    blocks: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Apartment slabs with flat roofs, in parallel, some way from the street."""
    plots = line_up(blocks, 46.0, start_m=14.0)
    corners = plots.rectangles(12.5, 9.0, plots.width_m - 10)
    corners = corners[fit(corners, blocks, plots.owner)]
    flat_roofs(sketch, corners, 16.0, rng.choice(SLAB_ROOFS, len(corners)))
    boxes(sketch, corners, rng, "vent", each=5, size_m=1.8)
    return corners


def detached_houses(
    sketch: Sketch,
    code: int,
    blocks: np.ndarray,
    rng: np.random.Generator,
) -> list[np.ndarray]:
    """Houses standing alone in their gardens, some with a wing: corners of houses and wings."""
    garden = GARDENS[code]
    plots = garden_plots(code, blocks)
    count = len(plots)
    setback = garden.setback_m + rng.uniform(-1.5, 2.5, count)
    width = garden.house_m[0] * rng.uniform(0.8, 1.15, count)
    depth = garden.house_m[1] * rng.uniform(0.85, 1.15, count)
    room = np.maximum(plots.width_m - width - 2, 0)
    shift = rng.uniform(-0.5, 0.5, count) * room
    houses = plots.rectangles(depth, setback, width, shift)
    standing = fit(houses, blocks, plots.owner)
    tile = draw_tiles(count, rng)

    # A wing stands behind one half of its house.
    winged = standing & (rng.random(count) < 0.4)
    behind = setback + depth * 0.7
    aside = shift + width * 0.27
    wings = plots.rectangles(depth * 0.75, behind, width * 0.45, aside)
    winged[winged] = fit(wings[winged], blocks, plots.owner[winged])

    wings = wings[winged]
    houses = houses[standing]
    gables(sketch, wings, 4.5, rng, tile=tile[winged], across=True)
    gables(sketch, houses, 5.5, rng, tile=tile[standing])
    return [houses, wings]


def _halls(
    sketch: Sketch,
    blocks: np.ndarray,
    rng: np.random.Generator,
) -> list[np.ndarray]:
    """Big flat halls along the longest sides of a block; what is left is yard."""
    width_aim = rng.choice([36.0, 48.0, 64.0], len(blocks))
    plots = line_up(blocks, width_aim, start_m=8.0)
    depth = rng.uniform(20, 44, len(plots))
    width = plots.width_m - rng.uniform(2, 12, len(plots))
    corners = plots.rectangles(depth, 6.0, width)

    # The largest are placed first.
    order = np.argsort(-depth * plots.width_m, kind="stable")
    standing = np.zeros(len(plots), bool)
    standing[order] = fit(corners[order], blocks, plots.owner[order])
    corners = corners[standing]

    height = rng.uniform(6, 10, len(corners))
    names = rng.choice(HALL_ROOFS, len(corners), p=HALL_ODDS)
    flat_roofs(sketch, corners, height, names)
    _skylights(sketch, corners[rng.random(len(corners)) < 0.6])
    boxes(sketch, corners, rng, "vent", each=4, size_m=2.4)
    return [corners]


def _skylights(sketch: Sketch, corners: np.ndarray) -> None:
    """Bands of glass across a hall."""
    for place in (0.15, 0.32, 0.49, 0.66, 0.83):
        bands = inset(corners, place, 0.5, 0.025, 0.38)
        sketch.quads(bands, "skylight", Layer.DETAIL)
