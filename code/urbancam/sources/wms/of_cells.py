"""The images of a city's cells from a WMS, in the drop folder, as rows of the tile table."""

import logging
import re
from itertools import islice
from pathlib import Path

import geopandas as gpd

from urbancam.sources.download.answers import Patience
from urbancam.sources.wms import cell_images, client
from urbancam.sources.wms.getmap import Request, requests_for
from urbancam.sources.wms.layers import layer_of, requests_per_second
from urbancam.workflow.errors import InputError
from urbancam.workflow.settings.city_facts import Imagery

log = logging.getLogger(__name__)

CELLS_NAMED = 10  # cells that the log names, of those without an image


def images_of(
    cells: gpd.GeoDataFrame,
    imagery: Imagery,
    data: Path,
    folder: Path,
    patience: Patience = Patience(),
) -> tuple[gpd.GeoDataFrame, list[InputError]]:
    """One image of each of these cells.

    Args:
        cells: `idINSPIRE, department` and squares of the cells to have an image.
        imagery: The settings; `fetch` false takes the images in place.
        data: The data folder.
        folder: The drop folder below it.
        patience: How long to bear with the server.

    Returns:
        `cell_images.image_table`, and what could not be fetched.
    """
    layer = layer_of(cells, imagery)
    image_requests = requests_for(cells, layer)
    image_folder = _image_folder(folder, imagery)
    failed: dict[str, InputError] = {}
    errors = []
    if imagery.fetch:
        try:
            per_second = requests_per_second(imagery)
            failed = client.fetch_images(image_requests, image_folder, per_second, patience)
        except InputError as error:
            errors.append(error)
    if failed:
        _log_failures(failed)
        if imagery.wms_failures == "stop":
            errors.append(_failures_error(failed, len(cells)))

    reasons = {cell_id: fault.what for cell_id, fault in failed.items()}
    table = cell_images.image_table(image_requests, cells, layer, data, image_folder, reasons)
    return table, errors


def to_fetch(cells: gpd.GeoDataFrame, imagery: Imagery, folder: Path) -> list[Request]:
    """The images of these cells that are not in place; arguments as of `images_of`."""
    image_requests = requests_for(cells, layer_of(cells, imagery))
    image_folder = _image_folder(folder, imagery)
    return [
        request for request in image_requests if not cell_images.is_in_place(request, image_folder)
    ]


def in_place(
    cells: gpd.GeoDataFrame, imagery: Imagery, data: Path, folder: Path
) -> tuple[gpd.GeoDataFrame, list[str]]:
    """The images of these cells as far as they are in place, and what the server will be asked.

    Arguments as of `images_of`.
    """
    layer, per_second = layer_of(cells, imagery), requests_per_second(imagery)
    image_requests = requests_for(cells, layer)
    image_folder = _image_folder(folder, imagery)
    table = cell_images.image_table(image_requests, cells, layer, data, image_folder, {})
    todo = [
        request for request in image_requests if not cell_images.is_in_place(request, image_folder)
    ]
    count = sum(len(request.pieces()) for request in todo)
    words = [
        f"layer {layer.name} in {layer.crs}, pixels of {imagery.pixel_size_m:g} m",
        f"{len(image_requests) - len(todo):,} of {len(image_requests):,} are in place; "
        f"{count:,} requests to come, at {per_second:g} a second {count / per_second / 60:.0f} min",
    ]
    return table, words


def try_server(cells: gpd.GeoDataFrame, imagery: Imagery, folder: Path) -> None:
    """Ask the server for one small image, in the middle of the cells; it is not kept.

    Raises:
        InputError: It cannot be had, or the answer is no such image.
    """
    middle = cells.iloc[[len(cells) // 2]]
    (request,) = requests_for(middle, layer_of(cells, imagery))
    client.ask_once(request.probe(), requests_per_second(imagery))


def _image_folder(folder: Path, imagery: Imagery) -> Path:
    """The folder of a layer's images: its name, but for what no folder may be called."""
    name = re.sub(r"[^\w.-]+", "_", imagery.wms_layer).strip(".") or "layer"
    return folder / cell_images.FOLDER / name


def _log_failures(failed: dict[str, InputError]) -> None:
    """Name the cells whose image the server does not give."""
    for cell_id, fault in islice(failed.items(), CELLS_NAMED):
        log.info("  cell %s: %s", cell_id, fault.what)
    if len(failed) > CELLS_NAMED:
        log.info("  and %s cells more", f"{len(failed) - CELLS_NAMED:,}")


def _failures_error(failed: dict[str, InputError], cell_count: int) -> InputError:
    """The error of a server that gives most images and not these, with how to go on without."""
    cell_id, first = next(iter(failed.items()))
    return InputError(
        f"the WMS does not give {len(failed):,} of {cell_count:,} images, the first of cell "
        f"{cell_id}: {first.what}",
        first.where,
        "the others are there: run the step again later, or go on without these cells: "
        "--set imagery.wms_failures=leave_out",
    )
