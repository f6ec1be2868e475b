"""What a city's imagery will take, said before anything is fetched."""

import logging
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path

import geopandas as gpd

from urbancam.sources.download.answers import AbsentError, Patience
from urbancam.sources.ign import cellwise, room
from urbancam.sources.ign.campaigns import CampaignChoice, CampaignKey, Standing
from urbancam.sources.ign.fetching import (
    Offer,
    ask_index,
    begun_downloads,
    home_of,
)
from urbancam.sources.ign.holdings import Holdings
from urbancam.sources.ign.links import RemoteFile
from urbancam.sources.ign.pack_names import parse_name
from urbancam.sources.ign.room import Portion
from urbancam.sources.ign.tile_index import in_one_table
from urbancam.sources.wms import of_cells
from urbancam.sources.wms.getmap import Request
from urbancam.workflow.errors import InputError
from urbancam.workflow.settings.city_facts import Imagery

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
        images: Images of single cells that are to be fetched from the WMS, by department.
    """

    holdings: Holdings
    links: list[RemoteFile] = field(default_factory=list)
    offers: dict[str, Offer] = field(default_factory=dict)
    faults: dict[str, InputError] = field(default_factory=dict)
    images: dict[str, list[Request]] = field(default_factory=dict)

    def linked_departments(self) -> set[str]:
        """Departments of which an archive is linked, as far as the archives' names say it."""
        names = [parse_name(file.name) for file in self.links]
        return {name.department for name in names if name}

    def portions(self, cells: gpd.GeoDataFrame, folder: Path) -> list[Portion]:
        """What each pack takes of the disk, in the order in which packs are worked on; then what
        the images of single cells take.

        Args:
            cells: `department` and squares.
            folder: The drop folder.
        """
        to_fetch = [
            room.portion_to_fetch(files, cells, self.home_of(files, folder))
            for files in self.packs_to_fetch()
        ]
        images = [portion_of_images(requests) for requests in self.images.values()]
        return room.portions_in_place(self.holdings, folder) + to_fetch + images

    def portions_of(self, department: str, cells: gpd.GeoDataFrame, folder: Path) -> list[Portion]:
        """As `portions`, of the packs of a department, and of those that do not tell theirs."""
        archives = [
            archive
            for archive in self.holdings.whole_archives
            if archive.department in (department, None)
        ]
        to_fetch = [
            room.portion_to_fetch(files, cells, self.home_of(files, folder))
            for files in self.packs_to_fetch()
            if (name := parse_name(files[0].name)) and name.department == department
        ]
        holdings = replace(self.holdings, whole_archives=archives)
        images = portion_of_images(self.images.get(department, []))
        return [*room.portions_in_place(holdings, folder), *to_fetch, images]

    def home_of(self, files: list[RemoteFile], folder: Path) -> Path:
        """The folder of a pack's files, where some of them may stand already.

        Args:
            files: The volumes of the pack.
            folder: The drop folder.
        """
        return home_of(files[0], [pack for pack, _ in self.holdings.incomplete], folder)

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

    def ask_index(
        self,
        cells: gpd.GeoDataFrame,
        imagery: Imagery,
        folder: Path,
        patience: Patience = Patience(),
    ) -> None:
        """Ask IGN's index for the departments of which imagery is missing that nobody links, and
        that it was not asked for yet.

        Args:
            cells: `department`.
            imagery: The settings.
            folder: The drop folder.
            patience: How long to bear with the server.
        """
        few = cellwise.few_departments(cells, imagery.wms_departments_below)
        served = few | self.linked_departments()
        downloads = begun_downloads(folder)
        campaigns = {CampaignKey.of(parse_name(name)) for name in downloads}
        standings = {
            department: replace(
                standing,
                begun=standing.begun | campaigns,
                pack_names=standing.pack_names | downloads,
            )
            for department, standing in self.holdings.standings.items()
            if department not in served
        }
        if not standings:
            return
        log.info("imagery is missing in %s; asks IGN's index", ", ".join(standings))
        for department, standing in standings.items():
            if department not in self.offers and department not in self.faults:
                self._ask(department, standing, imagery, patience)
        # Where another campaign in place has all that is needed, the city does without.
        for department, standing in standings.items():
            if standing.whole and isinstance(self.faults.get(department), AbsentError):
                del self.faults[department]

    def _ask(
        self, department: str, standing: Standing, imagery: Imagery, patience: Patience
    ) -> None:
        choice = CampaignChoice.from_settings(imagery)
        try:
            offer = ask_index(department, imagery.index_url, choice, patience, standing)
            self.offers[department] = offer
        except InputError as error:
            log.info("department %s: %s", department, error.what)
            self.faults[department] = error

    def expect_images(self, cells: gpd.GeoDataFrame, imagery: Imagery, folder: Path) -> None:
        """Note the images that are to be fetched: of departments of few cells, where packs in
        place or linked do not serve. Arguments as of `ask_index`."""
        obtainable = in_one_table(self.holdings.obtainable())
        lacking = cellwise.lacking_of_few(cells, obtainable, imagery)
        lacking = lacking[~lacking["department"].isin(self.linked_departments())]
        self.images = {
            department: of_cells.to_fetch(own_cells, imagery, folder)
            for department, own_cells in lacking.groupby("department")
        }


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
            "  %s: %s cells; %s; %s, about %.1f GB to unpack",
            department,
            f"{cell_count:,}",
            _words(department, expectation, few),
            room.to_fetch_in_words(portions),
            sum(portion.tile_bytes for portion in portions) / 1e9,
        )
    portions = expectation.portions(cells, folder)
    log.info(
        "  together %s cells, %s and about %.1f GB to unpack; "
        "about %.1f GB of disk at a time, %.1f GB are free",
        f"{len(cells):,}",
        room.to_fetch_in_words(portions),
        sum(portion.tile_bytes for portion in portions) / 1e9,
        room.peak_bytes(portions, throws_away) / 1e9,
        shutil.disk_usage(folder).free / 1e9,
    )
    shortage = room.shortage(portions, folder, throws_away)
    if shortage:
        log.info("  that does not fit: %s", shortage.do)


def portion_of_images(image_requests: list[Request]) -> Portion:
    """What images of single cells take of the disk, at most: they are kept compressed."""
    pixels = sum(request.width * request.height for request in image_requests)
    return Portion(pixels * BYTES_PER_PX)


def log_images_expectation(todo: list[Request], cell_count: int, folder: Path) -> None:
    """Say how many images of single cells are to be fetched from the WMS, and how large they are.

    Args:
        todo: The images to fetch.
        cell_count: Number of all cells.
        folder: The drop folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log.info(
        "expects of imagery: %s of %s images of single cells to fetch, at most %.1f GB, "
        "%.1f GB are free; the mosaic does not say its campaigns",
        f"{len(todo):,}",
        f"{cell_count:,}",
        portion_of_images(todo).fetch_bytes / 1e9,
        shutil.disk_usage(folder).free / 1e9,
    )


def _words(department: str, expectation: Expectation, few: set[str]) -> str:
    """Where the imagery of a department comes from, and what else there is."""
    parts = []
    for holding in expectation.holdings.holdings:
        if holding.pack.department in (department, None):
            count = len(holding.tiles) - len(holding.absent)
            parts.append(
                f"{holding.pack.name} in place, {count} of {len(holding.tiles)} tiles unpacked"
            )
    if department in few:
        count = len(expectation.images.get(department, []))
        parts.append(f"{count} images come through the WMS (imagery.wms_departments_below)")
    if department in expectation.linked_departments():
        parts.append("linked in aerial_links.txt")
    if department in expectation.faults:
        parts.append(expectation.faults[department].what)
    if department in expectation.offers:
        offer = expectation.offers[department]
        parts.append(f"{offer.name} to fetch, of {', '.join(offer.names)} on offer")
    return "; ".join(parts) or "nothing in place"
