"""Colour changes of an image: what a network may know of an acquisition (sensor, light, season), not of a city."""

from collections.abc import Callable
from functools import reduce

import numpy as np
import torch
from torchvision.transforms import functional

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]

# ASSUME: strength 0.5 of Chen et al. 2020 (SimCLR): factors of brightness, contrast and saturation in 1 +- 0.4, hue
# turned by up to 0.1 of the circle; about what light and season do to an aerial image.
FACTOR_RANGE = 0.4
HUE_RANGE = 0.1


def jitter(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Change brightness, contrast, saturation and hue at random, once for the whole image.

    Args:
        image: (H, W, 3) uint8.
        generator: of the random numbers.

    Returns:
        (H, W, 3) uint8.
    """
    pixels = _as_tensor(image)
    for adjust in (
        functional.adjust_brightness,
        functional.adjust_contrast,
        functional.adjust_saturation,
    ):
        pixels = adjust(pixels, generator.uniform(1 - FACTOR_RANGE, 1 + FACTOR_RANGE))
    return _as_array(functional.adjust_hue(pixels, generator.uniform(-HUE_RANGE, HUE_RANGE)))


def grey(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Luma (ITU-R BT.601) in all three channels; arguments and result as for `jitter`."""
    return _as_array(functional.rgb_to_grayscale(_as_tensor(image), 3))


COLOUR = {"as_is": None, "jitter": jitter, "grey": grey}


def chain(*changes: Change | None) -> Change | None:
    """One change after the other; those that are None are left out, None if all are."""
    kept = [change for change in changes if change]
    if not kept:
        return None
    return lambda image, generator: reduce(
        lambda pixels, change: change(pixels, generator), kept, image
    )


def _as_tensor(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)


def _as_array(pixels: torch.Tensor) -> np.ndarray:
    return pixels.permute(1, 2, 0).numpy()
