"""Weights on disk: read without unpickling code, written whole, downloaded with a hash checked."""

import io
import pickle
import sys
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch
from torch import nn

from urbancam.learning.models.backbone import Backbone
from urbancam.workflow.errors import InputError
from urbancam.workflow.files import atomic
from urbancam.workflow.paths import ROOT, display_path
from urbancam.workflow.settings.backbone_names import PRETRAINED

# What `torch.load` raises on a damaged file, or on one with code in it
READING_ERRORS = (
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    KeyError,
    pickle.UnpicklingError,
)


def load_pretrained(features: nn.Module, backbone: Backbone, weights: str) -> None:
    """Fill the features with pre-trained weights.

    Args:
        features: Module of the backbone.
        backbone: Its record.
        weights: "pretrained" (downloaded), or a file, relative to the repository.

    Raises:
        InputError: The weights cannot be had, or are of another backbone.
    """
    if backbone.read_weights:
        state = backbone.read_weights(weights)
    elif weights == PRETRAINED:
        state = _download(backbone.weights_url)
    else:
        state = read_state(ROOT / weights, "model.weights")
    tensors = features.state_dict()
    missing = tensors.keys() - state.keys()
    of_other_shape = [
        name for name in tensors.keys() - missing if state[name].shape != tensors[name].shape
    ]
    if missing or of_other_shape:
        raise InputError(
            f"these weights are not of this backbone: {len(missing)} tensors missing, "
            f"{len(of_other_shape)} of another shape",
            f"model.weights {weights}",
            "name a state dict of the backbone, or use model.weights=random",
        )
    features.load_state_dict({name: state[name] for name in tensors})


def _download(url: str) -> dict[str, torch.Tensor]:
    try:
        return torch.hub.load_state_dict_from_url(
            url,
            map_location="cpu",
            check_hash=True,
            weights_only=True,
            progress=sys.stderr.isatty(),
        )
    except (URLError, RuntimeError, OSError) as error:
        raise InputError(
            f"the published weights cannot be had: {error}",
            url,
            f"fetch that file by hand and put it into {torch.hub.get_dir()}/checkpoints, "
            "or name it with --set model.weights=FILE, or use model.weights=random",
        ) from None


def read_state(
    path: Path,
    where: str,
    do: str = "delete the file and train the fold again",
) -> dict[str, torch.Tensor]:
    """A state dict from a file, without unpickling code.

    Args:
        path: The file.
        where: What names the file, for the message.
        do: What to do about a file that cannot be read, for the message.

    Raises:
        InputError: The file is missing, damaged, or holds no state dict.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise InputError(
            f"there is no file {display_path(path)}",
            where,
            "name a file of weights",
        ) from None
    except READING_ERRORS as error:
        reason = str(error) or "the file is empty"
        raise InputError(
            f"the weights cannot be read: {reason.splitlines()[0]}",
            display_path(path),
            do,
        ) from None
    if not isinstance(state, dict):
        raise InputError(
            "the file holds no state dict",
            display_path(path),
            "save one with model.state_dict()",
        )
    return state


def save(content: dict[str, Any], path: Path) -> None:
    """Write a state dict or checkpoint, atomically.

    A full disk is an OSError here, which torch's own writer hides.
    """
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with atomic(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())
