"""The index of a pack's tiles: `dalles.shp`, with the footprint of each tile.

Its column NOM holds the tiles' names, its geometry their footprints.
"""

from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely

from urbancam.sources.ign import loose_tiles
from urbancam.sources.ign.loose_tiles import LAMBERT_93
from urbancam.sources.ign.pack_names import (
    tile_department,
    tile_name,
    tile_pixel_m,
    tile_year,
)
from urbancam.sources.ign.packs import IMAGE_SUFFIXES, Pack, image_root
from urbancam.tables import vectors
from urbancam.tables.crs import check_extent
from urbancam.workflow.errors import InputError
from urbancam.workflow.files import files_below
from urbancam.workflow.messages import few
from urbancam.workflow.paths import display_path


def read_index(pack: Pack) -> gpd.GeoDataFrame:
    """The tiles of an unpacked pack, whether their files are there or not.

    Returns:
        `name, file (Path or None), department, campaign_year, pack, pixel_m (of the pack's name
        or the tile's, without an index of the header), geometry`, one row per tile of the pack's
        campaign; the CRS is the index's own, Lambert-93 where it names none.

    Raises:
        InputError: The index cannot be read, has no column NOM, or names a tile twice.
    """
    if pack.is_loose:
        own_images = [path for path in _images_below(pack.path) if path.parent == pack.path]
        table = loose_tiles.read_tiles([path for path in own_images if pack.has_tile(path.name)])
        names, files = list(table["name"]), list(table["file"])
        pixel_sizes_m = list(table["pixel_m"])
    else:
        table = _read_table(pack.path)
        names = [tile_name(nom) for nom in table[_nom_column(table, pack.path)]]
        files_by_name = _image_files(pack)
        files = [_image_of(name, files_by_name) for name in names]
        pixel_sizes_m = [pack.pixel_m or tile_pixel_m(name) for name in names]
    # The pack's name says the department; of the year the tile's name is the surer witness.
    departments = [pack.department or tile_department(name) for name in names]
    years = [tile_year(name) or pack.year for name in names]
    index = gpd.GeoDataFrame(
        {
            "name": names,
            "file": pd.Series(files, dtype=object),
            "department": departments,
            "campaign_year": pd.array(years, dtype="Int64"),
            "pack": pack.name,
            "pixel_m": pd.array(pixel_sizes_m, dtype="Float64"),
        },
        geometry=table.geometry.to_numpy(),
        crs=table.crs or LAMBERT_93,  # ASSUME: an index without a CRS is of metropolitan France
    )
    _check_index(index, pack)
    return index[[pack.has_tile(name) for name in names]]


def in_one_table(tables: list[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    """The tiles of several packs in the CRS of the first pack that has any."""
    tables = [table for table in tables if len(table)]
    if not tables:
        return gpd.GeoDataFrame(geometry=[], crs=LAMBERT_93)
    crs = tables[0].crs
    return gpd.GeoDataFrame(pd.concat([table.to_crs(crs) for table in tables]), crs=crs)


def touching(index: gpd.GeoDataFrame, cells: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The tiles of an index that share some area with some cell."""
    squares = cells.to_crs(index.crs).geometry.to_numpy()
    footprints = index.geometry.to_numpy()
    tile, cell = shapely.STRtree(squares).query(footprints, predicate="intersects")

    # Neighbours that share only an edge intersect too.
    shared_m2 = shapely.area(shapely.intersection(footprints[tile], squares[cell]))
    rows = set(tile[shared_m2 > 0].tolist())
    return index.iloc[sorted(rows)]


def _read_table(path: Path) -> gpd.GeoDataFrame:
    """The table of a `dalles.shp`.

    Raises:
        InputError: It cannot be read.
    """
    try:
        for layer in vectors.layer_names(path):
            vectors.layer_info(path, layer)
        return gpd.read_file(path)
    except (OSError, RuntimeError, ValueError) as error:  # what pyogrio raises on damaged files
        what = f"the tile index cannot be read: {error}"
        raise InputError(
            what, display_path(path), "delete it and unpack the archive again"
        ) from None


def _nom_column(table: gpd.GeoDataFrame, path: Path) -> str:
    """The column NOM, in capitals or not.

    Raises:
        InputError: The table has no such column, or no geometry.
    """
    columns = {column.upper(): column for column in table.columns}
    if "NOM" not in columns or "geometry" not in table:
        column_names = ", ".join(map(str, table.columns))
        what = f"the tile index has the columns {column_names}, not NOM and a geometry"
        raise InputError(what, display_path(path), "use the dalles.shp of IGN's pack")
    return columns["NOM"]


def _image_files(pack: Pack) -> dict[str, Path]:
    """The image files of a pack by lower-case name, and by that name without its suffix.

    Where a name occurs twice, the file of the index's own delivery wins.
    """
    images = _images_below(image_root(pack.path))

    # An infrared delivery may stand beside the one in colour, with tiles of the same names.
    colour_images = [path for path in images if "_IRC" not in path.parent.name.upper()]
    own_delivery = pack.path.parent.name

    def own_first(path: Path) -> tuple[bool, Path]:
        return path.parent.name != own_delivery, path

    files: dict[str, Path] = {}
    for path in sorted(colour_images, key=own_first):
        files.setdefault(path.name.lower(), path)
    for path in list(files.values()):
        files.setdefault(path.stem.lower(), path)
    return files


def _image_of(name: str, files: dict[str, Path]) -> Path | None:
    """The file of a tile that an index names, else the one it was converted to (GeoTIFF)."""
    return files.get(name.lower()) or files.get(Path(name).stem.lower())


def _images_below(folder: Path) -> list[Path]:
    return files_below(folder, lambda name: name.lower().endswith(IMAGE_SUFFIXES))


def _check_index(index: gpd.GeoDataFrame, pack: Pack) -> None:
    """Refuse an index that names a tile twice, lacks a footprint, or lies elsewhere.

    Raises:
        InputError: The names, or the extent.
    """
    duplicates = index["name"][index["name"].duplicated()].unique()
    if len(duplicates):
        what = f"the tile index names {few(list(duplicates))} more than once"
        raise InputError(what, display_path(pack.path), "mend the index")
    is_empty = index.geometry.is_empty | index.geometry.isna()
    if is_empty.any():
        first = index["name"][is_empty].iloc[0]
        what = f"{is_empty.sum()} tiles have no footprint, the first {first}"
        raise InputError(what, display_path(pack.path), "mend the index")
    if len(index):
        check_extent(tuple(index.total_bounds), index.crs, display_path(pack.path))
