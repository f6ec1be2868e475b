"""Activation maps of the income model: where the image says rich, and where it says poor.

Notation: z is the logit, A (C, h, w) the target layer's output, x the input image, s_c = dy_c/dz.

`published`: Grad-CAM (Selvaraju et al. 2017) without its ReLU, centred, times the input gradient.
With one logit every class score depends on the image through z alone, so the maps of the poorest
and the richest class are exact mirrors: D = sum_k mean_ij(dz/dA_k) A_k - mean gives the rich map
from +D and the poor one from -D, and sum_channels |dy_c/dx| = |s_c| sum_channels |dz/dx|.
ONE forward and ONE backward of z give both. A softmax head has no such mirror: each side is a
backward pass of its own class.

`contribution`: at the last activation F, with pooling over positions and one linear unit,
z = bias + mean_ij sum_k w_k F_kij exactly (CAM, Zhou et al. 2016): each position's term is its
contribution, in logit units.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn

from urbancam.explaining import receptive_fields
from urbancam.explaining.receptive_fields import Lattice
from urbancam.learning.models import networks

Sides = tuple[torch.Tensor, torch.Tensor]  # of poor and of rich

# A centred map is numerically constant where its largest value is below this share of the
# uncentred map's.
FLAT = 1e-6


@dataclass
class Maps:
    """Maps of a batch of B cells.

    Attributes:
        logit: (B,) z; with five logits that of the richest class against the poorest, z_4 - z_0.
        signed: Poor and rich, each (B, h, w): the class's centred Grad-CAM map before its positive
            part is taken.
        gradient: Poor and rich, each (B, H, W): sum over channels of |dy_c/dx|, x the normalised
            input.
        layer: (B, C, h, w) the target layer's output A.
        layer_gradient: Poor and rich, each (B, C, h, w): d(-z)/dA and dz/dA; with five logits
            dy_0/dA and dy_4/dA.
        contribution: (B, h', w') logit units; its sum over positions is logit - bias.
        bias: Bias of the logit.
        flat: Poor and rich, each (B,) bool: the centred map is numerically constant, there is no
            published map.
        lattice: Where the positions of `signed` are laid.
        contribution_lattice: Where those of `contribution` are.
    """

    logit: torch.Tensor
    signed: Sides
    gradient: Sides
    layer: torch.Tensor
    layer_gradient: Sides
    contribution: torch.Tensor
    bias: float
    flat: Sides
    lattice: Lattice
    contribution_lattice: Lattice


# ---- what a pass through the network needs, and leaves as it was


@contextmanager
def captured(module: nn.Module) -> Iterator[list[torch.Tensor]]:
    """The outputs of a module during the block; the module is left as it was."""
    outputs: list[torch.Tensor] = []
    handle = module.register_forward_hook(lambda _module, _inputs, output: outputs.append(output))
    try:
        yield outputs
    finally:
        handle.remove()


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Evaluation mode without parameter gradients during the block; both restored after it."""
    training = network.training
    trainable = [parameter.requires_grad for parameter in network.parameters()]
    network.eval().requires_grad_(False)
    try:
        yield
    finally:
        network.train(training)
        for parameter, requires_grad in zip(network.parameters(), trainable, strict=True):
            parameter.requires_grad_(requires_grad)


# ---- both kinds of map at the layers' own size


def compute_maps(
    network: networks.Network,
    images: torch.Tensor,
    target_layer: str,
    centre: bool = True,
    positions: str = receptive_fields.RECEPTIVE_FIELD,
) -> Maps:
    """Both kinds of map in one forward pass, and one backward pass per output that matters.

    Args:
        network: Network with one output (binomial head: one backward serves both sides) or five
            (softmax: two backwards).
        images: (B, 3, H, W) normalised.
        target_layer: Name of the module below `network.features` that Grad-CAM looks at.
        centre: Whether each map's mean is subtracted (published).
        positions: Where positions are laid, "receptive_field" or "published".
    """
    # Gradients reach the images, not the weights.
    images = images.detach().requires_grad_(True)
    module = network.features.get_submodule(target_layer)
    with frozen(network), captured(module) as layers, captured(network.features) as features:
        out = network(images)
        gradients_of_sides = _binomial_sides if out.shape[1] == 1 else _softmax_sides
        gradients = gradients_of_sides(out, layers[0], images)
    # From a pair of gradients per side to poor and rich of each.
    layer_gradient, gradient = zip(*gradients, strict=True)

    layer = layers[0].detach()
    maps_and_flat = [centred(grad_cam(layer, side), centre) for side in layer_gradient]
    signed, flat = zip(*maps_and_flat, strict=True)
    contribution, bias = _contribution(network.linear, features[0].detach())

    def lattice(layer_name: str, count: int) -> Lattice:
        size_px = images.shape[-1]
        return receptive_fields.lay(positions, network.features, layer_name, size_px, count)

    return Maps(
        logit=logit_of(out.detach()),
        signed=signed,
        gradient=gradient,
        layer=layer,
        layer_gradient=layer_gradient,
        contribution=contribution,
        bias=bias,
        flat=flat,
        lattice=lattice(target_layer, layer.shape[-1]),
        contribution_lattice=lattice("", contribution.shape[-1]),
    )


def logit_of(out: torch.Tensor) -> torch.Tensor:
    """(B, outputs) -> (B,): z of the binomial head.

    With five logits it is the richest class's less the poorest's.
    """
    if out.shape[1] == 1:
        return out[:, 0]
    return out[:, -1] - out[:, 0]


def _binomial_sides(out, layer, images) -> list[Sides]:
    """Closed form: dy_c/dx = s_c dz/dx with s_0 = -4 p (1-p)^4 < 0 and s_4 = 4 p^4 (1-p) > 0.

    The size of s_c cancels in a map that is divided by its maximum, so only its sign goes into
    the layer's gradient.
    """
    z = out[:, 0]
    layer_gradient, gradient = _gradients(z, layer, images)
    p = torch.sigmoid(z.detach())
    q = torch.sigmoid(-z.detach())  # 1 - p would round to 0
    # |s_0| and s_4, of y_0 = (1 - p)^4 and y_4 = p^4 with dp/dz = p (1 - p).
    poor_slope = 4 * p * q**4
    rich_slope = 4 * p**4 * q
    return [
        (-layer_gradient, poor_slope.view(-1, 1, 1) * gradient),
        (layer_gradient, rich_slope.view(-1, 1, 1) * gradient),
    ]


def _softmax_sides(out, layer, images) -> list[Sides]:
    """A backward pass of the poorest class's probability, and one of the richest's."""
    y = out.softmax(1)
    poor = _gradients(y[:, 0], layer, images, retain_graph=True)
    rich = _gradients(y[:, -1], layer, images)
    return [poor, rich]


def _gradients(
    score,
    layer,
    images,
    retain_graph: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """dscore/dA, (B, C, h, w), and sum over channels of |dscore/dx|, (B, H, W).

    The graph is kept only for the pass of another side: where its memory is given back on the way,
    a pass takes less time.
    """
    layer_gradient, image_gradient = torch.autograd.grad(
        score.sum(), [layer, images], retain_graph=retain_graph
    )
    return layer_gradient, image_gradient.abs().sum(1)


def grad_cam(layer: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """sum_k mean_ij(dy/dA_k) A_k, not yet rectified (Selvaraju et al. 2017, eq. 1 and 2).

    Args:
        layer: (B, C, h, w) A.
        gradient: (B, C, h, w) dy/dA.

    Returns:
        (B, h, w).
    """
    weights = gradient.mean((2, 3), keepdim=True)
    return (weights * layer).sum(1)


def centred(raw: torch.Tensor, centre: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Maps (B, h, w) less their mean, where `centre` asks; and whether each is flat, (B,) bool."""
    without_mean = raw - raw.mean((1, 2), keepdim=True)
    peak = without_mean.abs().amax((1, 2))
    raw_peak = raw.abs().amax((1, 2))
    flat = peak <= FLAT * raw_peak
    return (without_mean if centre else raw), flat


def _contribution(linear: nn.Linear, features: torch.Tensor) -> tuple[torch.Tensor, float]:
    """Each position's term of the logit (B, h, w), and the bias."""
    weight = linear.weight.detach()
    bias = linear.bias.detach()
    if len(weight) > 1:
        # ASSUME: of five logits the richest class's less the poorest's is what a place
        # contributes to
        weight = weight[-1:] - weight[:1]
        bias = bias[-1:] - bias[:1]
    # Pooling is a mean over positions: each gives its part of the sum.
    positions = features.shape[2] * features.shape[3]
    by_channel = weight.view(1, -1, 1, 1) * features
    return by_channel.sum(1) / positions, float(bias[0])


# ---- the maps at the image's size
