"""Networks: features, their mean over positions, one linear unit (or one per class).

A logit is thus exactly the bias plus the mean over positions of sum_k w_k A_k (class activation
mapping, Zhou et al. 2016).
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from urbancam.learning.inputs import datasets
from urbancam.learning.models.backbones import find_backbone
from urbancam.learning.models.heads import find_head
from urbancam.learning.models.weight_files import load_pretrained, read_state
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import display_path
from urbancam.workflow.settings.sections import Model


class Network(nn.Module):
    """Features -> mean over positions -> dropout -> linear.

    Args:
        features: Module, (B, 3, H, W) -> (B, channels, h, w).
        channels: Number of channels of the features.
        outputs: 1 (binomial head), or one per class (softmax head).
        dropout: Share of channels dropped before the linear unit, 0..1.
        colours: Mean and std that the features' published weights were trained with.
    """

    def __init__(
        self,
        features: nn.Module,
        channels: int,
        outputs: int,
        dropout: float,
        colours: datasets.Colours = datasets.IMAGENET,
    ) -> None:
        super().__init__()
        self.colours = colours
        self.features = features
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(channels, outputs)
        # Glorot, zero bias (published)
        nn.init.xavier_uniform_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def normalised(self, pixels: torch.Tensor, method: str) -> torch.Tensor:
        """(B, 3, H, W) pixel values 0..255 as the network gets them, by `image.normalise`."""
        return datasets.normalise(pixels, method, self.colours)

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        """(B, 3, H, W) normalised images -> (B, channels), the features' mean over positions."""
        return self.features(images).mean((2, 3))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(B, 3, H, W) normalised images -> (B, outputs)."""
        embeddings = self.embed(images)
        return self.linear(self.dropout(embeddings))


def build(settings: Model, pretrained: bool = True, outputs: int | None = None) -> Network:
    """A network as section `model` of the settings asks.

    Weights that are not pre-trained are drawn from torch's seed.

    Args:
        settings: Section `model`.
        pretrained: Whether to start from the weights that the settings name.
        outputs: Number of outputs of the linear unit, one per class; None: as the head has for the
            income classes.

    Raises:
        InputError: The backbone is unknown, or the weights cannot be had or do not fit.
    """
    backbone = find_backbone(settings.backbone)
    features = backbone.build(settings)
    if pretrained and settings.weights != "random":
        load_pretrained(features, backbone, settings.weights)
    head = find_head(settings.head, outputs)
    network = Network(features, backbone.channels, head.outputs, settings.dropout, backbone.colours)
    return network.to(memory_format=torch.channels_last)


def load(path: Path, settings: Model, outputs: int | None = None) -> Network:
    """A trained network, in evaluation mode.

    Args:
        path: File of its weights.
        settings: As for `build`.
        outputs: As for `build`.

    Raises:
        InputError: The weights cannot be read, or are of another network.
    """
    network = build(settings, pretrained=False, outputs=outputs)
    state = read_state(path, "weights of the fold")
    try:
        network.load_state_dict(state)
    except RuntimeError:
        raise InputError(
            "the weights do not fit the network of this run",
            display_path(path),
            "train the fold again",
        ) from None
    return network.eval()


def compiled(network: Network) -> Callable[[torch.Tensor], torch.Tensor]:
    """The network compiled (torch.compile, inductor).

    Parameters, buffers and mode stay the network's own.

    Raises:
        InputError: The machine has no C compiler.
    """
    if not any(map(shutil.which, ("cc", "gcc", "clang"))):
        raise InputError(
            "torch.compile needs a C compiler, and there is none",
            "training.compile",
            "install gcc, or use --set training.compile=false",
        )
    return torch.compile(network)


def find_device(name: str) -> torch.device:
    """The device to compute on; float32 is float32 on it.

    GPUs round the inputs of a float32 convolution to TF32, 10 bits of mantissa, unless they are
    told not to. What is scored and mapped is computed in float32; training asks for bfloat16
    itself (training.py).

    Args:
        name: "cpu", "cuda", or "auto": a GPU where there is one.

    Raises:
        InputError: "cuda" is asked for where there is none.
    """
    has_gpu = torch.cuda.is_available()
    if name == "cuda" and not has_gpu:
        lacks = "" if torch.version.cuda else "install torch with CUDA (TORCH=gpu ./run.sh), or "
        raise InputError(
            "no CUDA device can be used", "--device cuda", f"{lacks}use --device cpu or auto"
        )
    torch.backends.cudnn.allow_tf32 = False
    if name == "auto":
        name = "cuda" if has_gpu else "cpu"
    return torch.device(name)
