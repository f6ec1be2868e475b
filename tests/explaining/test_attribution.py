"""Attribution methods against pytorch-grad-cam, controls against what they must keep, deletion against hand cases."""

import numpy as np
import pytest
import torch
from pytorch_grad_cam import GradCAMPlusPlus, HiResCAM, LayerCAM
from torch import nn

from urbancam.explaining import activation, projection, upsampling
from urbancam.explaining.attribution import controls, deletion, methods, random_weights
from urbancam.learning import backbones, networks
from urbancam.workflow import settings

SIZE_PX = 32


def small_network() -> networks.Network:
    """Two convolutions in float64; layer "2" is signed, as the published target layer is."""
    torch.manual_seed(0)
    features = nn.Sequential(
        nn.Conv2d(3, 8, 4, 4), nn.SiLU(), nn.Conv2d(8, 6, 3, padding=1), nn.SiLU()
    )
    made = networks.Network(features, 6, 1, 0.0).double().eval()
    nn.init.normal_(
        made.linear.weight, std=20
    )  # gradients well above the 1e-6 that the library adds
    return made


@pytest.fixture(scope="module")
def network() -> networks.Network:
    return small_network()


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.randn(
        3, 3, SIZE_PX, SIZE_PX, dtype=torch.float64, generator=torch.Generator().manual_seed(1)
    )


@pytest.fixture(scope="module")
def pixels() -> torch.Tensor:
    random = torch.Generator().manual_seed(2)
    return torch.randint(0, 256, (3, 3, SIZE_PX, SIZE_PX), dtype=torch.uint8, generator=random)


# ---- methods


@pytest.mark.parametrize(
    ("library", "method", "layer"),
    [
        (HiResCAM, methods.hirescam, 2),
        (LayerCAM, methods.layercam, 2),
        (GradCAMPlusPlus, methods.gradcam_plus_plus, 3),
    ],
)
@pytest.mark.parametrize(("side", "sign"), [(0, -1), (1, 1)])
def test_both_sides_equal_the_library(network, images, library, method, layer, side, sign):
    maps = activation.compute_maps(network, images, str(layer))
    got = method(maps.layer, maps.layer_gradient[side])
    with library(network, [network.features[layer]]) as cam:
        targets = [lambda out: sign * out[0]] * len(images)
        cam.forward(images, targets)
        stored = cam.activations_and_grads
        both = stored.activations[0].numpy(), stored.gradients[0].numpy()
        expected = cam.get_cam_image(
            images, network.features[layer], targets, *both, eigen_smooth=False
        )
    tolerance = (
        1e-3 if library is GradCAMPlusPlus else 1e-9
    )  # its alpha has 1e-6 in the denominator, ours nothing
    assert (
        np.abs(got.numpy() - expected).max() <= tolerance * np.abs(expected).max()
        and np.abs(expected).max() > 0
    )


def test_gradcam_plus_plus_is_equation_19():
    generator = torch.Generator().manual_seed(0)
    layer = torch.rand(2, 4, 3, 3, dtype=torch.float64, generator=generator)
    gradient = torch.randn(2, 4, 3, 3, dtype=torch.float64, generator=generator)
    alpha = gradient**2 / (2 * gradient**2 + layer.sum((2, 3), keepdim=True) * gradient**3)
    weights = (alpha * gradient.clamp(min=0)).sum((2, 3), keepdim=True)
    assert torch.allclose(methods.gradcam_plus_plus(layer, gradient), (weights * layer).sum(1))


def test_gradcam_plus_plus_stays_finite_on_a_negative_layer():
    layer, gradient = torch.full((1, 1, 2, 2), -0.5), torch.ones(1, 1, 2, 2)  # 2 + g sum A = 0
    assert methods.gradcam_plus_plus(layer, gradient).flatten().tolist() == pytest.approx(
        [-1.0] * 4
    )


def test_hirescam_at_the_last_activation_is_the_contribution(network, images):
    maps = activation.compute_maps(network, images, "3")
    assert torch.allclose(methods.hirescam(maps.layer, maps.layer_gradient[1]), maps.contribution)
    assert torch.allclose(methods.hirescam(maps.layer, maps.layer_gradient[0]), -maps.contribution)


def test_integrated_gradients_add_up_to_the_logit_less_the_baselines(network, images):
    got = methods.integrated_gradients(network, images, 16).sum((1, 2))
    expected = (network(images) - network(torch.zeros_like(images)))[:, 0].detach()
    assert expected.abs().min() > 1e-3 and torch.allclose(got, expected, rtol=1e-6)


def test_integrated_gradients_of_a_linear_network_are_input_times_weight():
    linear = networks.Network(nn.Identity(), 3, 1, 0.0)
    image = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    expected = (image * linear.linear.weight.detach().view(1, 3, 1, 1)).sum(1) / 16
    assert torch.allclose(methods.integrated_gradients(linear, image, 1), expected)


def test_methods_give_maps_of_both_sides_at_the_images_size(network, images):
    names = settings.load("default").controls.methods
    maps = activation.compute_maps(network, images, "2")
    made = methods.compute_methods(names, maps, network, images, 99, 4)
    assert list(made) == names
    for poor, rich in made.values():
        assert poor.shape == rich.shape == (3, SIZE_PX, SIZE_PX)
        assert poor.min() >= 0 and rich.min() >= 0 and (poor + rich).sum((1, 2)).min() > 0


# ---- controls


def published_of(network, images, centre: bool = True):
    maps = activation.compute_maps(network, images, "2", centre)
    return maps, activation.project_published(maps, SIZE_PX, 99)


def test_map_and_gradient_alone_multiply_to_the_published_map(network, images, pixels):
    maps, published = published_of(network, images)
    made = controls.take_apart(["gradient_alone", "map_alone"], maps, published, pixels, True, 100)
    for side in (0, 1):
        product = upsampling.clip(made["gradient_alone"][side] * made["map_alone"][side], 99)
        assert torch.allclose(product, published[side], rtol=1e-9) and product.max() > 0


def test_other_centring_is_the_published_map_centred_the_other_way(network, images):
    maps, _ = published_of(network, images)
    _, uncentred = published_of(network, images, centre=False)
    back = controls.other_centring(
        activation.compute_maps(network, images, "2", False), SIZE_PX, False, 99
    )
    got = controls.other_centring(maps, SIZE_PX, True, 99)
    assert all(torch.equal(a, b) for a, b in zip(got, uncentred, strict=True))
    assert all(
        torch.equal(a, b) for a, b in zip(back, published_of(network, images)[1], strict=True)
    )


@pytest.mark.parametrize(
    ("move", "move_labels"),
    [
        (controls.shift_half, lambda labels: np.roll(labels, (-(len(labels) // 2),) * 2, (0, 1))),
        (controls.turn_around, lambda labels: labels[::-1, ::-1]),
    ],
)
@pytest.mark.parametrize("size", [8, 9])
def test_moving_the_map_is_moving_the_polygons_the_other_way(move, move_labels, size):
    random = np.random.default_rng(0)
    values, labels = random.random((size, size)), random.integers(0, 4, (size, size))
    moved = move_labels(labels)
    got = projection.share_by_fragment(move(torch.from_numpy(values)).numpy(), labels, 3)
    assert got == pytest.approx(projection.share_by_fragment(values, moved, 3))
    assert np.bincount(moved.ravel()).tolist() == np.bincount(labels.ravel()).tolist()


def test_constant_image_has_no_edges_and_a_step_has_one():
    flat = torch.full((1, 3, 8, 8), 77, dtype=torch.uint8)
    step = flat.clone()
    step[..., 4:] = 177
    assert controls.sobel(flat).max() == 0
    assert controls.sobel(step)[0].nonzero()[:, 1].unique().tolist() == [3, 4]


def test_edges_are_the_same_on_both_sides(network, images, pixels):
    maps, published = published_of(network, images)
    poor, rich = controls.take_apart(["edges"], maps, published, pixels, True, 99)["edges"]
    assert torch.equal(poor, rich) and poor.max() > 0


RESNET = settings.load("demo", ["model.backbone=resnet18"]).model


@pytest.mark.parametrize("backbone", ["efficientnet-b0", "resnet18", "resnet50"])
def test_stages_hold_every_parameter_once_from_the_top(backbone):
    features = backbones.find_backbone(backbone).build(RESNET)
    found = random_weights.stages(features)
    units = [unit for stage in found for unit in stage]
    held = sum(p.numel() for unit in units for p in features.get_submodule(unit).parameters())
    assert len(found) == 6 and len(set(units)) == len(units)
    assert held == sum(p.numel() for p in features.parameters())
    assert any(name.startswith(found[0][-1]) for name, _ in list(features.named_parameters())[-40:])


@pytest.fixture(scope="module")
def trained() -> networks.Network:
    torch.manual_seed(3)
    return networks.build(RESNET).eval()


def same_weights(network: networks.Network, trained: networks.Network) -> set[str]:
    """Weights of convolutions and of the linear unit that are still the trained ones."""
    pairs = zip(network.named_parameters(), trained.parameters(), strict=True)
    return {name for (name, now), then in pairs if now.ndim > 1 and torch.equal(now, then)}


def test_weights_go_from_the_linear_unit_down_and_the_network_stays(trained):
    before = {name: value.clone() for name, value in trained.state_dict().items()}
    calibration = torch.randn(8, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    state = torch.random.get_rng_state()
    left = [
        same_weights(changed, trained)
        for _, changed in random_weights.randomise(trained, RESNET, calibration, [0])
    ]
    assert all(torch.equal(value, before[name]) for name, value in trained.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), state)
    assert (
        len(left) == 7 and all(b < a for a, b in zip(left, left[1:], strict=False)) and not left[-1]
    )
    assert "linear.weight" not in left[0] and "features.layer4.1.conv2.weight" in left[0] - left[1]


def test_random_weights_have_maps_because_their_statistics_are_calibrated(trained):
    generator = torch.Generator().manual_seed(0)
    calibration = 3 + 5 * torch.randn(8, 3, 64, 64, generator=generator)
    image = 3 + 5 * torch.randn(2, 3, 64, 64, generator=generator)
    *_, (name, changed) = random_weights.randomise(trained, RESNET, calibration, [0])
    with torch.no_grad():
        stem = changed.features.bn1(changed.features.conv1(calibration))
    assert name == random_weights.stage_names(trained.features)[-1] == "weights_7"
    assert stem.mean((0, 2, 3)).abs().max() < 0.1 and (stem.std((0, 2, 3)) - 1).abs().max() < 0.1
    maps = activation.compute_maps(changed, image, "layer4")
    assert not maps.flat[0].any() and not changed.features.bn1.training


def test_random_weights_come_from_the_seed(trained):
    calibration = torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    drawn = [
        next(random_weights.randomise(trained, RESNET, calibration, seed))[1].linear.weight
        for seed in ([0], [0], [1])
    ]
    assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])


# ---- deletion and insertion


class Brightness(nn.Module):
    """Features that are the image itself: rich is where it is bright."""

    def forward(self, images):
        return images


def bright_network() -> networks.Network:
    made = networks.Network(Brightness(), 3, 1, 0.0)
    nn.init.ones_(made.linear.weight)
    return made.eval()


GRID = (4, 4)


def curves_of(pixels, scores, rich):
    return deletion.curves(bright_network(), pixels, {"any": scores}, rich, GRID, 16, "imagenet")


def test_curves_start_at_nothing_and_end_at_the_other_image(pixels):
    scores = torch.rand(3, 16, generator=torch.Generator().manual_seed(0))
    rich = torch.tensor([True, True, False])
    made = curves_of(pixels, scores, rich)
    ends = pixels.float(), deletion.blurred(pixels)
    whole, blur = (deletion.logits(bright_network(), image, "imagenet") for image in ends)
    expected = ((whole - blur) * torch.tensor([1, 1, -1])).numpy()
    for curve, sign in (("deletion", -1), ("insertion", 1)):
        assert (made["any", curve][0] == 0).all()
        assert made["any", curve][-1] == pytest.approx(sign * expected, abs=1e-5)


def test_insertion_is_deletion_backwards_in_the_opposite_order(pixels):
    scores, rich = (
        torch.rand(3, 16, generator=torch.Generator().manual_seed(0)),
        torch.ones(3, dtype=torch.bool),
    )
    insertion = curves_of(pixels, scores, rich)["any", "insertion"]
    backwards = curves_of(pixels, -scores, rich)["any", "deletion"][::-1]
    assert insertion == pytest.approx(backwards - backwards[0], abs=1e-5)


def test_the_order_that_the_logit_follows_beats_others(pixels):
    rich = torch.ones(3, dtype=torch.bool)
    change = pixels.float() - deletion.blurred(pixels)
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    best = curves_of(pixels, deletion.patch_means((change / std).sum(1), GRID), rich)[
        "any", "deletion"
    ]
    other = curves_of(pixels, torch.rand(3, 16, generator=torch.Generator().manual_seed(0)), rich)[
        "any", "deletion"
    ]
    assert (best <= other + 1e-5).all() and (best[8] < other[8]).all()


def test_blurring_keeps_a_constant_image_and_takes_single_pixels_away():
    image = torch.full((1, 3, 40, 40), 90, dtype=torch.uint8)
    assert torch.allclose(deletion.blurred(image), torch.full((1, 3, 40, 40), 90.0))
    image[..., 20, 20] = 255
    assert deletion.blurred(image).max() < 100


def test_patches_lie_on_their_own_pixels():
    patches = torch.arange(4.0).view(1, 4)
    got = deletion.on_pixels(patches, (2, 2), 5)[0]
    assert got[0].tolist() == [0, 0, 1, 1, 1] and got[4].tolist() == [2, 2, 3, 3, 3]
    assert deletion.patch_shares(torch.ones(1, 4, 4), (2, 2)).tolist() == [[0.25] * 4]


def test_fractions_are_whole_patches():
    assert (deletion.fractions((2, 2), 10) * 4).tolist() == [0, 1, 2, 3, 4]
    assert len(deletion.fractions((6, 6), 10)) == 11


def test_five_logits_have_every_map_too(images):
    torch.manual_seed(0)
    features = nn.Sequential(nn.Conv2d(3, 6, 4, 4), nn.SiLU())
    softmax = networks.Network(features, 6, 5, 0.0).double().eval()
    maps = activation.compute_maps(softmax, images, "0")
    made = methods.compute_methods(
        ["hirescam", "integrated_gradients"], maps, softmax, images, 100, 16
    )
    poor, rich = made["integrated_gradients"]
    ends = [
        activation.logit_of(softmax(image)).detach() for image in (images, torch.zeros_like(images))
    ]
    assert torch.allclose((rich - poor).sum((1, 2)), ends[0] - ends[1], rtol=1e-6)
    assert not torch.allclose(maps.layer_gradient[0], -maps.layer_gradient[1])
