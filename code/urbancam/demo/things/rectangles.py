"""Rectangles on the ground: footprints of houses, cars, courts and parking spaces."""

from typing import NamedTuple

import numpy as np
import shapely

from urbancam.demo.layout.curves import length_m, rotated_box, unit


class Frame(NamedTuple):
    """A polygon's own coordinates: its middle (2,), unit vectors (2,) along and across it."""

    middle: np.ndarray
    along: np.ndarray
    across: np.ndarray


def frame_of(polygon: shapely.Polygon) -> Frame:
    """The frame of the smallest rectangle around a polygon."""
    middle, long, _ = rotated_box(polygon)
    along = long / length_m(long)
    x, y = along
    return Frame(middle, along, np.array([-y, x]))


def rectangles(
    middle: np.ndarray,
    half_u: np.ndarray,
    half_v: np.ndarray,
) -> np.ndarray:
    """Corners of rectangles, once around.

    Args:
        middle: (..., 2) their middles.
        half_u: (..., 2) half of their first side, as a vector.
        half_v: (..., 2) half of their second side, as a vector.

    Returns:
        (..., 4, 2).
    """
    corners = [
        middle - half_u - half_v,
        middle + half_u - half_v,
        middle + half_u + half_v,
        middle - half_u + half_v,
    ]
    return np.stack(corners, axis=-2)


def join(corners) -> np.ndarray:
    """Rectangles (N, 4, 2) of several arrays of them, of none as well."""
    return np.concatenate([np.empty((0, 4, 2)), *corners])


def headings(corners: np.ndarray) -> np.ndarray:
    """Unit vectors (N, 2) along the second sides of rectangles (N, 4, 2)."""
    return unit(corners[:, 3] - corners[:, 0])


def clear_of(obstacles: shapely.STRtree, geometries: np.ndarray) -> np.ndarray:
    """Which geometries (N,) touch no obstacle: (N,) bool."""
    near, _ = obstacles.query(geometries, predicate="intersects")
    clear = np.ones(len(geometries), bool)
    clear[near] = False
    return clear
