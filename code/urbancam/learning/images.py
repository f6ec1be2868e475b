"""Images of cells at the size of the network, decoded once and kept on disk."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image as PillowImage
from PIL import UnidentifiedImageError

from urbancam.tables import arrays, frames
from urbancam.workflow.errors import InputError
from urbancam.workflow.files import digest
from urbancam.workflow.paths import Paths, display_path
from urbancam.workflow.sections import Image

RESAMPLE = {
    "bilinear": PillowImage.Resampling.BILINEAR,
    "bicubic": PillowImage.Resampling.BICUBIC,
}


def read_image(path: Path, size_px: int, resample: str) -> np.ndarray:
    """Decode an image and resize it with antialiasing.

    Args:
        path: The image file.
        size_px: Side of the result, px.
        resample: "bilinear" or "bicubic".

    Returns:
        (size_px, size_px, 3) uint8, row 0 = north.

    Raises:
        InputError: The file is missing, truncated or no image.
    """
    try:
        with PillowImage.open(path) as image:
            resized = image.convert("RGB").resize((size_px, size_px), RESAMPLE[resample])
            return np.asarray(resized)
    except (FileNotFoundError, UnidentifiedImageError, OSError, SyntaxError) as error:
        raise InputError(
            f"an image cannot be read: {error}",
            display_path(path),
            "run 05_cut_images with --force: "
            "it cuts damaged and missing images again and keeps the others",
        ) from None


def open_cache(
    path: Path,
    files: list[Path],
    size_px: int,
    resample: str,
    workers: int,
) -> np.ndarray:
    """All images at the network's size, decoded once and kept on disk.

    Decoding goes on where a killed one stopped; a second process that needs the same cache waits
    for the first.

    Args:
        path: The cache; its name must change when the images do.
        files: Image of each row.
        size_px: Side of the cached images, px.
        resample: "bilinear" or "bicubic".
        workers: Number of threads that decode.

    Returns:
        (N, size_px, size_px, 3) uint8, memory-mapped, read only.
    """

    def decode(item: int) -> np.ndarray:
        return read_image(files[item], size_px, resample)[None]

    return arrays.open_array(
        path,
        [1] * len(files),
        (size_px, size_px, 3),
        np.uint8,
        decode,
        f"decodes images to {size_px} px",
        workers,
    )


def open_images(
    paths: Paths,
    ids: pd.Series,
    settings: Image,
    workers: int,
) -> tuple[np.ndarray, np.ndarray]:
    """The cached images of a city and the row of each cell in them.

    Args:
        paths: Paths of the city.
        ids: (N,) ids of cells, all with an image.
        settings: Section `image`.
        workers: Number of threads that decode, if the cache has to be filled.

    Returns:
        (M, size_px, size_px, 3) uint8 of all M cells with an image, and (N,) rows.

    Raises:
        InputError: A cell has no image.
    """
    table = frames.read(paths.images_table).dropna(subset="path")
    rows = pd.Index(table["idINSPIRE"]).get_indexer(ids)
    without_image = rows < 0
    if without_image.any():
        raise InputError(
            f"{without_image.sum():,} cells have no image",
            display_path(paths.images_table),
            "run 10_assign_folds again",
        )
    path = _cache_path(paths, settings)
    files = [paths.city_folder / relative for relative in table["path"]]
    images = open_cache(path, files, settings.size_px, settings.resample, workers)
    return images, rows


def _cache_path(paths: Paths, settings: Image) -> Path:
    """The cache of a city's images; those of images that have changed since are removed."""
    name = f"images_{settings.size_px}px_{settings.resample}"
    path = paths.cache / f"{name}_{digest(paths.images_table)[:16]}.npy"
    for old in paths.cache.glob(f"{name}_*"):
        if not old.name.startswith(path.name):
            old.unlink(missing_ok=True)  # another fold may be at it too
    return path
