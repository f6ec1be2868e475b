"""Relevance-CAM of a ResNet: which places of an image speak for a class, at every depth.

Lee et al., CVPR 2021. Relevance starts at the outputs, in contrast to the other classes (CLRP, Gu
et al. 2018), and is handed down layer by layer (LRP, Bach et al. 2015) with the published rules
(R 6.5). Notation: A is the output of a layer, R its relevance, x a module's input; a/0 is 0.

    outputs          R_t = 1 for the target, R_j = -1/N for the other N - 1 classes
    linear, conv     Z = W+ x;  R_in = x W+^T(R/Z), W+ the weights above zero, biases left out
                     (z+, alpha 1, beta 0)
    batch norm       R_in = R where x is not 0
    ReLU             R_in = R
    addition a + b   R_a = a R/(a + b), R_b = b R/(a + b)
    mean             R_ij = x_ij R / sum x

The rule of linear maps has a second half, for what of x is below zero. From layer 1 on all that
enters a convolution or the linear unit comes out of a ReLU: that half is 0 and not computed.

The map of a layer is sum_k w_k A_k with w_k = mean_ij R_kij, without a ReLU. At the last layer with
a head of mean and one linear unit per class, w_k = R_k / (h w) with
R_k = x_k sum_j W+_jk R_j / (W+ x)_j, x the pooled features.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from urbancam.explaining.activation import frozen

SMALLEST = 1e-12  # a divisor no larger is zero: the quotient would leave float32
LAYERS = ("layer1", "layer2", "layer3", "layer4")  # of a torchvision ResNet, each a list of blocks


@dataclass
class Relevance:
    """Relevance of a batch of B images over N classes.

    Attributes:
        logits: (B, N).
        target: (B,) int64, the class that relevance speaks for.
        maps: Layer -> (B, h, w) map of that layer, unit-free: above zero speaks for the target,
            below for the others.
        total: Layer -> (B,) sum of the relevance at the layer's output; 1/N while nothing is lost
            on the way.
    """

    logits: torch.Tensor
    target: torch.Tensor
    maps: dict[str, torch.Tensor]
    total: dict[str, torch.Tensor]


# ---- a unit: a convolution and its batch norm


@dataclass
class Unit:
    """What a pass through a convolution and its batch norm leaves for the way back.

    Attributes:
        conv: The convolution.
        entering: (B, I, h, w) >= 0, its input.
        stops: (B, O, h', w') bool, where the input of the batch norm is zero.
        leaving: (B, O, h', w') output of the batch norm.
    """

    conv: nn.Conv2d
    entering: torch.Tensor
    stops: torch.Tensor
    leaving: torch.Tensor


def pass_unit(conv: nn.Conv2d, norm: nn.BatchNorm2d, entering: torch.Tensor) -> Unit:
    """Forward through a convolution and its batch norm; `entering` (B, I, h, w) >= 0."""
    convolved = conv(entering)
    return Unit(conv, entering, convolved == 0, norm(convolved))


def below_unit(unit: Unit, relevance: torch.Tensor) -> torch.Tensor:
    """Relevance of a unit's input, from that of its output."""
    conv = unit.conv
    weights = conv.weight.clamp(min=0)
    # The way back is the gradient of the way there, in the layout of what entered.
    with torch.enable_grad():
        entering = unit.entering.detach().requires_grad_(True)
        positive = functional.conv2d(
            entering, weights, None, conv.stride, conv.padding, conv.dilation, conv.groups
        )
    # What an infinite divisor meets is 0: no relevance where there is nothing to share it among,
    # and none through a batch norm that stops it.
    divisor = functional.threshold_(positive.detach(), SMALLEST, torch.inf)
    ratio = relevance / divisor.masked_fill_(unit.stops, torch.inf)
    (back,) = torch.autograd.grad(positive, entering, ratio)
    return back.mul_(unit.entering)


def _divisor(values: torch.Tensor) -> torch.Tensor:
    """Values >= 0 as divisors: the zeros are infinite, so that a quotient is 0 there."""
    return functional.threshold(values, SMALLEST, torch.inf)


# ---- a block: units, and a way around them


@dataclass
class Block:
    """What a pass through a block leaves for the way back.

    Attributes:
        units: Units of the main branch.
        around: Unit of the way around them; None where the input is added as it is.
        leaving: Output of the block, >= 0.
    """

    units: list[Unit]
    around: Unit | None
    leaving: torch.Tensor


def pass_block(block: nn.Module, entering: torch.Tensor) -> Block:
    """Forward through a torchvision BasicBlock or Bottleneck; `entering` (B, C, h, w) >= 0."""
    pairs = [(block.conv1, block.bn1), (block.conv2, block.bn2)]
    if hasattr(block, "conv3"):
        pairs.append((block.conv3, block.bn3))
    units = []
    for conv, norm in pairs:
        previous = units[-1].leaving.relu() if units else entering
        units.append(pass_unit(conv, norm, previous))
    around = None if block.downsample is None else pass_unit(*block.downsample, entering)
    skip = entering if around is None else around.leaving
    leaving = (units[-1].leaving + skip).relu_()
    return Block(units, around, leaving)


def below_block(block: Block, relevance: torch.Tensor) -> torch.Tensor:
    """Relevance of a block's input, from that of its output."""
    # Where the last ReLU lets nothing through there is no relevance either: what it lets through
    # is the sum of both branches.
    ratio = relevance / _divisor(block.leaving)
    main = block.units[-1].leaving * ratio
    for unit in reversed(block.units):
        main = below_unit(unit, main)
    if block.around is None:
        skip = ratio.mul_(block.units[0].entering)
    else:
        skip = below_unit(block.around, ratio.mul_(block.around.leaving))
    return main.add_(skip)


# ---- the whole network


def initial_relevance(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Relevance of the outputs: 1 for the target, -1/N for every other class, whatever the logits.

    Args:
        logits: (B, N).
        target: (B,) int64.

    Returns:
        (B, N).
    """
    n_classes = logits.shape[1]
    start = torch.full_like(logits, -1 / n_classes)
    return start.scatter_(1, target[:, None], 1.0)


def below_head(linear: nn.Linear, features: torch.Tensor, start: torch.Tensor) -> torch.Tensor:
    """Relevance of the last features (B, C, h, w), from that of the outputs (B, N)."""
    pooled = features.mean((2, 3))
    weights = linear.weight.clamp(min=0)
    of_pooled = pooled * ((start / _divisor(pooled @ weights.T)) @ weights)
    positions = features.shape[2] * features.shape[3]
    share = of_pooled / _divisor(pooled) / positions
    return features * share[:, :, None, None]


def compute_relevance(
    network: nn.Module,
    images: torch.Tensor,
    layers: Sequence[str],
    target: torch.Tensor | None = None,
) -> Relevance:
    """One forward pass, and one pass back under the rules down to the lowest layer asked for.

    Args:
        network: `features` (a torchvision ResNet's modules by name) -> mean over positions ->
            `linear`; it is left as it was.
        images: (B, 3, H, W) normalised.
        layers: Those of `LAYERS` whose maps are asked for.
        target: (B,) class to speak for; None for the one with the largest logit (published).
    """
    lowest = min(LAYERS.index(layer) for layer in layers)
    maps, total = {}, {}
    # ASSUME: in evaluation mode, so dropout is left out.
    with frozen(network), torch.no_grad():
        outputs, blocks = _pass_features(network.features, images, LAYERS[lowest + 1 :])
        last = outputs[LAYERS[-1]]
        logits = network.linear(last.mean((2, 3)))
        target = logits.argmax(1) if target is None else target.to(logits.device)
        relevance = below_head(network.linear, last, initial_relevance(logits, target))
        for number in range(len(LAYERS) - 1, lowest - 1, -1):
            layer = LAYERS[number]
            if layer in layers:
                maps[layer] = _weigh(outputs[layer], relevance)
                total[layer] = relevance.sum((1, 2, 3))
            if number > lowest:
                for block in reversed(blocks.pop(layer)):
                    relevance = below_block(block, relevance)
    return Relevance(
        logits,
        target,
        {layer: maps[layer] for layer in layers},
        {layer: total[layer] for layer in layers},
    )


def _pass_features(
    features: nn.Module, images: torch.Tensor, way_back: Sequence[str]
) -> tuple[dict[str, torch.Tensor], dict[str, list[Block]]]:
    """Module -> its output, and layer of the way back -> its blocks as they were passed."""
    outputs, blocks = {}, {}
    values = images
    for name, module in features.named_children():
        if name in way_back:
            blocks[name] = []
            for of_layer in module:
                blocks[name].append(pass_block(of_layer, values))
                values = blocks[name][-1].leaving
        else:
            values = module(values)
        outputs[name] = values
    return outputs, blocks


def _weigh(activation: torch.Tensor, relevance: torch.Tensor) -> torch.Tensor:
    """sum_k mean_ij(R_k) A_k, (B, h, w)."""
    weights = relevance.mean((2, 3), keepdim=True)
    return (weights * activation).sum(1)


def to_unit_range(maps: torch.Tensor) -> torch.Tensor:
    """Each map stretched from its least to its largest value, 0..1; a flat one is 0.

    Published, for display.
    """
    low = maps.amin((1, 2), keepdim=True)
    high = maps.amax((1, 2), keepdim=True)
    tiny = torch.finfo(maps.dtype).tiny
    stretched = (maps - low) / (high - low).clamp(min=tiny)
    return torch.where(high > low, stretched, 0)
