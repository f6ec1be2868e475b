"""Roofs with ridges, eaves, chimneys and shadows, on footprints of four corners."""

import numpy as np

from urbancam.demo.layout.curves import left_of, unit
from urbancam.demo.rendering.drawing import Layer, Sketch
from urbancam.demo.rendering.materials import FACINGS, material_numbers

TILES = ("terracotta", "orange", "brick", "brown", "pale", "slate", "zinc")
SIGNS = ((-1, -1), (1, -1), (1, 1), (-1, 1))  # of the corners of a rectangle, once around
TILE_ODDS = (0.32, 0.22, 0.15, 0.08, 0.13, 0.07, 0.03)


def draw_tiles(count: int, rng: np.random.Generator) -> np.ndarray:
    """Tiles of so many roofs: (count,) numbers in `TILES`."""
    return rng.choice(len(TILES), count, p=TILE_ODDS)


def flat_roofs(
    sketch: Sketch,
    corners: np.ndarray,
    height_m: float | np.ndarray,
    names: np.ndarray,
) -> None:
    """Flat roofs with a light parapet.

    Args:
        sketch: Receives them.
        corners: (N, 4, 2) footprints.
        height_m: Height, m: (N,) or one for all.
        names: (N,) materials.
    """
    sketch.shadows(corners, height_m)
    sketch.quads(corners, "vent", Layer.RAISED)
    middle = corners.mean(axis=1, keepdims=True)
    reach = np.linalg.norm(corners - middle, axis=2, keepdims=True)
    inner = middle + (corners - middle) * (1 - 0.7 / reach)
    sketch.quads(inner, material_numbers(names), Layer.RAISED)


def boxes(
    sketch: Sketch,
    corners: np.ndarray,
    rng: np.random.Generator,
    name: str,
    each: int,
    size_m: float,
) -> None:
    """Ventilators, lift heads or chimneys: small boxes with shadows on roofs.

    Args:
        sketch: Receives them.
        corners: (N, 4, 2) footprints of the roofs.
        rng: Gives the places.
        name: Material.
        each: Number of boxes on a roof.
        size_m: Side of a box, m.
    """
    a, b, c, _ = np.moveaxis(corners, 1, 0)
    width = np.linalg.norm(b - a, axis=1)
    depth = np.linalg.norm(c - b, axis=1)
    for _ in range(each):
        u, v = rng.uniform(0.12, 0.88, (2, len(corners)))
        box = inset(corners, u, v, size_m / 2 / width, size_m / 2 / depth)
        sketch.quads(box + 0.8 * sketch.sun.heading, "roof_bitumen", Layer.DETAIL)
        sketch.quads(box, name, Layer.DETAIL)


def inset(corners: np.ndarray, u, v, half_u, half_v) -> np.ndarray:
    """Rectangles inside rectangles (N, 4, 2): centre (u, v), half sizes as shares of the sides."""
    a, b, _, d = np.moveaxis(corners, 1, 0)
    side_u = b - a
    side_v = d - a
    inner = []
    for sign_u, sign_v in SIGNS:
        share_u = _column(u + sign_u * half_u)
        share_v = _column(v + sign_v * half_v)
        inner.append(a + share_u * side_u + share_v * side_v)
    return np.stack(inner, axis=1)


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

    Args:
        sketch: Receives them.
        corners: (N, 4, 2) footprints; the ridge runs along their first side.
        height_m: Height of the eaves, m: (N,) or one for all.
        rng: Gives tiles and chimneys.
        tile: (N,) numbers in `TILES`; drawn by lot where there are none.
        across: Whether the ridge runs across the first side instead.
    """
    if across:
        corners = np.roll(corners, 1, axis=1)
    if tile is None:
        tile = draw_tiles(len(corners), rng)
    sketch.shadows(corners, height_m)

    # a b is the first side, d c the one opposite; the ridge lies between them.
    a, b, c, d = np.moveaxis(corners, 1, 0)
    left = (a + d) / 2
    right = (b + c) / 2
    slope = np.stack([a, b, right, left], 1)
    slope_behind = np.stack([d, c, right, left], 1)
    _slopes(sketch, slope, tile, a - d)
    _slopes(sketch, slope_behind, tile, d - a)
    _ridges(sketch, left, right)
    chimneys = corners[rng.random(len(corners)) < 0.5]
    boxes(sketch, chimneys, rng, "chimney", each=1, size_m=0.9)


def _slopes(
    sketch: Sketch,
    corners: np.ndarray,
    tile: np.ndarray,
    outward: np.ndarray,
) -> None:
    """One slope of each roof, in its tiles, by how much it looks towards the sun."""
    towards_sun = -unit(outward) @ sketch.sun.heading
    brightest = FACINGS - 1
    step = np.round((towards_sun + 1) / 2 * brightest)
    facing = np.clip(step, 0, brightest).astype(int)
    darkest = material_numbers(f"{name}_0" for name in TILES)
    sketch.quads(corners, darkest[tile] + facing, Layer.RAISED)


def _ridges(
    sketch: Sketch,
    left: np.ndarray,
    right: np.ndarray,
) -> None:
    """A pale line along the ridge."""
    side = left_of(unit(right - left)) * 0.15
    corners = [left - side, right - side, right + side, left + side]
    sketch.quads(np.stack(corners, 1), "pale_1", Layer.DETAIL)
