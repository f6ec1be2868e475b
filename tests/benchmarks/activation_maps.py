"""Activation maps of the poorest and the richest class."""

import numpy as np
import torch
from torch.nn import functional

from benchmarks.measuring import Target, Ways, benchmark
from urbancam.explaining import activation, merged_norms, pixel_maps
from urbancam.explaining.projection import CellMaps
from urbancam.learning.inputs import datasets
from urbancam.learning.models import backbones, networks
from urbancam.workflow.settings import settings
from urbancam.workflow.settings.settings import Settings

PUBLISHED_BATCH = 15


def draw(size_px: int, cells: int) -> tuple[Settings, networks.Network, np.ndarray]:
    """Settings, a network of random weights and uint8 images."""
    asked = settings.load("default", [f"image.size_px={size_px}", "activation.positions=published"])
    torch.manual_seed(0)
    network = networks.build(asked.model, pretrained=False).eval()
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (cells, size_px, size_px, 3), dtype=np.uint8)
    return asked, network, images


def target_layer_of(asked: Settings) -> str:
    """The layer that Grad-CAM looks at."""
    return backbones.find_backbone(asked.model.backbone).target_layer


def compare(size_px: int, cells: int) -> Ways:
    asked, network, images = draw(size_px, cells)
    device = next(network.parameters()).device
    merged = merged_norms.merge_norms(network, target_layer_of(asked))  # once for a network
    inputs = datasets.normalise(pixel_maps.pixels_of(images, device), asked.image.normalise)

    def ours() -> list[CellMaps]:
        return pixel_maps.map_cells(merged, images, asked)

    def bare() -> None:
        with activation.frozen(network):
            leaf = inputs.detach().requires_grad_(True)
            torch.autograd.grad(network(leaf).sum(), leaf)

    def published() -> list[torch.Tensor]:
        return [map_class(network, inputs, asked, c) for c in (0, 4)]

    return Ways(ours, bare, published, check_same, items=cells)


@benchmark(
    "activation maps of both classes, 192 px",
    Target(ratio=1.15, speedup=2.5),
    unit="ms a cell",
    repeats=7,
)
def maps_of_small_cells(tiny: bool) -> Ways:
    """From raw images to both maps and the contributions at the image's size, EfficientNet-B0, one
    batch, against a bare forward and input gradient of it, and against a pass per class for the
    layer's gradient and one per class and image for the input's."""
    return compare(64, 2) if tiny else compare(192, 16)


@benchmark(
    "activation maps of both classes, 512 px",
    Target(ratio=1.15, speedup=2.5),
    unit="ms a cell",
    repeats=7,
)
def maps_of_large_cells(tiny: bool) -> Ways:
    """The same at 512 px."""
    return compare(64, 1) if tiny else compare(512, 2)


def map_class(
    network: networks.Network, inputs: torch.Tensor, asked: Settings, c: int
) -> torch.Tensor:
    """(B, H, W) map of class c as the published code comes to it, floats of the network."""
    module = network.features.get_submodule(target_layer_of(asked))
    size_px = inputs.shape[-1]
    maps = []
    with activation.frozen(network):
        for batch in inputs.split(PUBLISHED_BATCH):
            cam = grad_cam(network, module, batch, c, size_px)
            # The input's gradient one image at a time.
            gradient = torch.cat([input_gradient(network, image[None], c) for image in batch])
            b = cam * gradient
            limits = torch.quantile(b.flatten(1), asked.activation.clip_percentile / 100, dim=1)
            maps.append(torch.minimum(b, limits.view(-1, 1, 1)))
    return torch.cat(maps)


def grad_cam(network, module, batch: torch.Tensor, c: int, size_px: int) -> torch.Tensor:
    """(B, H, W) Grad-CAM of class c, centred, resized, rectified, over its maximum."""
    with activation.captured(module) as layers:
        leaf = batch.detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(probability(network(leaf), c).sum(), layers[0])
    signed = (gradient.mean((2, 3), keepdim=True) * layers[0].detach()).sum(1, keepdim=True)
    signed = signed - signed.mean((2, 3), keepdim=True)
    laid = functional.interpolate(signed, (size_px, size_px), mode="bilinear")[:, 0].clamp(min=0)
    return laid / laid.amax((1, 2), keepdim=True)


def input_gradient(network, image: torch.Tensor, c: int) -> torch.Tensor:
    """(1, H, W) sum over channels of |dy_c/dx|."""
    leaf = image.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(probability(network(leaf), c).sum(), leaf)
    return gradient.abs().sum(1)


def probability(out: torch.Tensor, c: int) -> torch.Tensor:
    """(B,) y_c of the binomial head for the outermost classes, 0 and 4."""
    p = torch.sigmoid(out[:, 0])
    return p**4 if c == 4 else (1 - p) ** 4


def check_same(ours: list[CellMaps], published: list[torch.Tensor]) -> None:
    """To 1 % of each map's largest value: float32, batches of other sizes."""
    for i, maps in enumerate(ours):
        for got, side in zip((maps.poor, maps.rich), published, strict=True):
            expected = side[i].numpy()
            assert np.abs(got - expected).max() <= 0.01 * expected.max()
