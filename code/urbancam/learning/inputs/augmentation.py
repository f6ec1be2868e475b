"""Augmentations of an image seen from above: mirrors and turns."""

import numpy as np


def flips(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Mirror left-right and up-down, each with probability one half (published).

    Args:
        image: (H, W, 3).
        generator: Source of the random numbers.

    Returns:
        (H, W, 3), a view.
    """
    if generator.random() < 0.5:
        image = image[:, ::-1]
    if generator.random() < 0.5:
        image = image[::-1]
    return image


def dihedral(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """One of the eight turns and mirrors of the square: seen from above nothing has an up.

    Args:
        image: (H, H, 3).
        generator: Source of the random numbers.

    Returns:
        (H, H, 3), a view.
    """
    quarter_turns = generator.integers(4)
    image = np.rot90(image, quarter_turns)
    if generator.random() < 0.5:
        image = image[:, ::-1]
    return image


AUGMENT = {
    "flips": flips,
    "dihedral": dihedral,
    "none": None,
}
