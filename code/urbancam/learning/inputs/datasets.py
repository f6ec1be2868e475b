"""Images with their classes, as a network gets them: stacked, augmented, normalised."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import Dataset


@dataclass(frozen=True)
class Colours:
    """Mean and standard deviation of red, green and blue, of pixel values in 0..1."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


# Deng et al. 2009, as torchvision and timm use it
IMAGENET = Colours((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
MIN_MAX_EPSILON = 1e-10  # published


class StackedImages:
    """The caches of several cities as one, without copying.

    Rows of the second cache follow those of the first.

    Args:
        caches: Each (M_i, H, W, 3) uint8.
    """

    def __init__(self, caches: list[np.ndarray]) -> None:
        self.caches = caches
        self.first_rows = np.cumsum([0] + [len(cache) for cache in caches])

    def __getitem__(self, row: int) -> np.ndarray:
        """(H, W, 3) image of a row."""
        number = int(np.searchsorted(self.first_rows, row, side="right")) - 1
        row_of_cache = row - self.first_rows[number]
        return self.caches[number][row_of_cache]


class LabelledImages(Dataset):
    """Cached images with their classes.

    Args:
        images: (M, H, W, 3) uint8 cache, or several as one.
        rows: (N,) row of the cache for each item.
        classes: (N,) class of each, 0, 1, ...
        augment: `augment(image, generator)`; None leaves the image as it is.
        seed: Seed of the augmentation; item i of epoch e always gets the same one, whatever the
            number of workers.
    """

    def __init__(
        self,
        images: np.ndarray | StackedImages,
        rows: np.ndarray,
        classes: np.ndarray,
        augment: Callable | None = None,
        seed: int = 0,
    ) -> None:
        self.images = images
        self.rows = np.asarray(rows)
        self.classes = np.asarray(classes)
        self.augment = augment
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.rows)

    def __getitems__(self, items: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """A batch: (B, 3, H, W) uint8 images, channels last in memory, and (B,) int64 classes."""
        # Each image is copied once, to its place in the batch.
        first = self._image(items[0])
        pixels = np.empty((len(items), *first.shape), np.uint8)
        pixels[0] = first
        for place, item in enumerate(items[1:], 1):
            pixels[place] = self._image(item)
        classes = self.classes[items].astype(np.int64)
        return torch.from_numpy(pixels).permute(0, 3, 1, 2), torch.from_numpy(classes)

    def _image(self, item: int) -> np.ndarray:
        """(H, W, 3) augmented image of an item."""
        image = self.images[self.rows[item]]
        if not self.augment:
            return image
        generator = np.random.default_rng([self.seed, self.epoch, int(item)])
        return self.augment(image, generator)


def normalise(images: torch.Tensor, method: str, pretrained: Colours = IMAGENET) -> torch.Tensor:
    """Pixel values as the network gets them.

    Args:
        images: (B, 3, H, W) uint8 or float, 0..255.
        method: "pretrained" or "imagenet" (by a mean and std), or "min_max" (each image over all
            its channels, (v - min) / (1e-10 + max - min), as published).
        pretrained: Mean and std that the network's published weights were trained with.

    Returns:
        (B, 3, H, W) float32.
    """
    images = images.float()
    if method == "min_max":
        low = images.amin((1, 2, 3), keepdim=True)
        high = images.amax((1, 2, 3), keepdim=True)
        return (images - low) / (MIN_MAX_EPSILON + high - low)
    colours = IMAGENET if method == "imagenet" else pretrained
    mean = torch.tensor(colours.mean, device=images.device).view(1, 3, 1, 1)
    std = torch.tensor(colours.std, device=images.device).view(1, 3, 1, 1)
    return (images / 255 - mean) / std
