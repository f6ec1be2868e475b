"""Have the imagery of a city's cells, from packs or cell by cell, and say what it covers."""

import logging
from pathlib import Path

import geopandas as gpd

from urbancam.sources.download.fetching import Patience
from urbancam.sources.ign import index, wms
from urbancam.sources.ign.fetching import fetch_departments, fetch_linked, lacking_departments
from urbancam.sources.ign.tiles import Found, covered_share, find_tiles
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
) -> tuple[Found, list[InputError]]:
    """Tiles out of packs: those in place, those that the links file names, then IGN's for what is still missing.

    Args:
        cells: `idINSPIRE, department` and squares.
        imagery: the settings.
        city: heading in the links file.
        data: the data folder.
        folder: the drop folder below it.
        patience: with servers.

    Returns:
        The tiles, and what could not be fetched.
    """
    faults = fetch_linked(index.read_links(LINKS, city), folder, patience) if imagery.fetch else []
    found = find_tiles(cells, data, folder, imagery.year)
    lacking = lacking_departments(cells, found, folder, imagery.year)
    if lacking and imagery.fetch:
        log.info("no pack in place for %s; asks IGN's index", ", ".join(lacking))
        faults += fetch_departments(lacking, imagery.year, imagery.index_url, folder, patience)
        found = find_tiles(cells, data, folder, imagery.year)
    return found, faults


def from_wms(
    cells: gpd.GeoDataFrame,
    imagery: Imagery,
    city: str,
    data: Path,
    folder: Path,
    patience: Patience = Patience(),
) -> tuple[Found, list[InputError]]:
    """One image per cell from IGN's server; arguments and result as of `from_archives`."""
    wanted = wms.requests_for(cells, imagery.wms_url, imagery.wms_layer, imagery.pixel_size_m)
    images = folder / "wms" / imagery.wms_layer
    faults = wms.fetch_images(wanted, images, patience)
    return Found(wms.image_table(wanted, cells, data, images, imagery.wms_layer)), faults


def report_coverage(
    cells: gpd.GeoDataFrame, found: Found, faults: list[InputError]
) -> dict[str, int]:
    """Say plainly which cells have imagery; the counts of the summary line.

    Raises:
        InputError: something could not be fetched, or no cell has imagery.
    """
    share = covered_share(cells, found.tiles)
    whole, none = share > 1 - 1e-6, share < 1e-6
    log.info(
        "imagery covers %s of %s cells wholly, %s in part, %s not at all",
        f"{whole.sum():,}",
        f"{len(cells):,}",
        f"{(~whole & ~none).sum():,}",
        f"{none.sum():,}",
    )
    have = set(found.tiles["department"])
    for department, count in cells["department"][~whole].value_counts().sort_index().items():
        why = (
            "some of its tiles are missing"
            if department in have
            else "no imagery of it is in place"
        )
        log.info("  department %s: %s cells lack imagery; %s", department, f"{count:,}", why)
    for pack, names in found.absent.items():
        log.info(
            "  %s lacks %d tiles that its index names: %s", pack, len(names), ", ".join(names[:10])
        )
    if faults:
        _refuse(faults)
    if none.all():
        departments = ", ".join(sorted(set(cells["department"])))
        raise InputError(
            f"no cell has imagery; the cells lie in the departments {departments}",
            "data/aerial_data/",
            "put IGN's packs of these departments there (.7z volumes or unpacked), name them in "
            f"{shown(LINKS)}, or use --set imagery.source=wms",
        )
    return {
        "tiles": len(found.tiles),
        "packs": found.tiles["pack"].nunique(),
        "cells with imagery": int((~none).sum()),
        "without": int(none.sum()),
    }


def _refuse(faults: list[InputError]) -> None:
    first = faults[0]
    more = f" (and {len(faults) - 1:,} more like it)" if len(faults) > 1 else ""
    raise InputError(
        f"some imagery could not be fetched: {first.what}{more}",
        first.where,
        f"{first.do}; what is there is kept, run the step again. Or go on without: "
        "--set imagery.fetch=false uses the packs in place",
    )
