"""Colour changes of an image: what a network may know of an acquisition, not of a city.

An acquisition is a sensor, a light, a season.
"""

from collections.abc import Callable

import numpy as np
import torch
from torchvision.transforms import functional

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]

# ASSUME: strength 0.5 of Chen et al. 2020 (SimCLR): factors of brightness, contrast and saturation
# in 1 +- 0.4, hue turned by up to 0.1 of the circle; about what light and season do to an aerial
# image.
FACTOR_RANGE = 0.4
HUE_RANGE = 0.1


def jitter(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Change brightness, contrast, saturation and hue at random, once for the whole image.

    Args:
        image: (H, W, 3) uint8.
        generator: Generator of the random numbers.

    Returns:
        (H, W, 3) uint8.
    """
    pixels = _as_tensor(image)
    adjustments = (
        functional.adjust_brightness,
        functional.adjust_contrast,
        functional.adjust_saturation,
    )
    for adjust in adjustments:
        factor = generator.uniform(1 - FACTOR_RANGE, 1 + FACTOR_RANGE)
        pixels = adjust(pixels, factor)
    turn = generator.uniform(-HUE_RANGE, HUE_RANGE)
    return _as_array(functional.adjust_hue(pixels, turn))


def grey(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Luma (ITU-R BT.601) in all three channels; arguments and result as for `jitter`."""
    luma = functional.rgb_to_grayscale(_as_tensor(image), 3)
    return _as_array(luma)


COLOUR = {
    "as_is": None,
    "jitter": jitter,
    "grey": grey,
}


def chain(*changes: Change | None) -> Change | None:
    """One change after the other; those that are None are left out, None if all are."""
    changes = [change for change in changes if change]
    if not changes:
        return None

    def change_all(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        for change in changes:
            image = change(image, generator)
        return image

    return change_all


def _as_tensor(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)


def _as_array(pixels: torch.Tensor) -> np.ndarray:
    return pixels.permute(1, 2, 0).numpy()
