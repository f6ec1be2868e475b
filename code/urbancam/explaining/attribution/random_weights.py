"""The network with ever more of its weights drawn anew: do its maps hang on what it has learned?

Weights are drawn anew from the linear unit down, cumulatively (Adebayo et al. 2018, "cascading
randomisation").
"""

import copy
from collections.abc import Iterator
from itertools import chain, pairwise

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from urbancam.learning.models import networks

WRAPPED = "body"  # child of the features that is a whole network: timm's
STAGES = 6  # of the features; ASSUME: as many as a network has scales, about


def stages(features: nn.Module, count: int = STAGES) -> list[list[str]]:
    """Modules of the features in stages, the last layers first.

    A unit is a child of the features, or of a child that is a list of blocks; a batch norm goes
    with the unit before.

    Args:
        features: Features of a network.
        count: Number of stages, at most.

    Returns:
        names of modules, at most `count` lists of about as many units each, the first the top of
        the network.
    """
    units = _units(features)
    n_stages = min(count, len(units))
    # Whole units, about as many in each stage.
    cuts = np.linspace(0, len(units), n_stages + 1)
    cuts = cuts.round().astype(int)
    from_below = []
    for low, high in pairwise(cuts):
        names = chain(*units[low:high])
        from_below.append(list(names))
    return from_below[::-1]


def _units(features: nn.Module) -> list[list[str]]:
    """Names of the modules of each unit, the first layers first."""
    units: list[list[str]] = []
    for name in _module_names(features):
        parameters = features.get_submodule(name).parameters()
        dimensions = [parameter.ndim for parameter in parameters]
        if not dimensions:
            continue  # nothing to draw
        is_norm = max(dimensions) == 1
        if is_norm and units:
            units[-1].append(name)
        else:
            units.append([name])
    return units


def _module_names(features: nn.Module) -> Iterator[str]:
    """Names of the children of the features, and of the blocks where a child is a list of them."""
    for name, child in features.named_children():
        is_list = isinstance(child, nn.Sequential | nn.ModuleList) or name == WRAPPED
        if is_list and len(list(child.children())):
            yield from (f"{name}.{block}" for block in _module_names(child))
        else:
            yield name


def stage_names(features: nn.Module) -> list[str]:
    """Names of the controls, `weights_1` (the linear unit) to `weights_N` (all of the network)."""
    count = 1 + len(stages(features))
    return [f"weights_{number}" for number in range(1, count + 1)]


def randomise(
    network: networks.Network, settings, calibration: torch.Tensor, seed: list[int]
) -> Iterator[tuple[str, networks.Network]]:
    """The network with ever more of its weights drawn anew, from the top.

    Batch norm with statistics of other weights makes maps vanish: those of all that is random are
    calibrated on images.

    Args:
        network: Trained network; left as it is.
        settings: Section `model`; weights are drawn as a training from random weights draws them.
        calibration: (M, 3, H, W) normalised images.
        seed: Seed of the weights.

    Yields:
        name of the control and the network, which is the same object, changed, each time.
    """
    fresh = _fresh_network(settings, seed).to(calibration.device)
    changed = copy.deepcopy(network).eval()
    names = stage_names(changed.features)

    # The linear unit has no batch norm: nothing to calibrate.
    changed.linear.load_state_dict(fresh.linear.state_dict())
    yield names[0], changed

    random_units = []
    units_of_stages = stages(changed.features)
    for name, units in zip(names[1:], units_of_stages, strict=True):
        for unit in units:
            fresh_unit = fresh.features.get_submodule(unit)
            changed_unit = changed.features.get_submodule(unit)
            changed_unit.load_state_dict(fresh_unit.state_dict())
        if name == names[-1]:  # with what lies in no unit: a transformer's positions
            changed.features.load_state_dict(fresh.features.state_dict())
        # The norms above see other inputs now: all that is random is calibrated again.
        random_units += units
        calibrate(changed, random_units, calibration)
        yield name, changed


def _fresh_network(settings, seed: list[int]) -> networks.Network:
    """A network with random weights; torch's own random numbers stay where they were."""
    number = int(np.random.default_rng(seed).integers(2**31))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(number)
        return networks.build(settings, pretrained=False)


def calibrate(
    network: networks.Network,
    units: list[str],
    images: torch.Tensor,
) -> None:
    """Running statistics of the batch norms of some units, from one batch of images.

    All else is left as it is.

    Args:
        network: Network in evaluation mode.
        units: Names of modules of its features.
        images: (M, 3, H, W) normalised.
    """
    norms = []
    for unit in units:
        modules = network.features.get_submodule(unit).modules()
        norms += [module for module in modules if isinstance(module, _BatchNorm)]
    # Forget the running statistics, and take those of these images.
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over batches
        norm.train()
    with torch.no_grad():
        network(images)
    # Back as it was, but for the statistics.
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()
