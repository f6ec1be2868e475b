"""Networks: one record per backbone, the heads, weights in and out.

A network is features -> mean over positions -> one linear unit (or one per class), so that a logit is exactly the bias
plus the mean over positions of sum_k w_k A_k (class activation mapping, Zhou et al. 2016).
"""

import logging
from pathlib import Path

import torch
from torch import nn

from urbancam.learning.backbones import find_backbone
from urbancam.learning.heads import find_head
from urbancam.learning.weight_files import load_pretrained, read_state
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import shown

log = logging.getLogger(__name__)


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
        load_pretrained(features, backbone, settings.weights)
    elif pretrained:
        log.info("starts from random weights")
    network = Network(
        features, backbone.channels, find_head(settings.head, outputs).outputs, settings.dropout
    )
    return network.to(memory_format=torch.channels_last)


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
