"""Which packs in place serve a city's cells.

Of each department it is the campaign that the settings prefer. One that lacks tiles which the cells
need goes behind one that has them all; where none has, each cell takes the best that covers it.
"""

import logging
from collections.abc import Collection
from pathlib import Path

import geopandas as gpd

from urbancam.sources.download import archives
from urbancam.sources.download.volumes import IncompleteError
from urbancam.sources.ign.campaigns import CampaignChoice
from urbancam.sources.ign.candidates import (
    Candidate,
    Site,
    cells_served,
    chosen_among,
    coverage_by,
    standing_of,
    together,
)
from urbancam.sources.ign.consumed_tiles import ConsumedTiles, Consumer
from urbancam.sources.ign.holdings import Holdings, PackFault
from urbancam.sources.ign.identity import by_campaign
from urbancam.sources.ign.pack_names import campaign_in_words
from urbancam.sources.ign.packs import Pack, find_packs
from urbancam.sources.imagery.coverage import WHOLE_SHARE
from urbancam.workflow.errors import InputError
from urbancam.workflow.messages import few

log = logging.getLogger(__name__)

Ranked = dict[str, list[list[Pack]]]  # packs of each campaign, the preferred first, by department


def survey(
    cells: gpd.GeoDataFrame,
    folder: Path,
    choice: CampaignChoice,
    consumer: Consumer | None = None,
    damaged: Collection[PackFault] = (),
) -> Holdings:
    """What is in place for the cells; of archives no more than the index is unpacked.

    Packs whose name tells nothing are used unless their pixels are too coarse. What is not used,
    and what is coarser than wanted, is said.

    Args:
        cells: `idINSPIRE, department` and squares.
        folder: The drop folder.
        choice: Which campaigns are taken, and before which others.
        consumer: The city: tiles that have served it count as there, even if they were thrown
            away. None counts no such tile.
        damaged: Archives that proved damaged while their tiles were unpacked; they give nothing.
    """
    departments = sorted(set(cells["department"]))
    packs = [part for pack in find_packs(folder) for part in by_campaign(pack)]
    incomplete = _incomplete(packs, departments, choice)
    consumed = ConsumedTiles.of(folder, consumer)
    site = Site(cells, folder, consumed, [pack for pack, _ in (*incomplete, *damaged)])

    untold = [pack for pack in packs if _is_untold(pack, choice)]
    ranked = {department: choice.ranked(department, packs) for department in departments}
    serving = {department: campaigns[:1] for department, campaigns in ranked.items()}
    base = site.given(untold)
    of_department = {name: site.given(packs[0] if packs else []) for name, packs in serving.items()}
    first = together(base, *of_department.values())
    standings = {}
    for department, is_lacking in _lacking(cells, first, serving).items():
        others = together(
            base, *(part for name, part in of_department.items() if name != department)
        )
        candidates = site.candidates(department, ranked[department], others)
        chosen = chosen_among(candidates)
        if is_lacking:
            standings[department] = standing_of(candidates)
        serving[department] = [candidate.packs for candidate in chosen]
        of_department[department] = together(*(candidate.holdings for candidate in chosen))
        _log_choice(department, candidates, chosen)

    _log_use(packs, untold, serving, choice)
    holdings = together(base, *of_department.values())
    holdings.incomplete, holdings.standings = incomplete, standings
    # As of every pack, damage counts where its campaign is to serve.
    in_use = [*untold, *_packs_of(serving)]
    holdings.faults += [(pack, fault) for pack, fault in damaged if pack in in_use]
    return holdings


def _is_untold(pack: Pack, choice: CampaignChoice) -> bool:
    """Whether nothing tells a pack's department, and it may be used."""
    return pack.department is None and (choice.coarser or not choice.is_coarser(pack))


def _incomplete(
    packs: list[Pack], departments: list[str], choice: CampaignChoice
) -> list[PackFault]:
    """The archives that would be of use and are not there as a whole, each with what lacks."""
    incomplete = []
    for pack in packs:
        is_of_use = pack.department is None or (
            pack.department in departments and choice.suits(pack, pack.department)
        )
        if not pack.is_archive or not is_of_use:
            continue
        try:
            archives.list_members(pack.path)
        except IncompleteError as error:
            log.info("%s is not whole yet: %s", pack.name, error.what)
            incomplete.append((pack, error))
        except InputError:
            pass  # damaged: whoever uses it says so
    return incomplete


def _lacking(cells: gpd.GeoDataFrame, holdings: Holdings, serving: Ranked) -> dict[str, bool]:
    """The departments of which some cell is not covered as it might be.

    Args:
        cells: `department` and squares.
        holdings: What the campaigns that are preferred give.
        serving: Those campaigns.

    Returns:
        Whether more is to be had of it elsewhere: not of a whole archive, nor of loose tiles that
        touch every cell.
    """
    share, lacks = coverage_by(cells, holdings)
    with_archive = {archive.department for archive in holdings.whole_archives}
    departments = {}
    for department, campaigns in serving.items():
        is_own = (cells["department"] == department).to_numpy()
        is_loose = all(pack.is_loose for packs in campaigns for pack in packs)
        is_lacking = bool(lacks[is_own].any())
        if is_lacking or (is_loose and (share[is_own] < WHOLE_SHARE).any()):
            departments[department] = is_lacking and department not in with_archive
    return departments


def _log_choice(department: str, candidates: list[Candidate], chosen: list[Candidate]) -> None:
    """Say which campaigns serve, where the preferred one does not serve alone."""
    if [one.key for one in chosen] == [one.key for one in candidates[:1]]:
        return
    serving = [
        f"{campaign_in_words(candidate.key)} serves {count:,} cells"
        for candidate, count in zip(chosen, cells_served(chosen), strict=True)
    ]
    preferred = [
        f"{campaign_in_words(candidate.key)} covers {_whole_count(candidate):,} wholly"
        for candidate in candidates
        if not candidate.is_whole
    ]
    log.info(
        "department %s: %s; preferred, but not whole: %s",
        department,
        ", ".join(serving),
        ", ".join(preferred),
    )


def _whole_count(candidate: Candidate) -> int:
    """How many cells it covers wholly."""
    return int((candidate.share >= WHOLE_SHARE).sum())


def _packs_of(ranked: Ranked) -> list[Pack]:
    return [pack for campaigns in ranked.values() for packs in campaigns for pack in packs]


def _log_use(
    packs: list[Pack], untold: list[Pack], serving: Ranked, choice: CampaignChoice
) -> None:
    """Say which packs in place are not used, and which are though they are coarse."""
    used = _packs_of(serving)
    for department in sorted(serving):
        coarse = [
            pack for pack in used if pack.department == department and choice.is_coarser(pack)
        ]
        if coarse:
            log.info(
                "department %s: %s has pixels of %s m, coarser than imagery.pixel_size_m %s m; "
                "taken as imagery.coarser asks",
                department,
                few(sorted({pack.name for pack in coarse})),
                coarse[0].pixel_m,
                choice.pixel_m,
            )

    unused = [pack for pack in packs if pack not in used and pack not in untold]
    coarse_names = {
        pack.label
        for pack in unused
        if pack.department in {None, *serving} and choice.is_coarser(pack) and not choice.coarser
    }
    other_names = {pack.label for pack in unused} - coarse_names
    if coarse_names:
        log.info(
            "%d packs in place are coarser than imagery.pixel_size_m %s m and not used: %s; "
            "imagery.coarser=true takes one where there is no finer",
            len(coarse_names),
            choice.pixel_m,
            few(sorted(coarse_names)),
        )
    if other_names:
        log.info(
            "%d packs in place are not used (other departments or campaigns): %s",
            len(other_names),
            few(sorted(other_names)),
        )
