"""Images of cells and patches at the network's size: a cache, batches by seed, augmentation, normalisation."""

from collections.abc import Callable

import numpy as np
import torch
from torch.utils.data import Dataset

IMAGENET_MEAN = (
    0.485,
    0.456,
    0.406,
)  # of pixel values in 0..1 (Deng et al. 2009, as torchvision and timm use it)
IMAGENET_STD = (0.229, 0.224, 0.225)
MIN_MAX_EPSILON = 1e-10  # published


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

    def __init__(
        self, images, rows, classes, augment: Callable | None = None, seed: int = 0
    ) -> None:
        self.images, self.rows, self.classes = images, np.asarray(rows), np.asarray(classes)
        self.augment, self.seed, self.epoch = augment, seed, 0

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, item: int) -> tuple[torch.Tensor, int]:
        image = self.images[self.rows[item]]
        if self.augment:
            image = self.augment(image, np.random.default_rng([self.seed, self.epoch, int(item)]))
        return torch.from_numpy(np.array(image)).permute(2, 0, 1), int(self.classes[item])


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
