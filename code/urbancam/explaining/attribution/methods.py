"""Other attribution methods, each as a poor and a rich map >= 0, like the published one.

What "poor" means: the score explained for rich is z, for poor -z (with five logits y_4 and y_0, as
published). Each method's map of that score is rectified as its paper has it. For HiResCAM and
integrated gradients, linear in the score's gradient, poor and rich are the two signs of one map;
LayerCAM and Grad-CAM++ rectify gradients first, so that their sides may overlap. None of them is
centred, and none is multiplied by the input gradient.
"""

from collections.abc import Callable

import numpy as np
import torch

from urbancam.explaining import activation, upsampling
from urbancam.explaining.activation import Maps, Sides
from urbancam.learning.models.networks import Network

Cam = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # of a layer and its gradient


def hirescam(layer: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """sum_k dy/dA_k A_k, position by position (Draelos & Carin 2020, eq. 3).

    Args:
        layer: (B, C, h, w) output A of the target layer.
        gradient: (B, C, h, w) dy/dA.

    Returns:
        (B, h, w), not yet rectified.
    """
    return (gradient * layer).sum(1)


def layercam(layer: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """sum_k relu(dy/dA_k) A_k, position by position (Jiang et al. 2021, eq. 5 and 6).

    Arguments as in `hirescam`.
    """
    return (gradient.clamp(min=0) * layer).sum(1)


def gradcam_plus_plus(layer: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """sum_k w_k A_k, w_k = sum_ij alpha_kij relu(g_kij); arguments as in `hirescam`.

    With g = dy/dA, alpha = g^2 / (2 g^2 + g^3 sum_ij A) = 1 / (2 + g sum_ij A) (Chattopadhay et
    al. 2018, eq. 19).
    """
    # ASSUME: A is the published layer, before its activation, so sum_ij A may be negative; where
    # that makes the denominator of alpha zero or negative (never with A >= 0), alpha keeps its
    # second-order value 1/2.
    denominator = 2 + gradient * layer.sum((2, 3), keepdim=True)
    alpha = torch.where(denominator > 0, 1 / denominator, 0.5)
    rectified = alpha * gradient.clamp(min=0)
    weights = rectified.sum((2, 3), keepdim=True)
    return (weights * layer).sum(1)


CAM: dict[str, Cam] = {
    "hirescam": hirescam,
    "layercam": layercam,
    "gradcam_plus_plus": gradcam_plus_plus,
}


def integrated_gradients(
    network: Network,
    images: torch.Tensor,
    steps: int,
) -> torch.Tensor:
    """sum over channels of x times the mean of dz/dx on the way from 0 to x.

    (Sundararajan et al. 2017, eq. 1.) Over a cell's pixels they add up to z(x) - z(0). The integral
    is taken by Gauss-Legendre's rule, exact for polynomials of degree 2 steps - 1.

    Args:
        network: Network on the device of the images.
        images: (B, 3, H, W) normalised.
        steps: Number of gradients computed per image.

    Returns:
        (B, H, W) logit units per pixel.
    """
    # ASSUME: the baseline is 0 after normalisation, the mean image of the pre-training (min_max:
    # the darkest pixel).
    end = images.detach()
    nodes, weights = np.polynomial.legendre.leggauss(steps)  # on -1 .. 1
    places = (nodes + 1) / 2  # on 0 .. 1
    mean_gradient = torch.zeros_like(images)
    with activation.frozen(network):
        for place, weight in zip(places, weights / 2, strict=True):
            point = (end * float(place)).requires_grad_(True)
            z = activation.logit_of(network(point))
            (gradient,) = torch.autograd.grad(z.sum(), point)
            mean_gradient += float(weight) * gradient
    return (end * mean_gradient).sum(1)


def compute_methods(
    names: list[str],
    maps: Maps,
    network: Network,
    images: torch.Tensor,
    clip_percentile: float,
    steps: int,
) -> dict[str, Sides]:
    """Poor and rich map of each method, from the one backward pass of `maps` where it suffices.

    Args:
        names: Names of methods.
        maps: Maps of the images, by the same network.
        network: Network, for integrated gradients.
        images: (B, 3, H, W) normalised.
        clip_percentile: %, of each map, as in the published one. ASSUME: all maps are clipped
            alike.
        steps: Steps of integrated gradients.

    Returns:
        `{method: (poor, rich)}`, each (B, H, W) >= 0.
    """
    size_px = images.shape[-1]
    by_method: dict[str, Sides] = {}
    for name in names:
        # One product of the layer and its gradient, or many passes of the network.
        if name in CAM:
            signed = [CAM[name](maps.layer, gradient) for gradient in maps.layer_gradient]
            sides = [upsampling.positive_part(side, maps.lattice, size_px) for side in signed]
        else:
            # Linear in the gradient: poor and rich are the two signs of one map.
            toward_rich = integrated_gradients(network, images, steps)
            sides = [side.clamp(min=0) for side in (-toward_rich, toward_rich)]
        poor, rich = (upsampling.clip(side, clip_percentile) for side in sides)
        by_method[name] = poor, rich
    return by_method
