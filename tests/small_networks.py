"""Networks small enough to reason about, and images for them, for tests."""

import torch
from torch import nn

from urbancam.learning.models import networks

SIZE_PX = 32  # side of the images


def two_convolutions() -> networks.Network:
    """Two convolutions in float64; layer "2" is signed, as the published target layer is."""
    torch.manual_seed(0)
    features = nn.Sequential(
        nn.Conv2d(3, 8, 4, 4),
        nn.SiLU(),
        nn.Conv2d(8, 6, 3, padding=1),
        nn.SiLU(),
    )
    network = networks.Network(features, 6, 1, 0.0).double().eval()
    # Gradients well above the 1e-6 that pytorch-grad-cam adds.
    nn.init.normal_(network.linear.weight, std=20)
    return network


def brightness(features: nn.Module) -> networks.Network:
    """A network that finds a place the richer, the brighter its three features are there."""
    network = networks.Network(features, 3, 1, 0.0)
    nn.init.ones_(network.linear.weight)
    return network.eval()


def random_images() -> torch.Tensor:
    """(3, 3, 32, 32) float64, as normalised images are."""
    generator = torch.Generator().manual_seed(1)
    return torch.randn(3, 3, SIZE_PX, SIZE_PX, dtype=torch.float64, generator=generator)


def random_pixels() -> torch.Tensor:
    """(3, 3, 32, 32) uint8."""
    generator = torch.Generator().manual_seed(2)
    shape = (3, 3, SIZE_PX, SIZE_PX)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
