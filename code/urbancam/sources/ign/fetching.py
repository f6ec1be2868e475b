"""Fetch the packs that a city's cells need and that are not in place."""

import logging
import shutil
from pathlib import Path

import geopandas as gpd

from urbancam.sources.download import fetching
from urbancam.sources.download.fetching import Patience
from urbancam.sources.ign import index
from urbancam.sources.ign.packs import find_packs, pack_stem
from urbancam.sources.ign.tiles import Found, covered_share
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import shown

log = logging.getLogger(__name__)


def fetch_linked(
    files: list[index.RemoteFile], folder: Path, patience: Patience = Patience()
) -> list[InputError]:
    """Fetch the archives of `aerial_links.txt`, unless they stand in the drop folder, unpacked or not.

    Returns:
        What went wrong, by file; the others have been fetched.
    """
    unpacked = {pack.name for pack in find_packs(folder) if not pack.is_archive} if files else set()
    faults = []
    for file in files:
        if pack_stem(file.name) not in unpacked:
            try:
                fetching.fetch(file.url, folder / file.name, patience=patience)
            except InputError as error:
                log.info("%s: %s", file.name, error.what)
                faults.append(error)
    return faults


def lacking_departments(
    cells: gpd.GeoDataFrame, found: Found, folder: Path, year: int | None
) -> list[str]:
    """Departments whose cells lack imagery and of which no pack is in place."""
    have = {pack.department for pack in find_packs(folder) if year in (None, pack.year)}
    lacking = cells["department"][covered_share(cells, found.tiles) < 1 - 1e-6]
    return sorted(set(lacking) - have)


def fetch_departments(
    departments: list[str],
    year: int | None,
    index_url: str,
    folder: Path,
    patience: Patience = Patience(),
) -> list[InputError]:
    """Fetch one pack for each department.

    Returns:
        What went wrong, by department; the others have been fetched.
    """
    faults = []
    for department in departments:
        try:
            name, url = index.find_pack(index_url, department, year, patience)
            files = index.list_files(url, patience)
            _check_room(files, folder)
            log.info("fetches %s: %d files, %s", name, len(files), _size(files))
            for file in files:
                path = folder / file.name
                fetching.fetch(
                    file.url, path, size_bytes=file.size_bytes, md5=file.md5, patience=patience
                )
        except InputError as error:
            log.info("department %s: %s", department, error.what)
            faults.append(error)
    return faults


def _check_room(files: list[index.RemoteFile], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    missing_bytes = sum(file.size_bytes or 0 for file in files if not (folder / file.name).exists())
    free_bytes = shutil.disk_usage(folder).free
    if missing_bytes > free_bytes:
        raise InputError(
            f"the pack takes {missing_bytes / 1e9:.1f} GB, the disk has room for {free_bytes / 1e9:.1f} GB",
            shown(folder),
            "name another folder with --data, or use --set imagery.source=wms",
        )


def _size(files: list[index.RemoteFile]) -> str:
    known = [file.size_bytes for file in files if file.size_bytes]
    return f"{sum(known) / 1e9:.2f} GB" if len(known) == len(files) else "of unknown size"
