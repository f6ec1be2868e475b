"""What a city's imagery will take, said before anything is fetched."""

import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import geopandas as gpd

from urbancam.sources.download.answers import Patience
from urbancam.sources.ign import room
from urbancam.sources.ign.campaigns import Standing, Wanted
from urbancam.sources.ign.cell_images import is_in_place
from urbancam.sources.ign.fetching import (
    Offer,
    ask_index,
)
from urbancam.sources.ign.getmap import Request
from urbancam.sources.ign.holdings import Holdings
from urbancam.sources.ign.links import RemoteFile
from urbancam.sources.ign.pack_names import parse_name
from urbancam.sources.ign.room import Portion
from urbancam.workflow.errors import InputError

log = logging.getLogger(__name__)

BYTES_PER_PX = 3  # of an image without compression, red, green and blue


@dataclass
class Expectation:
    """What the packs of a city will take.

    Args:
        holdings: What the packs in place give.
        links: Archives of `aerial_links.txt` that are to be fetched.
        offers: What IGN's index has, by department, and what of it is to be fetched.
        faults: Why the index has nothing for a department.
    """

    holdings: Holdings
    links: list[RemoteFile] = field(default_factory=list)
    offers: dict[str, Offer] = field(default_factory=dict)
    faults: dict[str, InputError] = field(default_factory=dict)

    def linked_departments(self) -> set[str]:
        """Departments of which an archive is linked, as far as the archives' names say it."""
        names = [parse_name(file.name) for file in self.links]
        return {name.department for name in names if name}

    def portions(self, cells: gpd.GeoDataFrame, folder: Path) -> list[Portion]:
        """What each pack takes of the disk, in the order in which packs are worked on.

        Args:
            cells: `department` and squares.
            folder: The drop folder.
        """
        to_fetch = [room.portion_to_fetch(files, cells, folder) for files in self.packs_to_fetch()]
        return room.portions_in_place(self.holdings) + to_fetch

    def portions_of(self, department: str, cells: gpd.GeoDataFrame, folder: Path) -> list[Portion]:
        """As `portions`, of the packs of a department, and of those that do not tell theirs."""
        archives = [
            archive
            for archive in self.holdings.whole_archives
            if archive.department in (department, None)
        ]
        to_fetch = [
            room.portion_to_fetch(files, cells, folder)
            for files in self.packs_to_fetch()
            if (name := parse_name(files[0].name)) and name.department == department
        ]
        in_place = room.portions_in_place(replace(self.holdings, whole_archives=archives))
        return in_place + to_fetch

    def check_room(self, cells: gpd.GeoDataFrame, folder: Path, throws_away: bool) -> None:
        """Refuse what the disk has no room for, before it is fetched or unpacked.

        Raises:
            InputError: What is needed, what is free, and what to do.
        """
        shortage = room.shortage(self.portions(cells, folder), folder, throws_away)
        if shortage:
            raise shortage

    def packs_to_fetch(self) -> list[list[RemoteFile]]:
        """The volumes of each pack that is to be fetched: the linked ones, then IGN's."""
        linked = room.by_pack(self.links)
        return linked + [offer.files for offer in self.offers.values()]

    def ask(
        self,
        standings: Mapping[str, Standing],
        index_url: str,
        wanted: Wanted,
        patience: Patience = Patience(),
    ) -> None:
        """Ask IGN's index for departments that it was not asked for yet."""
        for department, standing in standings.items():
            if department in self.offers or department in self.faults:
                continue
            try:
                offer = ask_index(department, index_url, wanted, patience, standing)
                self.offers[department] = offer
            except InputError as error:
                log.info("department %s: %s", department, error.what)
                self.faults[department] = error


def log_expectation(
    expectation: Expectation,
    cells: gpd.GeoDataFrame,
    few: set[str],
    folder: Path,
    throws_away: bool,
) -> None:
    """Say per department what is in place, on offer, to be fetched and unpacked, and for whom;
    and how much of the disk all takes at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    log.info("expects of imagery, by department:")
    for department, cell_count in cells["department"].value_counts().sort_index().items():
        portions = expectation.portions_of(department, cells, folder)
        log.info(
            "  %s: %s cells; %s; %.1f GB to fetch, about %.1f GB to unpack",
            department,
            f"{cell_count:,}",
            _words(department, expectation, few),
            sum(portion.fetch_bytes for portion in portions) / 1e9,
            sum(portion.tile_bytes for portion in portions) / 1e9,
        )
    portions = expectation.portions(cells, folder)
    log.info(
        "  together %s cells, %.1f GB to fetch and about %.1f GB to unpack; "
        "about %.1f GB of disk at a time, %.1f GB are free",
        f"{len(cells):,}",
        sum(portion.fetch_bytes for portion in portions) / 1e9,
        sum(portion.tile_bytes for portion in portions) / 1e9,
        room.peak_bytes(portions, throws_away) / 1e9,
        shutil.disk_usage(folder).free / 1e9,
    )
    shortage = room.shortage(portions, folder, throws_away)
    if shortage:
        log.info("  that does not fit: %s", shortage.do)


def log_images_expectation(image_requests: list[Request], folder: Path) -> None:
    """Say how many images of single cells are to be fetched from the WMS, and how large they are.

    Args:
        image_requests: One request per cell.
        folder: Folder of the images.
    """
    todo = [request for request in image_requests if not is_in_place(request, folder)]
    todo_bytes = sum(request.width * request.height * BYTES_PER_PX for request in todo)
    log.info(
        "expects of imagery: %s of %s images of single cells to fetch, at most %.1f GB; "
        "the mosaic does not say its campaigns",
        f"{len(todo):,}",
        f"{len(image_requests):,}",
        todo_bytes / 1e9,
    )


def _words(department: str, expectation: Expectation, few: set[str]) -> str:
    """Where the imagery of a department comes from, and what else there is."""
    parts = []
    for held in expectation.holdings.holdings:
        if held.pack.department in (department, None):
            count = len(held.tiles) - len(held.absent)
            parts.append(f"{held.pack.name} in place, {count} of {len(held.tiles)} tiles unpacked")
    if department in few:
        parts.append("what lacks comes through the WMS (imagery.wms_departments_below)")
    if department in expectation.linked_departments():
        parts.append("linked in aerial_links.txt")
    if department in expectation.faults:
        parts.append(expectation.faults[department].what)
    if department in expectation.offers:
        offer = expectation.offers[department]
        parts.append(f"{offer.name} to fetch, of {', '.join(offer.names)} on offer")
    return "; ".join(parts) or "nothing in place"
