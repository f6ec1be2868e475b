"""Images of cells at the size of the network, decoded once and kept on disk."""

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

RESAMPLE = {"bilinear": PillowImage.Resampling.BILINEAR, "bicubic": PillowImage.Resampling.BICUBIC}


def read_image(path: Path, size_px: int, resample: str) -> np.ndarray:
    """Decode an image and resize it with antialiasing.

    Returns:
        (size_px, size_px, 3) uint8, row 0 = north.

    Raises:
        InputError: the file is missing, truncated or no image.
    """
    try:
        with PillowImage.open(path) as image:
            return np.asarray(image.convert("RGB").resize((size_px, size_px), RESAMPLE[resample]))
    except (FileNotFoundError, UnidentifiedImageError, OSError, SyntaxError) as error:
        raise InputError(
            f"an image cannot be read: {error}",
            shown(path),
            "run 05_cut_images with --force: it cuts damaged and missing images again and keeps the others",
        ) from None


def open_cache(
    path: Path, files: list[Path], size_px: int, resample: str, workers: int
) -> np.ndarray:
    """All images at the network's size, decoded once and kept on disk.

    Decoding goes on where a killed one stopped; a second process that needs the same cache waits for the first.

    Args:
        path: the cache; its name must change when the images do.
        files: image of each row.
        size_px: side of the cached images, px.
        resample: "bilinear" or "bicubic".
        workers: threads that decode.

    Returns:
        (N, size_px, size_px, 3) uint8, memory-mapped, read only.
    """
    return arrays.open_array(
        path,
        [1] * len(files),
        (size_px, size_px, 3),
        np.uint8,
        lambda item: read_image(files[item], size_px, resample)[None],
        f"decodes images to {size_px} px",
        workers,
    )


def open_images(
    paths: Paths, ids: pd.Series, settings: Image, workers: int
) -> tuple[np.ndarray, np.ndarray]:
    """The cached images of a city and the row of each wanted cell in them.

    Args:
        paths: of the city.
        ids: (N,) wanted cells, all with an image.
        settings: section `image`.
        workers: threads that decode, if the cache has to be filled.

    Returns:
        (M, size_px, size_px, 3) uint8 of all M cells with an image, and (N,) rows.
    """
    table = frames.read(paths.images_table).dropna(subset="path")
    rows = pd.Index(table["idINSPIRE"]).get_indexer(ids)
    if (rows < 0).any():
        raise InputError(
            f"{(rows < 0).sum():,} cells have no image",
            shown(paths.images_table),
            "run 10_assign_folds again",
        )
    name = f"images_{settings.size_px}px_{settings.resample}"
    path = paths.cache / f"{name}_{digest(paths.images_table)[:16]}.npy"
    for old in paths.cache.glob(f"{name}_*"):
        if not old.name.startswith(path.name):
            old.unlink(missing_ok=True)  # another fold may be at it too
    files = [paths.city_folder / relative for relative in table["path"]]
    return open_cache(path, files, settings.size_px, settings.resample, workers), rows
