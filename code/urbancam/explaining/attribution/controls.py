"""What an activation ratio is worth: maps with their signal taken away, part by part.

`weights`: the network's weights are drawn anew, from the linear unit down, cumulatively (Adebayo et al. 2018,
"cascading randomisation"). `take_apart`: the published map without its gradient or without its map, centred the other
way, laid elsewhere; and the image's edges, which know of no income.
"""

import copy
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, pairwise

import numpy as np
import torch
from scipy import ndimage
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torchvision.transforms.functional import rgb_to_grayscale

from urbancam.explaining import activation
from urbancam.explaining.activation import Maps, Sides
from urbancam.learning import networks

STAGES = 6  # of the features; ASSUME: as many as a network has scales, about


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
        names: of controls (`controls.maps`).
        maps: of the images.
        published: poor and rich map, each (B, H, W).
        pixels: (B, 3, H, W) uint8, the images.
        centre: whether the published map is centred.
        clip_percentile: %, as in the published map.

    Returns:
        `{control: (poor, rich)}`, each (B, H, W) >= 0.
    """
    size_px = pixels.shape[-1]
    make = {
        "gradient_alone": lambda: maps.gradient,
        "map_alone": lambda: map_alone(maps, size_px),
        "other_centring": lambda: other_centring(maps, size_px, centre, clip_percentile),
        "shifted": lambda: moved(published, shift_half),
        "rotated": lambda: moved(published, turn_around),
        "edges": lambda: (sobel(pixels),) * 2,
    }
    made = {name: make[name]() for name in names}
    for name in {"gradient_alone", "map_alone", "edges"} & made.keys():
        poor, rich = (activation.clip(side, clip_percentile) for side in made[name])
        made[name] = poor, rich
    return made


def map_alone(maps: Maps, size_px: int) -> Sides:
    """The published map before it is multiplied by the input gradient; zero for a flat cell."""
    poor, rich = (
        torch.where(
            flat.view(-1, 1, 1),
            0,
            activation.peak_scaled(activation.positive_part(signed, size_px)),
        )
        for signed, flat in zip(maps.signed, maps.flat, strict=True)
    )
    return poor, rich


def other_centring(maps: Maps, size_px: int, centre: bool, clip_percentile: float) -> Sides:
    """The published map, centred if the run's is not, and not centred if the run's is."""
    signed, flat = zip(
        *(
            activation.centred(activation.grad_cam(maps.layer, side), not centre)
            for side in maps.layer_gradient
        ),
        strict=True,
    )
    return activation.project_published(
        replace(maps, signed=signed, flat=flat), size_px, clip_percentile
    )


def moved(published: Sides, move) -> Sides:
    poor, rich = published
    return move(poor), move(rich)


def shift_half(maps: torch.Tensor) -> torch.Tensor:
    """(..., H, W) rolled by half its size both ways: the same as polygons that are rolled back, areas and all."""
    return maps.roll((maps.shape[-2] // 2, maps.shape[-1] // 2), (-2, -1))


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
    grey = rgb_to_grayscale(pixels.float())[:, 0].cpu().numpy()
    slopes = (ndimage.sobel(grey, axis, mode="nearest") for axis in (1, 2))
    return torch.from_numpy(np.hypot(*slopes)).to(pixels.device)


# ---- weights drawn anew


def stages(features: nn.Module, count: int = STAGES) -> list[list[str]]:
    """Modules of the features in stages, the last layers first.

    A unit is a child of the features, or of a child that is a list of blocks; a batch norm goes with the unit before.

    Returns:
        names of modules, at most `count` lists of about as many units each, the first the top of the network.
    """
    units: list[list[str]] = []
    for name, child in features.named_children():
        blocks = child.named_children() if isinstance(child, nn.Sequential | nn.ModuleList) else ()
        for unit in [f"{name}.{part}" for part, _ in blocks] or [name]:
            shapes = [parameter.ndim for parameter in features.get_submodule(unit).parameters()]
            if shapes and max(shapes) == 1 and units:
                units[-1].append(unit)
            elif shapes:
                units.append([unit])
    cuts = np.linspace(0, len(units), min(count, len(units)) + 1).round().astype(int)
    return [list(chain(*units[low:high])) for low, high in pairwise(cuts)][::-1]


def stage_names(features: nn.Module) -> list[str]:
    """Names of the controls, `weights_1` (the linear unit) to `weights_N` (all of the network)."""
    return [f"weights_{number}" for number in range(1, len(stages(features)) + 2)]


def randomise(
    network: networks.Network, settings, calibration: torch.Tensor, seed: list[int]
) -> Iterator[tuple[str, networks.Network]]:
    """The network with ever more of its weights drawn anew, from the top.

    Batch norm with statistics of other weights makes maps vanish: those of all that is random are calibrated on images.

    Args:
        network: trained; left as it is.
        settings: section `model`; weights are drawn as a training from random weights draws them.
        calibration: (M, 3, H, W) normalised images.
        seed: of the weights.

    Yields:
        name of the control and the network, which is the same object, changed, each time.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(np.random.default_rng(seed).integers(2**31)))
        fresh = networks.build(settings, pretrained=False).to(calibration.device)
    changed = copy.deepcopy(network).eval()
    changed.linear.load_state_dict(fresh.linear.state_dict())
    names, drawn = stage_names(changed.features), []
    yield names[0], changed
    for name, units in zip(names[1:], stages(changed.features), strict=True):
        for unit in units:
            changed.features.get_submodule(unit).load_state_dict(
                fresh.features.get_submodule(unit).state_dict()
            )
        drawn += units
        calibrate(changed, drawn, calibration)
        yield name, changed


def calibrate(network: networks.Network, units: list[str], images: torch.Tensor) -> None:
    """Running statistics of the batch norms of some units, from one batch of images; all else is left as it is.

    Args:
        network: in evaluation mode.
        units: names of modules of its features.
        images: (M, 3, H, W) normalised.
    """
    found = [part for unit in units for part in network.features.get_submodule(unit).modules()]
    norms = [part for part in found if isinstance(part, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over batches
        norm.train()
    with torch.no_grad():
        network(images)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()
