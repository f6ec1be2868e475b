"""Pixels of patches: every image decoded and resized once as a whole, patches are windows of that.

Resizing an image of 4800 px so that 480 px become 224 needs a quarter of the disk that its 361
overlapping patches would take.
# ASSUME: it may differ from resizing each patch (published) in that antialiasing sees beyond a
# patch's edge.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image as PillowImage
from PIL import UnidentifiedImageError

from urbancam.cities.sites import FORMATS
from urbancam.tables import arrays, frames
from urbancam.workflow.errors import InputError
from urbancam.workflow.files import digest
from urbancam.workflow.paths import Paths, display_path
from urbancam.workflow.settings.sections import Image

KEYS = ["city", "site", "image"]
WINDOW = [*KEYS, "x_px", "y_px"]  # what tells a patch from all others, whatever the split


class PatchWindows:
    """Patches as windows of cached images.

    Behaves like an (N, px, px, 3) uint8 array where single rows are asked.

    Args:
        images: (M,) arrays, each (H, W, 3) uint8.
        places: (N, 3) image, and the row and column of the window's north-west corner in it, px.
        size_px: Side of a window.
    """

    def __init__(
        self,
        images: list[np.ndarray],
        places: np.ndarray,
        size_px: int,
    ) -> None:
        self.images = images
        self.places = places
        self.size_px = size_px
        self.shape = (len(places), size_px, size_px, 3)

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, row: int) -> np.ndarray:
        image, top, left = self.places[row]
        bottom = top + self.size_px
        right = left + self.size_px
        return self.images[image][top:bottom, left:right]


def image_folder(paths: Paths, source: str) -> Path:
    """The folder that `path` of `sites.csv` is relative to."""
    return paths.site_images if source == "ign" else paths.cities_data


def open_patches(
    paths: Paths,
    patches: pd.DataFrame,
    patch_px: int,
    settings: Image,
    workers: int,
) -> tuple[PatchWindows, np.ndarray]:
    """The pixels of patches, and the row of each patch in them.

    Args:
        paths: Paths of the cities experiment.
        patches: `city, site, image, x_px, y_px`, rows of `patches.parquet`.
        patch_px: Side of a patch, px of the raw image.
        settings: `size_px` and `resample` of the patches as the network gets them.
        workers: Number of threads that decode, if the cache has to be filled.

    Returns:
        (N, size_px, size_px, 3) uint8, and (N,) rows, 0 .. N-1.

    Raises:
        InputError: An image is gone, damaged, or not in `sites.csv`.
    """
    sites = frames.read(paths.sites, dtype=dict.fromkeys(KEYS, str))
    image = _number_images(patches, sites, paths)
    scale = settings.size_px / patch_px
    shapes = _scaled_shapes(sites, scale)
    cache_name = _cache_name(scale, settings)
    images = _open_images(paths, sites, shapes, cache_name, settings.resample, workers)

    # A corner may be rounded up, and its window reach beyond the edge, by one pixel.
    corners = patches[["y_px", "x_px"]].to_numpy() * scale
    corners = np.round(corners).astype(int)
    last_corners = np.array(shapes)[image] - settings.size_px
    corners = np.minimum(corners, last_corners)
    places = np.column_stack([image, corners])
    return PatchWindows(images, places, settings.size_px), np.arange(len(patches))


def _number_images(
    patches: pd.DataFrame,
    sites: pd.DataFrame,
    paths: Paths,
) -> np.ndarray:
    """(N,) row of each patch's image in the table of sites."""
    images = pd.MultiIndex.from_frame(sites[KEYS])
    numbers = images.get_indexer(pd.MultiIndex.from_frame(patches[KEYS]))
    n_unknown = (numbers < 0).sum()
    if n_unknown:
        raise InputError(
            f"{n_unknown:,} patches are of images that are not there",
            display_path(paths.sites),
            "run 22_index_patches again",
        )
    return numbers


def missing_cache_bytes(
    paths: Paths,
    patch_px: int,
    settings: Image,
) -> int:
    """Bytes that `open_patches` would still have to write.

    A cache that is being filled has its room already.
    """
    sites = frames.read(paths.sites, columns=["height_px", "width_px"])
    scale = settings.size_px / patch_px
    name = f"{_cache_name(scale, settings)}_{_key(paths.sites)}"
    if any(paths.cache.glob(f"{name}.npy*")):
        return 0
    return 3 * sum(height * width for height, width in _scaled_shapes(sites, scale))


def _scaled_shapes(sites: pd.DataFrame, scale: float) -> list[list[int]]:
    """(height, width) of each image in the cache, px."""
    shapes = sites[["height_px", "width_px"]].to_numpy() * scale
    return np.round(shapes).astype(int).tolist()


def _cache_name(scale: float, settings: Image) -> str:
    return f"sites_{scale:.4f}_{settings.resample}"


def _open_images(
    paths: Paths,
    sites: pd.DataFrame,
    shapes: list[list[int]],
    name: str,
    resample: str,
    workers: int,
) -> list[np.ndarray]:
    """All images at their new shape, memory-mapped; runs of the same sites share a cache."""
    _remove_caches(paths, name)
    folders = [image_folder(paths, source) for source in sites["source"]]
    files = [folder / file for folder, file in zip(folders, sites["path"], strict=True)]
    counts = [height * width for height, width in shapes]

    def read_pixels(number: int) -> np.ndarray:
        height_px, width_px = shapes[number]
        return _read_image(files[number], height_px, width_px, resample).reshape(-1, 3)

    # One array of pixels, image after image: images differ in shape.
    pixels = arrays.open_array(
        paths.cache / f"{name}_{_key(paths.sites)}.npy",
        counts,
        (3,),
        np.uint8,
        read_pixels,
        "decodes sites",
        workers,
    )
    parts = np.split(pixels, np.cumsum(counts)[:-1])
    return [part.reshape(*shape, 3) for part, shape in zip(parts, shapes, strict=True)]


def _key(sites: Path) -> str:
    """Name of a table of sites by its content, which holds the images' signatures."""
    return digest(sites)[:16]


def _remove_caches(paths: Paths, name: str) -> None:
    """Remove those caches of a size whose sites are no run's any more."""
    tables_of_runs = [paths.sites, *paths.of_variant("").in_other_runs(paths.sites)]
    names_in_use = tuple(f"{name}_{_key(table)}" for table in tables_of_runs)
    for cache in paths.cache.glob(f"{name}_*"):
        if not cache.name.startswith(names_in_use):
            cache.unlink(missing_ok=True)  # another fold may be at it too


def _read_image(
    path: Path,
    height_px: int,
    width_px: int,
    resample: str,
) -> np.ndarray:
    """(height_px, width_px, 3) uint8, resized with antialiasing."""
    resampling = PillowImage.Resampling[resample.upper()]
    try:
        with PillowImage.open(path, formats=FORMATS) as image:
            resized = image.convert("RGB").resize((width_px, height_px), resampling)
            return np.asarray(resized)
    except (FileNotFoundError, UnidentifiedImageError, OSError, SyntaxError) as error:
        raise InputError(
            f"an image cannot be read: {error}",
            display_path(path),
            "run 21_import_sites again, which leaves out what cannot be read",
        ) from None
