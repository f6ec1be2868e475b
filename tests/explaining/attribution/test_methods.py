"""Attribution methods against pytorch-grad-cam, their papers' equations and their axioms."""

import numpy as np
import pytest
import torch
from pytorch_grad_cam import GradCAMPlusPlus, HiResCAM, LayerCAM
from torch import nn

from small_networks import SIZE_PX
from urbancam.explaining import activation
from urbancam.explaining.attribution import methods
from urbancam.learning.models import networks
from urbancam.workflow.settings import settings


def library_map(library, network, images, layer: int, sign: int) -> np.ndarray:
    """pytorch-grad-cam's map of sign x logit, not yet rectified nor scaled."""
    module = network.features[layer]
    targets = [lambda out: sign * out[0]] * len(images)
    with library(network, [module]) as cam:
        cam.forward(images, targets)
        stored = cam.activations_and_grads
        return cam.get_cam_image(
            images,
            module,
            targets,
            stored.activations[0].numpy(),
            stored.gradients[0].numpy(),
            eigen_smooth=False,
        )


@pytest.mark.parametrize(
    ("library", "method", "layer", "tolerance"),
    [
        (HiResCAM, methods.hirescam, 2, 1e-9),
        (LayerCAM, methods.layercam, 2, 1e-9),
        # The library's alpha has 1e-6 in the denominator, ours nothing.
        (GradCAMPlusPlus, methods.gradcam_plus_plus, 3, 1e-3),
    ],
)
@pytest.mark.parametrize(("side", "sign"), [(0, -1), (1, 1)])
def test_both_sides_equal_the_library(
    network, images, library, method, layer, tolerance, side, sign
):
    maps = activation.compute_maps(network, images, str(layer))
    got = method(maps.layer, maps.layer_gradient[side]).numpy()
    expected = library_map(library, network, images, layer, sign)
    peak = np.abs(expected).max()
    assert peak > 0
    assert np.abs(got - expected).max() <= tolerance * peak


def test_gradcam_plus_plus_is_equation_19():
    generator = torch.Generator().manual_seed(0)
    layer = torch.rand(2, 4, 3, 3, dtype=torch.float64, generator=generator)
    gradient = torch.randn(2, 4, 3, 3, dtype=torch.float64, generator=generator)
    layer_sum = layer.sum((2, 3), keepdim=True)
    alpha = gradient**2 / (2 * gradient**2 + layer_sum * gradient**3)
    weights = (alpha * gradient.clamp(min=0)).sum((2, 3), keepdim=True)
    expected = (weights * layer).sum(1)
    assert torch.allclose(methods.gradcam_plus_plus(layer, gradient), expected)


def test_gradcam_plus_plus_stays_finite_on_a_negative_layer():
    layer = torch.full((1, 1, 2, 2), -0.5)
    gradient = torch.ones(1, 1, 2, 2)  # 2 + g sum A = 0
    got = methods.gradcam_plus_plus(layer, gradient)
    assert got.flatten().tolist() == pytest.approx([-1.0] * 4)


def test_hirescam_at_the_last_activation_is_the_contribution(network, images):
    maps = activation.compute_maps(network, images, "3")
    poor, rich = (methods.hirescam(maps.layer, gradient) for gradient in maps.layer_gradient)
    assert torch.allclose(rich, maps.contribution)
    assert torch.allclose(poor, -maps.contribution)


def test_integrated_gradients_add_up_to_the_logit_less_the_baselines(network, images):
    got = methods.integrated_gradients(network, images, 16).sum((1, 2))
    baseline = torch.zeros_like(images)
    expected = (network(images) - network(baseline))[:, 0].detach()
    assert expected.abs().min() > 1e-3
    assert torch.allclose(got, expected, rtol=1e-6)


def test_integrated_gradients_of_a_linear_network_are_input_times_weight():
    linear = networks.Network(nn.Identity(), 3, 1, 0.0)
    image = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    weight = linear.linear.weight.detach().view(1, 3, 1, 1)
    expected = (image * weight).sum(1) / 16
    assert torch.allclose(methods.integrated_gradients(linear, image, 1), expected)


def test_methods_give_maps_of_both_sides_at_the_images_size(network, images):
    names = settings.load("default").controls.methods
    maps = activation.compute_maps(network, images, "2")
    got = methods.compute_methods(names, maps, network, images, 99, 4)
    assert list(got) == names
    for poor, rich in got.values():
        assert poor.shape == rich.shape == (3, SIZE_PX, SIZE_PX)
        assert poor.min() >= 0
        assert rich.min() >= 0
        assert (poor + rich).sum((1, 2)).min() > 0


def test_five_logits_have_every_map_too(images):
    torch.manual_seed(0)
    features = nn.Sequential(nn.Conv2d(3, 6, 4, 4), nn.SiLU())
    softmax = networks.Network(features, 6, 5, 0.0).double().eval()
    maps = activation.compute_maps(softmax, images, "0")
    names = ["hirescam", "integrated_gradients"]
    got = methods.compute_methods(names, maps, softmax, images, 100, 16)

    poor, rich = got["integrated_gradients"]
    logit = activation.logit_of(softmax(images)).detach()
    baseline = activation.logit_of(softmax(torch.zeros_like(images))).detach()
    assert torch.allclose((rich - poor).sum((1, 2)), logit - baseline, rtol=1e-6)
    assert not torch.allclose(maps.layer_gradient[0], -maps.layer_gradient[1])
