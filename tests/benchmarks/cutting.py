"""Cutting the images of a town's cells out of its tiles, by one process."""

import atexit
import multiprocessing
import os
import shutil
import tempfile
import warnings
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
from PIL import Image
from rasterio.errors import NotGeoreferencedWarning
from rasterio.merge import merge
from rasterio.transform import Affine
from rasterio.warp import Resampling, reproject, transform_bounds
from rasterio.windows import from_bounds
from scipy import ndimage

from aerial_tiles import NORTH, WEST, tile_table
from benchmarks.measuring import NotMeasuredError, Target, Ways, benchmark
from small_packs import cells_over
from urbancam.sources.imagery import cutting, openjpeg, png
from urbancam.sources.imagery.cell import Cell, image_path
from urbancam.sources.imagery.overlay import cells_with_tiles
from urbancam.sources.imagery.tile import TileFile
from urbancam.tables.crs import Bounds

TILE_PX = 4096
GRID_TILE_PX = 6144  # of which a fifth lies in cells of two tiles or more
IGN_PX = 25_000  # a side of its tiles; one as high takes 20 GB to make
HALF_TILE_GB = 12  # which making half of one takes
OTHER_HALF_MB = 210  # that a decoder holds of the other half's code
NOISE_PX = 4096  # after which the pixels begin again
TINY_PX = 1400  # holds a cell, and another one beside it
PIXEL_M = 0.2  # as IGN's
CELL_PX = 1000  # of 200 m
QUALITY = 12.5  # %, as IGN's files: one byte of eight
SMOOTH_PX = 3  # so that noise takes up about as much as imagery does
# Published images lie on the grid that gdalwarp chooses; here on the cells', so that both hold the
# same pixels, but for how far GDAL's approximation of the projection errs.
ALIKE_GREY = 0.5  # on average; half a pixel aside would be several


@benchmark("cutting cells, inner tiles", Target(ratio=1.3), "ms a cell", repeats=11)
def cutting_out_of_inner_tiles(tiny: bool) -> Ways:
    """Out of files with inner tiles of 1024 px; see `_beside_floor`."""
    return _beside_floor(tiny, inner_px=1024)


@benchmark("cutting cells, one piece", Target(ratio=1.3), "ms a cell", repeats=11)
def cutting_out_of_one_piece(tiny: bool) -> Ways:
    """Out of files that are one code stream without inner tiles, as IGN's; see `_beside_floor`."""
    return _beside_floor(tiny, inner_px=None)


def _beside_floor(tiny: bool, inner_px: int | None) -> Ways:
    """Two tiles side by side; the floor decodes each once, whole, and encodes every image once."""
    folder = _scratch()
    side_px = TINY_PX if tiny else TILE_PX
    files = [_tile(folder, number, (side_px, side_px), inner_px) for number in (0, 1)]
    cells = _cells_of(files, folder)
    images = folder / "city" / "images"
    return Ways(
        ours=lambda: _ours(cells, images),
        floor=lambda: _floor(files, [image_path(images, cell.id) for cell in cells], folder),
        items=len(cells),
    )


@benchmark("cutting cells of a grid, inner tiles", Target(speedup=20), "ms a cell", repeats=1)
def cutting_out_of_a_grid_of_inner_tiles(tiny: bool) -> Ways:
    """Out of files with inner tiles of 1024 px; see `_beside_published`."""
    return _beside_published(tiny, inner_px=1024)


@benchmark("cutting cells of a grid, one piece", Target(speedup=20), "ms a cell", repeats=1)
def cutting_out_of_a_grid_in_one_piece(tiny: bool) -> Ways:
    """Out of files in one piece, as IGN's; see `_beside_published`."""
    return _beside_published(tiny, inner_px=None)


def _beside_published(tiny: bool, inner_px: int | None) -> Ways:
    """Four tiles, two by two, and the cells that lie in the first or begin in it: what in a large
    grid falls to each of its tiles.

    The published way decodes tiles for each group of cells that touch the same ones: here as in a
    large grid one, two beside and two below each other, and four, so nine times a tile.
    """
    folder = _scratch()
    side_px = TINY_PX if tiny else GRID_TILE_PX
    files = [_tile(folder, number, (side_px, side_px), inner_px) for number in range(4)]
    cells = _share(files, folder)
    images = folder / "city" / "images"
    return Ways(
        ours=lambda: _ours(cells, images),
        published=lambda: _published(cells, folder),
        check=_check,
        items=len(cells),
    )


@benchmark(
    "cutting cells, halves of IGN's tiles in one piece",
    Target(memory_mb=1500 - OTHER_HALF_MB),
    "ms a cell",
    repeats=1,
)
def cutting_out_of_halves_of_large_tiles(tiny: bool) -> Ways:
    """The same share of four northern halves, which hold the same pixels: for its memory."""
    memory_gb = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    if not tiny and memory_gb < HALF_TILE_GB:
        raise NotMeasuredError(f"{HALF_TILE_GB} GB of memory, which making its tiles takes")
    folder = _scratch()
    width, height = (TINY_PX, TINY_PX) if tiny else (IGN_PX, IGN_PX // 2)
    # Made by another process, whose memory goes with it.
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as maker:
        first = maker.submit(_tile, folder, 0, (width, height), None, placed=False).result()
    files = [first, *(_copy(first, number) for number in (1, 2, 3))]
    cells = _share(files, folder)
    return Ways(lambda: _ours(cells, folder / "city" / "images"), items=len(cells))


def _scratch() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="urbancam-cutting-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _share(files: list[TileFile], folder: Path) -> list[Cell]:
    """The cells that four tiles cover and of which the first has a part."""
    first = files[0].name
    cells = _cells_of(files, folder)
    return [cell for cell in cells if first in {tile.name for tile in cell.tiles}]


def _cells_of(files: list[TileFile], folder: Path) -> list[Cell]:
    """The cells that tiles cover."""
    west, south, east, north = tile_table(files).total_bounds
    cells = _whole(cells_over(west, south, east, north), files)
    return cells_with_tiles(cells, tile_table(files), folder)


def _tile(
    folder: Path,
    number: int,
    size_px: tuple[int, int],
    inner_px: int | None,
    placed: bool = True,
) -> TileFile:
    """A tile of smooth noise.

    Args:
        folder: Of the file.
        number: Place in the grid, as in `_footprint`.
        size_px: Width and height.
        inner_px: Side of the inner tiles; None: one piece.
        placed: Whether it tells itself where it lies, and not only the table of tiles.
    """
    width, height = size_px
    noise_px = min(max(size_px), NOISE_PX)
    grey = np.random.default_rng(number).normal(size=(3, noise_px, noise_px)).astype("float32")
    grey = ndimage.gaussian_filter(grey, (0, SMOOTH_PX, SMOOTH_PX), mode="wrap")
    pixels = np.clip(128 + 40 * grey / grey.std(), 20, 235).astype(np.uint8)
    pixels = np.tile(pixels, (1, -(-height // noise_px), -(-width // noise_px)))

    path = folder / f"{number}.jp2"
    footprint = _footprint(number, width * PIXEL_M, height * PIXEL_M)
    west, _, _, north = footprint
    place = Affine(PIXEL_M, 0, west, 0, -PIXEL_M, north)
    profile = {"driver": "JP2OpenJPEG", "width": width, "height": height, "count": 3}
    profile |= {"crs": "EPSG:2154", "transform": place} if placed else {}
    coding = {"blockxsize": inner_px or width, "blockysize": inner_px or height}
    coding |= {"QUALITY": QUALITY, "REVERSIBLE": "NO"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", dtype="uint8", **profile, **coding) as file:
            file.write(pixels[:, :height, :width])
    return TileFile(path.name, path, footprint, "EPSG:2154", 2014)


def _footprint(number: int, width_m: float, height_m: float) -> Bounds:
    """Where a tile lies: 0 and 1 in the north, 2 and 3 in the south, each from west to east."""
    west = WEST + number % 2 * width_m
    north = NORTH - number // 2 * height_m
    return west, north - height_m, west + width_m, north


def _copy(tile: TileFile, number: int) -> TileFile:
    """The same pixels elsewhere."""
    path = tile.path.with_name(f"{number}.jp2")
    shutil.copy(tile.path, path)
    west, south, east, north = tile.footprint
    return replace(
        tile, name=path.name, path=path, footprint=_footprint(number, east - west, north - south)
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
