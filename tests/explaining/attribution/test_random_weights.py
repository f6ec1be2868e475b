"""Weights drawn anew: all of them, from the top, by the seed; the trained network stays."""

import pytest
import torch

from urbancam.explaining import activation
from urbancam.explaining.attribution import random_weights
from urbancam.learning.models import backbones, networks
from urbancam.workflow.settings import settings

RESNET = settings.load("demo", ["model.backbone=resnet18"]).model


@pytest.fixture(scope="module")
def trained() -> networks.Network:
    torch.manual_seed(3)
    return networks.build(RESNET).eval()


@pytest.mark.parametrize("backbone", ["efficientnet-b0", "resnet18", "resnet50", "timm/resnet18"])
def test_stages_hold_every_parameter_once_from_the_top(backbone):
    features = backbones.find_backbone(backbone).build(RESNET)
    stages = random_weights.stages(features)
    units = [unit for stage in stages for unit in stage]
    parameters = [
        parameter for unit in units for parameter in features.get_submodule(unit).parameters()
    ]
    assert len(stages) == 6
    assert len(set(units)) == len(units)
    n_weights = sum(parameter.numel() for parameter in parameters)
    assert n_weights == sum(parameter.numel() for parameter in features.parameters())
    last_names = [name for name, _ in features.named_parameters()][-40:]
    assert any(name.startswith(stages[0][-1]) for name in last_names)


@pytest.mark.parametrize("name", ["timm/test_efficientnet", "timm/test_convnext", "timm/test_vit"])
def test_at_the_end_no_weight_of_a_network_of_timm_is_the_trained_one(name):
    model = settings.load("demo", [f"model.backbone={name}"]).model
    torch.manual_seed(3)
    network = networks.build(model).eval()
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    for parameter in network.parameters():
        parameter.data += 10
    *_, (_, changed) = random_weights.randomise(network, model, images, [0])
    remaining = [name for name, weights in changed.named_parameters() if weights.max() > 5]
    assert not remaining


def trained_weights(network: networks.Network, trained: networks.Network) -> set[str]:
    """Weights of convolutions and of the linear unit that are still the trained ones."""
    names = set()
    pairs = zip(network.named_parameters(), trained.parameters(), strict=True)
    for (name, weights), weights_before in pairs:
        if weights.ndim > 1 and torch.equal(weights, weights_before):
            names.add(name)
    return names


def test_weights_go_from_the_linear_unit_down_and_the_network_stays(trained):
    weights_before = {name: value.clone() for name, value in trained.state_dict().items()}
    calibration = torch.randn(8, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    random_state = torch.random.get_rng_state()
    remaining = [
        trained_weights(changed, trained)
        for _, changed in random_weights.randomise(trained, RESNET, calibration, [0])
    ]
    for name, value in trained.state_dict().items():
        assert torch.equal(value, weights_before[name])
    assert torch.equal(torch.random.get_rng_state(), random_state)

    assert len(remaining) == 7
    assert all(below < above for above, below in zip(remaining, remaining[1:], strict=False))
    assert not remaining[-1]
    assert "linear.weight" not in remaining[0]
    assert "features.layer4.1.conv2.weight" in remaining[0] - remaining[1]


def test_random_weights_have_maps_because_their_statistics_are_calibrated(trained):
    generator = torch.Generator().manual_seed(0)
    calibration = 3 + 5 * torch.randn(8, 3, 64, 64, generator=generator)
    image = 3 + 5 * torch.randn(2, 3, 64, 64, generator=generator)
    *_, (name, changed) = random_weights.randomise(trained, RESNET, calibration, [0])
    with torch.no_grad():
        stem = changed.features.bn1(changed.features.conv1(calibration))
    assert name == random_weights.stage_names(trained.features)[-1] == "weights_7"
    assert stem.mean((0, 2, 3)).abs().max() < 0.1
    assert (stem.std((0, 2, 3)) - 1).abs().max() < 0.1
    maps = activation.compute_maps(changed, image, "layer4")
    assert not maps.flat[0].any()
    assert not changed.features.bn1.training


def test_random_weights_come_from_the_seed(trained):
    calibration = torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))

    def linear_weight(seed: list[int]) -> torch.Tensor:
        _, changed = next(random_weights.randomise(trained, RESNET, calibration, seed))
        return changed.linear.weight

    first = linear_weight([0])
    assert torch.equal(first, linear_weight([0]))
    assert not torch.equal(first, linear_weight([1]))
