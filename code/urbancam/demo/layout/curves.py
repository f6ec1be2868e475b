"""Directions and lines in the plane: what streets, houses and crowns are measured with."""

import numpy as np
import shapely


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors (N, 2) at length 1."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def left_of(vectors: np.ndarray) -> np.ndarray:
    """Vectors (N, 2) turned to the left by a right angle."""
    x, y = vectors.T
    return np.stack([-y, x], axis=1)


def length_m(vector: np.ndarray) -> float:
    """Length of one vector (2,), m."""
    return np.hypot(*vector)


def tangents(line: np.ndarray) -> np.ndarray:
    """Unit vectors (M, 2) along a line (M, 2)."""
    return unit(np.gradient(line, axis=0))


def circle(angle: np.ndarray) -> np.ndarray:
    """Unit vectors (N, 2) at angles (N,) in radians, counted from east to north."""
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def rotation(angle: float) -> np.ndarray:
    """Matrix (2, 2) that turns row vectors, `xy @ rotation(angle)`, by radians to the left."""
    cosine = np.cos(angle)
    sine = np.sin(angle)
    return np.array([[cosine, sine], [-sine, cosine]])


def wobble(
    angle: np.ndarray,
    cycles: tuple[int, ...],
    amplitude: tuple[float, float],
    rng: np.random.Generator,
) -> np.ndarray:
    """A sum of waves around a circle, which makes it uneven.

    Args:
        angle: Radians, any shape.
        cycles: Number of cycles of each wave.
        amplitude: Smallest and largest amplitude of a wave.
        rng: Gives amplitudes and phases.
    """
    waves = 0.0
    for count in cycles:
        height = rng.uniform(*amplitude)
        waves = waves + height * np.sin(count * angle + rng.uniform(0, 6))
    return waves


def ribbon(line: np.ndarray, width: np.ndarray) -> shapely.Polygon:
    """The polygon of width (M,), m, along a line (M, 2)."""
    side = left_of(tangents(line)) * width[:, None] / 2
    left = line + side
    right_back = (line - side)[::-1]
    edge = np.concatenate([left, right_back])
    return shapely.Polygon(edge).buffer(0)  # where a bend is tight, the edge crosses itself


def rotated_box(polygon: shapely.Polygon) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The smallest rectangle around a polygon: its middle, its longer and its shorter side (2,)."""
    a, b, c, *_ = shapely.get_coordinates(polygon.minimum_rotated_rectangle)
    middle = (a + c) / 2
    if length_m(b - a) > length_m(c - b):
        return middle, b - a, c - b
    return middle, c - b, b - a
