"""Which campaigns the tiles at one place are of, where the place's name does not say it."""

from collections import defaultdict
from dataclasses import replace
from pathlib import PurePosixPath

from urbancam.sources.download import archives
from urbancam.sources.ign.campaigns import CampaignKey
from urbancam.sources.ign.pack_names import tile_department, tile_pixel_m, tile_year
from urbancam.sources.ign.packs import IMAGE_SUFFIXES, Pack
from urbancam.sources.ign.tile_index import read_index
from urbancam.workflow.errors import InputError


def by_campaign(pack: Pack) -> list[Pack]:
    """The pack once for each campaign that its tiles tell: department, year and pixel size.

    A telling name settles it for a pack with an index or an archive. A folder of loose tiles may
    hold anything, and the header of each tells its pixel size.
    """
    if pack.department is not None and not pack.is_loose:
        return [pack]
    try:
        tellings = _of_members(pack) if pack.is_archive else _of_index(pack)
    except InputError:
        return [pack]  # whoever uses it says what is wrong
    names: dict[CampaignKey, set[str]] = defaultdict(set)
    for name, telling in tellings.items():
        names[telling].add(name.lower())

    # Beside tiles of one campaign, those of an index or archive that tell nothing are of it too.
    if not pack.is_loose and len(names) == 2:
        names.pop((None, None, None), None)
    if len(names) <= 1:
        return [_told(pack, telling) for telling in names] or [pack]
    return [
        replace(_told(pack, telling), tile_names=frozenset(own_names))
        for telling, own_names in names.items()
    ]


def _of_index(pack: Pack) -> dict[str, CampaignKey]:
    """What each tile of an unpacked pack tells, by its name.

    Raises:
        InputError: The index cannot be read.
    """
    index = read_index(pack)
    columns = [index[column] for column in ("name", "department", "campaign_year", "pixel_m")]
    return {name: CampaignKey.known(*facts) for name, *facts in zip(*columns, strict=True)}


def _of_members(archive: Pack) -> dict[str, CampaignKey]:
    """What the name of each tile in an archive tells, by its name.

    Raises:
        InputError: The archive cannot be read.
    """
    names = [PurePosixPath(member.name).name for member in archives.list_members(archive.path)]
    return {
        name: CampaignKey(tile_department(name), tile_year(name), tile_pixel_m(name))
        for name in names
        if name.lower().endswith(IMAGE_SUFFIXES)
    }


def _told(pack: Pack, telling: CampaignKey) -> Pack:
    return replace(pack, **telling._asdict())
