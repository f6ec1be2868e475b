"""Augmentations of an image seen from above: mirrors and turns."""

import numpy as np


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
