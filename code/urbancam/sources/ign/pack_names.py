"""What the names of IGN's packs and tiles say.

A pack is one department in one campaign, e.g.
ORTHOHR_1-0_RVB-0M20_JP2-E080_LAMB93_D75_2014-01-01; a tile of it is e.g.
75-2014-0650-6864-LA93-0M20-E080.jp2.
"""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

PACK_NAME = re.compile(
    r"(?:ORTHOHR|BDORTHO|OHR|ORTHO)_.*?(?P<bands>RVB|IRC)[-_](?P<pixel>\d+M\d+)_.*?"
    r"_D(?P<department>\d{2,3}|0?2[AB])[-_](?P<year>(?:19|20)\d\d)",
    re.IGNORECASE,
)
TILE_NAME = re.compile(
    r"^(?P<department>\d{2,3}|2[AB])-(?P<year>(?:19|20)\d\d)-(?P<x>\d{4,5})-(?P<y>\d{4,5})-"
    r"(?:.*?-(?P<pixel>\d+M\d+))?",
    re.IGNORECASE,
)


class Campaign(Protocol):
    """What is asked of a pack in place, or of a name in the index."""

    @property
    def department(self) -> str | None: ...

    @property
    def year(self) -> int | None: ...

    @property
    def pixel_m(self) -> float | None: ...


@dataclass(frozen=True)
class PackName:
    """What a pack's name says.

    Args:
        department: Code as in a commune's code: 75, 06, 2A, 974.
        year: Year of the campaign.
        bands: RVB (red, green, blue) or IRC (infrared, red, green).
        pixel: Pixel size, 0M20 for 20 cm.
    """

    department: str
    year: int
    bands: str
    pixel: str

    @property
    def pixel_m(self) -> float:
        """Pixel size, m."""
        return pixel_size_m(self.pixel)


def pixel_size_m(text: str) -> float:
    """The pixel size that IGN writes with an M for the point: 0M20 is 0.20 m, 5M00 is 5 m."""
    return float(text.upper().replace("M", "."))


def parse_name(text: str) -> PackName | None:
    """The pack that a folder, archive or resource names; None where it names none."""
    match = PACK_NAME.search(text)
    if not match:
        return None
    return PackName(
        department=department_code(match["department"]),
        year=int(match["year"]),
        bands=match["bands"].upper(),
        pixel=match["pixel"].upper(),
    )


def department_code(text: str) -> str:
    """The code as communes carry it: "075" -> "75", "02a" -> "2A", "974" -> "974"."""
    # IGN writes three digits, D075; departments overseas have three of their own.
    has_leading_zero = len(text) == 3 and text.startswith("0")
    return text.upper()[1:] if has_leading_zero else text.upper()


def pack_stem(name: str) -> str:
    """An archive's or folder's name without its ending."""
    return re.sub(r"(\.7z(\.\d+)?|\.zip)$", "", name, flags=re.IGNORECASE)


def tile_name(nom: object) -> str:
    """The file's name in a NOM of `dalles.shp`.

    A NOM may begin with `./` or hold folders of the machine on which the pack was written.
    """
    return PurePosixPath(str(nom).strip().replace("\\", "/")).name


def tile_department(name: str) -> str | None:
    """The department that a tile's name says; None where it says none."""
    match = TILE_NAME.match(name)
    return department_code(match["department"]) if match else None


def tile_year(name: str) -> int | None:
    """The year of the campaign that a tile's name says; None where it says none."""
    match = TILE_NAME.match(name)
    return int(match["year"]) if match else None


def tile_pixel_m(name: str) -> float | None:
    """The pixel size that a tile's name says, m; None where it says none."""
    match = TILE_NAME.match(name)
    return pixel_size_m(match["pixel"]) if match and match["pixel"] else None


def campaign_in_words(campaign: Campaign) -> str:
    """Year and pixel size of a campaign, for messages: "2018 at 0.2 m"."""
    year = campaign.year or "an unknown year"
    pixel = "" if campaign.pixel_m is None else f" at {campaign.pixel_m:g} m"
    return f"{year}{pixel}"
