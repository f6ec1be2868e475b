"""Have the imagery of a city's cells, from packs or cell by cell, and say what it covers."""

import logging
from pathlib import Path

import geopandas as gpd
import numpy as np

from urbancam.sources.download.answers import Patience
from urbancam.sources.ign import cellwise, room
from urbancam.sources.ign.campaigns import CampaignChoice
from urbancam.sources.ign.consumed_tiles import Consumer, throws_away
from urbancam.sources.ign.expectation import (
    Expectation,
    log_expectation,
    log_images_expectation,
)
from urbancam.sources.ign.fetching import (
    fetch_linked,
    fetch_pack,
    pending_links,
)
from urbancam.sources.ign.holdings import PackFault
from urbancam.sources.ign.links import read_links
from urbancam.sources.ign.survey import survey
from urbancam.sources.ign.tiles import (
    CityTiles,
    find_tiles,
    no_tiles,
)
from urbancam.sources.imagery.coverage import BARE_SHARE, WHOLE_SHARE, covered_share, log_coverage
from urbancam.sources.wms import of_cells
from urbancam.workflow.errors import InputError
from urbancam.workflow.messages import each_line_once
from urbancam.workflow.paths import ROOT, display_path
from urbancam.workflow.settings.city_facts import Imagery

log = logging.getLogger(__name__)

LINKS = ROOT / "aerial_links.txt"
# What is in place is looked at before, between and after the downloads.
LOOKING = [f"urbancam.sources.ign.{module}" for module in ("survey", "holdings", "packs")]


@each_line_once(*LOOKING)
def from_archives(
    cells: gpd.GeoDataFrame,
    imagery: Imagery,
    city: str,
    data: Path,
    folder: Path,
    patience: Patience = Patience(),
    consumer: Consumer | None = None,
) -> tuple[CityTiles, list[InputError]]:
    """Tiles out of packs: those in place, those of the links file, then IGN's for what is missing.

    Args:
        cells: `idINSPIRE, department` and squares.
        imagery: The settings.
        city: Heading in the links file.
        data: The data folder.
        folder: The drop folder below it.
        patience: How long to bear with servers.
        consumer: The city, for tiles that have served it and were thrown away.

    Returns:
        The tiles, and what could not be fetched.

    Raises:
        InputError: The disk has no room; nothing was fetched.
    """
    choice = CampaignChoice.from_settings(imagery)
    expectation = expect_from_archives(cells, imagery, city, folder, patience, consumer)
    expectation.check_room(cells, folder, throws_away(consumer))
    damaged: list[PackFault] = []
    disk = (cells, folder, choice, consumer, damaged)
    room.throw_away_unpacked(*disk)
    link_faults = []
    for files in room.by_pack(expectation.links):
        link_faults += fetch_linked(files, expectation.home_of(files, folder), patience)
        room.throw_away_unpacked(*disk)
    if expectation.links:
        # A link that is dead leaves its department to IGN's index.
        expectation.links = []
        expectation.holdings = survey(*disk)
        expectation.ask_index(cells, imagery, folder, patience)
        expectation.expect_images(cells, imagery, folder)
        expectation.check_room(cells, folder, throws_away(consumer))
    faults = list(expectation.faults.values())
    for offer in expectation.offers.values():
        faults += fetch_pack(offer, expectation.home_of(offer.files, folder), patience)
        room.throw_away_unpacked(*disk)

    city_tiles = find_tiles(cells, data, folder, choice, consumer, damaged)
    city_tiles, wms_faults = cellwise.complete(city_tiles, cells, imagery, data, folder, patience)
    faults += _pack_faults(cells, city_tiles, imagery.fetch)
    # A link that is dead is no fault where the cells have their imagery from elsewhere.
    if (covered_share(cells, city_tiles.tiles) < WHOLE_SHARE).any():
        faults = link_faults + faults
    return city_tiles, [_with_way_on(fault) for fault in faults] + wms_faults


def expect_from_archives(
    cells: gpd.GeoDataFrame,
    imagery: Imagery,
    city: str,
    folder: Path,
    patience: Patience = Patience(),
    consumer: Consumer | None = None,
) -> Expectation:
    """What the city's imagery will take out of packs, said by department; nothing is fetched yet.

    Arguments as of `from_archives`.
    """
    choice = CampaignChoice.from_settings(imagery)
    elsewhere = choice.years_elsewhere(set(cells["department"]))
    if elsewhere:
        log.info("imagery.year names %s, where no cell of the city lies", ", ".join(elsewhere))
    expectation = Expectation(survey(cells, folder, choice, consumer))
    if imagery.fetch:
        standings = expectation.holdings.standings.values()
        absent = [pack for standing in standings for pack in standing.absent]
        expectation.links = pending_links(read_links(LINKS, city), folder, patience, absent)
        expectation.ask_index(cells, imagery, folder, patience)
        expectation.expect_images(cells, imagery, folder)
    few = cellwise.few_departments(cells, imagery.wms_departments_below)
    log_expectation(expectation, cells, few, folder, throws_away(consumer))
    return expectation


def _pack_faults(
    cells: gpd.GeoDataFrame, city_tiles: CityTiles, has_fetched: bool
) -> list[InputError]:
    """What is wrong with packs in place of departments whose cells lack imagery.

    Who does not fetch goes on with what is there: the faults are only named.
    """
    is_lacking = covered_share(cells, city_tiles.tiles) < WHOLE_SHARE
    lacking = {None, *cells["department"][is_lacking]} if is_lacking.any() else set()
    holdings = city_tiles.holdings
    pack_faults = holdings.all_faults() + holdings.incomplete_faults()
    faults = [fault for pack, fault in pack_faults if pack.department in lacking]
    if has_fetched:
        return faults
    for fault in faults:
        log.info("goes on without %s: %s", fault.where, fault.what)
    return []


def from_wms(
    cells: gpd.GeoDataFrame,
    imagery: Imagery,
    city: str,
    data: Path,
    folder: Path,
    patience: Patience = Patience(),
) -> tuple[CityTiles, list[InputError]]:
    """One image per cell from IGN's server; arguments and result as of `from_archives`."""
    expect_from_wms(cells, imagery, city, folder)
    return cellwise.with_images(no_tiles(), cells, imagery, data, folder, patience)


def expect_from_wms(cells: gpd.GeoDataFrame, imagery: Imagery, city: str, folder: Path) -> None:
    """Say what the images of the cells will take; the server is not asked."""
    log_images_expectation(of_cells.to_fetch(cells, imagery, folder), len(cells), folder)


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
        raise _bareness_error(cells, city_tiles.lacking)
    return {
        "tiles": len(city_tiles.tiles),
        "packs": city_tiles.tiles["pack"].nunique(),
        "cells with imagery": int((~is_bare).sum()),
        "without": int(is_bare.sum()),
    }


def _log_coverage(cells: gpd.GeoDataFrame, city_tiles: CityTiles, share: np.ndarray) -> None:
    """How many cells have imagery, where it is lacking, and which tiles are absent."""
    is_whole = share > WHOLE_SHARE
    log_coverage(share)
    is_of_wms = np.zeros(len(cells), bool)
    if city_tiles.lacking is not None:
        is_of_wms = cells["idINSPIRE"].isin(city_tiles.lacking["idINSPIRE"]).to_numpy()
        for reason, count in city_tiles.lacking["reason"].value_counts().items():
            log.info("  %s cells have no image from the WMS: %s", f"{count:,}", reason)

    departments_in_place = set(city_tiles.tiles["department"])
    lacking_packs = cells["department"][~is_whole & ~is_of_wms]
    lacking_by_department = lacking_packs.value_counts().sort_index()
    for department, count in lacking_by_department.items():
        reason = "no imagery of it is in place"
        if department in departments_in_place:
            reason = "some of its tiles are missing"
        log.info("  department %s: %s cells lack imagery; %s", department, f"{count:,}", reason)

    for pack, names in city_tiles.holdings.absent.items():
        first_names = ", ".join(names[:10])
        log.info("  %s lacks %d tiles that its index names: %s", pack, len(names), first_names)


def _bareness_error(cells: gpd.GeoDataFrame, lacking: gpd.GeoDataFrame | None) -> InputError:
    """The error of a city without any imagery.

    Args:
        cells: `idINSPIRE, department`.
        lacking: Cells that the WMS was asked for, with the reason; None where it was not asked.
    """
    reason = ""
    asked_ids = set()
    if lacking is not None and len(lacking):
        asked_ids = set(lacking["idINSPIRE"])
        reason = lacking["reason"].iloc[0]
        if asked_ids >= set(cells["idINSPIRE"]):
            return InputError(
                f"no cell has imagery: {reason}",
                "imagery.wms_layer",
                "look the layer and imagery.fetch up, or take packs with another --results folder",
            )
    of_packs = ~cells["idINSPIRE"].isin(asked_ids)
    departments = ", ".join(sorted(set(cells["department"][of_packs])))
    of_wms = f"; of the {len(asked_ids):,} cells taken through the WMS: {reason}" if reason else ""
    return InputError(
        f"no cell has imagery; {of_packs.sum():,} cells are of packs, of the departments "
        f"{departments}{of_wms}",
        "data/aerial_data/",
        "put IGN's packs of these departments there (.7z volumes or unpacked), name them in "
        f"{display_path(LINKS)}, or use --set imagery.source=wms",
    )


def _fetch_error(faults: list[InputError]) -> InputError:
    """The first fault, with the number of the others."""
    first = faults[0]
    more = f" (and {len(faults) - 1:,} more)" if len(faults) > 1 else ""
    what = f"some imagery could not be fetched: {first.what}{more}"
    return InputError(what, first.where, first.do)


def _with_way_on(fault: InputError) -> InputError:
    """A fault of a pack, with how to go on with or without it."""
    return InputError(
        fault.what,
        fault.where,
        f"{fault.do}; what is there is kept, run the step again. Or go on without: "
        "--set imagery.fetch=false uses the packs in place",
    )
