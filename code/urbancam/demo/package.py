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
from urbancam.demo.layout.site import LAEA, LAMBERT_93, Site, to_laea, to_lambert
from urbancam.workflow.files import atomic

DATE = datetime.datetime(2016, 1, 1, tzinfo=datetime.UTC)
URBAN_ATLAS = "FR901L1_DEMO"
HEADER_BYTES = 2000  # of a 7z of a few members, at most
CENSUS = "Filosofi2015_carreaux_200m"


@dataclass(frozen=True)
class PackPlan:
    """One department's pack.

    Args:
        department: code as communes carry it.
        year: of the campaign.
        tiles: west and NORTH edge of its tiles, km, Lambert-93.
        folders: product folder above `ORTHOHR`, "" for none: their number differs between packs.
        delivery: number of IGN's delivery.
    """

    department: str
    year: int
    tiles: tuple[tuple[int, int], ...]
    folders: str
    delivery: str

    @property
    def name(self) -> str:
        return f"ORTHOHR_1-0_RVB-0M20_JP2-E080_LAMB93_D0{self.department}_{self.year}-01-01"

    def tile_name(self, x_km: int, y_km: int) -> str:
        """IGN's name of a tile; "0M20" is the product's name, whatever the pixel size of the demo."""
        return f"{self.department}-{self.year}-{x_km:04d}-{y_km:04d}-LA93-0M20-E080.jp2"

    def member(self, part: str, file: str) -> str:
        """Path of a file inside the archive; part is 1_DONNEES, 2_METADONNEES or 3_SUPPLEMENTS."""
        product = f"OHR_RVB_0M20_JP2-E080_LAMB93_D0{self.department}-{self.year}"
        top = f"{self.name}/{self.folders}/" if self.folders else f"{self.name}/"
        return f"{top}ORTHOHR/{part}_LIVRAISON_{self.delivery}/{product}/{file}"


def plan_packs(site: Site) -> tuple[PackPlan, PackPlan]:
    """Two fictitious departments: 96 has the three tiles in the west and north, 99 the two in the east.

    Both ship their border tile, in the north-east.
    """
    south_west, north_west, south_east, north_east = site.tile_corners_km()
    return (
        PackPlan("96", 2015, (south_west, north_west, north_east), "", "2016-02-00115"),
        PackPlan(
            "99", 2014, (south_east, north_east), "ORTHOHR_1-0_RVB-0M20_D099", "2015-03-00042"
        ),
    )


def border_tile(site: Site) -> tuple[int, int]:
    """The tile that both packs ship."""
    return site.tile_corners_km()[3]


def department_99(site: Site) -> shapely.Polygon:
    """The land of the second department, Lambert-93: the south-east, and a slice of the north-east."""
    x, y = site.centre
    side = site.tile_km * 1000
    border = [
        (x, y),
        (x + 0.30 * side, y + 0.22 * side),
        (x + 0.55 * side, y + 0.31 * side),
        (x + side, y + 0.5 * side),
    ]
    return shapely.Polygon([*border, (x + side, y - side), (x, y - side)])


def wrap_census(table: pd.DataFrame, folder: Path) -> Path:
    """Write INSEE's zip: a Lambert-93 shapefile of the cells' squares."""
    corner = table["IdINSPIRE"].str.extract(r"N(\d+)E(\d+)$").astype(int)
    squares = shapely.box(corner[1], corner[0], corner[1] + 200, corner[0] + 200)
    frame = gpd.GeoDataFrame(table, geometry=to_lambert(squares), crs=LAMBERT_93)
    return _zip_layers(folder / f"{CENSUS}_shp.zip", {f"{CENSUS}_metropole": frame}, "")


def wrap_land_cover(plan: Plan, folder: Path) -> Path:
    """Write Urban Atlas' zip: land cover and boundary, cut at the city's outline."""
    inside = shapely.intersection(plan.faces, plan.outline, grid_size=GRID_M)
    faces = gpd.GeoDataFrame({"code": plan.codes}, geometry=to_laea(inside), crs=LAEA)
    faces = faces[~faces.is_empty].explode(ignore_index=True)
    faces = faces[faces.area > 0.01].reset_index(drop=True)  # what is cut off in a point or line
    facts = {"COUNTRY": "FR", "CITIES": "Demo", "FUA_OR_CIT": URBAN_ATLAS[:7], "PROD_DATE": "2015"}
    cover = faces.assign(
        **facts,
        CODE2012=faces["code"].astype(str),
        ITEM2012=faces["code"].map(landuse.ITEMS),
        SHAPE_AREA=faces.area,
    ).drop(columns="code")
    outline = gpd.GeoDataFrame(
        {"COUNTRY": ["FR"], "FUA_NAME": ["Demo"], "FUA_OR_CIT": [URBAN_ATLAS[:7]]},
        geometry=[to_laea(plan.outline)],
        crs=LAEA,
    )
    layers = {f"{URBAN_ATLAS}_UA2012": cover, f"{URBAN_ATLAS}_UA2012_Boundary": outline}
    return _zip_layers(folder / f"{URBAN_ATLAS}.zip", layers, f"{URBAN_ATLAS}/Shapefiles/")


def wrap_pack(
    pack: PackPlan, site: Site, tiles: dict[str, Path], folder: Path, volumes: int
) -> list[Path]:
    """Write one pack as a 7z of several volumes, without compression: JPEG 2000 has no air left.

    Args:
        pack: its names.
        site: for the footprints of the tiles.
        tiles: name of each tile -> its file.
        folder: `aerial_data`; what lies there of an earlier pack of this name goes.
        volumes: their number.
    """
    scratch = folder / f".{pack.name}"
    members = {pack.member("1_DONNEES", name): path for name, path in tiles.items()}
    members |= {
        pack.member("3_SUPPLEMENTS", path.name): path for path in _write_index(pack, site, scratch)
    }
    notice = scratch / "LISEZ-MOI.txt"
    notice.write_text("Rendered by UrbanCAM for the demo city; no real place.\n", encoding="utf-8")
    members[pack.member("2_METADONNEES", notice.name)] = notice
    size = sum(path.stat().st_size for path in members.values()) + HEADER_BYTES
    with multivolumefile.MultiVolume(
        scratch / f"{pack.name}.7z", "wb", volume=size // volumes + 1, ext_digits=3
    ) as stream:
        with py7zr.SevenZipFile(stream, "w", filters=[{"id": py7zr.FILTER_COPY}]) as archive:
            for name, path in sorted(members.items()):
                os.utime(path, (DATE.timestamp(), DATE.timestamp()))
                archive.write(path, name)
    for old in folder.glob(f"{pack.name}.7z*"):
        old.unlink()
    return [path.replace(folder / path.name) for path in sorted(scratch.glob(f"{pack.name}.7z.*"))]


def _write_index(pack: PackPlan, site: Site, folder: Path) -> list[Path]:
    """`dalles.shp`: a footprint and a name with `./` for every tile."""
    side = site.tile_km * 1000
    footprints = [
        shapely.box(x * 1000, y * 1000 - side, x * 1000 + side, y * 1000) for x, y in pack.tiles
    ]
    frame = gpd.GeoDataFrame(
        {"NOM": [f"./{pack.tile_name(*tile)}" for tile in pack.tiles]},
        geometry=footprints,
        crs=LAMBERT_93,
    )
    return _write_layer(frame, folder, "dalles")


def _write_layer(frame: gpd.GeoDataFrame, folder: Path, name: str) -> list[Path]:
    """A shapefile, all its parts."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.shp"
    frame.to_file(
        path,
        engine="pyogrio",
        encoding="UTF-8",
        layer_options={"DBF_DATE_LAST_UPDATE": f"{DATE:%Y-%m-%d}"},
    )
    return sorted(folder.glob(f"{name}.*"))


def _zip_layers(path: Path, layers: dict[str, gpd.GeoDataFrame], inside: str) -> Path:
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
