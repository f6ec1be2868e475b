"""From the positions of a layer to the pixels of the image, in the two ways that maps need.

The published map is interpolated, rectified, scaled and clipped. Contributions are spread without
interpolation, so that their sums stay what they are.
"""

import torch
from torch.nn import functional as F


def positive_part(signed: torch.Tensor, size_px: int) -> torch.Tensor:
    """max(bilinear(map), 0): (B, h, w) -> (B, size_px, size_px)."""
    one_channel = signed[:, None]
    size = (size_px, size_px)
    interpolated = F.interpolate(one_channel, size=size, mode="bilinear")
    return interpolated[:, 0].clamp(min=0)


def peak_scaled(positive: torch.Tensor) -> torch.Tensor:
    """Each map (B, H, W) >= 0 over its maximum; zero where that is zero."""
    peak = positive.amax((1, 2), keepdim=True)
    # Where the peak is zero the quotient is not taken, yet computed: nothing may divide by zero.
    smallest = torch.finfo(peak.dtype).tiny
    scaled = positive / peak.clamp(min=smallest)
    return torch.where(peak > 0, scaled, 0)


def clip(maps: torch.Tensor, percentile: float) -> torch.Tensor:
    """Each map (B, H, W) cut at a percentile (%) of its own pixels."""
    limit = _percentile(maps, percentile).view(-1, 1, 1)
    return torch.minimum(maps, limit)


def _percentile(values: torch.Tensor, percentile: float) -> torch.Tensor:
    """(B,) percentile of each map by linear interpolation, as numpy has it."""
    # torch.quantile stops at 16 M values.
    ordered = values.flatten(1).sort(1).values
    last = ordered.shape[1] - 1
    position = percentile / 100 * last
    low = int(position)
    high = min(low + 1, last)
    below = ordered[:, low]
    above = ordered[:, high]
    return torch.lerp(below, above, position - low)


def spread_evenly(positions: torch.Tensor, size_px: int) -> torch.Tensor:
    """Lay a map on pixels without interpolation.

    Each position's value is spread evenly over its own pixels; a pixel belongs to the position
    that holds its centre. Sums are kept exactly: over all pixels, and over any set of whole
    positions.

    Args:
        positions: (B, h, w) values of the positions.
        size_px: Side of the image, at least h and w.

    Returns:
        (B, size_px, size_px), same units per pixel.
    """
    height, width = positions.shape[1:]
    row = position_of_pixel(size_px, height, positions.device)
    column = position_of_pixel(size_px, width, positions.device)
    # An image that is no multiple of the layer has positions of unequal size.
    pixels_down = torch.bincount(row, minlength=height)
    pixels_across = torch.bincount(column, minlength=width)
    pixels = pixels_down[:, None] * pixels_across[None, :]
    per_pixel = positions / pixels
    return per_pixel[:, row][:, :, column]


def position_of_pixel(size_px: int, count: int, device) -> torch.Tensor:
    """(size_px,) which of `count` equal parts of an image's side holds each pixel's centre."""
    # Centres in half pixels, so that whole numbers do.
    centre = torch.arange(size_px, device=device) * 2 + 1
    return (centre * count) // (2 * size_px)
