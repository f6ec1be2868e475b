"""Activation maps: the one-pass closed form, additivity, orientation."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from urbancam.explaining import activation, upsampling
from urbancam.learning import heads, networks
from urbancam.workflow import settings


@pytest.fixture(scope="module")
def network() -> networks.Network:
    """EfficientNet-B0 in float64, its batch-norm statistics calibrated on data, so that maps are not vacuous."""
    torch.manual_seed(0)
    demo = settings.load("demo").model
    made = networks.build(demo).double()
    with torch.no_grad():
        for _ in range(30):
            made.train()(torch.randn(8, 3, 64, 64, dtype=torch.float64))
    return made.eval()


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.randn(
        4, 3, 64, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(1)
    )


def two_pass_route(network, image, side: int) -> torch.Tensor:
    """Sections 4.5 to 4.7 as coded for one cell and one class, by pytorch-grad-cam's hooks: without the closed form."""
    from pytorch_grad_cam.activations_and_gradients import ActivationsAndGradients

    image = image[None].clone().requires_grad_(True)
    hooks = ActivationsAndGradients(network, [network.features._conv_head], None)
    y = heads.binomial_log_probabilities(hooks(image)).exp()[0, side]
    (image_gradient,) = torch.autograd.grad(y, image)
    (layer,), (layer_gradient,) = list(hooks.activations), list(hooks.gradients)
    hooks.release()
    grad_cam = (layer_gradient.mean((2, 3), keepdim=True) * layer).sum(1)[0]
    centred = grad_cam - grad_cam.mean()
    normed = centred / torch.linalg.matrix_norm(centred, ord=2)
    upsampled = F.interpolate(
        normed[None, None], size=image.shape[2:], mode="bilinear", align_corners=False
    )[0, 0]
    u = upsampled.clamp(min=0)
    product = (u / u.max() * image_gradient.abs().sum(1)[0]).detach().numpy()
    return torch.from_numpy(np.minimum(product, np.percentile(product, 99)))


@pytest.mark.parametrize(("side", "name"), [(0, "poor"), (4, "rich")])
def test_t3_one_pass_equals_two_pass_route(network, images, side, name):
    maps = activation.compute_maps(network, images, "_conv_head")
    assert ((torch.sigmoid(maps.logit) > 0.2) & (torch.sigmoid(maps.logit) < 0.8)).all()
    projected = dict(zip(("poor", "rich"), activation.project_published(maps, 64, 99), strict=True))
    for got, image in zip(projected[name], images, strict=True):
        expected = two_pass_route(network, image, side)
        assert expected.max() > 1e-12
        assert (got - expected).abs().max() <= 1e-5 * expected.max()


def test_grad_cam_equals_the_library(network, images):
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import RawScoresOutputTarget

    with GradCAM(network, [network.features._conv_head]) as library:
        library.activations_and_grads(images)
        expected = library.forward(images, [RawScoresOutputTarget()] * len(images))
    maps = activation.compute_maps(network, images, "_conv_head", centre=False)
    relu = F.interpolate(maps.signed[1][:, None].clamp(min=0), size=(64, 64), mode="bilinear")[
        :, 0
    ].numpy()
    got = relu / relu.max((1, 2), keepdims=True)
    assert np.corrcoef(got.ravel(), expected.ravel())[0, 1] > 0.99


def test_contributions_add_up_to_the_logit(network, images):
    maps = activation.compute_maps(network, images, "_conv_head")
    got = maps.contribution.sum((1, 2)) + maps.bias
    assert torch.allclose(got, maps.logit, atol=1e-9)
    spread = upsampling.spread_evenly(maps.contribution, 70)  # 70 px are not whole positions
    assert torch.allclose(spread.sum((1, 2)), maps.contribution.sum((1, 2)), atol=1e-9)


def test_poor_and_rich_maps_have_disjoint_supports(network, images):
    poor, rich = activation.project_published(
        activation.compute_maps(network, images, "_conv_head"), 64, 99
    )
    assert poor.max() > 0 and rich.max() > 0
    assert (poor * rich).abs().max() == 0


class Brightness(nn.Module):
    """Features that are the image itself, averaged over 8 px squares: rich is where it is bright."""

    def __init__(self):
        super().__init__()
        self.pool = nn.AvgPool2d(8)

    def forward(self, images):
        return self.pool(images)


def bright_network() -> networks.Network:
    made = networks.Network(Brightness(), 3, 1, 0.0)
    nn.init.ones_(made.linear.weight)
    return made


def test_t4_bright_north_west_quadrant_is_rich_in_the_north_west():
    image = torch.zeros(1, 3, 64, 64)
    image[:, :, :32, :32] = 1
    maps = activation.compute_maps(bright_network(), image, "pool")
    poor, rich = activation.project_published(maps, 64, 99)
    assert rich[0, :24, :24].sum() > 0.6 * rich[0].sum()
    assert rich[0, 40:, 40:].sum() == 0 and poor[0, :24, :24].sum() == 0
    assert upsampling.spread_evenly(maps.contribution, 64)[0, :32, :32].sum() == pytest.approx(0.75)


def test_cell_of_which_the_network_is_certain_keeps_its_maps():
    network = bright_network()
    network.linear.bias.data.fill_(20.0)  # float32: sigmoid(20) is 1
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    poor, rich = activation.project_published(
        activation.compute_maps(network, image, "pool"), 64, 99
    )
    assert poor.sum() > 0 and rich.sum() > 0


def test_flat_cell_has_no_published_map_and_no_nan():
    maps = activation.compute_maps(bright_network(), torch.full((1, 3, 64, 64), 0.3), "pool")
    poor, rich = activation.project_published(maps, 64, 99)
    assert maps.flat[0].all() and maps.flat[1].all()
    assert poor.abs().max() == 0 and rich.abs().max() == 0


def test_network_is_left_as_it_was(network, images):
    network.train()
    activation.compute_maps(network, images, "_conv_head")
    assert network.training and all(p.requires_grad for p in network.parameters())
    assert not network.features._conv_head._forward_hooks
    network.eval()


def test_softmax_sides_are_no_mirrors(images):
    torch.manual_seed(0)
    demo = settings.load("demo", ["model.head=softmax", "model.backbone=resnet18"]).model
    maps = activation.compute_maps(networks.build(demo).double(), images, "layer4")
    assert not torch.allclose(maps.signed[0], -maps.signed[1])
    assert torch.allclose(maps.contribution.sum((1, 2)) + maps.bias, maps.logit, atol=1e-9)
