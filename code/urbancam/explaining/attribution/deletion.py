"""Deletion and insertion: does the logit hang on the pixels that a map calls important? (Petsiuk et al. 2018)

A cell's patches are ranked by what a map says for the side the cell is predicted as, from most for it to most
against it. Deletion blurs them in that order; insertion starts from the blurred image and puts them back. The
value is the change of the logit towards the predicted side since the start, in logit units: those compare between
cells, where a share of |z - z_blurred| would let the cells that blurring hardly changes decide.
"""

import numpy as np
import torch
from torch.nn import functional as F
from torchvision.transforms.functional import gaussian_blur

from urbancam.explaining import activation
from urbancam.learning import datasets

BLUR_SHARE = 0.05  # of the image's side, standard deviation; ASSUME: 10 m of a 200 m cell, roofs and crowns vanish


def blurred(pixels: torch.Tensor) -> torch.Tensor:
    """What replaces a deleted pixel: the image after a Gaussian blur; (B, 3, H, W) uint8 -> float 0..255."""
    # ASSUME: blurring, RISE's choice for insertion, also for deletion: black patches would be objects of their own.
    sigma = BLUR_SHARE * pixels.shape[-1]
    width = 2 * int(3 * sigma) + 1  # px
    return gaussian_blur(
        gaussian_blur(pixels.float(), [width, 1], sigma), [1, width], sigma
    )  # one axis at a time


def patch_means(maps: torch.Tensor, grid: tuple[int, int]) -> torch.Tensor:
    """(B, H, W) -> (B, patches), mean of each patch; `grid`: patches down and across."""
    return F.adaptive_avg_pool2d(maps[:, None], grid).flatten(1)


def patch_shares(side: torch.Tensor, grid: tuple[int, int]) -> torch.Tensor:
    """Share of each patch in a map (B, H, W) >= 0: (B, patches), rows of sum 1, or zero where the map is."""
    patches = patch_means(side, grid)
    total = patches.sum(1, keepdim=True)
    return torch.where(total > 0, patches / total, 0)


def fractions(grid: tuple[int, int], steps: int) -> np.ndarray:
    """Shares of the patches that are deleted, 0 to 1, whole patches each: at most `steps` + 1 of them."""
    patches = grid[0] * grid[1]
    return np.unique(np.round(np.linspace(0, patches, steps + 1))) / patches


def curves(
    network,
    pixels: torch.Tensor,
    scores: dict[str, torch.Tensor],
    rich: torch.Tensor,
    grid: tuple[int, int],
    steps: int,
    normalise: str,
) -> dict[tuple[str, str], np.ndarray]:
    """Change of the logit towards the predicted side, as patches are deleted or inserted in each order.

    Args:
        network: trained, in evaluation mode.
        pixels: (B, 3, H, W) uint8.
        scores: of each order (B, patches), the highest goes first.
        rich: (B,) bool, the cell is predicted rich.
        grid: patches down and across.
        steps: of the curve.
        normalise: as the network wants its images.

    Returns:
        `{(order, "deletion" | "insertion"): (fractions, B)}`, logit units, 0 at fraction 0.
    """
    towards = torch.where(rich, 1.0, -1.0)
    whole, blur = pixels.float(), blurred(pixels)
    ends = [towards * logits(network, image, normalise) for image in (whole, blur)]
    made = {}
    for order, values in scores.items():
        rank = values.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
        for curve, before, after in (("deletion", 0, 1), ("insertion", 1, 0)):
            images = (whole, blur)[before], (whole, blur)[after]
            between = [
                towards
                * logits(
                    network, mix(*images, rank < round(fraction * rank.shape[1]), grid), normalise
                )
                for fraction in fractions(grid, steps)[1:-1]
            ]
            change = torch.stack([ends[before], *between, ends[after]]) - ends[before]
            made[order, curve] = change.cpu().numpy()
    return made


@torch.no_grad()
def logits(network, pixels: torch.Tensor, normalise: str) -> torch.Tensor:
    """(B,) logit of images (B, 3, H, W), values 0..255."""
    return activation.logit_of(network(datasets.normalise(pixels, normalise)))


def mix(
    before: torch.Tensor, after: torch.Tensor, done: torch.Tensor, grid: tuple[int, int]
) -> torch.Tensor:
    """Images (B, 3, H, W) of which the patches that are done, (B, patches) bool, come from `after`."""
    return torch.where(on_pixels(done, grid, before.shape[-1])[:, None], after, before)


def on_pixels(patches: torch.Tensor, grid: tuple[int, int], size_px: int) -> torch.Tensor:
    """(B, patches) -> (B, size_px, size_px): each pixel has the value of the patch that holds its centre."""
    row, column = (activation.position_of_pixel(size_px, count, patches.device) for count in grid)
    return patches.unflatten(1, grid)[:, row][:, :, column]
