"""Batch norms merged into the convolutions before them: the same maps, of every backbone."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from small_networks import brightness
from urbancam.explaining import activation, merged_norms
from urbancam.learning.models import backbones, networks
from urbancam.workflow.settings import settings

SIZE_PX = 96
# Of the largest value: what rounding may change of a map.
CLOSE = 1e-4
CLOSE_IN_DOUBLE = 1e-12
# Batch norms that stay: the one behind the layer that maps are taken from.
NORMS_LEFT = {
    "efficientnet-b0": 1,
    "resnet18": 0,
    "timm/test_efficientnet": 1,
    "timm/test_resnet": 0,
    "timm/tf_efficientnet_b0": 1,
}


def draw_norms(network: nn.Module) -> None:
    """Statistics, scales and shifts that leave no batch norm as it was built."""
    generator = torch.Generator().manual_seed(1)
    for norm in norms_of(network):
        norm.running_mean.normal_(0, 0.3, generator=generator)
        norm.running_var.uniform_(0.5, 2, generator=generator)
        with torch.no_grad():
            norm.weight.uniform_(0.5, 1.5, generator=generator)
            norm.bias.normal_(0, 0.3, generator=generator)


def norms_of(network: nn.Module) -> list[nn.BatchNorm2d]:
    return [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]


def build(backbone: str) -> networks.Network:
    torch.manual_seed(0)
    model = settings.load("demo-tiny", [f"model.backbone={backbone}"]).model
    network = networks.build(model, pretrained=False).eval()
    draw_norms(network)
    return network


def random_images(size_px: int = SIZE_PX) -> torch.Tensor:
    return torch.randn(2, 3, size_px, size_px, generator=torch.Generator().manual_seed(2))


def assert_same_maps(network, merged, images, layer: str, close: float) -> None:
    expected = activation.compute_maps(network, images, layer)
    got = activation.compute_maps(merged, images, layer)
    assert (got.lattice, got.contribution_lattice) == (
        expected.lattice,
        expected.contribution_lattice,
    )
    assert got.bias == expected.bias
    for name in ("logit", "layer", "contribution", "signed", "gradient", "layer_gradient"):
        pairs = getattr(got, name), getattr(expected, name)
        for one, other in [pairs] if torch.is_tensor(pairs[0]) else zip(*pairs, strict=True):
            assert other.abs().max() > 0, name
            assert (one - other).abs().max() <= close * other.abs().max(), name


@pytest.mark.parametrize(
    "backbone",
    [
        pytest.param(name, marks=pytest.mark.slow) if name == "resnet18" else name
        for name in NORMS_LEFT
    ],
)
def test_maps_and_contributions_stay_the_same(backbone):
    network = build(backbone)
    layer = backbones.find_backbone(backbone).target_layer
    merged = merged_norms.merge_norms(network, layer)
    assert len(norms_of(merged)) == NORMS_LEFT[backbone]
    assert_same_maps(network, merged, random_images(), layer, CLOSE)


@pytest.mark.slow
@pytest.mark.parametrize("backbone", NORMS_LEFT)
def test_only_rounding_differs(backbone):
    network = build(backbone).double()
    layer = backbones.find_backbone(backbone).target_layer
    merged = merged_norms.merge_norms(network, layer)
    assert_same_maps(network, merged, random_images().double(), layer, CLOSE_IN_DOUBLE)


@pytest.mark.parametrize("backbone", ["timm/test_convnext", "timm/test_vit"])
def test_network_without_batch_norms_stays_itself(backbone):
    network = build(backbone)
    layer = backbones.find_backbone(backbone).target_layer
    assert merged_norms.merge_norms(network, layer) is network


def test_half_precision_channels_last_and_the_network_itself_stay():
    network = build("timm/test_efficientnet").to(torch.bfloat16).train()
    before = copy.deepcopy(network.state_dict())
    layer = backbones.find_backbone("timm/test_efficientnet").target_layer
    merged = merged_norms.merge_norms(network, layer)
    assert network.training
    assert not merged.training
    after = network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert {parameter.dtype for parameter in merged.parameters()} == {torch.bfloat16}
    for module in merged.modules():
        if isinstance(module, nn.Conv2d):
            assert module.weight.is_contiguous(memory_format=torch.channels_last)
    images = random_images().to(torch.bfloat16).to(memory_format=torch.channels_last)
    expected = activation.compute_maps(network, images, layer)
    got = activation.compute_maps(merged, images, layer)
    peak = expected.contribution.abs().max()
    assert (got.contribution - expected.contribution).abs().max() <= 0.05 * peak
    assert got.layer.is_contiguous(memory_format=torch.channels_last)


# ---- what stays as it is


class Twice(nn.Module):
    """A convolution whose output goes past its batch norm, too."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.norm = nn.BatchNorm2d(3)

    def forward(self, images):
        found = self.conv(images)
        return found + self.norm(found)


class Shared(nn.Module):
    """Two passes through a convolution and a batch norm, one of which is the same in both.

    Args:
        convolutions, norms: How many there are, 1 or 2.
    """

    def __init__(self, convolutions: int, norms: int):
        super().__init__()
        self.convolutions = nn.ModuleList(convolution() for _ in range(convolutions))
        self.norms = nn.ModuleList(nn.BatchNorm2d(3) for _ in range(norms))

    def forward(self, images):
        found = self.norms[0](self.convolutions[0](images))
        return self.norms[-1](self.convolutions[-1](torch.sigmoid(found)))


def chain(conv: nn.Module, norm: nn.Module) -> nn.Module:
    return nn.Sequential(conv, norm, nn.SiLU(), convolution(), nn.BatchNorm2d(3))


def convolution() -> nn.Conv2d:
    return nn.Conv2d(3, 3, 3, padding=1)


def with_weight_norm() -> nn.Module:
    return parametrizations.weight_norm(convolution())


# Network, the layer that maps are taken from, and how many batch norms stay.
KEPT = {
    "nothing": (lambda: chain(convolution(), nn.BatchNorm2d(3)), "2", 0),
    "output goes elsewhere": (Twice, "norm", 1),
    "convolution passed twice": (lambda: Shared(1, 2), "norms.1", 2),
    "norm passed twice": (lambda: Shared(2, 1), "", 1),
    "the maps' layer": (lambda: chain(convolution(), nn.BatchNorm2d(3)), "0", 1),
    "end of the maps' layer": (
        lambda: chain(nn.Sequential(nn.ReLU(), convolution()), nn.BatchNorm2d(3)),
        "0",
        1,
    ),
    "weight made anew": (lambda: chain(with_weight_norm(), nn.BatchNorm2d(3)), "2", 1),
    "no convolution before": (lambda: chain(nn.ReLU(), nn.BatchNorm2d(3)), "2", 1),
}


@pytest.mark.parametrize("case", KEPT)
def test_what_does_not_fit_is_left(case):
    make, layer, left = KEPT[case]
    torch.manual_seed(0)
    network = brightness(make())
    draw_norms(network)
    merged = merged_norms.merge_norms(network, layer)
    assert len(norms_of(merged)) == left
    assert_same_maps(network, merged, random_images(32), layer, CLOSE)


def test_norm_without_statistics_is_left():
    network = brightness(chain(convolution(), nn.BatchNorm2d(3, track_running_stats=False)))
    merged = merged_norms.merge_norms(network, "2")
    assert len(norms_of(merged)) == 1
    assert_same_maps(network, merged, random_images(32), "2", CLOSE)
