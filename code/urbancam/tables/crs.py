"""Coordinate systems compared by where they put points, not by what they are called.

IGN ships rasters whose Lambert-93 has no name that a library knows, and files exist that name one system and
hold the metres of another.
"""

import numpy as np
from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError

from urbancam.workflow.errors import InputError

SAME_M = 0.01  # two systems that put every point within a centimetre are one
EUROPE_DEGREES = (
    -32.0,
    27.0,
    45.0,
    72.0,
)  # west, south, east, north; EPSG:3035's area of use, rounded outwards

Bounds = tuple[float, float, float, float]  # west, south, east, north


def same_crs(a: object, b: object, bounds: Bounds) -> bool:
    """Whether two coordinate systems put the same coordinates, within `bounds`, at the same places (1 cm).

    Args:
        a: anything pyproj reads: "EPSG:2154", a WKT, a CRS of rasterio or geopandas.
        b: the same.
        bounds: in a's coordinates.
    """
    crs_a, crs_b = CRS.from_user_input(a), CRS.from_user_input(b)
    if crs_a == crs_b:
        return True
    west, south, east, north = bounds
    x, y = (
        grid.ravel()
        for grid in np.meshgrid(np.linspace(west, east, 5), np.linspace(south, north, 5))
    )
    try:
        there = Transformer.from_crs(crs_a, crs_b, always_xy=True).transform(x, y)
    except ProjError:
        return False
    moved_m = np.hypot(there[0] - x, there[1] - y)
    return bool(np.all(moved_m < SAME_M))  # infinite or NaN where a point has no place in b


def check_extent(bounds: Bounds, crs: object, where: object) -> None:
    """Refuse coordinates that are not where their coordinate system is used.

    Args:
        bounds: of the data, in `crs`.
        crs: what the file says of itself; None where it says nothing.
        where: the file, for the message.

    Raises:
        InputError: no coordinate system, or coordinates outside its area of use, with both extents.
    """
    if crs is None:
        raise InputError(
            "the file names no coordinate system", where, "add it, e.g. a .prj beside the .shp"
        )
    crs = CRS.from_user_input(crs)
    if not np.all(np.isfinite(bounds)):
        raise InputError("the file holds no coordinates", where, "replace the file")
    area = crs.area_of_use
    allowed = area.bounds if area else EUROPE_DEGREES
    try:
        got = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform_bounds(*bounds)
    except ProjError:
        got = (np.inf, np.inf, np.inf, np.inf)
    slack = 1.0  # degree: data may overhang the area a little
    inside = (
        allowed[0] - slack <= got[0]
        and allowed[1] - slack <= got[1]
        and got[2] <= allowed[2] + slack
        and got[3] <= allowed[3] + slack
    )
    if not inside:
        raise InputError(
            f"the file says {crs.name}, used for {_degrees(allowed)}, but its coordinates {_metres(bounds)} "
            f"would lie at {_degrees(got)}",
            where,
            "find the true coordinate system of the file and name it in it",
        )


def _degrees(bounds: Bounds) -> str:
    west, south, east, north = bounds
    return f"longitude {west:.2f} to {east:.2f}, latitude {south:.2f} to {north:.2f}"


def _metres(bounds: Bounds) -> str:
    west, south, east, north = bounds
    return f"x {west:,.0f} to {east:,.0f}, y {south:,.0f} to {north:,.0f}"
