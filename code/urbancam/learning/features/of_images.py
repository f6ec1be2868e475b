"""Features of images without any learning: colours, and random convolutional features.

MOSAIKS (Rolf et al. 2021, "A generalizable and accessible approach to machine learning with global
satellite imagery", Nature Communications 12:4392, Methods): small patches drawn from the images
themselves are laid on every position of an image, and how strongly they answer is averaged. Ridge
regression does the rest (`baselines.ridge`).
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import interpolate, unfold

from urbancam.learning.inputs.images import DecodedImages
from urbancam.tables import arrays
from urbancam.workflow.settings.sections import Baselines

Images = np.ndarray | DecodedImages  # (N, H, H, 3) uint8
# patches the whitening is estimated from; ASSUME: enough for 27 numbers a patch (Rolf et al.:
# 100,000)
POOL = 10_000
POOL_IMAGES = 1_000  # images they are drawn from, at most (Rolf et al.: 10)
WHITENING_EPSILON = 1e-3  # added to the variances (Rolf et al. 2021, published code)
# Of a patch; a patch of one colour has none and answers to nothing (published code)
SMALLEST_NORM = 1e-8
BIAS = 1.0  # an answer must exceed it to count (Rolf et al. 2021)
POSITIONS_AT_ONCE = 1024  # on the CPU: the answers of all patches stay in its cache


def resize(image: np.ndarray, size_px: int) -> torch.Tensor:
    """The image by area means, never larger than it was.

    Args:
        image: (H, H, 3) uint8.
        size_px: Side of the result, px.

    Returns:
        (3, size_px, size_px) float32, 0..1, on the CPU.
    """
    side_px = min(size_px, len(image))
    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255
    return interpolate(pixels[None], size=(side_px, side_px), mode="area")[0]


def colour_histogram(image: torch.Tensor, bins: int) -> torch.Tensor:
    """Share of the pixels in each of `bins` equal steps of each channel.

    Args:
        image: (3, H, W), 0..1.
        bins: Number of steps a channel.

    Returns:
        (3 * bins,) red, green, blue; each channel sums to 1.
    """
    step = (image.flatten(1) * bins).long().clamp(max=bins - 1)
    first_bin = bins * torch.arange(3, device=image.device)[:, None]
    counts = torch.bincount((step + first_bin).flatten(), minlength=3 * bins)
    return counts / step.shape[1]


def draw_patches(images: Images, size_px: int, patch_px: int, seed: int) -> np.ndarray:
    """Patches at random places of random images.

    Args:
        images: (N, H, H, 3) uint8.
        size_px: Side of the images they are drawn from, after `resize`, px.
        patch_px: Side of a patch, px.
        seed: Seed of the draw.

    Returns:
        (POOL or a little more, 3 * patch_px^2) float64, 0..1, in random order.
    """
    random = np.random.default_rng(seed)
    chosen_rows = np.sort(random.permutation(len(images))[:POOL_IMAGES])
    patches_per_image = -(-POOL // len(chosen_rows))
    patches = []
    for row in chosen_rows:
        image = resize(images[row], size_px)
        windows = unfold(image[None], patch_px)[0]  # 3 * patch_px^2, positions
        positions = random.integers(windows.shape[1], size=patches_per_image)
        patches.append(windows[:, positions].T.numpy())
    return random.permutation(np.concatenate(patches).astype(float))


def whiten(patches: np.ndarray) -> np.ndarray:
    """Filters out of patches: centred, of unit norm, ZCA-whitened.

    Coates & Ng 2012; Rolf et al. 2021, Methods. The whitening W = (C + epsilon)^(-1/2) is
    symmetric, and is applied to the patch and, since (W x) . (W y) = x . (W W y), here too to the
    windows it will be laid on: patches (C + epsilon)^(-1), C their covariance.

    Args:
        patches: (n, d).

    Returns:
        (n, d).
    """
    patches = patches - patches.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(patches, axis=1, keepdims=True)
    patches = patches / np.where(norm < SMALLEST_NORM, 1, norm)
    covariance = patches.T @ patches / len(patches)
    regularised = covariance + WHITENING_EPSILON * np.eye(len(covariance))
    return np.linalg.solve(regularised, patches.T).T


def random_features(image: torch.Tensor, filters: torch.Tensor, patch_px: int) -> torch.Tensor:
    """Mean over all positions of ReLU(filter . window - 1) and of ReLU(-filter . window - 1).

    Args:
        image: (3, H, W), 0..1.
        filters: (n, 3 * patch_px^2), of `whiten`.
        patch_px: Side of a patch, px.

    Returns:
        (2 n,): all the first, then all the second.
    """
    windows = unfold(image[None], patch_px)[0]  # 3 * patch_px^2, positions
    positions = windows.shape[1]
    step = POSITIONS_AT_ONCE if image.device.type == "cpu" else positions
    total = torch.zeros(2 * len(filters), device=image.device)
    for start in range(0, positions, step):
        answers = filters @ windows[:, start : start + step]
        # ReLU(a - 1) = max(a, 1) - 1: the 1 is taken off the sum.
        above = answers.clamp(min=BIAS).sum(1)
        below = answers.clamp_(max=-BIAS).sum(1)
        total += torch.cat([above, -below]) - BIAS * answers.shape[1]
    return total / positions


def describe_colours(images: Images, section: Baselines, kept: Path) -> np.ndarray:
    """(N, 3 * histogram_bins) float32: the colour histogram of each image.

    Args:
        images: (N, H, H, 3) uint8.
        section: Section `baselines`.
        kept: Where rows are kept while they are computed, so that a killed process goes on.
    """

    def describe(image: np.ndarray) -> torch.Tensor:
        return colour_histogram(resize(image, section.features_px), section.histogram_bins)

    return _describe_each(images, describe, 3 * section.histogram_bins, kept, "colours of images")


def describe_textures(
    images: Images, section: Baselines, seed: int, device: torch.device, kept: Path
) -> np.ndarray:
    """(N, 2 * patches) float32: the random features of each image.

    Args:
        images: (N, H, H, 3) uint8.
        section: Section `baselines`.
        seed: Seed of the patches that are drawn.
        device: The device that computes.
        kept: As in `describe_colours`.
    """
    # ASSUME: patches are drawn, without any label, from all cells and not from each fold's training
    # cells alone: features are then computed once, and what a test image adds to 10,000 patches
    # errs in the baseline's favour.
    pool = draw_patches(images, section.features_px, section.patch_px, seed)
    filters = torch.tensor(whiten(pool)[: section.patches], dtype=torch.float32, device=device)

    def describe(image: np.ndarray) -> torch.Tensor:
        pixels = resize(image, section.features_px).to(device)
        return random_features(pixels, filters, section.patch_px)

    return _describe_each(images, describe, 2 * len(filters), kept, "random features of images")


def _describe_each(
    images: Images,
    describe: Callable[[np.ndarray], torch.Tensor],
    length: int,
    kept: Path,
    doing: str,
) -> np.ndarray:
    """(N, length) float32, memory-mapped: what `describe` says of each image, one at a time."""

    @torch.inference_mode()
    def row(item: int) -> np.ndarray:
        return describe(images[item])[None].cpu().numpy()

    return arrays.open_array(kept, [1] * len(images), (length,), np.float32, row, doing)
