"""Augmentation: pixels move, none is lost."""

import numpy as np

from urbancam.learning.inputs import augmentation


def test_dihedral_keeps_the_pixels_and_covers_the_eight():
    image = np.arange(12).reshape(2, 2, 3)
    turned = [augmentation.dihedral(image, np.random.default_rng(seed)) for seed in range(200)]
    assert len({pixels.tobytes() for pixels in turned}) == 8
    assert all(sorted(pixels.ravel()) == list(range(12)) for pixels in turned)
