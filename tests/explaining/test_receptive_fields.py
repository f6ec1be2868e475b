"""Centres of receptive fields: by hand, and by an impulse through every kind of backbone."""

import pytest
import torch
from timm.layers import SqueezeExcite
from torch import nn

from urbancam.explaining import receptive_fields
from urbancam.explaining.receptive_fields import Lattice, lattice_of
from urbancam.learning.models import backbones, networks
from urbancam.workflow.settings import settings


def test_two_convolutions_by_hand():
    features = nn.Sequential(nn.Conv2d(1, 1, 4, 4), nn.ReLU(), nn.Conv2d(1, 1, 3, 2))
    assert lattice_of(features, "0") == Lattice(2, 4)
    # Positions 0, 1, 2 of the first: the second one's centre.
    assert lattice_of(features, "2") == Lattice(6, 8)
    assert lattice_of(features, "") == lattice_of(features, "2")


def test_published_positions_are_equal_parts():
    lattice = receptive_fields.lay("published", nn.Identity(), "", 512, 16)
    assert lattice.centres_px(16).tolist() == [16 + 32 * i for i in range(16)]


def test_grid_that_the_strides_do_not_tell_is_refused():
    features = nn.Sequential(nn.Upsample(scale_factor=0.5))
    with pytest.raises(ValueError, match="4 positions on 64 px"):
        receptive_fields.lay("receptive_field", features, "0", 64, 4)


def test_geometry_of_two_kinds_is_refused():
    with pytest.raises(ValueError, match="3 down and 1 across"):
        lattice_of(nn.Sequential(nn.Conv2d(1, 1, (3, 1))), "0")


class _Averages(nn.Module):
    """A squeeze-and-excitation block's place, taken by what passes everything on."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs


NOT_LINEAR = (nn.BatchNorm2d, nn.LayerNorm, nn.ReLU, nn.GELU, nn.SiLU, SqueezeExcite)


def _made_linear(features: nn.Module) -> nn.Module:
    """Every convolution the mean of its inputs, and nothing between: gradients are box filters."""
    for module in features.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.constant_(module.weight, 1 / module.weight[0].numel())
        if hasattr(module, "has_se"):
            module.has_se = False
        for name, child in module.named_children():
            if isinstance(child, NOT_LINEAR) or "swish" in name:
                setattr(module, name, _Averages())
            elif isinstance(child, nn.MaxPool2d):
                setattr(module, name, nn.AvgPool2d(child.kernel_size, child.stride, child.padding))
    return features.double()


def _centre_of_impulse(features: nn.Module, shape: tuple[int, int], axis: int) -> float:
    """Centre (px) along an axis of what the middle position of an image of this shape reads."""
    image = torch.zeros(1, 3, *shape, dtype=torch.float64, requires_grad=True)
    out = features(image)
    middle = out[..., out.shape[2] // 2, out.shape[3] // 2]
    (gradient,) = torch.autograd.grad(middle.sum(), image)
    weight = gradient[0].sum(0).sum(1 - axis)
    pixel_centres = torch.arange(shape[axis], dtype=torch.float64) + 0.5
    return (weight @ pixel_centres / weight.sum()).item()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backbone", "off_px"),
    [
        ("efficientnet-b0", 15.5),
        ("efficientnet-b1", -0.5),
        ("efficientnet-b2", -12.5),
        ("resnet18", -15.5),
        ("resnet50", -15.5),
        ("timm/resnet18", -15.5),
        ("timm/efficientnet_b0", -15.5),
        ("timm/tf_efficientnet_b0", 15.5),
        ("timm/test_convnext", 0.0),
    ],
)
def test_impulse_is_centred_on_the_receptive_field(backbone, off_px):
    overlay = [f"model.backbone={backbone}", "model.drop_connect=0.0"]
    network = networks.build(settings.load("demo", overlay).model, pretrained=False)
    features = _made_linear(network.features.eval())
    # So long that a field in its middle meets no end. Box filters are products of both axes: the
    # other one may be cut.
    long_px, short_px = 1024, 64
    down = _centre_of_impulse(features, (long_px, short_px), 0)
    across = _centre_of_impulse(features, (short_px, long_px), 1)

    layer = backbones.find_backbone(backbone).target_layer
    middle = long_px // 32 // 2
    expected = lattice_of(features, layer).centres_px(middle + 1)[middle].item()
    assert (down, across) == pytest.approx((expected, expected), abs=0.1)
    square_px = 32 * (middle + 0.5)  # where the published map has it
    assert expected - square_px == off_px
