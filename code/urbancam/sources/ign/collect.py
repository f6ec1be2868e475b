"""Have the imagery of a city's cells, from packs or cell by cell, and say what it covers."""

import logging
from pathlib import Path

import geopandas as gpd
import numpy as np

from urbancam.sources.download.answers import Patience
from urbancam.sources.ign import wms
from urbancam.sources.ign.fetching import fetch_departments, fetch_linked, lacking_departments
from urbancam.sources.ign.getmap import requests_for
from urbancam.sources.ign.links import read_links
from urbancam.sources.ign.tiles import (
    BARE_SHARE,
    WHOLE_SHARE,
    CityTiles,
    covered_share,
    find_tiles,
)
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import ROOT, shown
from urbancam.workflow.sections import Imagery

log = logging.getLogger(__name__)

LINKS = ROOT / "aerial_links.txt"


def from_archives(
    cells: gpd.GeoDataFrame,
    imagery: Imagery,
    city: str,
    data: Path,
    folder: Path,
    patience: Patience = Patience(),
) -> tuple[CityTiles, list[InputError]]:
    """Tiles out of packs: those in place, those of the links file, then IGN's for what is missing.

    Args:
        cells: `idINSPIRE, department` and squares.
        imagery: The settings.
        city: Heading in the links file.
        data: The data folder.
        folder: The drop folder below it.
        patience: How long to bear with servers.

    Returns:
        The tiles, and what could not be fetched.
    """
    faults = []
    if imagery.fetch:
        faults += fetch_linked(read_links(LINKS, city), folder, patience)
    city_tiles = find_tiles(cells, data, folder, imagery.year)

    # IGN's index is asked only for departments of which nothing is in place.
    departments = lacking_departments(cells, city_tiles, folder, imagery.year)
    if departments and imagery.fetch:
        log.info("no pack in place for %s; asks IGN's index", ", ".join(departments))
        faults += fetch_departments(departments, imagery.year, imagery.index_url, folder, patience)
        city_tiles = find_tiles(cells, data, folder, imagery.year)
    return city_tiles, faults


def from_wms(
    cells: gpd.GeoDataFrame,
    imagery: Imagery,
    city: str,
    data: Path,
    folder: Path,
    patience: Patience = Patience(),
) -> tuple[CityTiles, list[InputError]]:
    """One image per cell from IGN's server; arguments and result as of `from_archives`."""
    layer = imagery.wms_layer
    image_requests = requests_for(cells, imagery.wms_url, layer, imagery.pixel_size_m)
    image_folder = folder / "wms" / layer
    faults = wms.fetch_images(image_requests, image_folder, patience)
    tiles = wms.image_table(image_requests, cells, data, image_folder, layer)
    return CityTiles(tiles), faults


def report_coverage(
    cells: gpd.GeoDataFrame, city_tiles: CityTiles, faults: list[InputError]
) -> dict[str, int]:
    """Say plainly which cells have imagery.

    Args:
        cells: `idINSPIRE, department` and squares.
        city_tiles: The tiles of the cells.
        faults: What could not be fetched.

    Returns:
        Counts for the summary line.

    Raises:
        InputError: Something could not be fetched, or no cell has imagery.
    """
    share = covered_share(cells, city_tiles.tiles)
    is_bare = share < BARE_SHARE
    _log_coverage(cells, city_tiles, share)
    # What was fetched is in place by now: the next run goes on from there.
    if faults:
        raise _fetch_error(faults)
    # Going on with some cells is the user's choice; with none there is nothing to go on with.
    if is_bare.all():
        departments = ", ".join(sorted(set(cells["department"])))
        raise InputError(
            f"no cell has imagery; the cells lie in the departments {departments}",
            "data/aerial_data/",
            "put IGN's packs of these departments there (.7z volumes or unpacked), name them in "
            f"{shown(LINKS)}, or use --set imagery.source=wms",
        )
    return {
        "tiles": len(city_tiles.tiles),
        "packs": city_tiles.tiles["pack"].nunique(),
        "cells with imagery": int((~is_bare).sum()),
        "without": int(is_bare.sum()),
    }


def _log_coverage(cells: gpd.GeoDataFrame, city_tiles: CityTiles, share: np.ndarray) -> None:
    """How many cells have imagery, where it is lacking, and which tiles are absent."""
    is_whole = share > WHOLE_SHARE
    is_bare = share < BARE_SHARE
    is_partial = ~is_whole & ~is_bare
    log.info(
        "imagery covers %s of %s cells wholly, %s in part, %s not at all",
        f"{is_whole.sum():,}",
        f"{len(cells):,}",
        f"{is_partial.sum():,}",
        f"{is_bare.sum():,}",
    )

    departments_in_place = set(city_tiles.tiles["department"])
    lacking_by_department = cells["department"][~is_whole].value_counts().sort_index()
    for department, count in lacking_by_department.items():
        reason = "no imagery of it is in place"
        if department in departments_in_place:
            reason = "some of its tiles are missing"
        log.info("  department %s: %s cells lack imagery; %s", department, f"{count:,}", reason)

    for pack, names in city_tiles.absent.items():
        first_names = ", ".join(names[:10])
        log.info("  %s lacks %d tiles that its index names: %s", pack, len(names), first_names)


def _fetch_error(faults: list[InputError]) -> InputError:
    """The first fault, with the number of the others and how to go on."""
    first = faults[0]
    more = f" (and {len(faults) - 1:,} more like it)" if len(faults) > 1 else ""
    return InputError(
        f"some imagery could not be fetched: {first.what}{more}",
        first.where,
        f"{first.do}; what is there is kept, run the step again. Or go on without: "
        "--set imagery.fetch=false uses the packs in place",
    )
