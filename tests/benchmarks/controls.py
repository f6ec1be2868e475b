"""The controls of the activation maps (step 16), beside the passes through networks that they ask
for."""

import numpy as np
import torch

from benchmarks.activation_maps import draw
from benchmarks.measuring import Target, Ways, benchmark
from urbancam.explaining import activation, pixel_maps
from urbancam.explaining.attribution import deletion, groups, random_weights, twins
from urbancam.explaining.projection import LabelledPixels
from urbancam.learning.inputs import datasets
from urbancam.learning.models import networks
from urbancam.workflow.settings.settings import Settings

FRAGMENTS = 11  # of a cell of Paris, on average
CURVES = 4  # orders of the patches, each deleted and put back
CELLS_A_CURVE = 10  # of 2000 cells 200 have curves


@benchmark("controls of the maps, 128 px", Target(ratio=1.3), unit="s a cell", repeats=2)
def controls_of_maps(tiny: bool) -> Ways:
    """All methods and controls of five cells, EfficientNet-B0; the floor is the bare passes: 40
    forwards with the input's gradient of each cell, 74 forwards of a cell with curves, and 6 of 32
    images that calibrate random weights."""
    settings, network, images = draw(64 if tiny else 128, 3 if tiny else 5)
    group = draw_group(images)
    calibration = images[np.arange(groups.CALIBRATION_IMAGES) % len(images)]
    return Ways(
        ours=lambda: groups.examine(group, network, calibration, settings),
        floor=lambda: bare_passes(network, group, calibration, settings),
        items=len(images),
    )


def draw_group(images: np.ndarray) -> groups.Group:
    """Cells whose fragments are stripes, each of a class of its own."""
    count, size_px = images.shape[:2]
    stripe = 1 + np.arange(size_px) * FRAGMENTS // size_px
    labels = np.broadcast_to(stripe, (size_px, size_px))
    rich = np.arange(count) % 2 == 0
    composition = np.random.default_rng(0).dirichlet(np.ones(FRAGMENTS), count)
    return groups.Group(
        ids=np.array([f"cell {number}" for number in range(count)]),
        images=images,
        pixels=[LabelledPixels.group(labels, FRAGMENTS)] * count,
        classes=[labels] * count,
        rich=rich,
        with_curves=np.arange(count) % CELLS_A_CURVE == 0,
        seed=[0, 0, 0],
        twins=twins.find_twins(composition, rich),
    )


def bare_passes(
    network: networks.Network, group: groups.Group, calibration: np.ndarray, settings: Settings
) -> None:
    """The passes of all controls of a group, by the trained network, and nothing of their maps."""
    asked = settings.controls
    device = next(network.parameters()).device

    def normalised(images_uint8: np.ndarray) -> torch.Tensor:
        pixels = pixel_maps.pixels_of(images_uint8, device)
        return datasets.normalise(pixels, settings.image.normalise)

    images = normalised(group.images)
    stages = len(random_weights.stage_names(network.features))
    with activation.frozen(network):
        for _ in range(1 + asked.integrated_gradients_steps + stages):
            leaf = images.detach().requires_grad_(True)
            torch.autograd.grad(network(leaf).sum(), leaf)

    side = images.shape[-1] // 32  # positions of the target layer
    between = len(deletion.fractions((side, side), asked.deletion_steps)) - 2
    with torch.no_grad():
        of_curves = images[torch.from_numpy(group.with_curves)]
        for _ in range(2 + 2 * CURVES * between):
            network(of_curves)
        calibrating = normalised(calibration)
        for _ in range(stages - 1):
            network(calibrating)
