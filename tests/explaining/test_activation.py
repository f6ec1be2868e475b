"""Activation maps: the one-pass closed form, additivity, orientation."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from small_networks import brightness
from urbancam.explaining import activation, pixel_maps, upsampling
from urbancam.learning.models import heads, networks
from urbancam.workflow.settings import settings


@pytest.fixture(scope="module")
def network() -> networks.Network:
    """EfficientNet-B0 in float64, its batch norms calibrated on data: maps are not vacuous."""
    torch.manual_seed(0)
    efficientnet = networks.build(settings.load("demo").model).double()
    for module in efficientnet.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # means over all batches: a few are enough
    with torch.no_grad():
        for _ in range(3):
            efficientnet.train()(torch.randn(8, 3, 64, 64, dtype=torch.float64))
    return efficientnet.eval()


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(4, 3, 64, 64, dtype=torch.float64, generator=generator)


def published_maps(network, images, target_layer: str):
    maps = activation.compute_maps(network, images, target_layer)
    return pixel_maps.project_published(maps, 64, 99)


# ---- against slower routes and the library


def two_pass_route(network, image, side: int) -> torch.Tensor:
    """Sections 4.5 to 4.7 as coded for one cell and one class, by pytorch-grad-cam's hooks.

    Without the closed form.
    """
    from pytorch_grad_cam.activations_and_gradients import ActivationsAndGradients

    image = image[None].clone().requires_grad_(True)
    hooks = ActivationsAndGradients(network, [network.features._conv_head], None)
    y = heads.binomial_log_probabilities(hooks(image)).exp()[0, side]
    (image_gradient,) = torch.autograd.grad(y, image)
    (layer,) = hooks.activations
    (layer_gradient,) = hooks.gradients
    hooks.release()

    grad_cam = (layer_gradient.mean((2, 3), keepdim=True) * layer).sum(1)[0]
    centred = grad_cam - grad_cam.mean()
    normed = centred / torch.linalg.matrix_norm(centred, ord=2)
    upsampled = F.interpolate(
        normed[None, None], size=image.shape[2:], mode="bilinear", align_corners=False
    )
    u = upsampled[0, 0].clamp(min=0)
    product = u / u.max() * image_gradient.abs().sum(1)[0]
    product = product.detach().numpy()
    return torch.from_numpy(np.minimum(product, np.percentile(product, 99)))


@pytest.mark.parametrize(("side", "income_class"), [(0, 0), (1, 4)], ids=["poor", "rich"])
def test_t3_one_pass_equals_two_pass_route(network, images, side, income_class):
    maps = activation.compute_maps(network, images, "_conv_head", positions="published")
    p = torch.sigmoid(maps.logit)
    assert ((p > 0.2) & (p < 0.8)).all()
    projected = pixel_maps.project_published(maps, 64, 99)[side]
    for got, image in zip(projected, images, strict=True):
        expected = two_pass_route(network, image, income_class)
        assert expected.max() > 1e-12
        assert (got - expected).abs().max() <= 1e-5 * expected.max()


@pytest.mark.slow
def test_grad_cam_equals_the_library(network, images):
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import RawScoresOutputTarget

    with GradCAM(network, [network.features._conv_head]) as library:
        library.activations_and_grads(images)
        expected = library.forward(images, [RawScoresOutputTarget()] * len(images))
    maps = activation.compute_maps(network, images, "_conv_head", centre=False)
    rich = maps.signed[1][:, None].clamp(min=0)
    upsampled = F.interpolate(rich, size=(64, 64), mode="bilinear")[:, 0].numpy()
    got = upsampled / upsampled.max((1, 2), keepdims=True)
    assert np.corrcoef(got.ravel(), expected.ravel())[0, 1] > 0.99


def test_contributions_add_up_to_the_logit(network, images):
    maps = activation.compute_maps(network, images, "_conv_head")
    got = maps.contribution.sum((1, 2)) + maps.bias
    assert torch.allclose(got, maps.logit, atol=1e-9)
    # 70 px are not whole positions, and the second centre is near their end
    spread = upsampling.spread_evenly(maps.contribution, maps.contribution_lattice, 70)
    assert torch.allclose(spread.sum((1, 2)), maps.contribution.sum((1, 2)), atol=1e-9)


def test_poor_and_rich_maps_have_disjoint_supports(network, images):
    poor, rich = published_maps(network, images, "_conv_head")
    assert poor.max() > 0
    assert rich.max() > 0
    assert (poor * rich).abs().max() == 0


def test_network_is_left_as_it_was(network, images):
    network.train()
    activation.compute_maps(network, images, "_conv_head")
    assert network.training
    assert all(parameter.requires_grad for parameter in network.parameters())
    assert not network.features._conv_head._forward_hooks
    network.eval()


def test_softmax_sides_are_no_mirrors(images):
    torch.manual_seed(0)
    demo = settings.load("demo", ["model.head=softmax", "model.backbone=resnet18"]).model
    maps = activation.compute_maps(networks.build(demo).double(), images, "layer4")
    assert not torch.allclose(maps.signed[0], -maps.signed[1])
    assert torch.allclose(maps.contribution.sum((1, 2)) + maps.bias, maps.logit, atol=1e-9)


# ---- a network that finds bright places rich


class Brightness(nn.Module):
    """Features that are the image itself, averaged over 8 px squares."""

    def __init__(self):
        super().__init__()
        self.pool = nn.AvgPool2d(8)

    def forward(self, images):
        return self.pool(images)


def test_t4_bright_north_west_quadrant_is_rich_in_the_north_west():
    image = torch.zeros(1, 3, 64, 64)
    image[:, :, :32, :32] = 1
    maps = activation.compute_maps(brightness(Brightness()), image, "pool")
    poor, rich = pixel_maps.project_published(maps, 64, 99)
    contribution = upsampling.spread_evenly(maps.contribution, maps.contribution_lattice, 64)
    assert rich[0, :24, :24].sum() > 0.6 * rich[0].sum()
    assert rich[0, 40:, 40:].sum() == 0
    assert poor[0, :24, :24].sum() == 0
    assert contribution[0, :32, :32].sum() == pytest.approx(0.75)


def test_cell_of_which_the_network_is_certain_keeps_its_maps():
    network = brightness(Brightness())
    network.linear.bias.data.fill_(20.0)  # float32: sigmoid(20) is 1
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    poor, rich = published_maps(network, image, "pool")
    assert poor.sum() > 0
    assert rich.sum() > 0


def test_flat_cell_has_no_published_map_and_no_nan():
    grey = torch.full((1, 3, 64, 64), 0.3)
    maps = activation.compute_maps(brightness(Brightness()), grey, "pool")
    poor, rich = pixel_maps.project_published(maps, 64, 99)
    assert maps.flat[0].all()
    assert maps.flat[1].all()
    assert poor.abs().max() == 0
    assert rich.abs().max() == 0
