"""Small tiles near Paris and cells cut out of them, for tests."""

import geopandas as gpd
import pytest
import shapely
from pyproj import Transformer

from samples import REAL_DATA
from small_packs import write_tile
from urbancam.sources.imagery.cell import CellImage, Mosaic
from urbancam.sources.imagery.fill import coarse_fill
from urbancam.sources.imagery.tile import Tile, TileFile

# Of the tiles, m, EPSG:2154; near Paris.
WEST = 650_000
NORTH = 6_864_000
TO_GRID = Transformer.from_crs("EPSG:2154", "EPSG:3035", always_xy=True)
TO_LAMBERT = Transformer.from_crs("EPSG:3035", "EPSG:2154", always_xy=True)


def tile_file(path, pixels, west=WEST, north=NORTH, pixel_m=1.0, year=2014) -> TileFile:
    """Write a tile of (S, S, 3) pixels; what the tile table knows of it."""
    write_tile(path, pixels, west, north, pixel_m)
    side_m = pixels.shape[0] * pixel_m
    footprint = (west, north - side_m, west + side_m, north)
    return TileFile(path.name, path, footprint, "EPSG:2154", year)


def tile_table(files: list[TileFile]) -> gpd.GeoDataFrame:
    """The rows of `tiles.parquet` that step 05 needs; paths relative to the files' folder."""
    names = [file.name for file in files]
    columns = {
        "name": names,
        "path": names,
        "campaign_year": [file.campaign_year for file in files],
    }
    footprints = [shapely.box(*file.footprint) for file in files]
    return gpd.GeoDataFrame(columns, geometry=footprints, crs="EPSG:2154")


def square(x: float, y: float) -> tuple[float, float, float, float]:
    """The 200 m square of EPSG:3035 centred on a point of EPSG:2154 (not aligned to the grid)."""
    x, y = TO_GRID.transform(x, y)
    return x - 100, y - 100, x + 100, y + 100


def cut(bounds, *files, image_px=200):
    """The image of a square, cut out of these tiles."""
    tiles = [Tile(file) for file in files]
    return cut_cell(bounds, "EPSG:3035", tiles, image_px)


def cut_cell(bounds, crs: str, tiles: list[Tile], image_px: int) -> CellImage:
    """The image of a cell out of open tiles, all of which are laid onto it in turn."""
    mosaic = Mosaic(bounds, crs, image_px)
    for tile in tiles:
        mosaic.lay(tile, coarse_fill(tile))
    return mosaic.image()


def real_tile(name: str, crs: str) -> TileFile:
    """A tile of the real samples, which says itself where it lies."""
    path = REAL_DATA / name
    if not path.is_file():
        pytest.skip("the real samples are not here")
    return TileFile(name, path, (0, 0, 1, 1), crs)
