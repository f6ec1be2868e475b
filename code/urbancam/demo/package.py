"""The demo city in the providers' own packaging: INSEE's zip, Urban Atlas' zip, IGN's packs.

All dates in the files are fixed, so that the same city gives the same bytes on every day.
"""

import datetime
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import multivolumefile
import pandas as pd
import py7zr
import shapely

from urbancam.demo.layout import landuse
from urbancam.demo.layout.plan import GRID_M, Plan
from urbancam.demo.layout.site import CELL_M, LAEA, LAMBERT_93, Site, to_laea, to_lambert
from urbancam.workflow.files import atomic

DATE = datetime.datetime(2016, 1, 1, tzinfo=datetime.UTC)
URBAN_ATLAS = "FR901L1_DEMO"
FUA_CODE = URBAN_ATLAS[:7]
HEADER_BYTES = 2000  # of a 7z of a few members, at most
CENSUS = "Filosofi2015_carreaux_200m"
NOTICE = "Rendered by UrbanCAM for the demo city; no real place.\n"
SCRAP_M2 = 0.01  # what is cut off in a point or line


@dataclass(frozen=True)
class PackPlan:
    """One department's pack.

    Args:
        department: Code as communes carry it.
        year: Year of the campaign.
        tiles: West and NORTH edge of its tiles, km, Lambert-93.
        folders: Product folder above `ORTHOHR`, "" for none: their number differs between packs.
        delivery: Number of IGN's delivery.
    """

    department: str
    year: int
    tiles: tuple[tuple[int, int], ...]
    folders: str
    delivery: str

    @property
    def name(self) -> str:
        """IGN's name of the pack."""
        return f"ORTHOHR_1-0_RVB-0M20_JP2-E080_LAMB93_D0{self.department}_{self.year}-01-01"

    def tile_name(self, x_km: int, y_km: int) -> str:
        """IGN's name of a tile; "0M20" is the product's name, whatever the demo's pixel size."""
        return f"{self.department}-{self.year}-{x_km:04d}-{y_km:04d}-LA93-0M20-E080.jp2"

    def member(self, part: str, file: str) -> str:
        """Path of a file inside the archive; part is 1_DONNEES, 2_METADONNEES or 3_SUPPLEMENTS."""
        product = f"OHR_RVB_0M20_JP2-E080_LAMB93_D0{self.department}-{self.year}"
        top = f"{self.name}/{self.folders}/" if self.folders else f"{self.name}/"
        return f"{top}ORTHOHR/{part}_LIVRAISON_{self.delivery}/{product}/{file}"


def plan_packs(site: Site) -> tuple[PackPlan, PackPlan]:
    """Two fictitious departments: 96 with the tiles in the west and north, 99 with the eastern two.

    Both ship their border tile, in the north-east.
    """
    south_west, north_west, south_east, north_east = site.tile_corners_km()
    western = PackPlan(
        department="96",
        year=2015,
        tiles=(south_west, north_west, north_east),
        folders="",
        delivery="2016-02-00115",
    )
    eastern = PackPlan(
        department="99",
        year=2014,
        tiles=(south_east, north_east),
        folders="ORTHOHR_1-0_RVB-0M20_D099",
        delivery="2015-03-00042",
    )
    return western, eastern


def border_tile(site: Site) -> tuple[int, int]:
    """The tile that both packs ship: the last of the corners, in the north-east."""
    return site.tile_corners_km()[3]


def department_99(site: Site) -> shapely.Polygon:
    """Land of the second department, Lambert-93: the south-east, a slice of the north-east."""
    x, y = site.centre
    side = site.tile_km * 1000
    border = [
        (x, y),
        (x + 0.30 * side, y + 0.22 * side),
        (x + 0.55 * side, y + 0.31 * side),
        (x + side, y + 0.5 * side),
    ]
    south_east = (x + side, y - side)
    south = (x, y - side)
    return shapely.Polygon([*border, south_east, south])


def wrap_census(table: pd.DataFrame, folder: Path) -> Path:
    """Write INSEE's zip: a Lambert-93 shapefile of the cells' squares."""
    corner = table["IdINSPIRE"].str.extract(r"N(\d+)E(\d+)$").astype(int)
    south = corner[0]
    west = corner[1]
    squares = shapely.box(west, south, west + CELL_M, south + CELL_M)
    frame = gpd.GeoDataFrame(table, geometry=to_lambert(squares), crs=LAMBERT_93)
    return _zip_layers(folder / f"{CENSUS}_shp.zip", {f"{CENSUS}_metropole": frame}, "")


def wrap_land_cover(plan: Plan, folder: Path) -> Path:
    """Write Urban Atlas' zip: land cover and boundary, cut at the city's outline."""
    layers = {
        f"{URBAN_ATLAS}_UA2012": _land_cover(plan),
        f"{URBAN_ATLAS}_UA2012_Boundary": _boundary(plan),
    }
    return _zip_layers(folder / f"{URBAN_ATLAS}.zip", layers, f"{URBAN_ATLAS}/Shapefiles/")


def _land_cover(plan: Plan) -> gpd.GeoDataFrame:
    """The faces of the plan inside the city, in Urban Atlas' columns."""
    inside = shapely.intersection(plan.faces, plan.outline, grid_size=GRID_M)
    faces = gpd.GeoDataFrame({"code": plan.codes}, geometry=to_laea(inside), crs=LAEA)
    faces = faces[~faces.is_empty].explode(ignore_index=True)
    faces = faces[faces.area > SCRAP_M2].reset_index(drop=True)
    cover = faces.assign(
        COUNTRY="FR",
        CITIES="Demo",
        FUA_OR_CIT=FUA_CODE,
        PROD_DATE="2015",
        CODE2012=faces["code"].astype(str),
        ITEM2012=faces["code"].map(landuse.ITEMS),
        SHAPE_AREA=faces.area,
    )
    return cover.drop(columns="code")


def _boundary(plan: Plan) -> gpd.GeoDataFrame:
    """The city's outline, in Urban Atlas' columns."""
    facts = {"COUNTRY": ["FR"], "FUA_NAME": ["Demo"], "FUA_OR_CIT": [FUA_CODE]}
    return gpd.GeoDataFrame(facts, geometry=[to_laea(plan.outline)], crs=LAEA)


def wrap_pack(
    pack: PackPlan,
    site: Site,
    tiles: dict[str, Path],
    folder: Path,
    volumes: int,
) -> list[Path]:
    """Write one pack as a 7z of several volumes, without compression: JPEG 2000 has no air left.

    Args:
        pack: Names of the pack.
        site: Gives the footprints of the tiles.
        tiles: Name of each tile -> its file.
        folder: Folder `aerial_data`; what lies there of an earlier pack of this name goes.
        volumes: Number of volumes.

    Returns:
        The volumes.
    """
    scratch = folder / f".{pack.name}"
    members = _members(pack, site, tiles, scratch)
    size = sum(path.stat().st_size for path in members.values()) + HEADER_BYTES
    with multivolumefile.MultiVolume(
        scratch / f"{pack.name}.7z",
        "wb",
        volume=size // volumes + 1,
        ext_digits=3,
    ) as stream:
        with py7zr.SevenZipFile(stream, "w", filters=[{"id": py7zr.FILTER_COPY}]) as archive:
            for name, path in sorted(members.items()):
                os.utime(path, (DATE.timestamp(), DATE.timestamp()))
                archive.write(path, name)

    for earlier in folder.glob(f"{pack.name}.7z*"):
        earlier.unlink()
    parts = sorted(scratch.glob(f"{pack.name}.7z.*"))
    return [path.replace(folder / path.name) for path in parts]


def _members(
    pack: PackPlan,
    site: Site,
    tiles: dict[str, Path],
    scratch: Path,
) -> dict[str, Path]:
    """Tiles, index and notice of a pack: path inside the archive -> file."""
    members = {pack.member("1_DONNEES", name): path for name, path in tiles.items()}
    for path in _write_index(pack, site, scratch):
        members[pack.member("3_SUPPLEMENTS", path.name)] = path
    notice = scratch / "LISEZ-MOI.txt"
    notice.write_text(NOTICE, encoding="utf-8")
    members[pack.member("2_METADONNEES", notice.name)] = notice
    return members


def _write_index(
    pack: PackPlan,
    site: Site,
    folder: Path,
) -> list[Path]:
    """`dalles.shp`: a footprint and a name with `./` for every tile."""
    side = site.tile_km * 1000
    footprints = []
    for x_km, y_km in pack.tiles:
        west = x_km * 1000
        north = y_km * 1000
        footprints.append(shapely.box(west, north - side, west + side, north))
    names = [f"./{pack.tile_name(*tile)}" for tile in pack.tiles]
    frame = gpd.GeoDataFrame({"NOM": names}, geometry=footprints, crs=LAMBERT_93)
    return _write_layer(frame, folder, "dalles")


def _write_layer(
    frame: gpd.GeoDataFrame,
    folder: Path,
    name: str,
) -> list[Path]:
    """A shapefile, all its parts."""
    folder.mkdir(parents=True, exist_ok=True)
    frame.to_file(
        folder / f"{name}.shp",
        engine="pyogrio",
        encoding="UTF-8",
        layer_options={"DBF_DATE_LAST_UPDATE": f"{DATE:%Y-%m-%d}"},
    )
    return sorted(folder.glob(f"{name}.*"))


def _zip_layers(
    path: Path,
    layers: dict[str, gpd.GeoDataFrame],
    inside: str,
) -> Path:
    """A zip of shapefiles, each below the folder `inside`."""
    scratch = path.with_name(f".{path.stem}")
    with (
        atomic(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name, frame in layers.items():
            for part in _write_layer(frame, scratch, name):
                entry = zipfile.ZipInfo(inside + part.name, DATE.timetuple()[:6])
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, part.read_bytes())
                part.unlink()
    scratch.rmdir()
    return path
