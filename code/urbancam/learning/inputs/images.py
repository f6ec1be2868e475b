"""Images of cells at the size of the network, decoded once and kept on disk."""

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image as PillowImage
from PIL import UnidentifiedImageError

from urbancam.tables import arrays, frames
from urbancam.workflow.errors import InputError
from urbancam.workflow.files import digest
from urbancam.workflow.paths import Paths, display_path
from urbancam.workflow.settings.sections import Image

log = logging.getLogger(__name__)

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
            colours = image if image.mode == "RGB" else image.convert("RGB")
            resized = colours.resize((size_px, size_px), RESAMPLE[resample])
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


class DecodedImages:
    """Images that are decoded whenever they are asked for, for a disk that cannot keep them all.

    Behaves like the array of `open_cache` where rows are asked, one or several, byte for byte.

    Args:
        files: Image of each row.
        size_px: Side of the images, px.
        resample: "bilinear" or "bicubic".
        workers: Number of threads that decode, where several rows are asked.
    """

    def __init__(self, files: list[Path], size_px: int, resample: str, workers: int) -> None:
        self.files = files
        self.size_px = size_px
        self.resample = resample
        self.workers = workers
        self.shape = (len(files), size_px, size_px, 3)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, rows: int | np.ndarray) -> np.ndarray:
        """(size_px, size_px, 3) of a row, (n, size_px, size_px, 3) of (n,) rows."""
        if np.ndim(rows) == 0:
            return read_image(self.files[rows], self.size_px, self.resample)
        with ThreadPoolExecutor(self.workers) as pool:
            return np.stack(list(pool.map(self.__getitem__, rows)))


def open_images(
    paths: Paths,
    ids: pd.Series,
    settings: Image,
    workers: int,
) -> tuple[np.ndarray | DecodedImages, np.ndarray]:
    """The images of a city and the row of each cell in them: kept on disk where it has the room.

    Args:
        paths: Paths of the city.
        ids: (N,) ids of cells, all with an image.
        settings: Section `image`.
        workers: Number of threads that decode, where that has to be done.

    Returns:
        (M, size_px, size_px, 3) uint8 of all M cells with an image, and (N,) rows; the images as
        `DecodedImages` where they would take more than `paths.cache_limit_gb`.

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
    files = [paths.city_folder / relative for relative in table["path"]]
    needed_gb = cache_bytes(len(files), settings.size_px) / 1e9
    if needed_gb > paths.cache_limit_gb:
        log.info(
            "decodes images whenever they are asked for: kept they would take %.1f GB, more than "
            "cache_gb, %g",
            needed_gb,
            paths.cache_limit_gb,
        )
        return DecodedImages(files, settings.size_px, settings.resample, workers), rows
    path = _cache_path(paths, settings)
    images = open_cache(path, files, settings.size_px, settings.resample, workers)
    return images, rows


def cache_bytes(images: int, size_px: int) -> int:
    """Bytes of so many decoded images of that side."""
    return 3 * images * size_px**2


def _cache_path(paths: Paths, settings: Image) -> Path:
    """The cache of a city's images; those of images that have changed since are removed."""
    name = f"images_{settings.size_px}px_{settings.resample}"
    path = paths.cache / f"{name}_{digest(paths.images_table)[:16]}.npy"
    for old in paths.cache.glob(f"{name}_*"):
        if not old.name.startswith(path.name):
            old.unlink(missing_ok=True)  # another fold may be at it too
    return path
