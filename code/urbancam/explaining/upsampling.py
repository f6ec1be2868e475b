"""From the positions of a layer to the pixels of the image, in the two ways that maps need.

The published map is interpolated, rectified, scaled and clipped. Contributions are spread without
interpolation, so that their sums stay what they are. Both take the places of the positions from a
lattice of centres (receptive_fields.py).
"""

import torch

from urbancam.explaining.receptive_fields import Lattice

# A pixel's centre this near to an edge between two positions is on it, px.
ROUNDING_PX = 1e-6


def interpolate(positions: torch.Tensor, lattice: Lattice, size_px: int) -> torch.Tensor:
    """Bilinear between the centres of the positions; beyond the outermost ones, their values.

    With `equal_parts` as the lattice it is what the published code does.

    Args:
        positions: (B, h, w) values of the positions.
        lattice: Centres of the positions.
        size_px: Side of the image.

    Returns:
        (B, size_px, size_px).
    """
    height, width = positions.shape[1:]
    down = _weights(lattice, size_px, height).to(positions)
    across = _weights(lattice, size_px, width).to(positions)
    return down @ positions @ across.T


def _weights(lattice: Lattice, size_px: int, count: int) -> torch.Tensor:
    """(size_px, count) float64: how much of each position a pixel takes; rows add up to 1."""
    pixel_centres = torch.arange(size_px, dtype=torch.float64) + 0.5
    place = (pixel_centres - lattice.first_px) / lattice.step_px
    place = place.clamp(0, count - 1)
    distance = (place[:, None] - torch.arange(count)).abs()
    return (1 - distance).clamp(min=0)


def positive_part(signed: torch.Tensor, lattice: Lattice, size_px: int) -> torch.Tensor:
    """max(bilinear(map), 0); arguments and result as in `interpolate`."""
    return interpolate(signed, lattice, size_px).clamp(min=0)


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
    pixels = values.flatten(1)
    last = pixels.shape[1] - 1
    position = percentile / 100 * last
    low = int(position)
    # The two values that it lies between are the least of the largest: no need to sort them all
    # (torch.quantile stops at 16 M values).
    largest = pixels.topk(last - low + 1, dim=1).values
    below = largest[:, -1]
    above = largest[:, max(-2, -largest.shape[1])]
    return torch.lerp(below, above, position - low)


def spread_evenly(positions: torch.Tensor, lattice: Lattice, size_px: int) -> torch.Tensor:
    """Lay a map on pixels without interpolation.

    Each position's value is spread evenly over its own pixels, those whose centres are nearest to
    its own. Sums are kept exactly: over all pixels, and over any set of whole positions.

    Args:
        positions: (B, h, w) values of the positions.
        lattice: Centres of the positions.
        size_px: Side of the image, at least h and w.

    Returns:
        (B, size_px, size_px), same units per pixel.
    """
    height, width = positions.shape[1:]
    row = position_of_pixel(lattice, size_px, height).to(positions.device)
    column = position_of_pixel(lattice, size_px, width).to(positions.device)
    # The outermost positions reach to the image's edges: their parts are of unequal size.
    pixels_down = torch.bincount(row, minlength=height)
    pixels_across = torch.bincount(column, minlength=width)
    pixels = pixels_down[:, None] * pixels_across[None, :]
    per_pixel = positions / pixels
    return per_pixel[:, row][:, :, column]


def position_of_pixel(lattice: Lattice, size_px: int, count: int) -> torch.Tensor:
    """(size_px,) which of `count` positions is nearest to each pixel of an image's side."""
    middles = lattice.centres_px(count)[1:] - lattice.step_px / 2
    # A position whose centre lies beyond the image keeps the pixel that is nearest to it.
    number = torch.arange(1, count, dtype=torch.float64)
    edges = middles.clamp(number, size_px - count + number)
    pixel_centres = torch.arange(size_px, dtype=torch.float64) + 0.5
    return torch.searchsorted(edges, pixel_centres + ROUNDING_PX, right=True)
