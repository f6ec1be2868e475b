"""Coordinate systems compared by where they put points, not by what they are called.

IGN ships rasters whose Lambert-93 has no name that a library knows, and files exist that name one
system and hold the metres of another.
"""

from functools import lru_cache

import numpy as np
from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError

from urbancam.workflow.errors import InputError

SAME_M = 0.01  # two systems that put every point within a centimetre are one
POINTS = 5  # a side of the net of points by which two systems are compared
OVERHANG_DEGREES = 1.0  # data may overhang the area of use a little

Bounds = tuple[float, float, float, float]  # west, south, east, north

# EPSG:3035's area of use, rounded outwards.
EUROPE_DEGREES: Bounds = (-32.0, 27.0, 45.0, 72.0)


def same_crs(a: object, b: object, bounds: Bounds) -> bool:
    """Whether two coordinate systems put the same coordinates at the same places (1 cm).

    Args:
        a: Anything pyproj reads: "EPSG:2154", a WKT, a CRS of rasterio or geopandas.
        b: Likewise.
        bounds: Extent, in a's coordinates, within which they are compared.
    """
    crs_a = CRS.from_user_input(a)
    crs_b = CRS.from_user_input(b)
    if crs_a == crs_b:
        return True

    west, south, east, north = bounds
    x, y = np.meshgrid(
        np.linspace(west, east, POINTS),
        np.linspace(south, north, POINTS),
    )
    try:
        a_to_b = Transformer.from_crs(crs_a, crs_b, always_xy=True)
        x_in_b, y_in_b = a_to_b.transform(x, y)
    except ProjError:
        return False

    # Infinite or NaN where a point has no place in b.
    shift_m = np.hypot(x_in_b - x, y_in_b - y)
    return bool(np.all(shift_m < SAME_M))


def check_extent(bounds: Bounds, crs: object, where: object) -> None:
    """Refuse coordinates that are not where their coordinate system is used.

    Args:
        bounds: Extent of the data, in `crs`.
        crs: What the file says of itself; None where it says nothing.
        where: The file, for the message.

    Raises:
        InputError: No coordinate system, or coordinates outside its area of use, with both extents.
    """
    if crs is None:
        raise InputError(
            "the file names no coordinate system", where, "add it, e.g. a .prj beside the .shp"
        )
    crs = CRS.from_user_input(crs)
    if not np.all(np.isfinite(bounds)):
        raise InputError("the file holds no coordinates", where, "replace the file")
    area = crs.area_of_use
    area_of_use = area.bounds if area else EUROPE_DEGREES
    extent = _in_degrees(bounds, crs)
    if not _lies_within(extent, area_of_use, OVERHANG_DEGREES):
        raise InputError(
            f"the file says {crs.name}, used for {_degrees(area_of_use)}, but its coordinates "
            f"{_metres(bounds)} would lie at {_degrees(extent)}",
            where,
            "find the true coordinate system of the file and name it in it",
        )


def refuse_overseas(bounds: Bounds, crs: object, where: object) -> None:
    """Refuse data of a place that the grid of EPSG:3035 does not reach, e.g. of La Reunion.

    Args:
        bounds: Extent of the data, in `crs`.
        crs: What the file says of itself; None where it says nothing.
        where: The file, for the message.

    Raises:
        InputError: The data lie outside Europe.
    """
    if crs is None or not np.all(np.isfinite(bounds)):
        return
    extent = _in_degrees(bounds, CRS.from_user_input(crs))
    if not np.all(np.isfinite(extent)) or _lies_within(extent, EUROPE_DEGREES, OVERHANG_DEGREES):
        return
    raise InputError(
        f"it lies at {_degrees(extent)}, outside Europe: a city overseas is not carried, since its "
        "cells, imagery and land cover have coordinate systems of their own, not EPSG:3035",
        where,
        "choose a city of metropolitan France; INSEE ships the cells of La Reunion and Martinique "
        "in tables of their own",
    )


def _in_degrees(bounds: Bounds, crs: CRS) -> Bounds:
    """Bounds as longitudes and latitudes; infinite where they have none."""
    try:
        return _to_degrees(crs).transform_bounds(*bounds)
    except ProjError:
        return (np.inf, np.inf, np.inf, np.inf)


@lru_cache
def _to_degrees(crs: CRS) -> Transformer:
    """Looking up how to go from one system to another takes longer than going."""
    return Transformer.from_crs(crs, "EPSG:4326", always_xy=True)


def _lies_within(extent: Bounds, area: Bounds, overhang: float) -> bool:
    """Whether an extent lies within an area, or overhangs it by so much at most."""
    west, south, east, north = extent
    area_west, area_south, area_east, area_north = area
    longitudes = area_west - overhang <= west and east <= area_east + overhang
    latitudes = area_south - overhang <= south and north <= area_north + overhang
    return longitudes and latitudes


def _degrees(bounds: Bounds) -> str:
    """An extent in degrees, for a message."""
    west, south, east, north = bounds
    return f"longitude {west:.2f} to {east:.2f}, latitude {south:.2f} to {north:.2f}"


def _metres(bounds: Bounds) -> str:
    """An extent in metres, for a message."""
    west, south, east, north = bounds
    return f"x {west:,.0f} to {east:,.0f}, y {south:,.0f} to {north:,.0f}"
