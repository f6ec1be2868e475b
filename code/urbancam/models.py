"""Networks: one record per backbone, the heads, weights in and out.

A network is features -> mean over positions -> one linear unit (or one per class), so that a logit is exactly the bias
plus the mean over positions of sum_k w_k A_k (class activation mapping, Zhou et al. 2016).
"""

import io
import logging
import math
import pickle
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch
import torchvision
from efficientnet_pytorch import EfficientNet
from efficientnet_pytorch.utils import url_map
from torch import nn
from torch.nn import functional as F

from urbancam.errors import InputError
from urbancam.paths import ROOT, shown
from urbancam.records import atomic

log = logging.getLogger(__name__)

CLASSES = 5  # quintiles of income, 0 poorest .. 4
_LOG_CHOOSE = [math.log(math.comb(CLASSES - 1, k)) for k in range(CLASSES)]


# ---- the ordinal head: y_k = C(4,k) p^k (1-p)^(4-k), p = sigmoid(logit); always computed from the logit


def binomial_log_probabilities(logit: torch.Tensor) -> torch.Tensor:
    """log y_k of the binomial head.

    Args:
        logit: (N,) or (N, 1).

    Returns:
        (N, 5) float, finite for any finite logit.
    """
    logit = logit.reshape(-1, 1)
    k = torch.arange(CLASSES, device=logit.device, dtype=logit.dtype)
    choose = torch.tensor(_LOG_CHOOSE, device=logit.device, dtype=logit.dtype)
    return choose + k * F.logsigmoid(logit) + (CLASSES - 1 - k) * F.logsigmoid(-logit)


def binomial_loss(logit: torch.Tensor, classes: torch.Tensor, reduction: str = "mean") -> torch.Tensor:
    """Cross-entropy of the binomial head: -log y_k = 4 BCE(p, k/4) - log C(4,k).

    Args:
        logit: (N, 1).
        classes: (N,) int64, 0..4.
        reduction: "mean", or "none" for the (N,) losses, as PyTorch's own losses take it.
    """
    share = classes.to(logit.dtype) / (CLASSES - 1)
    choose = torch.tensor(_LOG_CHOOSE, device=logit.device, dtype=logit.dtype)[classes]
    crossentropy = F.binary_cross_entropy_with_logits(logit.reshape(-1), share, reduction="none")
    losses = (CLASSES - 1) * crossentropy - choose
    return losses.mean() if reduction == "mean" else losses


@dataclass(frozen=True)
class Head:
    """How outputs become classes. `log_probabilities`: (N, outputs) -> (N, classes); `loss` takes a `reduction`."""

    outputs: int
    log_probabilities: Callable[[torch.Tensor], torch.Tensor]
    loss: Callable[..., torch.Tensor]


def softmax_head(classes: int) -> Head:
    """One output per class."""
    return Head(classes, lambda out: F.log_softmax(out, 1), F.cross_entropy)


HEADS = {"binomial": Head(1, binomial_log_probabilities, binomial_loss), "softmax": softmax_head(CLASSES)}


def find_head(name: str, outputs: int | None = None) -> Head:
    """The head of a name, with its own number of outputs (None) or, for softmax, another.

    Raises:
        InputError: the binomial head with more than its one output.
    """
    if outputs in (None, HEADS[name].outputs):
        return HEADS[name]
    if name != "softmax":
        raise InputError(f"the {name} head has one output, not {outputs}", "model.head", "use model.head=softmax")
    return softmax_head(outputs)


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
            batch_norm_momentum=1 - settings.batch_norm_momentum,  # that package counts as TensorFlow does
            batch_norm_epsilon=settings.batch_norm_epsilon,
        )
        module.set_swish(memory_efficient=False)  # exact under autograd.grad, and PyTorch's own is as fast
        return module

    width = {"b0": 1280, "b1": 1280, "b2": 1408, "b3": 1536, "b4": 1792, "b5": 2048, "b6": 2304, "b7": 2560}
    return Backbone(build, width[name[-2:]], "_conv_head", url_map[name])  # before its batch norm and swish, published


def _resnet(name: str, channels: int) -> Backbone:
    def build(settings) -> nn.Module:
        norm = partial(nn.BatchNorm2d, eps=settings.batch_norm_epsilon, momentum=settings.batch_norm_momentum)
        whole = getattr(torchvision.models, name)(weights=None, norm_layer=norm)
        kept = ((part, child) for part, child in whole.named_children() if part not in ("avgpool", "fc"))
        return nn.Sequential(OrderedDict(kept))

    weights = torchvision.models.get_model_weights(name).IMAGENET1K_V1
    return Backbone(build, channels, "layer4", weights.url)


BACKBONES = {f"efficientnet-b{n}": _efficientnet(f"efficientnet-b{n}") for n in range(8)}
RESNET_CHANNELS = {"resnet18": 512, "resnet34": 512, "resnet50": 2048, "resnet101": 2048}  # of layer4 (He et al. 2016)
BACKBONES |= {name: _resnet(name, channels) for name, channels in RESNET_CHANNELS.items()}


class Network(nn.Module):
    """Features -> mean over positions -> dropout -> linear.

    Args:
        features: module, (B, 3, H, W) -> (B, channels, h, w).
        channels: of the features.
        outputs: 1 (binomial head), or one per class (softmax head).
        dropout: before the linear unit.
    """

    def __init__(self, features: nn.Module, channels: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.features = features
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(channels, outputs)
        nn.init.xavier_uniform_(self.linear.weight)  # Glorot, zero bias (published)
        nn.init.zeros_(self.linear.bias)

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        """(B, 3, H, W) normalised images -> (B, channels), the features' mean over positions."""
        return self.features(images).mean((2, 3))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(B, 3, H, W) normalised images -> (B, outputs)."""
        return self.linear(self.dropout(self.embed(images)))


def build(settings, pretrained: bool = True, outputs: int | None = None) -> Network:
    """A network as section `model` of the settings asks; weights drawn from torch's seed where not pre-trained.

    Args:
        settings: section `model`.
        pretrained: start from the weights that the settings name.
        outputs: of the linear unit, one per class; None: as the head has for the income classes.

    Raises:
        InputError: unknown backbone, or weights that cannot be had or do not fit.
    """
    backbone = find_backbone(settings.backbone)
    features = backbone.build(settings)
    if pretrained and settings.weights != "random":
        _load_pretrained(features, backbone, settings.weights)
    elif pretrained:
        log.info("starts from random weights")
    network = Network(features, backbone.channels, find_head(settings.head, outputs).outputs, settings.dropout)
    return network.to(memory_format=torch.channels_last)


def find_backbone(name: str) -> Backbone:
    """The record of a backbone.

    Raises:
        InputError: there is none of that name.
    """
    if name not in BACKBONES:
        raise InputError(f"there is no backbone {name!r}", "model.backbone", f"name one of {', '.join(BACKBONES)}")
    return BACKBONES[name]


def _load_pretrained(features: nn.Module, backbone: Backbone, weights: str) -> None:
    if weights == "imagenet":
        state = _download(backbone.weights_url)
    else:
        state = read_state(ROOT / weights, "model.weights")
    known = features.state_dict()
    missing = sorted(known.keys() - state.keys())
    wrong = [name for name, tensor in known.items() if name in state and state[name].shape != tensor.shape]
    if missing or wrong:
        raise InputError(
            f"these weights are not of this backbone: {len(missing)} tensors missing, {len(wrong)} of another shape",
            f"model.weights {weights}", "name a state dict of the backbone, or use model.weights=random",
        )  # fmt: skip
    features.load_state_dict({name: state[name] for name in known})
    log.info("starts from weights %s", weights)


def _download(url: str) -> dict[str, torch.Tensor]:
    try:
        return torch.hub.load_state_dict_from_url(url, map_location="cpu", check_hash=True, weights_only=True)
    except (URLError, RuntimeError, OSError) as error:
        raise InputError(
            f"the ImageNet weights cannot be had: {error}", url,
            "fetch that file by hand and name it with --set model.weights=FILE, or use model.weights=random",
        ) from None  # fmt: skip


def read_state(path: Path, where: str, do: str = "delete the file and train the fold again") -> dict[str, torch.Tensor]:
    """A state dict from a file, without unpickling code.

    Args:
        path: of the file.
        where: what names the file, for the message.
        do: what to do about a file that cannot be read, for the message.

    Raises:
        InputError: missing, damaged, or not a state dict.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise InputError(f"there is no file {shown(path)}", where, "name a file of weights") from None
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise InputError(
            f"the weights cannot be read: {(str(error) or 'the file is empty').splitlines()[0]}", shown(path), do,
        ) from None  # fmt: skip
    if not isinstance(state, dict):
        raise InputError("the file holds no state dict", shown(path), "save one with model.state_dict()")
    return state


def save(content: dict[str, Any], path: Path) -> None:
    """Write a state dict or checkpoint, atomically; a full disk is an OSError, which torch's own writer hides."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with atomic(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def load(path: Path, settings, outputs: int | None = None) -> Network:
    """A trained network, in evaluation mode; arguments as for `build`."""
    network = build(settings, pretrained=False, outputs=outputs)
    state = read_state(path, "weights of the fold")
    try:
        network.load_state_dict(state)
    except RuntimeError:
        raise InputError(
            "the weights do not fit the network of this run", shown(path), "train the fold again"
        ) from None
    return network.eval()


def find_device(name: str) -> torch.device:
    """The device to compute on; "auto" takes a GPU where there is one.

    Raises:
        InputError: "cuda" asked where there is none.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("no CUDA device can be used", "--device cuda", "use --device cpu or auto")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)
