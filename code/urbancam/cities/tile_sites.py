"""Sites cut from the tiles of the income experiment, so that its cities can be told apart too."""

import logging
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from urbancam.cities.sites import COLUMNS
from urbancam.sources.ign.consumed_tiles import ConsumedTiles, Consumer
from urbancam.sources.imagery import cutting, overlay
from urbancam.tables import geoframes, grid
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import Paths, display_path

log = logging.getLogger(__name__)

EPSG = 3035  # of the sites' squares, as of the cells


def cities_with_tiles(paths: Paths, named: list[str]) -> list[str]:
    """The cities asked for, or all that have tiles.

    Raises:
        InputError: A city has no tiles, or there is none at all.
    """
    cities = named or paths.cities_with_tiles()
    missing = [city for city in cities if not paths.of_city(city).tiles.is_file()]
    if missing or not cities:
        raise InputError(
            f"no tiles of {', '.join(missing) or 'any city'}",
            display_path(paths.results),
            "run steps 01 to 04 for the cities first, e.g. ./run.sh Lyon",
        )
    return cities


def choose_sites(
    cells: gpd.GeoDataFrame,
    tiles: gpd.GeoDataFrame,
    boundary: gpd.GeoDataFrame,
    site_m: int,
    most: int,
) -> gpd.GeoDataFrame:
    """The squares where most people live, of those that lie whole inside the city and its tiles.

    # ASSUME: the published images show built-up area; squares are taken by population, on INSEE's
    # grid, and lie inside the city's boundary, where land cover is mapped.

    Args:
        cells: `idINSPIRE, ind`.
        tiles: Footprints, any CRS.
        boundary: Boundary of the city, EPSG:3035.
        site_m: Side of a square, m.
        most: Number of squares at most.

    Returns:
        `idINSPIRE` (of the square, as INSEE would name it), `people`; squares, EPSG:3035.
    """
    squares = _count_people(cells, site_m)
    mapped = shapely.union_all(boundary.to_crs(grid.CRS).geometry.to_numpy())
    flown = shapely.union_all(tiles.to_crs(grid.CRS).geometry.to_numpy())
    flown = shapely.buffer(flown, 1.0)  # m: edges of tiles may miss each other by a rounding
    geometry = squares.geometry.to_numpy()
    inside = shapely.covers(mapped, geometry) & shapely.covers(flown, geometry)
    log.info(
        "drops %d of %d squares: not whole inside the city and its tiles",
        (~inside).sum(),
        len(squares),
    )

    # The fullest first; of equally full ones the southernmost, then the westernmost.
    order = ["people", "south", "west"]
    squares = squares[inside].sort_values(order, ascending=[False, True, True])
    sites = squares.head(most)
    corners = zip(sites["west"], sites["south"], strict=True)
    ids = [grid.cell_id(west, south, site_m) for west, south in corners]
    sites = sites.assign(idINSPIRE=ids).reset_index(drop=True)
    return sites[["idINSPIRE", "people", "geometry"]]


def _count_people(cells: gpd.GeoDataFrame, site_m: int) -> gpd.GeoDataFrame:
    """The squares of the grid of sites that hold cells: `west, south, people`, EPSG:3035."""
    corners = grid.corners(cells["idINSPIRE"]) // site_m * site_m
    people = pd.DataFrame(
        {
            "west": corners[:, 0],
            "south": corners[:, 1],
            "people": cells["ind"].to_numpy(float),
        }
    )
    people = people.groupby(["west", "south"], as_index=False)["people"].sum()
    east = people["west"] + site_m
    north = people["south"] + site_m
    squares = shapely.box(people["west"], people["south"], east, north)
    return gpd.GeoDataFrame(people, geometry=squares, crs=grid.CRS)


def cut_sites(
    paths: Paths,
    city: str,
    site_m: int,
    image_px: int,
    most: int,
    max_void: float,
    workers: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cut the sites of one city; images already there and right are kept.

    Args:
        paths: Paths of the cities experiment.
        city: City of the income experiment, with cells, boundary and tiles.
        site_m: Side of a site, m.
        image_px: Side of an image, px.
        most: Number of sites at most.
        max_void: Share of an image that may be void, 0..1.
        workers: Number of processes.

    Returns:
        Rows of `sites.csv`, and `path, reason` of images that are not used.
    """
    own = paths.of_city(city)
    tiles = overlay.with_file(geoframes.read(own.tiles))
    cells = geoframes.read(own.cells, ["idINSPIRE", "ind", "geometry"])
    boundary = geoframes.read(own.boundary)
    sites = choose_sites(cells, tiles, boundary, site_m, most)

    # Runs at other pixel sizes have their own folder.
    folder = paths.site_images / f"{own.city_folder.name}_{image_px}px"
    with_tiles = overlay.cells_with_tiles(sites, tiles, paths.data)
    # Images that are there and right stay so, though their tiles were thrown away.
    consumed = ConsumedTiles.of(paths.aerial_data, Consumer(own.city_folder)).signatures()
    images = cutting.cut_images(with_tiles, folder, image_px, workers, consumed)

    used = images["path"].notna() & (images["void_fraction"] <= max_void)
    rows = _site_rows(
        images[used], sites[used.to_numpy()], tiles, city, paths.site_images, image_px
    )
    skipped = pd.DataFrame({"path": city + "/" + images.loc[~used, "idINSPIRE"]})
    skipped["reason"] = f"more than {max_void:.3g} of the image is void"
    return rows, skipped


def check_any(
    images: pd.DataFrame,
    skipped: pd.DataFrame,
    site_m: int,
    cities: list[str],
) -> None:
    """Refuse tiles of which not a single site could be cut.

    Raises:
        InputError: There is no image.
    """
    if len(images):
        return
    place = f"{', '.join(cities)} and its tiles"
    what = f"no square of {site_m} m lies whole inside {place}"
    if len(skipped):
        what = f"of {len(skipped)} squares of {site_m} m inside {place} none can be used: "
        what += skipped["reason"].iloc[0]
    raise InputError(
        what,
        "cities.site_m",
        "ask for smaller squares, or fetch more tiles with 04_download_aerial; images of single "
        "cells (imagery.source wms) cover only squares whose cells are all inhabited",
    )


def _site_rows(
    images: pd.DataFrame,
    sites: gpd.GeoDataFrame,
    tiles: gpd.GeoDataFrame,
    city: str,
    folder: Path,
    image_px: int,
) -> pd.DataFrame:
    bounds = sites.geometry.bounds.to_numpy()
    return pd.DataFrame(
        {
            "city": city,
            "site": images["idINSPIRE"].to_numpy(),
            "image": [Path(path).name for path in images["path"]],
            "path": images["path"].to_numpy(),
            "source": "ign",
            "acquisition": _acquisition(images, tiles),
            "width_px": image_px,
            "height_px": image_px,
            "west": bounds[:, 0],
            "south": bounds[:, 1],
            "east": bounds[:, 2],
            "north": bounds[:, 3],
            "epsg": EPSG,
            "bytes": [(folder / path).stat().st_size for path in images["path"]],
            "signature": images["fingerprint"].to_numpy(),
        },
        columns=COLUMNS,
    )


def _acquisition(images: pd.DataFrame, tiles: gpd.GeoDataFrame) -> np.ndarray:
    """Campaign year, and the department of the first tile, as IGN's packs are flown.

    Images of single cells are of a mosaic that does not tell its campaigns; their department does
    as far as it goes.
    """
    # The name of a pack's tile begins with its department.
    first_tiles = images["tiles"].str.split(";").str[0]
    department = first_tiles.str.split("-").str[0]
    if "idINSPIRE" in tiles:
        of_images = tiles[tiles["idINSPIRE"].notna()].set_index("name")["department"]
        department = first_tiles.map(of_images).fillna(department)
    year = images["campaign_year"].astype("str").fillna("mosaic")
    return (year + " D" + department).to_numpy()
