"""Deletion and insertion: does the logit hang on the pixels that a map calls important?

(Petsiuk et al. 2018.) A cell's patches are ranked by what a map says for the side the cell is
predicted as, from most for it to most against it. Deletion blurs them in that order; insertion
starts from the blurred image and puts them back. The value is the change of the logit towards the
predicted side since the start, in logit units: those compare between cells, where a share of
|z - z_blurred| would let the cells that blurring hardly changes decide.
"""

import numpy as np
import torch
from torch.nn import functional as F

from urbancam.explaining import activation, upsampling
from urbancam.explaining.activation import Sides
from urbancam.explaining.receptive_fields import equal_parts

Grid = tuple[int, int]  # patches down and across

# of the image's side, standard deviation; ASSUME: 10 m of a 200 m cell, roofs and crowns vanish
BLUR_SHARE = 0.05


def blur(pixels: torch.Tensor) -> torch.Tensor:
    """What replaces a deleted pixel: the image after a Gaussian blur.

    (B, 3, H, W) uint8 -> float 0..255.
    """
    # ASSUME: blurring, RISE's choice for insertion, also for deletion: black patches would be
    # objects of their own.
    from torchvision.transforms.functional import gaussian_blur  # slow to load, seldom used

    sigma = BLUR_SHARE * pixels.shape[-1]
    width = 2 * int(3 * sigma) + 1  # px
    # One axis at a time.
    blurred_across = gaussian_blur(pixels.float(), [width, 1], sigma)
    return gaussian_blur(blurred_across, [1, width], sigma)


def patch_means(maps: torch.Tensor, grid: Grid) -> torch.Tensor:
    """(B, H, W) -> (B, patches), mean of each patch."""
    return F.adaptive_avg_pool2d(maps[:, None], grid).flatten(1)


def patch_shares(side: torch.Tensor, grid: Grid) -> torch.Tensor:
    """Share of each patch in a map (B, H, W) >= 0: (B, patches).

    Rows add up to 1, or are zero where the map is.
    """
    patches = patch_means(side, grid)
    total = patches.sum(1, keepdim=True)
    return torch.where(total > 0, patches / total, 0)


def patches_of_sides(sides: Sides, grid: Grid) -> np.ndarray:
    """(3, B, patches): shares of poor, of rich, and rich less poor."""
    poor, rich = (patch_shares(side, grid) for side in sides)
    return torch.stack([poor, rich, rich - poor]).cpu().numpy()


def fractions(grid: Grid, steps: int) -> np.ndarray:
    """Shares of the patches that are deleted, 0 to 1: at most `steps` + 1 of them.

    Each is a number of whole patches.
    """
    patches = grid[0] * grid[1]
    # Where there are fewer patches than steps, several steps fall together.
    counts = np.round(np.linspace(0, patches, steps + 1))
    return np.unique(counts) / patches


def curves(
    network,
    pixels: torch.Tensor,
    scores: dict[str, torch.Tensor],
    rich: torch.Tensor,
    grid: Grid,
    steps: int,
    normalise: str,
) -> dict[tuple[str, str], np.ndarray]:
    """Change of the logit towards the predicted side, as patches go in each order.

    Args:
        network: Trained network, in evaluation mode.
        pixels: (B, 3, H, W) uint8.
        scores: Scores of the patches in each order, (B, patches); the highest goes first.
        rich: (B,) bool, the cell is predicted rich.
        grid: Patches down and across.
        steps: Number of steps of the curve.
        normalise: How the network wants its images normalised.

    Returns:
        `{(order, "deletion" | "insertion"): (fractions, B)}`, logit units, 0 at fraction 0.
    """
    sign = torch.where(rich, 1.0, -1.0)

    def value(images: torch.Tensor) -> torch.Tensor:
        return sign * logits(network, images, normalise)

    whole = pixels.float()
    blurred = blur(pixels)
    whole_value = value(whole)
    blurred_value = value(blurred)
    # Start and end of each curve: images, and their values.
    ends = {
        "deletion": (whole, blurred, whole_value, blurred_value),
        "insertion": (blurred, whole, blurred_value, whole_value),
    }
    changes = {}
    for order, patch_scores in scores.items():
        rank = _rank(patch_scores)
        n_patches = rank.shape[1]
        for curve, (before, after, first, last) in ends.items():
            # The ends are the same in every order, and computed once.
            values = [first]
            for fraction in fractions(grid, steps)[1:-1]:
                done = rank < round(fraction * n_patches)
                values.append(value(mix(before, after, done, grid)))
            values.append(last)
            change = torch.stack(values) - first
            changes[order, curve] = change.cpu().numpy()
    return changes


def _rank(scores: torch.Tensor) -> torch.Tensor:
    """Place of each patch in its cell's order, 0 for the highest score; (B, patches)."""
    order = scores.argsort(dim=1, descending=True, stable=True)
    return order.argsort(dim=1)


@torch.no_grad()
def logits(network, pixels: torch.Tensor, normalise: str) -> torch.Tensor:
    """(B,) logit of images (B, 3, H, W), values 0..255."""
    images = network.normalised(pixels, normalise)
    return activation.logit_of(network(images))


def mix(
    before: torch.Tensor,
    after: torch.Tensor,
    done: torch.Tensor,
    grid: Grid,
) -> torch.Tensor:
    """Images (B, 3, H, W) of which the patches that are done come from `after`.

    `done` is (B, patches) bool.
    """
    on_after = on_pixels(done, grid, before.shape[-1])
    return torch.where(on_after[:, None], after, before)


def on_pixels(
    patches: torch.Tensor,
    grid: Grid,
    size_px: int,
) -> torch.Tensor:
    """(B, patches) -> (B, size_px, size_px): each pixel takes the patch at its centre."""
    row, column = (
        upsampling.position_of_pixel(equal_parts(size_px, count), size_px, count) for count in grid
    )
    on_grid = patches.unflatten(1, grid)
    return on_grid[:, row.to(patches.device)][:, :, column.to(patches.device)]
