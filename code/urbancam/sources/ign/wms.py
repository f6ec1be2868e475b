"""Imagery for the cells alone: one GeoTIFF per cell from IGN's WMS.

An image is kept without loss, with date, hash and address in its tags; the mosaic behind the server
changes over time.
"""

import datetime
import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from itertools import islice
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
import requests
import shapely
from rasterio.errors import RasterioError
from tqdm import tqdm

from urbancam.sources.download import fetching
from urbancam.sources.download.answers import Patience
from urbancam.sources.ign.getmap import Request, image_pixels
from urbancam.sources.ign.tile_index import LAMBERT_93
from urbancam.sources.imagery.tile import placed
from urbancam.workflow.errors import InputError
from urbancam.workflow.files import atomic

log = logging.getLogger(__name__)

REQUESTS_PER_SECOND = 40  # IGN's limit for its WMS (data-providers.md)
THREADS = 24  # answers waited for at once: at 0.5 s each they use the limit up
FAILURES_MOST = 20  # in a row; by then the server is down, or is asked for the wrong thing
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
    "geometry",
]


def fetch_images(
    image_requests: list[Request], folder: Path, patience: Patience = Patience()
) -> list[InputError]:
    """Fetch the images that are not in place yet.

    Args:
        image_requests: One request per cell.
        folder: Folder of the GeoTIFF files, `<idINSPIRE>.tif`; of a blank answer it keeps
            `<idINSPIRE>.blank`.
        patience: How long to bear with the server.

    Returns:
        What could not be had; after too many failures in a row the rest is not tried.
    """
    folder.mkdir(parents=True, exist_ok=True)
    todo = [request for request in image_requests if not _is_in_place(request, folder)]
    in_place = len(image_requests) - len(todo)
    log.info("%s of %s images are there", f"{in_place:,}", f"{len(image_requests):,}")
    client = _Client(folder, patience)
    faults: list[InputError] = []
    failures_in_a_row = 0

    # Past many failures in a row nothing new is begun, and the pool closes by itself.
    with (
        ThreadPoolExecutor(THREADS) as pool,
        tqdm(total=len(todo), desc="images", disable=None) as bar,
    ):
        for fault in _some_at_once(pool, client.fetch, iter(todo)):
            bar.update()
            failures_in_a_row = failures_in_a_row + 1 if fault else 0
            if fault:
                faults.append(fault)
            if failures_in_a_row >= FAILURES_MOST:
                break
    return faults


def image_table(
    image_requests: list[Request], cells: gpd.GeoDataFrame, data: Path, folder: Path, layer: str
) -> gpd.GeoDataFrame:
    """The images in place, as rows of the tile table.

    Args:
        image_requests: One request per cell.
        cells: `idINSPIRE, department`.
        data: The data folder.
        folder: Folder of the images.
        layer: Name of the layer, which stands for the pack.

    Returns:
        `COLUMNS`: with the cell that each image is of, its date and its hash.
    """
    departments = dict(zip(cells["idINSPIRE"], cells["department"], strict=True))
    rows = []
    for request in image_requests:
        path = _image_path(request, folder)
        if not path.is_file():
            continue
        with rasterio.open(path) as image:
            tags = image.tags()
        row = {
            "name": path.name,
            "path": path.relative_to(data).as_posix(),
            "department": departments[request.cell_id],
            "campaign_year": None,  # the mosaic does not say it
            "pack": layer,
            "size_bytes": path.stat().st_size,
            "idINSPIRE": request.cell_id,
            "fetched": tags["fetched"],
            "sha256": tags["sha256"],
            "geometry": shapely.box(*request.bounds),
        }
        rows.append(row)
    table = gpd.GeoDataFrame(rows, columns=COLUMNS, geometry="geometry", crs=LAMBERT_93)
    return table.astype({"campaign_year": "Int64"})


def _some_at_once(pool: ThreadPoolExecutor, function: Callable, items: Iterator) -> Iterator:
    """Results in any order; an item is begun only when one has ended, so that stopping stops."""
    pending = {pool.submit(function, item) for item in islice(items, THREADS)}
    while pending:
        done, pending = wait(pending, return_when=FIRST_COMPLETED)
        for future in done:
            yield future.result()
            pending |= {pool.submit(function, item) for item in islice(items, 1)}


class _Client:
    """Fetches images from several threads, each with a session of its own.

    Args:
        folder: Folder of the images.
        patience: How long to bear with the server.
    """

    def __init__(self, folder: Path, patience: Patience) -> None:
        self._folder = folder
        self._patience = patience
        self._limit = _Limit(REQUESTS_PER_SECOND)
        self._of_thread = threading.local()

    def fetch(self, request: Request) -> InputError | None:
        """Fetch one image; what went wrong, if anything did."""
        # A session is not made for several threads.
        if not hasattr(self._of_thread, "session"):
            self._of_thread.session = requests.Session()
        self._limit.wait()
        try:
            _fetch_image(request, self._folder, self._of_thread.session, self._patience)
        except InputError as error:
            return error
        return None


class _Limit:
    """At most so many requests a second, over all threads."""

    def __init__(self, per_second: float) -> None:
        self._interval_s = 1 / per_second
        self._next_s = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Wait for the next turn."""
        # Threads take their turns under the lock and wait for them outside it.
        with self._lock:
            turn_s = max(self._next_s, time.monotonic())
            self._next_s = turn_s + self._interval_s
        time.sleep(max(0.0, turn_s - time.monotonic()))


def _image_path(request: Request, folder: Path) -> Path:
    return folder / f"{request.cell_id}.tif"


def _blank_path(request: Request, folder: Path) -> Path:
    """The file that says: the mosaic has nothing here."""
    return folder / f"{request.cell_id}.blank"


def _is_in_place(request: Request, folder: Path) -> bool:
    """Whether the image, or the knowledge that it is blank, is in place for this very request."""
    blank_path = _blank_path(request, folder)
    if blank_path.is_file():
        return blank_path.read_text() == request.identity
    try:
        with rasterio.open(_image_path(request, folder)) as image:
            return image.tags().get("request") == request.identity
    except RasterioError:
        return False


def _fetch_image(
    request: Request, folder: Path, session: requests.Session, patience: Patience
) -> None:
    """Ask for one image, check it, keep it.

    Raises:
        InputError: It cannot be had, or the answer is not the image.
    """
    content = fetching.get(request.url, patience=patience, session=session).content
    pixels = image_pixels(content, request)
    image_path = _image_path(request, folder)
    blank_path = _blank_path(request, folder)
    blank_path.unlink(missing_ok=True)  # it may be of another request

    # One colour all over: the mosaic has nothing here.
    is_blank = (pixels == pixels[:, :1, :1]).all()
    if is_blank:
        image_path.unlink(missing_ok=True)
        with atomic(blank_path) as temporary:
            temporary.write_text(request.identity)
        return
    tags = {
        "request": request.identity,
        "sha256": hashlib.sha256(content).hexdigest(),
        "fetched": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }
    _write_image(image_path, pixels, request, tags)


def _write_image(path: Path, pixels: np.ndarray, request: Request, tags: dict[str, str]) -> None:
    """Write (3, H, W) uint8 pixels as a lossless GeoTIFF with tags."""
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
