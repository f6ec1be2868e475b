"""The bands that cross the plan: river, railway, motorway, main streets and their roundabouts."""

from typing import NamedTuple

import numpy as np
import shapely

from urbancam.demo.layout import landuse
from urbancam.demo.layout.curves import circle, ribbon, rotation, wobble
from urbancam.demo.layout.site import Site

MOTORWAY_M = 36.0
RAILWAY_M = 18.0
RIVER_M = 62.0
ARTERIAL_M = 18.0
ROUNDABOUT_M = 24.0  # radius
LARGE_CITY_M = 1000.0  # radius of a city from which it has two rings and seven radial streets


class Bend(NamedTuple):
    """A wave of a line: amplitude in radii of the city, cycles per radius, phase in radians."""

    amplitude: float
    cycles: float
    phase: float


def lay_ribbons(site: Site) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Motorway, railway and river: code -> centre line (M, 2) and width (M,), m."""
    rng = site.random(1)
    heading = np.radians(rng.uniform(58, 74))
    wide = Bend(0.13, 0.62, rng.uniform(0, 6))
    narrow = Bend(0.05, 1.5, rng.uniform(0, 6))
    river = _curve(site, heading, 0.32, [wide, narrow])

    # The railway crosses the river, the motorway runs beside it.
    bend = Bend(0.10, 0.33, rng.uniform(0, 6))
    rails = _curve(site, heading - 1.25, -0.45, [bend])
    bend = Bend(0.07, 0.4, rng.uniform(0, 6))
    motorway = _curve(site, heading + 0.12, -0.80, [bend])

    # The railway widens to a station in the middle, the river swells here and there.
    from_centre = np.linalg.norm(rails - site.centre, axis=1) / site.radius_m
    station = 34.0 * np.exp(-((from_centre / 0.62) ** 4))
    swell = 12.0 * np.sin(np.linspace(0, 60, len(river)))
    return {
        landuse.MOTORWAY: (motorway, np.full(len(motorway), MOTORWAY_M)),
        landuse.RAILWAY: (rails, RAILWAY_M + station),
        landuse.WATER: (river, RIVER_M + swell),
    }


def _curve(
    site: Site,
    heading: float,
    offset: float,
    bends: list[Bend],
) -> np.ndarray:
    """A line (M, 2) right across the site.

    Args:
        site: Gives centre and radius.
        heading: Radians.
        offset: Distance from the centre, in radii of the city.
        bends: Waves of the line.
    """
    reach = 3.0 * site.tile_km * 1000
    along = np.linspace(-reach, reach, 400)
    across = np.full_like(along, offset * site.radius_m)
    for bend in bends:
        angle = 2 * np.pi * bend.cycles * along / site.radius_m
        across += bend.amplitude * site.radius_m * np.sin(angle + bend.phase)
    line = np.stack([along, across], axis=1)
    return site.centre + line @ rotation(heading)


def lay_arterials(site: Site) -> tuple[list[shapely.LineString], list[shapely.Point]]:
    """Main streets, radial from a central square and in rings, and roundabouts where they meet."""
    rng = site.random(2)
    heart = site.centre + rng.uniform(-0.06, 0.06, 2) * site.radius_m
    large = site.radius_m > LARGE_CITY_M
    spokes = 7 if large else 3
    ring_shares = (0.4, 0.78) if large else (0.6,)

    # Evenly spread around the heart, but for a little.
    angles = np.linspace(0, 2 * np.pi, spokes, endpoint=False)
    radials = []
    for angle in angles + rng.uniform(0, 1):
        heading = angle + rng.uniform(-0.16, 0.16)
        radials.append(_radial(site, heart, heading, rng))
    rings = [_ring(heart, share * site.radius_m, rng) for share in ring_shares]
    lines = [line.intersection(site.domain) for line in (*radials, *rings)]

    crossings = []
    for radial in radials:
        for ring in rings:
            crossings.extend(shapely.get_parts(radial.intersection(ring)))
    return lines, [shapely.Point(heart), *crossings[::2]]


def _radial(
    site: Site,
    heart: np.ndarray,
    angle: float,
    rng: np.random.Generator,
) -> shapely.LineString:
    """A street outwards from the heart, which swings about its angle in radians."""
    distance = np.linspace(0, 3.0 * site.tile_km * 1000, 120)
    waves = rng.uniform(1.5, 3.0)
    phase = rng.uniform(0, 6)
    heading = angle + 0.22 * np.sin(distance / site.radius_m * waves + phase)
    steps = np.diff(distance, prepend=0.0)[:, None] * circle(heading)
    return shapely.LineString(heart + np.cumsum(steps, axis=0))


def _ring(
    heart: np.ndarray,
    radius_m: float,
    rng: np.random.Generator,
) -> shapely.LineString:
    angle = np.linspace(0, 2 * np.pi, 90)
    unevenness = wobble(angle, (2, 3, 5), (0.02, 0.06), rng)
    radius = radius_m * (1 + unevenness)
    return shapely.LineString(heart + radius[:, None] * circle(angle))


def stack_strips(
    site: Site,
    ribbons: dict,
    arterials: list,
    squares: list,
) -> dict[int, shapely.Geometry]:
    """The area of each band; what lies above comes first: motorway, streets, rails, water."""
    streets = [line.buffer(ARTERIAL_M / 2) for line in arterials]
    roundabouts = [point.buffer(ROUNDABOUT_M) for point in squares]
    river = ribbon(*ribbons[landuse.WATER])
    layers = {
        landuse.MOTORWAY: ribbon(*ribbons[landuse.MOTORWAY]),
        landuse.ROAD: shapely.union_all(streets + roundabouts),
        landuse.RAILWAY: ribbon(*ribbons[landuse.RAILWAY]),
        landuse.WATER: shapely.union_all([river, _lake(site)]),
    }
    # From each layer goes what lies under those above it.
    above = shapely.Polygon()
    strips = {}
    for code, layer in layers.items():
        strips[code] = layer.intersection(site.domain).difference(above)
        above = shapely.union_all([above, layer])
    return strips


def _lake(site: Site) -> shapely.Polygon:
    """An ellipse in the north-west."""
    degrees = site.random(3).uniform(0, 180)
    middle = site.centre + site.radius_m * np.array([-0.68, 0.66])
    disc = shapely.Point(middle).buffer(0.085 * site.radius_m)
    ellipse = shapely.affinity.scale(disc, 1.7, 0.8)
    return shapely.affinity.rotate(ellipse, degrees)
