"""Images from outside, opened as what their names say and as nothing else.

GDAL chooses its driver by content: a virtual raster named `.jp2` would make it read any other file
of the machine, and so would one beside an image, named `.ovr`, `.msk` or by an `.aux.xml`. So the
driver of each kind is fixed, and GDAL sees no file beside the image; where one tells the place of
the pixels, it is read here.
"""

from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import rasterio
from rasterio.errors import CRSError
from rasterio.io import DatasetReader
from rasterio.transform import Affine

DRIVERS = {
    ".jp2": "JP2OpenJPEG",
    ".tif": "GTiff",
    ".tiff": "GTiff",
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
}
# Of a file that the user names in the settings: it may lead to others.
NAMED_DRIVERS = DRIVERS | {".vrt": "VRT"}
ALONE = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR"}  # nothing beside the file is looked at


def open_raster(path: Path, drivers: Mapping[str, str] = DRIVERS) -> DatasetReader:
    """Open an image for reading.

    Args:
        path: Path of the file.
        drivers: The kinds that it may be of: suffix -> driver.

    Raises:
        RasterioError: It is not of the kind that its name says.
    """
    with rasterio.Env(**ALONE):
        return rasterio.open(path, driver=drivers[path.suffix.lower()])


def place(image: DatasetReader, path: Path) -> tuple[Affine | None, rasterio.CRS | None]:
    """Where the pixels lie, as the image says, else a world file or `.aux.xml` beside it.

    Returns:
        (column, row) to coordinates, and their system; None for what no file says.
    """
    transform = None if image.transform.is_identity else image.transform
    return transform or _world_file(path), image.crs or _system_beside(path)


def _world_file(path: Path) -> Affine | None:
    """The transformation in a world file (six numbers, of the first pixel's centre) if any."""
    suffix = path.suffix
    # tile.jp2 has tile.j2w, or tile.jp2w, or tile.wld, as the programs of the field write them.
    for name in (f"{suffix[:2]}{suffix[-1]}w", f"{suffix}w", ".wld"):
        try:
            numbers = path.with_suffix(name).read_text(encoding="ascii").split()
            a, d, b, e, x, y = map(float, numbers)
        except (OSError, ValueError):
            continue
        return Affine(a, b, x, d, e, y) @ Affine.translation(-0.5, -0.5)
    return None


def _system_beside(path: Path) -> rasterio.CRS | None:
    """The coordinate system that an `.aux.xml` names, as GDAL and QGIS write it, if any."""
    try:
        text = ElementTree.parse(path.with_name(f"{path.name}.aux.xml")).findtext("SRS")
        return rasterio.CRS.from_wkt(text) if text else None
    except (OSError, ElementTree.ParseError, CRSError):
        return None
