"""Plots along the edges of blocks, and the rectangles that stand on them."""

from dataclasses import dataclass

import numpy as np
import shapely

SIMPLIFY_M = 2.5  # curves of a block's edge become straight runs that a row of houses can follow


@dataclass(frozen=True)
class Plots:
    """Plots side by side along the edges of blocks.

    Args:
        front: (N, 2) middle of the plot's street side, Lambert-93, m.
        along: (N, 2) unit vector along the street, inward: (N, 2) unit vector into the block.
        width_m: (N,) length of street side.
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
        """Corners of a rectangle on each plot: (N, 4, 2), its first side along the street."""
        half = (self.width_m if width_m is None else np.broadcast_to(width_m, len(self)))[
            :, None
        ] / 2
        depth, setback, shift = (
            np.broadcast_to(v, len(self))[:, None] for v in (depth_m, setback_m, shift_m)
        )
        near = self.front + self.inward * setback + self.along * shift
        far = near + self.inward * depth
        return np.stack(
            [
                near - self.along * half,
                near + self.along * half,
                far + self.along * half,
                far - self.along * half,
            ],
            axis=1,
        )


def line_up(blocks: np.ndarray, width_m: np.ndarray | float, start_m: float = 0.0) -> Plots:
    """Divide every edge of every block into plots of about equal width.

    Args:
        blocks: (B,) polygons.
        width_m: (B,) or one: wanted width of a plot.
        start_m: left free at the start of every edge, so that rows do not collide at corners.
    """
    rings = shapely.get_exterior_ring(shapely.orient_polygons(shapely.simplify(blocks, SIMPLIFY_M)))
    xy, owner = shapely.get_coordinates(rings, return_index=True)
    same = owner[1:] == owner[:-1]
    begin, owner = xy[:-1][same], owner[:-1][same]
    edge = xy[1:][same] - begin
    length = np.hypot(*edge.T)
    along = edge / length[:, None]
    wanted = np.broadcast_to(width_m, len(blocks))[owner]
    count = np.maximum(np.floor((length - start_m) / wanted + 0.15), 0).astype(int)
    width = (length - start_m) / np.maximum(count, 1)
    row = np.repeat(np.arange(len(edge)), count)
    place = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    front = begin[row] + along[row] * (start_m + (place + 0.5) * width[row])[:, None]
    inward = np.stack([-along[:, 1], along[:, 0]], axis=1)
    return Plots(front, along[row], inward[row], width[row], owner[row], place)


def fit(
    corners: np.ndarray, blocks: np.ndarray, owner: np.ndarray, margin_m: float = 0.3
) -> np.ndarray:
    """Which rectangles lie inside their block and do not overlap an earlier one: (N,) bool."""
    polygons = shapely.polygons(corners)
    inside = shapely.contains(shapely.buffer(blocks, margin_m)[owner], polygons)
    number = np.flatnonzero(inside)
    middle = corners[number].mean(axis=1, keepdims=True)
    cores = shapely.polygons(middle + 0.94 * (corners[number] - middle))
    first, second = shapely.STRtree(cores).query(cores, predicate="intersects")
    inside[number[second[first < second]]] = False
    return inside


def scatter(
    areas: np.ndarray, per_m2: np.ndarray | float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Random points in polygons: points (N, 2) and the number of the polygon of each (N,)."""
    box = np.nan_to_num(shapely.bounds(areas))  # an empty polygon has no bounds
    size = box[:, 2:] - box[:, :2]
    count = rng.poisson(size.prod(axis=1) * np.broadcast_to(per_m2, len(areas)))
    owner = np.repeat(np.arange(len(areas)), count)
    points = box[owner, :2] + rng.random((len(owner), 2)) * size[owner]
    shapely.prepare(areas)
    inside = shapely.contains_xy(areas[owner], points)
    return points[inside], owner[inside]
