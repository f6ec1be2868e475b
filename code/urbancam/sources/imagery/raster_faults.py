"""Why a raster of the user's own cannot be taken, and the command that makes one that can."""

from pathlib import Path

import numpy as np
import rasterio
from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader
from rasterio.windows import Window

from urbancam.sources.imagery.opening import BANDS, is_masked
from urbancam.tables import rasters
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import display_path

SQUARE = 0.01  # a pixel is a square if its sides differ by less than 1 %
TURN = 1e-6  # of a pixel's side; less is a rounding
SAMPLE_PX = 512  # side of the piece of a mask that is looked at
# A mask is all or nothing but along the edges of what it shows.
BETWEEN_SHARE = 0.05
FAULTS_NAMED = 10  # of the rasters that cannot be used


def fault_of(image: DatasetReader, path: Path) -> InputError | None:
    """What keeps an open raster from being cut into images, with the command that mends it."""
    name = path.name
    better = f"{path.stem}_rgb.tif"
    what, do = _of_bands(image, path, better)
    if not what:
        what, do = _of_place(image, path, better)
    if not what and is_masked(image) and _is_no_mask(image):
        what = (
            "its fourth band is declared as alpha and holds all kinds of values, as infrared does"
        )
        do = f"gdal_translate -b 1 -b 2 -b 3 {name} {better}"
    return InputError(what, display_path(path), do) if what else None


def _of_bands(image: DatasetReader, path: Path, better: str) -> tuple[str, str]:
    """What is wrong with the bands, and what to do; two empty texts where nothing is."""
    name, count, kinds = path.name, image.count, ", ".join(sorted(set(image.dtypes)))
    interpretation = image.colorinterp[: len(BANDS)]
    if interpretation[0] == ColorInterp.palette:
        return "its colours stand in a palette", f"gdal_translate -expand rgb {name} {better}"
    if set(image.dtypes[: len(BANDS)]) != {"uint8"}:
        do = f"gdal_translate -ot Byte -scale <darkest> <brightest> 0 255 {name} {better}"
        return f"its bands are {kinds}, not of 8 bits", do
    if count < len(BANDS):
        do = f"gdalbuildvrt -separate {path.stem}_rgb.vrt <red> <green> <blue>"
        return f"it has {count} band{'s' * (count > 1)}, not red, green and blue", do
    if interpretation == (ColorInterp.blue, ColorInterp.green, ColorInterp.red):
        do = f"gdal_translate -b 3 -b 2 -b 1 {name} {better}"
        return "its bands are blue, green and red, in this order", do
    return "", ""


def _of_place(image: DatasetReader, path: Path, better: str) -> tuple[str, str]:
    """What is wrong with its place, and what to do; two empty texts where nothing is."""
    transform, crs = rasters.place(image, path)
    if image.gcps[0] and image.transform.is_identity:
        return "it is placed by control points", f"gdalwarp {path.name} {better}"
    if transform is None:
        do = f"gdal_translate -a_ullr <west> <north> <east> <south> -a_srs EPSG:<code> {path.name}"
        return "it does not say where it lies", f"{do} {better}"
    if crs is None:
        do = f"gdal_translate -a_srs EPSG:<code> {path.name} {better}"
        return "it names no coordinate system", do
    if not (crs.is_projected or crs.is_geographic):
        return "its coordinate system is of no place on the earth", (
            f"gdal_translate -a_srs EPSG:<code> {path.name} {better}"
        )
    width, height = abs(transform.a), abs(transform.e)
    if max(abs(transform.b), abs(transform.d)) > TURN * max(width, height):
        return "its rows do not run from west to east", f"gdalwarp {path.name} {better}"
    if crs.is_projected and abs(width / height - 1) >= SQUARE:
        side = min(width, height)
        return f"its pixels are no squares, {width:g} by {height:g}", (
            f"gdalwarp -r bilinear -tr {side:g} {side:g} {path.name} {better}"
        )
    return "", ""


def _is_no_mask(image: DatasetReader) -> bool:
    """Whether what is declared as alpha is another band: it is mostly neither 0 nor 255."""
    side = SAMPLE_PX
    left, top = max((image.width - side) // 2, 0), max((image.height - side) // 2, 0)
    window = Window(left, top, min(side, image.width), min(side, image.height))
    alpha = image.read_masks(1, window=window)
    return bool(np.mean((alpha > 0) & (alpha < 255)) > BETWEEN_SHARE)


def unknown_kind(path: Path) -> InputError:
    """The fault of a file whose name does not say a kind of raster that is read."""
    kinds = ", ".join(rasters.NAMED_DRIVERS)
    return InputError(
        f"it is named {path.suffix or 'without a suffix'}, which is none of {kinds}",
        display_path(path),
        f"gdal_translate -of GTiff {path.name} {path.stem}.tif",
    )


def unreadable(path: Path, error: rasterio.errors.RasterioError) -> InputError:
    """The fault of a file that cannot be opened as what its name says."""
    what = f"it cannot be read: {error.__cause__ or error}"
    return InputError(what, display_path(path), "replace it by a whole one")


def no_file(pattern: str) -> InputError:
    """The fault of a name or pattern that no file has."""
    return InputError(
        "no file is so named",
        pattern,
        "name files or a pattern (ortho/*.tif), from the folder of city.yaml on, else from the "
        "project's",
    )


def of_all(faults: list[InputError], of: int) -> InputError:
    """One error that tells the faults of several rasters.

    Args:
        faults: One of each raster that cannot be used.
        of: Number of all rasters and patterns.
    """
    lines = [f"  {fault.where}: {fault.what}; {fault.do}" for fault in faults[:FAULTS_NAMED]]
    more = len(faults) - FAULTS_NAMED
    lines += [f"  and {more:,} more"] if more > 0 else []
    return InputError(
        "\n".join([f"{len(faults):,} of {of:,} rasters cannot be used:", *lines]),
        "imagery.files",
        "mend them as told, or name others",
    )
