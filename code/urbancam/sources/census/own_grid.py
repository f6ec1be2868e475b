"""The grid that a user's cells lie on, and the ids that name each cell's place on it."""

from collections import Counter

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS

from urbancam.tables import crs, grid
from urbancam.workflow.errors import InputError
from urbancam.workflow.settings.city_facts import Cells

ROUNDING_M = 0.01  # coordinates are as good as whole multiples where they are so near
SQUARE_SHARE = 1e-3  # by which a polygon's area may differ from its rectangle's
POINT, POLYGONS = 0, (3, 6)  # of shapely's types
REGULAR = (
    "give squares, or centres, of a regular grid: values of tracts, districts or hexagons must be "
    "brought onto one first (docs/own-data.md)"
)


def cell_ids(table: gpd.GeoDataFrame, section: Cells, where: str) -> list[str]:
    """The id of each cell by its place.

    Args:
        table: Squares, or points at their centres.
        section: The side of a cell, where it is told.
        where: The file, for messages.

    Raises:
        InputError: The coordinates are no metres of a known system, or the cells are not of one
            regular grid whose corners are multiples of its side.
    """
    epsg = epsg_of(table, where)
    shapes = table.geometry.to_numpy()
    kinds = set(shapely.get_type_id(shapes).tolist())
    if kinds == {POINT}:
        centres = shapely.get_coordinates(shapes)
        side_m = section.side_m or spacing_m(centres, where)
        corners = centres - side_m / 2
    elif kinds <= {*POLYGONS}:
        corners, side_m = corners_of_squares(shapes, where)
    else:
        raise InputError("cells are squares or points, and some are neither", where, REGULAR)
    if section.side_m and section.side_m != side_m:
        raise InputError(
            f"the cells are {side_m} m wide, cells.side_m says {section.side_m}",
            where,
            "leave cells.side_m out, or mend it",
        )
    places = place_on_grid(corners, side_m, where)
    return [grid.cell_id(west, south, side_m, epsg) for west, south in (places * side_m).tolist()]


def epsg_of(table: gpd.GeoDataFrame, where: str) -> int:
    """The EPSG code of a table's coordinate system.

    Raises:
        InputError: It has none, or is not in metres, or the coordinates are not of it.
    """
    crs.check_extent(tuple(table.total_bounds), table.crs, where)
    system = CRS.from_user_input(table.crs)
    if not system.is_projected:
        metric = table.estimate_utm_crs().to_string()
        raise InputError(
            f"the coordinates are degrees ({system.name}): cells there are no squares",
            where,
            f"give the cells in the projected system that their grid was made in, e.g. {metric}",
        )
    units = {axis.unit_name for axis in system.axis_info}
    if units != {"metre"}:
        raise InputError(
            f"the coordinates are in {', '.join(sorted(units))} ({system.name}), not in metres",
            where,
            "give the cells in a projected system in metres",
        )
    epsg = system.to_epsg()
    if epsg is None:
        raise InputError(
            f"the coordinate system {system.name!r} has no EPSG code, which names the cells",
            where,
            "save the file with a system of the EPSG list (epsg.io)",
        )
    return epsg


def spacing_m(centres: np.ndarray, where: str) -> int:
    """The side of the cells whose centres (N, 2) these are: the least distance along an axis."""
    steps = [np.diff(np.unique(along.round(3))) for along in centres.T]
    steps = np.concatenate(steps)
    steps = steps[steps > ROUNDING_M]
    if not len(steps):
        raise InputError(
            "the side of the cells cannot be found from their centres", where, "set cells.side_m"
        )
    return whole_metres(float(steps.min()), where)


def corners_of_squares(shapes: np.ndarray, where: str) -> tuple[np.ndarray, int]:
    """(N, 2) south-western corner of each polygon, and the side that all have, m.

    Raises:
        InputError: Polygons are no squares, or of several sizes.
    """
    west, south, east, north = shapely.bounds(shapes).T
    width, height = east - west, north - south
    rectangle_m2 = width * height
    is_square = np.abs(width - height) < 2 * ROUNDING_M
    is_square &= np.abs(shapely.area(shapes) - rectangle_m2) < SQUARE_SHARE * rectangle_m2
    if not is_square.all():
        raise InputError(
            f"{(~is_square).sum():,} of {len(shapes):,} polygons are no squares along the axes",
            where,
            REGULAR,
        )
    sides = Counter(width.round(1).tolist())
    if len(sides) > 1:
        counts = ", ".join(f"{count:,} of {side:g} m" for side, count in sides.most_common(3))
        raise InputError(f"the squares are of several sizes: {counts}", where, "keep those of one")
    return np.column_stack([west, south]), whole_metres(float(np.median(width)), where)


def whole_metres(side_m: float, where: str) -> int:
    """The side as whole metres, which ids name.

    Raises:
        InputError: It is none.
    """
    if abs(side_m - round(side_m)) > ROUNDING_M or round(side_m) < 1:
        raise InputError(
            f"the cells are {side_m:g} m wide, not whole metres", where, "take another grid"
        )
    return round(side_m)


def place_on_grid(corners: np.ndarray, side_m: int, where: str) -> np.ndarray:
    """(N, 2) int64: how many sides each corner lies east and north of the system's origin.

    Raises:
        InputError: The grid's corners are no multiples of its side, or there is no one grid.
    """
    places = np.round(corners / side_m)
    off_m = corners - places * side_m
    if (np.abs(off_m) <= ROUNDING_M).all():
        return places.astype("int64")
    first, spread_m = off_m[0], np.abs(off_m - off_m[0])
    if (spread_m <= 2 * ROUNDING_M).all():
        east_m, north_m = (f"{value % side_m:g}" for value in first.round(2))
        raise InputError(
            f"the origin of the grid does not fit its side of {side_m} m: corners lie {east_m} m "
            f"east and {north_m} m north of multiples of it",
            where,
            f"make the grid with corners at multiples of {side_m} m, and the values on it anew",
        )
    raise InputError(f"the cells do not lie on one grid of {side_m} m", where, REGULAR)
