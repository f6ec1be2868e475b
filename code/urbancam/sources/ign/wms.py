"""Imagery for the cells alone: one GeoTIFF per cell from IGN's WMS.

Each image is asked for in Lambert-93 on IGN's own pixel grid, a little larger than the cell, so that the server
resamples nothing and the one warp is ours. It is kept without loss, with date, hash and address in its tags; the
mosaic behind the server changes over time.
"""

import datetime
import hashlib
import io
import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from urllib.parse import urlencode
from xml.etree import ElementTree

import geopandas as gpd
import numpy as np
import rasterio
import requests
import shapely
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader, MemoryFile
from tqdm import tqdm

from urbancam.sources.download import fetching
from urbancam.sources.download.fetching import Patience
from urbancam.sources.ign.packs import LAMBERT_93
from urbancam.sources.imagery.tile import placed
from urbancam.tables.crs import same_crs
from urbancam.workflow.errors import InputError
from urbancam.workflow.files import atomic

log = logging.getLogger(__name__)

REQUESTS_PER_SECOND = 40  # IGN's limit for its WMS (data-providers.md)
THREADS = 24  # answers waited for at once: at 0.5 s each they use the limit up
FAILURES_MOST = 20  # in a row; then the server is down, or is asked for the wrong thing
MARGIN_PX = 24  # around the cell: what fill's widening and the resampling may look at
COLUMNS = (
    "name path department campaign_year pack size_bytes idINSPIRE fetched sha256 geometry".split()
)
NATIVE_M = 0.20  # pixel of the mosaic; nothing finer is asked for


@dataclass(frozen=True)
class Request:
    """One image to ask for.

    Args:
        cell_id: idINSPIRE.
        bounds: (west, south, east, north), m in EPSG:2154, on the pixel grid.
        width, height: px.
        url: the whole address.
    """

    cell_id: str
    bounds: tuple[float, float, float, float]
    width: int
    height: int
    url: str


class AnswerError(InputError):
    """The server answers something else than the image asked for."""


def requests_for(cells: gpd.GeoDataFrame, url: str, layer: str, pixel_m: float) -> list[Request]:
    """One request for each cell.

    Args:
        cells: `idINSPIRE` and squares.
        url: of the WMS.
        layer: its name.
        pixel_m: pixel of the cells' images.
    """
    pixel_m = max(pixel_m, NATIVE_M)
    squares = cells.geometry.segmentize(50).to_crs(
        LAMBERT_93
    )  # sides are slightly curved in another projection
    bounds_px = squares.bounds.to_numpy() / pixel_m
    low, high = np.floor(bounds_px[:, :2]) - MARGIN_PX, np.ceil(bounds_px[:, 2:]) + MARGIN_PX
    made = []
    for cell_id, (left, bottom), (right, top) in zip(cells["idINSPIRE"], low, high, strict=True):
        bounds = tuple(round(float(edge * pixel_m), 3) for edge in (left, bottom, right, top))
        width, height = int(right - left), int(top - bottom)
        query = {
            "SERVICE": "WMS",
            "VERSION": "1.3.0",
            "REQUEST": "GetMap",
            "LAYERS": layer,
            "STYLES": "",
            "FORMAT": "image/geotiff",
            "CRS": LAMBERT_93,
            "BBOX": ",".join(f"{edge:.3f}" for edge in bounds),
            "WIDTH": width,
            "HEIGHT": height,
        }
        separator = "&" if "?" in url else "?"
        made.append(
            Request(
                cell_id, bounds, width, height, f"{url}{separator}{urlencode(query, safe=',:/')}"
            )
        )
    return made


def fetch_images(
    wanted: list[Request], folder: Path, patience: Patience = Patience()
) -> list[InputError]:
    """Fetch the images that are not there yet.

    Args:
        wanted: one request per cell.
        folder: of the GeoTIFF files, `<idINSPIRE>.tif`; a blank answer is kept as `<idINSPIRE>.blank`.
        patience: with the server.

    Returns:
        What could not be had; after too many failures in a row the rest is not tried.
    """
    folder.mkdir(parents=True, exist_ok=True)
    todo = [request for request in wanted if not _is_there(request, folder)]
    log.info("%s of %s images are there", f"{len(wanted) - len(todo):,}", f"{len(wanted):,}")
    limit, session = _Limit(REQUESTS_PER_SECOND), threading.local()
    faults: list[InputError] = []
    in_a_row = 0

    def fetch(request: Request) -> InputError | None:
        if not hasattr(session, "kept"):
            session.kept = requests.Session()
        limit.wait()
        try:
            _fetch(request, folder, session.kept, patience)
        except InputError as error:
            return error
        return None

    with (
        ThreadPoolExecutor(THREADS) as pool,
        tqdm(total=len(todo), desc="images", disable=None) as bar,
    ):
        for fault in _some_at_once(pool, fetch, iter(todo)):
            bar.update()
            in_a_row = in_a_row + 1 if fault else 0
            if fault:
                faults.append(fault)
            if in_a_row >= FAILURES_MOST:
                break
    return faults


def image_table(
    wanted: list[Request], cells: gpd.GeoDataFrame, data: Path, folder: Path, layer: str
) -> gpd.GeoDataFrame:
    """The images in place, as rows of the tile table, with the cell each one is of, its date and its hash."""
    departments = dict(zip(cells["idINSPIRE"], cells["department"], strict=True))
    rows = []
    for request in wanted:
        path = folder / f"{request.cell_id}.tif"
        if path.is_file():
            with rasterio.open(path) as image:
                tags = image.tags()
            department, geometry = departments[request.cell_id], shapely.box(*request.bounds)
            rows.append(
                (
                    path.name,
                    path.relative_to(data).as_posix(),
                    department,
                    None,
                    layer,
                    path.stat().st_size,
                    request.cell_id,
                    tags["fetched"],
                    tags["sha256"],
                    geometry,
                )
            )
    table = gpd.GeoDataFrame(rows, columns=COLUMNS, geometry="geometry", crs=LAMBERT_93)
    return table.astype({"campaign_year": "Int64"})


def _some_at_once(pool: ThreadPoolExecutor, function, items: Iterator) -> Iterator:
    """Results in any order; a new item is begun only when one has ended, so that stopping stops."""
    pending = {pool.submit(function, item) for item in islice(items, THREADS)}
    while pending:
        done, pending = wait(pending, return_when=FIRST_COMPLETED)
        for future in done:
            yield future.result()
            pending |= {pool.submit(function, item) for item in islice(items, 1)}


class _Limit:
    """At most so many a second, over all threads."""

    def __init__(self, per_second: float) -> None:
        self._interval_s, self._next, self._lock = 1 / per_second, 0.0, threading.Lock()

    def wait(self) -> None:
        with self._lock:
            turn = max(self._next, time.monotonic())
            self._next = turn + self._interval_s
        time.sleep(max(0.0, turn - time.monotonic()))


def _is_there(request: Request, folder: Path) -> bool:
    """Whether the image asked for, or the knowledge that it is blank, is in place; one of another request is not."""
    blank, path = folder / f"{request.cell_id}.blank", folder / f"{request.cell_id}.tif"
    if blank.is_file():
        return blank.read_text() == _identity(request)
    try:
        with rasterio.open(path) as image:
            return image.tags().get("request") == _identity(request)
    except RasterioError:
        return False


def _identity(request: Request) -> str:
    return fetching.without_user_info(request.url)


def _fetch(request: Request, folder: Path, session: requests.Session, patience: Patience) -> None:
    """Ask for one image, check it, keep it."""
    content = fetching.get(request.url, patience=patience, session=session).content
    pixels = _checked(content, request)
    (folder / f"{request.cell_id}.blank").unlink(missing_ok=True)
    if (pixels == pixels[:, :1, :1]).all():  # one colour all over: the mosaic has nothing here
        (folder / f"{request.cell_id}.tif").unlink(missing_ok=True)
        with atomic(folder / f"{request.cell_id}.blank") as temporary:
            temporary.write_text(_identity(request))
        return
    tags = {
        "request": _identity(request),
        "sha256": hashlib.sha256(content).hexdigest(),
        "fetched": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }
    with (
        atomic(folder / f"{request.cell_id}.tif") as temporary,
        rasterio.open(
            temporary,
            "w",
            driver="GTiff",
            width=request.width,
            height=request.height,
            count=3,
            dtype="uint8",
            crs=LAMBERT_93,
            transform=placed(request.bounds, request.width, request.height),
            compress="deflate",
            predictor=2,
            zlevel=1,
            tiled=True,
            blockxsize=256,
            blockysize=256,
        ) as image,
    ):
        image.write(pixels)
        image.update_tags(**tags)


def _checked(content: bytes, request: Request) -> np.ndarray:
    """(3, H, W) uint8 pixels of an answer.

    Raises:
        AnswerError: an exception report, no image, or one of another size or place.
    """
    where = fetching.without_user_info(request.url)
    if content.lstrip()[:1] == b"<":
        report = _exception_text(content)
        raise AnswerError(
            f"the server reports: {report}", where, "look the layer and the address up"
        )
    if not content:
        raise AnswerError("the answer is empty, no image", where, "run the step again")
    try:
        with MemoryFile(io.BytesIO(content)) as file, file.open() as image:
            _check_place(image, request, where)
            return image.read((1, 2, 3))
    except RasterioError as error:
        what = f"the answer of {len(content):,} bytes is no image ({error})"
        raise AnswerError(what, where, "run the step again") from None


def _check_place(image: DatasetReader, request: Request, where: str) -> None:
    size, bands = (image.width, image.height), image.dtypes[:3]
    if size != (request.width, request.height) or bands != ("uint8",) * 3:
        raise AnswerError(
            f"the image has {size[0]} x {size[1]} px of {', '.join(image.dtypes)}, asked were {request.width} x "
            f"{request.height} of three bands of 8 bits",
            where,
            "run the step again",
        )
    off_m = np.abs(np.subtract(image.bounds, request.bounds)).max()
    pixel_m = (request.bounds[2] - request.bounds[0]) / request.width
    if off_m > pixel_m / 2 or (
        image.crs and not same_crs(image.crs.to_wkt(), LAMBERT_93, request.bounds)
    ):
        what = f"the image lies at {tuple(image.bounds)}, asked was {request.bounds}"
        raise AnswerError(what, where, "run the step again")


def _exception_text(content: bytes) -> str:
    """What an ExceptionReport says, in one line."""
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError:
        return content[:200].decode("utf-8", errors="replace").strip()
    codes = {node.get("code") or node.get("exceptionCode") for node in root.iter()} - {None}
    text = " ".join(" ".join(root.itertext()).split())
    return f"{', '.join(sorted(codes))}: {text}"[:300] if codes else text[:300]
