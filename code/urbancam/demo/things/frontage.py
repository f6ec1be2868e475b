"""Plots along the edges of blocks, and the rectangles that stand on them."""

from dataclasses import dataclass

import numpy as np
import shapely

from urbancam.demo.layout.curves import left_of

SIMPLIFY_M = 2.5  # curves of a block's edge become straight runs that a row of houses can follow
CORE_SHARE = 0.94  # of a rectangle, which may not overlap another's: neighbours may touch


@dataclass(frozen=True)
class Plots:
    """Plots side by side along the edges of blocks.

    Args:
        front: (N, 2) middle of the plot's street side, Lambert-93, m.
        along: (N, 2) unit vector along the street.
        inward: (N, 2) unit vector into the block.
        width_m: (N,) length of the street side, m.
        owner: (N,) number of the block.
        place: (N,) place in the row, 0 ..
    """

    front: np.ndarray
    along: np.ndarray
    inward: np.ndarray
    width_m: np.ndarray
    owner: np.ndarray
    place: np.ndarray

    def __len__(self) -> int:
        return len(self.front)

    def pick(self, chosen: np.ndarray) -> "Plots":
        """Some of the plots, by mask or number."""
        return Plots(*(values[chosen] for values in vars(self).values()))

    def rectangles(self, depth_m, setback_m=0.0, width_m=None, shift_m=0.0) -> np.ndarray:
        """A rectangle on each plot; every size is one for all plots, or one for each (N,).

        Args:
            depth_m: Length into the block, m.
            setback_m: Distance from the street, m.
            width_m: Length along the street, m; None for that of the plot.
            shift_m: Distance from the middle of the plot, along the street, m.

        Returns:
            Corners (N, 4, 2), the first side along the street.
        """
        width_m = self.width_m if width_m is None else width_m
        setback = self.inward * self._each(setback_m)
        shift = self.along * self._each(shift_m)
        near = self.front + setback + shift
        far = near + self.inward * self._each(depth_m)
        reach = self.along * (self._each(width_m) / 2)
        corners = [near - reach, near + reach, far + reach, far - reach]
        return np.stack(corners, axis=1)

    def _each(self, value: float | np.ndarray) -> np.ndarray:
        """A value for each plot: (N, 1)."""
        return np.broadcast_to(value, len(self))[:, None]


def line_up(
    blocks: np.ndarray,
    width_m: np.ndarray | float,
    start_m: float = 0.0,
) -> Plots:
    """Divide every edge of every block into plots of about equal width.

    Args:
        blocks: (B,) polygons.
        width_m: Width of a plot aimed at, m: (B,) or one for all.
        start_m: Length left free at the start of every edge, m, so that rows do not collide at
            corners.
    """
    simple = shapely.orient_polygons(shapely.simplify(blocks, SIMPLIFY_M))
    rings = shapely.get_exterior_ring(simple)
    xy, ring = shapely.get_coordinates(rings, return_index=True)

    # Edges: from each vertex to the next of the same ring.
    same_ring = ring[1:] == ring[:-1]
    begin = xy[:-1][same_ring]
    owner = ring[:-1][same_ring]
    edge = xy[1:][same_ring] - begin
    length = np.hypot(*edge.T)
    along = edge / length[:, None]

    # As many plots of about the width as an edge has room for, and the width that fills it.
    width_aim = np.broadcast_to(width_m, len(blocks))[owner]
    count = np.floor((length - start_m) / width_aim + 0.15)
    count = np.maximum(count, 0).astype(int)
    width = (length - start_m) / np.maximum(count, 1)
    row = np.repeat(np.arange(len(edge)), count)
    first = np.cumsum(count) - count
    place = np.arange(len(row)) - np.repeat(first, count)

    distance = start_m + (place + 0.5) * width[row]
    return Plots(
        front=begin[row] + along[row] * distance[:, None],
        along=along[row],
        inward=left_of(along)[row],
        width_m=width[row],
        owner=owner[row],
        place=place,
    )


def fit(
    corners: np.ndarray,
    blocks: np.ndarray,
    owner: np.ndarray,
    margin_m: float = 0.3,
) -> np.ndarray:
    """Which rectangles lie inside their block and do not overlap an earlier one: (N,) bool."""
    areas = shapely.buffer(blocks, margin_m)[owner]
    fitting = shapely.contains(areas, shapely.polygons(corners))

    # Cores are compared, so that neighbours may share a wall.
    number = np.flatnonzero(fitting)
    middle = corners[number].mean(axis=1, keepdims=True)
    cores = shapely.polygons(middle + CORE_SHARE * (corners[number] - middle))
    first, second = shapely.STRtree(cores).query(cores, predicate="intersects")
    fitting[number[second[first < second]]] = False
    return fitting


def scatter(
    areas: np.ndarray,
    per_m2: np.ndarray | float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Random points in polygons: points (N, 2) and the number of the polygon of each (N,)."""
    # Points are thrown into the box around each polygon; those inside it stay.
    box = np.nan_to_num(shapely.bounds(areas))  # an empty polygon has no bounds
    size = box[:, 2:] - box[:, :2]
    density = np.broadcast_to(per_m2, len(areas))
    count = rng.poisson(size.prod(axis=1) * density)
    owner = np.repeat(np.arange(len(areas)), count)
    shares = rng.random((len(owner), 2))
    points = box[owner, :2] + shares * size[owner]
    shapely.prepare(areas)
    inside = shapely.contains_xy(areas[owner], points)
    return points[inside], owner[inside]
