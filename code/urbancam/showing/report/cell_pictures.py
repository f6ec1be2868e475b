"""Small pictures of single cells, beside the page: the image, the signed map, the land cover."""

import io
from collections.abc import Sequence

import numpy as np
import pandas as pd
import shapely
from PIL import Image
from rasterio import Affine, features

from urbancam.showing.figures import colour_maps
from urbancam.tables import grid

IMAGE_PX = 320  # side; ASSUME: roofs and trees of a cell of 200 m can be told at 0.6 m a pixel
COVER_PX = 160
ZERO = 128  # of a signed map
JPEG_QUALITY = 78  # ASSUME: 20 to 30 kB a cell


def choose_cells(predictions: pd.DataFrame, first: Sequence[str], most: int, seed: int) -> set[str]:
    """The cells that get pictures: those named first, then others at random.

    Args:
        predictions: `idINSPIRE`, a row per used cell.
        first: Ids of cells that the page leads to.
        most: Number of cells at most.
        seed: Seed of the draw.
    """
    ids = predictions["idINSPIRE"]
    chosen = list(dict.fromkeys(first))[:most]
    others = ids[~ids.isin(chosen)]
    drawn = others.sample(min(most - len(chosen), len(others)), random_state=seed)
    return {*chosen, *drawn}


def fullest_cells(activation: pd.DataFrame, per_class: int) -> list[str]:
    """Ids of the cells that hold most of each class, class by class.

    Args:
        activation: `idINSPIRE, class, area_m2`, a row per fragment.
        per_class: Number of cells of a class.
    """
    areas = activation.groupby(["class", "idINSPIRE"], observed=True)["area_m2"].sum()
    most = areas.groupby("class", observed=True, group_keys=False).nlargest(per_class)
    return most.reset_index()["idINSPIRE"].tolist()


def render_image(pixels: np.ndarray) -> bytes:
    """A cell's image as a small JPEG.

    Args:
        pixels: (H, W, 3) uint8.
    """
    size = (min(IMAGE_PX, pixels.shape[1]), min(IMAGE_PX, pixels.shape[0]))
    small = Image.fromarray(pixels).resize(size, Image.Resampling.BOX, reducing_gap=2)
    return _encode(small, "JPEG", quality=JPEG_QUALITY)


def render_map(activation: np.ndarray) -> bytes:
    """A signed map in the colours of poor and rich, transparent where it says nothing.

    Args:
        activation: (h, w) uint8: 128 zero, 255 most rich-raising, 1 most poor-raising.
    """
    grey = np.arange(256)
    colours = (colour_maps.signed_colours()(np.clip((grey - ZERO) / 254 + 0.5, 0, 1)) * 255).round()
    colours[ZERO, 3] = 0
    picture = Image.fromarray(activation)
    picture.putpalette(colours[:, :3].astype(np.uint8).tobytes())
    return _encode(
        picture, "PNG", optimize=True, transparency=bytes(colours[:, 3].astype(np.uint8))
    )


def render_cover(cell: str, fragments: pd.DataFrame, classes: pd.DataFrame) -> bytes:
    """A cell's land cover, each polygon in its class's colour; transparent where there is none.

    Args:
        cell: INSPIRE id.
        fragments: `class, geometry` (polygons in EPSG:3035, m) of the cell.
        classes: `class, colour`, at most 255.
    """
    number = {key: place for place, key in enumerate(classes["class"], start=1)}
    west, _, east, north = grid.bounds(cell)
    px_m = (east - west) / COVER_PX
    places = Affine(px_m, 0, west, 0, -px_m, north)
    shapes = [
        (geometry, number[key])
        for key, geometry in zip(fragments["class"], fragments["geometry"], strict=True)
        if not shapely.is_empty(geometry)
    ]
    raster = np.zeros((COVER_PX, COVER_PX), np.uint8)
    if shapes:
        features.rasterize(shapes, out=raster, transform=places)
    picture = Image.fromarray(raster)
    hexes = "".join(colour.removeprefix("#") for colour in classes["colour"])
    picture.putpalette(bytes.fromhex(f"ffffff{hexes}"))
    return _encode(picture, "PNG", optimize=True, transparency=0)


def _encode(picture: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()
