"""IGN's packs on disk: their names, their archives, and the index of their tiles.

A pack is one department in one campaign, e.g. ORTHOHR_1-0_RVB-0M20_JP2-E080_LAMB93_D75_2014-01-01, delivered as
a (multi-volume) 7z. Inside: `<pack>[/<product>]/{ORTHOHR|BDORTHO}/1_DONNEES_LIVRAISON_*/<delivery>/<tile>.jp2`
and `.../3_SUPPLEMENTS_LIVRAISON_*/<delivery>/dalles.shp`, whose column NOM holds the tiles' names and whose
geometry holds their footprints. The number of folders above ORTHOHR or BDORTHO varies.
"""

import logging
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import geopandas as gpd
import pandas as pd
import shapely

from urbancam.sources.download import archives
from urbancam.tables.crs import check_extent
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import shown

log = logging.getLogger(__name__)

LAMBERT_93 = "EPSG:2154"
NAME = re.compile(
    r"(?:ORTHOHR|BDORTHO|OHR|ORTHO)_.*?(?P<bands>RVB|IRC)[-_](?P<pixel>\d+M\d+)_.*?"
    r"_D(?P<department>\d{2,3}|0?2[AB])[-_](?P<year>(?:19|20)\d\d)",
    re.IGNORECASE,
)
TILE_NAME = re.compile(
    r"^(?P<department>\d{2,3}|2[AB])-(?P<year>(?:19|20)\d\d)-(?P<x>\d{4})-(?P<y>\d{4})-", re.I
)
IMAGES = {".jp2", ".tif", ".tiff"}


@dataclass(frozen=True)
class PackName:
    """What a pack's name says.

    Args:
        department: as in a commune's code: 75, 06, 2A, 974.
        year: of the campaign.
        bands: RVB (red, green, blue) or IRC (infrared, red, green).
        pixel: 0M20 for 20 cm.
    """

    department: str
    year: int
    bands: str
    pixel: str


def parse_name(text: str) -> PackName | None:
    """The pack that a folder, archive or resource names; None where it names none."""
    found = NAME.search(text)
    if not found:
        return None
    return PackName(
        department_code(found["department"]),
        int(found["year"]),
        found["bands"].upper(),
        found["pixel"].upper(),
    )


def department_code(text: str) -> str:
    """The code as communes carry it: "075" -> "75", "02a" -> "2A", "974" -> "974"."""
    return text.upper()[1:] if len(text) == 3 and text.startswith("0") else text.upper()


@dataclass(frozen=True)
class Pack:
    """A pack, unpacked or not.

    Args:
        name: of its folder or archive.
        path: of its `dalles.shp`, or of its archive (first volume).
        department, year: None where its name does not say.
    """

    name: str
    path: Path
    department: str | None
    year: int | None

    @property
    def is_archive(self) -> bool:
        return archives.is_archive(self.path)


def find_packs(folder: Path) -> list[Pack]:
    """Every pack below a folder: the unpacked ones by their `dalles.shp`, the others by their archive.

    Infrared packs are left out, and what hides in folders that begin with a dot.
    """
    packs = []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        is_index = path.name.lower().endswith("dalles.shp")
        if any(part.startswith(".") for part in relative.parts) or not (
            is_index or archives.is_archive(path)
        ):
            continue
        names = [(part, name) for part in relative.parts if (name := parse_name(part))]
        if any(name.bands == "IRC" for _, name in names) or not path.is_file():
            continue
        if names:
            part, name = names[0]
            packs.append(Pack(pack_stem(part), path, name.department, name.year))
        elif is_index or path.suffix.lower() != ".zip":
            packs.append(Pack(pack_stem(relative.parts[0]), path, None, None))
    return packs


def choose(packs: list[Pack], departments: set[str], year: int | None) -> list[Pack]:
    """The packs to use: of each wanted department the newest campaign, or the one asked for.

    Packs whose name tells nothing are always used.
    """
    chosen = [pack for pack in packs if pack.department is None]
    for department in sorted(departments):
        own = [
            pack for pack in packs if pack.department == department and year in (None, pack.year)
        ]
        newest = max((pack.year for pack in own), default=None)
        chosen += [pack for pack in own if pack.year == newest]
    left_out = sorted({pack.name for pack in packs if pack not in chosen})
    if left_out:
        log.info(
            "%d packs in place are not used (other departments or campaigns): %s",
            len(left_out),
            _few(left_out),
        )
    return chosen


def read_index(pack: Pack) -> gpd.GeoDataFrame:
    """The tiles of an unpacked pack, whether their files are there or not.

    Returns:
        `name, file (Path or None), department, campaign_year, pack, geometry`, one row per tile; the CRS is the
        index's own, Lambert-93 where it names none.

    Raises:
        InputError: the index cannot be read, has no column NOM, or names a tile twice.
    """
    try:
        table = gpd.read_file(pack.path)
    except (OSError, RuntimeError, ValueError) as error:  # what pyogrio raises on damaged files
        raise InputError(
            f"the tile index cannot be read: {error}",
            shown(pack.path),
            "delete it and unpack the archive again",
        ) from None
    columns = {column.upper(): column for column in table.columns}
    if "NOM" not in columns or "geometry" not in table:
        raise InputError(
            f"the tile index has the columns {', '.join(map(str, table.columns))}, not NOM and a geometry",
            shown(pack.path),
            "use the dalles.shp of IGN's pack",
        )
    names = [tile_name(nom) for nom in table[columns["NOM"]]]
    files = _files(pack)
    index = gpd.GeoDataFrame(
        {
            "name": names,
            "file": [files.get(name.lower()) for name in names],
            "department": [pack.department or _from_tile(name, "department") for name in names],
            "campaign_year": pd.array([_year(pack, name) for name in names], dtype="Int64"),
            "pack": pack.name,
        },
        geometry=table.geometry.to_numpy(),
        crs=table.crs or LAMBERT_93,  # ASSUME: an index without a CRS is of metropolitan France
    )
    return _checked(index, pack)


def tile_name(nom: object) -> str:
    """The file's name in a NOM, which may begin with `./` or hold folders of the machine that made the pack."""
    return PurePosixPath(str(nom).strip().replace("\\", "/")).name


def touching(index: gpd.GeoDataFrame, cells: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The tiles that share some area with some cell."""
    squares = cells.to_crs(index.crs).geometry.to_numpy()
    footprints = index.geometry.to_numpy()
    tile, cell = shapely.STRtree(squares).query(footprints, predicate="intersects")
    shared_m2 = shapely.area(shapely.intersection(footprints[tile], squares[cell]))
    return index.iloc[sorted(set(tile[shared_m2 > 0].tolist()))]


def unpack_index(archive: Pack, folder: Path) -> list[Pack]:
    """Unpack the tile index of an archive; the pack (or packs) that it makes."""
    target = unpacking_folder(archive, folder)
    paths = archives.unpack(
        archive.path, target, lambda name: bool(re.search(r"dalles\.\w+$", name, re.I))
    )
    found = [path for path in paths if path.name.lower().endswith("dalles.shp")]
    if not found:
        raise InputError(
            "the archive holds no dalles.shp", shown(archive.path), "use a pack of IGN's BD ORTHO"
        )
    return [
        Pack(archive.name, path, archive.department, archive.year)
        for path in found
        if "IRC" not in path.parts[-2]
    ]


def unpack_tiles(archive: Pack, folder: Path, wanted: set[str]) -> None:
    """Unpack the tiles of the given names, unless they are there with their size."""
    target = unpacking_folder(archive, folder)
    missing = {
        member.name
        for member in archives.list_members(archive.path)
        if PurePosixPath(member.name).name.lower() in wanted
        and not _has_size(target / member.name, member.size_bytes)
    }
    if missing:
        archives.unpack(archive.path, target, missing.__contains__)


def unpacking_folder(archive: Pack, folder: Path) -> Path:
    """Where an archive is unpacked: such that the pack's own folder stands in the drop folder only once."""
    tops = {PurePosixPath(member.name).parts[0] for member in archives.list_members(archive.path)}
    return folder if tops == {archive.name} else folder / archive.name


def _files(pack: Pack) -> dict[str, Path]:
    """The image files of a pack by lower-case name; where a name occurs twice, the same delivery's wins."""
    root = _root(pack.path)
    found: dict[str, Path] = {}
    delivery = pack.path.parent.name
    images = (path for path in root.rglob("*") if path.suffix.lower() in IMAGES)
    paths = [path for path in images if "_IRC" not in path.parent.name.upper()]
    for path in sorted(paths, key=lambda path: (path.parent.name != delivery, path)):
        found.setdefault(path.name.lower(), path)
    return found


def _root(index_path: Path) -> Path:
    """The folder that holds both index and tiles: ORTHOHR or BDORTHO, else what holds the 3_ folder, else its own."""
    for parent in index_path.parents:
        if parent.name.upper() in ("ORTHOHR", "BDORTHO"):
            return parent
        if parent.name.startswith("3_"):
            return parent.parent
    return index_path.parent


def _checked(index: gpd.GeoDataFrame, pack: Pack) -> gpd.GeoDataFrame:
    twice = index["name"][index["name"].duplicated()].unique()
    empty = index.geometry.is_empty | index.geometry.isna()
    if len(twice):
        raise InputError(
            f"the tile index names {_few(list(twice))} more than once",
            shown(pack.path),
            "mend the index",
        )
    if empty.any():
        raise InputError(
            f"{empty.sum()} tiles have no footprint, the first {index['name'][empty].iloc[0]}",
            shown(pack.path),
            "mend the index",
        )
    check_extent(tuple(index.total_bounds), index.crs, shown(pack.path))
    return index


def _year(pack: Pack, name: str) -> int | None:
    year = _from_tile(name, "year")
    return int(year) if year else pack.year


def _from_tile(name: str, part: str) -> str | None:
    found = TILE_NAME.match(name)
    return found[part].upper() if found else None


def _has_size(path: Path, size_bytes: int) -> bool:
    return path.is_file() and path.stat().st_size == size_bytes


def pack_stem(name: str) -> str:
    """An archive's or folder's name without its ending."""
    return re.sub(r"(\.7z(\.\d+)?|\.zip)$", "", name, flags=re.IGNORECASE)


def _few(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
