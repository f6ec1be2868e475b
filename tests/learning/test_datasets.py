"""Images as a network gets them: several caches as one, normalised."""

import numpy as np
import pytest
import torch

from urbancam.learning.inputs import augmentation, datasets


def test_stacked_caches_are_read_as_one():
    caches = [
        np.full((2, 2, 2, 3), 10, np.uint8),
        np.full((0, 2, 2, 3), 0, np.uint8),
        np.full((3, 2, 2, 3), 20, np.uint8),
    ]
    stacked = datasets.StackedImages(caches)
    got = [int(stacked[row][0, 0, 0]) for row in range(5)]
    assert got == [10, 10, 20, 20, 20]


def test_min_max_is_over_the_whole_image():
    image = torch.tensor([[[[10.0]], [[20.0]], [[30.0]]]])
    got = datasets.normalise(image, "min_max").flatten()
    assert got.tolist() == pytest.approx([0, 0.5, 1])


def test_batch_holds_each_image_augmented_by_its_own_draw():
    images = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)
    classes = np.array([4, 3, 2, 1, 0])
    items = datasets.LabelledImages(images, [5, 4, 3, 2, 1], classes, augmentation.dihedral, seed=7)
    items.epoch = 3
    pixels, got_classes = items.__getitems__([4, 0])
    assert got_classes.dtype == torch.int64 and got_classes.tolist() == [0, 4]
    assert pixels.is_contiguous(memory_format=torch.channels_last)
    for got, item, row in zip(pixels, (4, 0), (1, 5), strict=True):
        expected = augmentation.dihedral(images[row], np.random.default_rng([7, 3, item]))
        assert (got.permute(1, 2, 0).numpy() == expected).all()
