"""What the baselines are told of the images without any learning: colours, and random convolutional features.

MOSAIKS (Rolf et al. 2021, "A generalizable and accessible approach to machine learning with global satellite imagery",
Nature Communications 12:4392, Methods): small patches drawn from the images themselves are laid on every position of
an image, and how strongly they answer is averaged. Ridge regression does the rest (`baselines.ridge`).
"""

import functools
import hashlib

import numpy as np
import pandas as pd
import torch
from torch.nn.functional import interpolate, unfold

from urbancam.learning.images import open_images
from urbancam.tables import arrays
from urbancam.workflow.files import digest
from urbancam.workflow.paths import Paths
from urbancam.workflow.settings import Settings

VERSION = 1  # of what is computed here: enters the name of the cache
POOL = 10_000  # patches the whitening is estimated from; ASSUME: enough for 27 numbers a patch (Rolf et al.: 100,000)
POOL_IMAGES = 1_000  # images they are drawn from, at most (Rolf et al.: 10)
WHITENING_EPSILON = 1e-3  # added to the variances (Rolf et al. 2021, published code)
SMALLEST_NORM = (
    1e-8  # of a patch; a patch of one colour has none and answers to nothing (published code)
)
BIAS = 1.0  # an answer must exceed it to count (Rolf et al. 2021)
POSITIONS_AT_ONCE = 1024  # on the CPU: the answers of all patches stay in its cache


def resize(image: np.ndarray, size_px: int) -> torch.Tensor:
    """The image by area means, never larger than it was.

    Args:
        image: (H, H, 3) uint8.
        size_px: side wanted.

    Returns:
        (3, size_px, size_px) float32, 0..1, on the CPU.
    """
    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255
    return interpolate(pixels[None], size=(min(size_px, len(image)),) * 2, mode="area")[0]


def colour_histogram(image: torch.Tensor, bins: int) -> torch.Tensor:
    """Share of the pixels in each of `bins` equal steps of each channel.

    Args:
        image: (3, H, W), 0..1.
        bins: number a channel.

    Returns:
        (3 * bins,) red, green, blue; each channel sums to 1.
    """
    step = (image.flatten(1) * bins).long().clamp(max=bins - 1)
    place = step + bins * torch.arange(3, device=image.device)[:, None]
    return torch.bincount(place.flatten(), minlength=3 * bins) / step.shape[1]


def draw_patches(
    images: np.ndarray, rows: np.ndarray, size_px: int, patch_px: int, seed: int
) -> np.ndarray:
    """Patches at random places of random images.

    Args:
        images: (M, H, H, 3) uint8.
        rows: (N,) of the images that may be drawn from.
        size_px: side of the images they are drawn from, after `resize`.
        patch_px: side of a patch.
        seed: of the draw.

    Returns:
        (POOL or a little more, 3 * patch_px^2) float64, 0..1, in random order.
    """
    random = np.random.default_rng(seed)
    chosen = np.sort(random.permutation(rows)[:POOL_IMAGES])
    patches = []
    for row in chosen:
        windows = unfold(resize(images[row], size_px)[None], patch_px)[
            0
        ]  # 3 * patch_px^2, positions
        patches.append(
            windows[:, random.integers(windows.shape[1], size=-(-POOL // len(chosen)))].T.numpy()
        )
    return random.permutation(np.concatenate(patches).astype(float))


def whiten(patches: np.ndarray) -> np.ndarray:
    """Filters out of patches: centred, of unit norm, ZCA-whitened (Coates & Ng 2012; Rolf et al. 2021, Methods).

    The whitening W = (C + epsilon)^(-1/2) is symmetric, and is applied to the patch and, since (W x) . (W y) =
    x . (W W y), here too to the windows it will be laid on: patches (C + epsilon)^(-1), C their covariance.

    Args:
        patches: (n, d).

    Returns:
        (n, d).
    """
    patches = patches - patches.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(patches, axis=1, keepdims=True)
    patches = patches / np.where(norm < SMALLEST_NORM, 1, norm)
    covariance = patches.T @ patches / len(patches)
    return np.linalg.solve(covariance + WHITENING_EPSILON * np.eye(len(covariance)), patches.T).T


def random_features(image: torch.Tensor, filters: torch.Tensor, patch_px: int) -> torch.Tensor:
    """Mean over all positions of ReLU(filter . window - 1) and of ReLU(-filter . window - 1).

    Args:
        image: (3, H, W), 0..1.
        filters: (n, 3 * patch_px^2), of `whiten`.
        patch_px: side of a patch.

    Returns:
        (2 n,): all the first, then all the second.
    """
    windows = unfold(image[None], patch_px)[0]  # 3 * patch_px^2, positions
    positions = windows.shape[1]
    step = POSITIONS_AT_ONCE if image.device.type == "cpu" else positions
    total = torch.zeros(2 * len(filters), device=image.device)
    for start in range(0, positions, step):
        answers = filters @ windows[:, start : start + step]
        above = (answers - BIAS).relu_().sum(1)
        below = answers.neg_().sub_(BIAS).relu_().sum(1)
        total += torch.cat([above, below])
    return total / positions


def cell_features(
    paths: Paths, ids: pd.Series, settings: Settings, workers: int, device: torch.device
) -> dict[str, np.ndarray]:
    """What the image baselines are told of the cells: computed once, then read from `results/<city>/cache/`.

    Args:
        paths: of the city.
        ids: (n,) cells, all with an image.
        settings: of the run.
        workers: threads that decode images, where that has to be done again.
        device: that computes.

    Returns:
        `colour_histogram` (n, 3 * histogram_bins) and `random_features` (n, 2 * patches), float32.
    """
    asked = settings.baselines

    @functools.cache
    def prepare() -> tuple[np.ndarray, np.ndarray, torch.Tensor]:
        images, rows = open_images(paths, ids, settings.image, workers)
        # ASSUME: patches are drawn, without any label, from all cells and not from each fold's training cells alone:
        # features are then computed once, and what a test image adds to 10,000 patches errs in the baseline's favour.
        pool = draw_patches(images, rows, asked.features_px, asked.patch_px, settings.seed)
        return (
            images,
            rows,
            torch.tensor(whiten(pool)[: asked.patches], dtype=torch.float32, device=device),
        )

    @torch.inference_mode()
    def make(item: int) -> np.ndarray:
        images, rows, filters = prepare()
        image = resize(images[rows[item]], asked.features_px).to(device)
        parts = (
            colour_histogram(image, asked.histogram_bins),
            random_features(image, filters, asked.patch_px),
        )
        return torch.cat(parts)[None].cpu().numpy()

    colours = 3 * asked.histogram_bins
    shape, doing = (colours + 2 * asked.patches,), "features of images"
    table = arrays.open_array(
        _cache_path(paths, ids, settings), [1] * len(ids), shape, np.float32, make, doing
    )
    return {"colour_histogram": table[:, :colours], "random_features": table[:, colours:]}


def _cache_path(paths: Paths, ids: pd.Series, settings: Settings):
    """The cache of these cells and settings; those of images that have changed since are removed."""
    asked = settings.pick("baselines", "image.size_px", "image.resample", "seed") | {
        "version": VERSION
    }
    content = hashlib.sha256("\n".join([repr(sorted(asked.items())), *ids]).encode()).hexdigest()
    name = f"features_{digest(paths.images_table)[:16]}"
    for old in paths.cache.glob("features_*"):
        if not old.name.startswith(name):
            old.unlink(missing_ok=True)
    return paths.cache / f"{name}_{content[:16]}.npy"
