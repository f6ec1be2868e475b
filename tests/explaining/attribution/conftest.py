"""A network of two convolutions, and images for it."""

import pytest
import torch

from small_networks import random_images, random_pixels, two_convolutions
from urbancam.learning.models import networks


@pytest.fixture(scope="module")
def network() -> networks.Network:
    return two_convolutions()


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return random_images()


@pytest.fixture(scope="module")
def pixels() -> torch.Tensor:
    return random_pixels()
