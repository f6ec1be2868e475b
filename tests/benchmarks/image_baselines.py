"""Features of the image baselines: colours, and answers of random patches."""

import numpy as np
import torch
from torch.nn import functional

from benchmarks.measuring import Target, Ways, benchmark
from urbancam.learning.features import of_images
from urbancam.workflow.settings import settings


@benchmark("image baselines, 512 px", Target(ratio=1.3), "ms a cell", repeats=9)
def features_of_images(tiny: bool) -> Ways:
    """Colour histogram and 1024 random features of an image; the floor makes it smaller, counts its
    steps of colour, multiplies its windows with the patches, and rectifies and sums each answer
    once for either sign."""
    asked = settings.load("default").baselines
    random = np.random.default_rng(0)
    size_px, cells = (64, 1) if tiny else (512, 8)
    images = random.integers(0, 256, (cells, size_px, size_px, 3), dtype=np.uint8)
    pool = of_images.draw_patches(images, asked.features_px, asked.patch_px, seed=0)
    filters = torch.tensor(of_images.whiten(pool)[: asked.patches], dtype=torch.float32)

    @torch.inference_mode()
    def ours() -> None:
        for image in images:
            pixels = of_images.resize(image, asked.features_px)
            of_images.colour_histogram(pixels, asked.histogram_bins)
            of_images.random_features(pixels, filters, asked.patch_px)

    @torch.inference_mode()
    def floor() -> None:
        for image in images:
            bare_features(image, filters, asked.features_px, asked.patch_px)

    return Ways(ours, floor, items=cells)


def bare_features(image: np.ndarray, filters: torch.Tensor, size_px: int, patch_px: int) -> None:
    side_px = min(size_px, len(image))
    pixels = torch.from_numpy(image).permute(2, 0, 1).float()[None]
    small = functional.interpolate(pixels, size=(side_px, side_px), mode="area")
    torch.bincount(small.flatten().long())
    windows = functional.unfold(small, patch_px)[0]
    for part in windows.split(of_images.POSITIONS_AT_ONCE, dim=1):
        answers = filters @ part
        answers.relu().sum(1)
        answers.relu_().sum(1)
