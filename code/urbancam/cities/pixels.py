"""Pixels of patches: every image decoded and resized once as a whole, patches are windows of that.

Resizing an image of 4800 px so that 480 px become 224 needs a quarter of the disk that its 361 overlapping patches
would take.
# ASSUME: it may differ from resizing each patch (published) in that antialiasing sees beyond a patch's edge.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image as PillowImage
from PIL import UnidentifiedImageError

from urbancam.tables import arrays, frames
from urbancam.workflow.errors import InputError
from urbancam.workflow.files import digest
from urbancam.workflow.paths import Paths, shown
from urbancam.workflow.sections import Image

KEYS = ["city", "site", "image"]


class PatchWindows:
    """Patches as windows of cached images; behaves like an (N, px, px, 3) uint8 array where single rows are asked.

    Args:
        images: (M,) arrays, each (H, W, 3) uint8.
        places: (N, 3) image, and the row and column of the window's north-west corner in it, px.
        size_px: side of a window.
    """

    def __init__(self, images: list[np.ndarray], places: np.ndarray, size_px: int) -> None:
        self.images, self.places, self.size_px = images, places, size_px
        self.shape = (len(places), size_px, size_px, 3)

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, row: int) -> np.ndarray:
        image, top, left = self.places[row]
        return self.images[image][top : top + self.size_px, left : left + self.size_px]


def image_folder(paths: Paths, source: str) -> Path:
    """The folder that `path` of `sites.csv` is relative to."""
    return paths.site_images if source == "ign" else paths.cities_data


def open_patches(
    paths: Paths, patches: pd.DataFrame, patch_px: int, settings: Image, workers: int
) -> tuple[PatchWindows, np.ndarray]:
    """The pixels of patches, and the row of each patch in them.

    Args:
        paths: of the cities experiment.
        patches: `city, site, image, x_px, y_px`, rows of `patches.parquet`.
        patch_px: side of a patch, px of the raw image.
        settings: `size_px` and `resample` of the patches as the network gets them.
        workers: threads that decode, if the cache has to be filled.

    Returns:
        (N, size_px, size_px, 3) uint8, and (N,) rows, 0 .. N-1.

    Raises:
        InputError: an image is gone, damaged, or not in `sites.csv`.
    """
    sites = frames.read(paths.sites, dtype=dict.fromkeys(KEYS, str))
    row = pd.MultiIndex.from_frame(sites[KEYS]).get_indexer(pd.MultiIndex.from_frame(patches[KEYS]))
    if (row < 0).any():
        raise InputError(
            f"{(row < 0).sum():,} patches are of images that are not there",
            shown(paths.sites),
            "run 22_index_patches again",
        )
    scale = settings.size_px / patch_px
    shapes = _scaled_shapes(sites, scale)
    images = _open_images(
        paths, sites, shapes, _cache_name(scale, settings), settings.resample, workers
    )
    corners = np.round(patches[["y_px", "x_px"]].to_numpy() * scale).astype(int)
    corners = np.minimum(
        corners, np.array(shapes)[row] - settings.size_px
    )  # rounded up beyond the edge, by one pixel
    return PatchWindows(images, np.column_stack([row, corners]), settings.size_px), np.arange(
        len(patches)
    )


def missing_cache_bytes(paths: Paths, patch_px: int, settings: Image) -> int:
    """Bytes that `open_patches` would still have to write; one that is being filled has its room already."""
    sites, scale = (
        frames.read(paths.sites, columns=["height_px", "width_px"]),
        settings.size_px / patch_px,
    )
    if any(paths.cache.glob(f"{_cache_name(scale, settings)}_{_key(paths.sites)}.npy*")):
        return 0
    return 3 * sum(height * width for height, width in _scaled_shapes(sites, scale))


def _scaled_shapes(sites: pd.DataFrame, scale: float) -> list[list[int]]:
    return np.round(sites[["height_px", "width_px"]].to_numpy() * scale).astype(int).tolist()


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
    """All images at their new (height, width), memory-mapped; runs of the same sites share a cache."""
    path = paths.cache / f"{name}_{_key(paths.sites)}.npy"
    _remove_caches(paths, name)
    files = [
        image_folder(paths, source) / file
        for source, file in zip(sites["source"], sites["path"], strict=True)
    ]
    counts = [height * width for height, width in shapes]
    pixels = arrays.open_array(
        path,
        counts,
        (3,),
        np.uint8,
        lambda item: _read_image(files[item], *shapes[item], resample).reshape(-1, 3),
        "decodes sites",
        workers,
    )
    parts = np.split(pixels, np.cumsum(counts)[:-1])
    return [part.reshape(*shape, 3) for part, shape in zip(parts, shapes, strict=True)]


def _key(sites: Path) -> str:
    """What the caches of a table of sites are told by: its content, which holds the images' signatures."""
    return digest(sites)[:16]


def _remove_caches(paths: Paths, name: str) -> None:
    """Remove those caches of a size whose sites are no run's any more."""
    tables_of_runs = [paths.sites, *paths.of_variant("").in_other_runs(paths.sites)]
    kept = tuple(f"{name}_{_key(table)}" for table in tables_of_runs)
    for old in paths.cache.glob(f"{name}_*"):
        if not old.name.startswith(kept):
            old.unlink(missing_ok=True)  # another fold may be at it too


def _read_image(path: Path, height_px: int, width_px: int, resample: str) -> np.ndarray:
    """(height_px, width_px, 3) uint8, resized with antialiasing."""
    try:
        with PillowImage.open(path) as image:
            resized = image.convert("RGB").resize(
                (width_px, height_px), PillowImage.Resampling[resample.upper()]
            )
            return np.asarray(resized)
    except (FileNotFoundError, UnidentifiedImageError, OSError, SyntaxError) as error:
        raise InputError(
            f"an image cannot be read: {error}",
            shown(path),
            "run 21_import_sites again, which leaves out what cannot be read",
        ) from None
