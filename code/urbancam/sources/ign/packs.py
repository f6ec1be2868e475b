"""IGN's packs on disk, unpacked or not: which there are, which to use, and how to unpack them.

A pack is delivered as a (multi-volume) 7z. Inside stand the tiles,
`<pack>[/<product>]/{ORTHOHR|BDORTHO}/1_DONNEES_LIVRAISON_*/<delivery>/<tile>.jp2`, and their index,
`.../3_SUPPLEMENTS_LIVRAISON_*/<delivery>/dalles.shp`. The number of folders above ORTHOHR or
BDORTHO varies.
"""

import logging
import re
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from urbancam.sources.download import archives
from urbancam.sources.download.members import Member
from urbancam.sources.download.volumes import first_volume
from urbancam.sources.ign.pack_names import (
    campaign_in_words,
    pack_stem,
    parse_name,
)
from urbancam.sources.wms import cell_images
from urbancam.workflow.errors import InputError
from urbancam.workflow.files import files_below
from urbancam.workflow.paths import display_path

log = logging.getLogger(__name__)

IMAGE_SUFFIXES = (".jp2", ".tif", ".tiff")
OTHER_PRODUCT = "GRAPHE-MOSAIQUAGE"  # seam lines of the mosaic, which IGN ships beside the imagery
INDEX_PART = re.compile(r"dalles\.\w+$", re.IGNORECASE)


@dataclass(frozen=True)
class Pack:
    """A pack, unpacked or not.

    Args:
        name: Name of its folder or archive.
        path: Its `dalles.shp`, its archive (the first volume), or a folder of tiles without index.
        department: Department; None where the pack's name does not say it.
        year: Year of the campaign; None where the pack's name does not say it.
        pixel_m: Pixel size; None where the pack's name does not say it.
        tile_names: In lower case, the tiles that are of this campaign where the path holds tiles
            of several; None where all are.
    """

    name: str
    path: Path
    department: str | None
    year: int | None
    pixel_m: float | None = None
    tile_names: frozenset[str] | None = None

    @property
    def place(self) -> tuple[Path, frozenset[str] | None]:
        """What tells it from every other: its path, and which of the tiles there are its own."""
        return self.path, self.tile_names

    @property
    def label(self) -> str:
        """Its name, for messages; with the campaign where others stand at the same path."""
        if self.tile_names is None:
            return self.name
        return f"{self.name} ({self.department or 'any department'}, {campaign_in_words(self)})"

    def has_tile(self, name: str) -> bool:
        """Whether a tile at its path is of this campaign."""
        return self.tile_names is None or name.lower() in self.tile_names

    @property
    def is_archive(self) -> bool:
        return archives.is_archive(self.path) and not self.is_loose

    def is_archive_of(self, stem: str) -> bool:
        """Whether it is an archive whose volumes bear this name."""
        return self.is_archive and pack_stem(self.path.name) == stem

    @property
    def is_loose(self) -> bool:
        """Whether it is a folder of tiles that no index names."""
        return self.path.is_dir()


def find_packs(folder: Path) -> list[Pack]:
    """Every pack below a folder: unpacked ones by their `dalles.shp`, others by their archive, and
    folders of tiles that have no index.

    Infrared packs are left out, and what hides in folders that begin with a dot.
    """
    files = files_below(folder, _may_be_of_pack)
    # Of an archive whose first volume is missing the others tell it.
    paths = sorted({first_volume(path) for path in files if not _is_image(path.name)})
    paths += _folders_of_loose_tiles(files, folder)
    packs = [_pack_at(path, path.relative_to(folder)) for path in paths]
    return [pack for pack in packs if pack]


def _folders_of_loose_tiles(files: list[Path], folder: Path) -> list[Path]:
    """The folders with images that belong to no index, sorted."""
    roots = [image_root(path) for path in files if _is_index(path.name)]
    folders = {
        path.parent
        for path in files
        if _is_image(path.name) and path.relative_to(folder).parts[0] != cell_images.FOLDER
    }
    return sorted(
        parent
        for parent in folders
        if not any(parent.is_relative_to(root) for root in roots)
        and "_IRC" not in parent.name.upper()
    )


def image_root(index_path: Path) -> Path:
    """The folder that holds both index and tiles.

    This is ORTHOHR or BDORTHO, else the folder that holds the `3_` folder, else the index's own.
    """
    for parent in index_path.parents:
        if parent.name.upper() in ("ORTHOHR", "BDORTHO"):
            return parent
        if parent.name.startswith("3_"):
            return parent.parent
    return index_path.parent


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
    if not index_paths and archive.department is None:
        log.info("%s is not used: it holds no dalles.shp", display_path(archive.path))
    elif not index_paths:
        what = "the archive holds no dalles.shp"
        raise InputError(what, display_path(archive.path), "use a pack of IGN's BD ORTHO")
    return [
        replace(archive, path=path)
        for path in index_paths
        if "IRC" not in path.parts[-2]  # infrared deliveries
    ]


def members_to_unpack(archive: Pack, folder: Path, files: dict[str, Path | None]) -> list[Member]:
    """The tiles of an archive that are needed and not in place.

    Args:
        archive: Pack that is an archive.
        folder: Drop folder to unpack into.
        files: The needed tiles by lower-case name, with the usable file that is in place, if any.
    """
    target = unpacking_folder(archive, folder)
    # Their CRC is not asked for here: reading every tile in place would take long.
    return [
        member
        for member in archives.list_members(archive.path)
        if (name := PurePosixPath(member.name).name.lower()) in files
        and (files[name] is None or not _has_size(target / member.name, member.size_bytes))
    ]


def unpack_tiles(archive: Pack, folder: Path, members: list[Member]) -> None:
    """Unpack tiles of an archive; the members are those of `members_to_unpack`."""
    names = {member.name for member in members}
    if names:
        archives.unpack(archive.path, unpacking_folder(archive, folder), names.__contains__)


def _is_index_part(name: str) -> bool:
    return bool(INDEX_PART.search(name))


def unpacking_folder(archive: Pack, folder: Path) -> Path:
    """Where an archive is unpacked, so that the drop folder holds the pack's own folder once."""
    members = archives.list_members(archive.path)
    top_folders = {PurePosixPath(member.name).parts[0] for member in members}
    has_own_folder = top_folders == {archive.name}
    return folder if has_own_folder else folder / archive.name


def _may_be_of_pack(name: str) -> bool:
    """Whether a file of the drop folder is an index of tiles, an archive, or an image."""
    is_archive = archives.is_archive(name) or archives.LATER_VOLUME.search(name)
    return bool(is_archive) or _is_index(name) or _is_image(name)


def _is_index(name: str) -> bool:
    return name.lower().endswith("dalles.shp")


def _is_image(name: str) -> bool:
    return name.lower().endswith(IMAGE_SUFFIXES)


def _pack_at(path: Path, relative: Path) -> Pack | None:
    """The pack that a path below the drop folder stands for.

    Args:
        path: An index, an archive, or a folder of tiles.
        relative: Its path below the drop folder.

    Returns:
        None where it is of an infrared pack or another product, or a zip that may be anything.
    """
    # The pack's name may stand in any folder above the file, or be the file's own.
    telling_parts = [part for part in relative.parts if parse_name(part)]
    is_infrared = any(parse_name(part).bands == "IRC" for part in telling_parts)
    if is_infrared or any(OTHER_PRODUCT in part.upper() for part in relative.parts):
        return None
    if telling_parts:
        name = parse_name(telling_parts[0])
        stem = pack_stem(telling_parts[0])
        return Pack(stem, path, name.department, name.year, name.pixel_m)

    # A zip without a telling name may be anything.
    if path.suffix.lower() != ".zip":
        return Pack(pack_stem((*relative.parts, path.name)[0]), path, None, None)
    return None


def _has_size(path: Path, size_bytes: int) -> bool:
    return path.is_file() and path.stat().st_size == size_bytes
