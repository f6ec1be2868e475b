"""Blocks of the plan: the land between the bands, split by streets, and what each is used for."""

from collections.abc import Callable

import numpy as np
import shapely

from urbancam.demo.layout import landuse
from urbancam.demo.layout.curves import length_m, rotated_box
from urbancam.demo.layout.site import Site

MIN_BLOCK_M2 = 1500.0  # what is smaller belongs to the street


def split(
    part: shapely.Polygon,
    size_m2: float,
    street_m: float,
    rng: np.random.Generator,
    shortest_m: float = 90.0,
    smallest_m2: float = 200.0,
) -> list[shapely.Polygon] | None:
    """The two or more pieces that a street across a part leaves; None where it stays whole.

    Args:
        part: Land to split.
        size_m2: Area below which a part stays whole, m2.
        street_m: Width of the street, m.
        rng: Gives place and direction of the street.
        shortest_m: Length below which a part stays whole, m.
        smallest_m2: Area below which a piece is left out, m2.
    """
    middle, long, short = rotated_box(part)
    length = length_m(long)
    width = length_m(short)
    if part.area < size_m2 or length < shortest_m:
        return None

    # A part that is nearly square may as well be split along its other side.
    if width > 0.8 * length and rng.random() < 0.5:
        long, short = short, long
    middle = middle + rng.uniform(-0.1, 0.1) * long
    across = short + rng.uniform(-0.07, 0.07) * long
    line = shapely.LineString([middle - across, middle + across])
    street = line.buffer(street_m / 2, cap_style="flat")

    pieces = shapely.get_parts(part.difference(street))
    if len(pieces) < 2:
        return None
    return [piece for piece in pieces if piece.area > smallest_m2]


def split_all(
    parts: list[shapely.Polygon],
    cut: Callable[[shapely.Polygon, int], list[shapely.Polygon] | None],
) -> np.ndarray:
    """Split parts, and their pieces again, until all stay whole: (B,) polygons.

    Args:
        parts: Land to split.
        cut: Of a part and the number of splits before, its pieces, or None where it stays whole.
    """
    whole = []
    queue = [(part, 0) for part in parts]
    while queue:
        part, depth = queue.pop()
        pieces = cut(part, depth)
        if pieces is None:
            whole.append(part)
        else:
            queue += [(piece, depth + 1) for piece in pieces]
    return np.array(whole)


def split_into_blocks(site: Site, parts: list[shapely.Polygon]) -> np.ndarray:
    """Cut every part across, with a street between, until it has a block's size: (B,) polygons."""
    rng = site.random(4)

    def cut(part: shapely.Polygon, depth: int) -> list[shapely.Polygon] | None:
        offset = np.array(part.centroid.coords[0]) - site.centre
        size_m2 = _block_size(length_m(offset) / site.radius_m, rng)
        street_m = 12.0 if depth < 3 else 10.0
        return split(part, size_m2, street_m, rng)

    blocks = split_all(parts, cut)
    return blocks[shapely.area(blocks) >= MIN_BLOCK_M2]


def _block_size(distance: float, rng: np.random.Generator) -> float:
    """Area above which a block is split, m2; distance from the centre in radii of the city."""
    if distance > 1.22:
        return rng.uniform(30_000, 80_000)
    if distance < 0.35:
        return rng.uniform(6_000, 12_000)
    return rng.uniform(7_000, 17_000)


def zone(site: Site, blocks: np.ndarray) -> np.ndarray:
    """Urban Atlas code of each block (B,): density falls with distance, a lottery deals the rest.

    # ASSUME: the lottery is independent from block to block, so that what raises or lowers income
    # varies from cell to cell and is not simply a matter of place.
    """
    rng = site.random(5)

    # Distance from the centre, in radii of the city, blurred so that belts of density fray.
    offset = shapely.get_coordinates(shapely.centroid(blocks)) - site.centre
    unevenness = rng.normal(0, 0.07, len(blocks))
    distance = np.hypot(*offset.T) / site.radius_m + unevenness
    housing = np.select(
        [distance < 0.3, distance < 0.58, distance < 0.85],
        [landuse.URBAN_DENSE, landuse.URBAN_HIGH, landuse.URBAN_MEDIUM],
        landuse.URBAN_LOW,
    )

    # One ticket a block: its use in town, and its use in the country.
    ticket = rng.random(len(blocks))
    in_town = np.select(
        [ticket < 0.22, ticket < 0.44, ticket < 0.49, ticket < 0.51],
        [landuse.GREEN, landuse.INDUSTRY, landuse.SPORT, landuse.FOREST],
        housing,
    )
    in_country = np.select(
        [ticket < 0.62, ticket < 0.8],
        [landuse.ARABLE, landuse.PASTURE],
        landuse.FOREST,
    )
    town = site.outline().buffer(20)
    inside = shapely.contains_properly(town, shapely.point_on_surface(blocks))
    return np.where(inside, in_town, in_country)
