"""Relevance-CAM of a ResNet: which places of an image speak for a class, at every depth.

Lee et al., CVPR 2021. Relevance starts at the outputs, in contrast to the other classes (CLRP, Gu
et al. 2018), and is handed down layer by layer (LRP, Bach et al. 2015) with the published rules
(R 6.5), on zennit's hooks. Notation: A is the output of a layer, R its relevance, x a module's
input, x+ and x- its parts above and below zero; a/0 is 0.

    outputs          R_t = 1 for the target, R_j = -1/N for the other N - 1 classes
    linear, conv     Z = W+ x+ + W- x-;  R_in = x+ W+^T(R/Z) + x- W-^T(R/Z), biases left out
                     (z+, alpha 1, beta 0)
    batch norm       R_in = R where x is not 0
    ReLU             R_in = R
    addition a + b   R_a = a R/(a + b), R_b = b R/(a + b)
    pooling          R_in = x (gradient of the pooling)^T (R/Z), Z its output;
                     for the mean R_ij = x_ij R / sum x

The map of a layer is sum_k w_k A_k with w_k = mean_ij R_kij, without a ReLU. At the last layer with
a head of mean and one linear unit per class, w_k = R_k / (h w) with
R_k = x_k sum_j W+_jk R_j / (W+ x)_j, x the pooled features.
"""

from collections import OrderedDict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import torch
from torch import nn
from zennit.canonizers import CompositeCanonizer
from zennit.composites import LayerMapComposite
from zennit.core import Hook
from zennit.layer import Sum
from zennit.rules import Norm, Pass, ZPlus
from zennit.torchvision import ResNetBasicBlockCanonizer, ResNetBottleneckCanonizer
from zennit.types import Activation, AvgPool, BatchNorm, Linear, MaxPool

from urbancam.explaining.activation import captured, frozen

SMALLEST = 1e-12  # a divisor no larger is zero: the quotient would leave float32


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


class PassNonZero(Hook):
    """Relevance passes unchanged where the module's input is not zero (batch norm, published)."""

    def forward(
        self,
        module: nn.Module,
        input: tuple[torch.Tensor, ...],
        output: torch.Tensor,
    ) -> None:
        self.stored_tensors["input"] = input

    def backward(
        self,
        module: nn.Module,
        grad_input: tuple,
        grad_output: tuple,
    ) -> tuple[torch.Tensor]:
        is_not_zero = self.stored_tensors["input"][0] != 0
        return (grad_output[0] * is_not_zero,)


def _divisor(values: torch.Tensor) -> torch.Tensor:
    """Divisors of which the zeros are infinite, so that a quotient is 0 there."""
    is_zero = values.abs() <= SMALLEST
    return values.masked_fill(is_zero, torch.inf)


def published_rules() -> LayerMapComposite:
    """The rules above for a torchvision ResNet, to be registered on one network at a time."""
    share = Norm(stabilizer=_divisor)
    z_plus = ZPlus(stabilizer=_divisor, zero_params=["bias"])
    rules = [
        (Activation, Pass()),
        (BatchNorm, PassNonZero()),
        (Linear, z_plus),
        ((Sum, AvgPool, MaxPool), share),
    ]
    # Additions are inside the blocks' own forward; zennit's canonizers make modules of them while
    # the rules stand.
    canonizers = (ResNetBottleneckCanonizer(), ResNetBasicBlockCanonizer())
    return LayerMapComposite(rules, [CompositeCanonizer(canonizers)])


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


def compute_relevance(
    network: nn.Module,
    images: torch.Tensor,
    layers: Sequence[str],
    target: torch.Tensor | None = None,
) -> Relevance:
    """One forward pass, and one backward pass under the rules down to the lowest layer asked for.

    Args:
        network: `features` (a torchvision ResNet's modules by name) -> mean over positions ->
            `linear`; it is left as it was.
        images: (B, 3, H, W) normalised.
        layers: Names of modules below `network.features`, "layer1" .. "layer4".
        target: (B,) class to speak for; None for the one with the largest logit (published).
    """
    # ASSUME: in evaluation mode, so dropout is left out.
    modules = OrderedDict(
        features=network.features,
        pool=nn.AdaptiveAvgPool2d(1),
        flatten=nn.Flatten(),
        linear=network.linear,
    )
    whole = nn.Sequential(modules)

    # The rules stand in for gradients: the backward pass of the start is its relevance.
    with frozen(network), published_rules().context(whole), ExitStack() as stack:
        outputs = []
        for layer in layers:
            module = network.features.get_submodule(layer)
            outputs.append(stack.enter_context(captured(module)))
        logits = whole(images.detach().requires_grad_(True))
        target = logits.argmax(1) if target is None else target.to(logits.device)
        start = initial_relevance(logits, target)
        activations = [output[0] for output in outputs]
        relevances = torch.autograd.grad(logits, activations, start)

    maps = {}
    total = {}
    for layer, activation, relevance in zip(layers, activations, relevances, strict=True):
        maps[layer] = _weigh(activation.detach(), relevance)
        total[layer] = relevance.sum((1, 2, 3))
    return Relevance(logits.detach(), target, maps, total)


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
