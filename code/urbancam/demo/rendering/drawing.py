"""What a renderer needs to know: coloured polygons in painting order, and trees.

Objects of the town are collected in a `Sketch` (Lambert-93, m) and frozen into a `Drawing` of
plain arrays.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import shapely

from urbancam.demo.rendering.materials import MATERIAL


@dataclass(frozen=True)
class Sun:
    """Where the light comes from.

    Args:
        azimuth_deg: Degrees clockwise from north.
        shadow_per_height: Length of a shadow over the height that throws it.
    """

    azimuth_deg: float
    shadow_per_height: float

    @property
    def heading(self) -> np.ndarray:
        """(2,) unit vector along which shadows fall, east and north."""
        azimuth = np.radians(self.azimuth_deg)
        return np.array([-np.sin(azimuth), -np.cos(azimuth)])


SURVEY_SUN = Sun(158.0, 0.75)  # late morning, 53 degrees high, as survey flights are flown


class Layer(IntEnum):
    """Painting order; shadows fall on the flat layers, what is raised stands in the light."""

    GROUND = 0
    SURFACE = 1
    MARKING = 2
    SHADOW = 3
    RAISED = 4
    DETAIL = 5


@dataclass(frozen=True)
class Drawing:
    """All objects of a city, in metres east and south of the north-west corner of the tiles.

    Args:
        xy: (M, 2) float32 vertices of all polygons, one after the other.
        start: (P + 1,) where each polygon begins in `xy`.
        material: (P,) uint8.
        layer: (P,) uint8, ascending.
        box: (P, 4) float32 xmin, ymin, xmax, ymax.
        trees: (T, 2) float32 centres.
        crown_m: (T,) float32 diameters of the crowns, m.
        hue: (T,) uint8 kinds of crown.
        sun: Gives the direction of shadows.
    """

    xy: np.ndarray
    start: np.ndarray
    material: np.ndarray
    layer: np.ndarray
    box: np.ndarray
    trees: np.ndarray
    crown_m: np.ndarray
    hue: np.ndarray
    sun: Sun = SURVEY_SUN


class Sketch:
    """Collects polygons and trees.

    Args:
        sun: Gives the direction of shadows.
    """

    def __init__(self, sun: Sun = SURVEY_SUN) -> None:
        self.sun = sun
        self._coordinates: list[np.ndarray] = []
        self._counts: list[np.ndarray] = []
        self._materials: list[np.ndarray] = []
        self._layers: list[np.ndarray] = []
        self._trees: list[np.ndarray] = []

    def shapes(
        self,
        geometries: np.ndarray,
        material: str | np.ndarray,
        layer: Layer,
    ) -> None:
        """Add polygons or multipolygons (their outer rings).

        Args:
            geometries: One, or an array (N,); what is no polygon is left out.
            material: Name of the material of all, or number of the material of each (N,).
            layer: Where in the painting order they stand.
        """
        geometries = np.atleast_1d(geometries)
        numbers = np.broadcast_to(_number(material), geometries.shape)
        parts, owner = shapely.get_parts(geometries, return_index=True)
        is_polygon = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
        usable = is_polygon & ~shapely.is_empty(parts)

        rings = shapely.get_exterior_ring(parts[usable])
        xy = shapely.get_coordinates(rings)
        self._add(xy, shapely.get_num_coordinates(rings), numbers[owner[usable]], layer)

    def quads(
        self,
        corners: np.ndarray,
        material: str | np.ndarray,
        layer: Layer,
    ) -> None:
        """Add polygons of equally many corners: (N, K, 2)."""
        count, corner, _ = corners.shape
        numbers = np.broadcast_to(_number(material), count)
        counts = np.full(count, corner)
        self._add(corners.reshape(-1, 2), counts, numbers, layer)

    def shadows(self, corners: np.ndarray, height_m: float | np.ndarray) -> None:
        """Add the shadows of upright things with convex footprints (N, K, 2)."""
        length = np.broadcast_to(height_m, len(corners)) * self.sun.shadow_per_height
        reach = length[:, None, None] * self.sun.heading
        swept = np.concatenate([corners, corners + reach], axis=1)
        hulls = shapely.convex_hull(shapely.multipoints(swept))
        self.shapes(hulls, "shadow", Layer.SHADOW)

    def trees(
        self,
        points: np.ndarray,
        crown_m: np.ndarray,
        hue: np.ndarray,
    ) -> None:
        """Add trees at (N, 2)."""
        crowns = np.broadcast_to(crown_m, len(points))
        hues = np.broadcast_to(hue, len(points))
        self._trees.append(np.column_stack([points, crowns, hues]))

    def _add(
        self,
        xy: np.ndarray,
        counts: np.ndarray,
        numbers: np.ndarray,
        layer: Layer,
    ) -> None:
        self._coordinates.append(xy)
        self._counts.append(counts)
        self._materials.append(numbers)
        self._layers.append(np.full(len(counts), layer))

    def freeze(self, west: float, north: float) -> Drawing:
        """Everything in painting order, seen from a north-west corner; trees from north on."""
        corner = np.array([west, north])
        southward = np.array([1, -1])
        xy = ((np.concatenate(self._coordinates) - corner) * southward).astype("float32")
        counts = np.concatenate(self._counts)
        begins = np.cumsum(counts) - counts
        lowest = np.minimum.reduceat(xy, begins)
        highest = np.maximum.reduceat(xy, begins)
        box = np.concatenate([lowest, highest], axis=1)

        # Polygons go into painting order, and their vertices with them.
        layers = np.concatenate(self._layers)
        order = np.argsort(layers, kind="stable")
        ends = np.cumsum(counts[order])
        shift = begins[order] - (ends - counts[order])
        vertex = np.repeat(shift, counts[order]) + np.arange(len(xy))

        # Trees further south are painted over those further north.
        trees = np.concatenate(self._trees)
        x, y, *_ = trees.T
        trees = trees[np.lexsort((x, -y))]
        return Drawing(
            xy=xy[vertex],
            start=np.concatenate([[0], ends]),
            material=np.concatenate(self._materials)[order].astype("uint8"),
            layer=layers[order].astype("uint8"),
            box=box[order],
            trees=((trees[:, :2] - corner) * southward).astype("float32"),
            crown_m=trees[:, 2].astype("float32"),
            hue=trees[:, 3].astype("uint8"),
            sun=self.sun,
        )


def _number(material: str | np.ndarray) -> int | np.ndarray:
    return MATERIAL[material] if isinstance(material, str) else material
