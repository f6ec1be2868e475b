"""The images of single cells on disk: `<idINSPIRE>.tif`, or `<idINSPIRE>.blank` where the WMS
shows nothing.

An image is kept without loss, with date, hash and address in its tags; the mosaic behind the server
changes over time.
"""

import datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from rasterio.errors import RasterioError

from urbancam.sources.imagery.tile import affine_of
from urbancam.sources.wms.getmap import Request
from urbancam.sources.wms.layers import Layer
from urbancam.tables.rasters import open_raster
from urbancam.workflow.files import atomic

FOLDER = "wms"  # below the drop folder
COLUMNS = [
    "name",
    "path",
    "department",
    "campaign_year",
    "pack",
    "size_bytes",
    "idINSPIRE",
    "fetched",
    "sha256",
    "reason",
    "geometry",
]
# Why a cell has no image.
BLANK = "the WMS shows nothing there"
NOT_FETCHED = "its image has not been fetched"


def image_path(request: Request, folder: Path) -> Path:
    """Where the image of a cell stands."""
    return folder / f"{request.cell_id}.tif"


def piece_path(request: Request, number: int, folder: Path) -> Path:
    """Where a piece of a large image waits, hidden, until all of them are there."""
    return folder / f".{request.cell_id}.piece{number}.tif"


def is_in_place(request: Request, folder: Path) -> bool:
    """Whether the image, or the knowledge that it is blank, is in place for this very request."""
    return is_blank(request, folder) or holds(image_path(request, folder), request)


def is_blank(request: Request, folder: Path) -> bool:
    """Whether the answer to this very request was blank."""
    path = _blank_path(request, folder)
    return path.is_file() and path.read_text() == request.identity


def holds(path: Path, request: Request) -> bool:
    """Whether a file is the image of this very request."""
    try:
        with open_raster(path) as image:
            return image.tags().get("request") == request.identity
    except RasterioError:
        return False


def keep(request: Request, pixels: np.ndarray, sha256: str, folder: Path) -> None:
    """Keep the answer for a cell; (3, H, W) uint8 pixels of one colour all over are blank."""
    image, blank = image_path(request, folder), _blank_path(request, folder)
    blank.unlink(missing_ok=True)  # it may be of another request
    if (pixels == pixels[:, :1, :1]).all():
        image.unlink(missing_ok=True)
        with atomic(blank) as temporary:
            temporary.write_text(request.identity)
    else:
        write(image, pixels, sha256, request)


def read(path: Path) -> tuple[np.ndarray, str]:
    """(3, H, W) uint8 pixels of an image, and the hash of the answer it came in."""
    with open_raster(path) as image:
        return image.read((1, 2, 3)), image.tags()["sha256"]


def write(path: Path, pixels: np.ndarray, sha256: str, request: Request) -> None:
    """Write (3, H, W) uint8 pixels as a lossless GeoTIFF that says where they come from."""
    with (
        atomic(path) as temporary,
        rasterio.open(
            temporary,
            "w",
            driver="GTiff",
            width=request.width,
            height=request.height,
            count=3,
            dtype="uint8",
            crs=request.layer.system,
            transform=affine_of(request.bounds, request.width, request.height),
            compress="deflate",
            predictor=2,
            zlevel=1,
            tiled=True,
            blockxsize=256,
            blockysize=256,
        ) as image,
    ):
        image.write(pixels)
        image.update_tags(
            request=request.identity,
            sha256=sha256,
            fetched=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        )


def image_table(
    image_requests: list[Request],
    cells: gpd.GeoDataFrame,
    layer: Layer,
    data: Path,
    folder: Path,
    faults: dict[str, str],
) -> gpd.GeoDataFrame:
    """The cells' images as rows of the tile table.

    Args:
        image_requests: One request per cell.
        cells: `idINSPIRE, department`.
        layer: What was asked.
        data: The data folder.
        folder: Folder of the images.
        faults: What went wrong, by the cell's id, where the image could not be had.

    Returns:
        `COLUMNS`: with the cell that each image is of, its date and its hash; the layer stands for
        the pack. Where there is no image `path` is empty and `reason` says why.
    """
    departments = dict(zip(cells["idINSPIRE"], cells["department"], strict=True))
    rows = []
    for request in image_requests:
        row = {
            "department": departments[request.cell_id],
            "pack": request.layer.name,
            "idINSPIRE": request.cell_id,
            "geometry": shapely.box(*request.bounds),
        }
        path = image_path(request, folder)
        if is_blank(request, folder):
            row["reason"] = BLANK
        elif holds(path, request):
            row |= _of_file(path, data)
        else:
            row["reason"] = faults.get(request.cell_id, NOT_FETCHED)
        rows.append(row)
    table = gpd.GeoDataFrame(rows, columns=COLUMNS, geometry="geometry", crs=layer.system)
    # Of no campaign year: the mosaic does not say it.
    texts = dict.fromkeys(["name", "path", "fetched", "sha256", "reason"], "str")
    return table.astype({"campaign_year": "Int64", "size_bytes": "Int64"} | texts)


def _of_file(path: Path, data: Path) -> dict[str, object]:
    """What the table tells of an image in place."""
    with open_raster(path) as image:
        tags = image.tags()
    return {
        "name": path.name,
        "path": path.relative_to(data).as_posix(),
        "size_bytes": path.stat().st_size,
        "fetched": tags["fetched"],
        "sha256": tags["sha256"],
    }


def _blank_path(request: Request, folder: Path) -> Path:
    """The file that says: the mosaic has nothing here."""
    return folder / f"{request.cell_id}.blank"
