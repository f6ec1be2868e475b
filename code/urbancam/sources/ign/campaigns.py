"""Which campaign of a department is used, of the packs in place and of those in IGN's index."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

import pandas as pd

from urbancam.sources.ign.pack_names import Campaign
from urbancam.workflow.errors import InputError
from urbancam.workflow.settings.city_facts import NEAREST, Imagery

# Of France, as communes carry them: 20 became 2A and 2B.
DEPARTMENTS = {f"{number:02d}" for number in range(1, 96) if number != 20} | {"2A", "2B"}
OVERSEAS = {str(number) for number in range(971, 977)}
SAME_SIZE_M = 1e-6  # pixel sizes that differ by less are the same


class CampaignKey(NamedTuple):
    """A campaign by what tells it from others."""

    department: str | None
    year: int | None
    pixel_m: float | None

    @classmethod
    def of(cls, campaign: Campaign) -> "CampaignKey":
        return cls(campaign.department, campaign.year, campaign.pixel_m)

    @classmethod
    def known(cls, *facts: object) -> "CampaignKey":
        """Of a table's values, which may be missing."""
        return cls(*(None if pd.isna(fact) else fact for fact in facts))


@dataclass(frozen=True)
class Standing:
    """What there is in place of a department whose cells lack imagery of the preferred campaign.

    Args:
        begun: Campaigns of which more would be of use.
        whole: The best of those that have what the cells need; None where there is none.
        absent: Names of the tiles that lack, by pack.
        pack_names: Packs of which some volume is in place, or a part of one.
    """

    begun: frozenset[CampaignKey] = frozenset()
    whole: CampaignKey | None = None
    absent: Mapping[str, list[str]] = field(default_factory=dict)
    pack_names: frozenset[str] = frozenset()


NOTHING_IN_PLACE = Standing()

C = TypeVar("C", bound=Campaign)


@dataclass(frozen=True)
class CampaignChoice:
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
    def from_settings(cls, imagery: Imagery) -> "CampaignChoice":
        return cls(imagery.pixel_size_m, imagery.year, imagery.coarser)

    def ranked(self, department: str, campaigns: Iterable[C]) -> list[list[C]]:
        """Those of a department that may be used, the best first, together what is one campaign.

        ASSUME: the wanted pixel size goes before the year, unless one year is asked for; finer
        pixels can be averaged, so that they go before coarser ones; of two years as near, the
        newer.
        """
        of_key: dict[CampaignKey, list[C]] = {}
        for campaign in campaigns:
            if self.suits(campaign, department):
                of_key.setdefault(CampaignKey.of(campaign), []).append(campaign)
        return [of_key[key] for key in sorted(of_key, key=self.preference)]

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

    def years_elsewhere(self, departments: Collection[str]) -> list[str]:
        """Departments that `imagery.year` names and in which no cell lies.

        Args:
            departments: Those of the cells.

        Raises:
            InputError: It names what is no department.
        """
        named = set(self.year) - {NEAREST} if isinstance(self.year, Mapping) else set()
        unknown = sorted(named - DEPARTMENTS - OVERSEAS)
        if unknown:
            raise InputError(
                f"there is no department {', '.join(unknown)}; the city's cells lie in "
                f"{', '.join(sorted(departments))}",
                "imagery.year",
                "write departments as 06, 75 or 2A",
            )
        return sorted(named - set(departments))

    def year_in_words(self, department: str) -> str:
        """The year that is asked for, for messages: " of 2014", or nothing."""
        year = self.exact_year(department)
        return f" of {year}" if year else ""

    def places(self, campaigns: Iterable[Campaign]) -> list[int]:
        """The place of each campaign among them by preference: 0 for the best, equal for equals."""
        preferences = [self.preference(campaign) for campaign in campaigns]
        places = {preference: place for place, preference in enumerate(sorted(set(preferences)))}
        return [places[preference] for preference in preferences]

    def goes_before(self, first: Campaign, second: Campaign) -> bool:
        """Whether the first is the better one."""
        return self.preference(first) < self.preference(second)

    def is_as_fine(self, first: Campaign, second: Campaign) -> bool:
        """Whether neither goes before the other for its pixels."""
        return self.preference(first)[:2] == self.preference(second)[:2]

    def preference(self, campaign: Campaign) -> tuple[bool, float, float, int]:
        """What sorts the better campaign first."""
        year = campaign.year or 0
        pixel_m = self.pixel_m if campaign.pixel_m is None else campaign.pixel_m
        off_m = abs(pixel_m - self.pixel_m)
        off_m = 0.0 if off_m < SAME_SIZE_M else off_m
        nearest = self.year.get(NEAREST) if isinstance(self.year, Mapping) else None
        off_years = abs(year - nearest) if nearest else 0
        return self.is_coarser(campaign), off_m, off_years, -year
