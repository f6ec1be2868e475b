"""Maps of cells as they are laid on polygons: several cells at once, at their images' size."""

import numpy as np
import torch

from urbancam.explaining.activation import Maps, Sides, compute_maps
from urbancam.explaining.projection import CellMaps
from urbancam.explaining.upsampling import clip, peak_scaled, positive_part, spread_evenly
from urbancam.learning.models import backbones

# Memory grows with the pixels of a batch; 32 cells of the demo's 192 px, one or two of 800 px.
BATCH_PIXELS = 32 * 192**2


def project_published(maps: Maps, size_px: int, clip_percentile: float) -> Sides:
    """Poor and rich map at the image's size, as published (docs/method.md, "Activation maps").

    U = max(bilinear(signed map), 0), V = U / max U, B = V sum_channels |dy_c/dx|, clipped at a
    percentile of B; c is the poorest class for poor, the richest for rich.

    Args:
        maps: Maps of a batch.
        size_px: Side H = W of the image.
        clip_percentile: %, over the map's pixels, linear interpolation.

    Returns:
        poor and rich, each (B, H, W) >= 0, zero everywhere for a flat cell.
    """
    sides = []
    for signed, gradient, flat in zip(maps.signed, maps.gradient, maps.flat, strict=True):
        u = positive_part(signed, maps.lattice, size_px)
        v = peak_scaled(u)
        b = clip(v * gradient, clip_percentile)
        sides.append(torch.where(flat.view(-1, 1, 1), 0, b))
    poor, rich = sides
    return poor, rich


def cells_at_once(size_px: int) -> int:
    """Number of cells in a batch at an image size of `size_px`."""
    return max(1, BATCH_PIXELS // size_px**2)


def pixels_of(images_uint8: np.ndarray, device: torch.device) -> torch.Tensor:
    """(B, H, W, 3) uint8 images in the network's layout: (B, 3, H, W) uint8 on its device."""
    channels_first = torch.from_numpy(images_uint8).permute(0, 3, 1, 2)
    return channels_first.to(device)


def map_cells(network, images_uint8: np.ndarray, settings) -> list[CellMaps]:
    """Maps of raw images, at the image's size.

    Args:
        network: Trained network, on its device.
        images_uint8: (B, H, W, 3) uint8.
        settings: Settings of the run.
    """
    # Images as the training had them.
    raw = pixels_of(images_uint8, next(network.parameters()).device)
    images = network.normalised(raw, settings.image.normalise)
    size_px = images.shape[-1]

    target_layer = backbones.find_backbone(settings.model.backbone).target_layer
    asked = settings.activation
    maps = compute_maps(network, images, target_layer, asked.centre, asked.positions)
    poor, rich = project_published(maps, size_px, asked.clip_percentile)
    contribution = spread_evenly(maps.contribution, maps.contribution_lattice, size_px)
    return _by_cell(maps, poor, rich, contribution)


def _by_cell(maps: Maps, poor, rich, contribution) -> list[CellMaps]:
    """Maps of a batch, each (B, H, W), as one record per cell."""
    # A cell of which one side is flat has no published map.
    flat = maps.flat[0] | maps.flat[1]
    poor = poor.cpu().numpy()
    rich = rich.cpu().numpy()
    contribution = contribution.cpu().numpy()
    return [
        CellMaps(
            poor=poor[i],
            rich=rich[i],
            contribution=contribution[i],
            logit=float(maps.logit[i]),
            bias=maps.bias,
            flat=bool(flat[i]),
            positions=maps.contribution.shape[-1],
        )
        for i in range(len(flat))
    ]
