"""Statistics of the fragments of a cell, from two maps to a row per fragment."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
from rasterio.features import rasterize
from rasterio.transform import from_bounds, from_origin
from rasterio.windows import Window
from scipy import ndimage

from benchmarks.measuring import Target, Ways, benchmark
from urbancam.explaining import projection
from urbancam.explaining.local_moments import cell_moments
from urbancam.sources.landcover.fragments import label_raster
from urbancam.tables import grid

CELL = "CRS3035RES200mN2888000E3760000"
FRAGMENTS = 11  # of a cell of Paris, on average
POSITIONS = 25  # of the published layer at 800 px
MISSING = -999.0  # what rasterstats takes for "no value" in a raster that names none
SIDES = ("poor", "rich")


def draw_fragments(random: np.random.Generator) -> gpd.GeoDataFrame:
    """A cell divided into polygons with a vertex every 2 m, about as many as Urban Atlas has."""
    west, south, east, north = grid.bounds(CELL)
    square = shapely.box(west, south, east, north)
    points = shapely.points(random.uniform((west, south), (east, north), (FRAGMENTS, 2)))
    pieces = shapely.voronoi_polygons(shapely.multipoints(points), extend_to=square)
    polygons = shapely.segmentize(shapely.intersection(shapely.get_parts(pieces), square), 2)
    table = pd.DataFrame(
        {
            "fragment_id": [f"{CELL}_{i}" for i in range(FRAGMENTS)],
            "idINSPIRE": CELL,
            "class": "green ua",
            "code": 11100 + np.arange(FRAGMENTS),
            "area_m2": shapely.area(polygons),
        }
    )
    return gpd.GeoDataFrame(table, geometry=polygons, crs=grid.CRS)


def draw_maps(random: np.random.Generator, size_px: int) -> projection.CellMaps:
    """Maps as the published ones are: rectified, times a gradient, cut at the 99th percentile."""
    signed = ndimage.zoom(random.normal(size=(POSITIONS, POSITIONS)), size_px / POSITIONS, order=1)
    signed = signed - signed.mean()
    gradient = np.abs(random.normal(size=signed.shape))
    poor, rich = (np.maximum(side, 0) * gradient for side in (-signed, signed))
    sides = [np.minimum(b, np.percentile(b, 99)).astype(np.float32) for b in (poor, rich)]
    contribution = (signed / signed.size).astype(np.float32)
    return projection.CellMaps(*sides, contribution, 0.0, 0.0, flat=False, positions=POSITIONS)


def sizes(tiny: bool) -> tuple[int, int]:
    """Pixels a side, and number of cells."""
    return (50, 1) if tiny else (800, 10)


@benchmark(
    "statistics per fragment, 800 px", Target(cap=20, speedup=8), unit="ms a cell", repeats=9
)
def fragment_statistics(tiny: bool) -> Ways:
    """Label raster, both maps, sum, min, max, mean, median and shares, one thread, against
    GeoTIFF + shapefile + a window, a mask and its statistics per fragment and class."""
    size_px, cells = sizes(tiny)
    random = np.random.default_rng(0)
    inputs = [(draw_fragments(random), draw_maps(random, size_px)) for _ in range(cells)]

    def ours() -> list[pd.DataFrame]:
        return [project(fragments, maps, size_px) for fragments, maps in inputs]

    def published() -> list[pd.DataFrame]:
        return [project_as_published(fragments, maps, size_px) for fragments, maps in inputs]

    return Ways(ours, published=published, check=check_same, items=cells)


@benchmark("sums over the places of a cell, 800 px", Target(), unit="ms a cell", repeats=9)
def places(tiny: bool) -> Ways:
    """What the same cells say of the places within them, for the local effect."""
    size_px, cells = sizes(tiny)
    random = np.random.default_rng(0)
    fragments, maps = draw_fragments(random), draw_maps(random, size_px)
    labels = label_raster(fragments.geometry, grid.bounds(CELL), size_px)
    codes = fragments["code"].to_numpy()
    return Ways(lambda: [cell_moments(labels, codes, maps) for _ in range(cells)], items=cells)


def project(fragments: gpd.GeoDataFrame, maps: projection.CellMaps, size_px: int) -> pd.DataFrame:
    """As step 13 does it."""
    labels = label_raster(fragments.geometry.to_numpy(), grid.bounds(CELL), size_px)
    return projection.project_cell(fragments, labels, maps)


def project_as_published(
    fragments: gpd.GeoDataFrame, maps: projection.CellMaps, size_px: int
) -> pd.DataFrame:
    """Each class's map through a float64 GeoTIFF and the fragments through a shapefile."""
    tables = []
    for side in SIDES:
        values = getattr(maps, side).astype(float)
        with TemporaryDirectory() as folder, written(values, fragments, Path(folder)) as files:
            raster, polygons = files
            rows = [window_statistics(raster, polygon, size_px) for polygon in polygons]
        table = pd.DataFrame(rows)
        table["score"] = table["sum"] / fragments["area_m2"].to_numpy()
        tables.append(table.add_prefix(f"{side}_"))
    return pd.concat(tables, axis=1)


@contextmanager
def written(
    values: np.ndarray, fragments: gpd.GeoDataFrame, folder: Path
) -> Iterator[tuple[rasterio.DatasetReader, np.ndarray]]:
    """A map and the fragments, written to files and opened again."""
    height, width = values.shape
    transform = from_bounds(*grid.bounds(CELL), width, height)
    with rasterio.open(
        folder / "map.tif",
        "w",
        driver="GTiff",
        height=height,
        width=width,
        count=1,
        dtype="float64",
        crs=grid.CRS,
        transform=transform,
    ) as raster:
        raster.write(values, 1)
    fragments[["class", "geometry"]].to_file(folder / "fragments.shp")
    polygons = gpd.read_file(folder / "fragments.shp").geometry.to_numpy()
    with rasterio.open(folder / "map.tif") as raster:
        yield raster, polygons


def window_statistics(raster: rasterio.DatasetReader, polygon, size_px: int) -> dict[str, float]:
    """Statistics of the pixels whose centres lie in a polygon, read from its own window."""
    cell_west, _, cell_east, cell_north = grid.bounds(CELL)
    pixel_m = (cell_east - cell_west) / size_px
    west, south, east, north = polygon.bounds
    left, right = math.floor((west - cell_west) / pixel_m), math.ceil((east - cell_west) / pixel_m)
    top, bottom = (
        math.floor((cell_north - north) / pixel_m),
        math.ceil((cell_north - south) / pixel_m),
    )
    # As rasterstats has it: read beyond the raster's edge too, with -999 as what is missing.
    window = Window(left, top, right - left, bottom - top)
    values = raster.read(1, window=window, boundless=True, fill_value=MISSING)
    corner = cell_west + left * pixel_m, cell_north - top * pixel_m
    transform = from_origin(*corner, pixel_m, pixel_m)
    inside = rasterize([polygon], values.shape, transform=transform, dtype=np.uint8)
    void = values == MISSING
    if np.isnan(values.min()):
        void |= np.isnan(values)
    pixels = np.ma.MaskedArray(values, mask=void | ~inside.astype(bool))
    return {
        "count": int(pixels.count()),
        "sum": float(pixels.sum()),
        "min": float(pixels.min()),
        "max": float(pixels.max()),
        "median": float(np.median(pixels.compressed())),
        "mean": float(pixels.mean()),
    }


def check_same(ours: list[pd.DataFrame], published: list[pd.DataFrame]) -> None:
    """Counts, smallest, largest and median to the last digit; what is added up to 1e-12."""
    for got, expected in zip(ours, published, strict=True):
        for side in SIDES:
            assert (got["pixel_count"] == expected[f"{side}_count"]).all()
            for name in ("min", "max", "median"):
                assert (got[f"{side}_{name}"] == expected[f"{side}_{name}"]).all()
            for name in ("sum", "mean", "score"):
                column = f"{side}_{name}"
                assert np.allclose(got[column], expected[column], rtol=1e-12, atol=0)
