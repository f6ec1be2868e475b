"""Relevance-CAM of a ResNet: which places of an image speak for a class, at every depth (Lee et al., CVPR 2021).

Relevance starts at the outputs, in contrast to the other classes (CLRP, Gu et al. 2018), and is handed down layer
by layer (LRP, Bach et al. 2015) with the published rules (R 6.5), on zennit's hooks. Notation: A is the output of a
layer, R its relevance, x a module's input, x+ and x- its parts above and below zero; a/0 is 0.

    outputs          R_t = 1 for the target, R_j = -1/N for the other N - 1 classes
    linear, conv     Z = W+ x+ + W- x-;  R_in = x+ W+^T(R/Z) + x- W-^T(R/Z), biases left out (z+, alpha 1, beta 0)
    batch norm       R_in = R where x is not 0
    ReLU             R_in = R
    addition a + b   R_a = a R/(a + b), R_b = b R/(a + b)
    pooling          R_in = x (gradient of the pooling)^T (R/Z), Z its output; for the mean R_ij = x_ij R / sum x

The map of a layer is sum_k w_k A_k with w_k = mean_ij R_kij, without a ReLU. At the last layer with a head of mean
and one linear unit per class, w_k = R_k / (h w) with R_k = x_k sum_j W+_jk R_j / (W+ x)_j, x the pooled features.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn import functional as F
from zennit.canonizers import CompositeCanonizer
from zennit.composites import LayerMapComposite
from zennit.core import Hook
from zennit.layer import Sum
from zennit.rules import Norm, Pass, ZPlus
from zennit.torchvision import ResNetBasicBlockCanonizer, ResNetBottleneckCanonizer
from zennit.types import Activation, AvgPool, BatchNorm, Linear, MaxPool

from urbancam.explaining.activation import captured, frozen
from urbancam.learning import datasets

PIXELS = (
    4 * 224**2
)  # of a batch: memory grows with them, by 0.5 GB a patch of 224 px through a ResNet-101
SMALLEST = 1e-12  # a divisor no larger is zero: the quotient would leave float32


@dataclass
class Relevance:
    """Relevance of a batch of B images over N classes.

    Attributes:
        logits: (B, N).
        target: (B,) int64, the class that relevance speaks for.
        maps: layer -> (B, h, w) map of that layer, unit-free: above zero speaks for the target, below for the others.
        total: layer -> (B,) sum of the relevance at the layer's output; 1/N while nothing is lost on the way.
    """

    logits: torch.Tensor
    target: torch.Tensor
    maps: dict[str, torch.Tensor]
    total: dict[str, torch.Tensor]


class PassNonZero(Hook):
    """Relevance passes unchanged where the module's input is not zero (batch norm, published)."""

    def forward(
        self, module: nn.Module, input: tuple[torch.Tensor, ...], output: torch.Tensor
    ) -> None:
        self.stored_tensors["input"] = input

    def backward(
        self, module: nn.Module, grad_input: tuple, grad_output: tuple
    ) -> tuple[torch.Tensor]:
        return (grad_output[0] * (self.stored_tensors["input"][0] != 0),)


def _divisor(values: torch.Tensor) -> torch.Tensor:
    """Divisors of which the zeros are infinite, so that a quotient is 0 there."""
    return values.masked_fill(values.abs() <= SMALLEST, torch.inf)


def published_rules() -> LayerMapComposite:
    """The rules above for a torchvision ResNet, to be registered on one network at a time.

    Additions are inside the blocks' own forward; zennit's canonizers make modules of them while the rules stand.
    """
    share, z_plus = Norm(stabilizer=_divisor), ZPlus(stabilizer=_divisor, zero_params=["bias"])
    rules = [
        (Activation, Pass()),
        (BatchNorm, PassNonZero()),
        (Linear, z_plus),
        ((Sum, AvgPool, MaxPool), share),
    ]
    return LayerMapComposite(
        rules, [CompositeCanonizer((ResNetBottleneckCanonizer(), ResNetBasicBlockCanonizer()))]
    )


def initial_relevance(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """(B, N) relevance of the outputs: 1 for the target, -1/N for every other class, whatever the logits.

    Args:
        logits: (B, N).
        target: (B,) int64.
    """
    start = torch.full_like(logits, -1 / logits.shape[1])
    return start.scatter_(1, target[:, None], 1.0)


def compute_relevance(
    network: nn.Module,
    images: torch.Tensor,
    layers: Sequence[str],
    target: torch.Tensor | None = None,
) -> Relevance:
    """One forward pass, and one backward pass under the rules down to the lowest layer asked for.

    Args:
        network: `features` (a torchvision ResNet's modules by name) -> mean over positions -> `linear`; it is left
            as it was.
        images: (B, 3, H, W) normalised.
        layers: names of modules below `network.features`, "layer1" .. "layer4".
        target: (B,) class to speak for; None for the one with the largest logit (published).
    """
    # ASSUME: in evaluation mode, so dropout is left out.
    head = OrderedDict(pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(), linear=network.linear)
    whole = nn.Sequential(OrderedDict(features=network.features, **head))
    with frozen(network), published_rules().context(whole), ExitStack() as stack:
        outputs = {
            name: stack.enter_context(captured(network.features.get_submodule(name)))
            for name in layers
        }
        logits = whole(images.detach().requires_grad_(True))
        target = logits.argmax(1) if target is None else target.to(logits.device)
        start = initial_relevance(logits, target)
        activations = [outputs[name][0] for name in layers]
        relevance = dict(zip(layers, torch.autograd.grad(logits, activations, start), strict=True))
    return Relevance(
        logits.detach(),
        target,
        {
            name: _weigh(a.detach(), relevance[name])
            for name, a in zip(layers, activations, strict=True)
        },
        {name: relevance[name].sum((1, 2, 3)) for name in layers},
    )


def _weigh(activation: torch.Tensor, relevance: torch.Tensor) -> torch.Tensor:
    """sum_k mean_ij(R_k) A_k, (B, h, w)."""
    return (relevance.mean((2, 3), keepdim=True) * activation).sum(1)


def lay_on_pixels(maps: torch.Tensor, size_px: int) -> torch.Tensor:
    """(B, h, w) -> (B, size_px, size_px), bilinear (published)."""
    return F.interpolate(maps[:, None], size=(size_px, size_px), mode="bilinear")[:, 0]


def to_unit_range(maps: torch.Tensor) -> torch.Tensor:
    """Each map stretched from its least to its largest value, 0..1 (published, for display); a flat one is 0."""
    low, high = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
    return torch.where(
        high > low, (maps - low) / (high - low).clamp(min=torch.finfo(maps.dtype).tiny), 0
    )


@dataclass
class PatchMaps:
    """Relevance of one patch, its maps at the network's image size, row 0 = north.

    Attributes:
        logits: (N,).
        target: class that relevance speaks for.
        total: layer -> sum of the relevance at the layer's output.
        signed: layer -> (H, W) map, unit-free, above zero speaks for the target.
        shown: layer -> (H, W) the same in 0..1, for display.
    """

    logits: np.ndarray
    target: int
    total: dict[str, float]
    signed: dict[str, np.ndarray]
    shown: dict[str, np.ndarray]

    def describe(self, names: Sequence[str]) -> list[dict[str, float | str]]:
        """What `relevance.csv` says of the patch, a row a layer, without the patch's own columns.

        Args:
            names: (N,) of the classes.
        """
        head = {
            "predicted_city": names[int(self.logits.argmax())],
            "target": names[self.target],
            "target_logit": float(self.logits[self.target]),
        }
        return [
            head | {"layer": layer, "relevance_sum": self.total[layer]} | _describe_map(values)
            for layer, values in self.signed.items()
        ]


def _describe_map(values: np.ndarray) -> dict[str, float]:
    positive, size = values.clip(min=0), np.abs(values).sum(dtype=float)
    rows, columns = (slice(side // 4, side - side // 4) for side in values.shape)
    return {
        "map_min": float(values.min()),
        "map_mean": float(values.mean(dtype=float)),
        "map_max": float(values.max()),
        "positive_share": float(positive.sum(dtype=float) / size) if size > 0 else np.nan,
        "centre_share": float(positive[rows, columns].sum() / positive.sum())
        if positive.any()
        else np.nan,
        "masked_share": float((values > values.mean() + values.std()).mean()),
    }


def map_patches(
    network: nn.Module,
    images_uint8: np.ndarray,
    layers: Sequence[str],
    normalise: str,
    target: np.ndarray | None = None,
) -> list[PatchMaps]:
    """Relevance of raw patches.

    Args:
        network: trained, on its device.
        images_uint8: (B, H, H, 3) uint8.
        layers: as in `compute_relevance`.
        normalise: setting `image.normalise`.
        target: (B,) int64 class to speak for, None for the predicted one.
    """
    device = next(network.parameters()).device
    images = torch.from_numpy(images_uint8).permute(0, 3, 1, 2).to(device)
    wanted = None if target is None else torch.from_numpy(target)
    made = compute_relevance(network, datasets.normalise(images, normalise), layers, wanted)
    size_px = images.shape[-1]
    signed = {name: lay_on_pixels(maps, size_px).cpu().numpy() for name, maps in made.maps.items()}
    shown = {
        name: lay_on_pixels(to_unit_range(maps), size_px).cpu().numpy()
        for name, maps in made.maps.items()
    }
    return [
        PatchMaps(
            made.logits[i].cpu().numpy(),
            int(made.target[i]),
            {name: float(made.total[name][i]) for name in layers},
            {name: signed[name][i] for name in layers},
            {name: shown[name][i] for name in layers},
        )
        for i in range(len(images))
    ]


def map_rows(
    rows: pd.DataFrame,
    images: Callable[[int], np.ndarray],
    network_of: Callable[[int], nn.Module],
    settings,
) -> Iterator[tuple[int, np.ndarray, PatchMaps]]:
    """Index, image and maps of each patch, by the network of its fold; fold by fold, in batches.

    Args:
        rows: `fold, class_number` of each patch; its index tells the patch to `images`.
        images: index -> (H, H, 3) uint8.
        network_of: fold -> trained network, on its device.
        settings: section `cities`.
    """
    size = max(1, PIXELS // settings.image.size_px**2)
    for fold, members in rows.groupby("fold"):
        for start in range(0, len(members), size):
            batch = members.iloc[start : start + size]
            pixels = np.stack([images(index) for index in batch.index])
            target = (
                batch["class_number"].to_numpy() if settings.relevance.target == "true" else None
            )
            layers, network = settings.relevance.layers, network_of(int(fold))
            maps = map_patches(network, pixels, layers, settings.image.normalise, target)
            yield from zip(batch.index, pixels, maps, strict=True)
