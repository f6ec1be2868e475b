"""Images of cells and patches at the network's size: a cache, batches by seed, augmentation, normalisation."""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image as PillowImage
from PIL import UnidentifiedImageError
from torch.utils.data import Dataset

from urbancam import cache, tables
from urbancam.errors import InputError
from urbancam.paths import Paths, shown
from urbancam.records import digest
from urbancam.settings import Image

log = logging.getLogger(__name__)

RESAMPLE = {"bilinear": PillowImage.Resampling.BILINEAR, "bicubic": PillowImage.Resampling.BICUBIC}
IMAGENET_MEAN = (0.485, 0.456, 0.406)  # of pixel values in 0..1 (Deng et al. 2009, as torchvision and timm use it)
IMAGENET_STD = (0.229, 0.224, 0.225)
MIN_MAX_EPSILON = 1e-10  # published


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
            f"an image cannot be read: {error}", shown(path),
            "run 05_cut_images with --force: it cuts damaged and missing images again and keeps the others",
        ) from None  # fmt: skip


def open_cache(path: Path, files: list[Path], size_px: int, resample: str, workers: int) -> np.ndarray:
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
    return cache.open_array(
        path, [1] * len(files), (size_px, size_px, 3), np.uint8,
        lambda item: read_image(files[item], size_px, resample)[None], f"decodes images to {size_px} px", workers,
    )  # fmt: skip


class StackedImages:
    """The caches of several cities as one, without copying: rows of the second follow those of the first.

    Args:
        caches: each (M_i, H, W, 3) uint8.
    """

    def __init__(self, caches: list[np.ndarray]) -> None:
        self.caches = caches
        self.first_rows = np.cumsum([0] + [len(cache) for cache in caches])

    def __getitem__(self, row: int) -> np.ndarray:
        which = int(np.searchsorted(self.first_rows, row, side="right")) - 1
        return self.caches[which][row - self.first_rows[which]]


class LabelledImages(Dataset):
    """Cached images with their classes.

    Args:
        images: (M, H, W, 3) uint8 cache, or several as one.
        rows: (N,) row of the cache for each item.
        classes: (N,) class of each, 0, 1, ...
        augment: `augment(image, generator)`; None leaves the image as it is.
        seed: of the augmentation; item i of epoch e always gets the same one, whatever the number of workers.
    """

    def __init__(self, images, rows, classes, augment: Callable | None = None, seed: int = 0) -> None:
        self.images, self.rows, self.classes = images, np.asarray(rows), np.asarray(classes)
        self.augment, self.seed, self.epoch = augment, seed, 0

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, item: int) -> tuple[torch.Tensor, int]:
        image = self.images[self.rows[item]]
        if self.augment:
            image = self.augment(image, np.random.default_rng([self.seed, self.epoch, int(item)]))
        return torch.from_numpy(np.array(image)).permute(2, 0, 1), int(self.classes[item])


def flips(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Mirror left-right and up-down, each with probability one half (published)."""
    if generator.random() < 0.5:
        image = image[:, ::-1]
    return image[::-1] if generator.random() < 0.5 else image


def dihedral(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """One of the eight turns and mirrors of the square: seen from above nothing has an up."""
    image = np.rot90(image, generator.integers(4))
    return image[:, ::-1] if generator.random() < 0.5 else image


AUGMENT = {"flips": flips, "dihedral": dihedral, "none": None}


def normalise(images: torch.Tensor, method: str) -> torch.Tensor:
    """Pixel values as the network gets them.

    Args:
        images: (B, 3, H, W) uint8 or float, 0..255.
        method: "imagenet" (mean and std of the pre-training) or "min_max" (each image over all its channels,
            (v - min) / (1e-10 + max - min), as published).

    Returns:
        (B, 3, H, W) float32.
    """
    images = images.float()
    if method == "min_max":
        low, high = images.amin((1, 2, 3), keepdim=True), images.amax((1, 2, 3), keepdim=True)
        return (images - low) / (MIN_MAX_EPSILON + high - low)
    mean = torch.tensor(IMAGENET_MEAN, device=images.device).view(1, 3, 1, 1)
    std = torch.tensor(IMAGENET_STD, device=images.device).view(1, 3, 1, 1)
    return (images / 255 - mean) / std


class BatchSchedule:
    """Which items make up each batch of each epoch, from the seed alone, so that a resumed training goes on alike.

    Items are drawn without replacement from a running permutation that is drawn anew after each full pass. With
    `balanced` every batch holds the classes in equal numbers, each from its own running permutation (published for
    incomes); "drawn": each item is drawn with replacement, with weight 1 / size of its class (published for cities).

    Args:
        classes: (N,) class of each item.
        batch_size: items in a batch; with `balanced` True a multiple of the number of classes.
        batches_per_epoch: None for one pass over the items per epoch, else a "virtual" epoch of that many batches.
        balanced: class-balanced batches: False, True or "drawn".
        seed: of the permutations and draws.
    """

    def __init__(
        self, classes: np.ndarray, batch_size: int, batches_per_epoch: int | None, balanced: bool | str, seed: int
    ) -> None:
        classes = np.asarray(classes)
        self.members = [np.flatnonzero(classes == c) for c in np.unique(classes)]
        if not balanced:
            self.members = [np.arange(len(classes))]
        self.drawn = balanced == "drawn"
        if not self.drawn and batch_size % len(self.members):
            raise InputError(
                f"batches of {batch_size} cannot hold {len(self.members)} classes in equal numbers",
                "training.batch_size", f"give a multiple of {len(self.members)}, or training.class_balanced=drawn",
            )  # fmt: skip
        self.batch_size, self.seed = batch_size, seed
        self._permutations: dict[tuple[int, int], np.ndarray] = {}
        self.whole = batches_per_epoch is None and not balanced
        self.items = len(classes) if batches_per_epoch is None else batch_size * batches_per_epoch
        self.batches_per_epoch = batches_per_epoch or -(-len(classes) // batch_size)

    def epoch(self, number: int) -> list[np.ndarray]:
        """Batches of one epoch (0-based); the last of a whole epoch may be smaller, but never a single item."""
        if self.whole or self.drawn:
            order = self._draw(number) if self.drawn else self._permutation(0, number)
            starts = range(0, max(len(order) - 1, 1), self.batch_size)
            return [order[start : start + self.batch_size] for start in starts]
        first = number * self.batches_per_epoch
        return [self._batch(first + offset) for offset in range(self.batches_per_epoch)]

    def _draw(self, number: int) -> np.ndarray:
        """(items,) items of an epoch: a class at random, then one of its items."""
        generator = np.random.default_rng([self.seed, number])
        sizes = np.array([len(items) for items in self.members])
        kinds = generator.integers(len(sizes), size=self.items)
        return np.concatenate(self.members)[(np.cumsum(sizes) - sizes)[kinds] + generator.integers(sizes[kinds])]

    def _batch(self, number: int) -> np.ndarray:
        each = self.batch_size // len(self.members)
        positions = range(number * each, (number + 1) * each)
        return np.array([self._item(kind, p) for p in positions for kind in range(len(self.members))])

    def _item(self, kind: int, position: int) -> int:
        size = len(self.members[kind])
        return int(self._permutation(kind, position // size)[position % size])

    def _permutation(self, kind: int, number: int) -> np.ndarray:
        if (kind, number) not in self._permutations:
            generator = np.random.default_rng([self.seed, kind, number])
            self._permutations[kind, number] = generator.permutation(self.members[kind])
        return self._permutations[kind, number]


def open_images(paths: Paths, ids: pd.Series, settings: Image, workers: int) -> tuple[np.ndarray, np.ndarray]:
    """The cached images of a city and the row of each wanted cell in them.

    Args:
        paths: of the city.
        ids: (N,) wanted cells, all with an image.
        settings: section `image`.
        workers: threads that decode, if the cache has to be filled.

    Returns:
        (M, size_px, size_px, 3) uint8 of all M cells with an image, and (N,) rows.
    """
    table = tables.read(paths.images_table).dropna(subset="path")
    rows = pd.Index(table["idINSPIRE"]).get_indexer(ids)
    if (rows < 0).any():
        raise InputError(
            f"{(rows < 0).sum():,} cells have no image", shown(paths.images_table), "run 10_assign_folds again"
        )
    name = f"images_{settings.size_px}px_{settings.resample}"
    path = paths.cache / f"{name}_{digest(paths.images_table)[:16]}.npy"
    for old in paths.cache.glob(f"{name}_*"):
        if not old.name.startswith(path.name):
            old.unlink(missing_ok=True)  # another fold may be at it too
    files = [paths.city_folder / relative for relative in table["path"]]
    return open_cache(path, files, settings.size_px, settings.resample, workers), rows
