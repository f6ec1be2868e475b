"""Backbones of timm (PyTorch Image Models, Wightman 2019), by their names there.

Channels, strides, mean and std, weights and licence are timm's own. What timm's head has of norms
is applied at each position, before the mean over positions, so that a linear unit comes right after
the mean. A vision transformer's patch tokens are laid out as its patches are; tokens of no place
(of the class, registers) are left out. Every token has attended to the whole image: a token's place
is where it is read, not all that it has seen.
"""

import functools
import math
from dataclasses import dataclass

import timm
import torch
from torch import nn

from urbancam.learning.inputs.datasets import Colours
from urbancam.learning.models import timm_weights
from urbancam.learning.models.backbone import Backbone
from urbancam.workflow.errors import InputError
from urbancam.workflow.settings.sections import Model


@dataclass(frozen=True)
class Family:
    """What the networks of one of timm's classes have in common.

    Attributes:
        head: Modules behind the last activation; none stays.
        norm: Which of them is a norm over channels, to be applied at each position; "" for none.
        target_layer: Module of the features that Grad-CAM looks at; "" for the last activation
            itself, where a norm over channels comes before it.
        shortcuts: Names of modules beside the main path of a block.
        has_tokens: Whether its positions are the tokens of a transformer.
    """

    head: tuple[str, ...]
    norm: str = ""
    target_layer: str = ""
    shortcuts: tuple[str, ...] = ()
    has_tokens: bool = False


TRANSFORMER = Family(("attn_pool", "fc_norm", "head_drop", "head"), norm="fc_norm", has_tokens=True)
# By the name of timm's class; before the last batch norm, as published, where there is one.
FAMILIES = {
    "ResNet": Family(
        ("global_pool", "fc"), target_layer="body.layer4", shortcuts=("downsample", "se")
    ),
    "EfficientNet": Family(
        ("global_pool", "classifier"), target_layer="body.conv_head", shortcuts=("se",)
    ),
    "ConvNeXt": Family(("head",), norm="head.norm", shortcuts=("shortcut",)),
    "VisionTransformer": TRANSFORMER,
    "Eva": TRANSFORMER,
}


class LastActivation(nn.Module):
    """A network of timm without its head.

    Args:
        body: timm's network; loses its head.
        family: What is known of its class.
    """

    def __init__(self, body: nn.Module, family: Family) -> None:
        super().__init__()
        self.shortcuts = family.shortcuts
        # ASSUME: at each position, where the network has it behind its pooling: what stands between
        # the mean over positions and the linear unit would be in the way of what adds up.
        norm = body.get_submodule(family.norm) if family.norm else nn.Identity()
        for name in family.head:
            if isinstance(getattr(body, name), nn.Module):
                setattr(body, name, nn.Identity())
        self.body = body
        self.norm = norm

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(B, 3, H, W) -> (B, channels, h, w)."""
        return self.norm(self.body.forward_features(images))


class TokenMap(LastActivation):
    """A vision transformer of timm without its head, its patch tokens laid out as its patches."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(B, 3, H, W) -> (B, channels, H / patch, W / patch).

        Raises:
            InputError: The patches do not divide the image.
        """
        patch_px = self.body.patch_embed.patch_size[0]
        if any(side % patch_px for side in images.shape[2:]):
            raise InputError(
                f"patches of {patch_px} px do not divide images of {images.shape[-1]} px",
                "image.size_px",
                f"give a multiple of {patch_px}",
            )
        patches = super().forward(images)[:, self.body.num_prefix_tokens :]
        down, across = (side // patch_px for side in images.shape[2:])
        return patches.transpose(1, 2).unflatten(2, (down, across))


@functools.lru_cache
def find(name: str) -> Backbone:
    """The record of a backbone of timm.

    Args:
        name: Its name in timm, with or without the tag of its weights ("resnet50.a1_in1k").

    Raises:
        InputError: timm has no such network or weights, or its structure gives no map that adds up
            to the logit.
    """
    _check_name(name)
    with torch.device("meta"):  # its structure, without the numbers
        body = timm.create_model(name)
    family = FAMILIES.get(type(body).__name__)
    if family is None:
        raise InputError(
            f"timm's {name} is a {type(body).__name__}: where in the image its last positions lie,"
            " and that its logit is a sum over them, is not known",
            "model.backbone",
            f"name a network of timm's classes {', '.join(FAMILIES)}",
        )
    _check_path(name, body, family)
    facts = body.pretrained_cfg
    return Backbone(
        build=functools.partial(_build, name, family),
        channels=body.num_features,
        target_layer=family.target_layer,
        weights_url=timm_weights.address(facts),
        read_weights=functools.partial(_read_weights, name, family),
        colours=Colours(tuple(facts["mean"]), tuple(facts["std"])),
        licence=facts.get("license"),
        has_tokens=family.has_tokens,
    )


def _check_name(name: str) -> None:
    """Refuse what timm does not have: an architecture, or weights of that tag."""
    architecture, _, tag = name.partition(".")
    if timm.is_model(architecture) and (not tag or name in timm.list_pretrained(name)):
        return
    raise InputError(
        f"timm {timm.__version__} has no network {name!r}",
        "model.backbone",
        "name one that timm.list_models() or timm.list_pretrained() gives",
    )


def _check_path(name: str, body: nn.Module, family: Family) -> None:
    """Refuse a network whose layers do not stand one behind the other.

    Where they do, the strides multiply to the distance of the positions that timm tells.
    """
    strides = [
        module.stride if isinstance(module.stride, int) else module.stride[0]
        for place, module in body.named_modules()
        if isinstance(module, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d)
        and not set(place.split(".")) & set(family.shortcuts)
    ]
    if family.has_tokens:
        distance_px = body.patch_embed.patch_size[0]
    else:
        distance_px = body.feature_info[-1]["reduction"]
    if math.prod(strides) != distance_px:
        raise InputError(
            f"the layers of timm's {name} do not stand one behind the other: where its positions"
            f" lie is not known (strides of {math.prod(strides)} px, positions every"
            f" {distance_px} px)",
            "model.backbone",
            "name a plainer network of the same class",
        )


def _build(name: str, family: Family, settings: Model) -> LastActivation:
    """Features with random weights; epsilons of norms stay those that the weights are of."""
    features = _without_head(name, family, drop_path_rate=settings.drop_connect)
    for module in features.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = settings.batch_norm_momentum
    return features


def _read_weights(name: str, family: Family, weights: str) -> dict[str, torch.Tensor]:
    """State dict of the features: the published one, or that of a file."""
    with timm_weights.told(name, weights) as overlay:
        features = _without_head(name, family, pretrained=True, pretrained_cfg_overlay=overlay)
    return features.state_dict()


def _without_head(name: str, family: Family, **asked: object) -> LastActivation:
    if not family.has_tokens:
        return LastActivation(timm.create_model(name, **asked), family)
    # Position embeddings are interpolated to the image's own patches.
    return TokenMap(timm.create_model(name, dynamic_img_size=True, **asked), family)
