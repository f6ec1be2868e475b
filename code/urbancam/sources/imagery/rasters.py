"""The user's own rasters as tiles: a scan says of each where it lies, or why it cannot be used.

What GDAL reads as red, green and blue of 8 bits: GeoTIFF, COG, JPEG 2000, or a virtual raster;
one or many, of any coordinate systems and pixel sizes, overlapping or not.
"""

import logging
import re
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from rasterio.crs import CRS
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.transform import Affine, array_bounds

from urbancam.sources.imagery import raster_faults
from urbancam.sources.imagery.coverage import BARE_SHARE, covered_share, log_coverage
from urbancam.sources.imagery.ground import SAME_SIZE, pixel_size_m, transformer
from urbancam.sources.imagery.named_files import named_files, with_sources
from urbancam.sources.imagery.opening import BANDS, is_masked, nodata_of
from urbancam.sources.imagery.signatures import signature
from urbancam.tables import rasters
from urbancam.tables.crs import check_extent
from urbancam.workflow.errors import InputError
from urbancam.workflow.messages import few
from urbancam.workflow.paths import ROOT, display_path
from urbancam.workflow.settings.city_facts import Imagery

log = logging.getLogger(__name__)

EDGE_POINTS = 21  # along each side of a footprint, which is bent in another projection
YEAR = re.compile(r"^(\d{4}):\d\d:\d\d")  # of the date in a TIFF's header


@dataclass(frozen=True)
class Raster:
    """A raster that can be used.

    Args:
        path: The file.
        footprint: Its outline in the cells' coordinate system.
        crs: Its own coordinate system.
        pixel_m: Side of a pixel on the ground, m.
        bands: Number of its bands, of which the first three are taken.
        void: What says which pixels are no imagery: "mask", "nodata" or "" for nothing.
        year: Year of the flight; None where unknown.
        preference: Place of its pattern in `imagery.files`.
    """

    path: Path
    footprint: shapely.Polygon
    crs: CRS
    pixel_m: float
    bands: int
    void: str
    year: int | None
    preference: int


def tiles_of(
    cells: gpd.GeoDataFrame, imagery: Imagery, data: Path
) -> tuple[gpd.GeoDataFrame, dict[str, int]]:
    """The rows of `tiles.parquet` and the counts of the summary line; what there is is said.

    Args:
        cells: Squares, with their coordinate system.
        imagery: The settings, as of `scan`.
        data: The data folder.

    Raises:
        InputError: Some raster cannot be used, all of which are named; or none covers any cell.
    """
    found, faults = scan(imagery, cells.crs.to_string())
    if faults:
        raise raster_faults.of_all(faults, len(found) + len(faults))
    for line in describe(found):
        log.info("%s", line)
    tiles = tile_table(found, cells, data)
    share = check_coverage(cells, tiles)
    log_coverage(share)
    covered = int((share >= BARE_SHARE).sum())
    return tiles, {
        "rasters": len(tiles),
        "that touch no cell": len(found) - len(tiles),
        "cells with imagery": covered,
        "without": len(cells) - covered,
    }


def scan(imagery: Imagery, cells_crs: str) -> tuple[list[Raster], list[InputError]]:
    """Look at every raster that the settings name.

    Args:
        imagery: The settings: `files, year, pixel_size_m, coarser`.
        cells_crs: Coordinate system of the cells.

    Returns:
        Those that can be used, and what is wrong with the others, one fault each.
    """
    found, faults = [], []
    for preference, (pattern, paths) in enumerate(named_files(imagery.files, ROOT).items()):
        if not paths:
            faults.append(raster_faults.no_file(pattern))
        for path in paths:
            try:
                found.append(_look_at(path, imagery, cells_crs, preference))
            except InputError as fault:
                faults.append(fault)
    return found, faults


def tile_table(found: list[Raster], cells: gpd.GeoDataFrame, data: Path) -> gpd.GeoDataFrame:
    """The rows of `tiles.parquet`: the rasters that some cell touches.

    Args:
        found: The rasters.
        cells: Squares, with their coordinate system.
        data: The data folder; a path below it is told from there, any other one whole.
    """
    outlines = np.array([raster.footprint for raster in found], object)
    touched = shapely.STRtree(cells.geometry.to_numpy()).query(outlines, predicate="intersects")[0]
    used = [found[number] for number in sorted(set(touched.tolist()))]
    columns = {
        "name": [raster.path.name for raster in used],
        "path": [_path_from(data, raster.path) for raster in used],
        "department": pd.array([None] * len(used), "str"),
        "campaign_year": pd.array([raster.year for raster in used], "Int64"),
        "pack": pd.array([None] * len(used), "str"),
        "preference": [raster.preference for raster in used],
        "size_bytes": [raster.path.stat().st_size for raster in used],
        "signature": [signature(raster.path) for raster in used],
    }
    return gpd.GeoDataFrame(columns, geometry=[raster.footprint for raster in used], crs=cells.crs)


def describe(found: list[Raster]) -> list[str]:
    """What the rasters are, a line each: systems and pixels, bands, void and years."""
    if not found:
        return []
    systems = Counter(_name_of(raster.crs) for raster in found)
    sizes_m = Counter(f"{raster.pixel_m:.3g} m" for raster in found)
    years = Counter(str(raster.year) for raster in found if raster.year)
    lines = [f"{len(found)} rasters: {_counts(systems)}; pixels of {_counts(sizes_m)}"]
    if years:
        lines[0] += f"; years {_counts(years)}"
    of_more = [raster.path.name for raster in found if raster.bands > len(BANDS)]
    if of_more:
        lines.append(
            f"{len(of_more)} of them have more than three bands, the first three are taken as red, "
            f"green and blue: {few(of_more)}"
        )
    unsaid = [raster.path.name for raster in found if not raster.void]
    if unsaid:
        lines.append(
            f"{len(unsaid)} of them declare neither a mask nor a value for no data: plain white "
            f"and black along their edges count as void: {few(unsaid)}"
        )
    undated = [raster.path.name for raster in found if raster.year is None]
    if undated:
        lines.append(
            f"of {len(undated)} of them no year is known; imagery.year tells it: {few(undated)}"
        )
    return lines


def check_coverage(cells: gpd.GeoDataFrame, tiles: gpd.GeoDataFrame) -> np.ndarray:
    """(N,) share of each cell that some raster covers.

    Args:
        cells: Squares.
        tiles: `tile_table`.

    Raises:
        InputError: No cell is covered.
    """
    if len(tiles):
        share = covered_share(cells, tiles)
        if (share >= BARE_SHARE).any():
            return share
    west, south, east, north = cells.total_bounds
    raise InputError(
        f"no raster touches the cells, which lie at x {west:,.0f} to {east:,.0f}, y {south:,.0f} "
        f"to {north:,.0f} of {cells.crs.to_string()}",
        "imagery.files",
        "name the rasters of this city; ./run.sh check shows both in one picture",
    )


def _look_at(path: Path, imagery: Imagery, cells_crs: str, preference: int) -> Raster:
    """What a raster is.

    Raises:
        InputError: It cannot be used.
    """
    if path.suffix.lower() not in rasters.NAMED_DRIVERS:
        raise raster_faults.unknown_kind(path)
    if gone := [source for source in with_sources(path) if not source.is_file()]:
        what = f"it leads to {len(gone)} files that are not there, the first {gone[0]}"
        raise InputError(what, display_path(path), "make it again with gdalbuildvrt")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasters.open_raster(path, rasters.NAMED_DRIVERS) as image:
                if fault := raster_faults.fault_of(image, path):
                    raise fault
                return _raster(image, path, imagery, cells_crs, preference)
    except RasterioError as error:
        raise raster_faults.unreadable(path, error) from None


def _raster(
    image: DatasetReader, path: Path, imagery: Imagery, cells_crs: str, preference: int
) -> Raster:
    """As `_look_at`, of an open raster without fault of its own."""
    transform, crs = rasters.place(image, path)
    where = display_path(path)
    if code := crs.to_epsg():
        bounds = array_bounds(image.height, image.width, transform)
        check_extent(bounds, f"EPSG:{code}", where)
    footprint = _outline(transform, image.width, image.height, crs, cells_crs)
    if footprint is None:
        what = f"it lies where the cells' {cells_crs} has no coordinates"
        raise InputError(what, where, "name the rasters of this city")
    size_m = pixel_size_m(transform, crs, (image.width / 2, image.height / 2))
    pixel_m = float(np.sqrt(np.prod(size_m)))
    if pixel_m > imagery.pixel_size_m * (1 + SAME_SIZE) and not imagery.coarser:
        raise InputError(
            f"its pixels are of {pixel_m:.3g} m, coarser than imagery.pixel_size_m "
            f"{imagery.pixel_size_m:g}",
            where,
            f"set imagery.pixel_size_m: {pixel_m:.3g}, or imagery.coarser: true",
        )
    void = "mask" if is_masked(image) else "nodata" if nodata_of(image) is not None else ""
    year = imagery.year or _year_of(image)
    return Raster(path, footprint, crs, pixel_m, image.count, void, year, preference)


def _outline(
    transform: Affine, width: int, height: int, crs: CRS, cells_crs: str
) -> shapely.Polygon | None:
    """The outline of a raster in the cells' system; None where it has no place there."""
    along = np.linspace(0, 1, EDGE_POINTS)[:-1]
    zero, one = np.zeros_like(along), np.ones_like(along)
    columns = np.concatenate([along, one, 1 - along, zero]) * width
    rows = np.concatenate([zero, along, one, 1 - along]) * height
    x, y = transformer(crs.to_wkt(), cells_crs).transform(*(transform @ (columns, rows)))
    return shapely.Polygon(np.column_stack([x, y])) if np.isfinite([x, y]).all() else None


def _year_of(image: DatasetReader) -> int | None:
    """The year that a TIFF's header dates it to.

    ASSUME: it is that of the flight, as photogrammetry programs write it; `imagery.year` goes
    before it, since others write the day of their own work.
    """
    date = YEAR.match(image.tags().get("TIFFTAG_DATETIME", ""))
    return int(date[1]) if date else None


def _path_from(data: Path, path: Path) -> str:
    path = path.resolve()
    return (path.relative_to(data) if path.is_relative_to(data) else path).as_posix()


def _name_of(crs: CRS) -> str:
    """A coordinate system in a few words."""
    code = crs.to_epsg()
    return f"EPSG:{code}" if code else "a system without an EPSG code"


def _counts(counter: Counter) -> str:
    return ", ".join(f"{name} ({count})" for name, count in counter.most_common())
