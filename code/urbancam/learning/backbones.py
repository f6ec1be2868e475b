"""One record per backbone: how to build its features, and what is known of them."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torchvision
from efficientnet_pytorch import EfficientNet
from efficientnet_pytorch.utils import url_map
from torch import nn

from urbancam.workflow.errors import InputError

# ---- backbones


@dataclass(frozen=True)
class Backbone:
    """What UrbanCAM knows of one backbone.

    Args:
        build: `build(model_settings)` -> module of features, (B, 3, H, W) -> (B, channels, h, w).
        channels: of the features.
        target_layer: module whose output Grad-CAM looks at.
        weights_url: ImageNet weights; the file name ends in the first letters of its SHA-256.
    """

    build: Callable[[Any], nn.Module]
    channels: int
    target_layer: str
    weights_url: str


class EfficientNetFeatures(EfficientNet):
    """efficientnet-pytorch without its classifier: forward gives the last activation, (B, C, h, w)."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.extract_features(inputs)


def _efficientnet(name: str) -> Backbone:
    def build(settings) -> nn.Module:
        module = EfficientNetFeatures.from_name(
            name,
            include_top=False,
            drop_connect_rate=settings.drop_connect,
            batch_norm_momentum=1
            - settings.batch_norm_momentum,  # that package counts as TensorFlow does
            batch_norm_epsilon=settings.batch_norm_epsilon,
        )
        module.set_swish(
            memory_efficient=False
        )  # exact under autograd.grad, and PyTorch's own is as fast
        return module

    width = {
        "b0": 1280,
        "b1": 1280,
        "b2": 1408,
        "b3": 1536,
        "b4": 1792,
        "b5": 2048,
        "b6": 2304,
        "b7": 2560,
    }
    return Backbone(
        build, width[name[-2:]], "_conv_head", url_map[name]
    )  # before its batch norm and swish, published


def _resnet(name: str, channels: int) -> Backbone:
    def build(settings) -> nn.Module:
        norm = partial(
            nn.BatchNorm2d, eps=settings.batch_norm_epsilon, momentum=settings.batch_norm_momentum
        )
        whole = getattr(torchvision.models, name)(weights=None, norm_layer=norm)
        kept = (
            (part, child) for part, child in whole.named_children() if part not in ("avgpool", "fc")
        )
        return nn.Sequential(OrderedDict(kept))

    weights = torchvision.models.get_model_weights(name).IMAGENET1K_V1
    return Backbone(build, channels, "layer4", weights.url)


BACKBONES = {f"efficientnet-b{n}": _efficientnet(f"efficientnet-b{n}") for n in range(8)}
RESNET_CHANNELS = {
    "resnet18": 512,
    "resnet34": 512,
    "resnet50": 2048,
    "resnet101": 2048,
}  # of layer4 (He et al. 2016)
BACKBONES |= {name: _resnet(name, channels) for name, channels in RESNET_CHANNELS.items()}


def find_backbone(name: str) -> Backbone:
    """The record of a backbone.

    Raises:
        InputError: there is none of that name.
    """
    if name not in BACKBONES:
        raise InputError(
            f"there is no backbone {name!r}",
            "model.backbone",
            f"name one of {', '.join(BACKBONES)}",
        )
    return BACKBONES[name]
