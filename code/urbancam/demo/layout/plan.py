"""The town plan: rivers, roads and rails as ribbons, streets by splitting, blocks, and what stands on each.

All geometry is Lambert-93, in metres. The plan is a coverage: its polygons share their vertices and leave
neither gap nor overlap, and streets are polygons too, as in Urban Atlas.
"""

from dataclasses import dataclass

import numpy as np
import shapely

from urbancam.demo.layout import landuse
from urbancam.demo.layout.site import Site

GRID_M = 0.01  # vertices are snapped to centimetres, so that neighbours share them exactly
MIN_BLOCK_M2 = 1500.0  # what is smaller belongs to the street
QUAY_M = 10.0


@dataclass(frozen=True)
class Plan:
    """The plan of a city.

    Args:
        faces: (F,) polygons that tile the domain.
        codes: (F,) Urban Atlas code of each.
        arterials: centre lines of the main streets; squares: roundabouts where they meet.
        ribbons: motorway, railway and river: centre line (M, 2) and width (M,), m.
        outline: the city's boundary.
    """

    faces: np.ndarray
    codes: np.ndarray
    arterials: list[shapely.LineString]
    squares: list[shapely.Point]
    ribbons: dict[int, tuple[np.ndarray, np.ndarray]]
    outline: shapely.Polygon

    def of(self, *codes: int) -> np.ndarray:
        """The faces of some codes."""
        return self.faces[np.isin(self.codes, codes)]


def draw_plan(site: Site) -> Plan:
    """Draw the plan of a city; the same site gives the same plan."""
    ribbons = _lay_ribbons(site)
    arterials, squares = _lay_arterials(site)
    strips = _stack_strips(site, ribbons, arterials, squares)
    quays = strips[landuse.WATER].buffer(QUAY_M)
    free = site.domain.difference(shapely.union_all([*strips.values(), quays]))
    blocks = _split_into_blocks(site, list(free.geoms))
    codes = _zone(site, blocks)
    cuts = [*arterials, site.domain.exterior]
    faces = _node(
        [*cuts, *(strip.boundary for strip in strips.values()), *shapely.boundary(blocks)], site
    )
    areas = np.array([*strips.values(), *blocks])
    face_codes = _label(faces, areas, np.array([*strips, *codes]))
    return Plan(faces, face_codes, arterials, squares, ribbons, site.outline())


def ribbon(line: np.ndarray, width: np.ndarray) -> shapely.Polygon:
    """The polygon of a given width (M,) along a line (M, 2)."""
    along = np.gradient(line, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    side = np.stack([-along[:, 1], along[:, 0]], axis=1) * width[:, None] / 2
    return shapely.Polygon(np.concatenate([line + side, (line - side)[::-1]])).buffer(0)


def _curve(
    site: Site, heading: float, offset: float, bends: list[tuple[float, float, float]]
) -> np.ndarray:
    """A line right across the site: heading in radians, offset and bends in units of the city's radius.

    A bend is (amplitude, cycles per radius, phase).
    """
    reach = 3.0 * site.tile_km * 1000
    along = np.linspace(-reach, reach, 400)
    across = np.full_like(along, offset * site.radius_m)
    for amplitude, cycles, phase in bends:
        across += (
            amplitude * site.radius_m * np.sin(2 * np.pi * cycles * along / site.radius_m + phase)
        )
    axes = np.array([[np.cos(heading), np.sin(heading)], [-np.sin(heading), np.cos(heading)]])
    return site.centre + np.stack([along, across], axis=1) @ axes


def _lay_ribbons(site: Site) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    rng = site.random(1)
    heading = np.radians(rng.uniform(58, 74))
    river = _curve(
        site, heading, 0.32, [(0.13, 0.62, rng.uniform(0, 6)), (0.05, 1.5, rng.uniform(0, 6))]
    )
    rails = _curve(site, heading - 1.25, -0.45, [(0.10, 0.33, rng.uniform(0, 6))])
    motorway = _curve(site, heading + 0.12, -0.80, [(0.07, 0.4, rng.uniform(0, 6))])
    from_centre = np.linalg.norm(rails - site.centre, axis=1) / site.radius_m
    station = 34.0 * np.exp(-((from_centre / 0.62) ** 4))
    swell = 12.0 * np.sin(np.linspace(0, 60, len(river)))
    return {
        landuse.MOTORWAY: (motorway, np.full(len(motorway), 36.0)),
        landuse.RAILWAY: (rails, 18.0 + station),
        landuse.WATER: (river, 62.0 + swell),
    }


def _lay_arterials(site: Site) -> tuple[list[shapely.LineString], list[shapely.Point]]:
    """Radial streets from a central square, ring boulevards, and the roundabouts where they meet."""
    rng = site.random(2)
    heart = site.centre + rng.uniform(-0.06, 0.06, 2) * site.radius_m
    big = site.radius_m > 1000
    angles = np.linspace(0, 2 * np.pi, 7 if big else 3, endpoint=False) + rng.uniform(0, 1)
    radials = [_radial(site, heart, angle + rng.uniform(-0.16, 0.16), rng) for angle in angles]
    rings = [_ring(heart, share * site.radius_m, rng) for share in ((0.4, 0.78) if big else (0.6,))]
    lines = [line.intersection(site.domain) for line in (*radials, *rings)]
    meetings = [radial.intersection(ring) for radial in radials for ring in rings]
    crossings = [point for found in meetings for point in shapely.get_parts(found)]
    return lines, [shapely.Point(heart), *crossings[::2]]


def _radial(
    site: Site, heart: np.ndarray, angle: float, rng: np.random.Generator
) -> shapely.LineString:
    distance = np.linspace(0, 3.0 * site.tile_km * 1000, 120)
    bend = angle + 0.22 * np.sin(
        distance / site.radius_m * rng.uniform(1.5, 3.0) + rng.uniform(0, 6)
    )
    step = np.diff(distance, prepend=0.0)[:, None] * np.stack([np.cos(bend), np.sin(bend)], axis=1)
    return shapely.LineString(heart + np.cumsum(step, axis=0))


def _ring(heart: np.ndarray, radius_m: float, rng: np.random.Generator) -> shapely.LineString:
    angle = np.linspace(0, 2 * np.pi, 90)
    wobble = sum(rng.uniform(0.02, 0.06) * np.sin(k * angle + rng.uniform(0, 6)) for k in (2, 3, 5))
    radius = radius_m * (1 + wobble)
    return shapely.LineString(
        heart + radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    )


def _stack_strips(
    site: Site, ribbons: dict, arterials: list, squares: list
) -> dict[int, shapely.Geometry]:
    """What lies above comes first: motorway over streets over rails over water."""
    rng = site.random(3)
    lake = shapely.Point(site.centre + site.radius_m * np.array([-0.68, 0.66])).buffer(
        0.085 * site.radius_m
    )
    lake = shapely.affinity.rotate(shapely.affinity.scale(lake, 1.7, 0.8), rng.uniform(0, 180))
    streets = [line.buffer(9.0) for line in arterials] + [point.buffer(24.0) for point in squares]
    layers = {
        landuse.MOTORWAY: ribbon(*ribbons[landuse.MOTORWAY]),
        landuse.ROAD: shapely.union_all(streets),
        landuse.RAILWAY: ribbon(*ribbons[landuse.RAILWAY]),
        landuse.WATER: shapely.union_all([ribbon(*ribbons[landuse.WATER]), lake]),
    }
    above, strips = shapely.Polygon(), {}
    for code, layer in layers.items():
        strips[code] = layer.intersection(site.domain).difference(above)
        above = shapely.union_all([above, layer])
    return strips


def _split_into_blocks(site: Site, parts: list[shapely.Polygon]) -> np.ndarray:
    """Cut every part along its shorter axis, with a street between, until it has a block's size."""
    rng = site.random(4)
    blocks, queue = [], [(part, 0) for part in parts]
    while queue:
        part, depth = queue.pop()
        distance = np.hypot(*(np.array(part.centroid.coords[0]) - site.centre)) / site.radius_m
        pieces = split(part, _block_size(distance, rng), 12.0 if depth < 3 else 10.0, rng)
        if pieces is None:
            blocks.append(part)
        else:
            queue += [(piece, depth + 1) for piece in pieces]
    blocks = np.array(blocks)
    return blocks[shapely.area(blocks) >= MIN_BLOCK_M2]


def _block_size(distance: float, rng: np.random.Generator) -> float:
    """Area above which a block is split, m2; distance from the centre in radii of the city."""
    if distance > 1.22:
        return rng.uniform(30_000, 80_000)
    return rng.uniform(6_000, 12_000) if distance < 0.35 else rng.uniform(7_000, 17_000)


def split(
    part: shapely.Polygon,
    size_m2: float,
    street_m: float,
    rng: np.random.Generator,
    shortest_m: float = 90.0,
    smallest_m2: float = 200.0,
):
    """The two or more pieces left of a part by a street across it; None where it stays whole."""
    a, b, c, *_ = shapely.get_coordinates(part.minimum_rotated_rectangle)
    long, short = (b - a, c - b) if np.hypot(*(b - a)) > np.hypot(*(c - b)) else (c - b, b - a)
    length, width = np.hypot(*long), np.hypot(*short)
    if part.area < size_m2 or length < shortest_m:
        return None
    if width > 0.8 * length and rng.random() < 0.5:
        long, short = short, long
    middle = (a + c) / 2 + rng.uniform(-0.1, 0.1) * long
    across = short + rng.uniform(-0.07, 0.07) * long
    street = shapely.LineString([middle - across, middle + across]).buffer(
        street_m / 2, cap_style="flat"
    )
    pieces = shapely.get_parts(part.difference(street))
    return [piece for piece in pieces if piece.area > smallest_m2] if len(pieces) > 1 else None


def _zone(site: Site, blocks: np.ndarray) -> np.ndarray:
    """Urban Atlas code of each block: density falls with distance, and a lottery deals out all other uses.

    # ASSUME: the lottery is independent from block to block, so that what raises or lowers income varies from
    # cell to cell and is not simply a matter of place.
    """
    rng = site.random(5)
    offset = shapely.get_coordinates(shapely.centroid(blocks)) - site.centre
    distance = np.hypot(*offset.T) / site.radius_m + rng.normal(0, 0.07, len(blocks))
    housing = np.select(
        [distance < 0.3, distance < 0.58, distance < 0.85],
        [landuse.URBAN_DENSE, landuse.URBAN_HIGH, landuse.URBAN_MEDIUM],
        landuse.URBAN_LOW,
    )
    lottery = rng.random(len(blocks))
    uses = np.select(
        [lottery < 0.22, lottery < 0.44, lottery < 0.49, lottery < 0.51],
        [landuse.GREEN, landuse.INDUSTRY, landuse.SPORT, landuse.FOREST],
        housing,
    )
    fields = np.select(
        [lottery < 0.62, lottery < 0.8], [landuse.ARABLE, landuse.PASTURE], landuse.FOREST
    )
    inside = shapely.contains_properly(site.outline().buffer(20), shapely.point_on_surface(blocks))
    return np.where(inside, uses, fields)


def _node(lines: list, site: Site) -> np.ndarray:
    """The faces between all lines, snapped to the grid: a coverage without gaps or overlaps."""
    noded = shapely.union_all(np.array(lines), grid_size=GRID_M)
    faces = shapely.get_parts(shapely.polygonize([noded]))
    return faces[shapely.contains_properly(site.domain, shapely.point_on_surface(faces))]


def _label(faces: np.ndarray, areas: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Code of the area that holds each face; faces in none are streets."""
    found = np.full(len(faces), landuse.ROAD)
    face, area = shapely.STRtree(areas).query(shapely.point_on_surface(faces), predicate="within")
    found[face] = codes[area]
    return found
