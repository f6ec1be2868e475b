"""Relevance-CAM: closed form, conservation, and a slow, obvious re-implementation with loops."""

from collections import OrderedDict

import numpy as np
import pytest
import torch
import torchvision
from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck

from urbancam.cities import relevance

LAYERS = ("layer1", "layer2", "layer3", "layer4")


class SmallResNet(nn.Module):
    """Four blocks in float64, features -> mean -> linear, batch norms with statistics of their own."""

    def __init__(self, block: type, classes: int) -> None:
        super().__init__()
        whole = torchvision.models.ResNet(block, [1, 1, 1, 1], num_classes=classes)
        kept = (
            (name, child) for name, child in whole.named_children() if name not in ("avgpool", "fc")
        )
        self.features, self.linear = nn.Sequential(OrderedDict(kept)), whole.fc
        for norm in (module for module in self.modules() if isinstance(module, nn.BatchNorm2d)):
            nn.init.normal_(norm.running_mean, std=0.1)
            nn.init.uniform_(norm.running_var, 0.5, 2)
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.normal_(norm.bias, std=0.1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.linear(self.features(images).mean((2, 3)))


def small(block: type = BasicBlock, classes: int = 7) -> SmallResNet:
    torch.manual_seed(0)
    return SmallResNet(block, classes).double().eval()


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.randn(
        2, 3, 32, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(1)
    )


# ---- the slow route: numpy, one image, one position of a window at a time


def safe(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.divide(a, b, out=np.zeros_like(a), where=b != 0)


def slow_conv(module: nn.Conv2d, x: np.ndarray, r: np.ndarray) -> np.ndarray:
    w, k, s, p = (
        module.weight.detach().numpy(),
        *module.kernel_size[:1],
        *module.stride[:1],
        *module.padding[:1],
    )
    positive, negative = np.maximum(w, 0), np.minimum(w, 0)
    x = np.pad(x, ((0, 0), (p, p), (p, p)))
    back = np.zeros_like(x)
    for i in range(r.shape[1]):
        for j in range(r.shape[2]):
            window = np.s_[:, i * s : i * s + k, j * s : j * s + k]
            parts = positive * np.maximum(x[window], 0) + negative * np.minimum(
                x[window], 0
            )  # (O, I, k, k)
            ratio = safe(r[:, i, j], parts.sum((1, 2, 3)))
            back[window] += (parts * ratio[:, None, None, None]).sum(0)
    return back[:, p : back.shape[1] - p, p : back.shape[2] - p]


def slow_max_pool(x: np.ndarray, r: np.ndarray) -> np.ndarray:
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    back = np.zeros_like(padded)
    for c, i, j in np.ndindex(r.shape):
        window = padded[c, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
        top = np.unravel_index(window.argmax(), window.shape)
        if window[top] != 0:
            back[c, 2 * i + top[0], 2 * j + top[1]] += r[c, i, j]
    return back[:, 1:-1, 1:-1]


def run(module: nn.Module, x: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return module(torch.from_numpy(x)[None])[0].numpy()


def slow_block(block: nn.Module, x: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Relevance of a block's input from that of its output."""
    main = [(block.conv1, block.bn1), (block.conv2, block.bn2)]
    main += [(block.conv3, block.bn3)] if isinstance(block, Bottleneck) else []
    inputs, normed = [], x
    for number, (conv, norm) in enumerate(main):
        inputs.append(np.maximum(normed, 0) if number else x)
        before = run(conv, inputs[-1])
        normed = run(norm, before)
    skip = x if block.downsample is None else run(block.downsample, x)
    back, back_skip = normed * safe(r, normed + skip), skip * safe(r, normed + skip)
    for (conv, _), entered in zip(main[::-1], inputs[::-1], strict=True):
        back = slow_conv(conv, entered, back * (run(conv, entered) != 0))
    if block.downsample is not None:
        conv = block.downsample[0]
        back_skip = slow_conv(conv, x, back_skip * (run(conv, x) != 0))
    return back + back_skip


def slow_relevance(
    network: SmallResNet, image: np.ndarray, target: int
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """name -> output and its relevance, of the stem's ReLU and of layers 1 to 4."""
    parts = dict(network.features.named_children())
    entered = {"relu": run(nn.Sequential(parts["conv1"], parts["bn1"], nn.ReLU()), image)}
    entered["maxpool"] = run(parts["maxpool"], entered["relu"])
    for name, before in zip(LAYERS, ("maxpool", *LAYERS), strict=False):
        entered[name] = run(parts[name], entered[before])
    x, w = entered["layer4"].mean((1, 2)), np.maximum(network.linear.weight.detach().numpy(), 0)
    start = np.full(len(w), -1 / len(w))
    start[target] = 1
    pooled = x * (w.T @ safe(start, w @ x))
    made = {
        "layer4": entered["layer4"] * safe(pooled, entered["layer4"].sum((1, 2)))[:, None, None]
    }
    for name, before in (
        ("layer4", "layer3"),
        ("layer3", "layer2"),
        ("layer2", "layer1"),
        ("layer1", "maxpool"),
    ):
        made[before] = slow_block(parts[name][0], entered[before], made[name])
    made["relu"] = slow_max_pool(entered["relu"], made["maxpool"])
    return {name: (entered[name], made[name]) for name in ("relu", *LAYERS)}


@pytest.mark.parametrize("block", [BasicBlock, Bottleneck])
def test_equals_the_slow_route_at_every_layer(block, images):
    network = small(block)
    made = relevance.compute_relevance(network, images, ("relu", *LAYERS), torch.tensor([2, 5]))
    for row, target in enumerate((2, 5)):
        for name, (a, r) in slow_relevance(network, images[row].numpy(), target).items():
            expected = (r.mean((1, 2))[:, None, None] * a).sum(0)
            assert np.abs(expected).max() > 1e-6
            np.testing.assert_allclose(
                made.maps[name][row], expected, rtol=1e-7, atol=1e-9 * np.abs(expected).max()
            )
            assert float(made.total[name][row]) == pytest.approx(r.sum(), rel=1e-7)


def test_t9_layer4_is_the_closed_form(images):
    network, target = small(), torch.tensor([0, 6])
    with torch.no_grad():
        a = network.features(images)
    x, w = a.mean((2, 3)), network.linear.weight.detach().clamp(min=0)
    start = relevance.initial_relevance(network.linear(x), target)
    weights = x * ((start / (x @ w.T)) @ w) / (a.shape[2] * a.shape[3])
    got = relevance.compute_relevance(network, images, ["layer4"], target).maps["layer4"]
    torch.testing.assert_close(got, (weights[:, :, None, None] * a).sum(1))


@pytest.mark.parametrize("classes", [2, 7, 45])
def test_t9_relevance_is_kept_through_linear_and_mean(images, classes):
    made = relevance.compute_relevance(small(classes=classes), images, LAYERS)
    for total in made.total.values():  # no Z is zero here, so nothing is lost in the blocks either
        torch.testing.assert_close(total, torch.full_like(total, 1 / classes))


def test_target_is_the_largest_logit_unless_named(images):
    network = small()
    free = relevance.compute_relevance(network, images, ["layer3"])
    torch.testing.assert_close(free.logits, network(images).detach())
    assert free.target.tolist() == free.logits.argmax(1).tolist()
    named = relevance.compute_relevance(network, images, ["layer3"], (free.target + 1) % 7)
    assert not torch.allclose(named.maps["layer3"], free.maps["layer3"])


def test_images_of_a_batch_do_not_touch_each_other(images):
    whole = relevance.compute_relevance(small(), images, LAYERS).maps
    alone = relevance.compute_relevance(small(), images[1:], LAYERS).maps
    for name in LAYERS:
        torch.testing.assert_close(whole[name][1:], alone[name])


def test_network_is_left_as_it_was(images):
    network = small().train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    relevance.compute_relevance(network, images, LAYERS)
    assert network.training and all(
        p.requires_grad and p.grad is None for p in network.parameters()
    )
    for module in network.modules():
        hooks = [module._forward_hooks, module._forward_pre_hooks, module._backward_hooks]
        assert (
            not any(hooks)
            and "forward" not in vars(module)
            and not hasattr(module, "canonizer_sum")
        )
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_network_is_left_as_it_was_when_the_pass_fails(images):
    network = small()
    with pytest.raises(AttributeError):
        relevance.compute_relevance(network, images, ["layer9"])
    assert not any(
        module._forward_hooks or "forward" in vars(module) for module in network.modules()
    )


def test_ordinary_gradients_come_back_after_it(images):
    network = small()
    expected = torch.autograd.grad(network(images).sum(), [network.linear.weight])[0]
    relevance.compute_relevance(network, images, LAYERS)
    torch.testing.assert_close(
        torch.autograd.grad(network(images).sum(), [network.linear.weight])[0], expected
    )


def test_batch_norm_passes_nothing_where_its_input_is_zero():
    layers = nn.Sequential(nn.Conv2d(2, 1, 1, bias=False), nn.BatchNorm2d(1)).eval()
    nn.init.constant_(layers[1].bias, 3)
    layers[0].weight.data.copy_(
        torch.tensor([1.0, -1]).view(1, 2, 1, 1)
    )  # equal channels cancel out
    image = torch.tensor([[5.0, 5], [5, 4]]).view(1, 2, 2, 1).requires_grad_(True)
    with relevance.published_rules().context(layers):
        got = torch.autograd.grad(layers(image), image, torch.ones(1, 1, 2, 1))[0]
    torch.testing.assert_close(got.flatten(), torch.tensor([0.0, 1, 0, 0]))


def test_dead_features_have_no_relevance_and_no_nan():
    network = small()
    nn.init.constant_(
        network.features.layer4[0].bn2.bias, -1e6
    )  # the last ReLU lets nothing through
    made = relevance.compute_relevance(
        network, torch.zeros(1, 3, 32, 32, dtype=torch.float64), LAYERS
    )
    assert all(float(values.abs().max()) == 0 for values in made.maps.values())


def test_outputs_start_in_contrast():
    got = relevance.initial_relevance(torch.zeros(1, 4), torch.tensor([1]))
    assert got.tolist() == [[-0.25, 1.0, -0.25, -0.25]]


def test_unit_range_of_a_flat_map_is_zero():
    maps = torch.stack([torch.full((3, 3), 5.0), torch.arange(9.0).view(3, 3) - 4])
    got = relevance.to_unit_range(maps)
    assert got[0].abs().max() == 0 and (got[1].min(), got[1].max()) == (0, 1)


def test_bright_corner_speaks_in_that_corner():
    network = nn.Module()
    network.features, network.linear = (
        nn.Sequential(OrderedDict(layer1=nn.AvgPool2d(8))),
        nn.Linear(3, 2),
    )
    network.linear.weight.data.copy_(torch.tensor([[1.0, 1, 1], [0, 0, 0]]))
    patch = np.full((1, 64, 64, 3), 130, np.uint8)
    patch[:, :32, :32] = 250
    (got,) = relevance.map_patches(network, patch, ["layer1"], "min_max")
    assert got.target == 0 and got.logits.shape == (2,) and got.total["layer1"] == pytest.approx(1)
    assert got.signed["layer1"][:24, :24].min() > got.signed["layer1"][40:, 40:].max()
    assert (got.shown["layer1"].min(), got.shown["layer1"].max()) == (0, 1)


def test_description_of_a_patch_by_hand():
    maps = relevance.PatchMaps(
        np.array([0.5, 2.5]), 0, {"layer4": 0.5}, {"layer4": np.diag([2.0, 6, 0, -8])}, {}
    )
    (got,) = maps.describe(["Ays", "Bee"])
    assert (got["predicted_city"], got["target"], got["target_logit"]) == ("Bee", "Ays", 0.5)
    assert (got["map_min"], got["map_mean"], got["map_max"]) == (-8, 0, 6)
    assert (got["relevance_sum"], got["positive_share"], got["masked_share"]) == (0.5, 0.5, 1 / 16)
    assert got["centre_share"] == 0.75  # of rows and columns 1 and 2


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_gpu_agrees_with_the_cpu(images):
    there = relevance.compute_relevance(small().cuda(), images.cuda(), LAYERS)
    here = relevance.compute_relevance(small(), images, LAYERS)
    for name in LAYERS:
        torch.testing.assert_close(there.maps[name].cpu(), here.maps[name], rtol=1e-6, atol=1e-12)
