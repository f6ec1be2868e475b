"""Cutting the images of a city's cells out of tiles, by one process."""

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


@benchmark("cutting cells, inner tiles", Target(ratio=1.3, speedup=20), "ms a cell", repeats=1)
def cutting_out_of_inner_tiles(tiny: bool) -> Ways:
    """Out of files with inner tiles of 1024 px; see `_cutting_cells`."""
    return _cutting_cells(tiny, inner_px=1024)


@benchmark("cutting cells, one piece", Target(ratio=1.3, speedup=20), "ms a cell", repeats=1)
def cutting_out_of_one_piece(tiny: bool) -> Ways:
    """Out of files that are one code stream without inner tiles, as IGN's; see `_cutting_cells`."""
    return _cutting_cells(tiny, inner_px=None)


def _cutting_cells(tiny: bool, inner_px: int | None) -> Ways:
    """One tile's share of a large grid: the cells of it and of its eastern and southern borders.

    The published way decodes a tile for each group of cells that touch the same tiles. Here are the
    four kinds of groups that a tile of a grid has once for itself: its own, that with its eastern
    and that with its southern neighbour, and that of the corner: nine tiles decoded for one. The
    floor decodes the tile once, whole, and encodes every image once.
    """
    folder = Path(tempfile.mkdtemp(prefix="urbancam-cutting-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    files = _four_tiles(folder, TINY_PX if tiny else TILE_PX, inner_px)
    west, _, _, north = files[0].footprint
    _, south, east, _ = files[-1].footprint
    cells = cells_with_tiles(
        _whole(cells_over(west, south, east, north), files), tile_table(files), folder
    )
    cells = [cell for cell in cells if files[0].name in {tile.name for tile in cell.tiles}]
    images = folder / "city" / "images"
    return Ways(
        ours=lambda: _ours(cells, images),
        floor=lambda: _floor(files[0], [image_path(images, cell.id) for cell in cells], folder),
        published=lambda: _published(cells, folder),
        check=_check,
        items=len(cells),
    )


def _four_tiles(folder: Path, side_px: int, inner_px: int | None) -> list[TileFile]:
    """A tile of smooth noise and the same again in the east, in the south and in between."""
    grey = np.random.default_rng(0).normal(size=(3, side_px, side_px)).astype("float32")
    grey = ndimage.gaussian_filter(grey, (0, SMOOTH_PX, SMOOTH_PX))
    pixels = np.clip(128 + 40 * grey / grey.std(), 20, 235).astype(np.uint8)

    block_px = inner_px or side_px
    profile = {"driver": "JP2OpenJPEG", "width": side_px, "height": side_px, "count": 3}
    coding = {"blockxsize": block_px, "blockysize": block_px, "QUALITY": QUALITY}
    first = folder / "00.jp2"
    with rasterio.open(
        first, "w", dtype="uint8", crs="EPSG:2154", REVERSIBLE="NO", **profile, **coding
    ) as file:
        file.write(pixels)

    side_m = side_px * PIXEL_M
    files = []
    for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
        path = folder / f"{row}{column}.jp2"
        if path != first:
            shutil.copy(first, path)
        west, north = WEST + column * side_m, NORTH - row * side_m
        _world_file(path, west, north)
        footprint = (west, north - side_m, west + side_m, north)
        files.append(TileFile(path.name, path, footprint, "EPSG:2154", 2014))
    return files


def _world_file(path: Path, west: float, north: float) -> None:
    """Say beside a tile where it lies: the centre of its first pixel."""
    numbers = (PIXEL_M, 0, 0, -PIXEL_M, west + PIXEL_M / 2, north - PIXEL_M / 2)
    path.with_suffix(".j2w").write_text("\n".join(map(str, numbers)))


def _whole(cells: gpd.GeoDataFrame, files: list[TileFile]) -> gpd.GeoDataFrame:
    """The cells that the tiles cover, all of them."""
    covered = tile_table(files).union_all().buffer(-5 * PIXEL_M)
    return cells[cells.to_crs("EPSG:2154").within(covered)].reset_index(drop=True)


def _ours(cells: list[Cell], images: Path) -> dict[str, Path]:
    """As step 05 does it."""
    shutil.rmtree(images, ignore_errors=True)
    cutting.cut_images(cells, images, CELL_PX, workers=1)
    return {cell.id: image_path(images, cell.id) for cell in cells}


def _floor(file: TileFile, images: list[Path], folder: Path) -> None:
    """The tile decoded once by the fastest call, every image encoded once."""
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
