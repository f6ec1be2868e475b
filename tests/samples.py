"""Small inputs in the providers' own layouts, and a way to run the numbered scripts in this
process."""

import importlib.util
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import py7zr
import shapely

ROOT = Path(__file__).resolve().parents[1]
REAL_DATA = ROOT.parent / "shared" / "data"
WEST, SOUTH = 3_760_000, 2_888_000  # m, EPSG:3035: a corner of Paris
LAMBERT_93, LAEA = "EPSG:2154", "EPSG:3035"

ID_COLUMN = {2015: "IdINSPIRE", 2017: "Idcar_200m", 2019: "idcar_200m", 2021: "idcar_200m"}
OTHER_COLUMNS = {
    2015: {"depcom": "Depcom", "imputed": "I_est_cr", "group": "Groupe"},
    2017: {"depcom": "lcog_geo", "imputed": "I_est_200", "group": "Groupe"},
    2019: {"depcom": "lcog_geo", "imputed": "i_est_200", "group": "idcar_nat"},
    2021: {"depcom": "lcog_geo", "imputed": "i_est_200", "group": "idcar_nat"},
}


def cell_id(column: int, row: int, size_m: int = 200) -> str:
    """Id of the cell in a column (eastwards) and row (northwards) of the sample city."""
    return f"CRS3035RES{size_m}mN{SOUTH + size_m * row}E{WEST + size_m * column}"


def census_frame(
    year: int = 2015, columns: int = 4, rows: int = 3, size_m: int = 200
) -> gpd.GeoDataFrame:
    """A grid of cells with INSEE's columns of a year, squares in Lambert-93.

    The first two are imputed.
    """
    ids = [cell_id(column, row, size_m) for row in range(rows) for column in range(columns)]
    number = np.arange(len(ids), dtype=float)
    capital = year < 2019
    group = np.where(number < 2, 7, number + 100).astype(int)
    frame = pd.DataFrame(
        {
            ID_COLUMN[year]: ids,
            OTHER_COLUMNS[year]["imputed"]: (number < 2).astype(int),
            OTHER_COLUMNS[year]["depcom"]: "75101",
            OTHER_COLUMNS[year]["group"]: group
            if year < 2019
            else [f"CRS3035RES1000mN{g}" for g in group],
            "Ind" if capital else "ind": number + 10,
            "Men" if capital else "men": number + 4,
            "Men_pauv" if capital else "men_pauv": 1.0,
            "Ind_snv" if capital else "ind_snv": (number + 10) * (20_000 + 100 * number),
            "Men_prop" if capital else "men_prop": 2.0,
        }
    )
    west = [int(text.rpartition("E")[2]) for text in ids]
    south = [int(text.rpartition("N")[2].partition("E")[0]) for text in ids]
    squares = shapely.box(west, south, np.add(west, size_m), np.add(south, size_m))
    if size_m == 1000:
        frame = on_the_1km_grid(frame, year)
    return gpd.GeoDataFrame(frame, geometry=squares, crs=LAEA).to_crs(LAMBERT_93)


def on_the_1km_grid(frame: pd.DataFrame, year: int) -> pd.DataFrame:
    """The columns as INSEE's 1 km grid has them: no groups, and a flag that may be 2."""
    early = year == 2015
    flag = OTHER_COLUMNS[year]["imputed"]
    names = {
        ID_COLUMN[year]: "Id_carr1km" if early else "idcar_1km",
        flag: "I_est_1km" if early else "i_est_1km",
    }
    return frame.drop(columns=OTHER_COLUMNS[year]["group"]).rename(columns=names)


def write_census(
    folder: Path, year: int, kind: str = "csv", packed: str = "zip", frame=None, grid: str = "200m"
) -> Path:
    """A vintage in a provider's packaging.

    Args:
        folder: where the archive or table goes.
        year: vintage.
        kind: csv, gpkg or shp.
        packed: zip, zip7z (a zip that holds one 7z) or bare.
        frame: in place of `census_frame(year)`.
        grid: as the file names have it: 200m, 1000m (2015) or 1km.
    """
    frame = census_frame(year) if frame is None else frame
    inside = folder / ".made"
    inside.mkdir(parents=True, exist_ok=True)
    stem = f"Filosofi2015_carreaux_{grid}_metropole" if year == 2015 else f"carreaux_{grid}_met"
    table = inside / f"{stem}.{kind}"
    if kind == "csv":
        pd.DataFrame(frame.drop(columns="geometry")).to_csv(table, index=False)
    else:
        frame.to_file(table)
    name = f"Filosofi{year}_carreaux_{grid}_{kind}"
    files = sorted(inside.glob(f"{table.stem}.*"))
    if packed == "bare":
        moved = [path.replace(folder / path.name.replace(table.stem, name)) for path in files]
        made = next(path for path in moved if path.suffix == f".{kind}")
    elif packed == "zip":
        made = pack_zip(folder / f"{name}.zip", {path.name: path for path in files})
    else:
        with py7zr.SevenZipFile(inside / f"{name}.7z", "w") as archive:
            for path in files:
                archive.write(path, path.name)
        made = pack_zip(folder / f"{name}.zip", {f"{name}.7z": inside / f"{name}.7z"})
    for path in inside.iterdir():
        path.unlink()
    inside.rmdir()
    return made


def pack_zip(path: Path, members: dict[str, Path]) -> Path:
    """A zip of files under given names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, member in members.items():
            archive.write(member, name)
    return path


def land_cover_frame(
    edition: int = 2012, city: str = "Paris", code: str = "FR001L1"
) -> gpd.GeoDataFrame:
    """Three polygons that cover the sample's cells: dense fabric in the west, a road, forest in
    the east."""
    north = SOUTH + 600
    polygons = [
        shapely.box(WEST, SOUTH, WEST + 390, north),
        shapely.box(WEST + 390, SOUTH, WEST + 410, north),
        shapely.box(WEST + 410, SOUTH, WEST + 800, north),
    ]
    upper = edition == 2012
    frame = {
        "CODE2012" if upper else f"code_{edition}": ["11210", "12220", "31000"],
        "ITEM2012" if upper else f"class_{edition}": [
            "Discontinuous dense urban fabric",
            "Other roads",
            "Forests",
        ],
        "FUA_NAME" if upper else "fua_name": city,
        "FUA_OR_CIT" if upper else "fua_code": code,
    }
    return gpd.GeoDataFrame(frame, geometry=polygons, crs=LAEA)


def outline_frame(
    city: str = "Paris", code: str = "FR001L1", east: float = WEST + 800
) -> gpd.GeoDataFrame:
    """The outline of the sample city, in two parts that touch."""
    middle = WEST + 300
    parts = [
        shapely.box(WEST, SOUTH, middle, SOUTH + 600),
        shapely.box(middle, SOUTH, east, SOUTH + 600),
    ]
    return gpd.GeoDataFrame(
        {"FUA_NAME": city, "FUA_OR_CIT": code}, geometry=parts, index=[0, 1], crs=LAEA
    )


def write_old_urban_atlas(
    folder: Path, name: str = "FR001L1_PARIS", land=None, outline=None
) -> Path:
    """The 2012 product as it first came: a zip of shapefiles."""
    made = folder / ".made"
    made.mkdir(parents=True, exist_ok=True)
    (land_cover_frame() if land is None else land).to_file(made / f"{name}_UA2012.shp")
    (outline_frame() if outline is None else outline).to_file(made / f"{name}_UA2012_Boundary.shp")
    members = {f"{name}/Shapefiles/{path.name}": path for path in sorted(made.iterdir())}
    archive = pack_zip(folder / f"{name}.zip", members)
    for path in made.iterdir():
        path.unlink()
    made.rmdir()
    return archive


def run_script(name: str, *arguments: str) -> int:
    """Run a numbered script's `main` here; its exit status."""
    path = next((ROOT / "code").glob(f"{name}_*.py"))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main(list(map(str, arguments)))
