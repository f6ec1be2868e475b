"""Relevance-CAM of patches at every depth of a ResNet."""

import numpy as np
import torch
from torch import nn

from benchmarks.measuring import Target, Ways, benchmark
from urbancam.cities import patch_relevance
from urbancam.explaining import activation, pixel_maps
from urbancam.learning.inputs import datasets
from urbancam.learning.models import networks
from urbancam.workflow.settings import settings

CITIES = 45  # as published
PATCHES = 4


@benchmark("relevance at four depths, 224 px", Target(ratio=1.3), unit="ms a patch", repeats=5)
def relevance_of_patches(tiny: bool) -> Ways:
    """From raw patches to the maps of layers 1 to 4, ResNet-50 and 45 cities; the floor is a bare
    forward of the batch and, above layer 1, one forward and one gradient more: those of the weights
    above zero."""
    cities = settings.load("default").cities
    torch.manual_seed(0)
    network = networks.build(cities.model, pretrained=False, outputs=CITIES).eval()
    random = np.random.default_rng(0)
    size_px, patches = (64, 1) if tiny else (cities.image.size_px, PATCHES)
    images = random.integers(0, 256, (patches, size_px, size_px, 3), dtype=np.uint8)

    def ours() -> list[patch_relevance.PatchMaps]:
        asked = cities.relevance
        return patch_relevance.map_patches(
            network, images, asked.layers, cities.image.normalise, None, asked.positions
        )

    def floor() -> None:
        pixels = pixel_maps.pixels_of(images, torch.device("cpu"))
        inputs = datasets.normalise(pixels, cities.image.normalise)
        modules = list(network.features.named_children())
        names = [name for name, _ in modules]
        above = nn.Sequential(*(module for _, module in modules[names.index("layer1") + 1 :]))
        with activation.frozen(network), activation.captured(network.features.layer1) as lowest:
            with torch.no_grad():
                network(inputs)
            leaf = lowest[0].requires_grad_(True)
            torch.autograd.grad(network.linear(above(leaf).mean((2, 3))).sum(), leaf)

    return Ways(ours, floor, items=patches)
