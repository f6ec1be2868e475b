"""A city's imagery cell by cell from the WMS: of all cells, or where a pack would serve few."""

import logging
from itertools import islice
from pathlib import Path

import geopandas as gpd

from urbancam.sources.download.answers import Patience
from urbancam.sources.ign import cell_images, wms
from urbancam.sources.ign.getmap import Request, requests_for
from urbancam.sources.ign.packs import CELL_IMAGES
from urbancam.sources.ign.tiles import CityTiles, joined
from urbancam.sources.imagery.coverage import WHOLE_SHARE, covered_share
from urbancam.workflow.errors import InputError
from urbancam.workflow.sections import Imagery

log = logging.getLogger(__name__)

CELLS_NAMED = 10  # cells that the log names, of those without an image


def with_images(
    city_tiles: CityTiles,
    cells: gpd.GeoDataFrame,
    imagery: Imagery,
    data: Path,
    folder: Path,
    patience: Patience = Patience(),
) -> tuple[CityTiles, list[InputError]]:
    """The tiles, and one image of each of these cells.

    Args:
        city_tiles: The tiles of other cells.
        cells: `idINSPIRE, department` and squares of the cells to have an image.
        imagery: The settings; `fetch` false takes the images in place.
        data: The data folder.
        folder: The drop folder below it.
        patience: How long to bear with the server.

    Returns:
        Tiles and images, and what could not be fetched.
    """
    layer = imagery.wms_layer
    image_requests = requests_for(cells, imagery.wms_url, layer, imagery.pixel_size_m)
    image_folder = _image_folder(folder, imagery)
    failed: dict[str, InputError] = {}
    errors = []
    if imagery.fetch:
        try:
            failed = wms.fetch_images(image_requests, image_folder, patience)
        except InputError as error:
            errors.append(error)
    if failed:
        _log_failures(failed)
        if imagery.wms_failures == "stop":
            errors.append(_failures_error(failed, len(cells)))

    reasons = {cell_id: fault.what for cell_id, fault in failed.items()}
    images = cell_images.image_table(image_requests, cells, data, image_folder, reasons)
    has_file = images["path"].notna()
    tiles = joined(city_tiles.tiles, images[has_file])
    return CityTiles(tiles, city_tiles.holdings, images[~has_file]), errors


def to_fetch(cells: gpd.GeoDataFrame, imagery: Imagery, folder: Path) -> list[Request]:
    """The images of these cells that are not in place; arguments as of `with_images`."""
    image_requests = requests_for(cells, imagery.wms_url, imagery.wms_layer, imagery.pixel_size_m)
    image_folder = _image_folder(folder, imagery)
    return [
        request for request in image_requests if not cell_images.is_in_place(request, image_folder)
    ]


def _image_folder(folder: Path, imagery: Imagery) -> Path:
    return folder / CELL_IMAGES / imagery.wms_layer


def few_departments(cells: gpd.GeoDataFrame, below: int) -> set[str]:
    """Departments that hold fewer cells of the city than so many, so that a pack is too much.

    ASSUME: the mosaic's campaigns differ from the packs', which a handful of cells may bear.

    Args:
        cells: `department`.
        below: `imagery.wms_departments_below`, 0 for none.
    """
    counts = cells["department"].value_counts()
    return set(counts.index[counts < below])


def complete(
    city_tiles: CityTiles,
    cells: gpd.GeoDataFrame,
    imagery: Imagery,
    data: Path,
    folder: Path,
    patience: Patience = Patience(),
) -> tuple[CityTiles, list[InputError]]:
    """As `with_images`, of those cells that lack imagery in departments of few cells."""
    lacking = lacking_of_few(cells, city_tiles.tiles, imagery)
    if lacking.empty:
        return city_tiles, []
    log.info(
        "takes %d cells of %s through the WMS, not whole packs: its campaigns may differ",
        len(lacking),
        ", ".join(sorted(set(lacking["department"]))),
    )
    return with_images(city_tiles, lacking, imagery, data, folder, patience)


def lacking_of_few(
    cells: gpd.GeoDataFrame, tiles: gpd.GeoDataFrame, imagery: Imagery
) -> gpd.GeoDataFrame:
    """The cells of departments of few cells that some tiles do not cover wholly."""
    few = few_departments(cells, imagery.wms_departments_below)
    is_lacking = covered_share(cells, tiles) < WHOLE_SHARE
    return cells[is_lacking & cells["department"].isin(few)]


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
