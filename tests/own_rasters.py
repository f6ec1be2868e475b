"""Small rasters of the user's own, near Poznan and Paris, for tests."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import rasterio
from rasterio.transform import Affine

from aerial_tiles import cut_cell
from urbancam.sources.imagery import rasters
from urbancam.sources.imagery.cell import CellImage
from urbancam.sources.imagery.overlay import cells_with_tiles
from urbancam.sources.imagery.tile import Tile


def write_raster(
    path: Path, pixels: np.ndarray, transform: Affine, crs: str | None, **more
) -> Path:
    """Write (bands, H, W) pixels as a GeoTIFF; `more`: of rasterio's profile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = pixels.shape
    profile = {"driver": "GTiff", "dtype": pixels.dtype, "crs": crs, "transform": transform}
    with rasterio.open(
        path, "w", width=width, height=height, count=count, **(profile | more)
    ) as file:
        file.write(pixels)
    return path


def imagery(*files, year=None, pixel_size_m=2.0, coarser=False) -> SimpleNamespace:
    """Section `imagery` of rasters."""
    names = [str(file) for file in files]
    return SimpleNamespace(files=names, year=year, pixel_size_m=pixel_size_m, coarser=coarser)


def table_of(cells, *files, data=Path("/nowhere"), **more):
    """The tile table of these files."""
    return rasters.tiles_of(cells, imagery(*files, **more), data)[0]


def cut_from(cells, tiles, image_px=100, data=Path("/nowhere")) -> list[CellImage]:
    """The images of the cells, cut out of the tiles of a table."""
    images = []
    for cell in cells_with_tiles(cells, tiles, data):
        opened = [Tile(file) for file in cell.tiles]
        images.append(cut_cell(cell.bounds, cell.crs, opened, image_px))
    return images
