"""Where the demo city lies: its four tiles, its outline and the census cells around it."""

from dataclasses import dataclass

import numpy as np
import pyproj
import shapely

LAMBERT_93 = 2154  # EPSG code of the imagery
LAEA = 3035  # EPSG code of census cells and Urban Atlas
CENTRE_KM = (602, 6602)  # Lambert-93; inland (Indre), where the two grids are turned by 5 degrees
CELL_M = 200
UNEVENNESS = 0.012  # depth of the outline's dents, share of its radius


@dataclass(frozen=True)
class Site:
    """Two by two tiles around `CENTRE_KM`, and a city in their middle.

    Args:
        tile_km: Side of a tile, km.
        radius_m: Half the width of the city's outline, m.
        seed: Seed of everything that is drawn.
    """

    tile_km: int
    radius_m: float
    seed: int

    def random(self, topic: int) -> np.random.Generator:
        """A stream of random numbers for each topic, so that one topic cannot disturb another."""
        return np.random.default_rng([self.seed, topic])

    @property
    def centre(self) -> np.ndarray:
        """(2,) x and y, Lambert-93, m."""
        return np.array(CENTRE_KM) * 1000.0

    @property
    def west(self) -> float:
        """Western edge of the four tiles, Lambert-93, m."""
        return (CENTRE_KM[0] - self.tile_km) * 1000.0

    @property
    def north(self) -> float:
        """Northern edge of the four tiles, Lambert-93, m."""
        return (CENTRE_KM[1] + self.tile_km) * 1000.0

    @property
    def domain(self) -> shapely.Polygon:
        """The square of the four tiles, Lambert-93."""
        side = 2000.0 * self.tile_km
        return shapely.box(self.west, self.north - side, self.west + side, self.north)

    def tile_corners_km(self) -> list[tuple[int, int]]:
        """West and NORTH edge of each tile, as IGN names tiles."""
        x, y = CENTRE_KM
        return [
            (x - self.tile_km, y),
            (x - self.tile_km, y + self.tile_km),
            (x, y),
            (x, y + self.tile_km),
        ]

    def outline(self) -> shapely.Polygon:
        """The city's boundary, Lambert-93: a rounded square, uneven, well inside the tiles."""
        angle = np.linspace(0, 2 * np.pi, 180, endpoint=False)
        cosine = np.cos(angle)
        sine = np.sin(angle)

        # A superellipse of exponent 4, dented here and there.
        radius = self.radius_m * (np.abs(cosine) ** 4 + np.abs(sine) ** 4) ** -0.25
        phases = self.random(0).uniform(0, 2 * np.pi, 3)
        waves = zip((3, 5, 8), phases, strict=True)
        wobble = sum(np.cos(cycles * angle + phase) for cycles, phase in waves)
        radius *= 1 - UNEVENNESS * (wobble + 3) / 2
        direction = np.stack([cosine, sine], axis=1)
        return shapely.Polygon(self.centre + radius[:, None] * direction)

    def cells(self) -> tuple[list[str], np.ndarray]:
        """Every census cell that touches the four tiles: ids and squares (EPSG:3035)."""
        bounds = np.array(to_laea(self.domain).bounds)
        west, south, east, north = (bounds // CELL_M * CELL_M).astype(int)
        columns = np.arange(west, east + 1, CELL_M)
        rows = np.arange(south, north + 1, CELL_M)
        x, y = (corner.ravel() for corner in np.meshgrid(columns, rows))
        corners = zip(y, x, strict=True)
        ids = [f"CRS3035RES{CELL_M}mN{northing}E{easting}" for northing, easting in corners]
        return ids, shapely.box(x, y, x + CELL_M, y + CELL_M)


def to_laea(geometry):
    """A geometry, or an array of them, from Lambert-93 to EPSG:3035, vertex by vertex."""
    return _transform(geometry, LAMBERT_93, LAEA)


def to_lambert(geometry):
    """A geometry, or an array of them, from EPSG:3035 to Lambert-93, vertex by vertex."""
    return _transform(geometry, LAEA, LAMBERT_93)


def _transform(geometry, source: int, target: int):
    transformer = pyproj.Transformer.from_crs(source, target, always_xy=True)

    def vertices(xy: np.ndarray) -> np.ndarray:
        return np.stack(transformer.transform(*xy.T), axis=1)

    return shapely.transform(geometry, vertices)
