"""How large a pixel is on the ground, whatever the units and the distortion of its system."""

from functools import lru_cache

import numpy as np
import rasterio
from pyproj import Geod, Transformer
from rasterio.transform import Affine

# A projection's metres count as those of the ground where they differ by less than 1 %. Degrees,
# feet and the metres of Web Mercator do not.
SAME_SIZE = 0.01
ELLIPSOID = Geod(ellps="WGS84")


@lru_cache(maxsize=16)
def transformer(source: str, target: str) -> Transformer:
    """Transformation between two coordinate systems, x before y."""
    return Transformer.from_crs(source, target, always_xy=True)


def pixel_size_m(
    transform: Affine, crs: rasterio.CRS, place_px: tuple[float, float]
) -> tuple[float, float]:
    """Width and height of a pixel on the ground, m.

    Args:
        transform: (column, row) to coordinates.
        crs: Their system.
        place_px: Column and row of the pixel.
    """
    column, row = place_px
    corners = transform @ (np.array([column, column + 1, column]), np.array([row, row, row + 1]))
    longitude, latitude = transformer(crs.to_wkt(), "EPSG:4326").transform(*corners)
    start = (longitude[[0, 0]], latitude[[0, 0]])
    _, _, ground_m = ELLIPSOID.inv(*start, longitude[1:], latitude[1:])

    # Not a number outside the system's area: nothing is known there but the units of the file.
    nominal_m = np.abs([transform.a, transform.e])
    differs = np.abs(ground_m / nominal_m - 1) >= SAME_SIZE
    width_m, height_m = np.where(differs, ground_m, nominal_m).tolist()
    return width_m, height_m
