"""Sites cut from the tiles of the income experiment, so that its cities can be told apart too."""

import logging
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from urbancam.cities.sites import COLUMNS
from urbancam.sources.imagery import cutting, overlay
from urbancam.tables import geoframes, grid
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import Paths, shown

log = logging.getLogger(__name__)

EPSG = 3035  # of the sites' squares, as of the cells


def cities_with_tiles(paths: Paths, named: list[str]) -> list[str]:
    """The cities asked for, or all that have tiles.

    Raises:
        InputError: a city has no tiles, or there is none at all.
    """
    cities = named or sorted(path.parent.name for path in paths.results.glob("*/tiles.parquet"))
    missing = [city for city in cities if not paths.of_city(city).tiles.is_file()]
    if missing or not cities:
        raise InputError(
            f"no tiles of {', '.join(missing) or 'any city'}",
            shown(paths.results),
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

    # ASSUME: the published images show built-up area; squares are taken by population, on INSEE's grid, and lie
    # inside the city's boundary, where land cover is mapped.

    Args:
        cells: `idINSPIRE, ind`.
        tiles: footprints, any CRS.
        boundary: of the city, EPSG:3035.
        site_m: side of a square, m.
        most: at most so many.

    Returns:
        `idINSPIRE` (of the square, as INSEE would name it), `people`; squares, EPSG:3035.
    """
    corner = grid.corners(cells["idINSPIRE"]) // site_m * site_m
    people = pd.DataFrame(
        {"west": corner[:, 0], "south": corner[:, 1], "people": cells["ind"].to_numpy(float)}
    )
    people = people.groupby(["west", "south"], as_index=False)["people"].sum()
    squares = shapely.box(
        people["west"], people["south"], people["west"] + site_m, people["south"] + site_m
    )
    mapped = shapely.union_all(boundary.to_crs(grid.CRS).geometry.to_numpy())
    flown = shapely.buffer(
        shapely.union_all(tiles.to_crs(grid.CRS).geometry.to_numpy()), 1.0
    )  # m, rounding
    inside = shapely.covers(mapped, squares) & shapely.covers(flown, squares)
    log.info(
        "drops %d of %d squares: not whole inside the city and its tiles",
        (~inside).sum(),
        len(squares),
    )
    table = gpd.GeoDataFrame(people, geometry=squares, crs=grid.CRS)[inside]
    table = table.sort_values(["people", "south", "west"], ascending=[False, True, True]).head(most)
    names = [
        grid.cell_id(west, south, site_m)
        for west, south in zip(table["west"], table["south"], strict=True)
    ]
    return table.assign(idINSPIRE=names).reset_index(drop=True)[["idINSPIRE", "people", "geometry"]]


def cut_sites(
    paths: Paths, city: str, site_m: int, image_px: int, most: int, max_void: float, workers: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cut the sites of one city; images already there and right are kept.

    Args:
        paths: of the cities experiment.
        city: of the income experiment, with cells, boundary and tiles.
        site_m: side of a site, m.
        image_px: pixels a side.
        most: sites at most.
        max_void: share of an image that may be void, 0..1.
        workers: processes.

    Returns:
        Rows of `sites.csv`, and `path, reason` of images that are not used.
    """
    own = paths.of_city(city)
    tiles = geoframes.read(own.tiles)
    cells = geoframes.read(own.cells, ["idINSPIRE", "ind", "geometry"])
    sites = choose_sites(cells, tiles, geoframes.read(own.boundary), site_m, most)
    with_tiles = overlay.cells_with_tiles(sites, tiles, paths.data)
    folder = (
        paths.site_images / f"{own.city_folder.name}_{image_px}px"
    )  # runs at other pixel sizes have their own
    images = cutting.cut_images(with_tiles, folder, image_px, workers)
    used = images["path"].notna() & (images["void_fraction"] <= max_void)
    skipped = images.loc[~used, ["idINSPIRE"]].rename(columns={"idINSPIRE": "path"})
    skipped = skipped.assign(
        path=city + "/" + skipped["path"], reason=f"more than {max_void:.3g} of the image is void"
    )
    return _site_rows(
        images[used], sites[used.to_numpy()], city, paths.site_images, image_px
    ), skipped


def check_any(images: pd.DataFrame, site_m: int, cities: list[str]) -> None:
    """Refuse tiles of which not a single site could be cut."""
    if images.empty:
        raise InputError(
            f"no square of {site_m} m lies whole inside {', '.join(cities)} and its tiles, without voids",
            "cities.site_m",
            "ask for smaller squares, or fetch more tiles with 04_download_aerial",
        )


def _site_rows(
    images: pd.DataFrame, sites: gpd.GeoDataFrame, city: str, folder: Path, image_px: int
) -> pd.DataFrame:
    bounds = sites.geometry.bounds.to_numpy()
    return pd.DataFrame(
        {
            "city": city,
            "site": images["idINSPIRE"].to_numpy(),
            "image": [Path(path).name for path in images["path"]],
            "path": images["path"].to_numpy(),
            "source": "ign",
            "acquisition": _acquisition(images),
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


def _acquisition(images: pd.DataFrame) -> np.ndarray:
    """Campaign year, and the department of the first tile, as IGN's packs are flown."""
    department = images["tiles"].str.split("-").str[0]
    return (images["campaign_year"].astype(str) + " D" + department).to_numpy()
