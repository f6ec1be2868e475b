"""IGN's packs on disk, unpacked or not: which there are, which to use, and how to unpack them.

A pack is delivered as a (multi-volume) 7z. Inside stand the tiles,
`<pack>[/<product>]/{ORTHOHR|BDORTHO}/1_DONNEES_LIVRAISON_*/<delivery>/<tile>.jp2`, and their index,
`.../3_SUPPLEMENTS_LIVRAISON_*/<delivery>/dalles.shp`. The number of folders above ORTHOHR or
BDORTHO varies.
"""

import logging
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from urbancam.sources.download import archives
from urbancam.sources.ign.pack_names import few, pack_stem, parse_name
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import shown

log = logging.getLogger(__name__)

INDEX_PART = re.compile(r"dalles\.\w+$", re.IGNORECASE)


@dataclass(frozen=True)
class Pack:
    """A pack, unpacked or not.

    Args:
        name: Name of its folder or archive.
        path: Its `dalles.shp`, or its archive (the first volume).
        department: Department; None where the pack's name does not say it.
        year: Year of the campaign; None where the pack's name does not say it.
    """

    name: str
    path: Path
    department: str | None
    year: int | None

    @property
    def is_archive(self) -> bool:
        return archives.is_archive(self.path)


def find_packs(folder: Path) -> list[Pack]:
    """Every pack below a folder: unpacked ones by their `dalles.shp`, others by their archive.

    Infrared packs are left out, and what hides in folders that begin with a dot.
    """
    packs = []
    for path in sorted(folder.rglob("*")):
        pack = _pack_at(path, path.relative_to(folder))
        if pack:
            packs.append(pack)
    return packs


def choose(packs: list[Pack], departments: set[str], year: int | None) -> list[Pack]:
    """The packs to use: of each department the newest campaign, or the one of the given year.

    Packs whose name tells nothing are always used.
    """
    chosen = [pack for pack in packs if pack.department is None]
    for department in sorted(departments):
        candidates = [
            pack for pack in packs if pack.department == department and year in (None, pack.year)
        ]
        # The same campaign may have several packs, one of them an archive.
        newest = max((pack.year for pack in candidates), default=None)
        chosen += [pack for pack in candidates if pack.year == newest]

    unused = sorted({pack.name for pack in packs if pack not in chosen})
    if unused:
        log.info(
            "%d packs in place are not used (other departments or campaigns): %s",
            len(unused),
            few(unused),
        )
    return chosen


def unpack_index(archive: Pack, folder: Path) -> list[Pack]:
    """Unpack the tile index of an archive.

    Args:
        archive: Pack that is an archive.
        folder: Drop folder to unpack into.

    Returns:
        The unpacked pack; several where the archive holds several deliveries.

    Raises:
        InputError: The archive holds no index, or cannot be unpacked.
    """
    target = unpacking_folder(archive, folder)

    # A shapefile is four files or more, all named `dalles`.
    paths = archives.unpack(archive.path, target, _is_index_part)
    index_paths = [path for path in paths if path.name.lower().endswith("dalles.shp")]
    if not index_paths:
        what = "the archive holds no dalles.shp"
        raise InputError(what, shown(archive.path), "use a pack of IGN's BD ORTHO")
    return [
        Pack(archive.name, path, archive.department, archive.year)
        for path in index_paths
        if "IRC" not in path.parts[-2]  # infrared deliveries
    ]


def unpack_tiles(archive: Pack, folder: Path, names: set[str]) -> None:
    """Unpack tiles, unless they are in place with their size.

    Args:
        archive: Pack that is an archive.
        folder: Drop folder to unpack into.
        names: File names of the tiles, in lower case.
    """
    target = unpacking_folder(archive, folder)
    # Their CRC is not asked for here: reading every tile in place would take long.
    missing = {
        member.name
        for member in archives.list_members(archive.path)
        if PurePosixPath(member.name).name.lower() in names
        and not _has_size(target / member.name, member.size_bytes)
    }
    if missing:
        archives.unpack(archive.path, target, missing.__contains__)


def _is_index_part(name: str) -> bool:
    return bool(INDEX_PART.search(name))


def unpacking_folder(archive: Pack, folder: Path) -> Path:
    """Where an archive is unpacked, so that the drop folder holds the pack's own folder once."""
    members = archives.list_members(archive.path)
    top_folders = {PurePosixPath(member.name).parts[0] for member in members}
    has_own_folder = top_folders == {archive.name}
    return folder if has_own_folder else folder / archive.name


def _pack_at(path: Path, relative: Path) -> Pack | None:
    """The pack that a file below the drop folder stands for.

    Args:
        path: The file.
        relative: Its path below the drop folder.

    Returns:
        None for any file but a colour pack's index or archive.
    """
    is_index = path.name.lower().endswith("dalles.shp")
    is_hidden = any(part.startswith(".") for part in relative.parts)
    if is_hidden or not (is_index or archives.is_archive(path)):
        return None

    # The pack's name may stand in any folder above the file, or be the file's own.
    telling_parts = [part for part in relative.parts if parse_name(part)]
    is_infrared = any(parse_name(part).bands == "IRC" for part in telling_parts)
    if is_infrared or not path.is_file():
        return None
    if telling_parts:
        name = parse_name(telling_parts[0])
        return Pack(pack_stem(telling_parts[0]), path, name.department, name.year)

    # A zip without a telling name may be anything.
    if is_index or path.suffix.lower() != ".zip":
        return Pack(pack_stem(relative.parts[0]), path, None, None)
    return None


def _has_size(path: Path, size_bytes: int) -> bool:
    return path.is_file() and path.stat().st_size == size_bytes
