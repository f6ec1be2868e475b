"""Which campaign of a department is used, of the packs in place and of those in IGN's index."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from urbancam.sources.ign.pack_names import few
from urbancam.sources.ign.packs import Pack
from urbancam.workflow.sections import NEAREST, Imagery

log = logging.getLogger(__name__)

SAME_SIZE_M = 1e-6  # pixel sizes that differ by less are the same


class Campaign(Protocol):
    """What is asked of a pack in place, or of a name in the index."""

    @property
    def department(self) -> str | None: ...

    @property
    def year(self) -> int | None: ...

    @property
    def pixel_m(self) -> float | None: ...


C = TypeVar("C", bound=Campaign)


@dataclass(frozen=True)
class Wanted:
    """Which campaigns the settings ask for.

    Args:
        pixel_m: The wanted pixel size.
        year: `imagery.year`: a year, years by department, or None for the newest.
        coarser: Whether packs of coarser pixels may be used where there are no others.
    """

    pixel_m: float = 0.20
    year: int | Mapping[str, int] | None = None
    coarser: bool = False

    @classmethod
    def from_settings(cls, imagery: Imagery) -> "Wanted":
        return cls(imagery.pixel_size_m, imagery.year, imagery.coarser)

    def best(self, department: str, campaigns: Iterable[C]) -> list[C]:
        """Those of the campaign to use, several where one campaign has several packs.

        ASSUME: the wanted pixel size goes before the year, unless one year is asked for; finer
        pixels can be averaged, so that they go before coarser ones; of two years as near, the
        newer.

        Returns:
            None of them where none suits.
        """
        candidates = [campaign for campaign in campaigns if self.suits(campaign, department)]
        if not candidates:
            return []
        best = min(candidates, key=self._preference)
        same = (best.year, best.pixel_m)
        return [campaign for campaign in candidates if (campaign.year, campaign.pixel_m) == same]

    def suits(self, campaign: Campaign, department: str) -> bool:
        """Whether a campaign of the department may be used."""
        year = self.exact_year(department)
        return (
            campaign.department == department
            and year in (None, campaign.year)
            and (self.coarser or not self.is_coarser(campaign))
        )

    def is_coarser(self, campaign: Campaign) -> bool:
        """Whether its pixels are larger than wanted, as far as its name says it."""
        return campaign.pixel_m is not None and campaign.pixel_m > self.pixel_m + SAME_SIZE_M

    def exact_year(self, department: str) -> int | None:
        """The only year that will do for a department; None where several would."""
        if isinstance(self.year, Mapping):
            return self.year.get(department)
        return self.year

    def year_in_words(self, department: str) -> str:
        """The year that is asked for, for messages: " of 2014", or nothing."""
        year = self.exact_year(department)
        return f" of {year}" if year else ""

    def _preference(self, campaign: Campaign) -> tuple[bool, float, float, int]:
        """What sorts the better campaign first."""
        year = campaign.year or 0
        pixel_m = self.pixel_m if campaign.pixel_m is None else campaign.pixel_m
        off_m = abs(pixel_m - self.pixel_m)
        off_m = 0.0 if off_m < SAME_SIZE_M else off_m
        nearest = self.year.get(NEAREST) if isinstance(self.year, Mapping) else None
        off_years = abs(year - nearest) if nearest else 0
        return self.is_coarser(campaign), off_m, off_years, -year


def choose(packs: list[Pack], departments: set[str], wanted: Wanted) -> list[Pack]:
    """The packs to use: of each department those of its best campaign.

    Packs whose name tells nothing are used unless their pixels are too coarse. What is not used,
    and what is coarser than wanted, is said.
    """
    chosen = [
        pack
        for pack in packs
        if pack.department is None and (wanted.coarser or not wanted.is_coarser(pack))
    ]
    for department in sorted(departments):
        best = wanted.best(department, packs)
        chosen += best
        coarse = sorted({pack.name for pack in best if wanted.is_coarser(pack)})
        if coarse:
            log.info(
                "department %s: %s has pixels of %s m, coarser than imagery.pixel_size_m %s m; "
                "taken as imagery.coarser asks",
                department,
                few(coarse),
                best[0].pixel_m,
                wanted.pixel_m,
            )

    _log_unused([pack for pack in packs if pack not in chosen], departments, wanted)
    return chosen


def _log_unused(unused: list[Pack], departments: set[str], wanted: Wanted) -> None:
    """Say which packs in place are not used, and why."""
    coarse = {
        pack.name
        for pack in unused
        if pack.department in {None, *departments}
        and wanted.is_coarser(pack)
        and not wanted.coarser
    }
    others = {pack.name for pack in unused} - coarse
    if coarse:
        log.info(
            "%d packs in place are coarser than imagery.pixel_size_m %s m and not used: %s; "
            "imagery.coarser=true takes one where there is no finer",
            len(coarse),
            wanted.pixel_m,
            few(sorted(coarse)),
        )
    if others:
        log.info(
            "%d packs in place are not used (other departments or campaigns): %s",
            len(others),
            few(sorted(others)),
        )
