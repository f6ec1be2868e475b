"""The campaigns of a department that are in place: which has what the cells need, which serves."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import geopandas as gpd
import numpy as np

from urbancam.sources.ign.campaigns import CampaignKey, Standing
from urbancam.sources.ign.consumed_tiles import ConsumedTiles
from urbancam.sources.ign.holdings import Holdings, hold
from urbancam.sources.ign.packs import Pack
from urbancam.sources.ign.tile_index import in_one_table
from urbancam.sources.imagery.coverage import BARE_SHARE, WHOLE_SHARE, covered_share


@dataclass(frozen=True)
class Candidate:
    """A campaign of a department, and what it gives beside what serves the other departments.

    Args:
        packs: Its packs in place.
        holdings: What they give.
        share: (N,) share of each cell of the department that is covered then, 0..1.
        lacks: (N,) whether the cell lacks imagery that more of the campaign might give.
    """

    packs: list[Pack]
    holdings: Holdings
    share: np.ndarray
    lacks: np.ndarray

    @property
    def key(self) -> CampaignKey:
        return CampaignKey.of(self.packs[0])

    @property
    def is_whole(self) -> bool:
        """Whether it has what the cells need; loose tiles do not say what else there is."""
        is_loose = all(pack.is_loose for pack in self.packs)
        return not (self.lacks.any() or (is_loose and (self.share < WHOLE_SHARE).any()))

    @property
    def is_begun(self) -> bool:
        """Whether something lacks that more of it might give; a whole archive has no more."""
        return bool(self.lacks.any()) and not self.holdings.whole_archives


@dataclass(frozen=True)
class Site:
    """Where packs are looked at, and for which cells.

    Args:
        cells: `idINSPIRE, department` and squares.
        folder: The drop folder.
        consumed: Tiles that were thrown away and count as there.
        not_whole: Archives that are not there as a whole, or damaged, which give nothing.
    """

    cells: gpd.GeoDataFrame
    folder: Path
    consumed: ConsumedTiles
    not_whole: list[Pack]

    def given(self, packs: Iterable[Pack]) -> Holdings:
        """What packs give for the cells."""
        usable = [pack for pack in packs if pack not in self.not_whole]
        return hold(usable, self.cells, self.folder, self.consumed)

    def candidates(
        self, department: str, campaigns: list[list[Pack]], others: Holdings
    ) -> list[Candidate]:
        """The campaigns of a department, the preferred first, as far as the first whole one.

        Args:
            department: Its code.
            campaigns: The packs of each campaign, the preferred first.
            others: What serves beside them.
        """
        own_cells = self.cells[self.cells["department"] == department]
        candidates = []
        for packs in campaigns:
            holdings = self.given(packs)
            coverage = coverage_by(own_cells, together(others, holdings))
            candidates.append(Candidate(packs, holdings, *coverage))
            if candidates[-1].is_whole:
                break
        return candidates


def together(*parts: Holdings) -> Holdings:
    """What several holdings give, all of which count the same tiles as there."""
    whole = Holdings()
    for part in parts:
        whole = replace(
            whole,
            unpacked=whole.unpacked | part.unpacked,
            packed=whole.packed + part.packed,
            whole_archives=whole.whole_archives + part.whole_archives,
            faults=whole.faults + part.faults,
            consumed=part.consumed,
        )
    return whole


def coverage_by(cells: gpd.GeoDataFrame, holdings: Holdings) -> tuple[np.ndarray, np.ndarray]:
    """What the packs in place cover of each cell.

    Returns:
        (N,) share that is covered, 0..1, and (N,) whether imagery lacks: of cells that a tile would
        cover which a pack's index names and which is not there, or that no tile covers, unless the
        whole archive was there.
    """
    share = covered_share(cells, in_one_table(holdings.obtainable()))
    could_be_covered = covered_share(cells, in_one_table(holdings.out_of_reach())) > BARE_SHARE
    # The index of an archive that was thrown away stands, and names all that it had.
    had_archive = {
        part.pack.department
        for part in holdings.holdings
        if part.pack.name in holdings.consumed.archives
    }
    is_unknown = (share < BARE_SHARE) & ~cells["department"].isin(had_archive).to_numpy()
    return share, is_unknown | ((share < WHOLE_SHARE) & could_be_covered)


def chosen_among(candidates: list[Candidate]) -> list[Candidate]:
    """The campaign that serves, or several where none is whole.

    A campaign that is whole goes before those that are not, if it covers more than they do. Where
    none is, those serve together of which each covers what the ones before it do not.
    """
    if not candidates:
        return []
    first, last = candidates[0], candidates[-1]
    if last.is_whole and last.share.sum() > first.share.sum() + BARE_SHARE:
        return [last]
    chosen = [first]
    for candidate in candidates[1:]:
        covered = np.max([one.share for one in chosen], axis=0)
        if (candidate.share > covered + BARE_SHARE).any():
            chosen.append(candidate)
    return chosen


def cells_served(chosen: list[Candidate]) -> list[int]:
    """How many cells each campaign serves: the first that covers a cell wholly does, or, where
    none does, the first that covers any of it."""
    share = np.array([candidate.share for candidate in chosen])
    is_whole = share >= WHOLE_SHARE
    served = np.where(is_whole.any(axis=0), is_whole.argmax(axis=0), (share > BARE_SHARE).argmax(0))
    served = served[share.max(axis=0) > BARE_SHARE]
    return np.bincount(served, minlength=len(chosen)).tolist()


def standing_of(candidates: list[Candidate]) -> Standing:
    """What of a department's campaigns there is to go on with."""
    begun = [candidate for candidate in candidates if candidate.is_begun]
    whole = [candidate.key for candidate in candidates if candidate.is_whole]
    absent: dict[str, list[str]] = {}
    for candidate in begun:
        absent |= candidate.holdings.absent
    return Standing(
        frozenset(candidate.key for candidate in begun),
        whole[0] if whole else None,
        absent,
        frozenset(pack.name for candidate in begun for pack in candidate.packs),
    )
