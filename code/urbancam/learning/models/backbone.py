"""What a backbone is to UrbanCAM: how its features are built, and what is known of them."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from urbancam.learning.inputs.datasets import IMAGENET, Colours
from urbancam.workflow.settings.sections import Model


@dataclass(frozen=True)
class Backbone:
    """What UrbanCAM knows of one backbone.

    Args:
        build: `build(model_settings)` -> module of features, (B, 3, H, W) -> (B, channels, h, w).
        channels: Number of channels of the features.
        target_layer: Module whose output Grad-CAM looks at; "" for the features themselves.
        weights_url: Published weights; the file name ends in the first letters of its SHA-256.
        read_weights: `read_weights("pretrained" | file)` -> state dict of the features, where it is
            not torch's way that reads them.
        colours: Mean and std that the published weights were trained with.
        licence: Of the published weights, where it is known.
        has_tokens: Whether its positions are tokens, which attend to the whole image.
    """

    build: Callable[[Model], nn.Module]
    channels: int
    target_layer: str
    weights_url: str
    read_weights: Callable[[str], dict[str, torch.Tensor]] | None = None
    colours: Colours = IMAGENET
    licence: str | None = None
    has_tokens: bool = False
