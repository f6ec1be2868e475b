"""Fetch the packs that a city's cells need and that are not in place."""

import logging
import shutil
from pathlib import Path

import geopandas as gpd

from urbancam.sources.download import fetching
from urbancam.sources.download.answers import Patience
from urbancam.sources.ign import index
from urbancam.sources.ign.links import RemoteFile
from urbancam.sources.ign.pack_names import pack_stem
from urbancam.sources.ign.packs import find_packs
from urbancam.sources.ign.tiles import WHOLE_SHARE, CityTiles, covered_share
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import shown

log = logging.getLogger(__name__)


def fetch_linked(
    files: list[RemoteFile], folder: Path, patience: Patience = Patience()
) -> list[InputError]:
    """Fetch the archives of `aerial_links.txt` that are not in the drop folder, unpacked or not.

    Returns:
        What went wrong, by file; the others have been fetched.
    """
    if not files:
        return []
    unpacked = {pack.name for pack in find_packs(folder) if not pack.is_archive}
    faults = []
    for file in files:
        # An archive may be deleted once it is unpacked.
        if pack_stem(file.name) in unpacked:
            continue
        try:
            fetching.fetch(file.url, folder / file.name, patience=patience)
        except InputError as error:
            log.info("%s: %s", file.name, error.what)
            faults.append(error)
    return faults


def lacking_departments(
    cells: gpd.GeoDataFrame, city_tiles: CityTiles, folder: Path, year: int | None
) -> list[str]:
    """Departments whose cells lack imagery and of which no pack is in place."""
    packs = [pack for pack in find_packs(folder) if year in (None, pack.year)]
    departments_in_place = {pack.department for pack in packs}
    is_lacking = covered_share(cells, city_tiles.tiles) < WHOLE_SHARE
    return sorted(set(cells["department"][is_lacking]) - departments_in_place)


def fetch_departments(
    departments: list[str],
    year: int | None,
    index_url: str,
    folder: Path,
    patience: Patience = Patience(),
) -> list[InputError]:
    """Fetch one pack for each department.

    Args:
        departments: Codes of the departments.
        year: Year of the campaign; None takes the newest.
        index_url: Address of IGN's index.
        folder: The drop folder.
        patience: How long to bear with the servers.

    Returns:
        What went wrong, by department; the others have been fetched.
    """
    faults = []
    for department in departments:
        try:
            _fetch_department(department, year, index_url, folder, patience)
        except InputError as error:
            log.info("department %s: %s", department, error.what)
            faults.append(error)
    return faults


def _fetch_department(
    department: str, year: int | None, index_url: str, folder: Path, patience: Patience
) -> None:
    """Fetch the volumes of the pack that the index has for a department."""
    name, url = index.find_pack(index_url, department, year, patience)
    files = index.list_files(url, patience)
    _check_room(files, folder)
    log.info("fetches %s: %d files, %s", name, len(files), _size(files))
    for file in files:
        fetching.fetch(
            file.url,
            folder / file.name,
            size_bytes=file.size_bytes,
            md5=file.md5,
            patience=patience,
        )


def _check_room(files: list[RemoteFile], folder: Path) -> None:
    """Refuse a pack for which the disk has no room.

    Raises:
        InputError: What the pack takes, and what is free.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # Volumes in place take no further room.
    missing = [file for file in files if not (folder / file.name).exists()]
    missing_bytes = sum(file.size_bytes or 0 for file in missing)
    free_bytes = shutil.disk_usage(folder).free
    if missing_bytes > free_bytes:
        raise InputError(
            f"the pack takes {missing_bytes / 1e9:.1f} GB, "
            f"the disk has room for {free_bytes / 1e9:.1f} GB",
            shown(folder),
            "name another folder with --data, or use --set imagery.source=wms",
        )


def _size(files: list[RemoteFile]) -> str:
    """The size of all files together, where the index says all of them."""
    sizes = [file.size_bytes for file in files if file.size_bytes]
    if len(sizes) < len(files):
        return "of unknown size"
    return f"{sum(sizes) / 1e9:.2f} GB"
