"""Activation maps of the income model: where the image says rich, and where it says poor.

Notation: z is the logit, A (C, h, w) the target layer's output, x the input image, s_c = dy_c/dz.

`published`: Grad-CAM (Selvaraju et al. 2017) without its ReLU, centred, times the input gradient. With one logit
every class score depends on the image through z alone, so the maps of the poorest and the richest class are exact
mirrors: D = sum_k mean_ij(dz/dA_k) A_k - mean gives the rich map from +D and the poor one from -D, and
sum_channels |dy_c/dx| = |s_c| sum_channels |dz/dx|. ONE forward and ONE backward of z give both.

`contribution`: at the last activation F, with pooling over positions and one linear unit, z = bias + mean_ij
sum_k w_k F_kij exactly (CAM, Zhou et al. 2016): each position's term is its contribution, in logit units.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from urbancam import datasets, models

FLAT = 1e-6  # a centred map whose largest value is below this share of the uncentred one is numerically constant


@dataclass
class Maps:
    """Maps of a batch of B cells.

    Attributes:
        logit: (B,) z.
        centred: (B, h, w) D, the signed map at the target layer.
        gradient: (B, H, W) sum over channels of |dz/dx|, x the normalised input.
        contribution: (B, h', w') logit units; its sum over positions is z - bias.
        bias: of the linear unit.
        flat: (B,) bool, D is numerically constant: there is no published map.
    """

    logit: torch.Tensor
    centred: torch.Tensor
    gradient: torch.Tensor
    contribution: torch.Tensor
    bias: float
    flat: torch.Tensor


@contextmanager
def captured(module: nn.Module) -> Iterator[list[torch.Tensor]]:
    """The outputs of a module during the block; the module is left as it was."""
    outputs: list[torch.Tensor] = []
    handle = module.register_forward_hook(lambda _module, _inputs, output: outputs.append(output))
    try:
        yield outputs
    finally:
        handle.remove()


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Evaluation mode without parameter gradients during the block; both restored after it."""
    training, wanted = network.training, [p.requires_grad for p in network.parameters()]
    network.eval().requires_grad_(False)
    try:
        yield
    finally:
        network.train(training)
        for parameter, want in zip(network.parameters(), wanted, strict=True):
            parameter.requires_grad_(want)


def compute_maps(network: models.IncomeNetwork, images: torch.Tensor, target_layer: str, centre: bool = True) -> Maps:
    """Both kinds of map in one forward and one backward pass.

    Args:
        network: with one output (binomial head).
        images: (B, 3, H, W) normalised.
        target_layer: name of the module below `network.features` that Grad-CAM looks at.
        centre: subtract each map's mean (published).
    """
    images = images.detach().requires_grad_(True)
    with frozen(network), captured(network.features.get_submodule(target_layer)) as layer, \
            captured(network.features) as last:  # fmt: skip
        logit = network(images)[:, 0]
        layer_gradient, image_gradient = torch.autograd.grad(logit.sum(), [layer[0], images])
    raw = (layer_gradient.mean((2, 3), keepdim=True) * layer[0]).sum(1).detach()
    centred = raw - raw.mean((1, 2), keepdim=True)
    flat = centred.abs().amax((1, 2)) <= FLAT * raw.abs().amax((1, 2))
    features = last[0].detach()
    weight = network.linear.weight[0].view(1, -1, 1, 1)
    positions = features.shape[2] * features.shape[3]
    return Maps(
        logit=logit.detach(),
        centred=centred if centre else raw,
        gradient=image_gradient.abs().sum(1),
        contribution=(weight * features).sum(1) / positions,
        bias=float(network.linear.bias[0]),
        flat=flat,
    )


def project_published(maps: Maps, size_px: int, clip_percentile: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Poor and rich map at the image's size, as published (README, "Activation maps").

    U = max(bilinear(-D or +D), 0), V = U / max U, B = V |s_c| sum_channels |dz/dx|, clipped at a percentile of B,
    with s_c = dy_c/dz = y_c (c - 4 p) of the poorest (c = 0) and the richest class (c = 4).

    Args:
        maps: of a batch.
        size_px: side H = W of the image.
        clip_percentile: %, over the map's pixels, linear interpolation.

    Returns:
        poor and rich, each (B, H, W) >= 0, zero everywhere for a flat cell.
    """
    signed = F.interpolate(maps.centred[:, None], size=(size_px, size_px), mode="bilinear", align_corners=False)[:, 0]
    p = torch.sigmoid(maps.logit)
    slopes = 4 * p * (1 - p) ** 4, 4 * p**4 * (1 - p)  # |s_0|, s_4
    return tuple(
        _one_side(side, slope, maps.gradient, maps.flat, clip_percentile)
        for side, slope in zip((-signed, signed), slopes, strict=True)
    )


def _one_side(signed, slope, gradient, flat, clip_percentile: float) -> torch.Tensor:
    positive = signed.clamp(min=0)
    peak = positive.amax((1, 2), keepdim=True)
    scaled = torch.where(peak > 0, positive / peak.clamp(min=torch.finfo(peak.dtype).tiny), 0)
    product = scaled * gradient * slope.view(-1, 1, 1)
    limit = product.flatten(1).quantile(clip_percentile / 100, dim=1).view(-1, 1, 1)
    return torch.where(flat.view(-1, 1, 1), 0, torch.minimum(product, limit))


def spread_evenly(positions: torch.Tensor, size_px: int) -> torch.Tensor:
    """Lay a map on pixels without interpolation: each position's value spread evenly over its own pixels.

    Sums are kept exactly: over all pixels, and over any set of whole positions. A pixel belongs to the position
    that holds its centre.

    Args:
        positions: (B, h, w).
        size_px: side of the image, at least h and w.

    Returns:
        (B, size_px, size_px), same units per pixel.
    """
    height, width = positions.shape[1:]
    row = _position_of_pixel(size_px, height, positions.device)
    column = _position_of_pixel(size_px, width, positions.device)
    pixels = torch.bincount(row, minlength=height)[:, None] * torch.bincount(column, minlength=width)[None, :]
    return (positions / pixels)[:, row][:, :, column]


def _position_of_pixel(size_px: int, count: int, device) -> torch.Tensor:
    return ((torch.arange(size_px, device=device) * 2 + 1) * count) // (2 * size_px)


def cell_maps(network, images_uint8: torch.Tensor, settings) -> tuple[Maps, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Maps of raw images, at the image's size.

    Args:
        network: trained, with a binomial head.
        images_uint8: (B, 3, H, W).
        settings: of the run.

    Returns:
        maps; poor and rich (published) and contribution, each (B, H, W).
    """
    images = datasets.normalise(images_uint8, settings.image.normalise)
    target_layer = models.find_backbone(settings.model.backbone).target_layer
    maps = compute_maps(network, images, target_layer, settings.activation.centre)
    poor, rich = project_published(maps, images.shape[-1], settings.activation.clip_percentile)
    return maps, poor, rich, spread_evenly(maps.contribution, images.shape[-1])
