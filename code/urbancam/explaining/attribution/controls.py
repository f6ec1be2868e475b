"""What an activation ratio is worth: maps with their signal taken away, part by part.

The published map without its gradient or without its map, centred the other way, laid elsewhere;
and the image's edges, which know of no income. None of them needs a further pass through the
network; `random_weights` holds the controls that do.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from scipy import ndimage

from urbancam.explaining import activation, pixel_maps, upsampling
from urbancam.explaining.activation import Maps, Sides

Move = Callable[[torch.Tensor], torch.Tensor]  # of maps (..., H, W) on their own area

LUMA = (0.2989, 0.587, 0.114)  # of red, green, blue (ITU-R BT.601, as torchvision rounds it)
# The others are parts of a published map, which is clipped already.
CLIPPED_HERE = {"gradient_alone", "map_alone", "edges"}


def take_apart(
    names: list[str],
    maps: Maps,
    published: Sides,
    pixels: torch.Tensor,
    centre: bool,
    clip_percentile: float,
) -> dict[str, Sides]:
    """The controls that need no further pass through the network.

    Args:
        names: Names of controls (`controls.maps`).
        maps: Maps of the images.
        published: Poor and rich map, each (B, H, W).
        pixels: (B, 3, H, W) uint8, the images.
        centre: Whether the published map is centred.
        clip_percentile: %, as in the published map.

    Returns:
        `{control: (poor, rich)}`, each (B, H, W) >= 0.
    """
    size_px = pixels.shape[-1]
    # Functions, so that only the controls that are asked for are computed.
    control: dict[str, Callable[[], Sides]] = {
        "gradient_alone": lambda: maps.gradient,
        "map_alone": lambda: map_alone(maps, size_px),
        "other_centring": lambda: other_centring(maps, size_px, centre, clip_percentile),
        "shifted": lambda: moved(published, shift_half),
        "rotated": lambda: moved(published, turn_around),
        "edges": lambda: (sobel(pixels),) * 2,
    }
    by_control = {}
    for name in names:
        poor, rich = control[name]()
        if name in CLIPPED_HERE:
            poor = upsampling.clip(poor, clip_percentile)
            rich = upsampling.clip(rich, clip_percentile)
        by_control[name] = poor, rich
    return by_control


def map_alone(maps: Maps, size_px: int) -> Sides:
    """The published map before it is multiplied by the input gradient; zero for a flat cell."""
    sides = []
    for signed, flat in zip(maps.signed, maps.flat, strict=True):
        positive = upsampling.positive_part(signed, maps.lattice, size_px)
        scaled = upsampling.peak_scaled(positive)
        is_flat = flat.view(-1, 1, 1)
        sides.append(torch.where(is_flat, 0, scaled))
    poor, rich = sides
    return poor, rich


def other_centring(
    maps: Maps,
    size_px: int,
    centre: bool,
    clip_percentile: float,
) -> Sides:
    """The published map, centred if the run's is not, and not centred if the run's is."""
    maps_and_flat = []
    for gradient in maps.layer_gradient:
        raw = activation.grad_cam(maps.layer, gradient)
        maps_and_flat.append(activation.centred(raw, not centre))
    signed, flat = zip(*maps_and_flat, strict=True)
    other = replace(maps, signed=signed, flat=flat)
    return pixel_maps.project_published(other, size_px, clip_percentile)


def moved(published: Sides, move: Move) -> Sides:
    """Both sides of the published map, laid elsewhere by `move`."""
    poor, rich = published
    return move(poor), move(rich)


def shift_half(maps: torch.Tensor) -> torch.Tensor:
    """(..., H, W) rolled by half its size both ways.

    It is the same as polygons that are rolled back, areas and all.
    """
    height, width = maps.shape[-2:]
    # Half a size is as far from the old place as a torus allows.
    half = (height // 2, width // 2)
    return maps.roll(half, (-2, -1))


def turn_around(maps: torch.Tensor) -> torch.Tensor:
    """(..., H, W) turned by 180 degrees: the same as polygons that are turned."""
    return maps.flip(-2, -1)


def sobel(pixels: torch.Tensor) -> torch.Tensor:
    """Magnitude of the grey image's Sobel gradient, no edge at the border.

    Args:
        pixels: (B, 3, H, W) uint8.

    Returns:
        (B, H, W) float32 >= 0, grey levels of 0..255.
    """
    grey = torch.einsum("bchw,c->bhw", pixels.float().cpu(), torch.tensor(LUMA)).numpy()
    slope_down = ndimage.sobel(grey, 1, mode="nearest")
    slope_across = ndimage.sobel(grey, 2, mode="nearest")
    magnitude = np.hypot(slope_down, slope_across)
    return torch.from_numpy(magnitude).to(pixels.device)
