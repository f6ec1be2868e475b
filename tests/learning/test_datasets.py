"""Images as a network gets them: several caches as one, normalised."""

import numpy as np
import pytest
import torch

from urbancam.learning import datasets


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
