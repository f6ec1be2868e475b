"""Relevance-CAM: closed form, conservation, and a slow, obvious re-implementation with loops."""

from collections import OrderedDict
from itertools import pairwise

import numpy as np
import pytest
import torch
import torchvision
from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck

from urbancam.cities import relevance
from urbancam.cities.relevance import LAYERS


class SmallResNet(nn.Module):
    """Four blocks, features -> mean -> linear, batch norms with statistics of their own."""

    def __init__(self, block: type, classes: int) -> None:
        super().__init__()
        whole = torchvision.models.ResNet(block, [1, 1, 1, 1], num_classes=classes)
        modules = OrderedDict(whole.named_children())
        modules.pop("avgpool")
        self.linear = modules.pop("fc")
        self.features = nn.Sequential(modules)
        for norm in self.modules():
            if isinstance(norm, nn.BatchNorm2d):
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
    generator = torch.Generator().manual_seed(1)
    return torch.randn(2, 3, 32, 32, dtype=torch.float64, generator=generator)


# ---- the slow route: numpy, one image, one position of a window at a time


def safe(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.divide(a, b, out=np.zeros_like(a), where=b != 0)


def slow_conv(module: nn.Conv2d, x: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Relevance of a convolution's input x from that of its output, r."""
    weights = module.weight.detach().numpy()
    positive = np.maximum(weights, 0)
    negative = np.minimum(weights, 0)
    size = module.kernel_size[0]
    stride = module.stride[0]
    padding = module.padding[0]

    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    back = np.zeros_like(x)
    for i, j in np.ndindex(*r.shape[1:]):
        top = i * stride
        left = j * stride
        window = np.s_[:, top : top + size, left : left + size]
        speaks_for = positive * np.maximum(x[window], 0)
        parts = speaks_for + negative * np.minimum(x[window], 0)  # (O, I, k, k)
        ratio = safe(r[:, i, j], parts.sum((1, 2, 3)))
        back[window] += (parts * ratio[:, None, None, None]).sum(0)
    bottom = back.shape[1] - padding
    right = back.shape[2] - padding
    return back[:, padding:bottom, padding:right]


def run(module: nn.Module, x: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return module(torch.from_numpy(x)[None])[0].numpy()


def slow_block(block: nn.Module, x: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Relevance of a block's input from that of its output."""
    main = [(block.conv1, block.bn1), (block.conv2, block.bn2)]
    if isinstance(block, Bottleneck):
        main.append((block.conv3, block.bn3))

    # Forward: the input of each convolution, and what the last batch norm gives.
    inputs = []
    entering = x
    for conv, norm in main:
        inputs.append(entering)
        normed = run(norm, run(conv, entering))
        entering = np.maximum(normed, 0)

    # Back: the addition shares by size, then down the main branch and down the other.
    skip = x if block.downsample is None else run(block.downsample, x)
    ratio = safe(r, normed + skip)
    back = normed * ratio
    back_skip = skip * ratio
    for (conv, _), entering in zip(main[::-1], inputs[::-1], strict=True):
        back = slow_conv(conv, entering, back * (run(conv, entering) != 0))
    if block.downsample is not None:
        conv = block.downsample[0]
        back_skip = slow_conv(conv, x, back_skip * (run(conv, x) != 0))
    return back + back_skip


def slow_outputs(network: SmallResNet, image: np.ndarray) -> dict[str, np.ndarray]:
    """Name -> output of the stem and of layers 1 to 4."""
    modules = dict(network.features.named_children())
    stem = nn.Sequential(modules["conv1"], modules["bn1"], nn.ReLU(), modules["maxpool"])
    outputs = {"stem": run(stem, image)}
    below = "stem"
    for name in LAYERS:
        outputs[name] = run(modules[name], outputs[below])
        below = name
    return outputs


def slow_relevance(network: SmallResNet, image: np.ndarray, target: int) -> dict[str, np.ndarray]:
    """Name -> relevance of the outputs of `slow_outputs`."""
    outputs = slow_outputs(network, image)
    last = outputs["layer4"]
    pooled = last.mean((1, 2))
    weights = np.maximum(network.linear.weight.detach().numpy(), 0)
    start = np.full(len(weights), -1 / len(weights))
    start[target] = 1
    pooled_relevance = pooled * (weights.T @ safe(start, weights @ pooled))

    relevances = {"layer4": last * safe(pooled_relevance, last.sum((1, 2)))[:, None, None]}
    for below, name in list(pairwise(LAYERS))[::-1]:
        block = network.features.get_submodule(name)[0]
        relevances[below] = slow_block(block, outputs[below], relevances[name])
    return relevances


# ---- the fast route against it


@pytest.mark.parametrize("block", [BasicBlock, Bottleneck])
def test_equals_the_slow_route_at_every_layer(block, images):
    network = small(block)
    targets = [2, 5]
    got = relevance.compute_relevance(network, images, LAYERS, torch.tensor(targets))
    for row, target in enumerate(targets):
        image = images[row].numpy()
        outputs = slow_outputs(network, image)
        relevances = slow_relevance(network, image, target)
        for name in LAYERS:
            weights = relevances[name].mean((1, 2))[:, None, None]
            expected = (weights * outputs[name]).sum(0)
            size = np.abs(expected).max()
            assert size > 1e-6
            np.testing.assert_allclose(got.maps[name][row], expected, rtol=1e-7, atol=1e-9 * size)
            assert float(got.total[name][row]) == pytest.approx(relevances[name].sum(), rel=1e-7)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_float32_comes_to_the_same_in_both_layouts(images, layout):
    expected = relevance.compute_relevance(small(Bottleneck), images, LAYERS).maps
    network = small(Bottleneck).float().to(memory_format=layout)
    got = relevance.compute_relevance(network, images.float(), LAYERS).maps
    for name in LAYERS:
        size = float(expected[name].abs().max())
        torch.testing.assert_close(got[name].double(), expected[name], rtol=0, atol=1e-5 * size)


def test_layout_of_what_entered_is_kept_on_the_way_back():
    conv, norm = nn.Conv2d(6, 4, 1), nn.BatchNorm2d(4).eval()
    entering = torch.rand(2, 6, 5, 5).to(memory_format=torch.channels_last)
    with torch.no_grad():
        unit = relevance.pass_unit(conv, norm, entering)
        got = relevance.below_unit(unit, torch.ones_like(unit.leaving))
    assert got.is_contiguous(memory_format=torch.channels_last)


def test_t9_layer4_is_the_closed_form(images):
    network = small()
    target = torch.tensor([0, 6])
    with torch.no_grad():
        activation = network.features(images)
    height, width = activation.shape[2:]
    x = activation.mean((2, 3))
    w = network.linear.weight.detach().clamp(min=0)
    start = relevance.initial_relevance(network.linear(x), target)
    weights = x * ((start / (x @ w.T)) @ w) / (height * width)
    expected = (weights[:, :, None, None] * activation).sum(1)
    got = relevance.compute_relevance(network, images, ["layer4"], target)
    torch.testing.assert_close(got.maps["layer4"], expected)


@pytest.mark.parametrize("classes", [2, 7, 45])
def test_t9_relevance_is_kept_through_linear_and_mean(images, classes):
    got = relevance.compute_relevance(small(classes=classes), images, LAYERS)
    # No Z is zero here, so nothing is lost in the blocks either.
    for total in got.total.values():
        torch.testing.assert_close(total, torch.full_like(total, 1 / classes))


def test_target_is_the_largest_logit_unless_named(images):
    network = small()
    free = relevance.compute_relevance(network, images, ["layer3"])
    torch.testing.assert_close(free.logits, network(images).detach())
    assert free.target.tolist() == free.logits.argmax(1).tolist()
    others = (free.target + 1) % 7
    chosen = relevance.compute_relevance(network, images, ["layer3"], others)
    assert not torch.allclose(chosen.maps["layer3"], free.maps["layer3"])


def test_images_of_a_batch_do_not_touch_each_other(images):
    whole = relevance.compute_relevance(small(), images, LAYERS).maps
    alone = relevance.compute_relevance(small(), images[1:], LAYERS).maps
    for name in LAYERS:
        torch.testing.assert_close(whole[name][1:], alone[name])


def is_untouched(module: nn.Module) -> bool:
    hooks = [module._forward_hooks, module._forward_pre_hooks, module._backward_hooks]
    return not any(hooks) and "forward" not in vars(module)


def test_network_is_left_as_it_was(images):
    network = small().train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    relevance.compute_relevance(network, images, LAYERS)
    assert network.training
    assert all(is_untouched(module) for module in network.modules())
    for parameter in network.parameters():
        assert parameter.requires_grad and parameter.grad is None
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_network_is_left_as_it_was_when_the_pass_fails(images):
    network = small()
    with pytest.raises(ValueError):
        relevance.compute_relevance(network, images, ["layer9"])
    assert all(is_untouched(module) for module in network.modules())


def test_ordinary_gradients_come_back_after_it(images):
    network = small()
    weight = network.linear.weight
    (expected,) = torch.autograd.grad(network(images).sum(), [weight])
    relevance.compute_relevance(network, images, LAYERS)
    (got,) = torch.autograd.grad(network(images).sum(), [weight])
    torch.testing.assert_close(got, expected)


def test_batch_norm_passes_nothing_where_its_input_is_zero():
    conv, norm = nn.Conv2d(2, 1, 1, bias=False), nn.BatchNorm2d(1).eval()
    nn.init.constant_(norm.bias, 3)
    # Equal channels cancel out.
    conv.weight.data.copy_(torch.tensor([1.0, -1]).view(1, 2, 1, 1))
    image = torch.tensor([[5.0, 5], [5, 4]]).view(1, 2, 2, 1)
    with torch.no_grad():
        unit = relevance.pass_unit(conv, norm, image)
        got = relevance.below_unit(unit, torch.ones(1, 1, 2, 1))
    torch.testing.assert_close(got.flatten(), torch.tensor([0.0, 1, 0, 0]))


def test_dead_features_have_no_relevance_and_no_nan():
    network = small()
    # The last ReLU lets nothing through.
    nn.init.constant_(network.features.layer4[0].bn2.bias, -1e6)
    black = torch.zeros(1, 3, 32, 32, dtype=torch.float64)
    got = relevance.compute_relevance(network, black, LAYERS)
    for values in got.maps.values():
        assert float(values.abs().max()) == 0


def test_outputs_start_in_contrast():
    got = relevance.initial_relevance(torch.zeros(1, 4), torch.tensor([1]))
    assert got.tolist() == [[-0.25, 1.0, -0.25, -0.25]]


def test_unit_range_of_a_flat_map_is_zero():
    maps = torch.stack([torch.full((3, 3), 5.0), torch.arange(9.0).view(3, 3) - 4])
    got = relevance.to_unit_range(maps)
    assert got[0].abs().max() == 0
    assert (got[1].min(), got[1].max()) == (0, 1)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_gpu_agrees_with_the_cpu(images):
    got = relevance.compute_relevance(small().cuda(), images.cuda(), LAYERS).maps
    expected = relevance.compute_relevance(small(), images, LAYERS).maps
    for name in LAYERS:
        torch.testing.assert_close(got[name].cpu(), expected[name], rtol=1e-6, atol=1e-12)
