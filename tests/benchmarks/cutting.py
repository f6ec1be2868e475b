"""Cutting the images of a town's cells out of two tiles, by one process."""

import atexit
import shutil
import tempfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
from PIL import Image
from rasterio.merge import merge
from rasterio.transform import Affine
from rasterio.warp import Resampling, reproject, transform_bounds
from rasterio.windows import from_bounds
from scipy import ndimage

from aerial_tiles import NORTH, WEST, tile_table
from benchmarks.measuring import Target, Ways, benchmark
from small_packs import cells_over
from urbancam.sources.imagery import cutting, openjpeg, png
from urbancam.sources.imagery.cell import Cell, image_path
from urbancam.sources.imagery.overlay import cells_with_tiles
from urbancam.sources.imagery.tile import TileFile

TILE_PX = 4096
TINY_PX = 1400  # holds a cell, and another one beside it
PIXEL_M = 0.2  # as IGN's
CELL_PX = 1000  # of 200 m
QUALITY = 12.5  # %, as IGN's files: one byte of eight
SMOOTH_PX = 3  # so that noise takes up about as much as imagery does
# Published images lie on the grid that gdalwarp chooses; here on the cells', so that both hold the
# same pixels, but for how far GDAL's approximation of the projection errs.
ALIKE_GREY = 0.5  # on average; half a pixel aside would be several


@benchmark("cutting cells, inner tiles", Target(ratio=1.3, speedup=20), "ms a cell", repeats=3)
def cutting_out_of_inner_tiles(tiny: bool) -> Ways:
    """Out of files with inner tiles of 1024 px; see `_cutting_cells`."""
    return _cutting_cells(tiny, inner_px=1024)


@benchmark("cutting cells, one piece", Target(ratio=1.3, speedup=20), "ms a cell", repeats=3)
def cutting_out_of_one_piece(tiny: bool) -> Ways:
    """Out of files that are one code stream without inner tiles, as IGN's; see `_cutting_cells`."""
    return _cutting_cells(tiny, inner_px=None)


def _cutting_cells(tiny: bool, inner_px: int | None) -> Ways:
    """Two tiles side by side; the floor decodes each once, whole, and encodes every image once.

    The published way decodes every tile for each group of cells that touch the same tiles. In a
    large grid a tile belongs to nine groups; each of these two belongs to two, so that this
    comparison is in favour of the published way.
    """
    folder = Path(tempfile.mkdtemp(prefix="urbancam-cutting-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    side_px = TINY_PX if tiny else TILE_PX
    files = [_tile(folder, number, side_px, inner_px or side_px) for number in (0, 1)]
    west, south, _, north = files[0].footprint
    cells = cells_with_tiles(
        _whole(cells_over(west, south, files[1].footprint[2], north), files),
        tile_table(files),
        folder,
    )
    images = folder / "city" / "images"
    return Ways(
        ours=lambda: _ours(cells, images),
        floor=lambda: _floor(files, [image_path(images, cell.id) for cell in cells], folder),
        published=lambda: _published(cells, folder),
        check=_check,
        items=len(cells),
    )


def _tile(folder: Path, number: int, side_px: int, inner_px: int) -> TileFile:
    """A tile of smooth noise, side by side with the others."""
    grey = np.random.default_rng(number).normal(size=(3, side_px, side_px)).astype("float32")
    grey = ndimage.gaussian_filter(grey, (0, SMOOTH_PX, SMOOTH_PX))
    pixels = np.clip(128 + 40 * grey / grey.std(), 20, 235).astype(np.uint8)

    side_m = side_px * PIXEL_M
    west = WEST + number * side_m
    path = folder / f"{number}.jp2"
    profile = {"driver": "JP2OpenJPEG", "width": side_px, "height": side_px, "count": 3}
    coding = {"blockxsize": inner_px, "blockysize": inner_px, "QUALITY": QUALITY}
    place = Affine(PIXEL_M, 0, west, 0, -PIXEL_M, NORTH)
    with rasterio.open(
        path,
        "w",
        dtype="uint8",
        crs="EPSG:2154",
        transform=place,
        REVERSIBLE="NO",
        **profile,
        **coding,
    ) as file:
        file.write(pixels)
    return TileFile(
        path.name, path, (west, NORTH - side_m, west + side_m, NORTH), "EPSG:2154", 2014
    )


def _whole(cells: gpd.GeoDataFrame, files: list[TileFile]) -> gpd.GeoDataFrame:
    """The cells that the tiles cover, all of them."""
    covered = tile_table(files).union_all().buffer(-5 * PIXEL_M)
    return cells[cells.to_crs("EPSG:2154").within(covered)].reset_index(drop=True)


def _ours(cells: list[Cell], images: Path) -> dict[str, Path]:
    """As step 05 does it."""
    shutil.rmtree(images, ignore_errors=True)
    cutting.cut_images(cells, images, CELL_PX, workers=1)
    return {cell.id: image_path(images, cell.id) for cell in cells}


def _floor(files: list[TileFile], images: list[Path], folder: Path) -> None:
    """Every tile decoded once by the fastest call, every image encoded once."""
    for file in files:
        with rasterio.open(file.path) as tile:
            openjpeg.decode(file.path, (0, tile.height), (0, tile.width))
    pixels = np.asarray(Image.open(images[0]))
    for image in images:
        png.write(folder / image.name, pixels, {})


def _published(cells: list[Cell], folder: Path) -> dict[str, Path]:
    """Section 2.5 of the published code: merge, warp and write each group of tiles, cut windows."""
    groups: dict[tuple[Path, ...], list[Cell]] = {}
    for cell in cells:
        groups.setdefault(tuple(sorted(tile.path for tile in cell.tiles)), []).append(cell)
    images = {}
    for paths, group in groups.items():
        source = paths[0]
        if len(paths) > 1:
            source = folder / "merged.tif"
            merge(list(paths), dst_path=source)
        warped = _warped(source, folder / "warped.tif")
        with rasterio.open(warped) as raster:
            for cell in group:
                window = from_bounds(*cell.bounds, raster.transform).round()
                pixels = raster.read((1, 2, 3), window=window)
                images[cell.id] = folder / f"published_{cell.id}.png"
                Image.fromarray(pixels.transpose(1, 2, 0)).save(images[cell.id])
    return images


def _warped(source: Path, path: Path) -> Path:
    """A file of a group's tiles turned to EPSG:3035, compressed."""
    side_m = CELL_PX * PIXEL_M
    with rasterio.open(source) as raster:
        extent = transform_bounds(raster.crs, "EPSG:3035", *raster.bounds)
        west, south = (np.floor(value / side_m) * side_m for value in extent[:2])
        east, north = (np.ceil(value / side_m) * side_m for value in extent[2:])
        profile = {
            "driver": "GTiff",
            "width": round((east - west) / PIXEL_M),
            "height": round((north - south) / PIXEL_M),
            "count": 3,
            "dtype": "uint8",
            "crs": "EPSG:3035",
            "transform": Affine(PIXEL_M, 0, west, 0, -PIXEL_M, north),
        }
        with rasterio.open(path, "w", compress="LZW", BIGTIFF="YES", **profile) as warped:
            for band in (1, 2, 3):
                reproject(
                    rasterio.band(raster, band),
                    rasterio.band(warped, band),
                    resampling=Resampling.bilinear,
                    XSCALE=1.0,
                    YSCALE=1.0,
                )
    return path


def _check(ours: dict[str, Path], published: dict[str, Path]) -> None:
    """Both ways hold the same pixels, nearly."""
    assert ours.keys() == published.keys()
    for cell_id, path in ours.items():
        own = np.asarray(Image.open(path)).astype(int)
        other = np.asarray(Image.open(published[cell_id]))
        assert own.shape == other.shape
        assert np.abs(own - other).mean() < ALIKE_GREY
