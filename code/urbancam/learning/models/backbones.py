"""Backbones by their names: one record each; those of timm are found in timm."""

from collections import OrderedDict
from functools import partial

import torch
from efficientnet_pytorch import EfficientNet
from efficientnet_pytorch.utils import url_map
from torch import nn

from urbancam.learning.models.backbone import Backbone
from urbancam.workflow.errors import InputError
from urbancam.workflow.settings.backbone_names import TIMM
from urbancam.workflow.settings.sections import Model

# Channels of the last activation (Tan & Le 2019)
EFFICIENTNET_CHANNELS = {
    "efficientnet-b0": 1280,
    "efficientnet-b1": 1280,
    "efficientnet-b2": 1408,
    "efficientnet-b3": 1536,
    "efficientnet-b4": 1792,
    "efficientnet-b5": 2048,
    "efficientnet-b6": 2304,
    "efficientnet-b7": 2560,
}
# Channels of `layer4` (He et al. 2016), and torchvision's first ImageNet weights
RESNETS = {
    "resnet18": (512, "https://download.pytorch.org/models/resnet18-f37072fd.pth"),
    "resnet34": (512, "https://download.pytorch.org/models/resnet34-b627a593.pth"),
    "resnet50": (2048, "https://download.pytorch.org/models/resnet50-0676ba61.pth"),
    "resnet101": (2048, "https://download.pytorch.org/models/resnet101-63fe2227.pth"),
}


class EfficientNetFeatures(EfficientNet):
    """efficientnet-pytorch without its classifier: forward gives the last activation."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """(B, 3, H, W) -> (B, channels, h, w)."""
        return self.extract_features(inputs)


def _efficientnet(name: str, channels: int) -> Backbone:
    def build(settings: Model) -> nn.Module:
        module = EfficientNetFeatures.from_name(
            name,
            include_top=False,
            drop_connect_rate=settings.drop_connect,
            # That package counts as TensorFlow does.
            batch_norm_momentum=1 - settings.batch_norm_momentum,
            batch_norm_epsilon=settings.batch_norm_epsilon,
        )
        # Exact under autograd.grad, and PyTorch's own is as fast.
        module.set_swish(memory_efficient=False)
        return module

    # Before its batch norm and swish, published
    target_layer = "_conv_head"
    return Backbone(build, channels, target_layer, url_map[name])


def _resnet(name: str, channels: int, weights_url: str) -> Backbone:
    def build(settings: Model) -> nn.Module:
        from torchvision import models  # loads as long as torch: only where a ResNet is built

        norm_layer = partial(
            nn.BatchNorm2d,
            eps=settings.batch_norm_epsilon,
            momentum=settings.batch_norm_momentum,
        )
        network = getattr(models, name)(weights=None, norm_layer=norm_layer)
        features = OrderedDict(network.named_children())
        del features["avgpool"], features["fc"]
        return nn.Sequential(features)

    return Backbone(build, channels, "layer4", weights_url)


BACKBONES = {name: _efficientnet(name, n) for name, n in EFFICIENTNET_CHANNELS.items()}
BACKBONES |= {name: _resnet(name, *facts) for name, facts in RESNETS.items()}


def find_backbone(name: str) -> Backbone:
    """The record of a backbone.

    Raises:
        InputError: No backbone has that name, or timm's of that name cannot be mapped.
    """
    if name.startswith(TIMM):
        from urbancam.learning.models import timm_backbones  # loads as long as torch

        return timm_backbones.find(name.removeprefix(TIMM))
    if name not in BACKBONES:
        raise InputError(
            f"there is no backbone {name!r}",
            "model.backbone",
            f"name one of {', '.join(BACKBONES)}, or {TIMM}<name> of a network of timm",
        )
    return BACKBONES[name]
