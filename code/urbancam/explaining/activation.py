"""Activation maps of the income model: where the image says rich, and where it says poor.

Notation: z is the logit, A (C, h, w) the target layer's output, x the input image, s_c = dy_c/dz.

`published`: Grad-CAM (Selvaraju et al. 2017) without its ReLU, centred, times the input gradient. With one logit
every class score depends on the image through z alone, so the maps of the poorest and the richest class are exact
mirrors: D = sum_k mean_ij(dz/dA_k) A_k - mean gives the rich map from +D and the poor one from -D, and
sum_channels |dy_c/dx| = |s_c| sum_channels |dz/dx|. ONE forward and ONE backward of z give both. A softmax head
has no such mirror: each side is a backward pass of its own class.

`contribution`: at the last activation F, with pooling over positions and one linear unit, z = bias + mean_ij
sum_k w_k F_kij exactly (CAM, Zhou et al. 2016): each position's term is its contribution, in logit units.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from urbancam.explaining.projection import CellMaps
from urbancam.learning import backbones, datasets, networks

Sides = tuple[torch.Tensor, torch.Tensor]  # of poor and of rich

BATCH_PIXELS = (
    32 * 192**2
)  # memory grows with them; 32 cells of the demo's 192 px, one or two of 800 px
FLAT = 1e-6  # a centred map whose largest value is below this share of the uncentred one is numerically constant


@dataclass
class Maps:
    """Maps of a batch of B cells.

    Attributes:
        logit: (B,) z; with five logits that of the richest class against the poorest, z_4 - z_0.
        signed: poor and rich, each (B, h, w): the class's centred Grad-CAM map before its positive part is taken.
        gradient: poor and rich, each (B, H, W): sum over channels of |dy_c/dx|, x the normalised input.
        layer: (B, C, h, w) the target layer's output A.
        layer_gradient: poor and rich, each (B, C, h, w): d(-z)/dA and dz/dA; with five logits dy_0/dA and dy_4/dA.
        contribution: (B, h', w') logit units; its sum over positions is logit - bias.
        bias: of the logit.
        flat: poor and rich, each (B,) bool: the centred map is numerically constant, there is no published map.
    """

    logit: torch.Tensor
    signed: Sides
    gradient: Sides
    layer: torch.Tensor
    layer_gradient: Sides
    contribution: torch.Tensor
    bias: float
    flat: Sides


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


def compute_maps(
    network: networks.Network, images: torch.Tensor, target_layer: str, centre: bool = True
) -> Maps:
    """Both kinds of map in one forward pass, and one backward pass per output that matters.

    Args:
        network: with one output (binomial head: one backward serves both sides) or five (softmax: two backwards).
        images: (B, 3, H, W) normalised.
        target_layer: name of the module below `network.features` that Grad-CAM looks at.
        centre: subtract each map's mean (published).
    """
    images = images.detach().requires_grad_(True)
    with (
        frozen(network),
        captured(network.features.get_submodule(target_layer)) as layer,
        captured(network.features) as last,
    ):
        out = network(images)
        sides = _binomial_sides if out.shape[1] == 1 else _softmax_sides
        layer_gradient, gradient = zip(*sides(out, layer[0], images), strict=True)
    contribution, bias = _contribution(network.linear, last[0].detach())
    activation = layer[0].detach()
    signed, flat = zip(
        *(centred(grad_cam(activation, side), centre) for side in layer_gradient), strict=True
    )
    return Maps(
        logit_of(out.detach()),
        signed,
        gradient,
        activation,
        layer_gradient,
        contribution,
        bias,
        flat,
    )


def logit_of(out: torch.Tensor) -> torch.Tensor:
    """(B, outputs) -> (B,): z of the binomial head; with five logits the richest class's less the poorest's."""
    return out[:, -1] - out[:, 0] if out.shape[1] > 1 else out[:, 0]


def _binomial_sides(out, layer, images) -> list[Sides]:
    """Closed form: dy_c/dx = s_c dz/dx with s_0 = -4 p (1-p)^4 < 0 and s_4 = 4 p^4 (1-p) > 0.

    The size of s_c cancels in a map that is divided by its maximum, so only its sign goes into the layer's gradient.
    """
    layer_gradient, gradient = _gradients(out[:, 0], layer, images)
    p, q = (
        torch.sigmoid(out[:, 0].detach()),
        torch.sigmoid(-out[:, 0].detach()),
    )  # 1 - p would round to 0
    poor_slope, rich_slope = 4 * p * q**4, 4 * p**4 * q
    return [
        (-layer_gradient, poor_slope.view(-1, 1, 1) * gradient),
        (layer_gradient, rich_slope.view(-1, 1, 1) * gradient),
    ]


def _softmax_sides(out, layer, images) -> list[Sides]:
    y = out.softmax(1)
    return [_gradients(y[:, 0], layer, images), _gradients(y[:, -1], layer, images)]


def _gradients(score, layer, images) -> tuple[torch.Tensor, torch.Tensor]:
    """dscore/dA, (B, C, h, w), and sum over channels of |dscore/dx|, (B, H, W)."""
    layer_gradient, image_gradient = torch.autograd.grad(
        score.sum(), [layer, images], retain_graph=True
    )
    return layer_gradient, image_gradient.abs().sum(1)


def grad_cam(layer: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """sum_k mean_ij(dy/dA_k) A_k, not yet rectified (Selvaraju et al. 2017, eq. 1 and 2).

    Args:
        layer: (B, C, h, w) A.
        gradient: (B, C, h, w) dy/dA.

    Returns:
        (B, h, w).
    """
    return (gradient.mean((2, 3), keepdim=True) * layer).sum(1)


def centred(raw: torch.Tensor, centre: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Maps (B, h, w) less their mean, where `centre` asks; and whether each is flat, (B,) bool."""
    without_mean = raw - raw.mean((1, 2), keepdim=True)
    flat = without_mean.abs().amax((1, 2)) <= FLAT * raw.abs().amax((1, 2))
    return (without_mean if centre else raw), flat


def _contribution(linear: nn.Linear, features: torch.Tensor) -> tuple[torch.Tensor, float]:
    """Each position's term of the logit (B, h, w), and the bias."""
    weight, bias = linear.weight.detach(), linear.bias.detach()
    if (
        len(weight) > 1
    ):  # ASSUME: of five logits the richest class's less the poorest's is what a place contributes to
        weight, bias = weight[-1:] - weight[:1], bias[-1:] - bias[:1]
    positions = features.shape[2] * features.shape[3]
    return (weight.view(1, -1, 1, 1) * features).sum(1) / positions, float(bias[0])


def project_published(maps: Maps, size_px: int, clip_percentile: float) -> Sides:
    """Poor and rich map at the image's size, as published (README, "Activation maps").

    U = max(bilinear(signed map), 0), V = U / max U, B = V sum_channels |dy_c/dx|, clipped at a percentile of B;
    c is the poorest class for poor, the richest for rich.

    Args:
        maps: of a batch.
        size_px: side H = W of the image.
        clip_percentile: %, over the map's pixels, linear interpolation.

    Returns:
        poor and rich, each (B, H, W) >= 0, zero everywhere for a flat cell.
    """
    poor, rich = (
        _one_side(*side, size_px, clip_percentile)
        for side in zip(maps.signed, maps.gradient, maps.flat, strict=True)
    )
    return poor, rich


def _one_side(signed, gradient, flat, size_px: int, clip_percentile: float) -> torch.Tensor:
    product = clip(peak_scaled(positive_part(signed, size_px)) * gradient, clip_percentile)
    return torch.where(flat.view(-1, 1, 1), 0, product)


def positive_part(signed: torch.Tensor, size_px: int) -> torch.Tensor:
    """max(bilinear(map), 0): (B, h, w) -> (B, size_px, size_px)."""
    return F.interpolate(signed[:, None], size=(size_px, size_px), mode="bilinear")[:, 0].clamp(
        min=0
    )


def peak_scaled(positive: torch.Tensor) -> torch.Tensor:
    """Each map (B, H, W) >= 0 over its maximum; zero where that is zero."""
    peak = positive.amax((1, 2), keepdim=True)
    return torch.where(peak > 0, positive / peak.clamp(min=torch.finfo(peak.dtype).tiny), 0)


def clip(maps: torch.Tensor, percentile: float) -> torch.Tensor:
    """Each map (B, H, W) cut at a percentile (%) of its own pixels."""
    return torch.minimum(maps, _percentile(maps, percentile).view(-1, 1, 1))


def _percentile(values: torch.Tensor, percentile: float) -> torch.Tensor:
    """(B,) percentile of each map by linear interpolation, as numpy has it; torch.quantile stops at 16 M values."""
    ordered = values.flatten(1).sort(1).values
    position = percentile / 100 * (ordered.shape[1] - 1)
    low = int(position)
    high = min(low + 1, ordered.shape[1] - 1)
    return torch.lerp(ordered[:, low], ordered[:, high], position - low)


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
    row = position_of_pixel(size_px, height, positions.device)
    column = position_of_pixel(size_px, width, positions.device)
    pixels = (
        torch.bincount(row, minlength=height)[:, None]
        * torch.bincount(column, minlength=width)[None, :]
    )
    return (positions / pixels)[:, row][:, :, column]


def position_of_pixel(size_px: int, count: int, device) -> torch.Tensor:
    """(size_px,) which of `count` equal parts of an image's side holds each pixel's centre."""
    return ((torch.arange(size_px, device=device) * 2 + 1) * count) // (2 * size_px)


def cells_at_once(size_px: int) -> int:
    """Cells of a batch at an image size of `size_px`."""
    return max(1, BATCH_PIXELS // size_px**2)


def pixels_of(images_uint8: np.ndarray, device: torch.device) -> torch.Tensor:
    """(B, H, W, 3) uint8 images as the network's layout wants them: (B, 3, H, W) uint8 on its device."""
    return torch.from_numpy(images_uint8).permute(0, 3, 1, 2).to(device)


def map_cells(network, images_uint8: np.ndarray, settings) -> list[CellMaps]:
    """Maps of raw images, at the image's size.

    Args:
        network: trained, on its device.
        images_uint8: (B, H, W, 3) uint8.
        settings: of the run.
    """
    raw = pixels_of(images_uint8, next(network.parameters()).device)
    images = datasets.normalise(raw, settings.image.normalise)
    target_layer = backbones.find_backbone(settings.model.backbone).target_layer
    maps = compute_maps(network, images, target_layer, settings.activation.centre)
    poor, rich = project_published(maps, images.shape[-1], settings.activation.clip_percentile)
    contribution = spread_evenly(maps.contribution, images.shape[-1])
    flat = maps.flat[0] | maps.flat[1]
    poor, rich, contribution = (side.cpu().numpy() for side in (poor, rich, contribution))
    return [
        CellMaps(poor[i], rich[i], contribution[i], float(maps.logit[i]), maps.bias, bool(flat[i]))
        for i in range(len(images))
    ]
